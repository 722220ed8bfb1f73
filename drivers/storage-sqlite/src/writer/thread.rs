//! The thread itself: groups, commits, checkpoints, and what stops them.

use super::job::{Job, Write};
use crate::error::Fault;
use crate::files::{Claim, Identity, log_bytes};
use crate::lock::LockFile;
use crate::sql;
use crossbeam_channel::Receiver;
use rtmx_core::{Error, Result, storage};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::path::PathBuf;
use tokio::sync::watch;

/// The most records that share a commit: beyond, waiting for the others costs more than the sync.
const GROUP_RECORDS: usize = 1_000;
/// The most writes that share a commit.
const GROUP_WRITES: usize = 64;
/// The size of the write-ahead log at which its content is moved into the database.
const CHECKPOINT_BYTES: u64 = 4 * 1024 * 1024;
/// The number of records in a write after which memory is given back.
const LARGE_RECORDS: usize = 10_000;

/// What the writer's thread owns.
pub(crate) struct Desk {
    pub(crate) conn: Connection,
    pub(crate) file: PathBuf,
    pub(crate) lock: LockFile,
    pub(crate) claim: Claim,
}

/// The thread's state.
pub(super) struct Thread {
    desk: Desk,
    identity: Identity,
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
    pub(super) fn new(desk: Desk, committed: watch::Sender<u64>) -> Self {
        let identity = Identity::of(&desk.file);
        Thread { desk, identity, committed, stopped: None }
    }

    /// Runs work that brings its own transaction.
    pub(super) fn alone<T>(&mut self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        self.refusal()?;
        let result = work(&mut self.desk.conn);
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
        if let Err(error) = self.refusal().and_then(|()| self.begin()) {
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
        if instead.is_none() {
            self.announce();
        }
        for write in group {
            write.answer(instead.as_ref().map(again));
        }
        if records >= LARGE_RECORDS {
            self.shrink();
        }
        self.checkpoint();
        left
    }

    /// Runs a write so that it alone can be taken back; `Err` if the whole transaction is lost.
    fn in_savepoint(&mut self, write: &mut dyn Write) -> Result<()> {
        let conn = &self.desk.conn;
        let attempt =
            |text| sql::batch(conn, text).map_err(|fault| fault.into_error("write", &self.desk.file));
        attempt("SAVEPOINT write")?;
        let Some(error) = write.run(conn) else { return attempt("RELEASE write") };
        if error.code() == storage::STORAGE_SYNC_FAILED {
            let (error, cause) = (again(error), error.causes().join(": "));
            let _ = attempt("ROLLBACK");
            self.stop(Stop::SyncFailed(cause));
            return Err(error);
        }
        if conn.is_autocommit() {
            // SQLite took the whole transaction back: full disk, I/O error, no memory.
            return Err(again(error));
        }
        attempt("ROLLBACK TO write").and_then(|()| attempt("RELEASE write"))
    }

    fn begin(&self) -> Result<()> {
        sql::batch(&self.desk.conn, "BEGIN IMMEDIATE")
            .map_err(|fault| fault.into_error("begin a write", &self.desk.file))
    }

    fn commit(&mut self) -> Result<()> {
        let Err(fault) = sql::batch(&self.desk.conn, "COMMIT") else {
            // What was committed into a file that has lost its name is not kept.
            return self.refusal();
        };
        if !self.desk.conn.is_autocommit() {
            // The commit's own error is the one to tell.
            let _ = sql::batch(&self.desk.conn, "ROLLBACK");
        }
        match fault {
            Fault::Sqlite(error) if Fault::is_io(&error) => {
                self.stop(Stop::SyncFailed(error.to_string()));
                Err(Fault::Sync(error).into_error("commit", &self.desk.file))
            }
            fault => Err(fault.into_error("commit", &self.desk.file)),
        }
    }

    /// Fails if nothing may be written any more.
    fn refusal(&mut self) -> Result<()> {
        if self.stopped.is_none() && Identity::of(&self.desk.file) != self.identity {
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
        let file = self.desk.file.display();
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
        if let Err(error) = result
            && error.code() == storage::STORAGE_SYNC_FAILED
            && self.stopped.is_none()
        {
            self.stop(Stop::SyncFailed(error.causes().join(": ")));
        }
    }

    fn announce(&self) {
        self.committed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Moves the log's content into the database once there is enough of it.
    pub(super) fn checkpoint(&mut self) {
        if self.stopped.is_some() || log_bytes(&self.desk.file) < CHECKPOINT_BYTES {
            return;
        }
        match sql::batch(&self.desk.conn, "PRAGMA wal_checkpoint(PASSIVE)") {
            Err(Fault::Sqlite(error)) if Fault::is_io(&error) => {
                self.stop(Stop::SyncFailed(error.to_string()));
            }
            // On a full disk the log keeps what it has, and a later checkpoint moves it.
            Err(fault) => {
                tracing::warn!(error = ?fault.into_error("checkpoint", &self.desk.file), "no checkpoint");
            }
            Ok(()) => {}
        }
    }

    fn shrink(&self) {
        if let Err(fault) = sql::batch(&self.desk.conn, "PRAGMA shrink_memory") {
            tracing::warn!(error = ?fault.into_error("give memory back", &self.desk.file), "memory was kept");
        }
    }

    /// Closes the connection and then lets go of lock and claim, in this order.
    fn end(self) {
        let Desk { conn, file, lock, claim } = self.desk;
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
