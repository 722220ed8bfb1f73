//! Measures the analyses on a matrix file: `cargo run --release -p rtmx-core --example trace_figures -- FILE.csv`.
//!
//! It reads well-formed files of the generator only; the importer is elsewhere. Without a file it makes a
//! matrix of 100,000 rows and a million edges by itself.

#![allow(clippy::print_stdout, reason = "a measurement is printed")]
#![allow(
    clippy::disallowed_methods,
    reason = "an example stands outside the crate: it reads a file and the clock"
)]

use rtmx_core::trace::{BacklogQuery, GapQuery, Matrix};
use rtmx_core::{Effort, Priority, Requirement, Status};
use std::collections::BTreeSet;
use std::time::Instant;

type Rows = Vec<(String, Requirement)>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows = match std::env::args().nth(1) {
        Some(file) => read(&file)?,
        None => dense(100_000, 10),
    };
    let before = resident_kib();
    let start = Instant::now();
    let mut matrix = Matrix::new();
    for (id, row) in &rows {
        matrix.upsert(id, row);
    }
    println!("build          {:>9.1} ms  {} rows", ms(start), matrix.len());
    if let (Some(before), Some(after)) = (before, resident_kib()) {
        println!(
            "memory         {:>9.1} bytes a row",
            (after - before) as f64 * 1024.0 / matrix.len() as f64
        );
    }
    let hub =
        rows.iter().map(|(id, _)| id).max_by_key(|id| matrix.dependents(id).len()).ok_or("no rows")?.clone();
    let gaps = || matrix.gaps(&GapQuery { limit: Some(50), ..GapQuery::default() }).total;
    measure("gaps, cold", gaps);
    measure("gaps, warm", gaps);
    measure("gaps, last page", || {
        let last = GapQuery { offset: matrix.len() * 9 / 10, limit: Some(50), ..GapQuery::default() };
        matrix.gaps(&last).gaps.len()
    });
    measure("gaps, search", || {
        matrix.gaps(&GapQuery { search: Some("000 shall".into()), ..GapQuery::default() }).total
    });
    measure("cycles, cold", || matrix.cycles().count);
    measure("cycles, warm", || matrix.cycles().count);
    measure("critical, cold", || matrix.critical_path().total);
    measure("critical, warm", || matrix.critical_path().total);
    measure("backlog", || {
        matrix.backlog(&BacklogQuery { limit: Some(50), ..BacklogQuery::default() }).summary.total_incomplete
    });
    measure("impact of hub", || matrix.impact(&hub).map_or(0, |impact| impact.transitive_downstream_count));
    measure("next", || matrix.next(20).web_count);
    measure("layers", || matrix.layers().count);
    measure("health", || matrix.health().summary.passed);
    measure("completion", || matrix.completion().categories.len());
    measure("file order", || matrix.in_file_order().len());
    let dependencies = BTreeSet::from([hub.clone()]);
    measure("closes_cycle", || matrix.closes_cycle(&rows[0].0, &dependencies).map_or(0, |path| path.len()));
    let start = Instant::now();
    let snapshot = matrix.clone();
    println!("clone          {:>9.1} ms", ms(start));
    let (id, row) = &rows[rows.len() / 2];
    let edited = Requirement { status: Status::Partial.into(), ..row.clone() };
    let start = Instant::now();
    matrix.upsert(id, &edited);
    println!("edit           {:>9.3} ms", ms(start));
    measure("backlog, edited", || matrix.backlog(&BacklogQuery::default()).summary.partial);
    drop(snapshot);
    Ok(())
}

fn measure<T: std::fmt::Display>(name: &str, work: impl FnOnce() -> T) {
    let start = Instant::now();
    let answer = work();
    println!("{name:<15}{:>9.1} ms  {answer}", ms(start));
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}

fn read(file: &str) -> Result<Rows, Box<dyn std::error::Error>> {
    let mut reader = csv::Reader::from_path(file)?;
    let header = reader.headers()?.clone();
    let mut rows = Rows::new();
    for (record, rank) in reader.records().zip(0..) {
        let record = record?;
        let field = |name| {
            header.iter().position(|column| column == name).and_then(|at| record.get(at)).unwrap_or("")
        };
        let ids = |name| {
            field(name).split('|').filter(|id| !id.is_empty()).map(str::to_owned).collect::<BTreeSet<_>>()
        };
        let mut row = Requirement {
            category: field("category").into(),
            subcategory: field("subcategory").into(),
            requirement_text: field("requirement_text").into(),
            test_module: field("test_module").into(),
            test_function: field("test_function").into(),
            status: Status::parse(field("status")).unwrap_or_default().into(),
            priority: Priority::parse(field("priority")).unwrap_or_default().into(),
            phase: field("phase").parse().ok().into(),
            effort_weeks: field("effort_weeks").parse().ok().and_then(Effort::from_weeks).into(),
            dependencies: ids("dependencies").into(),
            blocks: ids("blocks").into(),
            assignee: field("assignee").into(),
            sprint: field("sprint").into(),
            external_id: field("external_id").into(),
            ..Requirement::default()
        };
        row.placement.rank = Some(rank);
        rows.push((field("req_id").into(), row));
    }
    Ok(rows)
}

/// Rows that each depend on `edges` earlier ones, spread over all of them.
fn dense(count: usize, edges: usize) -> Rows {
    let id = |n: usize| format!("REQ-{n:06}");
    let earlier =
        |n: usize, edge: usize| (n.wrapping_mul(2_654_435_761).wrapping_add(edge.wrapping_mul(40_503))) % n;
    let row = |n: usize| Requirement {
        category: "CAT".into(),
        requirement_text: "The system shall answer.".into(),
        dependencies: (0..edges.min(n)).map(|edge| id(earlier(n, edge))).collect::<BTreeSet<_>>().into(),
        ..Requirement::default()
    };
    (0..count).map(|n| (id(n), row(n))).collect()
}
