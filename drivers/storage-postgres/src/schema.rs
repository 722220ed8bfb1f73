//! The migrations of this version, and the small steps that the one algorithm asks for.
//!
//! They run on a connection of their own that is closed afterwards, under an advisory lock of the
//! session, which the server lets go of even when this process is killed. Where only a pooler in
//! transaction mode can be reached, each migration takes the lock for its own transaction instead, and
//! looks again whether another process has run it in the meantime.

mod indexes;
pub(crate) mod rights;
#[cfg(test)]
mod tests;

use crate::connect::{Connector, Route};
use crate::error::{Fault, Outcome};
use crate::heads;
use crate::run::ON_DISK;
use crate::session::Session;
use async_trait::async_trait;
use rights::Rights;
use rtmx_core::{Error, Kind, Result, Timestamp, storage};
use rtmx_storage::{Migration, MigrationLog, MigrationStep, MigrationSteps, Standing, standing};
use sqlx::Row;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Every migration of this version, never edited after its release. A number means the same here and in the
/// other engines.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "records",
        step: MigrationStep::Expand,
        oldest_compatible: 1,
        sql: include_str!("../migrations/0001_records.sql"),
    },
    Migration {
        version: 2,
        name: "sessions",
        step: MigrationStep::Expand,
        oldest_compatible: 1,
        sql: include_str!("../migrations/0002_sessions.sql"),
    },
];

const LOG_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (\
     version bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, \
     oldest_compatible bigint NOT NULL, applied_at text NOT NULL); \
     COMMENT ON TABLE schema_migration IS 'Which migrations were run: each once, and never edited.'";

/// The tables beside those of the kinds.
const OTHER_TABLES: [&str; 7] =
    ["schema_migration", "meta", "space", "change_set", "history", "tally", "lease"];

/// What a database says of itself when it is looked at.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Whether new transactions can only read: a standby, or a database that somebody froze.
    pub(crate) is_read_only: bool,
    /// A right that the role lacks on a table, as a sentence.
    pub(crate) lacking: Option<String>,
}

/// The migrations that a database records, and what else there is to know of it.
pub(crate) async fn look(
    session: &mut Session,
    schema: &str,
    place: &str,
) -> Outcome<(Vec<MigrationLog>, Seen)> {
    const READS: &str =
        "SELECT pg_catalog.pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool";
    let found = log(session, schema, place).await?;
    let row = session.first(session.statement(READS)).await?;
    let is_read_only = row.map_or(Ok(false), |row| row.try_get(0))?;
    let lacking = rights::lacking(session, schema, place).await?;
    Ok((found, Seen { is_read_only, lacking }))
}

/// The migrations that a database records; none if it has no schema.
///
/// # Errors
///
/// `storage_denied` where the schema may not be looked into, `storage_foreign` where it is not ours.
pub(crate) async fn log(session: &mut Session, schema: &str, place: &str) -> Outcome<Vec<MigrationLog>> {
    let there =
        session.first(session.statement("SELECT to_regclass('schema_migration') IS NOT NULL")).await?;
    if !there.map_or(Ok(false), |row| row.try_get(0))? {
        Rights::of(session, schema).await?.check_use(schema, place)?;
        return Ok(Vec::new());
    }
    if !has_our_log(session, schema).await? {
        return Err(foreign(schema, place, "schema_migration").into());
    }
    let text = "SELECT version, name, checksum, oldest_compatible FROM schema_migration ORDER BY version";
    let rows = session.rows(session.statement(text)).await?;
    let version = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let read = |row: &sqlx::postgres::PgRow| {
        Ok(MigrationLog {
            version: version(row.try_get(0)?),
            name: row.try_get(1)?,
            checksum: row.try_get(2)?,
            oldest_compatible: version(row.try_get(3)?),
        })
    };
    rows.iter().map(read).collect()
}

/// Fails unless a database with these migrations can be used by a version that knows those.
pub(crate) fn check_ready(known: &[Migration], log: &[MigrationLog], place: &str) -> Result<()> {
    let found = standing(known, log)?;
    let message = format!(
        "the schema in {place} is at version {}, and this version knows up to {}",
        found.version, found.known
    );
    match found.standing {
        Standing::Current | Standing::Ahead => Ok(()),
        Standing::Fresh | Standing::Behind => Err(Error::new(storage::SCHEMA_BEHIND, message)),
        Standing::Incompatible => Err(Error::new(storage::SCHEMA_AHEAD, message)),
    }
}

/// The steps of one run.
pub(crate) struct Steps<'b> {
    connector: &'b Arc<Connector>,
    lock_timeout: Duration,
    session: Option<Session>,
    /// Whether nothing was recorded when it was looked at: the tables are empty.
    is_fresh: bool,
}

