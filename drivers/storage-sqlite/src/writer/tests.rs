//! Group commit, deadlines and dropped futures.

use super::*;
use crate::connection::{open_checkpointer, open_writer};
use crate::files::{Claim, Existing};
use crate::lock::{LastStop, LockFile};
use crate::sql;
use rtmx_core::assert_code;
use std::time::{Duration, Instant};

fn writer(folder: &Path) -> Writer {
    let file = folder.join("rtmx.db");
    let lock = LockFile::take(&file).expect("nobody has it");
    let claim = Claim::take(&file).expect("nobody has it");
    let busy = Duration::from_secs(5);
    let conn = open_writer(&file, Existing::No, LastStop::Clean, busy).expect("a new file");
    conn.execute_batch("CREATE TABLE kept (number INTEGER PRIMARY KEY)").expect("a table");
    let checkpointer = open_checkpointer(&file, busy).expect("the file is there");
    Writer::start(Desk { conn, file, lock, claim, checkpointer, busy }).expect("a thread")
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
        waiting.push(tokio::spawn(async move { writing.write(&Cx::new(), "keep", 1, keep(number)).await }));
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

#[tokio::test]
async fn a_write_that_met_an_io_error_leaves_nothing_behind_in_the_connection() {
    // What is set here lives in the connection and in no transaction, as parts of the search index do.
    let mark = |conn: &Connection| sql::batch(conn, "PRAGMA cache_size = 7");
    let marked = |conn: &Connection| Ok(crate::connection::pragma(conn, "cache_size")? == 7);
    let failing = |code: i32| {
        move |_: &Connection| -> Outcome<()> {
            Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None).into())
        }
    };
    let folder = tempfile::tempdir().expect("a folder");
    let writer = writer(folder.path());
    let cx = Cx::new();
    writer.write(&cx, "mark", 1, mark).await.expect("it is free");
    let refused = failing(rusqlite::ffi::SQLITE_CONSTRAINT);
    writer.write(&cx, "keep", 1, refused).await.expect_err("it is refused");
    assert!(writer.write(&cx, "look", 1, marked).await.expect("it is free"), "a refusal changes nothing");
    for code in [rusqlite::ffi::SQLITE_IOERR_READ, rusqlite::ffi::SQLITE_FULL, rusqlite::ffi::SQLITE_CORRUPT]
    {
        writer.write(&cx, "mark", 1, mark).await.expect("it is free");
        writer.write(&cx, "keep", 1, failing(code)).await.expect_err("it fails");
        assert!(!writer.write(&cx, "look", 1, marked).await.expect("it is free"), "{code}");
    }
    writer.write(&cx, "keep", 1, keep(1)).await.expect("the new connection writes");
    assert_eq!(kept(&writer).await, [1]);
    writer.close();
}
