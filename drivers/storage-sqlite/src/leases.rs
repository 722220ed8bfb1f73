//! Leases as rows; what a call does to one is decided by [`LeaseRequest::decide`].

use crate::error::{Fault, Outcome};
use crate::sql;
use rtmx_storage::{Lease, LeaseRequest};
use rusqlite::Connection;

/// Answers a call inside the writer's transaction.
pub(crate) fn call(conn: &Connection, request: &LeaseRequest) -> Outcome<Lease> {
    let text = "SELECT holder, fence, expires_at FROM lease WHERE name = ?1";
    let found = sql::first(conn, text, [&request.name], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
    })?;
    let standing = match found {
        None => None,
        Some((holder, fence, expires_at)) => Some(Lease {
            name: request.name.clone(),
            holder,
            fence: fence.cast_unsigned(),
            expires_at: expires_at.parse().map_err(|source: jiff::Error| Fault::Row {
                what: "lease",
                column: "expires_at",
                source: source.into(),
            })?,
        }),
    };
    let lease = request.decide(standing.as_ref())?;
    let text = "INSERT OR REPLACE INTO lease (name, holder, fence, expires_at) VALUES (?1, ?2, ?3, ?4)";
    let fence = lease.fence.cast_signed();
    sql::execute(conn, text, (&lease.name, &lease.holder, fence, lease.expires_at.to_string()))?;
    Ok(lease)
}
