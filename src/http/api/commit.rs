//! How an edit of a requirement becomes a change set.
//!
//! The decision to know: an edit that adds a link is checked for cycles against the graph at a head,
//! and is written only if that is still the head; when it moved, everything is looked at again. Two
//! opposite links can therefore not both slip in, whichever processes they come through.

use super::conditions::{Basis, Conditions};
use super::params::{Params, shown};
use super::scope::Scope;
use super::write::Writer;
use crate::http::App;
use rtmx_core::{
    Body, Change, Epoch, Error, Expect, Head, Key, Kind, Layout, Record, Requirement, Result, Revision,
    Timestamp, server, storage,
};
use rtmx_storage::csv::edit;
use rtmx_storage::{StorageBackend, StorageBackendExt};

/// How often an edit is begun again because the project moved on under it.
const ATTEMPTS: usize = 50;
/// The record that holds the form of the imported file.
const LAYOUT_ID: &str = "csv";

/// Whether an edit may close a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum ClosingCycles {
    Refused,
    Allowed,
}

/// A requirement as an edit left it.
pub(in crate::http) struct Committed {
    pub(in crate::http) revision: Revision,
    pub(in crate::http) epoch: Epoch,
    pub(in crate::http) requirement: Requirement,
    /// When and by whom it was written; `None` if the edit changed nothing.
    pub(in crate::http) written: Option<(Timestamp, String)>,
    /// Whether this edit was made before under the same name.
    pub(in crate::http) replayed: bool,
    /// Whether the requirement is new.
    pub(in crate::http) created: bool,
}

/// One edit of one requirement.
pub(in crate::http) struct Commit<'a> {
    pub(in crate::http) app: &'a App,
    pub(in crate::http) scope: &'a Scope,
    pub(in crate::http) conditions: &'a Conditions,
    pub(in crate::http) id: &'a str,
    pub(in crate::http) cycles: ClosingCycles,
    pub(in crate::http) note: &'static str,
}

