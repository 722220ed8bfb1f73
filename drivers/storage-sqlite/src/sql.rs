//! The one door to SQLite's statements.
//!
//! Every statement is prepared here, once a connection, and its text is logged at TRACE under the
//! target `rtmx::sql`. Values are bound and never part of the text, so the log holds none.

use crate::error::Outcome;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};

/// The target under which statements are logged.
pub(crate) const TARGET: &str = "rtmx::sql";

/// The statement of this text, prepared or from the connection's cache.
pub(crate) fn statement<'c>(conn: &'c Connection, sql: &str) -> Outcome<CachedStatement<'c>> {
    tracing::trace!(target: TARGET, sql);
    Ok(conn.prepare_cached(sql)?)
}

/// Runs a statement that answers no rows; returns how many it changed.
pub(crate) fn execute(conn: &Connection, sql: &str, values: impl Params) -> Outcome<usize> {
    Ok(statement(conn, sql)?.execute(values)?)
}

/// The first row of a statement, read by `read`.
pub(crate) fn first<T>(
    conn: &Connection,
    sql: &str,
    values: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Outcome<Option<T>> {
    Ok(statement(conn, sql)?.query_row(values, read).optional()?)
}

/// Runs statements that are part of no transaction's data: pragmas, `BEGIN`, migrations.
pub(crate) fn batch(conn: &Connection, sql: &str) -> Outcome<()> {
    tracing::trace!(target: TARGET, sql);
    Ok(conn.execute_batch(sql)?)
}
