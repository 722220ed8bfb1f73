//! The database into an archive and back, each in one transaction.

use crate::apply::{Before, Heading, Written};
use crate::error::{Fault, Outcome};
use crate::query::{body, read_change_set, read_time};
use crate::ready::Texts;
use crate::{heads, query, rows, sql};
use rtmx_core::{Error, Kind, Revision, Space, storage};
use rtmx_storage::ArchiveReport;
use rtmx_storage::archive::{
    self, ArchiveItem, ArchiveReader, ArchiveWriter, ArchivedChangeSet, ArchivedSpace, ArchivedWrite,
};
use rusqlite::{Connection, ErrorCode};
use std::io::{BufRead, Write};
use std::path::Path;

/// Writes the snapshot of the connection's transaction into a new file, durably.
pub(crate) fn back_up(conn: &Connection, to: &Path) -> Outcome<ArchiveReport> {
    archive::create(to, |out| write(conn, out))
}

fn write<W: Write>(conn: &Connection, out: W) -> Outcome<(W, ArchiveReport)> {
    let mut archive = ArchiveWriter::new(out, heads::epoch(conn)?)?;
    let mut statement =
        sql::statement(conn, "SELECT id, name, revision FROM space WHERE revision > 0 ORDER BY name")?;
    let mut spaces = statement.query([])?;
    while let Some(row) = spaces.next()? {
        let (id, name): (i64, String) = (row.get(0)?, row.get(1)?);
        let space = Space::parse(&name).ok_or_else(|| Fault::Row {
            what: "space",
            column: "name",
            source: format!("`{name}` is not a space").into(),
        })?;
        let head = Revision(row.get::<_, i64>(2)?.cast_unsigned());
        archive.add(&ArchiveItem::Space(ArchivedSpace { space, head }))?;
        write_history(conn, id, &mut archive)?;
        for kind in Kind::ALL {
            write_records(conn, id, kind, &mut archive)?;
        }
    }
    Ok(archive.finish()?)
}

fn write_history<W: Write>(conn: &Connection, space: i64, archive: &mut ArchiveWriter<W>) -> Outcome<()> {
    let sets = "SELECT id, fingerprint, revision, actor, at, note FROM change_set WHERE space = ?1 ORDER BY revision";
    let writes =
        "SELECT kind, id, ordinal, body FROM history WHERE space = ?1 AND revision = ?2 ORDER BY ordinal";
    let (mut sets, mut writes) = (sql::statement(conn, sets)?, sql::statement(conn, writes)?);
    let mut found = sets.query([space])?;
    while let Some(row) = found.next()? {
        let revision: i64 = row.get(2)?;
        archive.add(&ArchiveItem::ChangeSet(ArchivedChangeSet {
            id: read_change_set(row, 0)?,
            revision: Revision(revision.cast_unsigned()),
            fingerprint: row.get(1)?,
            actor: row.get(3)?,
            at: read_time(row, 4)?,
            note: row.get(5)?,
        }))?;
        let mut written = writes.query((space, revision))?;
        while let Some(row) = written.next()? {
            let key = query::read_key(row, 0)?;
            archive.add(&ArchiveItem::Write(ArchivedWrite {
                ordinal: row.get(2)?,
                key,
                body: body(row, 3)?,
            }))?;
        }
    }
    Ok(())
}

fn write_records<W: Write>(
    conn: &Connection,
    space: i64,
    kind: Kind,
    archive: &mut ArchiveWriter<W>,
) -> Outcome<()> {
    let text = format!("SELECT {} FROM {kind} WHERE space = ?1 ORDER BY id", rows::selection(kind)?);
    let mut statement = sql::statement(conn, &text)?;
    let mut found = statement.query([space])?;
    while let Some(row) = found.next()? {
        archive.add(&ArchiveItem::Record(rows::read(kind, row)?))?;
    }
    Ok(())
}

/// What a restore may find in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Onto {
    /// Nothing: anything else is refused.
    Nothing,
    /// Data, which it replaces.
    Data,
}