impl Commit<'_> {
    /// Makes the edit: `make` answers the requirement as it is to be, given what it is.
    ///
    /// # Errors
    ///
    /// What `make` meets; `requirement_not_found`, `requirement_exists`, `stale_revision`,
    /// `precondition_required`, `cycle_closed`; those of the storage.
    pub(in crate::http) async fn run(
        &self,
        make: impl Fn(Option<&Requirement>) -> Result<Requirement>,
    ) -> Result<Committed> {
        let writer = self.writer();
        let mut moved = None;
        for _ in 0..ATTEMPTS {
            if let Some(done) = self.replayed(&writer, &make).await? {
                return Ok(done);
            }
            match self.attempt(&writer, &make).await {
                Ok(done) => return Ok(done),
                Err(error) if is_worth_another_look(&error) => moved = Some(error),
                Err(error) if writer.may_have_lost_to_itself(&error) => {
                    return self.replayed(&writer, &make).await?.ok_or(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(moved.unwrap_or_else(|| Error::new(storage::HEAD_MOVED, "others kept changing the project")))
    }

    /// Deletes the requirement with its document and its test links. Answers whether anything was left to delete.
    ///
    /// # Errors
    ///
    /// As [`Commit::run`].
    pub(in crate::http) async fn delete(&self) -> Result<()> {
        let writer = self.writer();
        match self.try_to_delete(&writer).await {
            Err(error) if writer.may_have_lost_to_itself(&error) => {
                let done = writer.replayed(&self.key()).await?;
                done.filter(|entry| entry.body.is_none()).map(|_| ()).ok_or(error)
            }
            outcome => outcome,
        }
    }

    async fn try_to_delete(&self, writer: &Writer<'_>) -> Result<()> {
        let key = self.key();
        let mut moved = None;
        for _ in 0..ATTEMPTS {
            if let Some(entry) = writer.replayed(&key).await? {
                return if entry.body.is_none() { Ok(()) } else { Err(writer.reused()) };
            }
            let (head, found) = self.read().await?;
            let found = found.ok_or_else(|| not_found(self.id))?;
            self.check_basis(head, &found)?;
            let snapshot = self.app.indexes.at_head(&self.scope.cx, &self.scope.project).await?;
            let mut changes = vec![Change::delete(key.clone(), found.revision)];
            changes.extend(self.deletions(Kind::RequirementText, vec![self.id.to_owned()]).await?);
            changes.extend(self.deletions(Kind::TestLink, snapshot.test_links(self.id)).await?);
            drop(snapshot);
            let _gate = self.app.indexes.edit_plainly(&self.scope.project).await;
            match writer.apply(changes).await {
                Ok(_) => return Ok(()),
                Err(error) if is_worth_another_look(&error) => moved = Some(error),
                // The requirement, its document or a link: a second look tells which.
                Err(error) if error.code() == storage::STALE_REVISION => moved = Some(error),
                Err(error) if error.code() == storage::RECORD_NOT_FOUND => moved = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(moved.unwrap_or_else(|| Error::new(storage::HEAD_MOVED, "others kept changing the project")))
    }

    async fn attempt(
        &self,
        writer: &Writer<'_>,
        make: &impl Fn(Option<&Requirement>) -> Result<Requirement>,
    ) -> Result<Committed> {
        let (head, found) = self.read().await?;
        let expect = match (&found, &self.conditions.basis) {
            (Some(_), Basis::Absent) => return Err(exists(self.id)),
            (None, Basis::Absent) => Expect::Absent,
            (None, _) => return Err(not_found(self.id)),
            (Some(found), _) => Expect::At(self.check_basis(head, found)?),
        };
        let before = found.as_ref().and_then(requirement_of);
        let requirement = make(before)?;
        if before == Some(&requirement)
            && let Some(found) = &found
        {
            let revision = found.revision;
            let (created, replayed) = (false, false);
            return Ok(Committed {
                revision,
                epoch: head.epoch,
                requirement,
                written: None,
                replayed,
                created,
            });
        }
        let put = Some(Body::Requirement(requirement.clone()));
        let mut changes = vec![Change { key: self.key(), expect, put }];
        changes.extend(layout_for(&*self.app.storage, self.scope, &requirement).await?);
        let nothing = Default::default();
        let links = before.map_or(&nothing, |before| &before.dependencies.value);
        let adds_link = requirement.dependencies.value.iter().any(|id| !links.contains(id));
        let applied = if adds_link && self.cycles == ClosingCycles::Refused {
            let _gate = self.app.indexes.edit_links(&self.scope.project).await;
            let at = check_cycles(self.app, self.scope, self.id, &requirement).await?;
            writer.apply_at(at, changes).await?
        } else {
            let _gate = self.app.indexes.edit_plainly(&self.scope.project).await;
            writer.apply(changes).await?
        };
        Ok(Committed {
            revision: applied.revision,
            epoch: applied.epoch,
            requirement,
            written: Some((self.app.clock.now(), self.scope.caller.actor.clone())),
            replayed: applied.replayed,
            created: before.is_none(),
        })
    }

    /// The same edit made before under the same name, if there is one.
    async fn replayed(
        &self,
        writer: &Writer<'_>,
        make: &impl Fn(Option<&Requirement>) -> Result<Requirement>,
    ) -> Result<Option<Committed>> {
        let Some(entry) = writer.replayed(&self.key()).await? else { return Ok(None) };
        let before = writer.before(&entry).await?;
        let wanted = make(before.as_ref().and_then(requirement_of));
        let Some(Body::Requirement(requirement)) = entry.body else { return Err(writer.reused()) };
        if wanted.ok().as_ref() != Some(&requirement) {
            return Err(writer.reused());
        }
        let epoch = self.app.storage.head(&self.scope.cx, &self.scope.space).await?.epoch;
        Ok(Some(Committed {
            revision: entry.revision,
            epoch,
            requirement,
            written: Some((entry.at, entry.actor)),
            replayed: true,
            created: before.is_none(),
        }))
    }

    async fn deletions(&self, kind: Kind, ids: Vec<String>) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for chunk in ids.chunks(rtmx_storage::query::PAGE_LIMIT) {
            let query = rtmx_storage::Query::ids(self.scope.space.clone(), kind, chunk.iter().cloned());
            let found = self.app.storage.fetch(&self.scope.cx, &query).await?.into_records();
            changes.extend(found.into_iter().map(|record| Change::delete(record.key(), record.revision)));
        }
        Ok(changes)
    }

    async fn read(&self) -> Result<(Head, Option<Record>)> {
        let head = self.app.storage.head(&self.scope.cx, &self.scope.space).await?;
        Ok((head, self.app.storage.find(&self.scope.cx, &self.scope.space, &self.key()).await?))
    }

    /// The revision that the edit is based on, if the record is still at it.
    fn check_basis(&self, head: Head, found: &Record) -> Result<Revision> {
        let expected = self.conditions.basis.revision(head.epoch)?;
        if expected == found.revision {
            return Ok(expected);
        }
        let id = shown(self.id);
        let message =
            format!("could not change `{id}`: it is at revision {}, not {expected}", found.revision);
        Err(Error::new(storage::STALE_REVISION, message).with("id", id).with("revision", found.revision))
    }

    fn writer(&self) -> Writer<'_> {
        let Scope { caller, space, cx, .. } = self.scope;
        Writer::new(self.app, cx, caller, space.clone(), self.conditions, self.note)
    }

    fn key(&self) -> Key {
        Key::new(Kind::Requirement, self.id)
    }
}

/// Whether dependencies may close a cycle, as the request says.
pub(super) fn take_cycles(params: &mut Params) -> Result<ClosingCycles> {
    let allowed = params.take_switch("allow_cycles")?;
    Ok(if allowed { ClosingCycles::Allowed } else { ClosingCycles::Refused })
}

/// Fails if the requirement as it is to be closes a cycle; answers the head at which it does not.
pub(super) async fn check_cycles(
    app: &App,
    scope: &Scope,
    id: &str,
    requirement: &Requirement,
) -> Result<Head> {
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let head = snapshot.head;
    let (own, dependencies) = (id.to_owned(), requirement.dependencies.value.clone());
    let closed = snapshot.compute(move |snapshot| snapshot.matrix.closes_cycle(&own, &dependencies)).await?;
    match closed {
        None => Ok(head),
        Some(path) => {
            let way = way_of(&path);
            let message =
                format!("could not add the dependencies of `{}`: they close the cycle {way}", shown(id));
            Err(Error::new(server::CYCLE_CLOSED, message).with("cycle", path.join(" -> ")))
        }
    }
}

/// The change of the file's form that lets an export hold every value of the requirement.
pub(super) async fn layout_for(
    storage: &dyn StorageBackend,
    scope: &Scope,
    requirement: &Requirement,
) -> Result<Option<Change>> {
    let key = Key::new(Kind::Layout, LAYOUT_ID);
    let found = storage.find(&scope.cx, &scope.space, &key).await?;
    let (mut layout, expect) = match found {
        Some(Record { body: Body::Layout(layout), revision, .. }) => (layout, Expect::At(revision)),
        _ => (Layout::default(), Expect::Absent),
    };
    let covered = edit::cover(&mut layout, requirement);
    Ok(covered.then(|| Change { key, expect, put: Some(Body::Layout(layout)) }))
}

/// The requirement that a record holds.
pub(in crate::http) fn requirement_of(record: &Record) -> Option<&Requirement> {
    match &record.body {
        Body::Requirement(requirement) => Some(requirement),
        _ => None,
    }
}

/// The error for a requirement that does not exist.
pub(in crate::http) fn not_found(id: &str) -> Error {
    let id = shown(id);
    Error::new(server::REQUIREMENT_NOT_FOUND, format!("there is no requirement `{id}`")).with("id", id)
}

/// The error for a requirement that is to be new and is not.
pub(super) fn exists(id: &str) -> Error {
    let id = shown(id);
    let message = format!("could not create the requirement `{id}`: it exists already");
    Error::new(server::REQUIREMENT_EXISTS, message).with("id", id)
}

/// Whether the change set failed over something else than what the client named: the head that
/// cycles were checked at, or the file's form. The next look decides.
fn is_worth_another_look(error: &Error) -> bool {
    let over_layout = || error.context().iter().any(|(name, value)| *name == "id" && value == LAYOUT_ID);
    match error.code() {
        code if code == storage::HEAD_MOVED => true,
        code if code == storage::STALE_REVISION || code == storage::RECORD_EXISTS => over_layout(),
        _ => false,
    }
}

/// A cycle for a message; the middle of a long one is left out.
fn way_of(path: &[String]) -> String {
    const SHOWN: usize = 20;
    let ids: Vec<String> = path.iter().map(|id| shown(id)).collect();
    if ids.len() <= SHOWN {
        return ids.join(" -> ");
    }
    let (first, last) = (&ids[..SHOWN / 2], &ids[ids.len() - SHOWN / 2..]);
    format!("{} -> ({} more) -> {}", first.join(" -> "), ids.len() - SHOWN, last.join(" -> "))
}