impl<'b> Steps<'b> {
    /// Steps that wait for locks up to `lock_timeout`.
    pub(crate) fn new(connector: &'b Arc<Connector>, lock_timeout: Duration) -> Self {
        Steps { connector, lock_timeout, session: None, is_fresh: false }
    }

    fn session(&mut self) -> Outcome<&mut Session> {
        let message = "a migration was begun without its lock";
        self.session.as_mut().ok_or_else(|| Error::new(storage::INTERNAL, message).into())
    }

    fn begin(&self) -> String {
        let settings = self.connector.transaction_settings();
        let wait = self.lock_timeout.as_millis();
        format!(
            "BEGIN; {settings}; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = {wait}{ON_DISK}"
        )
    }

    /// The session, in a new transaction.
    async fn begun(&mut self) -> Outcome<&mut Session> {
        let (begin, connector) = (self.begin(), self.connector);
        let session = self.session()?;
        if connector.has_session_route() {
            session.script(begin).await?;
            return Ok(session);
        }
        // Behind a pooler each transaction may have another server connection.
        session.keep_to_the_limit();
        session.script(begin).await?;
        session.take_any_time(connector).await?;
        Ok(session)
    }

    fn names(&self) -> (String, String) {
        (self.connector.schema().to_owned(), self.connector.place())
    }

    fn error(&self, attempted: &str, fault: Fault) -> Error {
        fault.into_error(attempted, &self.connector.place())
    }

    /// Ends a transaction that failed, and finds out what would help.
    async fn failed(&mut self, attempted: &str, fault: Fault) -> Error {
        let (schema, place) = self.names();
        let fault = match &mut self.session {
            Some(session) if !fault.is_lost() => {
                // The error before it is the one to tell.
                let _ = session.script("ROLLBACK".into()).await;
                rights::explain(session, &schema, &place, attempted, fault).await
            }
            _ => fault,
        };
        self.error(attempted, fault)
    }

    async fn take_lock(&mut self) -> Outcome<()> {
        // Whether the lock belongs to the session, or to each transaction.
        let has_session = self.connector.has_session_route();
        let route = if has_session { Route::Session } else { Route::Pooled };
        let conn = self.connector.connect(route).await?;
        let mut session = Session::new(conn, has_session, self.connector.silence_limit());
        if has_session {
            let wait = self.lock_timeout.as_millis();
            session.script(format!("SET lock_timeout = {wait}; SET statement_timeout = 0")).await?;
            session.take_any_time(self.connector).await?;
            wait_for_lock(&mut session, lock_key(self.connector.schema()), self.lock_timeout).await?;
        }
        self.session = Some(session);
        Ok(())
    }

    async fn make_log(&mut self) -> Outcome<()> {
        let (schema, place) = self.names();
        let session = self.begun().await?;
        let rights = Rights::of(session, &schema).await?;
        rights.check(&schema, &place)?;
        if !rights.schema_exists {
            session.script(format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"")).await?;
        }
        refuse_foreign(session, &schema, &place).await?;
        if !rights.has_log {
            session.script(LOG_TABLE.into()).await?;
        }
        session.script("COMMIT".into()).await
    }

    async fn migrate_one(&mut self, migration: &Migration) -> Outcome<()> {
        const RECORD: &str = "INSERT INTO schema_migration (version, name, checksum, oldest_compatible, applied_at) \
             VALUES ($1, $2, $3, $4, $5)";
        let (schema, place) = self.names();
        let key = lock_key(&schema);
        let apart = indexes::are_all(migration) && self.connector.has_session_route() && !self.is_fresh;
        if apart {
            indexes::build(self.session()?, migration).await?;
        }
        let session = self.begun().await?;
        let lock = session.statement("SELECT pg_advisory_xact_lock($1)").bind(key);
        session.execute(lock).await?;
        if log(session, &schema, &place).await?.iter().any(|entry| entry.version == migration.version) {
            return session.script("COMMIT".into()).await;
        }
        if !apart {
            session.script(indexes::in_a_transaction(migration.sql)).await?;
        }
        if migration.version == 1 {
            heads::set_epoch(session, heads::random_epoch()?).await?;
        }
        let record = session.statement(RECORD).bind(i64::from(migration.version)).bind(migration.name);
        let record = record.bind(migration.checksum()).bind(i64::from(migration.oldest_compatible));
        session.execute(record.bind(Timestamp::now().to_string())).await?;
        session.script("COMMIT".into()).await
    }

    async fn read_log(&mut self) -> Outcome<Vec<MigrationLog>> {
        let (schema, place) = self.names();
        let session = self.begun().await?;
        let found = log(session, &schema, &place).await?;
        session.script("COMMIT".into()).await?;
        self.is_fresh |= found.is_empty();
        Ok(found)
    }
}

