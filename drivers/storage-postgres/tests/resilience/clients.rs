//! What the tests write and ask.

use crate::support::open;
use rtmx_core::{
    Applied, Body, Change, ChangeSet, ChangeSetId, Cx, Kind, RequirementText, Result, Revision, Space,
    Timestamp,
};
use rtmx_storage::{FeedPosition, StorageBackend};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long everything may take to work again once the database does.
pub(crate) const RECOVERY_LIMIT: Duration = Duration::from_secs(5);

pub(crate) type Backend = Arc<dyn StorageBackend>;

/// The space that the tests write to.
pub(crate) fn space() -> Space {
    Space::Project("resilience".into())
}

/// An id that this run has not used.
pub(crate) fn new_id() -> ChangeSetId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    ChangeSetId(uuid::Uuid::from_u64_pair(0x7265_7369_6c69, NEXT.fetch_add(1, Ordering::Relaxed)))
}

pub(crate) fn set(changes: Vec<Change>) -> ChangeSet {
    let mut set = ChangeSet::new(new_id(), space(), "resilience", Timestamp::now());
    set.changes = changes;
    set
}

pub(crate) fn text(markdown: impl Into<String>) -> Body {
    Body::RequirementText(RequirementText { markdown: markdown.into() })
}

/// A change set that creates one document.
pub(crate) fn create(id: impl Into<String>) -> ChangeSet {
    set(vec![Change::create(id, text("# One"))])
}

/// A context with so much time.
pub(crate) fn within(limit: Duration) -> Cx {
    Cx::new().with_deadline(Instant::now() + limit)
}

pub(crate) fn seconds(number: u64) -> Cx {
    within(Duration::from_secs(number))
}

/// Another server of the product on the same database.
pub(crate) async fn another(settings: &Value) -> Backend {
    open(settings.clone()).await.expect("it opens")
}

/// Sends a change set until it is acknowledged; other refusals than transient ones end it.
pub(crate) async fn until_acknowledged(db: &Backend, changes: &ChangeSet, limit: Duration) -> Applied {
    let until = Instant::now() + limit;
    loop {
        match db.apply(&seconds(2), changes).await {
            Ok(applied) => return applied,
            Err(error) if Instant::now() < until => assert!(is_transient(&error), "{error:?}"),
            Err(error) => panic!("not acknowledged within {} ms: {error:?}", limit.as_millis()),
        }
    }
}

pub(crate) fn is_transient(error: &rtmx_core::Error) -> bool {
    use rtmx_core::storage::{STORAGE_BUSY, STORAGE_UNAVAILABLE};
    [STORAGE_BUSY, STORAGE_UNAVAILABLE].contains(&error.code())
}

/// Every change set of the space, in order; fails if the feed has a gap.
pub(crate) async fn history(db: &Backend) -> Vec<(Revision, ChangeSetId)> {
    let mut found: Vec<(Revision, ChangeSetId)> = Vec::new();
    let mut after = FeedPosition::START;
    loop {
        let feed = db.changes(&Cx::new(), &space(), after, 1_000, None).await.expect("it answers");
        if feed.events.is_empty() {
            let revisions: Vec<u64> = found.iter().map(|(revision, _)| revision.0).collect();
            assert_eq!(revisions, (1..=feed.head.revision.0).collect::<Vec<_>>(), "the feed has a gap");
            return found;
        }
        for event in feed.events {
            if found.last().is_none_or(|(last, _)| *last != event.revision) {
                found.push((event.revision, event.change_set));
            }
        }
        after = feed.next;
    }
}

/// Fails unless the acknowledged writes are in the history where they were said to be, each once.
pub(crate) async fn all_are_there(db: &Backend, acknowledged: &[(ChangeSetId, Applied)]) {
    let history = history(db).await;
    for (id, applied) in acknowledged {
        let places: Vec<Revision> =
            history.iter().filter(|(_, found)| found == id).map(|(revision, _)| *revision).collect();
        assert_eq!(places, [applied.revision], "an acknowledged write is there once, in its place");
    }
}

/// How many documents there are.
pub(crate) async fn documents(db: &Backend) -> Result<usize> {
    let query = rtmx_storage::query::RecordQuery::all(space(), Kind::RequirementText);
    Ok(db.fetch(&seconds(5), &rtmx_storage::Query::Records(query)).await?.into_records().len())
}

/// Runs a statement of the superuser's.
pub(crate) async fn run(conn: &mut sqlx::PgConnection, text: &str) {
    let statement = sqlx::AssertSqlSafe(text.to_owned());
    sqlx::raw_sql(statement).execute(conn).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
}