/// Fills the database of the connection's transaction, and begins an epoch.
///
/// The present records follow from the writes; the archive's own must be the same ones.
pub(crate) fn restore(conn: &Connection, input: impl BufRead, onto: Onto) -> Outcome<ArchiveReport> {
    if onto == Onto::Data {
        clear(conn)?;
    }
    if sql::first(conn, "SELECT 1 FROM space WHERE revision > 0 LIMIT 1", [], |_| Ok(()))?.is_some() {
        let message = "could not restore: the database holds data already";
        return Err(Error::new(storage::RESTORE_NOT_EMPTY, message).into());
    }
    let mut archive = ArchiveReader::new(input)?;
    let mut space = 0;
    let mut pending: Option<Written<'_>> = None;
    let mut records = 0;
    while let Some(item) = archive.next()? {
        if !matches!(item, ArchiveItem::Write(_))
            && let Some(written) = pending.take()
        {
            written.end()?;
        }
        match item {
            ArchiveItem::Space(next) => space = heads::ensure(conn, &next.space)?.id,
            ArchiveItem::ChangeSet(next) => {
                let written = Written::begin(conn, space, next.revision);
                let heading = Heading {
                    id: next.id,
                    fingerprint: &next.fingerprint,
                    actor: &next.actor,
                    at: next.at,
                    note: &next.note,
                };
                let twice = format!("the change set {} is there twice", next.id.0);
                written.change_set(&heading).map_err(|fault| contradicts(fault, &twice))?;
                pending = Some(written);
            }
            ArchiveItem::Write(write) => {
                if let Some(written) = &mut pending {
                    let twice = format!("{} is written twice in one change set", write.key);
                    let texts = write.body.as_ref().map(|body| Texts::of(&write.key.id, body)).transpose()?;
                    let put = write.body.as_ref().zip(texts.as_ref());
                    let outcome = written.record(write.ordinal, &write.key, Before::Unknown, put);
                    outcome.map_err(|fault| contradicts(fault, &twice))?;
                }
            }
            ArchiveItem::Record(record) => {
                let held = query::by_ids(conn, space, record.body.kind(), std::slice::from_ref(&record.id))?;
                if held.first() != Some(&record) {
                    return Err(invalid(&format!("{} is not what was written last", record.key())).into());
                }
                records += 1;
            }
        }
    }
    if let Some(written) = pending.take() {
        written.end()?;
    }
    let present = present(conn)?;
    if present != records {
        return Err(invalid(&format!("it holds {records} present records of {present}")).into());
    }
    let report = archive.finish()?;
    heads::set_epoch(conn, heads::random_epoch()?)?;
    Ok(report)
}

/// Deletes everything but leases, which belong to processes and not to the data.
fn clear(conn: &Connection) -> Outcome<()> {
    sql::batch(conn, "INSERT INTO requirement_search (requirement_search) VALUES ('delete-all')")?;
    let tables = ["requirement_terms", "tally", "history", "change_set"];
    for table in Kind::ALL.iter().map(|kind| kind.name()).chain(tables).chain(["space"]) {
        sql::batch(conn, &format!("DELETE FROM {table}"))?;
    }
    Ok(())
}

fn present(conn: &Connection) -> Outcome<u64> {
    let mut present = 0;
    for kind in Kind::ALL {
        let count: Option<i64> =
            sql::first(conn, &format!("SELECT count(*) FROM {kind}"), [], |row| row.get(0))?;
        present += count.unwrap_or_default().cast_unsigned();
    }
    Ok(present)
}

/// A broken constraint is the archive's fault here.
fn contradicts(fault: Fault, why: &str) -> Fault {
    match fault {
        Fault::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            invalid(why).with_source(error).into()
        }
        fault => fault,
    }
}

fn invalid(why: &str) -> Error {
    Error::new(storage::ARCHIVE_INVALID, format!("could not read the archive: {why}"))
}
