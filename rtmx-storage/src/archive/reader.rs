//! Reads an archive, and refuses everything that a writer would not have written.

use super::hashed::Hashed;
use super::order::Progress;
use super::{
    ARCHIVE_VERSION, ArchiveHeader, ArchiveItem, EDGE_LIMIT_BYTES, FORMAT, FooterLine, LINE_LIMIT_BYTES,
    PLAIN_VERSION,
};
use crate::ArchiveReport;
use flate2::bufread::DeflateDecoder;
use rtmx_core::{Error, Result, storage};
use std::io::{BufRead, BufReader, Read};

/// Reads an archive from anything that gives bytes, one item at a time.
///
/// Only the report at the end says that the archive is whole: an engine keeps nothing of what it
/// has read until [`ArchiveReader::finish`] has answered.
#[derive(Debug)]
pub struct ArchiveReader<R: BufRead> {
    input: Input<R>,
    line: Vec<u8>,
    header: ArchiveHeader,
    progress: Progress,
    report: Option<ArchiveReport>,
}

/// What lies between header and footer.
#[derive(Debug)]
enum Input<R: BufRead> {
    /// Lines as they are, in version 1.
    Plain(Hashed<R>),
    /// Compressed lines.
    Deflated(BufReader<DeflateDecoder<Hashed<R>>>),
}

/// Which line was read.
enum Line {
    Item,
    /// The last one, and the hash of all bytes before it.
    Footer(String),
}

impl<R: BufRead> Input<R> {
    /// The bytes of the file.
    fn file(&mut self) -> &mut Hashed<R> {
        match self {
            Input::Plain(file) => file,
            Input::Deflated(lines) => lines.get_mut().get_mut(),
        }
    }

    fn read_line(&mut self, line: &mut Vec<u8>) -> Result<Line> {
        match self {
            Input::Plain(file) => {
                let before = file.hash();
                read_line(file, line, LINE_LIMIT_BYTES)?;
                Ok(if line.starts_with(b"{\"footer\":") { Line::Footer(before) } else { Line::Item })
            }
            Input::Deflated(lines) => {
                if lines.fill_buf().map_err(could_not_read)?.is_empty() {
                    let file = self.file();
                    let before = file.hash();
                    read_line(file, line, EDGE_LIMIT_BYTES)?;
                    return Ok(Line::Footer(before));
                }
                read_line(lines, line, LINE_LIMIT_BYTES)?;
                Ok(Line::Item)
            }
        }
    }
}

impl<R: BufRead> ArchiveReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// `archive_invalid` if it is none, or of a version that is not known.
    pub fn new(input: R) -> Result<Self> {
        let (mut file, mut line) = (Hashed::new(input), Vec::new());
        read_line(&mut file, &mut line, EDGE_LIMIT_BYTES)?;
        // The version decides what the rest means, so it is read before the rest is judged.
        let loose: serde_json::Value = parse(&line)?;
        let version = loose.get("version").and_then(serde_json::Value::as_u64);
        if loose.get("format").and_then(serde_json::Value::as_str) != Some(FORMAT) {
            return Err(invalid("it is not an RTMX archive"));
        }
        let input = if version == Some(u64::from(ARCHIVE_VERSION)) {
            Input::Deflated(BufReader::new(DeflateDecoder::new(file)))
        } else if version == Some(u64::from(PLAIN_VERSION)) {
            Input::Plain(file)
        } else {
            let found = version.map_or("unknown".to_owned(), |version| version.to_string());
            let why = format!(
                "it has the format version {found}, and this version reads {PLAIN_VERSION} and {ARCHIVE_VERSION}"
            );
            return Err(invalid(why));
        };
        let header: ArchiveHeader = parse(&line)?;
        check_encoding(&header, &line)?;
        Ok(ArchiveReader { input, line, header, progress: Progress::default(), report: None })
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
        if let Line::Footer(file_hash) = self.input.read_line(&mut self.line)? {
            self.report = Some(self.check_footer(file_hash)?);
            return Ok(None);
        }
        if has_nul(&self.line) {
            return Err(invalid("one of its texts has the character U+0000, which no engine keeps"));
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

    fn check_footer(&mut self, file_hash: String) -> Result<ArchiveReport> {
        self.progress.end().map_err(invalid)?;
        let found: FooterLine = parse(&self.line)?;
        check_encoding(&found, &self.line)?;
        let footer = self.progress.footer(file_hash);
        if found.footer != footer {
            return Err(invalid("it was changed: counts or hashes differ from the content"));
        }
        let file = self.input.file();
        let bytes = file.size();
        let rest = file.fill_buf().map_err(could_not_read)?;
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
}

/// Header and footer are not under the content hash, so they must be written the one way.
fn check_encoding(value: &impl serde::Serialize, found: &[u8]) -> Result<()> {
    let mut line = serde_json::to_vec(value).expect("header and footer are plain data");
    line.push(b'\n');
    if line != found {
        return Err(invalid("it was changed: its first or last line is written in another way"));
    }
    Ok(())
}

fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>, limit: u64) -> Result<()> {
    line.clear();
    input.take(limit).read_until(b'\n', line).map_err(could_not_read)?;
    if line.last() == Some(&b'\n') {
        return Ok(());
    }
    Err(invalid(if line.len() as u64 == limit { "a line is too long" } else { "it is cut short" }))
}

/// Whether a text in this line of JSON has U+0000, which is `\u0000` behind an even number of `\`.
fn has_nul(line: &[u8]) -> bool {
    // What is not UTF-8 is refused when it is parsed.
    let line = std::str::from_utf8(line).unwrap_or_default();
    line.match_indices(r"\u0000").any(|(at, _)| {
        let escapes = line[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        escapes % 2 == 0
    })
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
