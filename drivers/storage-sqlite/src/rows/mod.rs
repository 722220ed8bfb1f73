//! Records as rows: each kind has its table, its columns, and one function each way.

mod cells;
mod others;
mod requirement;

pub(crate) use cells::Cells;
pub(crate) use requirement::{priority_numbered, status_numbered};

use crate::error::Outcome;
use crate::heads::number;
use crate::sql;
use rtmx_core::{Body, Error, Kind, Record, Revision, storage};
use rusqlite::{Connection, ToSql};
use std::sync::LazyLock;

/// What is bound to a row's columns, in the order of its kind's columns.
pub(crate) type Values<'b> = Vec<Box<dyn ToSql + 'b>>;

/// What is said to a kind's table, put together once.
struct Statements {
    /// The columns that are read: those that only filters compare are not.
    read: Vec<&'static str>,
    selection: String,
    find: String,
    get: String,
    insert: String,
    update: String,
    remove: String,
}

impl Statements {
    fn of(kind: Kind) -> Option<(Kind, Statements)> {
        let columns: &'static [&'static str] = match kind {
            Kind::Requirement => &requirement::COLUMNS,
            Kind::RequirementText => &others::REQUIREMENT_TEXT,
            Kind::TestLink => &others::TEST_LINK,
            Kind::Baseline => &others::BASELINE,
            Kind::Layout => &others::LAYOUT,
            Kind::Project => &others::PROJECT,
            Kind::Token => &others::TOKEN,
            Kind::Session => &others::SESSION,
            Kind::Setting => &others::SETTING,
            _ => return None,
        };
        let names = columns.join(", ");
        let marks = (1..=columns.len()).map(|place| format!("?{}", place + 3)).collect::<Vec<_>>();
        let sets =
            columns.iter().zip(&marks).map(|(name, mark)| format!("{name} = {mark}")).collect::<Vec<_>>();
        let read: Vec<_> = columns.iter().filter(|name| !name.ends_with("_folded")).copied().collect();
        let statements = Statements {
            get: format!("SELECT id, revision, {} FROM {kind} WHERE space = ?1 AND id = ?2", read.join(", ")),
            selection: format!("id, revision, {}", read.join(", ")),
            read,
            find: format!("SELECT row, revision FROM {kind} WHERE space = ?1 AND id = ?2"),
            // Not `INSERT OR REPLACE`: SQLite guards it by a savepoint, at which the search index
            // writes out what it has gathered, for every single row.
            insert: format!(
                "INSERT INTO {kind} (space, id, revision, {names}) VALUES (?1, ?2, ?3, {})",
                marks.join(", ")
            ),
            update: format!(
                "UPDATE {kind} SET revision = ?3, {} WHERE row = ?1 AND id = ?2",
                sets.join(", ")
            ),
            remove: format!("DELETE FROM {kind} WHERE row = ?1"),
        };
        Some((kind, statements))
    }
}

fn statements(kind: Kind) -> Outcome<&'static Statements> {
    static ALL: LazyLock<Vec<(Kind, Statements)>> =
        LazyLock::new(|| Kind::ALL.into_iter().filter_map(Statements::of).collect());
    let found = ALL.iter().find(|(known, _)| *known == kind).map(|(_, statements)| statements);
    found.ok_or_else(|| unknown(kind).into())
}

/// Row number and revision of a present record.
pub(crate) fn find(conn: &Connection, space: i64, kind: Kind, id: &str) -> Outcome<Option<(i64, Revision)>> {
    sql::first(conn, &statements(kind)?.find, (space, id), |row| {
        Ok((row.get(0)?, Revision(row.get::<_, i64>(1)?.cast_unsigned())))
    })
}

/// A present record.
pub(crate) fn get(conn: &Connection, space: i64, kind: Kind, id: &str) -> Outcome<Option<Record>> {
    let mut statement = sql::statement(conn, &statements(kind)?.get)?;
    let mut found = statement.query((space, id))?;
    found.next()?.map(|row| read(kind, row)).transpose()
}

/// Where a record is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// A new row of this space.
    New { space: i64 },
    /// Over this row.
    Over { row: i64 },
}

/// Writes a record's row; returns its number.
pub(crate) fn put(
    conn: &Connection,
    place: Place,
    id: &str,
    revision: Revision,
    body: &Body,
) -> Outcome<i64> {
    let statements = statements(body.kind())?;
    let values = match body {
        Body::Requirement(requirement) => requirement::values(requirement)?,
        _ => others::values(body)?,
    };
    let (text, first) = match place {
        Place::New { space } => (&statements.insert, space),
        Place::Over { row } => (&statements.update, row),
    };
    let mut statement = sql::statement(conn, text)?;
    statement.raw_bind_parameter(1, first)?;
    statement.raw_bind_parameter(2, id)?;
    statement.raw_bind_parameter(3, number(revision))?;
    for (at, value) in (4..).zip(&values) {
        statement.raw_bind_parameter(at, value)?;
    }
    statement.raw_execute()?;
    Ok(match place {
        Place::New { .. } => conn.last_insert_rowid(),
        Place::Over { row } => row,
    })
}

/// Removes a record's row.
pub(crate) fn remove(conn: &Connection, kind: Kind, row: i64) -> Outcome<()> {
    sql::execute(conn, &statements(kind)?.remove, [row])?;
    Ok(())
}

/// What a statement selects so that [`read`] can read it.
pub(crate) fn selection(kind: Kind) -> Outcome<&'static str> {
    Ok(&statements(kind)?.selection)
}

/// Reads a record from a row that selects [`selection`].
pub(crate) fn read(kind: Kind, row: &rusqlite::Row<'_>) -> Outcome<Record> {
    let mut cells = Cells::new(kind.name(), row, &statements(kind)?.read);
    let (id, revision) = (row.get(0)?, Revision(row.get::<_, i64>(1)?.cast_unsigned()));
    let body = match kind {
        Kind::Requirement => Body::Requirement(requirement::read(&mut cells)?),
        _ => others::read(kind, &mut cells)?,
    };
    Ok(Record { id, revision, body })
}

fn unknown(kind: Kind) -> Error {
    Error::new(storage::NOT_SUPPORTED, format!("the storage driver `sqlite` has no table for a {kind}"))
}
