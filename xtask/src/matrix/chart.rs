//! The cells of the chart: in each one it is installed on a cluster and used, by `tests/helm/cell.rs`.
//!
//! A cell waits for pods most of its time, so two go on at once. A short run has each value of every axis and
//! says which cells it left; every pair of values would be too long for it.

use super::axes::{CONFIGURATION, Cell, LICENSE, OF_THE_CHART, STORAGE, every, touching};
use super::table::{self, Row};
use super::{Counts, Databases};
use crate::Result;
use crate::suite::record::Record;
use crate::suite::{Binary, Filter, Outcome, build_some, run_binary};
use crate::workspace::Workspace;
use std::sync::Mutex;
use std::time::Duration;

const AT_ONCE: usize = 2;
/// Five times what a cell takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// Runs the cells on the cluster that the variables name, and prints their table.
///
/// # Errors
///
/// If something does not compile or cannot be started.
pub(crate) fn on_cluster(
    workspace: &Workspace,
    variables: &[(&'static str, String)],
    full: bool,
) -> Result<Counts> {
    let cells = if full { every(OF_THE_CHART) } else { touching(OF_THE_CHART) };
    Databases::ready(workspace)?;
    let binaries = build_some(&workspace.root, &[("rtmx", "helm")])?;
    let [binary] = &binaries[..] else { return Err("one test program was asked for".into()) };
    let waiting = Mutex::new(cells.iter().enumerate());
    let ended: Mutex<Vec<(usize, Result<Outcome>, String)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                // The lock is let go before the cell begins.
                let next = || waiting.lock().expect("nobody panics").next();
                while let Some((at, cell)) = next() {
                    let (outcome, version) = run(workspace, binary, at, cell, variables);
                    let took = outcome.as_ref().map_or(0, |outcome| outcome.took.as_secs());
                    println!("  {} helm, {took} s", cell.values.join(" "));
                    ended.lock().expect("nobody panics").push((at, outcome, version));
                }
            });
        }
    });
    let mut ended = ended.into_inner().expect("nobody panics");
    ended.sort_by_key(|(at, ..)| *at);
    let mut record = Record::read(workspace).unwrap_or_default();
    let mut rows = Vec::new();
    for (at, outcome, note) in ended {
        let outcome = outcome?;
        if let Some(trouble) = &outcome.trouble {
            println!("{trouble}");
        }
        record.add(binary, &outcome.tests);
        let counts = Counts::of(&outcome);
        rows.push(Row { cell: cells[at].clone(), suite: "helm", counts, took: outcome.took, note });
    }
    record.write(workspace)?;
    print!("\n{}", table::results(OF_THE_CHART, &rows));
    if !full {
        print!("{}", table::left(OF_THE_CHART, &cells));
    }
    Ok(rows.iter().fold(Counts::default(), |sum, row| sum.and(row.counts)))
}

/// One cell, and what its database called itself.
fn run(
    workspace: &Workspace,
    binary: &Binary,
    at: usize,
    cell: &Cell,
    variables: &[(&'static str, String)],
) -> (Result<Outcome>, String) {
    let value = |axis| cell.value(OF_THE_CHART, axis).unwrap_or_default().to_owned();
    let found = workspace.target.join(format!("matrix-chart-version-{at}"));
    let mut variables = variables.to_vec();
    variables.push(("RTMX_TEST_VERSION_OUT", found.display().to_string()));
    variables.push(("RTMX_TEST_STORAGE", value(STORAGE)));
    variables.push(("RTMX_TEST_LICENSE", value(LICENSE)));
    variables.push(("RTMX_TEST_CONFIG", value(CONFIGURATION)));
    let outcome = run_binary(binary, &Filter::default(), &variables, LIMIT);
    let version = std::fs::read_to_string(&found).map(|version| format!("PostgreSQL {version}"));
    // A cell without a database of its own has left none.
    let _ = std::fs::remove_file(&found);
    (outcome, version.unwrap_or_default())
}
