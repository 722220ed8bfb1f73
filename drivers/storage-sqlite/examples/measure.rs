//! Measures the driver on a matrix of many requirements: `measure ROWS [FOLDER]`.
//!
//! Prints one line for each operation: how often it ran, its median and its slowest time. The
//! targets are in the handbook; here is only the measurement, so that it can be repeated.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement talks and stops at the first surprise"
)]

use rtmx_core::{
    Body, Change, ChangeSet, ChangeSetId, Column, Cx, Key, Kind, Priority, Registry, Requirement, Revision,
    Space, Status, Timestamp,
};
use rtmx_storage::query::{Field, Filter, RecordQuery, Sort};
use rtmx_storage::{FeedPosition, MigrationPlan, Query, Storage, StorageBackend};
use std::time::{Duration, Instant};

const CATEGORIES: [&str; 12] =
    ["AUTH", "API", "UI", "DATA", "SYNC", "AUDIT", "PERF", "SEC", "NET", "STORE", "GRAPH", "CLI"];
const VERBS: [&str; 12] = [
    "accept",
    "reject",
    "persist",
    "encrypt",
    "display",
    "export",
    "validate",
    "replicate",
    "throttle",
    "restore",
    "index",
    "notify",
];
const NOUNS: [&str; 8] = [
    "requirement records",
    "session tokens",
    "audit entries",
    "telemetry frames",
    "user profiles",
    "backup sets",
    "sensor readings",
    "license keys",
];

fn requirement(n: usize) -> (String, Requirement) {
    let category = CATEGORIES[n % CATEGORIES.len()];
    let id = format!("REQ-{category}-{n:06}");
    let text = format!(
        "The system shall {} {} number {n} within 200 ms at the 95th percentile",
        VERBS[n / 7 % VERBS.len()],
        NOUNS[n / 11 % NOUNS.len()]
    );
    let mut requirement = Requirement {
        category: category.into(),
        subcategory: "CORE".into(),
        requirement_text: text,
        target_value: "200 ms".into(),
        test_module: format!("tests/test_{}.py", category.to_lowercase()),
        test_function: format!("test_case_{n}"),
        validation_method: "Integration Test".into(),
        status: Status::ALL[n % 4].into(),
        priority: Priority::ALL[n / 3 % 4].into(),
        phase: Some(u32::try_from(n % 20).unwrap() + 1).into(),
        notes: "Derived from the interface document".into(),
        assignee: ["alice", "bob", "carol", ""][n % 4].into(),
        sprint: format!("v0.{}", n % 9),
        requirement_file: format!("rtm/requirements/{category}/{id}.md"),
        ..Requirement::default()
    };
    if n > 20 {
        requirement.dependencies.value = [format!("REQ-{}-{:06}", CATEGORIES[(n - 13) % 12], n - 13)].into();
    }
    requirement.placement.rank = Some(n as i64);
    (id, requirement)
}

