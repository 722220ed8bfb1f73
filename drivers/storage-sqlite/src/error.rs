//! What can go wrong between SQLite and this driver, and which stable code each failure gets.
//!
//! One function, [`code_of`], decides; it is tested as a table. Messages name the file and what was
//! attempted, and SQLite's own words follow as the cause.

use rtmx_core::{Code, Error, storage};
use rusqlite::ErrorCode;
use rusqlite::ffi;
use std::path::Path;

/// A failure inside the driver.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// Decided already, with its code.
    #[error(transparent)]
    Decided(#[from] Error),

    /// SQLite refused.
    #[error("SQLite refused")]
    Sqlite(#[from] rusqlite::Error),

    /// A commit or checkpoint met an I/O error: what the disk holds is not known.
    #[error("the disk did not confirm the write")]
    Sync(#[source] rusqlite::Error),

    /// A row holds what this driver never writes.
    #[error("the column `{column}` of a stored {what} cannot be read")]
    Row { what: &'static str, column: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
}

/// The result of the driver's own functions.
pub(crate) type Outcome<T> = std::result::Result<T, Fault>;

impl Fault {
    /// The error that crosses the driver's boundary.
    pub(crate) fn into_error(self, attempted: &str, file: &Path) -> Error {
        let message = |code: Code| match code {
            storage::STORAGE_FOREIGN => format!("`{}` is not an RTMX database", file.display()),
            storage::STORAGE_BUSY => {
                format!("could not {attempted} in `{}` before the deadline", file.display())
            }
            _ => format!("could not {attempted} in `{}`", file.display()),
        };
        match self {
            Fault::Decided(error) => error,
            Fault::Sqlite(source) => {
                let code = code_of(&source);
                Error::new(code, message(code)).with_source(source)
            }
            Fault::Sync(source) => {
                Error::new(storage::STORAGE_SYNC_FAILED, message(storage::STORAGE_SYNC_FAILED))
                    .with_source(source)
            }
            row @ Fault::Row { .. } => {
                Error::new(storage::STORAGE_CORRUPT, message(storage::STORAGE_CORRUPT)).with_source(row)
            }
        }
    }

    /// Whether a commit or checkpoint that met this leaves the disk's content unknown.
    pub(crate) fn is_io(error: &rusqlite::Error) -> bool {
        error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
    }
}

/// The code of an error from SQLite.
///
/// Source: SQLite manual, "Result and Error Codes".
pub(crate) fn code_of(error: &rusqlite::Error) -> Code {
    let Some(found) = error.sqlite_error() else { return storage::INTERNAL };
    match found.code {
        ErrorCode::DiskFull => storage::STORAGE_FULL,
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => storage::STORAGE_READ_ONLY,
        ErrorCode::NotADatabase => storage::STORAGE_FOREIGN,
        ErrorCode::DatabaseCorrupt => storage::STORAGE_CORRUPT,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OperationInterrupted => {
            storage::STORAGE_BUSY
        }
        ErrorCode::SystemIoFailure => match found.extended_code {
            ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC => storage::STORAGE_SYNC_FAILED,
            _ => storage::STORAGE_UNAVAILABLE,
        },
        ErrorCode::CannotOpen | ErrorCode::OutOfMemory => storage::STORAGE_UNAVAILABLE,
        _ => storage::INTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_of_sqlite_has_its_code() {
        // SQLite's extended code, ours
        let cases = [
            (ffi::SQLITE_FULL, storage::STORAGE_FULL),
            (ffi::SQLITE_READONLY, storage::STORAGE_READ_ONLY),
            (ffi::SQLITE_READONLY_DBMOVED, storage::STORAGE_READ_ONLY),
            (ffi::SQLITE_READONLY_DIRECTORY, storage::STORAGE_READ_ONLY),
            (ffi::SQLITE_PERM, storage::STORAGE_READ_ONLY),
            (ffi::SQLITE_NOTADB, storage::STORAGE_FOREIGN),
            (ffi::SQLITE_CORRUPT, storage::STORAGE_CORRUPT),
            (ffi::SQLITE_CORRUPT_INDEX, storage::STORAGE_CORRUPT),
            (ffi::SQLITE_BUSY, storage::STORAGE_BUSY),
            (ffi::SQLITE_BUSY_SNAPSHOT, storage::STORAGE_BUSY),
            (ffi::SQLITE_LOCKED, storage::STORAGE_BUSY),
            (ffi::SQLITE_INTERRUPT, storage::STORAGE_BUSY),
            (ffi::SQLITE_IOERR_FSYNC, storage::STORAGE_SYNC_FAILED),
            (ffi::SQLITE_IOERR_DIR_FSYNC, storage::STORAGE_SYNC_FAILED),
            (ffi::SQLITE_IOERR_READ, storage::STORAGE_UNAVAILABLE),
            (ffi::SQLITE_IOERR_WRITE, storage::STORAGE_UNAVAILABLE),
            (ffi::SQLITE_CANTOPEN, storage::STORAGE_UNAVAILABLE),
            (ffi::SQLITE_NOMEM, storage::STORAGE_UNAVAILABLE),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, storage::INTERNAL),
            (ffi::SQLITE_MISUSE, storage::INTERNAL),
        ];
        for (extended, code) in cases {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(extended), None);
            assert_eq!(code_of(&error), code, "extended code {extended}");
        }
        assert_eq!(code_of(&rusqlite::Error::QueryReturnedNoRows), storage::INTERNAL);
    }

    #[test]
    fn the_message_names_the_file_and_the_cause_stays_in_the_chain() {
        let full = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None);
        let error = Fault::Sqlite(full).into_error("apply the change", Path::new("/data/rtmx.db"));
        assert_eq!(error.message(), "could not apply the change in `/data/rtmx.db`");
        assert_eq!(error.causes().len(), 2, "{error:?}");
    }
}
