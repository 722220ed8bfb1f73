//! Writes an archive, one item at a time.

use super::order::Progress;
use super::{ARCHIVE_VERSION, ArchiveHeader, ArchiveItem, FORMAT, FooterLine};
use crate::ArchiveReport;
use rtmx_core::{Epoch, Error, Result, storage};
use std::io::{self, Write};

/// Writes an archive to anything that takes bytes.
///
/// Written to [`io::sink`], it computes the content hash of a snapshot without keeping it.
#[derive(Debug)]
pub struct ArchiveWriter<W: Write> {
    out: W,
    line: Vec<u8>,
    progress: Progress,
}

impl<W: Write> ArchiveWriter<W> {
    /// Begins an archive of a database in `epoch`.
    ///
    /// # Errors
    ///
    /// `storage_full`, `storage_unavailable` when the header cannot be written.
    pub fn new(out: W, epoch: Epoch) -> Result<Self> {
        let mut writer = ArchiveWriter { out, line: Vec::new(), progress: Progress::default() };
        let header = ArchiveHeader { format: FORMAT.into(), version: ARCHIVE_VERSION, epoch };
        writer.put(&header)?;
        writer.progress.header(&writer.line);
        Ok(writer)
    }

    /// Adds an item.
    ///
    /// # Errors
    ///
    /// `internal` for an item out of order (see [`ArchiveItem`]), which is a defect of the engine;
    /// `storage_full`, `storage_unavailable`.
    pub fn add(&mut self, item: &ArchiveItem) -> Result<()> {
        self.progress.accept(item).map_err(out_of_order)?;
        self.put(item)?;
        self.progress.line(&self.line);
        Ok(())
    }

    /// Writes the footer, flushes, and gives the output back: making it durable is the caller's.
    ///
    /// # Errors
    ///
    /// As [`ArchiveWriter::add`].
    pub fn finish(mut self) -> Result<(W, ArchiveReport)> {
        self.progress.end().map_err(out_of_order)?;
        let footer = self.progress.footer();
        let content_hash = footer.content_hash.clone();
        self.put(&FooterLine { footer })?;
        self.out.flush().map_err(could_not_write)?;
        let report = ArchiveReport {
            records: self.progress.records,
            history: self.progress.history,
            change_sets: self.progress.change_sets,
            bytes: self.progress.bytes + self.line.len() as u64,
            content_hash,
        };
        Ok((self.out, report))
    }

    fn put(&mut self, value: &impl serde::Serialize) -> Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value).expect("the items of an archive are plain data");
        self.line.push(b'\n');
        self.out.write_all(&self.line).map_err(could_not_write)
    }
}

fn out_of_order(why: impl std::fmt::Display) -> Error {
    Error::new(storage::INTERNAL, format!("could not write the archive: {why}"))
}

fn could_not_write(error: io::Error) -> Error {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => storage::STORAGE_FULL,
        _ => storage::STORAGE_UNAVAILABLE,
    };
    Error::new(code, "could not write the archive").with_source(error)
}
