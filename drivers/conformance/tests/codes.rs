//! The kit's storage codes, each provoked once through the trait.
#![allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]

use rtmx_core::{
    Body, Change, ChangeSet, ChangeSetId, Cx, Epoch, Error, Expect, Key, Kind, RequirementText, Revision,
    Space, Timestamp, assert_code, storage,
};
use rtmx_storage::query::RecordQuery;
use rtmx_storage::{
    FeedPosition, LeaseCall, LeaseRequest, MemoryBackend, MigrationPlan, Query, StorageBackend,
    StorageBackendExt,
};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

static NEXT: AtomicU32 = AtomicU32::new(1);

fn new_epoch() -> Epoch {
    Epoch(uuid::Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)) << 96))
}

fn space() -> Space {
    Space::Project("codes".into())
}

fn text(markdown: &str) -> Body {
    Body::RequirementText(RequirementText { markdown: markdown.into() })
}

fn set(changes: Vec<Change>) -> ChangeSet {
    let id = ChangeSetId(uuid::Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed))));
    let mut set = ChangeSet::new(id, space(), "kit", Timestamp::UNIX_EPOCH);
    set.changes = changes;
    set
}

/// A migrated database in which `A` is at revision 1.
async fn database() -> (Cx, MemoryBackend) {
    let (cx, db) = (Cx::new(), MemoryBackend::new(new_epoch));
    db.migrate(&cx, &MigrationPlan::Expand).await.unwrap();
    db.apply(&cx, &set(vec![Change::create("A", text("a"))])).await.unwrap();
    (cx, db)
}

async fn refused(set: ChangeSet) -> Error {
    let (cx, db) = database().await;
    db.apply(&cx, &set).await.unwrap_err()
}

async fn unanswered(query: RecordQuery) -> Error {
    let (cx, db) = database().await;
    db.fetch(&cx, &Query::Records(query)).await.unwrap_err()
}

#[tokio::test]
async fn what_a_change_set_can_be_refused_for() {
    let one = || vec![Change::create("B", text("b"))];
    assert_code(refused(set(vec![])).await, storage::CHANGE_SET_INVALID);
    let many = vec![Change::create("B", text("")); ChangeSet::RECORD_LIMIT + 1];
    assert_code(refused(set(many)).await, storage::CHANGE_SET_TOO_LARGE);
    assert_code(refused(set(vec![Change::create("A", text("b"))])).await, storage::RECORD_EXISTS);
    assert_code(
        refused(set(vec![Change::replace("Z", Revision(1), text("b"))])).await,
        storage::RECORD_NOT_FOUND,
    );
    assert_code(
        refused(set(vec![Change::replace("A", Revision(9), text("b"))])).await,
        storage::STALE_REVISION,
    );
    let relied_on = vec![(Key::new(Kind::RequirementText, "A"), Expect::At(Revision(9)))];
    assert_code(refused(ChangeSet { relies_on: relied_on, ..set(one()) }).await, storage::STALE_REVISION);
    assert_code(refused(ChangeSet { head: Some(Revision(9)), ..set(one()) }).await, storage::HEAD_MOVED);
    assert_code(refused(ChangeSet { epoch: Some(new_epoch()), ..set(one()) }).await, storage::EPOCH_CHANGED);
    let (cx, db) = database().await;
    let first = set(one());
    db.apply(&cx, &first).await.unwrap();
    let second = ChangeSet { note: "another".into(), ..first };
    assert_code(db.apply(&cx, &second).await.unwrap_err(), storage::CHANGE_SET_REUSED);
    cx.cancel();
    assert_code(db.apply(&cx, &set(one())).await.unwrap_err(), storage::STORAGE_BUSY);
}

#[tokio::test]
async fn what_a_question_can_be_refused_for() {
    let all = || RecordQuery::all(space(), Kind::Requirement);
    assert_code(unanswered(RecordQuery { limit: 0, ..all() }).await, storage::QUERY_INVALID);
    assert_code(
        unanswered(RecordQuery { cursor: Some("00".into()), ..all() }).await,
        storage::CURSOR_INVALID,
    );
    let (cx, db) = database().await;
    let missing = db.get(&cx, &space(), &Key::new(Kind::Requirement, "A")).await.unwrap_err();
    assert_code(missing, storage::RECORD_NOT_FOUND);
    let elsewhere = FeedPosition { epoch: Some("ffffffff".into()), ..FeedPosition::START };
    let feed = db.changes(&cx, &space(), elsewhere, 10, None).await;
    assert_code(feed.unwrap_err(), storage::EPOCH_CHANGED);
    assert_code(FeedPosition::parse("nonsense").unwrap_err(), storage::CURSOR_INVALID);
}

#[tokio::test]
async fn what_a_database_can_be_unfit_for() {
    let (cx, db) = (Cx::new(), MemoryBackend::new(new_epoch));
    assert_code(db.head(&cx, &space()).await.unwrap_err(), storage::SCHEMA_BEHIND);
    let (cx, db) = database().await;
    let ask = |holder: &str| LeaseRequest {
        name: "once".into(),
        holder: holder.into(),
        call: LeaseCall::Acquire,
        ttl: Duration::from_secs(1),
        now: Timestamp::UNIX_EPOCH,
    };
    db.lease(&cx, &ask("ann")).await.unwrap();
    assert_code(db.lease(&cx, &ask("bob")).await.unwrap_err(), storage::LEASE_HELD);
    let scratch = tempfile::tempdir().unwrap();
    let archive = scratch.path().join("archive");
    db.back_up(&cx, &archive).await.unwrap();
    assert_code(db.restore(&cx, &archive).await.unwrap_err(), storage::RESTORE_NOT_EMPTY);
    let never = MemoryBackend::new(new_epoch);
    never.migrate(&cx, &MigrationPlan::Expand).await.unwrap();
    std::fs::write(&archive, "not an archive\n").unwrap();
    assert_code(never.restore(&cx, &archive).await.unwrap_err(), storage::ARCHIVE_INVALID);
    db.close(&cx).await.unwrap();
    assert_code(db.head(&cx, &space()).await.unwrap_err(), storage::STORAGE_UNAVAILABLE);
}
