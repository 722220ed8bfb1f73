//! An archive into the database.
//!
//! History and records are written as they come, in portions, and not by doing every change again.
//! That the records are what was written last is then asked of the history that was just written.

use super::{PORTION, PORTIONS_AHEAD, Portion as Items, panicked, take_any_time};
use crate::connect::Connector;
use crate::error::{Fault, Outcome};
use crate::heads::{self, number};
use crate::query::newest;
use crate::rows::{Before, Portion};
use crate::session::Session;
use crate::tally::Tally;
use crate::terms;
use rtmx_core::{Body, Error, Kind, Record, Result, Revision, storage};
use rtmx_storage::ArchiveReport;
use rtmx_storage::archive::{self, ArchiveItem, ArchiveReader, ArchivedChangeSet, ArchivedWrite};
use sqlx::Row;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What a restore may find in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Onto {
    /// Nothing: anything else is refused.
    Nothing,
    /// Data, which it replaces.
    Data,
}

/// Fills the database of the session's transaction, and begins an epoch.
pub(crate) async fn restore(
    session: &mut Session,
    connector: &Arc<Connector>,
    from: &Path,
    onto: Onto,
) -> Outcome<ArchiveReport> {
    take_any_time(session, connector).await?;
    // One restore at a time, and no write in between.
    session.script("LOCK TABLE space IN EXCLUSIVE MODE".into()).await?;
    if onto == Onto::Data {
        clear(session).await?;
    }
    let written = session.statement("SELECT 1 FROM space WHERE revision > 0 LIMIT 1");
    if session.first(written).await?.is_some() {
        let message = "could not restore: the database holds data already";
        return Err(Error::new(storage::RESTORE_NOT_EMPTY, message).into());
    }
    let (portions, mut given) = mpsc::channel(PORTIONS_AHEAD);
    let path = from.to_owned();
    let reading = tokio::task::spawn_blocking(move || read_file(&path, &portions));
    terms::take_all_at_once(session).await?;
    let mut restoring = Restoring::default();
    while let Some(items) = given.recv().await {
        restoring.take(session, items).await?;
    }
    restoring.end_space(session).await?;
    let report = reading.await.map_err(panicked)??;
    terms::gather(session).await?;
    heads::set_epoch(session, heads::random_epoch()?).await?;
    Ok(report)
}

/// Deletes everything but leases, which belong to processes and not to the data.
///
/// `TRUNCATE` would be quicker, and would take what other transactions still read from their snapshots.
async fn clear(session: &mut Session) -> Outcome<()> {
    let tables = Kind::ALL.iter().map(|kind| kind.name()).chain(["tally", "history", "change_set", "space"]);
    let statements: Vec<String> = tables.map(|table| format!("DELETE FROM {table}")).collect();
    session.script(statements.join("; ")).await
}

fn read_file(from: &Path, portions: &mpsc::Sender<Items>) -> Result<ArchiveReport> {
    let mut archive = ArchiveReader::new(archive::open(from)?)?;
    let mut items = Vec::with_capacity(PORTION);
    while let Some(item) = archive.next()? {
        items.push(item);
        if items.len() == PORTION {
            let portion = std::mem::replace(&mut items, Vec::with_capacity(PORTION));
            if portions.blocking_send(portion).is_err() {
                return Err(Error::new(storage::STORAGE_UNAVAILABLE, "the restore has ended"));
            }
        }
    }
    // Whoever takes it decides by the end of the file whether it counts.
    let _ = portions.blocking_send(items);
    archive.finish()
}

/// The space that is being filled.
#[derive(Default)]
struct Restoring {
    space: i64,
    revision: Revision,
    records: u64,
    tally: Tally,
}

impl Restoring {
    /// Writes a portion: what is alike and stands together is one statement.
    async fn take(&mut self, session: &mut Session, items: Items) -> Outcome<()> {
        let (mut sets, mut writes, mut records) = (Vec::new(), Vec::new(), Vec::new());
        for item in items {
            match item {
                ArchiveItem::Space(next) => {
                    self.history(session, &mut sets, &mut writes).await?;
                    self.records(session, &mut records).await?;
                    self.end_space(session).await?;
                    self.space = heads::lock(session, &next.space).await?.id;
                }
                ArchiveItem::ChangeSet(set) => {
                    self.revision = set.revision;
                    sets.push(set);
                }
                ArchiveItem::Write(write) => writes.push((self.revision, write)),
                ArchiveItem::Record(record) => {
                    self.history(session, &mut sets, &mut writes).await?;
                    if records.last().is_some_and(|last: &Record| last.body.kind() != record.body.kind()) {
                        self.records(session, &mut records).await?;
                    }
                    records.push(record);
                }
            }
        }
        self.history(session, &mut sets, &mut writes).await?;
        self.records(session, &mut records).await
    }

