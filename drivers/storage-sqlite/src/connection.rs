//! Opening connections: whose file it is, whether it is whole, and how durable its writes are.

use crate::error::{Fault, Outcome};
use crate::files::{Existing, has_log};
use crate::lock::LastStop;
use crate::sql;
use rtmx_core::{Error, storage};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// `RTMX` in ASCII, in the file's header: marks the file as ours.
pub(crate) const APPLICATION_ID: i64 = 0x5254_4D58;

/// `PRAGMA synchronous` FULL: in WAL mode every commit is synced. NORMAL loses acknowledged commits
/// when power fails.
const SYNCHRONOUS_FULL: i64 = 2;

/// Pages of a new file: an import spends a fifteenth less than with 4096 bytes.
const PAGE_BYTES: i64 = 8192;

/// How much of the write-ahead log's file is kept once its content is in the database.
const LOG_KEPT_BYTES: i64 = 64 * 1024 * 1024;

/// Memory for pages: the writer's holds what an import touches, a reader's the upper levels of the
/// trees. Negative values are KiB. Taken as needed, given back after large writes.
const WRITER_CACHE: &str = "-32768";
const READER_CACHE: &str = "-8192";

/// Different statements of the driver, with room for the shapes that filters and sorts give.
const STATEMENTS_KEPT: usize = 256;

