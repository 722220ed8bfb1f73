//! What the PostgreSQL driver costs beside the same work without it, in one run on one server.
//!
//! An import beside `COPY` of the same rows into the same tables and indexes, and one client's reads and
//! writes beside the same statements sent by sqlx alone; times of pages stand for themselves.
//! `RTMX_BENCH_ROWS` is the number of rows (100,000), `RTMX_BENCH_URL` a server that is there already, and
//! `RTMX_BENCH_OUT` a file that the figures are written into as JSON, for `cargo xtask bench`.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod raw;
mod writers;

use rtmx_containers::Postgres;
use rtmx_core::{Body, Change, ChangeSet, ChangeSetId, Cx, Kind, Registry, Revision, Space, Timestamp};
use rtmx_storage::query::{Field, Filter, RecordQuery, Sort};
use rtmx_storage::{MigrationPlan, Query, Storage, StorageBackend};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often one client does what is compared in a round, and how often a page is asked for.
const TURNS: usize = 1_000;
const PAGES: usize = 30;
/// Rounds of which the middle counts; we and the other take turns.
const ROUNDS: usize = 5;
/// A small import is over so soon that one says little.
const SMALL_IMPORT: usize = 20_000;

fn main() {
    let rows: usize = std::env::var("RTMX_BENCH_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let version = rtmx_containers::versions().expect("versions").last().copied().unwrap_or(18);
    let figures = match Postgres::available() {
        Err(reason) => json!({ "left_out": reason }),
        Ok(()) => {
            let start = || Postgres::options(version).setting("shared_buffers", "256MB").start();
            let server = std::env::var("RTMX_BENCH_URL").map_err(|_| start().expect("a server starts"));
            let url = server.as_ref().map_or_else(Postgres::url, Clone::clone);
            let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            threads.expect("a runtime").block_on(run(&url, rows))
        }
    };
    print(&figures);
    if let Ok(file) = std::env::var("RTMX_BENCH_OUT") {
        std::fs::write(&file, figures.to_string()).expect("the file can be written");
    }
}

fn print(figures: &Value) {
    if let Some(reason) = figures["left_out"].as_str() {
        println!("left out: {reason}");
    }
    for beside in figures["beside"].as_array().into_iter().flatten() {
        let ms = |name: &str| beside[name].as_f64().unwrap_or_default();
        let (ours, raw) = (ms("ours_ms"), ms("raw_ms"));
        let work = beside["work"].as_str().unwrap_or_default();
        println!(
            "{work:<28} {ours:>9.3} ms, without the driver {raw:>9.3} ms: {:.2} of its speed",
            raw / ours
        );
    }
    for page in figures["pages"].as_array().into_iter().flatten() {
        let (name, ms) = (page["name"].as_str().unwrap_or_default(), page["ms"].as_f64().unwrap_or_default());
        println!("{name:<28} {ms:>9.3} ms");
    }
}

fn id() -> ChangeSetId {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("randomness");
    ChangeSetId(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

fn space() -> Space {
    Space::Project("bench".into())
}

fn change_set(changes: Vec<Change>) -> ChangeSet {
    let mut set = ChangeSet::new(id(), space(), "bench", Timestamp::now());
    set.changes = changes;
    set
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The driver on a new schema.
async fn open(url: &str) -> Arc<dyn StorageBackend> {
    let mut drivers = Registry::<Storage>::new();
    rtmx_storage_postgres::register(&mut drivers).expect("one driver");
    let settings = json!({"url": url, "schema": raw::SCHEMA});
    let driver = drivers.by_scheme("postgres").expect("it is there");
    let storage = driver.open(&Cx::new(), settings).await.expect("it opens");
    storage.migrate(&Cx::new(), &MigrationPlan::Expand).await.expect("it migrates");
    storage
}

async fn run(url: &str, rows: usize) -> Value {
    let text = rtmx_bench::matrix::csv(rows);
    let parsed = rtmx_storage::csv::parse(text.as_bytes(), &rtmx_storage::csv::ParseOptions::default())
        .expect("a matrix");
    let changes: Vec<Change> =
        parsed.rows.into_iter().map(|(id, row)| Change::create(id, Body::Requirement(row))).collect();
    let ids: Vec<String> = changes.iter().map(|change| change.key.id.clone()).collect();
    let mut raw = raw::Raw::connect(url).await;
    let mut imports = Vec::new();
    let rounds = if rows <= SMALL_IMPORT { ROUNDS } else { 1 };
    let mut storage = open(url).await;
    for round in 0..rounds {
        if round > 0 {
            storage.close(&Cx::new()).await.expect("it closes");
            raw.drop_all().await;
            storage = open(url).await;
        }
        let set = change_set(changes.clone());
        let begun = Instant::now();
        storage.apply_owned(&Cx::new(), set).await.expect("it imports");
        imports.push((begun.elapsed(), raw.copy().await));
    }
    raw.settle().await;
    let version = raw.version().await;
    let mut beside = vec![middle("import", imports)];
    let mut pages = pages(&*storage).await;
    beside.extend(points(&storage, &mut raw, &ids).await);
    pages.extend(writers::figures(&storage, &mut raw, &ids).await);
    json!({ "version": version, "rows": rows, "beside": beside, "pages": pages })
}

/// The round whose ratio is the middle one.
fn middle(work: &str, mut rounds: Vec<(Duration, Duration)>) -> Value {
    let ratio = |(ours, raw): &(Duration, Duration)| ours.as_secs_f64() / raw.as_secs_f64();
    rounds.sort_by(|one, other| ratio(one).total_cmp(&ratio(other)));
    let (ours, raw) = rounds[rounds.len() / 2];
    json!({ "work": work, "ours_ms": ms(ours), "raw_ms": ms(raw) })
}

async fn time<T>(turns: usize, mut work: impl AsyncFnMut(usize) -> T) -> Duration {
    let mut each = Vec::with_capacity(turns);
    for turn in 0..turns {
        let begun = Instant::now();
        std::hint::black_box(work(turn).await);
        each.push(begun.elapsed());
    }
    each.sort();
    each[turns / 2]
}

async fn pages(storage: &dyn StorageBackend) -> Vec<Value> {
    let records = |change: &dyn Fn(&mut RecordQuery)| {
        let mut query = RecordQuery { limit: 50, ..RecordQuery::all(space(), Kind::Requirement) };
        change(&mut query);
        Query::Records(query)
    };
    let filtered = |column, value: &str| {
        records(&|query| {
            query.filters = vec![Filter { field: Field::Core(column), any_of: vec![value.into()] }];
        })
    };
    use rtmx_core::Column;
    let search = |text: &str| records(&|query| query.search = Some(text.into()));
    let questions = [
        ("first page of 50", records(&|_| {})),
        ("counted", records(&|query| query.count = true)),
        ("filter by status", filtered(Column::Status, "missing")),
        ("filter by category", filtered(Column::Category, "cli")),
        ("filter by phase", filtered(Column::Phase, "3")),
        ("filter by dependency", filtered(Column::Dependencies, "REQ-CLI-00015")),
        (
            "status and priority",
            records(&|query| {
                query.filters =
                    vec![Filter { field: Field::Core(Column::Status), any_of: vec!["missing".into()] }];
                query.sort = vec![Sort { field: Field::Core(Column::Priority), descending: false }];
            }),
        ),
        (
            "sort by notes",
            records(&|query| {
                query.sort = vec![Sort { field: Field::Core(Column::Notes), descending: false }];
            }),
        ),
        ("search, few hits", search("REQ-CLI-00015")),
        ("search, prefix, many", search("the cli sub")),
        ("search, every row", search("shall ")),
        (
            "search, every row, counted",
            records(&|query| {
                query.search = Some("shall ".into());
                query.count = true;
            }),
        ),
        ("tally", Query::Tally { space: space() }),
        (
            "history of one",
            Query::History {
                space: space(),
                key: Some(rtmx_core::Key::new(Kind::Requirement, "REQ-CLI-00015")),
                before: None,
                limit: 50,
            },
        ),
        (
            "as of",
            Query::AsOf {
                space: space(),
                kind: Kind::Requirement,
                at: Revision(1),
                ids: None,
                after: None,
                limit: 50,
            },
        ),
        ("1000 rows", records(&|query| query.limit = 1000)),
    ];
    let mut pages = Vec::new();
    for (name, query) in questions {
        let took = time(PAGES, async |_| storage.fetch(&Cx::new(), &query).await.expect("an answer")).await;
        pages.push(json!({ "name": name, "ms": ms(took) }));
    }
    let took = time(PAGES, async |_| storage.head(&Cx::new(), &space()).await.expect("a head")).await;
    pages.push(json!({ "name": "head", "ms": ms(took) }));
    pages
}

async fn points(storage: &Arc<dyn StorageBackend>, raw: &mut raw::Raw, ids: &[String]) -> [Value; 2] {
    let pick = |turn: usize| ids[turn * 7919 % ids.len()].clone();
    let found = async |id: String| {
        let query = Query::ids(space(), Kind::Requirement, [id]);
        storage.fetch(&Cx::new(), &query).await.expect("an answer").into_records()
    };
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let ours = time(TURNS, async |turn| found(pick(turn)).await).await;
        reads.push((ours, time(TURNS, async |turn| raw.read(&pick(turn)).await).await));
        let ours = time(TURNS / 4, async |turn| {
            let record = found(pick(turn)).await.pop().expect("it is there");
            let change = Change::replace(record.id, record.revision, record.body);
            storage.apply(&Cx::new(), &change_set(vec![change])).await.expect("it applies")
        })
        .await;
        writes.push((ours, time(TURNS / 4, async |turn| raw.write(&pick(turn)).await).await));
    }
    [middle("read of one", reads), middle("read and write of one", writes)]
}
