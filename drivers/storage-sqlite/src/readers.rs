//! The pool of threads that read, each with a connection that cannot write.
//!
//! A job runs in one read transaction, so everything that it reads is one snapshot. When its caller
//! stops waiting, by deadline or because the future was dropped, a flag is set that SQLite asks for while
//! it works. SQLite's own interrupt would be lost between two statements of a job.
//!
//! The decision to know: a read that finds a bounded number of rows by their keys runs where it is
//! asked, on a connection kept for such reads. It takes a fraction of a millisecond, less than two
//! hand-overs between threads cost, and memory is given back by the thread that took it.

use crate::connection::open_reader;
use crate::error::{Fault, Outcome};
use crate::sql;
use crate::writer::closed;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use rtmx_core::{Cx, Error, Result, storage};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The most reads that wait; one more is told that the storage is busy.
const QUEUE_LIMIT: usize = 4096;

/// Connections for short reads: as many run at once as there are processors to run them, and on a
/// machine with more the rest take the queue.
const SHORT_READS: usize = 4;

/// How long a short read is waited for when the pool is closed.
const GIVEN_BACK_LIMIT: Duration = Duration::from_secs(1);

/// After how many instructions of its virtual machine SQLite asks whether anybody still waits: about
/// ten microseconds.
const ASK_AFTER: i32 = 1_000;

/// Whether the job that a thread runs is to end.
type End = Arc<AtomicBool>;
type Job = Box<dyn FnOnce(&Connection, &End) + Send>;

/// The queue to the readers' threads.
#[derive(Debug)]
pub(crate) struct Readers {
    file: PathBuf,
    queue: Mutex<Option<Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Connections for short reads that nobody uses at this moment: taken from one end, given back at
    /// the other.
    at_hand: (Sender<Connection>, Receiver<Connection>),
}

impl Readers {
    /// Opens `count` connections and starts a thread for each.
    pub(crate) fn start(file: &Path, count: usize, busy: Duration) -> Result<Readers> {
        let (queue, jobs) = crossbeam_channel::bounded::<Job>(QUEUE_LIMIT);
        let readers = Readers {
            file: file.to_owned(),
            queue: Mutex::new(Some(queue)),
            threads: Mutex::default(),
            at_hand: crossbeam_channel::bounded(SHORT_READS),
        };
        for number in 0..count {
            if let Err(error) = readers.start_one(number, jobs.clone(), busy) {
                // Those that were started must not outlive the refusal with their connections.
                readers.end_threads();
                return Err(error);
            }
        }
        for _ in 0..SHORT_READS {
            match open_reader(file, busy) {
                // There is room for all of them, and the other end is here.
                Ok(conn) => drop(readers.at_hand.0.try_send(conn)),
                Err(fault) => {
                    readers.end_threads();
                    return Err(fault.into_error("open a reader", file));
                }
            }
        }
        Ok(readers)
    }

    fn start_one(&self, number: usize, jobs: Receiver<Job>, busy: Duration) -> Result<()> {
        let fault = |fault: Fault| fault.into_error("open a reader", &self.file);
        let conn = open_reader(&self.file, busy).map_err(fault)?;
        let end = End::default();
        let asked = Arc::clone(&end);
        conn.progress_handler(ASK_AFTER, Some(move || asked.load(Ordering::Relaxed)))
            .map_err(|error| fault(error.into()))?;
        let started = std::thread::Builder::new()
            .name(format!("rtmx-sqlite-reader-{number}"))
            .spawn(move || serve(&conn, &jobs, &end));
        let thread = started.map_err(|source| {
            Error::new(storage::STORAGE_UNAVAILABLE, "could not start a reader's thread").with_source(source)
        })?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// Runs `work`, which finds a bounded number of rows by their keys, in a read transaction here and
    /// now; as [`Readers::read`] if every connection for such reads is in use.
    ///
    /// # Errors
    ///
    /// As [`Readers::read`].
    pub(crate) async fn read_short<T: Send + 'static>(
        &self,
        cx: &Cx,
        attempted: &'static str,
        work: impl FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        cx.check(Instant::now())?;
        let (back, at_hand) = &self.at_hand;
        let Ok(conn) = at_hand.try_recv() else { return self.read(cx, attempted, work).await };
        let result = in_snapshot(&conn, work).map_err(|fault| fault.into_error(attempted, &self.file));
        // There is room for all of them, and the other end is here.
        let _ = back.try_send(conn);
        result
    }

    /// Runs `work` in a read transaction.
    ///
    /// # Errors
    ///
    /// `storage_busy` past the deadline; `storage_unavailable` after [`Readers::close`].
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        cx: &Cx,
        attempted: &'static str,
        work: impl FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        cx.check(Instant::now())?;
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting::default();
        let (running, cx_of_job, file) = (Arc::clone(&waiting.running), cx.clone(), self.file.clone());
        let job = move |conn: &Connection, end: &End| {
            if !running.begin(end) {
                return;
            }
            let result = match cx_of_job.check(Instant::now()) {
                Ok(()) => in_snapshot(conn, work).map_err(|fault| fault.into_error(attempted, &file)),
                Err(error) => Err(error),
            };
            running.end();
            // Nobody may be waiting any more.
            let _ = answer.send(result);
        };
        self.send(Box::new(job))?;
        let gone = |_| closed(&self.file);
        match cx.deadline() {
            None => answered.await.map_err(gone)?,
            Some(deadline) => match tokio::time::timeout_at(deadline.into(), answered).await {
                Ok(answer) => answer.map_err(gone)?,
                Err(_) => {
                    let message =
                        format!("could not {attempted} in `{}` before the deadline", self.file.display());
                    Err(Error::new(storage::STORAGE_BUSY, message))
                }
            },
        }
    }

    /// Ends the threads after the jobs that wait, and closes their connections.
    pub(crate) fn close(&self) {
        if self.queue.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            return;
        }
        for _ in 0..SHORT_READS {
            // One that is in use is given back soon; one whose read panicked is not.
            let _ = self.at_hand.1.recv_timeout(GIVEN_BACK_LIMIT);
        }
        self.end_threads();
    }

    fn end_threads(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a reader's thread ended with a panic");
            }
        }
    }

    fn send(&self, job: Job) -> Result<()> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queue.as_ref().ok_or_else(|| closed(&self.file))?;
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => {
                Error::new(storage::STORAGE_BUSY, format!("{QUEUE_LIMIT} reads wait already"))
            }
            TrySendError::Disconnected(_) => closed(&self.file),
        })
    }
}

