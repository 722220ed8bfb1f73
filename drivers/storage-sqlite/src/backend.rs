//! The storage backend: each call handed to the writer's thread or to a reader's.

use crate::archive::Onto;
use crate::error::Fault;
use crate::files::{self, Claim};
use crate::known::KnownHeads;
use crate::lock::LockFile;
use crate::readers::Readers;
use crate::schema::{self, Steps, in_transaction};
use crate::settings::SqliteSettings;
use crate::writer::{Desk, Writer};
use crate::{apply, archive, connection, heads, leases, query};
use async_trait::async_trait;
use rtmx_core::{Applied, ChangeSet, Cx, Error, Head, Result, Space, storage};
use rtmx_storage::{
    ArchiveReport, Feed, FeedPosition, Lease, LeaseRequest, Migration, MigrationPlan, MigrationReport, Page,
    Query, SchemaState, StorageBackend, StorageCapability,
};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What a query's error says was attempted.
const ANSWER: &str = "answer the query";

/// An open SQLite database.
#[derive(Debug)]
pub(crate) struct SqliteBackend {
    inner: Arc<Inner>,
    migrating: tokio::sync::Mutex<()>,
    /// The migrations that this version knows.
    known: &'static [Migration],
}

#[derive(Debug)]
struct Inner {
    file: PathBuf,
    writer: Writer,
    readers: Readers,
    heads: KnownHeads,
    /// Whether the schema is one that this version can use.
    ready: AtomicBool,
}

impl SqliteBackend {
    /// Opens the database, and makes an empty file if there is none.
    pub(crate) async fn open(settings: SqliteSettings, known: &'static [Migration]) -> Result<SqliteBackend> {
        let inner = off_the_runtime(move || Inner::open(&settings)).await?;
        Ok(SqliteBackend { inner: Arc::new(inner), migrating: tokio::sync::Mutex::new(()), known })
    }

    /// Fails unless the schema is one that this version can use.
    async fn ready(&self, cx: &Cx) -> Result<()> {
        cx.check(Instant::now())?;
        if self.inner.ready.load(Ordering::Acquire) {
            return Ok(());
        }
        let log = self.inner.readers.read(cx, "read the schema", schema::log).await?;
        schema::check_ready(self.known, &log, &self.inner.file)?;
        self.inner.ready.store(true, Ordering::Release);
        Ok(())
    }

    async fn restore_onto(&self, cx: &Cx, from: &Path, onto: Onto) -> Result<ArchiveReport> {
        self.ready(cx).await?;
        let (from, file) = (from.to_owned(), self.inner.file.clone());
        let work = move |conn: &mut Connection| {
            let input = rtmx_storage::archive::open(&from)?;
            let restored = in_transaction(conn, |conn| archive::restore(conn, input, onto));
            restored.map_err(|fault| fault.into_error("restore", &file))
        };
        self.inner.writer.alone(cx, work).await
    }
}

impl Inner {
    fn open(settings: &SqliteSettings) -> Result<Inner> {
        let file = files::canonical(&settings.file()?)?;
        files::check_mount(&file)?;
        let claim = Claim::take(&file)?;
        let mut lock = LockFile::take(&file)?;
        let (conn, checkpointer) = match open_locked(&file, &mut lock, settings) {
            Ok(both) => both,
            Err(error) => {
                lock.give_up();
                return Err(error);
            }
        };
        let busy = settings.busy_timeout();
        let writer = Writer::start(Desk { conn, file: file.clone(), lock, claim, checkpointer, busy })?;
        match Readers::start(&file, settings.readers, busy) {
            Ok(readers) => Ok(Inner {
                file,
                writer,
                readers,
                heads: KnownHeads::default(),
                ready: AtomicBool::new(false),
            }),
            Err(error) => {
                writer.close();
                Err(error)
            }
        }
    }

    /// Readers first, so that the writer's connection is the last and leaves one whole file.
    fn close(&self) {
        self.heads.close();
        self.readers.close();
        self.writer.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// The connection that writes, and the one for checkpoints.
fn open_locked(
    file: &Path,
    lock: &mut LockFile,
    settings: &SqliteSettings,
) -> Result<(Connection, Connection)> {
    let existing = files::check_links(file)?;
    let last_stop = lock.last_stop();
    let busy = settings.busy_timeout();
    let fault = |fault: Fault| fault.into_error("open the database", file);
    let conn = connection::open_writer(file, existing, last_stop, busy).map_err(fault)?;
    let checkpointer = connection::open_checkpointer(file, busy).map_err(fault)?;
    lock.mark_open()?;
    Ok((conn, checkpointer))
}

/// Runs what blocks for a while, such as opening, checking and closing, beside the runtime.
async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|source| {
        Error::new(storage::INTERNAL, "a task of the storage driver `sqlite` ended with a panic")
            .with_source(source)
    })?
}

