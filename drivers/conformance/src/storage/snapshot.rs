//! A backup while writers go on: it shows all spaces as they were at one moment.

use super::bench::{Bench, create, project, set, text, text_key};
use super::{history, sample};
use rtmx_core::{Body, Change, ChangeSet, Cx, Kind, Revision, Space};
use rtmx_storage::query::RecordQuery;
use rtmx_storage::{FeedPosition, Query, StorageBackend, StorageBackendExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{RwLock, watch};
use tokio::task::JoinSet;

const WRITERS: usize = 3;
/// Enough records that a backup takes longer than a write.
const RECORDS: usize = 400;
/// How many backups are looked at, each of which was made while others wrote.
const ARCHIVES: usize = 3;
/// So many backups without a write beside them mean that the case itself broke.
const ATTEMPTS: usize = 50;

/// What holds the writers back, and what they have done.
struct Traffic {
    /// They write only while nobody has it for himself.
    gate: Arc<RwLock<()>>,
    is_over: AtomicBool,
    acknowledged: watch::Sender<u64>,
}

fn elsewhere() -> Space {
    Space::Project("elsewhere".into())
}

fn counter(writer: usize) -> String {
    format!("counter {writer}")
}

/// Counts up in records of its own; the first writer counts in another space afterwards, too.
async fn count_up(db: Arc<dyn StorageBackend>, writer: usize, traffic: Arc<Traffic>) {
    let cx = Cx::new();
    let (mut here, mut there) = (Revision(1), Revision(1));
    for number in 1..=usize::MAX {
        let _open = traffic.gate.read().await;
        if traffic.is_over.load(Ordering::Acquire) {
            return;
        }
        let count = text(&number.to_string());
        let row = Body::Requirement(sample::row(number % RECORDS).1);
        let changes = vec![
            Change::replace(counter(writer), here, count.clone()),
            Change::replace(sample::row_id(writer), here, row),
        ];
        here = db.apply(&cx, &set(changes)).await.expect("nobody else writes these").revision;
        if writer == 0 {
            let changes = vec![Change::replace(counter(writer), there, count)];
            let set = ChangeSet { space: elsewhere(), ..set(changes) };
            there = db.apply(&cx, &set).await.expect("nobody else writes these").revision;
        }
        traffic.acknowledged.send_modify(|count| *count += 1);
    }
}

pub(super) async fn is_one_snapshot(bench: Bench) {
    let counters = (0..WRITERS).map(|writer| create(&counter(writer), "0"));
    bench.put(sample::create_rows(0..RECORDS).into_iter().chain(counters).collect()).await;
    let first = ChangeSet { space: elsewhere(), ..set(vec![create(&counter(0), "0")]) };
    bench.apply(&first).await.expect("the space is empty");

    let gate = Arc::new(RwLock::new(()));
    let traffic = Arc::new(Traffic {
        gate: Arc::clone(&gate),
        is_over: AtomicBool::new(false),
        acknowledged: watch::Sender::new(0),
    });
    let mut closed = Arc::clone(&gate).write_owned().await;
    let mut writers: JoinSet<()> =
        (0..WRITERS).map(|writer| count_up(bench.share(), writer, Arc::clone(&traffic))).collect();
    let mut archives = Vec::new();
    for attempt in 0..ATTEMPTS {
        let mut acknowledged = traffic.acknowledged.subscribe();
        drop(closed);
        tokio::select! {
            changed = acknowledged.changed() => changed.expect("the sender is ours"),
            Some(ended) = writers.join_next() => panic!("a writer has ended: {ended:?}"),
        }
        let before = *acknowledged.borrow_and_update();
        let archive = bench.path(&format!("archive {attempt}"));
        let report = bench.db().back_up(&bench.cx, &archive).await.expect("a backup is made");
        let meanwhile = *acknowledged.borrow() - before;
        closed = Arc::clone(&gate).write_owned().await;
        if meanwhile > 0 {
            archives.push((archive, report));
        }
        if archives.len() == ARCHIVES {
            break;
        }
    }
    traffic.is_over.store(true, Ordering::Release);
    drop(closed);
    while let Some(ended) = writers.join_next().await {
        ended.expect("no panic");
    }
    assert_eq!(archives.len(), ARCHIVES, "backups were made while others wrote");

    for (archive, report) in archives {
        let other = bench.another().await;
        let restored = other.db().restore(&other.cx, &archive).await.expect("it is restored");
        assert_eq!(restored, report, "both ends tell the same");
        for space in [project(), elsewhere()] {
            is_as_of_its_head(&bench, &other, &space).await;
        }
        history::recount(&other).await;
        let (here, there) = (count(&other, &project()).await, count(&other, &elsewhere()).await);
        assert!(here == there || here == there + 1, "one space is of {here}, the other of {there}");
    }
}

/// The restored space is what the written one was at that revision.
async fn is_as_of_its_head(written: &Bench, restored: &Bench, space: &Space) {
    let at = restored.db().head(&restored.cx, space).await.expect("it has a head").revision;
    for kind in Kind::ALL {
        let (space, ids, after) = (space.clone(), None, None);
        let found = restored.fetch(&Query::Records(RecordQuery::all(space.clone(), kind))).await;
        let wanted = written.fetch(&Query::AsOf { space, kind, at, ids, after, limit: 1_000 }).await;
        assert_eq!(found.into_records(), wanted.into_records(), "{kind} at {at}");
    }
    assert_eq!(told(restored.db(), space, at).await, told(written.db(), space, at).await, "up to {at}");
}

/// The feed of a space up to a revision.
async fn told(db: &dyn StorageBackend, space: &Space, to: Revision) -> Vec<String> {
    let (cx, mut after, mut told) = (Cx::new(), FeedPosition::START, Vec::new());
    loop {
        let feed = db.changes(&cx, space, after, 1_000, None).await.expect("it has a feed");
        let events = feed.events.iter().filter(|event| event.revision <= to);
        told.extend(events.map(|event| format!("{event:?}")));
        if feed.events.is_empty() || feed.next.revision > to {
            return told;
        }
        after = feed.next;
    }
}

/// How far the first writer had counted in a space.
async fn count(bench: &Bench, space: &Space) -> u64 {
    let found = bench.db().get(&bench.cx, space, &text_key(&counter(0))).await.expect("the counters stay");
    let Body::RequirementText(body) = found.body else { panic!("a counter is a text") };
    body.markdown.parse().expect("a counter is a number")
}
