//! The thread itself: groups, commits, checkpoints, and what stops them.

use super::checkpoint::Checkpoints;
use super::job::{Job, Write};
use crate::connection::open_writer;
use crate::error::Fault;
use crate::files::{Claim, Existing, Identity, log_bytes};
use crate::lock::{LastStop, LockFile};
use crate::sql;
use crossbeam_channel::Receiver;
use rtmx_core::{Error, Result, storage};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::watch;

/// The most records that share a commit: beyond, waiting for the others costs more than the sync.
const GROUP_RECORDS: usize = 1_000;
/// The most writes that share a commit.
const GROUP_WRITES: usize = 64;
/// The size of the write-ahead log at which its content is moved into the database.
const CHECKPOINT_BYTES: u64 = 4 * 1024 * 1024;
/// The number of records after which it is moved again: about as many bytes. The file does not tell, it
/// keeps its size when it is written from its beginning again.
const CHECKPOINT_RECORDS: usize = 50;
/// The number of records in a write after which memory is given back.
const LARGE_RECORDS: usize = 10_000;

/// What the writer's thread owns.
pub(crate) struct Desk {
    pub(crate) conn: Connection,
    pub(crate) file: PathBuf,
    pub(crate) lock: LockFile,
    pub(crate) claim: Claim,
    /// The connection for checkpoints.
    pub(crate) checkpointer: Connection,
    /// How long a connection waits for another process.
    pub(crate) busy: Duration,
}

/// The thread's state.
pub(super) struct Thread {
    conn: Connection,
    file: PathBuf,
    lock: LockFile,
    claim: Claim,
    checkpoints: Checkpoints,
    /// The size of the log when a checkpoint was last asked for, and the records written since.
    log_then: u64,
    records_since: usize,
    identity: Identity,
    busy: Duration,
    /// Whether an error may have left something in the connection's memory that the file does not hold:
    /// the search index keeps parts of itself there.
    worn: bool,
    committed: watch::Sender<u64>,
    /// Why nothing is written any more.
    stopped: Option<Stop>,
}

#[derive(Debug, Clone)]
enum Stop {
    SyncFailed(String),
    Replaced,
}

impl Thread {
    /// The thread's state before its first job.
    pub(super) fn new(desk: Desk, committed: watch::Sender<u64>) -> Result<Self> {
        let Desk { conn, file, lock, claim, checkpointer, busy } = desk;
        let identity = Identity::of(&file);
        let checkpoints = Checkpoints::start(checkpointer, &file)?;
        Ok(Thread {
            conn,
            file,
            lock,
            claim,
            checkpoints,
            log_then: 0,
            records_since: 0,
            identity,
            busy,
            worn: false,
            committed,
            stopped: None,
        })
    }

    /// Runs work that brings its own transaction.
    pub(super) fn alone<T>(&mut self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        self.refusal()?;
        self.renew()?;
        let result = work(&mut self.conn);
        self.note_result(&result);
        self.announce();
        result
    }

