//! Archives as files: the one place of this crate that opens any.
//!
//! Archives are passed by path, so that they can cross the driver boundary. Every engine makes and
//! opens them alike: a new file, synced with its folder, and nothing left of it when writing fails.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "see above")]

use crate::ArchiveReport;
use rtmx_core::{Error, Result, storage};
use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Write};
use std::path::Path;

/// Writes a file that must not exist, durably; nothing is left of it when that fails.
///
/// # Errors
///
/// `record_exists`, `storage_full`, `storage_read_only`, `storage_unavailable`, and what `write` meets.
pub fn create<E: From<Error>>(
    to: &Path,
    write: impl FnOnce(BufWriter<File>) -> Result<(BufWriter<File>, ArchiveReport), E>,
) -> Result<ArchiveReport, E> {
    let failed = |error: std::io::Error| {
        let code = match error.kind() {
            ErrorKind::AlreadyExists => storage::RECORD_EXISTS,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => storage::STORAGE_FULL,
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => storage::STORAGE_READ_ONLY,
            _ => storage::STORAGE_UNAVAILABLE,
        };
        Error::new(code, format!("could not write the archive `{}`", to.display())).with_source(error)
    };
    let file = File::create_new(to).map_err(failed)?;
    let written = write(BufWriter::new(file)).and_then(|(mut out, report)| {
        let synced = out.flush().and_then(|()| out.get_ref().sync_all()).and_then(|()| sync_folder(to));
        synced.map_err(failed)?;
        Ok(report)
    });
    if written.is_err() {
        // The failure to write is what the caller needs to hear, not that of tidying up after it.
        let _ = std::fs::remove_file(to);
    }
    written
}

fn sync_folder(of: &Path) -> std::io::Result<()> {
    match of.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

/// Opens an archive.
///
/// # Errors
///
/// `archive_invalid` if there is none that can be read.
pub fn open(from: &Path) -> Result<BufReader<File>> {
    let file = File::open(from).map_err(|error| {
        let message = format!("could not read the archive `{}`", from.display());
        Error::new(storage::ARCHIVE_INVALID, message).with_source(error)
    })?;
    Ok(BufReader::new(file))
}
