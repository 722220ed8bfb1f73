//! Random change sets and random queries, answered by the backend and by the reference.
//!
//! The seed is fixed; a failure is shrunk and printed as the smallest input that shows it.

use super::bench::{Bench, project, set, text};
use super::query::requirements;
use super::sample;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use rtmx_core::{Body, CORE_COLUMNS, Change, Cx, Expect, Key, Kind, Revision};
use rtmx_storage::query::{Field, Filter, Items, RecordQuery, Sort};
use rtmx_storage::{FeedPosition, MemoryBackend, Query, StorageBackend, StorageBackendExt};
use std::collections::BTreeSet;

const CASES: u32 = 24;
/// So few ids that random sets meet.
const IDS: usize = 6;

/// One random write; what it expects is right unless `wrong`.
#[derive(Debug, Clone)]
struct Write {
    kind: Kind,
    id: usize,
    row: Option<usize>,
    wrong: bool,
}

/// One random change set.
#[derive(Debug, Clone)]
struct Step {
    writes: Vec<Write>,
    relies_on: Vec<Write>,
    /// Whether it is sent twice.
    retried: bool,
}

fn any_write() -> impl Strategy<Value = Write> {
    let kind = select(vec![Kind::Requirement, Kind::Requirement, Kind::RequirementText]);
    (kind, 0..IDS, proptest::option::weighted(0.8, 0..40_usize), proptest::bool::weighted(0.08))
        .prop_map(|(kind, id, row, wrong)| Write { kind, id, row, wrong })
}

fn any_step() -> impl Strategy<Value = Step> {
    (vec(any_write(), 1..6), vec(any_write(), 0..3), any::<bool>())
        .prop_map(|(writes, relies_on, retried)| Step { writes, relies_on, retried })
}

fn any_query() -> impl Strategy<Value = RecordQuery> {
    let mut fields: Vec<Field> = CORE_COLUMNS.into_iter().map(Field::Core).collect();
    fields.extend(["Team", "nobody's"].map(|name| Field::Extra(name.into())));
    let values = [
        "",
        "safety",
        "SAFETY",
        "größe",
        "PERF",
        "COMPLETE",
        "missing",
        "done",
        "p0",
        "HIGH",
        "1",
        "10",
        "0.5",
        "12",
        "bob",
        "_%",
        "red",
        "BLUE",
        "REQ-SEC-003",
        "req-io-001",
        "ENCRYPTION_KEY",
    ];
    let words = [
        "encrypt", "Keep ", "req", "REQ-io", "sec ", "v1.2", "1", "data at", "naïve", "ẞ", "漢字", "perf",
        "bob", "-", "key",
    ];
    let filter = (select(fields.clone()), subsequence(values.to_vec(), 1..4)).prop_map(|(field, any_of)| {
        Filter { field, any_of: any_of.into_iter().map(str::to_owned).collect() }
    });
    let sort = (select(fields), any::<bool>()).prop_map(|(field, descending)| Sort { field, descending });
    let search =
        proptest::option::weighted(0.3, subsequence(words.to_vec(), 1..3).prop_map(|words| words.join(" ")));
    (vec(filter, 0..3), search, vec(sort, 0..4), 1..20_usize).prop_map(|(filters, search, sort, limit)| {
        RecordQuery { filters, search, sort, limit, count: true, ..requirements() }
    })
}