/// Takes the lock of the session, and asks again rather than wait in a statement: the snapshot of one
/// that waits would keep an index from being built, and so whoever holds the lock from ending.
async fn wait_for_lock(session: &mut Session, key: i64, limit: Duration) -> Outcome<()> {
    const PAUSE: Duration = Duration::from_millis(100);
    let asked = Instant::now();
    loop {
        let lock = session.statement("SELECT pg_try_advisory_lock($1)").bind(key);
        if session.first(lock).await?.map_or(Ok(false), |row| row.try_get(0))? {
            return Ok(());
        }
        if asked.elapsed() >= limit {
            let message = format!("the migration lock was not free within {} ms", limit.as_millis());
            return Err(Error::new(storage::STORAGE_BUSY, message).into());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The names of all tables.
fn our_tables() -> Vec<&'static str> {
    Kind::ALL.iter().map(|kind| kind.name()).chain(OTHER_TABLES).collect()
}

/// Refuses a schema in which tables of our names are somebody else's, before anything is changed.
async fn refuse_foreign(session: &mut Session, schema: &str, place: &str) -> Outcome<()> {
    let text = "SELECT c.relname::text FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = $1 AND c.relname = ANY ($2) ORDER BY c.relname";
    let rows = session.rows(session.statement(text).bind(schema).bind(our_tables())).await?;
    let found: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<std::result::Result<_, _>>()?;
    let has_log = found.iter().any(|name| name == "schema_migration");
    if found.is_empty() || has_log && has_our_log(session, schema).await? {
        return Ok(());
    }
    Err(foreign(schema, place, &found.join(", ")).into())
}

/// Whether what is called `schema_migration` has the columns of ours: others name a table so, too.
async fn has_our_log(session: &mut Session, schema: &str) -> Outcome<bool> {
    const ASK: &str = "SELECT count(*) = 5 FROM pg_catalog.pg_attribute a \
         JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = $1 AND c.relname = 'schema_migration' AND c.relkind IN ('r', 'p') \
         AND (a.attname::text, pg_catalog.format_type(a.atttypid, NULL)) IN (('version', 'bigint'), \
         ('name', 'text'), ('checksum', 'text'), ('oldest_compatible', 'bigint'), ('applied_at', 'text'))";
    let row = session.first(session.statement(ASK).bind(schema)).await?;
    Ok(row.map_or(Ok(false), |row| row.try_get(0))?)
}

fn foreign(schema: &str, place: &str, tables: &str) -> Error {
    let message = format!("the schema `{schema}` in {place} has tables of another application: {tables}");
    let next =
        "Set `database.schema` to the name of a schema that is RTMX's own; it is made if the role may.";
    Error::new(storage::STORAGE_FOREIGN, message).with_next(next)
}

/// The key of the advisory lock: the same for all who migrate one schema, and hardly anybody else's.
///
/// Source of the mixing: FNV-1a, 64 bits.
fn lock_key(schema: &str) -> i64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    "rtmx migrations ".bytes().chain(schema.bytes()).fold(0xcbf2_9ce4_8422_2325, mix).cast_signed()
}

#[async_trait]
impl MigrationSteps for Steps<'_> {
    async fn lock(&mut self) -> Result<()> {
        self.take_lock().await.map_err(|fault| {
            let error = self.error("take the migration lock", fault);
            if error.code() != storage::STORAGE_BUSY {
                return error;
            }
            let message = format!("the schema in {} is being migrated already", self.connector.place());
            Error::new(storage::MIGRATION_LOCKED, message).with_source(error)
        })
    }

    async fn ensure_log(&mut self) -> Result<()> {
        match self.make_log().await {
            Ok(()) => Ok(()),
            Err(fault) => Err(self.failed("record migrations", fault).await),
        }
    }

    async fn log(&mut self) -> Result<Vec<MigrationLog>> {
        match self.read_log().await {
            Ok(found) => Ok(found),
            Err(fault) => Err(self.failed("read the migrations", fault).await),
        }
    }

    async fn apply(&mut self, migration: &Migration) -> Result<()> {
        let Err(fault) = self.migrate_one(migration).await else { return Ok(()) };
        let error = self.failed("migrate", fault).await;
        // A table that a migration misses is the migration's own fault, and no other run would find it.
        if ![storage::INTERNAL, storage::SCHEMA_BEHIND].contains(&error.code()) {
            return Err(error);
        }
        let place = self.connector.place();
        let message = format!("migration {} `{}` failed in {place}", migration.version, migration.name);
        Err(Error::new(storage::MIGRATION_FAILED, message).with_source(error))
    }

    async fn unlock(&mut self) -> Result<()> {
        if let Some(session) = self.session.take() {
            session.close().await;
        }
        Ok(())
    }
}
