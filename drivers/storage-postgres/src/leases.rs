//! Leases as rows; what a call does to one is decided by [`LeaseRequest::decide`].
//!
//! Several servers of the product share them, and their clocks differ: a server that is ten minutes ahead
//! would find every lease of the others expired. So a lease is kept by the database's clock and told by
//! the caller's. A caller whose time is more than a day off tells no time of today, such as one that does
//! something again as of then; its time is taken as it is.

use crate::error::{Fault, Outcome};
use crate::session::Session;
use jiff::{SignedDuration, Timestamp};
use rtmx_storage::{Lease, LeaseRequest};
use sqlx::Row;

/// Clocks that differ by no more are meant to be the same.
const SKEW_LIMIT: SignedDuration = SignedDuration::from_hours(24);

/// Answers a call inside a transaction that writes.
pub(crate) async fn call(session: &mut Session, request: &LeaseRequest) -> Outcome<Lease> {
    // The row is there before it is locked, so that of two first calls one waits for the other.
    let make = "INSERT INTO lease (name, holder, fence, expires_at) VALUES ($1, '', 0, $2) \
         ON CONFLICT (name) DO NOTHING";
    let make = session.statement(make).bind(&request.name).bind(request.now.to_string());
    session.execute(make).await?;
    let text = "SELECT holder, fence, expires_at FROM lease WHERE name = $1 FOR UPDATE";
    let statement = session.statement(text).bind(&request.name);
    let found = session.first(statement).await?.ok_or(sqlx::Error::RowNotFound)?;
    let ahead = ahead(session, request.now).await?;
    let expires_at: String = found.try_get(2)?;
    let expires_at: Timestamp = expires_at.parse().map_err(unreadable)?;
    let standing = Lease {
        name: request.name.clone(),
        holder: found.try_get(0)?,
        fence: found.try_get::<i64, _>(1)?.cast_unsigned(),
        expires_at: moved(expires_at, ahead),
    };
    let lease = request.decide(Some(&standing))?;
    let text = "UPDATE lease SET holder = $2, fence = $3, expires_at = $4 WHERE name = $1";
    let statement = session.statement(text).bind(&lease.name).bind(&lease.holder);
    let expires_at = moved(lease.expires_at, -ahead).to_string();
    let statement = statement.bind(lease.fence.cast_signed()).bind(expires_at);
    session.execute(statement).await?;
    Ok(lease)
}

/// How far the caller's clock is ahead of the database's, which is asked behind the lock.
async fn ahead(session: &mut Session, now: Timestamp) -> Outcome<SignedDuration> {
    let text = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    let found = session.first(session.statement(text)).await?.ok_or(sqlx::Error::RowNotFound)?;
    let ahead = now.duration_since(Timestamp::from_microsecond(found.try_get(0)?).map_err(unreadable)?);
    Ok(if ahead.abs() <= SKEW_LIMIT { ahead } else { SignedDuration::ZERO })
}

/// A time by another clock; the last one there is stays the last.
fn moved(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn unreadable(source: jiff::Error) -> Fault {
    Fault::Row { what: "lease", column: "expires_at", source: source.into() }
}