struct Times(&'static str, Vec<Duration>);

impl Times {
    fn print(mut self) {
        self.1.sort();
        let (median, slowest) = (self.1[self.1.len() / 2], self.1[self.1.len() - 1]);
        println!(
            "{:<44} {:>4} times, median {median:>10.2?}, slowest {slowest:>10.2?}",
            self.0,
            self.1.len()
        );
    }
}

fn set(number: u128, space: &Space, changes: Vec<Change>) -> ChangeSet {
    let mut set = ChangeSet::new(
        ChangeSetId(uuid::Uuid::from_u128(number)),
        space.clone(),
        "ann",
        Timestamp::UNIX_EPOCH,
    );
    set.changes = changes;
    set
}

async fn pages(storage: &dyn StorageBackend, name: &'static str, query: RecordQuery) {
    let mut times = Times(name, Vec::new());
    let mut found = 0;
    for _ in 0..20 {
        let begun = Instant::now();
        let page = storage.fetch(&Cx::new(), &Query::Records(query.clone())).await.unwrap();
        times.1.push(begun.elapsed());
        found = page.into_records().len();
    }
    assert!(found > 0, "{name} finds nothing");
    times.print();
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let rows: usize = arguments.next().map_or(100_000, |rows| rows.parse().unwrap());
    let folder = tempfile::tempdir_in(arguments.next().unwrap_or_else(|| ".".into())).unwrap();
    let mut drivers = Registry::<Storage>::new();
    rtmx_storage_sqlite::register(&mut drivers).unwrap();
    let settings =
        serde_json::json!({"url": "sqlite:rtmx.db", "base": folder.path().canonicalize().unwrap()});
    let begun = Instant::now();
    let storage = drivers.by_scheme("sqlite").unwrap().open(&Cx::new(), settings.clone()).await.unwrap();
    storage.migrate(&Cx::new(), &MigrationPlan::Expand).await.unwrap();
    println!("open and migrate an empty database           {:.2?}", begun.elapsed());
    let (cx, space) = (Cx::new(), Space::Project("p".into()));

    let all =
        (0..rows).map(requirement).map(|(id, body)| Change::create(id, Body::Requirement(body))).collect();
    let import = set(1, &space, all);
    let begun = Instant::now();
    storage.apply(&cx, &import).await.unwrap();
    println!("import of {rows} requirements                {:.2?}", begun.elapsed());
    drop(import);
    let begun = Instant::now();
    storage
        .apply(&cx, &set(2, &space, vec![Change::create("AFTER-1", Body::Requirement(requirement(0).1))]))
        .await
        .unwrap();
    println!("the write behind it                          {:.2?}", begun.elapsed());

    let query = |limit| RecordQuery { limit, ..RecordQuery::all(space.clone(), Kind::Requirement) };
    let field = Field::Core;
    let filter = |column, value: &str| Filter { field: field(column), any_of: vec![value.into()] };
    let sort = |column, descending| vec![Sort { field: field(column), descending }];
    pages(&*storage, "list, 50", query(50)).await;
    pages(&*storage, "list, 1000", query(1000)).await;
    pages(&*storage, "list, 50, counted", RecordQuery { count: true, ..query(50) }).await;
    pages(
        &*storage,
        "status, 50",
        RecordQuery { filters: vec![filter(Column::Status, "missing")], ..query(50) },
    )
    .await;
    let both = vec![filter(Column::Status, "missing"), filter(Column::Category, "ui")];
    pages(
        &*storage,
        "status and category, 50, counted",
        RecordQuery { filters: both, count: true, ..query(50) },
    )
    .await;
    pages(&*storage, "by priority", RecordQuery { sort: sort(Column::Priority, false), ..query(50) }).await;
    pages(&*storage, "by phase, last first", RecordQuery { sort: sort(Column::Phase, true), ..query(50) })
        .await;
    pages(&*storage, "by category", RecordQuery { sort: sort(Column::Category, false), ..query(50) }).await;
    for (name, search) in [
        ("search one id", "REQ-AUTH-000012"),
        ("search a rare word", "number 4711 "),
        ("search two words", "encrypt tokens "),
        ("search a word of all", "shall "),
        ("search a beginning of all", "req-"),
        ("search a beginning", "encr"),
    ] {
        pages(&*storage, name, RecordQuery { search: Some(search.into()), ..query(50) }).await;
    }
    let filters = vec![filter(Column::Status, "missing"), filter(Column::Phase, "3")];
    let searched = RecordQuery { search: Some("encrypt tokens".into()), filters, ..query(50) };
    pages(&*storage, "search, status and phase", searched.clone()).await;
    pages(&*storage, "search, status and phase, counted", RecordQuery { count: true, ..searched }).await;
    pages(
        &*storage,
        "test function (not indexed)",
        RecordQuery { filters: vec![filter(Column::TestFunction, "test_case_99")], ..query(50) },
    )
    .await;

    let mut writes = Times("single write", Vec::new());
    for n in 0..50_u128 {
        let id = format!("AFTER-{}", n + 10);
        let change =
            set(n + 10, &space, vec![Change::create(id, Body::Requirement(requirement(n as usize).1))]);
        let begun = Instant::now();
        storage.apply(&cx, &change).await.unwrap();
        writes.1.push(begun.elapsed());
    }
    writes.print();
    let mut times = [
        Times("history of one", Vec::new()),
        Times("feed, 1000", Vec::new()),
        Times("as of, 1000", Vec::new()),
        Times("counts", Vec::new()),
        Times("head", Vec::new()),
    ];
    for n in 0..20 {
        let id = requirement(n * 100).0;
        let begun = Instant::now();
        let history = Query::History {
            space: space.clone(),
            key: Some(Key::new(Kind::Requirement, id)),
            before: None,
            limit: 50,
        };
        storage.fetch(&cx, &history).await.unwrap();
        times[0].1.push(begun.elapsed());
        let begun = Instant::now();
        storage.changes(&cx, &space, FeedPosition::START, 1000, None).await.unwrap();
        times[1].1.push(begun.elapsed());
        let begun = Instant::now();
        let ids = (0..1000).map(|m| requirement(m * rows / 1000).0).collect();
        let as_of = Query::AsOf {
            space: space.clone(),
            kind: Kind::Requirement,
            at: Revision(1),
            ids: Some(ids),
            after: None,
            limit: 1000,
        };
        storage.fetch(&cx, &as_of).await.unwrap();
        times[2].1.push(begun.elapsed());
        let begun = Instant::now();
        storage.fetch(&cx, &Query::Tally { space: space.clone() }).await.unwrap();
        times[3].1.push(begun.elapsed());
        let begun = Instant::now();
        storage.head(&cx, &space).await.unwrap();
        times[4].1.push(begun.elapsed());
    }
    times.into_iter().for_each(Times::print);

    let archive = folder.path().join("archive.jsonl");
    let begun = Instant::now();
    let report = storage.back_up(&cx, &archive).await.unwrap();
    println!(
        "back up, {:.0} MB                            {:.2?}",
        report.bytes as f64 / 1e6,
        begun.elapsed()
    );
    let begun = Instant::now();
    storage.close(&cx).await.unwrap();
    println!("close                                        {:.2?}", begun.elapsed());
    let file = folder.path().join("rtmx.db");
    println!(
        "database file                                {:.0} MB",
        file.metadata().unwrap().len() as f64 / 1e6
    );
    std::fs::write(folder.path().join("rtmx.lock"), "1\nopen\n").unwrap();
    let begun = Instant::now();
    let storage = drivers.by_scheme("sqlite").unwrap().open(&Cx::new(), settings).await.unwrap();
    println!("open after an unclean stop, with the check   {:.2?}", begun.elapsed());
    storage.close(&cx).await.unwrap();
    let settings = serde_json::json!({"url": "second.db", "base": folder.path().canonicalize().unwrap()});
    let second = drivers.by_scheme("sqlite").unwrap().open(&Cx::new(), settings).await.unwrap();
    second.migrate(&cx, &MigrationPlan::Expand).await.unwrap();
    let begun = Instant::now();
    second.restore(&cx, &archive).await.unwrap();
    println!("restore                                      {:.2?}", begun.elapsed());
    second.close(&cx).await.unwrap();
}