#[async_trait]
impl StorageBackend for SqliteBackend {
    fn capability(&self) -> StorageCapability {
        let mut capability = StorageCapability::NONE;
        capability.durable = true;
        capability.archive = true;
        capability
    }

    async fn head(&self, cx: &Cx, space: &Space) -> Result<Head> {
        self.ready(cx).await?;
        let commits = *self.inner.writer.commits().borrow();
        if let Some(head) = self.inner.heads.get(commits, space) {
            return Ok(head);
        }
        let asked = space.clone();
        let read = move |conn: &Connection| heads::head(conn, &asked).map(|(_, head)| head);
        let head = self.inner.readers.read_short(cx, "read the head", read).await?;
        self.inner.heads.put(commits, space.clone(), head);
        Ok(head)
    }

    async fn fetch(&self, cx: &Cx, query: &Query) -> Result<Page> {
        self.ready(cx).await?;
        query.check()?;
        let query = query.clone();
        let readers = &self.inner.readers;
        if query::is_short(&query) {
            return readers.read_short(cx, ANSWER, move |conn| query::answer(conn, &query)).await;
        }
        readers.read(cx, ANSWER, move |conn| query::answer(conn, &query)).await
    }

    async fn apply(&self, cx: &Cx, changes: &ChangeSet) -> Result<Applied> {
        self.apply_owned(cx, changes.clone()).await
    }

    async fn apply_owned(&self, cx: &Cx, changes: ChangeSet) -> Result<Applied> {
        self.ready(cx).await?;
        changes.check()?;
        let records = changes.changes.len();
        let work = move |conn: &Connection| apply::apply(conn, changes);
        self.inner.writer.write(cx, "apply the change set", records, work).await
    }

    async fn changes(
        &self,
        cx: &Cx,
        space: &Space,
        after: FeedPosition,
        limit: usize,
        wait: Option<Duration>,
    ) -> Result<Feed> {
        self.ready(cx).await?;
        let now = Instant::now();
        let until = wait.and_then(|wait| now.checked_add(wait.min(cx.remaining(now).unwrap_or(wait))));
        let mut commits = self.inner.writer.commits();
        loop {
            commits.borrow_and_update();
            let (space, after) = (space.clone(), after.clone());
            let read = move |conn: &Connection| query::feed(conn, &space, &after, limit);
            let feed = self.inner.readers.read(cx, "read the changes", read).await?;
            let Some(until) = until.filter(|_| feed.events.is_empty()) else { return Ok(feed) };
            match tokio::time::timeout_at(until.into(), commits.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(crate::writer::closed(&self.inner.file)),
                Err(_) => return Ok(feed),
            }
        }
    }

    async fn lease(&self, cx: &Cx, request: &LeaseRequest) -> Result<Lease> {
        self.ready(cx).await?;
        let request = request.clone();
        let work = move |conn: &Connection| leases::call(conn, &request);
        self.inner.writer.write(cx, "keep the lease", 1, work).await
    }

    async fn schema(&self, cx: &Cx) -> Result<SchemaState> {
        let log = self.inner.readers.read(cx, "read the schema", schema::log).await?;
        rtmx_storage::standing(self.known, &log)
    }

    async fn migrate(&self, cx: &Cx, plan: &MigrationPlan) -> Result<MigrationReport> {
        let inner = &self.inner;
        let mut steps = Steps::new(cx, &inner.file, &inner.writer, &self.migrating);
        rtmx_storage::migrate(&mut steps, self.known, *plan).await
    }

    async fn back_up(&self, cx: &Cx, to: &Path) -> Result<ArchiveReport> {
        self.ready(cx).await?;
        let to = to.to_owned();
        self.inner.readers.read(cx, "back up", move |conn| archive::back_up(conn, &to)).await
    }

    async fn restore(&self, cx: &Cx, from: &Path) -> Result<ArchiveReport> {
        self.restore_onto(cx, from, Onto::Nothing).await
    }

    async fn restore_over(&self, cx: &Cx, from: &Path) -> Result<ArchiveReport> {
        self.restore_onto(cx, from, Onto::Data).await
    }

    async fn close(&self, _cx: &Cx) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        off_the_runtime(move || {
            inner.close();
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::assert_code;

    #[tokio::test]
    async fn two_migrations_at_once_are_one_too_many() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("rtmx.db");
        let backend =
            SqliteBackend::open(SqliteSettings::new(&file), schema::MIGRATIONS).await.expect("a new file");
        let running = backend.migrating.lock().await;
        let error = backend.migrate(&Cx::new(), &MigrationPlan::Expand).await.expect_err("one runs");
        assert_code(&error, storage::MIGRATION_LOCKED);
        drop(running);
        backend.migrate(&Cx::new(), &MigrationPlan::Expand).await.expect("none runs");
    }
}