fn serve(conn: &Connection, jobs: &Receiver<Job>, end: &End) {
    while let Ok(job) = jobs.recv() {
        job(conn, end);
        // Nobody can set it any more, and a transaction whose end it stopped ends now.
        end.store(false, Ordering::Relaxed);
        if !conn.is_autocommit()
            && let Err(fault) = sql::execute(conn, "ROLLBACK", [])
        {
            tracing::error!(error = ?fault, "a reader's transaction did not end");
        }
    }
}

fn in_snapshot<T>(conn: &Connection, work: impl FnOnce(&Connection) -> Outcome<T>) -> Outcome<T> {
    sql::execute(conn, "BEGIN", [])?;
    let result = work(conn);
    let ended = if conn.is_autocommit() { Ok(0) } else { sql::execute(conn, "ROLLBACK", []) };
    let value = result?;
    ended?;
    Ok(value)
}

/// The caller's side of a job: dropped before the answer, it stops the job.
#[derive(Default)]
struct Waiting {
    running: Arc<Running>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.running.stop();
    }
}

/// Where a job stands. The flag is set under the lock, so that it never meets the next job.
#[derive(Default)]
struct Running {
    state: Mutex<Stage>,
}

#[derive(Default)]
enum Stage {
    #[default]
    Waiting,
    Running(End),
    Over,
}

impl Running {
    /// Whether the job may run: its caller still waits.
    fn begin(&self, end: &End) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, Stage::Over) {
            return false;
        }
        *state = Stage::Running(Arc::clone(end));
        true
    }

    fn end(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = Stage::Over;
    }

    fn stop(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Stage::Running(end) = std::mem::replace(&mut *state, Stage::Over) {
            end.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::open_writer;
    use crate::files::Existing;
    use crate::lock::LastStop;
    use rtmx_core::assert_code;

    const ENDLESS: &str =
        "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
    const BUSY: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_read_ends_with_its_deadline_or_its_future_and_the_thread_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("rtmx.db");
        let _writer = open_writer(&file, Existing::No, LastStop::Clean, BUSY).expect("a new file");
        let readers = Readers::start(&file, 1, BUSY).expect("one reader");
        let endless = |conn: &Connection| sql::first(conn, ENDLESS, [], |row| row.get::<_, i64>(0));

        let soon = Cx::new().with_deadline(Instant::now() + Duration::from_millis(50));
        let error =
            readers.read(&soon, "count for ever", endless).await.expect_err("it never ends by itself");
        assert_code(&error, storage::STORAGE_BUSY);
        let error = readers.read(&soon, "begin at all", endless).await.expect_err("the deadline has passed");
        assert_code(&error, storage::STORAGE_BUSY);

        // Its caller stops waiting before the first statement, where SQLite's own interrupt has no effect.
        let (begun, has_begun) = oneshot::channel();
        let (gone, has_gone) = std::sync::mpsc::channel();
        let cx = Cx::new();
        let dropped = readers.read(&cx, "count for ever", move |conn| {
            let _ = begun.send(());
            has_gone.recv().expect("the test says so");
            endless(conn)
        });
        tokio::select! {
            biased;
            _ = dropped => panic!("it never ends by itself"),
            begun = has_begun => begun.expect("the job was begun"),
        }
        gone.send(()).expect("the job waits");
        // The only thread is free again, or this would never be answered.
        let two = |conn: &Connection| sql::first(conn, "SELECT 1 + 1", [], |row| row.get::<_, i64>(0));
        assert_eq!(readers.read(&cx, "add", two).await.expect("an answer"), Some(2));
        readers.close();
        let error = readers.read(&cx, "add", two).await.expect_err("the pool is closed");
        assert_code(&error, storage::STORAGE_UNAVAILABLE);
        let error = readers.read_short(&cx, "add", two).await.expect_err("the pool is closed");
        assert_code(&error, storage::STORAGE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn a_short_read_runs_on_the_thread_that_asks_and_waits_for_no_connection() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("rtmx.db");
        let _writer = open_writer(&file, Existing::No, LastStop::Clean, BUSY).expect("a new file");
        let readers = Readers::start(&file, 1, BUSY).expect("one reader");
        let (cx, here) = (Cx::new(), std::thread::current().id());
        let thread = |_: &Connection| Ok(std::thread::current().id());
        for _ in 0..2 * SHORT_READS {
            assert_eq!(readers.read_short(&cx, "ask", thread).await.expect("an answer"), here);
        }
        let taken: Vec<_> = readers.at_hand.1.try_iter().collect();
        assert_eq!(taken.len(), SHORT_READS, "each connection was given back");
        assert_ne!(readers.read_short(&cx, "ask", thread).await.expect("an answer"), here);
        taken.into_iter().for_each(|conn| readers.at_hand.0.send(conn).expect("there is room"));
        readers.close();
    }
}
