//! The one thread that writes, and group commit.
//!
//! Writes come through a queue. The thread takes what is waiting into one transaction, a savepoint
//! each, and answers all of them after the one commit: a write that fails takes only itself back, a
//! commit that fails acknowledges none. A write that was begun runs to its end whoever stops waiting.
//!
//! A commit or checkpoint that the disk did not confirm is final: what the file holds is not known
//! then, so nothing is written any more until a restart has checked it. Checkpoints are made here,
//! because the errors of SQLite's automatic ones are lost.

use crate::error::{Fault, Outcome};
use crate::files::{Claim, Identity, log_bytes};
use crate::lock::LockFile;
use crate::sql;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use rtmx_core::{Cx, Error, Result, storage};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::{oneshot, watch};

/// The most writes that wait; one more is told that the storage is busy.
const QUEUE_LIMIT: usize = 1024;
/// The most records that share a commit: beyond, waiting for the others costs more than the sync.
const GROUP_RECORDS: usize = 1_000;
/// The most writes that share a commit.
const GROUP_WRITES: usize = 64;
/// The size of the write-ahead log at which its content is moved into the database.
const CHECKPOINT_BYTES: u64 = 4 * 1024 * 1024;
/// The number of records in a write after which memory is given back.
const LARGE_RECORDS: usize = 10_000;

/// The queue to the writer's thread.
#[derive(Debug)]
pub(crate) struct Writer {
    file: PathBuf,
    queue: Sender<Job>,
    thread: Mutex<Option<JoinHandle<()>>>,
    commits: watch::Receiver<u64>,
}

/// What the writer's thread owns.
pub(crate) struct Desk {
    pub(crate) conn: Connection,
    pub(crate) file: PathBuf,
    pub(crate) lock: LockFile,
    pub(crate) claim: Claim,
}

