//! Writes an archive, one item at a time.

use super::hashed::Hashed;
use super::order::Progress;
use super::{ARCHIVE_VERSION, ArchiveHeader, ArchiveItem, FORMAT, FooterLine};
use crate::ArchiveReport;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use rtmx_core::{Epoch, Error, Result, storage};
use std::io::{self, Write};

/// How hard the lines are compressed, 0 to 9: more takes longer than a disk needs for the difference.
const LEVEL: u32 = 3;

/// Writes an archive to anything that takes bytes.
///
/// Written to [`io::sink`], it computes the content hash of a snapshot without keeping it.
#[derive(Debug)]
pub struct ArchiveWriter<W: Write> {
    out: DeflateEncoder<Hashed<W>>,
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
        let mut out = Hashed::new(out);
        let header = ArchiveHeader { format: FORMAT.into(), version: ARCHIVE_VERSION, epoch };
        let line = line_of(Vec::new(), &header);
        out.write_all(&line).map_err(could_not_write)?;
        let out = DeflateEncoder::new(out, Compression::new(LEVEL));
        Ok(ArchiveWriter { out, line, progress: Progress::default() })
    }

    /// Adds an item.
    ///
    /// # Errors
    ///
    /// `internal` for an item out of order (see [`ArchiveItem`]), which is a defect of the engine;
    /// `storage_full`, `storage_unavailable`.
    pub fn add(&mut self, item: &ArchiveItem) -> Result<()> {
        self.progress.accept(item).map_err(out_of_order)?;
        self.line = line_of(std::mem::take(&mut self.line), item);
        self.out.write_all(&self.line).map_err(could_not_write)?;
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
        let mut out = self.out.finish().map_err(could_not_write)?;
        let footer = self.progress.footer(out.hash());
        let content_hash = footer.content_hash.clone();
        let line = line_of(self.line, &FooterLine { footer });
        out.write_all(&line).and_then(|()| out.flush()).map_err(could_not_write)?;
        let report = ArchiveReport {
            records: self.progress.records,
            history: self.progress.history,
            change_sets: self.progress.change_sets,
            bytes: out.size(),
            content_hash,
        };
        Ok((out.into_inner(), report))
    }
}

/// The one encoding of a line, in the room of an earlier one.
fn line_of(mut line: Vec<u8>, value: &impl serde::Serialize) -> Vec<u8> {
    line.clear();
    serde_json::to_writer(&mut line, value).expect("the items of an archive are plain data");
    line.push(b'\n');
    line
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
