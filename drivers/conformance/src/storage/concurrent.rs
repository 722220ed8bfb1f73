//! Many writers at once: what they were told must be one story.

use super::bench::{Bench, create, project, set, text, text_key};
use super::sample;
use rtmx_core::{Applied, Change, ChangeSet, Kind, Revision, storage};
use rtmx_storage::query::RecordQuery;
use rtmx_storage::{Query, StorageBackend, StorageBackendExt};
use std::sync::Arc;
use tokio::sync::Barrier;

const WRITERS: usize = 4;
const WRITES: usize = 15;
const COUNTERS: usize = 3;

/// Counts one of the counters up until the store agrees; what was acknowledged.
///
/// All have read before the first writes, so that each round has one winner and the rest must retry.
async fn count_up(
    db: &dyn StorageBackend,
    counter: usize,
    writer: usize,
    all_have_read: &Barrier,
) -> (ChangeSet, Applied) {
    let (cx, id) = (rtmx_core::Cx::new(), format!("counter {counter}"));
    let mut first = true;
    loop {
        let found = db.get(&cx, &project(), &text_key(&id)).await.expect("the counters stay");
        let rtmx_core::Body::RequirementText(body) = found.body else { panic!("a counter is a text") };
        let count: u64 = body.markdown.parse().expect("a counter is a number");
        let change = Change::replace(&id, found.revision, text(&(count + 1).to_string()));
        let mut set = set(vec![change, create(&format!("note {counter} {}", count + 1), "n")]);
        set.actor = format!("writer {writer}");
        if std::mem::take(&mut first) {
            all_have_read.wait().await;
        }
        match db.apply(&cx, &set).await {
            Ok(applied) => return (set, applied),
            Err(refusal) => assert_eq!(refusal.code(), storage::STALE_REVISION, "the only way to lose"),
        }
    }
}

pub(super) async fn acknowledged_writes_have_one_order(bench: Bench) {
    let begin = set((0..COUNTERS).map(|counter| create(&format!("counter {counter}"), "0")).collect());
    let mut acknowledged = vec![(begin.clone(), bench.apply(&begin).await.expect("it fits"))];
    let barrier = Arc::new(Barrier::new(WRITERS));
    let writers = (0..WRITERS).map(|writer| {
        let (db, barrier) = (bench.share(), Arc::clone(&barrier));
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for n in 0..WRITES {
                acknowledged.push(count_up(&*db, n % COUNTERS, writer, &barrier).await);
            }
            acknowledged
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        acknowledged.extend(writer.await.expect("no panic"));
    }
    acknowledged.sort_by_key(|(_, applied)| applied.revision);
    let revisions: Vec<u64> = acknowledged.iter().map(|(_, applied)| applied.revision.0).collect();
    let wanted: Vec<u64> = (1..=(WRITERS * WRITES + 1) as u64).collect();
    assert_eq!(revisions, wanted, "acknowledged revisions are unique and without a gap");
    assert_eq!(bench.head().await.revision, Revision(wanted.len() as u64));

    let reference = sample::empty_reference().await;
    for (set, applied) in acknowledged {
        let replayed = reference.apply(&bench.cx, &set).await;
        let replayed = replayed.unwrap_or_else(|error| panic!("revision {}: {error:?}", applied.revision));
        assert_eq!(replayed.revision, applied.revision);
    }
    let all = Query::Records(RecordQuery::all(project(), Kind::RequirementText));
    let replayed = reference.fetch(&bench.cx, &all).await.expect("the reference answers");
    assert_eq!(bench.fetch(&all).await.into_records(), replayed.into_records());
}
