//! Applying a change set inside the writer's transaction.

use crate::error::{Fault, Outcome};
use crate::heads::{self, SpaceRow, number};
use crate::ready::{self, Ready, Texts};
use crate::rows::{self, Place};
use crate::{search, sql};
use rtmx_core::{
    Applied, Body, ChangeSet, ChangeSetId, Epoch, Error, Expect, Key, Kind, Revision, Timestamp, storage,
};
use rtmx_storage::columns::{priority_number, status_number};
use rtmx_storage::fingerprint;
use rtmx_storage::query::TallyKey;
use rusqlite::Connection;
use std::collections::HashMap;

const ADD_CHANGE_SET: &str = "INSERT INTO change_set (id, fingerprint, space, revision, actor, at, note) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const ADD_HISTORY: &str =
    "INSERT INTO history (space, revision, ordinal, kind, id, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// Applies a change set that passed [`ChangeSet::check`].
pub(crate) fn apply(conn: &Connection, changes: ChangeSet) -> Outcome<Applied> {
    let epoch = heads::epoch(conn)?;
    if let Some(revision) = applied_before(conn, &changes)? {
        return Ok(Applied { revision, epoch, replayed: true });
    }
    let space = heads::ensure(conn, &changes.space)?;
    check_expectations(conn, &changes, space, epoch)?;

    let mut written = Written::begin(conn, space.id, space.revision.next());
    let (id, actor, at, note) = (changes.id, changes.actor.clone(), changes.at, changes.note.clone());
    let mut ordinals = 0..;
    let fingerprint = ready::pass(changes, |Ready { change, texts }| {
        let before = if change.expect == Expect::Absent { Before::Absent } else { Before::Unknown };
        let ordinal = ordinals.next().expect("a change set has fewer than 2^32 changes");
        written.record(ordinal, &change.key, before, change.put.as_ref().zip(texts.as_ref()))
    })?;
    written.change_set(&Heading { id, fingerprint: &fingerprint, actor: &actor, at, note: &note })?;
    written.end()?;
    Ok(Applied { revision: space.revision.next(), epoch, replayed: false })
}

fn applied_before(conn: &Connection, changes: &ChangeSet) -> Outcome<Option<Revision>> {
    let text = "SELECT fingerprint, revision FROM change_set WHERE id = ?1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?));
    let Some((found, revision)) = sql::first(conn, text, [changes.id.0.to_string()], read)? else {
        return Ok(None);
    };
    let revision = Revision(revision.cast_unsigned());
    if found == fingerprint(changes) {
        return Ok(Some(revision));
    }
    let message = format!("the change set id {} stands for another change", changes.id.0);
    Err(Error::new(storage::CHANGE_SET_REUSED, message).with("revision", revision).into())
}

fn check_expectations(conn: &Connection, changes: &ChangeSet, space: SpaceRow, epoch: Epoch) -> Outcome<()> {
    // A fault of the engine travels beside the answer, which can only be one of ours.
    let mut fault = None;
    let checked = changes.check_expectations(epoch, space.revision, |key| {
        if space.revision == Revision::ZERO {
            // Nothing was ever written: the first import asks for each of its rows.
            return Ok(None);
        }
        rows::find(conn, space.id, key.kind, &key.id)
            .map(|found| found.map(|(_, revision)| revision))
            .map_err(|error| {
                fault = Some(error);
                Error::new(storage::INTERNAL, "could not read a record's revision")
            })
    });
    match fault {
        Some(fault) => Err(fault),
        None => checked.map_err(Fault::from),
    }
}

/// What is known of a record before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// It does not exist: that was checked.
    Absent,
    /// It may exist.
    Unknown,
}

/// What a change set says of itself.
pub(crate) struct Heading<'a> {
    pub(crate) id: ChangeSetId,
    pub(crate) fingerprint: &'a str,
    pub(crate) actor: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) note: &'a str,
}

/// The writes of one change set, on their way into the tables.
pub(crate) struct Written<'c> {
    conn: &'c Connection,
    space: i64,
    revision: Revision,
    tally: HashMap<TallyKey, i64>,
}