/// Runs a property whose body is asynchronous.
fn hold<S: Strategy>(inputs: &S, law: impl AsyncFn(S::Value) -> Result<(), TestCaseError>) {
    let config =
        Config { cases: CASES, failure_persistence: None, max_shrink_iters: 64, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let here = tokio::runtime::Handle::current();
    let outcome = tokio::task::block_in_place(|| runner.run(inputs, |input| here.block_on(law(input))));
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

pub(super) async fn random_changes_match_the_reference(bench: Bench) {
    hold(&vec(any_step(), 1..25), async |steps: Vec<Step>| {
        let (bench, reference) = (bench.another().await, sample::empty_reference().await);
        for step in &steps {
            let set = concrete(&reference, step).await;
            for _ in 0..if step.retried { 2 } else { 1 } {
                let wanted = reference.apply(&Cx::new(), &set).await;
                let wanted =
                    wanted.map(|applied| (applied.revision, applied.replayed)).map_err(|error| error.code());
                let found = bench.apply(&set).await;
                let found =
                    found.map(|applied| (applied.revision, applied.replayed)).map_err(|error| error.code());
                prop_assert_eq!(found, wanted, "{:?}", set);
            }
        }
        let wanted = everything(&reference).await;
        prop_assert_eq!(everything(bench.db()).await, wanted);
        bench.db().close(&bench.cx).await.expect("an open database can be closed");
        Ok(())
    });
}

/// The change set that a step stands for, as things are in the reference.
async fn concrete(reference: &MemoryBackend, step: &Step) -> rtmx_core::ChangeSet {
    let mut changes: Vec<Change> = Vec::new();
    let mut touched = BTreeSet::new();
    for write in &step.writes {
        let key = Key::new(write.kind, format!("id {}", write.id));
        if !touched.insert(key.clone()) {
            continue;
        }
        let expect = expectation(reference, &key, write.wrong).await;
        let put = write.row.map(|row| match write.kind {
            Kind::Requirement => Body::Requirement(sample::row(row).1),
            _ => text(&row.to_string()),
        });
        if put.is_some() || expect != Expect::Absent {
            changes.push(Change { key, expect, put });
        }
    }
    let mut set = set(changes);
    for relied_on in &step.relies_on {
        let key = Key::new(relied_on.kind, format!("id {}", relied_on.id));
        let expect = expectation(reference, &key, relied_on.wrong).await;
        set.relies_on.push((key, expect));
    }
    set
}

async fn expectation(reference: &MemoryBackend, key: &Key, wrong: bool) -> Expect {
    let found = reference.find(&Cx::new(), &project(), key).await.expect("the reference answers");
    match (found, wrong) {
        (Some(record), false) => Expect::At(record.revision),
        (Some(record), true) if record.revision.0 % 2 == 0 => Expect::At(record.revision.next()),
        (None, true) => Expect::At(Revision(1)),
        (Some(_), true) | (None, false) => Expect::Absent,
    }
}

/// What a database holds, as far as the random change sets reach.
async fn everything(db: &dyn StorageBackend) -> Vec<String> {
    let (cx, space) = (Cx::new(), project());
    let feed = db.changes(&cx, &space, FeedPosition::START, 1_000, None).await.expect("it has a feed");
    let head = feed.head.revision;
    let mut seen: Vec<String> = feed.events.iter().map(|event| format!("{event:?}")).collect();
    let mut queries = vec![Query::History { space: space.clone(), key: None, before: None, limit: 1_000 }];
    for kind in [Kind::Requirement, Kind::RequirementText] {
        queries.push(Query::Records(RecordQuery::all(space.clone(), kind)));
        queries.extend((0..=head.0).map(Revision).map(|at| {
            let space = space.clone();
            Query::AsOf { space, kind, at, ids: None, after: None, limit: 1_000 }
        }));
    }
    for query in queries {
        let page = db.fetch(&cx, &query).await.expect("it answers");
        seen.push(format!("{query:?} {} {:?}", page.head.revision, page.items));
    }
    let tally = db.fetch(&cx, &Query::Tally { space }).await.expect("it answers");
    let mut rows: Vec<String> = tally.into_tally().iter().map(|row| format!("{row:?}")).collect();
    rows.sort();
    seen.extend(rows);
    seen
}

pub(super) async fn random_queries_match_the_reference(bench: Bench) {
    hold(
        &(vec(0..120_usize, 1..50), vec(any_query(), 12)),
        async |(rows, queries): (Vec<usize>, Vec<RecordQuery>)| {
            let (bench, reference) = (bench.another().await, sample::empty_reference().await);
            let rows: BTreeSet<usize> = rows.into_iter().collect();
            let set = set(rows.into_iter().flat_map(|row| sample::create_rows(row..row + 1)).collect());
            bench.apply(&set).await.expect("the rows fit");
            reference.apply(&Cx::new(), &set).await.expect("the rows fit");
            for query in queries {
                let wanted = pages(&reference, &query).await;
                prop_assert_eq!(pages(bench.db(), &query).await, wanted, "{:?}", query);
            }
            bench.db().close(&bench.cx).await.expect("an open database can be closed");
            Ok(())
        },
    );
}

/// The pages of a query, as ids and revisions, with the count of each.
async fn pages(db: &dyn StorageBackend, query: &RecordQuery) -> Vec<(Option<u64>, Vec<(String, Revision)>)> {
    let (mut pages, mut query) = (Vec::new(), query.clone());
    loop {
        let page =
            db.fetch(&Cx::new(), &Query::Records(query.clone())).await.expect("a valid query is answered");
        let Items::Records(records) = page.items else { panic!("records were asked for") };
        pages.push((page.total, records.into_iter().map(|record| (record.id, record.revision)).collect()));
        query.cursor = page.next;
        if query.cursor.is_none() || pages.len() > 1_000 {
            return pages;
        }
    }
}
