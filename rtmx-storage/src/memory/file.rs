//! The one place of this crate that opens files: the reference's archives.
//!
//! The trait passes archives by path, so that they can cross the driver boundary. An engine opens
//! and syncs them by its own rules; the reference only needs them to be files.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "see above")]

use crate::ArchiveReport;
use rtmx_core::{Error, Result, storage};
use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Write};
use std::path::Path;

/// Writes a file that must not exist; nothing is left of it when that fails.
pub(super) fn create(
    to: &Path,
    write: impl FnOnce(BufWriter<File>) -> Result<(BufWriter<File>, ArchiveReport)>,
) -> Result<ArchiveReport> {
    let failed = |error: std::io::Error| {
        let code = match error.kind() {
            ErrorKind::AlreadyExists => storage::RECORD_EXISTS,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => storage::STORAGE_FULL,
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => storage::STORAGE_READ_ONLY,
            _ => storage::STORAGE_UNAVAILABLE,
        };
        Error::new(code, format!("could not write the archive {}", to.display())).with_source(error)
    };
    let file = File::create_new(to).map_err(failed)?;
    let written = write(BufWriter::new(file)).and_then(|(mut out, report)| {
        out.flush().and_then(|()| out.get_ref().sync_all()).map_err(failed)?;
        Ok(report)
    });
    if written.is_err() {
        // The failure to write is what the caller needs to hear, not that of tidying up after it.
        let _ = std::fs::remove_file(to);
    }
    written
}

/// Opens an archive.
pub(super) fn open(from: &Path) -> Result<BufReader<File>> {
    let file = File::open(from).map_err(|error| {
        let message = format!("could not read the archive {}", from.display());
        Error::new(storage::ARCHIVE_INVALID, message).with_source(error)
    })?;
    Ok(BufReader::new(file))
}