    async fn history(
        &self,
        session: &mut Session,
        sets: &mut Vec<ArchivedChangeSet>,
        writes: &mut Vec<(Revision, ArchivedWrite)>,
    ) -> Outcome<()> {
        const SETS: &str = "INSERT INTO change_set (space, id, revision, fingerprint, actor, at, note) \
             SELECT $1, t.* FROM unnest($2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[]) AS t";
        const WRITES: &str = "INSERT INTO history (space, revision, ordinal, kind, id, body) \
             SELECT $1, t.revision, t.ordinal, t.kind, t.id, t.body::json \
             FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[]) \
             AS t (revision, ordinal, kind, id, body)";
        if !sets.is_empty() {
            let sets = std::mem::take(sets);
            let column = |of: fn(&ArchivedChangeSet) -> String| sets.iter().map(of).collect::<Vec<_>>();
            let statement = session.statement(SETS).bind(self.space);
            let statement = statement.bind(sets.iter().map(|set| set.id.0).collect::<Vec<_>>());
            let statement = statement.bind(sets.iter().map(|set| number(set.revision)).collect::<Vec<_>>());
            let statement = statement.bind(column(|set| set.fingerprint.clone()));
            let statement = statement.bind(column(|set| set.actor.clone()));
            let statement = statement.bind(column(|set| set.at.to_string()));
            let statement = statement.bind(column(|set| set.note.clone()));
            session.execute(statement).await.map_err(|fault| twice(fault, "a change set is there twice"))?;
        }
        if !writes.is_empty() {
            let writes = std::mem::take(writes);
            let body = |(_, write): &(Revision, ArchivedWrite)| write.body.as_ref().map(json).transpose();
            let bodies = writes.iter().map(body).collect::<Outcome<Vec<Option<String>>>>()?;
            let number =
                |of: fn(&(Revision, ArchivedWrite)) -> i64| writes.iter().map(of).collect::<Vec<_>>();
            let text = |of: fn(&(Revision, ArchivedWrite)) -> &str| writes.iter().map(of).collect::<Vec<_>>();
            let statement = session.statement(WRITES).bind(self.space);
            let statement = statement.bind(number(|(revision, _)| heads::number(*revision)));
            let statement = statement.bind(number(|(_, write)| i64::from(write.ordinal)));
            let statement = statement.bind(text(|(_, write)| write.key.kind.name()));
            let statement = statement.bind(text(|(_, write)| write.key.id.as_str())).bind(bodies);
            let written = session.execute(statement).await;
            written.map_err(|fault| twice(fault, "a record is written twice in one change set"))?;
        }
        Ok(())
    }

    /// Writes records of one kind, and checks that they are what was written last.
    async fn records(&mut self, session: &mut Session, records: &mut Vec<Record>) -> Outcome<()> {
        let records = std::mem::take(records);
        let Some(kind) = records.first().map(|record| record.body.kind()) else { return Ok(()) };
        let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
        let held = newest(session, self.space, kind, &ids).await?;
        let held: HashMap<&str, &Record> = held.iter().map(|record| (record.id.as_str(), record)).collect();
        // One statement writes records of one revision.
        let mut by_revision: HashMap<Revision, Portion<'_>> = HashMap::new();
        for record in &records {
            if held.get(record.id.as_str()).is_none_or(|held| *held != record) {
                return Err(invalid(&format!("{} is not what was written last", record.key())).into());
            }
            self.tally.add(&record.body);
            let terms = match &record.body {
                Body::Requirement(requirement) => Some(terms::document(self.space, &record.id, requirement)),
                _ => None,
            };
            let portion = match by_revision.entry(record.revision) {
                std::collections::hash_map::Entry::Occupied(portion) => portion.into_mut(),
                std::collections::hash_map::Entry::Vacant(place) => place.insert(Portion::new(kind)?),
            };
            portion.push(&record.id, &record.body, terms)?;
        }
        self.records += records.len() as u64;
        for (revision, portion) in by_revision {
            let written = portion.write(session, self.space, revision, Before::Absent).await;
            written.map_err(|fault| twice(fault, "a record is there twice"))?;
        }
        Ok(())
    }

    /// Writes the counts and the head of the space, and checks that none of its records is missing.
    async fn end_space(&mut self, session: &mut Session) -> Outcome<()> {
        const PRESENT: &str = "SELECT count(*) FROM (SELECT DISTINCT ON (kind, id) body IS NOT NULL AS there \
             FROM history WHERE space = $1 ORDER BY kind, id, revision DESC) AS newest WHERE there";
        if self.space == 0 {
            return Ok(());
        }
        let found = session.first(session.statement(PRESENT).bind(self.space)).await?;
        let present = found.map_or(Ok(0), |row| row.try_get::<i64, _>(0))?.cast_unsigned();
        if present != self.records {
            let message = format!("it holds {} present records of {present}", self.records);
            return Err(invalid(&message).into());
        }
        std::mem::take(&mut self.tally).write(session, self.space).await?;
        let advance = "UPDATE space SET revision = $2 WHERE id = $1";
        let statement = session.statement(advance).bind(self.space).bind(number(self.revision));
        session.execute(statement).await?;
        *self = Restoring::default();
        Ok(())
    }
}

fn json(body: &Body) -> Outcome<String> {
    serde_json::to_string(body).map_err(|source| {
        Error::new(storage::INTERNAL, "could not write a record as JSON").with_source(source).into()
    })
}

/// A broken unique constraint is the archive's fault here.
fn twice(fault: Fault, why: &str) -> Fault {
    match fault {
        Fault::Sqlx(error)
            if error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation) =>
        {
            invalid(why).with_source(error).into()
        }
        fault => fault,
    }
}

fn invalid(why: &str) -> Error {
    Error::new(storage::ARCHIVE_INVALID, format!("could not read the archive: {why}"))
}
