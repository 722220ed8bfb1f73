//! The migrations of this version, and the small steps that the one algorithm asks for.

use crate::error::{Fault, Outcome};
use crate::writer::Writer;
use crate::{heads, sql};
use async_trait::async_trait;
use rtmx_core::{Cx, Error, Result, Timestamp, storage};
use rtmx_storage::{Migration, MigrationLog, MigrationStep, MigrationSteps, Standing, standing};
use rusqlite::Connection;
use std::path::Path;
use tokio::sync::MutexGuard;

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
    // A server of version 1 serves everything that it has: nothing there reads the system space's
    // history, which is where it would meet a kind that it does not know. Only its `back_up` would, and
    // fails rather than leave something out; to refuse such a server would cost the writes since the
    // upgrade instead.
    Migration {
        version: 2,
        name: "sessions",
        step: MigrationStep::Expand,
        oldest_compatible: 1,
        sql: include_str!("../migrations/0002_sessions.sql"),
    },
];

const LOG_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (\
     version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, \
     oldest_compatible INTEGER NOT NULL, applied_at TEXT NOT NULL)";

/// The migrations that a database records; none if it has no schema.
pub(crate) fn log(conn: &Connection) -> Outcome<Vec<MigrationLog>> {
    let table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migration'";
    if sql::first(conn, table, [], |_| Ok(()))?.is_none() {
        return Ok(Vec::new());
    }
    let text = "SELECT version, name, checksum, oldest_compatible FROM schema_migration ORDER BY version";
    let mut statement = sql::statement(conn, text)?;
    let entries = statement.query_map([], |row| {
        Ok(MigrationLog {
            version: row.get(0)?,
            name: row.get(1)?,
            checksum: row.get(2)?,
            oldest_compatible: row.get(3)?,
        })
    })?;
    Ok(entries.collect::<rusqlite::Result<_>>()?)
}

/// Fails unless a database with these migrations can be used by a version that knows those.
pub(crate) fn check_ready(known: &[Migration], log: &[MigrationLog], file: &Path) -> Result<()> {
    let found = standing(known, log)?;
    let message = format!(
        "the schema of `{}` is at version {}, and this version knows up to {}",
        file.display(),
        found.version,
        found.known
    );
    match found.standing {
        Standing::Current | Standing::Ahead => Ok(()),
        Standing::Fresh | Standing::Behind => Err(Error::new(storage::SCHEMA_BEHIND, message)),
        Standing::Incompatible => Err(Error::new(storage::SCHEMA_AHEAD, message)),
    }
}

/// Runs `work` in a transaction of its own.
pub(crate) fn in_transaction<T>(
    conn: &Connection,
    work: impl FnOnce(&Connection) -> Outcome<T>,
) -> Outcome<T> {
    sql::batch(conn, "BEGIN IMMEDIATE")?;
    let committed = work(conn).and_then(|value| match sql::batch(conn, "COMMIT") {
        Ok(()) => Ok(value),
        Err(Fault::Sqlite(error)) if Fault::is_io(&error) => Err(Fault::Sync(error)),
        Err(fault) => Err(fault),
    });
    if committed.is_err() && !conn.is_autocommit() {
        // The error above is the one to tell.
        let _ = sql::batch(conn, "ROLLBACK");
    }
    committed
}

/// The steps of one run, each a job of the writer's thread.
pub(crate) struct Steps<'b> {
    cx: &'b Cx,
    file: &'b Path,
    writer: &'b Writer,
    migrating: &'b tokio::sync::Mutex<()>,
    held: Option<MutexGuard<'b, ()>>,
}

impl<'b> Steps<'b> {
    /// Other processes are kept out by the lock file, so the lock has to keep out only other calls.
    pub(crate) fn new(
        cx: &'b Cx,
        file: &'b Path,
        writer: &'b Writer,
        migrating: &'b tokio::sync::Mutex<()>,
    ) -> Self {
        Steps { cx, file, writer, migrating, held: None }
    }

    async fn run<T: Send + 'static>(
        &self,
        attempted: &'static str,
        work: impl FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let file = self.file.to_owned();
        let job = move |conn: &mut Connection| work(conn).map_err(|fault| fault.into_error(attempted, &file));
        self.writer.alone(self.cx, job).await
    }
}

#[async_trait]
impl MigrationSteps for Steps<'_> {
    async fn lock(&mut self) -> Result<()> {
        let held = self.migrating.try_lock().map_err(|_| {
            Error::new(
                storage::MIGRATION_LOCKED,
                format!("`{}` is being migrated already", self.file.display()),
            )
        })?;
        self.held = Some(held);
        Ok(())
    }

    async fn ensure_log(&mut self) -> Result<()> {
        self.run("record migrations", |conn| in_transaction(conn, |conn| sql::batch(conn, LOG_TABLE))).await
    }

    async fn log(&mut self) -> Result<Vec<MigrationLog>> {
        self.run("read the migrations", log).await
    }

    async fn apply(&mut self, migration: &Migration) -> Result<()> {
        let migration = *migration;
        let file = self.file.to_owned();
        let job = move |conn: &mut Connection| {
            in_transaction(conn, |conn| migrate_one(conn, &migration))
                .map_err(|fault| failed(&migration, fault, &file))
        };
        self.writer.alone(self.cx, job).await
    }

    async fn unlock(&mut self) -> Result<()> {
        self.held = None;
        Ok(())
    }
}

fn migrate_one(conn: &Connection, migration: &Migration) -> Outcome<()> {
    const RECORD: &str = "INSERT INTO schema_migration (version, name, checksum, oldest_compatible, applied_at) \
         VALUES (?1, ?2, ?3, ?4, ?5)";
    sql::batch(conn, migration.sql)?;
    if migration.version == 1 {
        heads::set_epoch(conn, heads::random_epoch()?)?;
    }
    let values = (
        migration.version,
        migration.name,
        migration.checksum(),
        migration.oldest_compatible,
        Timestamp::now().to_string(),
    );
    sql::execute(conn, RECORD, values)?;
    Ok(())
}

/// A migration that the disk or its deadline stopped keeps that error; any other is the migration's own.
fn failed(migration: &Migration, fault: Fault, file: &Path) -> Error {
    let error = fault.into_error("migrate", file);
    if error.code() != storage::INTERNAL {
        return error;
    }
    let message =
        format!("migration {} `{}` failed in `{}`", migration.version, migration.name, file.display());
    Error::new(storage::MIGRATION_FAILED, message).with_source(error)
}
