//! Spaces and their heads, and the epoch that they all share.

use crate::error::{Fault, Outcome};
use crate::sql;
use rtmx_core::{Epoch, Head, Revision, Space};
pub(crate) use rtmx_storage::columns::revision_number as number;
use rusqlite::Connection;

/// A space's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpaceRow {
    pub(crate) id: i64,
    pub(crate) revision: Revision,
}

/// The epoch of the database.
pub(crate) fn epoch(conn: &Connection) -> Outcome<Epoch> {
    let text: Option<String> =
        sql::first(conn, "SELECT value FROM meta WHERE name = 'epoch'", [], |row| row.get(0))?;
    let parsed = text.unwrap_or_default().parse();
    parsed.map(Epoch).map_err(|source| Fault::Row {
        what: "epoch",
        column: "value",
        source: Box::new(source),
    })
}

/// Begins another epoch.
pub(crate) fn set_epoch(conn: &Connection, epoch: Epoch) -> Outcome<()> {
    let text = epoch.0.to_string();
    sql::execute(conn, "INSERT OR REPLACE INTO meta (name, value) VALUES ('epoch', ?1)", [text])?;
    Ok(())
}

/// A new random epoch.
pub(crate) fn random_epoch() -> Outcome<Epoch> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|source| {
        let message = "could not get random bytes for a new epoch";
        rtmx_core::Error::new(rtmx_core::storage::INTERNAL, message).with_source(source)
    })?;
    Ok(Epoch(uuid::Builder::from_random_bytes(bytes).into_uuid()))
}

/// The space's row; `None` for one that was never written.
pub(crate) fn find(conn: &Connection, space: &Space) -> Outcome<Option<SpaceRow>> {
    let text = "SELECT id, revision FROM space WHERE name = ?1";
    sql::first(conn, text, [space.to_string()], |row| {
        Ok(SpaceRow { id: row.get(0)?, revision: Revision(row.get::<_, i64>(1)?.cast_unsigned()) })
    })
}

/// The space's row, made if it is missing.
pub(crate) fn ensure(conn: &Connection, space: &Space) -> Outcome<SpaceRow> {
    if let Some(row) = find(conn, space)? {
        return Ok(row);
    }
    sql::execute(conn, "INSERT INTO space (name, revision) VALUES (?1, 0)", [space.to_string()])?;
    Ok(SpaceRow { id: conn.last_insert_rowid(), revision: Revision::ZERO })
}

/// Moves the head of a space.
pub(crate) fn advance(conn: &Connection, space: i64, revision: Revision) -> Outcome<()> {
    sql::execute(conn, "UPDATE space SET revision = ?2 WHERE id = ?1", (space, number(revision)))?;
    Ok(())
}

/// The space's row and head, in the snapshot of the connection's transaction.
pub(crate) fn head(conn: &Connection, space: &Space) -> Outcome<(Option<i64>, Head)> {
    let found = find(conn, space)?;
    let revision = found.map_or(Revision::ZERO, |row| row.revision);
    Ok((found.map(|row| row.id), Head { epoch: epoch(conn)?, revision }))
}
