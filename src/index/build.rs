//! How a snapshot is built and moved forward.
//!
//! Building reads all records in pages, which are not one snapshot of the database; the feed from
//! the first page's head onward then corrects whatever was written meanwhile. Moving forward takes
//! from the feed which records changed, and reads them as of the feed's head, so that the result is
//! exact whatever else is being written.

use super::Snapshot;
use rtmx_core::{Cx, Error, Head, Key, Kind, Record, Result, Space, storage};
use rtmx_storage::query::{PAGE_LIMIT, RecordQuery};
use rtmx_storage::{FeedPosition, Query, StorageBackend};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

/// How many revisions behind a snapshot may be before it is cheaper to build a new one.
const FAR_BEHIND: u64 = 20_000;

type Slot = RwLock<Option<Arc<Snapshot>>>;

/// The kinds that an index holds something of, and how many records of each are read at once:
/// documents may be large.
const READ: [(Kind, usize); 4] = [
    (Kind::Layout, 1),
    (Kind::Requirement, PAGE_LIMIT),
    (Kind::TestLink, PAGE_LIMIT),
    (Kind::RequirementText, 100),
];

/// What happened between two heads.
struct Step {
    head: Head,
    /// The records as they are at the head; `None` for those that are gone.
    records: BTreeMap<Key, Option<Record>>,
}

/// Puts a snapshot of at least `head` into the slot. The caller makes sure that only one does so.
pub(super) async fn bring_forward(
    backend: &dyn StorageBackend,
    cx: &Cx,
    space: &Space,
    slot: &Slot,
    head: Head,
) -> Result<Arc<Snapshot>> {
    let current = slot.read().unwrap_or_else(PoisonError::into_inner).clone();
    let near = current.filter(|found| {
        let behind = head.revision.0.saturating_sub(found.head.revision.0);
        found.head.epoch == head.epoch && behind <= FAR_BEHIND
    });
    let snapshot = match near {
        Some(found) => {
            let step = read_step(backend, cx, space, found.head).await?;
            drop(found);
            let taken = slot.write().unwrap_or_else(PoisonError::into_inner).take();
            match taken {
                Some(taken) => off_thread(move || moved(taken, &step)).await?,
                None => read_all(backend, cx, space).await?,
            }
        }
        None => read_all(backend, cx, space).await?,
    };
    let snapshot = Arc::new(snapshot);
    *slot.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&snapshot));
    Ok(snapshot)
}

async fn read_all(backend: &dyn StorageBackend, cx: &Cx, space: &Space) -> Result<Snapshot> {
    let mut snapshot = None;
    for (kind, limit) in READ {
        let mut query = RecordQuery::all(space.clone(), kind);
        query.limit = limit;
        loop {
            let mut page = backend.fetch(cx, &Query::Records(query.clone())).await?;
            let next = page.next.take();
            let snapshot = snapshot.get_or_insert_with(|| Snapshot::empty(page.head));
            for record in page.into_records() {
                snapshot.put(&record.key(), Some(&record.body));
            }
            match next {
                Some(next) => query.cursor = Some(next),
                None => break,
            }
        }
    }
    let snapshot = snapshot.expect("each kind was read at least once");
    let step = read_step(backend, cx, space, snapshot.head).await?;
    off_thread(move || snapshot.stepped(&step)).await
}

/// The snapshot moved forward in place, or a copy of it if somebody still reads it.
fn moved(snapshot: Arc<Snapshot>, step: &Step) -> Snapshot {
    Arc::try_unwrap(snapshot).unwrap_or_else(|shared| shared.copy()).stepped(step)
}

async fn off_thread(work: impl FnOnce() -> Snapshot + Send + 'static) -> Result<Snapshot> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panic| Error::new(storage::INTERNAL, "the index could not be built").with_source(panic))
}

async fn read_step(backend: &dyn StorageBackend, cx: &Cx, space: &Space, from: Head) -> Result<Step> {
    let mut touched: BTreeMap<Kind, BTreeSet<String>> = BTreeMap::new();
    let mut position = FeedPosition::after(from);
    let head = loop {
        let feed = backend.changes(cx, space, position, PAGE_LIMIT, None).await?;
        let reached_head = feed.events.len() < PAGE_LIMIT && feed.next.revision >= feed.head.revision;
        let complete = feed.events.is_empty() || reached_head;
        for event in feed.events {
            touched.entry(event.key.kind).or_default().insert(event.key.id);
        }
        if complete {
            break feed.head;
        }
        position = feed.next;
    };
    let mut records = BTreeMap::new();
    for (kind, limit) in READ {
        let ids: Vec<String> = touched.remove(&kind).unwrap_or_default().into_iter().collect();
        for chunk in ids.chunks(limit) {
            records.extend(chunk.iter().map(|id| (Key::new(kind, id.clone()), None)));
            let query = Query::AsOf {
                space: space.clone(),
                kind,
                at: head.revision,
                ids: Some(chunk.to_vec()),
                after: None,
                limit: PAGE_LIMIT,
            };
            let found = backend.fetch(cx, &query).await?.into_records();
            records.extend(found.into_iter().map(|record| (record.key(), Some(record))));
        }
    }
    Ok(Step { head, records })
}

impl Snapshot {
    fn stepped(mut self, step: &Step) -> Snapshot {
        for (key, record) in &step.records {
            self.put(key, record.as_ref().map(|record| &record.body));
        }
        self.move_to(step.head);
        self
    }
}
