//! Change sets: the only way to write to a store.
//!
//! A change set is applied whole or not at all, and names the revision of every record it touches
//! or relies on. There is no open transaction handle here on purpose: a handle could not cross the
//! driver boundary, and two drivers would give it two meanings.

use crate::{Body, Epoch, Error, Key, Result, Revision, Space, Timestamp, storage};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Names a change set for ever, so that a retry after a lost answer is applied once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChangeSetId(pub uuid::Uuid);

/// What a change set takes for granted about one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// The record does not exist.
    Absent,
    /// The record was last written at this revision.
    At(Revision),
}

/// One write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The record.
    pub key: Key,
    /// What the writer takes for granted.
    pub expect: Expect,
    /// The new content; `None` deletes.
    pub put: Option<Body>,
}

impl Change {
    /// Creates a record that must not exist.
    pub fn create(id: impl Into<String>, body: Body) -> Self {
        Change { key: Key::new(body.kind(), id), expect: Expect::Absent, put: Some(body) }
    }

    /// Replaces a record that was last written at `revision`.
    pub fn replace(id: impl Into<String>, revision: Revision, body: Body) -> Self {
        Change { key: Key::new(body.kind(), id), expect: Expect::At(revision), put: Some(body) }
    }

    /// Deletes a record that was last written at `revision`.
    pub fn delete(key: Key, revision: Revision) -> Self {
        Change { key, expect: Expect::At(revision), put: None }
    }
}

/// A set of writes that is applied whole or not at all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeSet {
    /// Names this change for ever.
    pub id: ChangeSetId,
    /// Where all its records live.
    pub space: Space,
    /// Who writes: a token's id, `anonymous` on a loopback listener, or `rtmxctl`.
    pub actor: String,
    /// When, by the writer's clock.
    pub at: Timestamp,
    /// What the change is, for the history; may be empty.
    pub note: String,
    /// Refuse unless the database is in this epoch.
    pub epoch: Option<Epoch>,
    /// Refuse unless this is the head of the space.
    pub head: Option<Revision>,
    /// Records that are not written, but that the change was based on.
    pub relies_on: Vec<(Key, Expect)>,
    /// The writes, each record at most once.
    pub changes: Vec<Change>,
}

/// What a store answers to a change set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The revision that the change set made; the revision of every record that it put.
    pub revision: Revision,
    /// The epoch it was applied in.
    pub epoch: Epoch,
    /// Whether it had been applied before, and this is the first answer again.
    pub replayed: bool,
}

impl ChangeSet {
    /// The most records in one change set.
    pub const RECORD_LIMIT: usize = 250_000;

    /// An empty change set without expectations on head or epoch.
    pub fn new(id: ChangeSetId, space: Space, actor: impl Into<String>, at: Timestamp) -> Self {
        ChangeSet {
            id,
            space,
            actor: actor.into(),
            at,
            note: String::new(),
            epoch: None,
            head: None,
            relies_on: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Checks what can be checked without a store. Every driver calls it first.
    ///
    /// # Errors
    ///
    /// `change_set_invalid` when it is empty, touches a record twice, puts a body of another kind
    /// than the key's, deletes what it expects to be absent, names a record that does not belong
    /// into the space, or holds a text with U+0000, which PostgreSQL cannot keep; `change_set_too_large` above [`ChangeSet::RECORD_LIMIT`].
    pub fn check(&self) -> Result<()> {
        if self.changes.len() > Self::RECORD_LIMIT {
            let message = format!("cannot apply {} changes at once: the limit is 250000", self.changes.len());
            return Err(Error::new(storage::CHANGE_SET_TOO_LARGE, message));
        }
        let invalid = |why: String| Error::new(storage::CHANGE_SET_INVALID, why);
        if self.changes.is_empty() {
            return Err(invalid("cannot apply a change set without a change".into()));
        }
        let mut touched = BTreeSet::new();
        for change in &self.changes {
            change.key.check()?;
            if !change.key.kind.belongs_in(&self.space) {
                return Err(invalid(format!("cannot keep {} in the space `{}`", change.key, self.space)));
            }
            if !touched.insert(&change.key) {
                return Err(invalid(format!("cannot change {} twice in one change set", change.key)));
            }
            match &change.put {
                Some(body) if body.kind() != change.key.kind => {
                    return Err(invalid(format!("cannot put a {} as {}", body.kind(), change.key)));
                }
                None if change.expect == Expect::Absent => {
                    return Err(invalid(format!("cannot delete {} and expect it to be absent", change.key)));
                }
                _ => {}
            }
        }
        match self.nul() {
            Some(what) => Err(invalid(format!("cannot keep {what}: it has the character U+0000"))),
            None => Ok(()),
        }
    }

    /// Checks the expectations against the store's present state. Every driver calls it inside its
    /// transaction, under the lock of the space's head.
    ///
    /// # Errors
    ///
    /// `epoch_changed`, `head_moved`, or for the first record that is not as expected
    /// `record_exists`, `record_not_found` or `stale_revision`.
    pub fn check_expectations(
        &self,
        epoch: Epoch,
        head: Revision,
        mut revision_of: impl FnMut(&Key) -> Result<Option<Revision>>,
    ) -> Result<()> {
        if self.epoch.is_some_and(|expected| expected != epoch) {
            let message = format!("could not change `{}`: it was restored from a backup since", self.space);
            return Err(Error::new(storage::EPOCH_CHANGED, message));
        }
        if let Some(expected) = self.head.filter(|expected| *expected != head) {
            let message =
                format!("could not change `{}`: it is at revision {head}, not {expected}", self.space);
            return Err(Error::new(storage::HEAD_MOVED, message).with("head", head));
        }
        let written = self.changes.iter().map(|change| (&change.key, change.expect));
        let relied_on = self.relies_on.iter().map(|(key, expect)| (key, *expect));
        for (key, expect) in written.chain(relied_on) {
            expect.check(key, revision_of(key)?)?;
        }
        Ok(())
    }

    /// The change set that takes this one back, given the bodies that the touched records had
    /// before, and what the store answered.
    pub fn inverse(&self, before: &BTreeMap<Key, Body>, applied: &Applied, id: ChangeSetId) -> ChangeSet {
        let undo = |change: &Change| Change {
            key: change.key.clone(),
            expect: if change.put.is_some() { Expect::At(applied.revision) } else { Expect::Absent },
            put: before.get(&change.key).cloned(),
        };
        let mut inverse = ChangeSet::new(id, self.space.clone(), self.actor.clone(), self.at);
        inverse.note = format!("undo revision {}", applied.revision);
        inverse.epoch = Some(applied.epoch);
        inverse.changes = self.changes.iter().map(undo).collect();
        inverse
    }
}

impl Expect {
    fn check(self, key: &Key, found: Option<Revision>) -> Result<()> {
        match (self, found) {
            (Expect::Absent, None) => Ok(()),
            (Expect::At(expected), Some(found)) if expected == found => Ok(()),
            (Expect::Absent, Some(found)) => {
                let message = format!("could not create {key}: it exists already");
                Err(Error::new(storage::RECORD_EXISTS, message).with("id", &key.id).with("revision", found))
            }
            (Expect::At(expected), None) => {
                let message = format!("could not change {key}: it does not exist any more");
                Err(Error::new(storage::RECORD_NOT_FOUND, message)
                    .with("id", &key.id)
                    .with("expected", expected))
            }
            (Expect::At(expected), Some(found)) => {
                let message = format!("could not change {key}: it is at revision {found}, not {expected}");
                Err(Error::new(storage::STALE_REVISION, message).with("id", &key.id).with("revision", found))
            }
        }
    }
}
