//! Records as rows: each kind has its table, its columns, and one function each way.

mod cells;
mod others;
mod requirement;

pub(crate) use cells::Cells;
pub(crate) use requirement::{folded, priority_number, priority_numbered, status_number, status_numbered};

use crate::error::Outcome;
use crate::heads::number;
use crate::sql;
use rtmx_core::{Body, Error, Kind, Record, Revision, storage};
use rusqlite::{Connection, ToSql};

/// What is bound to a row's columns, in the order of [`columns`].
pub(crate) type Values<'b> = Vec<Box<dyn ToSql + 'b>>;

/// The columns of a kind's table behind `row`, `space`, `id` and `revision`.
fn columns(kind: Kind) -> Outcome<&'static [&'static str]> {
    match kind {
        Kind::Requirement => Ok(&requirement::COLUMNS),
        Kind::RequirementText => Ok(&others::REQUIREMENT_TEXT),
        Kind::TestLink => Ok(&others::TEST_LINK),
        Kind::Baseline => Ok(&others::BASELINE),
        Kind::Layout => Ok(&others::LAYOUT),
        Kind::Project => Ok(&others::PROJECT),
        Kind::Token => Ok(&others::TOKEN),
        Kind::Setting => Ok(&others::SETTING),
        _ => Err(unknown(kind).into()),
    }
}

/// Row number and revision of a present record.
pub(crate) fn find(conn: &Connection, space: i64, kind: Kind, id: &str) -> Outcome<Option<(i64, Revision)>> {
    let text = format!("SELECT row, revision FROM {kind} WHERE space = ?1 AND id = ?2");
    sql::first(conn, &text, (space, id), |row| {
        Ok((row.get(0)?, Revision(row.get::<_, i64>(1)?.cast_unsigned())))
    })
}

/// Writes a record's row: over `row` if the record exists, else as a new one. Returns its number.
pub(crate) fn put(
    conn: &Connection,
    space: i64,
    row: Option<i64>,
    id: &str,
    revision: Revision,
    body: &Body,
) -> Outcome<i64> {
    let kind = body.kind();
    let values = match body {
        Body::Requirement(requirement) => requirement::values(requirement)?,
        _ => others::values(body)?,
    };
    let mut statement = sql::statement(conn, &insert_text(kind)?)?;
    let mut place = 0;
    let mut bind = |value: &dyn ToSql| {
        place += 1;
        statement.raw_bind_parameter(place, value)
    };
    bind(&row)?;
    bind(&space)?;
    bind(&id)?;
    bind(&number(revision))?;
    for value in &values {
        bind(value)?;
    }
    statement.raw_execute()?;
    Ok(row.unwrap_or_else(|| conn.last_insert_rowid()))
}

/// Removes a record's row.
pub(crate) fn remove(conn: &Connection, kind: Kind, row: i64) -> Outcome<()> {
    sql::execute(conn, &format!("DELETE FROM {kind} WHERE row = ?1"), [row])?;
    Ok(())
}

/// What a statement selects so that [`read`] can read it.
pub(crate) fn selection(kind: Kind) -> Outcome<String> {
    Ok(format!("id, revision, {}", columns(kind)?.join(", ")))
}

/// Reads a record from a row that selects [`selection`].
pub(crate) fn read(kind: Kind, row: &rusqlite::Row<'_>) -> Outcome<Record> {
    let mut cells = Cells::new(kind.name(), row, columns(kind)?);
    let (id, revision) = (row.get(0)?, Revision(row.get::<_, i64>(1)?.cast_unsigned()));
    let body = match kind {
        Kind::Requirement => Body::Requirement(requirement::read(&mut cells)?),
        _ => others::read(kind, &mut cells)?,
    };
    Ok(Record { id, revision, body })
}

fn insert_text(kind: Kind) -> Outcome<String> {
    let columns = columns(kind)?;
    let marks = vec!["?"; columns.len() + 4].join(", ");
    Ok(format!(
        "INSERT OR REPLACE INTO {kind} (row, space, id, revision, {}) VALUES ({marks})",
        columns.join(", ")
    ))
}

fn unknown(kind: Kind) -> Error {
    Error::new(storage::NOT_SUPPORTED, format!("the storage driver `sqlite` has no table for a {kind}"))
}
