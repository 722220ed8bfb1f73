//! The thread that moves the log's content into the database, so that no write waits for it.
//!
//! After a large import there are hundreds of megabytes to move and to sync. A passive checkpoint on a
//! connection of its own waits for nobody and keeps nobody waiting: writes go on behind its back, and
//! what they add is moved the next time. A sync that fails here is as final as that of a commit; the
//! writer's thread asks before it begins the next write, and before it acknowledges one.

use crate::error::Fault;
use crate::sql;
use crossbeam_channel::{Receiver, Sender};
use rtmx_core::{Error, Result, storage};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::{Builder, JoinHandle};

/// The thread, and what it has to tell.
#[derive(Debug)]
pub(super) struct Checkpoints {
    wanted: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    failed: Arc<OnceLock<String>>,
}

impl Checkpoints {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// `storage_unavailable` if there is no thread to be had.
    pub(super) fn start(conn: Connection, file: &Path) -> Result<Checkpoints> {
        // One that waits is enough: it moves whatever is there when its turn comes.
        let (wanted, asked) = crossbeam_channel::bounded(1);
        let failed = Arc::new(OnceLock::new());
        let mover = Mover { conn, file: file.to_owned(), failed: Arc::clone(&failed) };
        let started = Builder::new().name("rtmx-sqlite-checkpoint".into()).spawn(move || mover.run(&asked));
        let thread = started.map_err(|source| {
            Error::new(storage::STORAGE_UNAVAILABLE, "could not start the checkpoints' thread")
                .with_source(source)
        })?;
        Ok(Checkpoints { wanted: Some(wanted), thread: Some(thread), failed })
    }

    /// Asks for a checkpoint and does not wait for it.
    pub(super) fn ask(&self) {
        // A full queue holds the same question already.
        let _ = self.wanted.as_ref().map(|wanted| wanted.try_send(()));
    }

    /// Why the disk did not confirm a checkpoint, if that ever happened.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failed.get().map(String::as_str)
    }

    /// Ends the thread after the checkpoint that runs, and closes its connection.
    pub(super) fn end(&mut self) {
        drop(self.wanted.take());
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the checkpoints' thread ended with a panic");
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.end();
    }
}

struct Mover {
    conn: Connection,
    file: PathBuf,
    failed: Arc<OnceLock<String>>,
}

impl Mover {
    fn run(self, asked: &Receiver<()>) {
        while asked.recv().is_ok() && self.failed.get().is_none() {
            match sql::batch(&self.conn, "PRAGMA wal_checkpoint(PASSIVE)") {
                Err(Fault::Sqlite(error)) if Fault::is_io(&error) => {
                    // Set once: the thread ends with it.
                    let _ = self.failed.set(error.to_string());
                }
                // On a full disk the log keeps what it has, and a later checkpoint moves it.
                Err(fault) => {
                    tracing::warn!(error = ?fault.into_error("checkpoint", &self.file), "no checkpoint");
                }
                Ok(()) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{open_checkpointer, open_writer};
    use crate::files::Existing;
    use crate::lock::LastStop;
    use std::time::{Duration, Instant};

    #[test]
    fn the_log_is_moved_while_a_write_is_open_and_the_last_connection_leaves_one_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, busy) = (folder.path().join("rtmx.db"), Duration::from_secs(5));
        let writer = open_writer(&file, Existing::No, LastStop::Clean, busy).expect("a new file");
        writer.execute_batch("CREATE TABLE kept (text TEXT)").expect("a table");
        let before = file.metadata().expect("a file").len();
        let fill = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500) \
             INSERT INTO kept SELECT hex(randomblob(500)) FROM n";
        writer.execute_batch(fill).expect("half a megabyte");
        writer.execute_batch("BEGIN IMMEDIATE; INSERT INTO kept VALUES ('open')").expect("a write");

        let conn = open_checkpointer(&file, busy).expect("the file is there");
        let mut checkpoints = Checkpoints::start(conn, &file).expect("a thread");
        checkpoints.ask();
        let deadline = Instant::now() + Duration::from_secs(30);
        while file.metadata().expect("a file").len() < before + 500_000 {
            assert!(Instant::now() < deadline, "nothing was moved while a write was open");
            std::thread::yield_now();
        }
        writer.execute_batch("COMMIT").expect("the write goes on");
        checkpoints.end();
        assert_eq!(checkpoints.failure(), None);
        writer.close().expect("it closes");
        assert!(!crate::files::has_log(&file), "a log was left behind");
    }

    #[test]
    fn a_checkpoint_that_the_disk_does_not_confirm_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, busy) = (folder.path().join("rtmx.db"), Duration::from_secs(5));
        let writer = open_writer(&file, Existing::No, LastStop::Clean, busy).expect("a new file");
        writer.execute_batch("CREATE TABLE kept (text TEXT)").expect("a table");
        // What a lost disk does: every page of the log that is read again is short.
        let conn = open_checkpointer(&file, busy).expect("the file is there");
        let log = folder.path().join("rtmx.db-wal");
        std::fs::OpenOptions::new().write(true).open(&log).and_then(|log| log.set_len(0)).expect("cut off");
        let mut checkpoints = Checkpoints::start(conn, &file).expect("a thread");
        checkpoints.ask();
        let deadline = Instant::now() + Duration::from_secs(30);
        while checkpoints.failure().is_none() {
            assert!(Instant::now() < deadline, "the failure was not told");
            std::thread::yield_now();
        }
        checkpoints.end();
    }
}
