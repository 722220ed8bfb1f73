//! How the API writes: one change set for each request, under the client's name for it if it gave one.
//!
//! A repeated `Idempotency-Key` is looked for in the record's history, because a repeated request
//! builds another change set than the first one did: the record has moved on since. What it finds is
//! answered again if the request is still the same.

use super::conditions::Conditions;
use crate::http::{App, Caller};
use rtmx_core::{
    Applied, Change, ChangeSet, ChangeSetId, Cx, Error, ErrorKind, Expect, Head, Key, Record, Result,
    Revision, Space, storage,
};
use rtmx_storage::Query;
use rtmx_storage::query::HistoryEntry;

/// How far back in a record's history a repeated change is looked for.
const REPLAY_DEPTH: usize = 200;
/// How far back in a project's history a repeated import is looked for, in pages and entries.
const REPLAY_PAGES: usize = 50;
const REPLAY_PAGE: usize = 200;

/// One request's right to write.
pub(super) struct Writer<'a> {
    app: &'a App,
    cx: &'a Cx,
    space: Space,
    actor: &'a str,
    note: &'static str,
    id: ChangeSetId,
    named: bool,
}

impl<'a> Writer<'a> {
    /// A writer for one request. `note` is what the history says of the change.
    pub(super) fn new(
        app: &'a App,
        cx: &'a Cx,
        caller: &'a Caller,
        space: Space,
        conditions: &Conditions,
        note: &'static str,
    ) -> Self {
        let named = conditions.idempotency_key;
        let id = named.unwrap_or_else(|| ChangeSetId(crate::http::start::random_uuid()));
        Writer { app, cx, space, actor: &caller.actor, note, id, named: named.is_some() }
    }

    /// Whether the error may be there because the same request came twice at once, perhaps through another
    /// server, and the other one won: then the history has what it did.
    pub(super) fn may_have_lost_to_itself(&self, error: &Error) -> bool {
        let kinds = [ErrorKind::Conflict, ErrorKind::AlreadyExists, ErrorKind::NotFound];
        self.named && kinds.contains(&error.kind())
    }

    /// The write that this request made when it was sent before, if it touched this record.
    pub(super) async fn replayed(&self, key: &Key) -> Result<Option<HistoryEntry>> {
        if !self.named {
            return Ok(None);
        }
        let query = Query::History {
            space: self.space.clone(),
            key: Some(key.clone()),
            before: None,
            limit: REPLAY_DEPTH,
        };
        let entries = self.app.storage.fetch(self.cx, &query).await?.into_history();
        Ok(entries.into_iter().find(|entry| entry.change_set == self.id))
    }

    /// The revision that this request made when it was sent before, wherever in the project.
    pub(super) async fn found_in_history(&self) -> Result<Option<Revision>> {
        let mut before = None;
        for _ in 0..if self.named { REPLAY_PAGES } else { 0 } {
            let query = Query::History { space: self.space.clone(), key: None, before, limit: REPLAY_PAGE };
            let entries = self.app.storage.fetch(self.cx, &query).await?.into_history();
            if let Some(found) = entries.iter().find(|entry| entry.change_set == self.id) {
                return Ok(Some(found.revision));
            }
            match entries.last() {
                // What comes before the first entry of a revision is of an earlier one.
                Some(last) => before = Some((last.revision, 0)),
                None => break,
            }
        }
        Ok(None)
    }

    /// The record as it was before a write to it.
    pub(super) async fn before(&self, entry: &HistoryEntry) -> Result<Option<Record>> {
        let query = Query::AsOf {
            space: self.space.clone(),
            kind: entry.key.kind,
            at: Revision(entry.revision.0.saturating_sub(1)),
            ids: Some(vec![entry.key.id.clone()]),
            after: None,
            limit: 1,
        };
        Ok(self.app.storage.fetch(self.cx, &query).await?.into_records().pop())
    }

    /// The error for a name that stands for another change already.
    pub(super) fn reused(&self) -> Error {
        let message = format!("the `Idempotency-Key` {} was used for another change", self.id.0);
        Error::new(storage::CHANGE_SET_REUSED, message)
    }

    /// Writes, whatever the head is.
    pub(super) async fn apply(&self, changes: Vec<Change>) -> Result<Applied> {
        self.send(self.set(changes)).await
    }

    /// Writes, provided that other records are as they were read.
    pub(super) async fn apply_relying(
        &self,
        changes: Vec<Change>,
        on: Vec<(Key, Expect)>,
    ) -> Result<Applied> {
        let mut set = self.set(changes);
        set.relies_on = on;
        self.send(set).await
    }

    /// Writes, provided that nothing was written since `head`.
    pub(super) async fn apply_at(&self, head: Head, changes: Vec<Change>) -> Result<Applied> {
        let mut set = self.set(changes);
        set.epoch = Some(head.epoch);
        set.head = Some(head.revision);
        self.send(set).await
    }

    fn set(&self, changes: Vec<Change>) -> ChangeSet {
        let mut set = ChangeSet::new(self.id, self.space.clone(), self.actor, self.app.clock.now());
        set.note = self.note.to_owned();
        set.changes = changes;
        set
    }

    async fn send(&self, set: ChangeSet) -> Result<Applied> {
        self.app.licensing.admit(self.app, self.cx, &set).await?;
        self.app.storage.apply_owned(self.cx, set).await
    }
}
