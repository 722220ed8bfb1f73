//! Reads an archive, and refuses everything that a writer would not have written.

use super::order::Progress;
use super::{ARCHIVE_VERSION, ArchiveHeader, ArchiveItem, FORMAT, FooterLine, LINE_LIMIT_BYTES};
use crate::ArchiveReport;
use rtmx_core::{Error, Result, storage};
use std::io::{BufRead, Read};

/// Reads an archive from anything that gives bytes, one item at a time.
///
/// Only the report at the end says that the archive is whole: an engine keeps nothing of what it
/// has read until [`ArchiveReader::finish`] has answered.
#[derive(Debug)]
pub struct ArchiveReader<R: BufRead> {
    input: R,
    line: Vec<u8>,
    header: ArchiveHeader,
    progress: Progress,
    report: Option<ArchiveReport>,
}

impl<R: BufRead> ArchiveReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// `archive_invalid` if it is none, or of a version that is not known.
    pub fn new(mut input: R) -> Result<Self> {
        let mut line = Vec::new();
        read_line(&mut input, &mut line)?;
        // The version decides what the rest means, so it is read before the rest is judged.
        let loose: serde_json::Value = parse(&line)?;
        let version = loose.get("version").and_then(serde_json::Value::as_u64);
        if loose.get("format").and_then(serde_json::Value::as_str) != Some(FORMAT) {
            return Err(invalid("it is not an RTMX archive"));
        }
        if version != Some(u64::from(ARCHIVE_VERSION)) {
            let found = version.map_or("unknown".to_owned(), |version| version.to_string());
            let why = format!("it has the format version {found}, and this version reads {ARCHIVE_VERSION}");
            return Err(invalid(why));
        }
        let header: ArchiveHeader = parse(&line)?;
        let mut progress = Progress::default();
        progress.header(&line);
        let reader = ArchiveReader { input, line, header, progress, report: None };
        reader.check_encoding(&reader.header)?;
        Ok(reader)
    }

    /// The archive's first line.
    pub fn header(&self) -> &ArchiveHeader {
        &self.header
    }

    /// The next item; `None` after the last, when the footer has been checked.
    ///
    /// # Errors
    ///
    /// `archive_invalid` for anything cut short, changed, out of order or added behind the end.
    #[allow(clippy::should_implement_trait, reason = "an iterator would go on after an error")]
    pub fn next(&mut self) -> Result<Option<ArchiveItem>> {
        if self.report.is_some() {
            return Ok(None);
        }
        read_line(&mut self.input, &mut self.line)?;
        if self.line.starts_with(b"{\"footer\":") {
            self.report = Some(self.check_footer()?);
            return Ok(None);
        }
        let item: ArchiveItem = parse(&self.line)?;
        self.progress.accept(&item).map_err(invalid)?;
        self.progress.line(&self.line);
        Ok(Some(item))
    }

    /// Reads what is left and says what the archive held.
    ///
    /// # Errors
    ///
    /// As [`ArchiveReader::next`].
    pub fn finish(mut self) -> Result<ArchiveReport> {
        while self.next()?.is_some() {}
        self.report.ok_or_else(|| invalid("it has no end"))
    }

    fn check_footer(&mut self) -> Result<ArchiveReport> {
        self.progress.end().map_err(invalid)?;
        let found: FooterLine = parse(&self.line)?;
        self.check_encoding(&found)?;
        let footer = self.progress.footer();
        if found.footer != footer {
            return Err(invalid("it was changed: counts or hashes differ from the content"));
        }
        let bytes = self.progress.bytes + self.line.len() as u64;
        let rest = self.input.fill_buf().map_err(could_not_read)?;
        if !rest.is_empty() {
            return Err(invalid("it goes on after its end"));
        }
        Ok(ArchiveReport {
            records: footer.records,
            history: footer.history,
            change_sets: footer.change_sets,
            bytes,
            content_hash: footer.content_hash,
        })
    }

    /// Header and footer are not under the content hash, so they must be written the one way.
    fn check_encoding(&self, value: &impl serde::Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(value).expect("header and footer are plain data");
        line.push(b'\n');
        if line != self.line {
            return Err(invalid("it was changed: its first or last line is written in another way"));
        }
        Ok(())
    }
}

fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> Result<()> {
    line.clear();
    input.take(LINE_LIMIT_BYTES).read_until(b'\n', line).map_err(could_not_read)?;
    if line.last() == Some(&b'\n') {
        return Ok(());
    }
    Err(invalid(if line.len() as u64 == LINE_LIMIT_BYTES { "a line is too long" } else { "it is cut short" }))
}

fn parse<T: serde::de::DeserializeOwned>(line: &[u8]) -> Result<T> {
    serde_json::from_slice(line)
        .map_err(|error| invalid("one of its lines cannot be understood").with_source(error))
}

fn invalid(why: impl Into<String>) -> Error {
    Error::new(storage::ARCHIVE_INVALID, format!("could not read the archive: {}", why.into()))
}

fn could_not_read(error: std::io::Error) -> Error {
    invalid("the input ended with an error").with_source(error)
}
