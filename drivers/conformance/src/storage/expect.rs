//! What a change set takes for granted, and that it is looked at under the lock.

use super::bench::{Bench, create, set, text, text_key};
use rtmx_core::{Change, Epoch, Expect, Kind, Revision, assert_code, storage};

pub(super) async fn stale_revision_conflicts(bench: Bench) {
    let made = bench.put(vec![create("A", "a"), create("B", "b")]).await;
    bench.put(vec![Change::replace("A", made.revision, text("newer"))]).await;
    let stale = set(vec![Change::replace("A", made.revision, text("older"))]);
    assert_code(bench.refused(&stale).await, storage::STALE_REVISION);
    let stale = set(vec![Change::delete(text_key("A"), made.revision)]);
    assert_code(bench.refused(&stale).await, storage::STALE_REVISION);
    let record = bench.find(Kind::RequirementText, "A").await.expect("the record stayed");
    assert_eq!(record.body, text("newer"));
    // Another record of the same space is no obstacle.
    bench.put(vec![Change::replace("B", made.revision, text("b2"))]).await;
}

pub(super) async fn create_needs_absence(bench: Bench) {
    bench.put(vec![create("A", "a")]).await;
    assert_code(bench.refused(&set(vec![create("A", "b")])).await, storage::RECORD_EXISTS);
    // The same id of another kind is another record.
    bench
        .put(vec![Change::create("A", rtmx_core::Body::Requirement(rtmx_core::Requirement::default()))])
        .await;
}

pub(super) async fn change_needs_presence(bench: Bench) {
    let made = bench.put(vec![create("A", "a")]).await;
    bench.put(vec![Change::delete(text_key("A"), made.revision)]).await;
    for change in [
        Change::replace("A", made.revision, text("b")),
        Change::delete(text_key("A"), made.revision),
        Change::replace("never", Revision(1), text("b")),
    ] {
        assert_code(bench.refused(&set(vec![change])).await, storage::RECORD_NOT_FOUND);
    }
}

pub(super) async fn relied_on_records_are_checked(bench: Bench) {
    let made = bench.put(vec![create("A", "a")]).await;
    let changed = bench.put(vec![Change::replace("A", made.revision, text("b"))]).await;
    // name, record, expectation, refusal
    let cases = [
        ("stale", "A", Expect::At(made.revision), Some(storage::STALE_REVISION)),
        ("absent", "A", Expect::Absent, Some(storage::RECORD_EXISTS)),
        ("gone", "Z", Expect::At(made.revision), Some(storage::RECORD_NOT_FOUND)),
        ("right", "A", Expect::At(changed.revision), None),
        ("rightly absent", "Z", Expect::Absent, None),
    ];
    for (name, id, expect, refusal) in cases {
        let mut set = set(vec![create(name, "new")]);
        set.relies_on = vec![(text_key(id), expect)];
        assert_eq!(bench.apply(&set).await.err().map(|error| error.code()), refusal, "{name}");
    }
}

pub(super) async fn opposite_links_cannot_both_slip_in(bench: Bench) {
    for round in 0..10 {
        let (a, b) = (format!("A{round}"), format!("B{round}"));
        let made = bench.put(vec![create(&a, ""), create(&b, "")]).await.revision;
        let link = |from: &str, to: &str| {
            let mut set = set(vec![Change::replace(from, made, text(&format!("depends on {to}")))]);
            set.relies_on = vec![(text_key(to), Expect::At(made))];
            let (db, cx) = (bench.share(), bench.cx.clone());
            tokio::spawn(async move { db.apply(&cx, &set).await })
        };
        let (one, other) = (link(&a, &b), link(&b, &a));
        let outcomes = [one.await.expect("no panic"), other.await.expect("no panic")];
        let refused: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
        assert_eq!(refused.len(), 1, "of two opposite links, one is refused: {outcomes:?}");
        assert_code(refused[0], storage::STALE_REVISION);
    }
}

pub(super) async fn expected_head_is_checked(bench: Bench) {
    let first = bench.put(vec![create("A", "a")]).await;
    bench.put(vec![create("B", "b")]).await;
    let mut next = set(vec![create("C", "c")]);
    next.head = Some(first.revision);
    assert_code(bench.refused(&next).await, storage::HEAD_MOVED);
    next.head = Some(Revision(3));
    assert_code(bench.refused(&next).await, storage::HEAD_MOVED);
    next.head = Some(Revision(2));
    bench.apply(&next).await.expect("the head is as expected");
}

pub(super) async fn expected_epoch_is_checked(bench: Bench) {
    let epoch = bench.head().await.epoch;
    let mut next = set(vec![create("A", "a")]);
    next.epoch = Some(Epoch(uuid::Uuid::from_u128(!epoch.0.as_u128())));
    assert_code(bench.refused(&next).await, storage::EPOCH_CHANGED);
    next.epoch = Some(epoch);
    bench.apply(&next).await.expect("the epoch is as expected");
}
