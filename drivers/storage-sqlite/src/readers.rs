//! The pool of threads that read, each with a connection that cannot write.
//!
//! A job runs in one read transaction, so everything that it reads is one snapshot. When its caller
//! stops waiting, by deadline or because the future was dropped, SQLite is interrupted.

use crate::connection::open_reader;
use crate::error::Outcome;
use crate::sql;
use crate::writer::closed;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use rtmx_core::{Cx, Error, Result, storage};
use rusqlite::{Connection, InterruptHandle};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The most reads that wait; one more is told that the storage is busy.
const QUEUE_LIMIT: usize = 4096;

type Job = Box<dyn FnOnce(&Connection, &Arc<InterruptHandle>) + Send>;

/// The queue to the readers' threads.
#[derive(Debug)]
pub(crate) struct Readers {
    file: PathBuf,
    queue: Mutex<Option<Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Readers {
    /// Opens `count` connections and starts a thread for each.
    pub(crate) fn start(file: &Path, count: usize, busy: Duration) -> Result<Readers> {
        let (queue, jobs) = crossbeam_channel::bounded::<Job>(QUEUE_LIMIT);
        let mut threads = Vec::new();
        for number in 0..count {
            let conn = open_reader(file, busy).map_err(|fault| fault.into_error("open a reader", file))?;
            let jobs = jobs.clone();
            let started = std::thread::Builder::new()
                .name(format!("rtmx-sqlite-reader-{number}"))
                .spawn(move || serve(&conn, &jobs));
            threads.push(started.map_err(|source| {
                Error::new(storage::STORAGE_UNAVAILABLE, "could not start a reader's thread")
                    .with_source(source)
            })?);
        }
        Ok(Readers { file: file.to_owned(), queue: Mutex::new(Some(queue)), threads: Mutex::new(threads) })
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
        let job = move |conn: &Connection, handle: &Arc<InterruptHandle>| {
            if !running.begin(handle) {
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

fn serve(conn: &Connection, jobs: &Receiver<Job>) {
    let handle = Arc::new(conn.get_interrupt_handle());
    while let Ok(job) = jobs.recv() {
        job(conn, &handle);
    }
}

fn in_snapshot<T>(conn: &Connection, work: impl FnOnce(&Connection) -> Outcome<T>) -> Outcome<T> {
    sql::batch(conn, "BEGIN")?;
    let result = work(conn);
    let ended = if conn.is_autocommit() { Ok(()) } else { sql::batch(conn, "ROLLBACK") };
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

/// Where a job stands. The interrupt happens under the lock, so that it never meets the next job.
#[derive(Default)]
struct Running {
    state: Mutex<Stage>,
}

#[derive(Default)]
enum Stage {
    #[default]
    Waiting,
    Running(Arc<InterruptHandle>),
    Over,
}

impl Running {
    /// Whether the job may run: its caller still waits.
    fn begin(&self, handle: &Arc<InterruptHandle>) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, Stage::Over) {
            return false;
        }
        *state = Stage::Running(Arc::clone(handle));
        true
    }

    fn end(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = Stage::Over;
    }

    fn stop(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Stage::Running(handle) = std::mem::replace(&mut *state, Stage::Over) {
            handle.interrupt();
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

        let (begun, has_begun) = oneshot::channel();
        let cx = Cx::new();
        let dropped = readers.read(&cx, "count for ever", move |conn| {
            let _ = begun.send(());
            endless(conn)
        });
        tokio::select! {
            biased;
            _ = dropped => panic!("it never ends by itself"),
            begun = has_begun => begun.expect("the job was begun"),
        }
        // The only thread is free again, or this would never be answered.
        let two = |conn: &Connection| sql::first(conn, "SELECT 1 + 1", [], |row| row.get::<_, i64>(0));
        assert_eq!(readers.read(&cx, "add", two).await.expect("an answer"), Some(2));
        readers.close();
        let error = readers.read(&cx, "add", two).await.expect_err("the pool is closed");
        assert_code(&error, storage::STORAGE_UNAVAILABLE);
    }
}