/// Opens the connection that writes, and makes the file if there is none.
///
/// # Errors
///
/// `storage_foreign`, `storage_corrupt`, `storage_read_only`, and what SQLite meets.
pub(crate) fn open_writer(
    file: &Path,
    existing: Existing,
    last_stop: LastStop,
    busy: Duration,
) -> Outcome<Connection> {
    if existing == Existing::Yes {
        check_owner(file, busy)?;
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(file, flags)?;
    prepare(&conn, busy, WRITER_CACHE)?;
    if conn.is_readonly("main")? {
        let message = format!("`{}` cannot be written", file.display());
        return Err(Error::new(storage::STORAGE_READ_ONLY, message).into());
    }
    if existing == Existing::No || pragma(&conn, "page_count")? == 0 {
        // Before the switch to WAL, so that the mark is in the file itself from the beginning.
        sql::batch(
            &conn,
            &format!("PRAGMA page_size = {PAGE_BYTES}; PRAGMA application_id = {APPLICATION_ID}"),
        )?;
    }
    let mode = switch_to_log(&conn)?;
    sql::batch(&conn, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")?;
    // Checkpoints are the writer's own, because SQLite says nothing when its automatic one fails.
    sql::batch(
        &conn,
        &format!("PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = {LOG_KEPT_BYTES}"),
    )?;
    let synchronous = pragma(&conn, "synchronous")?;
    if mode != "wal" || synchronous != SYNCHRONOUS_FULL {
        let message = format!(
            "`{}` could not be made durable: journal mode `{mode}`, synchronous {synchronous}",
            file.display()
        );
        return Err(Error::new(storage::STORAGE_UNAVAILABLE, message).into());
    }
    if existing == Existing::Yes && last_stop == LastStop::Unclean {
        check_integrity(&conn, file)?;
    }
    // The first read makes the write-ahead log, so that its inode is known from here on.
    sql::first(&conn, "SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
    Ok(conn)
}

/// Opens a connection that moves the log's content into the database and does nothing else.
pub(crate) fn open_checkpointer(file: &Path, busy: Duration) -> Outcome<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(file, flags)?;
    prepare(&conn, busy, READER_CACHE)?;
    sql::batch(&conn, "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0")?;
    // The first read joins the log; a connection that never did moves nothing.
    sql::first(&conn, "SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
    Ok(conn)
}

/// Switches to a write-ahead log; the journal mode afterwards.
///
/// SQLite answers before it commits the switch, and says `wal` from then on even if the commit fails.
/// So the statement is run to its end: what the commit meets is only told there.
fn switch_to_log(conn: &Connection) -> Outcome<String> {
    let mut statement = conn.prepare("PRAGMA journal_mode = WAL")?;
    let mode = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    Ok(mode.concat())
}

/// Opens a connection that reads.
pub(crate) fn open_reader(file: &Path, busy: Duration) -> Outcome<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(file, flags)?;
    prepare(&conn, busy, READER_CACHE)?;
    sql::batch(&conn, "PRAGMA query_only = ON")?;
    Ok(conn)
}

fn prepare(conn: &Connection, busy: Duration, cache: &str) -> Outcome<()> {
    conn.busy_timeout(busy)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // Without it SQLite plans a statement anew whenever the value of its `LIMIT` is bound.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    sql::batch(conn, &format!("PRAGMA cache_size = {cache}; PRAGMA temp_store = MEMORY"))
}

/// Refuses a file that is not ours, before anything could change it.
fn check_owner(file: &Path, busy: Duration) -> Outcome<()> {
    let found = if has_log(file) {
        let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        match mark(file, read_only, busy) {
            // A write that was cut short has to be rolled back before anything can be read.
            Err(Fault::Sqlite(error)) if needs_recovery(&error) => {
                let read_write = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                mark(file, read_write, busy)?
            }
            found => found?,
        }
    } else {
        // Without a log the header says it all, and reading the file as one that never changes
        // makes no files beside it.
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        mark(Path::new(&immutable_uri(file)), flags, busy)?
    };
    let Some(found) = found.filter(|found| *found != APPLICATION_ID) else { return Ok(()) };
    let message = format!("`{}` is a SQLite database of another application", file.display());
    Err(Error::new(storage::STORAGE_FOREIGN, message).with("application_id", found).into())
}

/// The mark in the file's header; `None` for a file without a page, as is left of one whose making
/// was cut short.
fn mark(file: &Path, flags: OpenFlags, busy: Duration) -> Outcome<Option<i64>> {
    let conn = Connection::open_with_flags(file, flags)?;
    conn.busy_timeout(busy)?;
    if pragma(&conn, "page_count")? == 0 {
        return Ok(None);
    }
    pragma(&conn, "application_id").map(Some)
}

/// Source: SQLite manual, "Uniform Resource Identifiers", on `immutable` and on escapes.
fn immutable_uri(file: &Path) -> OsString {
    let mut uri = OsString::from("file:");
    let bytes = file.as_os_str().as_encoded_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    for byte in bytes {
        if plain(byte) {
            uri.push(char::from(*byte).to_string());
        } else {
            uri.push(format!("%{byte:02x}"));
        }
    }
    uri.push("?immutable=1");
    uri
}

fn needs_recovery(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|found| found.extended_code);
    let cut_short = [
        ffi::SQLITE_READONLY_ROLLBACK,
        ffi::SQLITE_READONLY_RECOVERY,
        ffi::SQLITE_READONLY_CANTINIT,
        ffi::SQLITE_CANTOPEN,
    ];
    code.is_some_and(|code| cut_short.contains(&code))
}

/// Checks every page and every index entry.
///
/// The quick form would leave out the comparison of indexes with their tables, which is just what a
/// disk that reordered writes gets wrong.
fn check_integrity(conn: &Connection, file: &Path) -> Outcome<()> {
    tracing::info!("the last stop was not clean: checking the database");
    let mut statement = sql::statement(conn, "PRAGMA integrity_check(5)")?;
    let findings = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    if findings == ["ok"] {
        return Ok(());
    }
    let message = format!("`{}` is damaged", file.display());
    Err(Error::new(storage::STORAGE_CORRUPT, message).with_source(findings.join("; ")).into())
}

/// A number that SQLite keeps about the connection or the file.
pub(crate) fn pragma(conn: &Connection, name: &str) -> Outcome<i64> {
    let text = format!("PRAGMA {name}");
    tracing::trace!(target: sql::TARGET, sql = text);
    Ok(conn.query_row(&text, [], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: Duration = Duration::from_secs(1);

    #[test]
    fn the_writer_syncs_every_commit_and_the_readers_cannot_write() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("rtmx.db");
        let writer = open_writer(&file, Existing::No, LastStop::Clean, BUSY).expect("a new file");
        assert_eq!(pragma(&writer, "synchronous").expect("a number"), SYNCHRONOUS_FULL);
        assert_eq!(pragma(&writer, "wal_autocheckpoint").expect("a number"), 0);
        assert_eq!(pragma(&writer, "foreign_keys").expect("a number"), 1);
        assert_eq!(pragma(&writer, "application_id").expect("a number"), APPLICATION_ID);
        let mode: String = writer.query_row("PRAGMA journal_mode", [], |row| row.get(0)).expect("a mode");
        assert_eq!(mode, "wal");
        let reader = open_reader(&file, BUSY).expect("the file is there");
        assert_eq!(pragma(&reader, "query_only").expect("a number"), 1);
        reader.execute_batch("CREATE TABLE x (y)").expect_err("a reader cannot write");
    }

    #[test]
    fn the_mark_is_read_whatever_the_file_is_called() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["plain.db", "100% of?it#all &c.db", "größe.db"] {
            let file = folder.path().join(name);
            drop(open_writer(&file, Existing::No, LastStop::Clean, BUSY).expect(name));
            check_owner(&file, BUSY).expect(name);
        }
    }
}