    /// Serves the queue until it is told to close.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut left = None;
        while let Some(job) = left.take().or_else(|| jobs.recv().ok()) {
            match job {
                Job::Write(write) => left = self.group(write, jobs),
                Job::Alone(work) => work(&mut self),
                Job::Close => break,
            }
        }
        self.end();
    }

    /// Commits a write together with those that wait behind it; returns a job that cannot join.
    fn group(&mut self, first: Box<dyn Write>, jobs: &Receiver<Job>) -> Option<Job> {
        if let Err(error) = self.refusal().and_then(|()| self.renew()).and_then(|()| self.begin()) {
            first.answer(Some(error));
            return None;
        }
        let (mut group, mut records, mut left) = (Vec::new(), 0, None);
        let mut next = Some(first);
        let mut broken = None;
        while let Some(mut write) = next.take() {
            records += write.records();
            let outcome = self.in_savepoint(&mut *write);
            group.push(write);
            if let Err(error) = outcome {
                broken = Some(error);
                break;
            }
            if records < GROUP_RECORDS && group.len() < GROUP_WRITES {
                match jobs.try_recv() {
                    Ok(Job::Write(write)) => next = Some(write),
                    Ok(job) => left = Some(job),
                    Err(_) => {}
                }
            }
        }
        let instead = broken.or_else(|| self.commit().err());
        // Also of a commit that failed: what readers see then may be another head than before.
        self.announce();
        for write in group {
            write.answer(instead.as_ref().map(again));
        }
        if records >= LARGE_RECORDS {
            self.shrink();
        }
        self.checkpoint(records);
        left
    }

    /// Runs a write so that it alone can be taken back; `Err` if the whole transaction is lost.
    fn in_savepoint(&mut self, write: &mut dyn Write) -> Result<()> {
        let conn = &self.conn;
        let attempt = |text| sql::batch(conn, text).map_err(|fault| fault.into_error("write", &self.file));
        attempt("SAVEPOINT write")?;
        let Some(error) = write.run(conn) else { return attempt("RELEASE write") };
        if error.code() == storage::STORAGE_SYNC_FAILED {
            let (error, cause) = (again(error), error.causes().join(": "));
            let _ = attempt("ROLLBACK");
            self.stop(Stop::SyncFailed(cause));
            return Err(error);
        }
        // Full disk, I/O error, no memory: SQLite took the whole transaction back, or left it as it came.
        let lost = [storage::STORAGE_UNAVAILABLE, storage::STORAGE_FULL, storage::STORAGE_CORRUPT];
        if conn.is_autocommit() || lost.contains(&error.code()) {
            let error = again(error);
            if !conn.is_autocommit() {
                // The write's own error is the one to tell.
                let _ = attempt("ROLLBACK");
            }
            self.worn = true;
            return Err(error);
        }
        attempt("ROLLBACK TO write").and_then(|()| attempt("RELEASE write"))
    }

    /// Takes a new connection in the place of one that an error has left in doubt.
    fn renew(&mut self) -> Result<()> {
        if self.worn {
            let opened = open_writer(&self.file, Existing::Yes, LastStop::Clean, self.busy);
            self.conn = opened.map_err(|fault| fault.into_error("open the database again", &self.file))?;
            self.worn = false;
        }
        Ok(())
    }

    fn begin(&self) -> Result<()> {
        sql::batch(&self.conn, "BEGIN IMMEDIATE")
            .map_err(|fault| fault.into_error("begin a write", &self.file))
    }

    fn commit(&mut self) -> Result<()> {
        let Err(fault) = sql::batch(&self.conn, "COMMIT") else {
            // What was committed into a file that has lost its name is not kept.
            return self.refusal();
        };
        self.worn = true;
        if !self.conn.is_autocommit() {
            // The commit's own error is the one to tell.
            let _ = sql::batch(&self.conn, "ROLLBACK");
        }
        match fault {
            Fault::Sqlite(error) if Fault::is_io(&error) => {
                self.stop(Stop::SyncFailed(error.to_string()));
                Err(Fault::Sync(error).into_error("commit", &self.file))
            }
            fault => Err(fault.into_error("commit", &self.file)),
        }
    }

    /// Fails if nothing may be written any more.
    fn refusal(&mut self) -> Result<()> {
        if self.stopped.is_none()
            && let Some(cause) = self.checkpoints.failure().map(str::to_owned)
        {
            self.stop(Stop::SyncFailed(cause));
        }
        if self.stopped.is_none() && Identity::of(&self.file) != self.identity {
            self.stop(Stop::Replaced);
        }
        match &self.stopped {
            None => Ok(()),
            Some(stop) => Err(self.stop_error(stop)),
        }
    }

    fn stop(&mut self, stop: Stop) -> Error {
        let error = self.stop_error(&stop);
        tracing::error!(error = ?error, "the database is not written any more until a restart");
        self.stopped = Some(stop);
        error
    }

    fn stop_error(&self, stop: &Stop) -> Error {
        let file = self.file.display();
        match stop {
            Stop::SyncFailed(cause) => {
                let message = format!("`{file}` is not written any more since a write was not made durable");
                Error::new(storage::STORAGE_SYNC_FAILED, message).with_source(cause.clone())
            }
            Stop::Replaced => {
                let message =
                    format!("`{file}` or its write-ahead log was replaced or removed while it was open");
                Error::new(storage::STORAGE_READ_ONLY, message)
            }
        }
    }

    fn note_result<T>(&mut self, result: &Result<T>) {
        let Err(error) = result else { return };
        self.worn = true;
        if error.code() == storage::STORAGE_SYNC_FAILED && self.stopped.is_none() {
            self.stop(Stop::SyncFailed(error.causes().join(": ")));
        }
    }

    fn announce(&self) {
        self.committed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Has the log's content moved into the database once there is enough of it.
    pub(super) fn checkpoint(&mut self, records: usize) {
        self.records_since += records;
        let log = log_bytes(&self.file);
        let enough = log > self.log_then || self.records_since >= CHECKPOINT_RECORDS;
        if self.stopped.is_none() && log >= CHECKPOINT_BYTES && enough {
            (self.log_then, self.records_since) = (log, 0);
            self.checkpoints.ask();
        }
    }

    fn shrink(&self) {
        if let Err(fault) = sql::batch(&self.conn, "PRAGMA shrink_memory") {
            tracing::warn!(error = ?fault.into_error("give memory back", &self.file), "memory was kept");
        }
    }

    /// Closes the connection and then lets go of lock and claim, in this order.
    fn end(self) {
        let Thread { conn, file, lock, claim, mut checkpoints, .. } = self;
        // Before the writer's connection, which is the last and leaves one whole file.
        checkpoints.end();
        if self.stopped.is_some() {
            // Nothing is synced again, and the lock file stays as the mark of an unclean stop.
            let kept = conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            drop((kept, conn, lock, claim));
            return;
        }
        match conn.close() {
            Ok(()) => lock.end(),
            Err((_, error)) => {
                tracing::error!(error = ?Fault::from(error).into_error("close", &file), "the database did not close");
            }
        }
        drop(claim);
    }
}

/// The same error once more, for another one who waits.
fn again(error: &Error) -> Error {
    let causes = error.causes();
    let copy = Error::new(error.code(), error.message());
    if causes.is_empty() { copy } else { copy.with_source(causes.join(": ")) }
}
