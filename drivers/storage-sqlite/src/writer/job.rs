//! What is in the writer's queue, and whose turn it is.

use super::closed;
use super::thread::Thread;
use crate::error::Outcome;
use rtmx_core::{Cx, Error, Result, storage};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;
use tokio::sync::oneshot;

/// What the thread can be asked for.
pub(super) enum Job {
    /// A write that may share a commit.
    Write(Box<dyn Write>),
    /// Work outside of any transaction.
    Alone(Box<dyn FnOnce(&mut Thread) + Send>),
    /// To end.
    Close,
}

/// Whether a write has begun or was given up; exactly one of the two happens.
pub(super) struct Turn {
    cx: Cx,
    state: AtomicU8,
}

impl Turn {
    const WAITING: u8 = 0;
    const BEGUN: u8 = 1;
    const GIVEN_UP: u8 = 2;

    pub(super) fn new(cx: Cx) -> Self {
        Turn { cx, state: AtomicU8::new(Self::WAITING) }
    }

    pub(super) fn begin(&self) -> Result<()> {
        self.cx.check(Instant::now())?;
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        match self.state.compare_exchange(Self::WAITING, Self::BEGUN, success, failure) {
            Ok(_) => Ok(()),
            Err(_) => Err(too_late()),
        }
    }

    pub(super) fn give_up(&self) -> bool {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        self.state.compare_exchange(Self::WAITING, Self::GIVEN_UP, success, failure).is_ok()
    }
}

pub(super) fn too_late() -> Error {
    Error::new(storage::STORAGE_BUSY, "the write could not begin before its deadline")
}

/// A write in the queue.
pub(super) trait Write: Send {
    /// How many records it writes.
    fn records(&self) -> usize;
    /// Runs it inside the open transaction, and keeps the answer until [`Write::answer`]. An error
    /// means that what it did has to be taken back.
    fn run(&mut self, conn: &Connection) -> Option<&Error>;
    /// Answers: with what was kept, or with this error.
    fn answer(self: Box<Self>, instead: Option<Error>);
}

/// A write whose caller waits for a `T`.
pub(super) struct OneWrite<T, F> {
    file: PathBuf,
    attempted: &'static str,
    records: usize,
    turn: Arc<Turn>,
    work: Option<F>,
    result: Option<Result<T>>,
    answer: oneshot::Sender<Result<T>>,
}

impl<T, F> OneWrite<T, F> {
    /// A write that has not begun.
    pub(super) fn new(
        file: &Path,
        attempted: &'static str,
        records: usize,
        turn: Arc<Turn>,
        work: F,
        answer: oneshot::Sender<Result<T>>,
    ) -> Self {
        OneWrite { file: file.to_owned(), attempted, records, turn, work: Some(work), result: None, answer }
    }
}

impl<T: Send, F: FnOnce(&Connection) -> Outcome<T> + Send> Write for OneWrite<T, F> {
    fn records(&self) -> usize {
        self.records
    }

    fn run(&mut self, conn: &Connection) -> Option<&Error> {
        let work = self.work.take()?;
        let result = self
            .turn
            .begin()
            .and_then(|()| work(conn).map_err(|fault| fault.into_error(self.attempted, &self.file)));
        self.result.insert(result).as_ref().err()
    }

    fn answer(self: Box<Self>, instead: Option<Error>) {
        let result = match (instead, self.result) {
            (None, Some(result)) => result,
            (Some(error), _) => Err(error),
            (None, None) => Err(closed(&self.file)),
        };
        // Nobody may be waiting any more; the write stands all the same.
        let _ = self.answer.send(result);
    }
}
