//! The one thread that writes, and group commit.
//!
//! Writes come through a queue. The thread takes what is waiting into one transaction, a savepoint
//! each, and answers all of them after the one commit: a write that fails takes only itself back, a
//! commit that fails acknowledges none. A write that was begun runs to its end whoever stops waiting.
//!
//! A commit or checkpoint that the disk did not confirm is final: what the file holds is not known
//! then, so nothing is written any more until a restart has checked it. Checkpoints are asked for
//! here and made on a thread beside it, because the errors of SQLite's automatic ones are lost.

mod checkpoint;
mod job;
#[cfg(test)]
mod tests;
mod thread;

pub(crate) use thread::Desk;

use crate::error::Outcome;
use crossbeam_channel::{Sender, TrySendError};
use job::{Job, OneWrite, Turn, too_late};
use rtmx_core::{Cx, Error, Result, storage};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use thread::Thread;
use tokio::sync::{oneshot, watch};

/// The most writes that wait; one more is told that the storage is busy.
const QUEUE_LIMIT: usize = 1024;

/// The queue to the writer's thread.
#[derive(Debug)]
pub(crate) struct Writer {
    file: PathBuf,
    queue: Sender<Job>,
    thread: Mutex<Option<JoinHandle<()>>>,
    commits: watch::Receiver<u64>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(desk: Desk) -> Result<Writer> {
        let (queue, jobs) = crossbeam_channel::bounded(QUEUE_LIMIT);
        let (committed, commits) = watch::channel(0);
        let file = desk.file.clone();
        let thread = Thread::new(desk, committed)?;
        let started =
            std::thread::Builder::new().name("rtmx-sqlite-writer".into()).spawn(move || thread.run(&jobs));
        let handle = started.map_err(|source| {
            Error::new(storage::STORAGE_UNAVAILABLE, "could not start the writer's thread")
                .with_source(source)
        })?;
        Ok(Writer { file, queue, thread: Mutex::new(Some(handle)), commits })
    }

    /// Is told of every commit.
    pub(crate) fn commits(&self) -> watch::Receiver<u64> {
        self.commits.clone()
    }

    /// Runs `work` in a transaction that it may share with others, and waits until it is durable.
    ///
    /// `records` says how much it writes. Past the deadline a write that has not begun is given up;
    /// one that has is waited for.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        cx: &Cx,
        attempted: &'static str,
        records: usize,
        work: impl FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let turn = Arc::new(Turn::new(cx.clone()));
        let (answer, answered) = oneshot::channel();
        let write = OneWrite::new(&self.file, attempted, records, Arc::clone(&turn), work, answer);
        self.send(Job::Write(Box::new(write)))?;
        self.wait(cx, &turn, answered).await
    }

    /// Runs `work` by itself on the connection, outside of any transaction.
    pub(crate) async fn alone<T: Send + 'static>(
        &self,
        cx: &Cx,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = Arc::new(Turn::new(cx.clone()));
        let (answer, answered) = oneshot::channel();
        let begun = Arc::clone(&turn);
        let job = move |thread: &mut Thread| {
            let result = begun.begin().and_then(|()| thread.alone(work));
            // Nobody may be waiting any more.
            let _ = answer.send(result);
            thread.checkpoint(0);
        };
        self.send(Job::Alone(Box::new(job)))?;
        self.wait(cx, &turn, answered).await
    }

    /// Ends the thread after the writes that wait, closes the connection and lets go of the lock.
    pub(crate) fn close(&self) {
        // If the queue is gone, so is the thread.
        let _ = self.queue.send(Job::Close);
        let handle = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = handle.map(JoinHandle::join) {
            tracing::error!("the writer's thread ended with a panic");
        }
    }

    fn send(&self, job: Job) -> Result<()> {
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => {
                Error::new(storage::STORAGE_BUSY, format!("{QUEUE_LIMIT} writes wait already"))
            }
            TrySendError::Disconnected(_) => closed(&self.file),
        })
    }

    async fn wait<T>(&self, cx: &Cx, turn: &Turn, mut answered: oneshot::Receiver<Result<T>>) -> Result<T> {
        let gone = |_| closed(&self.file);
        if let Some(deadline) = cx.deadline() {
            match tokio::time::timeout_at(deadline.into(), &mut answered).await {
                Ok(answer) => return answer.map_err(gone)?,
                Err(_) if turn.give_up() => return Err(too_late()),
                Err(_) => {}
            }
        }
        answered.await.map_err(gone)?
    }
}

pub(crate) fn closed(file: &Path) -> Error {
    Error::new(storage::STORAGE_UNAVAILABLE, format!("`{}` was closed", file.display()))
}