impl<'c> Written<'c> {
    /// Begins the change set that makes `revision`.
    pub(crate) fn begin(conn: &'c Connection, space: i64, revision: Revision) -> Self {
        Written { conn, space, revision, tally: HashMap::new() }
    }

    /// Records the change set itself.
    pub(crate) fn change_set(&self, heading: &Heading<'_>) -> Outcome<()> {
        let values = (
            heading.id.0.to_string(),
            heading.fingerprint,
            self.space,
            number(self.revision),
            heading.actor,
            heading.at.to_string(),
            heading.note,
        );
        sql::execute(self.conn, ADD_CHANGE_SET, values)?;
        Ok(())
    }

    /// Writes one record: its row, its search terms, its counts and its history.
    pub(crate) fn record(
        &mut self,
        ordinal: u32,
        key: &Key,
        before: Before,
        put: Option<(&Body, &Texts)>,
    ) -> Outcome<()> {
        let (conn, space) = (self.conn, self.space);
        let before = match before {
            Before::Absent => None,
            Before::Unknown => rows::find(conn, space, key.kind, &key.id)?.map(|(row, _)| row),
        };
        if let Some(row) = before.filter(|_| key.kind == Kind::Requirement) {
            self.uncount(row)?;
        }
        match (before, put) {
            (_, Some((body, texts))) => {
                let place = before.map_or(Place::New { space }, |row| Place::Over { row });
                let row = rows::put(conn, place, &key.id, self.revision, body)?;
                match (&texts.document, before) {
                    (Some(document), Some(_)) => search::put(conn, space, row, document)?,
                    (Some(document), None) => search::add(conn, space, row, document)?,
                    (None, _) => {}
                }
                if let Some(counted) = TallyKey::of(body) {
                    *self.tally.entry(counted).or_default() += 1;
                }
            }
            (Some(row), None) => {
                if key.kind == Kind::Requirement {
                    search::remove(conn, row)?;
                }
                rows::remove(conn, key.kind, row)?;
            }
            (None, None) => {}
        }
        let body = put.map(|(_, texts)| &texts.body);
        let place = (space, number(self.revision), ordinal, key.kind.name(), &key.id, body);
        sql::execute(conn, ADD_HISTORY, place)?;
        Ok(())
    }

    /// Writes the counts and moves the head.
    pub(crate) fn end(self) -> Outcome<()> {
        const COUNT: &str = "INSERT INTO tally (space, status, phase, category, priority, count) \
             VALUES (?1, ?2, ?3, ?4, ?5, max(?6, 0)) \
             ON CONFLICT (space, status, phase, category, priority) DO UPDATE SET count = count + ?6";
        const CLEAR: &str = "DELETE FROM tally WHERE space = ?1 AND status = ?2 AND phase = ?3 AND category = ?4 \
             AND priority = ?5 AND count = 0";
        for (key, change) in self.tally.iter().filter(|(_, change)| **change != 0) {
            let (status, priority) = (status_number(key.status), priority_number(key.priority));
            let phase = key.phase.map_or(-1, i64::from);
            let place = (self.space, status, phase, &key.category, priority);
            sql::execute(self.conn, COUNT, (place.0, place.1, place.2, place.3, place.4, change))?;
            if *change < 0 {
                sql::execute(self.conn, CLEAR, place)?;
            }
        }
        heads::advance(self.conn, self.space, self.revision)
    }

    fn uncount(&mut self, row: i64) -> Outcome<()> {
        let text = "SELECT status, phase, category, priority FROM requirement WHERE row = ?1";
        let found = sql::first(self.conn, text, [row], |row| {
            let number = |at| row.get::<_, i64>(at);
            Ok((number(0)?, row.get::<_, Option<u32>>(1)?, row.get::<_, String>(2)?, number(3)?))
        })?;
        if let Some((status, phase, category, priority)) = found {
            let key = TallyKey {
                status: rows::status_numbered(status)?,
                phase,
                category,
                priority: rows::priority_numbered(priority)?,
            };
            *self.tally.entry(key).or_default() -= 1;
        }
        Ok(())
    }
}
