//! Faults that are planted to see that the laboratory finds them.
//!
//! Each is somewhere between the driver and the disk while a workload is recorded; recoveries run
//! without it. The driver itself has no switch for any of them: what is a setting of SQLite is set
//! on the driver's own connection from outside, while its thread waits for work.

use rusqlite::auto_extension::{init_auto_extension, register_auto_extension};
use rusqlite::{Connection, ffi};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::{c_char, c_int};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A planted fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Plant {
    /// The writer's connection has `synchronous = OFF`.
    SynchronousOff,
    /// The writer's connection has `synchronous = NORMAL`.
    SynchronousNormal,
    /// The disk confirms a sync and does it when the next one comes.
    SyncConfirmedEarly,
    /// Syncs of the write-ahead log do nothing.
    LogSyncDropped,
    /// Syncs of the database do nothing: a checkpoint gives the log free before its content is safe.
    DatabaseSyncDropped,
    /// The folder is never synced: new names may be gone.
    FolderSyncDropped,
    /// The device claims atomic, ordered writes and safe appends, and does none of it.
    DeviceClaimsEverything,
}

impl Plant {
    pub(crate) const ALL: [Plant; 7] = [
        Plant::SynchronousOff,
        Plant::SynchronousNormal,
        Plant::SyncConfirmedEarly,
        Plant::LogSyncDropped,
        Plant::DatabaseSyncDropped,
        Plant::FolderSyncDropped,
        Plant::DeviceClaimsEverything,
    ];

    /// The name that the summary uses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Plant::SynchronousOff => "synchronous=OFF",
            Plant::SynchronousNormal => "synchronous=NORMAL",
            Plant::SyncConfirmedEarly => "sync-confirmed-early",
            Plant::LogSyncDropped => "log-sync-dropped",
            Plant::DatabaseSyncDropped => "database-sync-dropped",
            Plant::FolderSyncDropped => "folder-sync-dropped",
            Plant::DeviceClaimsEverything => "device-claims-everything",
        }
    }

    fn pragma(self) -> Option<&'static str> {
        match self {
            Plant::SynchronousOff => Some("PRAGMA synchronous = OFF"),
            Plant::SynchronousNormal => Some("PRAGMA synchronous = NORMAL"),
            _ => None,
        }
    }
}

/// The first connection that can write since [`forget`], by its file: the writer's. SQLite's pointer as a number, to cross threads.
static WRITERS: Mutex<BTreeMap<PathBuf, usize>> = Mutex::new(BTreeMap::new());

/// Notes every connection that is opened from now on.
pub(crate) fn watch_connections() {
    // SAFETY: the handler opens and closes no connection and leaves the list of handlers alone.
    let registered = unsafe { register_auto_extension(on_open) };
    registered.expect("SQLite takes a handler for new connections");
}

// SAFETY: only SQLite calls this, as `sqlite3_auto_extension` says.
unsafe extern "C" fn on_open(
    db: *mut ffi::sqlite3,
    message: *mut *mut c_char,
    _api: *const ffi::sqlite3_api_routines,
) -> c_int {
    // SAFETY: SQLite calls this with a connection that it has just opened.
    unsafe { init_auto_extension(db, message, note) }
}

fn note(conn: Connection) -> rusqlite::Result<()> {
    if conn.is_readonly("main")? {
        return Ok(());
    }
    if let Some(path) = conn.path() {
        // SAFETY: the pointer is only kept; it is used by `into_connection` under its own conditions.
        let pointer = unsafe { conn.handle() };
        let mut writers = WRITERS.lock().unwrap_or_else(PoisonError::into_inner);
        writers.entry(PathBuf::from(path)).or_insert(pointer.expose_provenance());
    }
    Ok(())
}

/// Forgets the connection to a file, which is about to be opened anew.
pub(crate) fn forget(file: &Path) {
    WRITERS.lock().unwrap_or_else(PoisonError::into_inner).remove(file);
}

/// Plants what is a setting of SQLite into the connection that writes to `file`.
///
/// The connection must be open and nobody may use it meanwhile: the driver was just opened, and its
/// thread waits for the first job.
pub(crate) fn into_connection(plant: Plant, file: &Path) {
    let Some(pragma) = plant.pragma() else { return };
    let writers = WRITERS.lock().unwrap_or_else(PoisonError::into_inner);
    let pointer = *writers.get(file).expect("connections are watched before something is planted");
    let pointer = std::ptr::with_exposed_provenance_mut(pointer);
    // SAFETY: the caller says that the connection is open and idle, and what is made here does not own it.
    let conn = unsafe { Connection::from_handle(pointer) }.expect("the connection is open");
    conn.execute_batch(pragma).expect("outside of a transaction every level can be set");
}
