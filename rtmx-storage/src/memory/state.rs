//! What the database holds, and the only two ways in which it changes: a change set and a lease.

use crate::query::TallyKey;
use crate::{Lease, LeaseRequest, MigrationLog, fingerprint};
use rtmx_core::{
    Applied, Body, Change, ChangeSet, ChangeSetId, Epoch, Error, Head, Key, Kind, Result, Revision, Space,
    Timestamp, storage,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The whole database.
#[derive(Debug)]
pub(super) struct State {
    pub(super) epoch: Epoch,
    pub(super) spaces: BTreeMap<Space, SpaceState>,
    /// Where each change set that was ever applied stands.
    pub(super) change_sets: HashMap<ChangeSetId, (Space, Revision)>,
    pub(super) leases: BTreeMap<String, Lease>,
    pub(super) migrations: Vec<MigrationLog>,
    pub(super) migrating: bool,
    pub(super) closed: bool,
}

/// The place of a write: its revision, and its ordinal in the change set.
pub(super) type Place = (Revision, u32);

/// One space. Bodies are shared between the present and the history.
#[derive(Debug, Default)]
pub(super) struct SpaceState {
    /// The change sets by revision: the first made revision 1.
    pub(super) log: Vec<Logged>,
    /// The present records.
    pub(super) records: BTreeMap<Kind, BTreeMap<String, Stored>>,
    /// The places of every write to each record that ever was, in order.
    pub(super) writes: BTreeMap<Kind, BTreeMap<String, Vec<Place>>>,
    /// How many requirements there are of each sort; never zero.
    pub(super) tally: BTreeMap<TallyKey, u64>,
}

/// A present record.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) revision: Revision,
    pub(super) body: Arc<Body>,
}

/// A change set that was applied.
#[derive(Debug)]
pub(super) struct Logged {
    pub(super) id: ChangeSetId,
    pub(super) fingerprint: String,
    pub(super) actor: String,
    pub(super) at: Timestamp,
    pub(super) note: String,
    pub(super) writes: Vec<(Key, Option<Arc<Body>>)>,
}

impl State {
    pub(super) fn empty(epoch: Epoch) -> Self {
        State {
            epoch,
            spaces: BTreeMap::new(),
            change_sets: HashMap::new(),
            leases: BTreeMap::new(),
            migrations: Vec::new(),
            migrating: false,
            closed: false,
        }
    }

    pub(super) fn head(&self, space: &Space) -> Head {
        let revision = self.spaces.get(space).map_or(Revision::ZERO, SpaceState::head);
        Head { epoch: self.epoch, revision }
    }

    /// Applies a change set that passed [`ChangeSet::check`].
    pub(super) fn apply(&mut self, changes: &ChangeSet) -> Result<Applied> {
        let fingerprint = fingerprint(changes);
        if let Some(applied) = self.applied_before(changes.id, &fingerprint)? {
            return Ok(applied);
        }
        let head = self.head(&changes.space);
        let space = self.spaces.get(&changes.space);
        changes.check_expectations(head.epoch, head.revision, |key| {
            Ok(space.and_then(|space| space.find(key)).map(|stored| stored.revision))
        })?;

        // Nothing below can fail.
        let write = |change: &Change| (change.key.clone(), change.put.clone().map(Arc::new));
        let logged = Logged {
            id: changes.id,
            fingerprint,
            actor: changes.actor.clone(),
            at: changes.at,
            note: changes.note.clone(),
            writes: changes.changes.iter().map(write).collect(),
        };
        let revision = self.push(&changes.space, logged);
        Ok(Applied { revision, epoch: self.epoch, replayed: false })
    }

    /// Adds a change set behind the last one of its space.
    pub(super) fn push(&mut self, space: &Space, logged: Logged) -> Revision {
        let id = logged.id;
        let revision = self.spaces.entry(space.clone()).or_default().push(logged);
        self.change_sets.insert(id, (space.clone(), revision));
        revision
    }

    pub(super) fn lease(&mut self, request: &LeaseRequest) -> Result<Lease> {
        let lease = request.decide(self.leases.get(&request.name))?;
        self.leases.insert(request.name.clone(), lease.clone());
        Ok(lease)
    }

    fn applied_before(&self, id: ChangeSetId, fingerprint: &str) -> Result<Option<Applied>> {
        let Some((space, revision)) = self.change_sets.get(&id) else { return Ok(None) };
        let logged = self.spaces.get(space).and_then(|space| space.logged(*revision));
        if logged.is_some_and(|logged| logged.fingerprint == fingerprint) {
            return Ok(Some(Applied { revision: *revision, epoch: self.epoch, replayed: true }));
        }
        let message = format!("the change set id {} stands for another change of `{space}`", id.0);
        Err(Error::new(storage::CHANGE_SET_REUSED, message).with("revision", revision))
    }
}

impl SpaceState {
    pub(super) fn head(&self) -> Revision {
        Revision(self.log.len() as u64)
    }

    pub(super) fn find(&self, key: &Key) -> Option<&Stored> {
        self.records.get(&key.kind)?.get(&key.id)
    }

    /// The change set that made a revision.
    pub(super) fn logged(&self, revision: Revision) -> Option<&Logged> {
        let index = revision.0.checked_sub(1)?;
        self.log.get(usize::try_from(index).ok()?)
    }

    /// What a record was at a revision: the place of its last write by then, and the content.
    pub(super) fn as_of(&self, at: Revision, places: &[Place]) -> Option<Stored> {
        let (revision, ordinal) =
            *places[..places.partition_point(|(revision, _)| *revision <= at)].last()?;
        let (_, body) = self.logged(revision)?.writes.get(ordinal as usize)?;
        body.clone().map(|body| Stored { revision, body })
    }

    fn push(&mut self, logged: Logged) -> Revision {
        let revision = self.head().next();
        for (ordinal, (key, body)) in (0..).zip(&logged.writes) {
            let places = self.writes.entry(key.kind).or_default().entry(key.id.clone()).or_default();
            places.push((revision, ordinal));
            let records = self.records.entry(key.kind).or_default();
            let before = match body {
                Some(body) => records.insert(key.id.clone(), Stored { revision, body: Arc::clone(body) }),
                None => records.remove(&key.id),
            };
            self.count(before.as_ref().map(|stored| &*stored.body), body.as_deref());
        }
        self.log.push(logged);
        revision
    }

    fn count(&mut self, before: Option<&Body>, after: Option<&Body>) {
        if let Some(key) = after.and_then(TallyKey::of) {
            *self.tally.entry(key).or_default() += 1;
        }
        if let Some(key) = before.and_then(TallyKey::of) {
            let count = self.tally.entry(key.clone()).or_default();
            *count -= 1;
            if *count == 0 {
                self.tally.remove(&key);
            }
        }
    }
}