enum Job {
    Write(Box<dyn Write>),
    Alone(Box<dyn FnOnce(&mut Thread) + Send>),
    Close,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(desk: Desk) -> Result<Writer> {
        let (queue, jobs) = crossbeam_channel::bounded(QUEUE_LIMIT);
        let (committed, commits) = watch::channel(0);
        let file = desk.file.clone();
        let identity = Identity::of(&file);
        let thread = Thread { desk, identity, committed, stopped: None };
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
        let write = OneWrite {
            file: self.file.clone(),
            attempted,
            records,
            turn: Arc::clone(&turn),
            work: Some(work),
            result: None,
            answer,
        };
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
            let result =
                begun.begin().and_then(|()| thread.refusal()).and_then(|()| work(&mut thread.desk.conn));
            thread.note_result(&result);
            thread.announce();
            // Nobody may be waiting any more.
            let _ = answer.send(result);
            thread.checkpoint();
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

fn too_late() -> Error {
    Error::new(storage::STORAGE_BUSY, "the write could not begin before its deadline")
}

/// Whether a write has begun or was given up; exactly one of the two happens.
struct Turn {
    cx: Cx,
    state: AtomicU8,
}

impl Turn {
    const WAITING: u8 = 0;
    const BEGUN: u8 = 1;
    const GIVEN_UP: u8 = 2;

    fn new(cx: Cx) -> Self {
        Turn { cx, state: AtomicU8::new(Self::WAITING) }
    }

    fn begin(&self) -> Result<()> {
        self.cx.check(Instant::now())?;
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        match self.state.compare_exchange(Self::WAITING, Self::BEGUN, success, failure) {
            Ok(_) => Ok(()),
            Err(_) => Err(too_late()),
        }
    }

    fn give_up(&self) -> bool {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        self.state.compare_exchange(Self::WAITING, Self::GIVEN_UP, success, failure).is_ok()
    }
}

/// A write in the queue.
trait Write: Send {
    /// How many records it writes.
    fn records(&self) -> usize;
    /// Runs it inside the open transaction, and keeps the answer until [`Write::answer`]. An error
    /// means that what it did has to be taken back.
    fn run(&mut self, conn: &Connection) -> Option<&Error>;
    /// Answers: with what was kept, or with this error.
    fn answer(self: Box<Self>, instead: Option<Error>);
}

struct OneWrite<T, F> {
    file: PathBuf,
    attempted: &'static str,
    records: usize,
    turn: Arc<Turn>,
    work: Option<F>,
    result: Option<Result<T>>,
    answer: oneshot::Sender<Result<T>>,
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

struct Thread {
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
    fn run(mut self, jobs: &Receiver<Job>) {
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
    fn checkpoint(&mut self) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::open_writer;
    use crate::files::Existing;
    use crate::lock::LastStop;
    use rtmx_core::assert_code;
    use std::time::Duration;

    fn writer(folder: &Path) -> Writer {
        let file = folder.join("rtmx.db");
        let lock = LockFile::take(&file).expect("nobody has it");
        let claim = Claim::take(&file).expect("nobody has it");
        let busy = Duration::from_secs(5);
        let conn = open_writer(&file, Existing::No, LastStop::Clean, busy).expect("a new file");
        conn.execute_batch("CREATE TABLE kept (number INTEGER PRIMARY KEY)").expect("a table");
        Writer::start(Desk { conn, file, lock, claim }).expect("a thread")
    }

    fn keep(number: i64) -> impl FnOnce(&Connection) -> Outcome<()> + Send + 'static {
        move |conn| sql::execute(conn, "INSERT INTO kept (number) VALUES (?1)", [number]).map(|_| ())
    }

    async fn kept(writer: &Writer) -> Vec<i64> {
        let read = |conn: &Connection| {
            let mut statement = sql::statement(conn, "SELECT number FROM kept ORDER BY number")?;
            let numbers = statement.query_map([], |row| row.get(0))?;
            Ok(numbers.collect::<rusqlite::Result<_>>()?)
        };
        writer.write(&Cx::new(), "read", 0, read).await.expect("an answer")
    }

    /// Holds the thread up; what is queued meanwhile waits together.
    async fn hold(writer: &Arc<Writer>) -> impl FnOnce() + use<> {
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let holding = Arc::clone(writer);
        tokio::spawn(async move {
            let job = move |_: &mut Connection| {
                let _ = begun.send(());
                let _ = released.recv();
                Ok(())
            };
            holding.alone(&Cx::new(), job).await
        });
        has_begun.await.expect("the job was begun");
        move || drop(release)
    }

    async fn queued(writer: &Writer, count: usize) {
        while writer.queue.len() < count {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn writes_that_wait_share_one_commit_and_a_failed_one_takes_only_itself_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = Arc::new(writer(folder.path()));
        let release = hold(&writer).await;
        let before = *writer.commits().borrow();
        let mut waiting = Vec::new();
        for (place, number) in [1, 2, 2, 3].into_iter().enumerate() {
            let writing = Arc::clone(&writer);
            waiting
                .push(tokio::spawn(async move { writing.write(&Cx::new(), "keep", 1, keep(number)).await }));
            queued(&writer, place + 1).await;
        }
        release();
        let mut results = Vec::new();
        for task in waiting {
            results.push(task.await.expect("no panic").is_ok());
        }
        assert_eq!(results, [true, true, false, true]);
        // The job that held the thread up announced itself, too.
        assert_eq!(*writer.commits().borrow(), before + 2);
        assert_eq!(kept(&writer).await, [1, 2, 3]);
        writer.close();
    }

    #[tokio::test]
    async fn a_write_that_waits_too_long_never_happens_and_one_that_has_begun_is_finished() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = Arc::new(writer(folder.path()));
        let release = hold(&writer).await;
        let soon = Cx::new().with_deadline(Instant::now() + Duration::from_millis(20));
        let error = writer.write(&soon, "keep", 1, keep(1)).await.expect_err("the thread is held up");
        assert_code(&error, storage::STORAGE_BUSY);
        let cancelled = Cx::new();
        cancelled.cancel();
        let forgotten = Arc::clone(&writer);
        let task = tokio::spawn(async move { forgotten.write(&cancelled, "keep", 1, keep(2)).await });
        queued(&writer, 2).await;
        release();
        assert_code(task.await.expect("no panic").expect_err("it was cancelled"), storage::STORAGE_BUSY);

        let (begun, has_begun) = oneshot::channel();
        let cx = Cx::new();
        let dropped = writer.write(&cx, "keep", 1, move |conn| {
            let _ = begun.send(());
            keep(3)(conn)
        });
        let mut dropped = Box::pin(dropped);
        let poll = std::future::poll_fn(|context| std::task::Poll::Ready(dropped.as_mut().poll(context)));
        // Depending on who is faster the write has been answered or not; it is not asked again.
        let _ = poll.await;
        drop(dropped);
        has_begun.await.expect("the write was begun");
        assert_eq!(kept(&writer).await, [3]);
        writer.close();
        let error = writer.write(&Cx::new(), "keep", 1, keep(4)).await.expect_err("it is closed");
        assert_code(&error, storage::STORAGE_UNAVAILABLE);
    }
}
