//! Spaces and their heads, and the epoch that they all share.

use crate::error::{Fault, Outcome};
use crate::session::Session;
use rtmx_core::{Epoch, Head, Revision, Space};
pub(crate) use rtmx_storage::columns::{revision_number as number, revision_numbered as revision};
use sqlx::Row;

/// A space's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpaceRow {
    pub(crate) id: i64,
    pub(crate) revision: Revision,
}

/// The space's row, if it was ever written, and its head.
pub(crate) async fn head(session: &mut Session, space: &Space) -> Outcome<(Option<i64>, Head)> {
    let text = "SELECT meta.value, space.id, space.revision FROM meta \
         LEFT JOIN space ON space.name = $1 WHERE meta.name = 'epoch'";
    let statement = session.statement(text).bind(space.to_string());
    let found = session.first(statement).await?.ok_or(sqlx::Error::RowNotFound)?;
    let revision = found.try_get::<Option<i64>, _>(2)?.map_or(Revision::ZERO, revision);
    Ok((found.try_get(1)?, Head { epoch: parse_epoch(&found.try_get::<String, _>(0)?)?, revision }))
}

/// The epoch of the database.
pub(crate) async fn epoch(session: &mut Session) -> Outcome<Epoch> {
    let statement = session.statement("SELECT value FROM meta WHERE name = 'epoch'");
    let found = session.first(statement).await?.ok_or(sqlx::Error::RowNotFound)?;
    parse_epoch(&found.try_get::<String, _>(0)?)
}

fn parse_epoch(text: &str) -> Outcome<Epoch> {
    text.parse().map(Epoch).map_err(|source| Fault::Row {
        what: "epoch",
        column: "value",
        source: Box::new(source),
    })
}

/// Begins another epoch.
pub(crate) async fn set_epoch(session: &mut Session, epoch: Epoch) -> Outcome<()> {
    let text = "INSERT INTO meta (name, value) VALUES ('epoch', $1) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    session.execute(session.statement(text).bind(epoch.0.to_string())).await?;
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

/// The space's row, locked until the transaction ends, and made if it is missing: of all writers of a
/// space, on this server and on others, one is behind this call at a time.
pub(crate) async fn lock(session: &mut Session, space: &Space) -> Outcome<SpaceRow> {
    const LOCK: &str = "SELECT id, revision FROM space WHERE name = $1 FOR UPDATE";
    let name = space.to_string();
    let mut found = session.first(session.statement(LOCK).bind(&name)).await?;
    if found.is_none() {
        let make = "INSERT INTO space (name, revision) VALUES ($1, 0) ON CONFLICT (name) DO NOTHING";
        session.execute(session.statement(make).bind(&name)).await?;
        found = session.first(session.statement(LOCK).bind(&name)).await?;
    }
    let found = found.ok_or(sqlx::Error::RowNotFound)?;
    Ok(SpaceRow { id: found.try_get(0)?, revision: revision(found.try_get(1)?) })
}
