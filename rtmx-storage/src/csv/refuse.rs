//! Refusals: the whole file or nothing, and every row that is to blame named, up to 50.

use super::read::{ReadRow, Refused};
use super::{ROW_LIMIT, SIZE_LIMIT_BYTES};
use crate::import::{At, Finding, ImportReport, shown};
use rtmx_core::{Code, Error, import};
use std::fmt::Write;

/// How many rows a refusal names.
const NAMED: usize = 50;

/// What is wrong with single rows, gathered over the whole file.
#[derive(Default)]
pub(super) struct Faults {
    without_id: Fault,
    invalid_id: Fault,
    repeated: Fault,
}

/// One kind of fault: how often, and the first of them.
#[derive(Default)]
struct Fault {
    count: usize,
    rows: Vec<u64>,
    findings: Vec<Finding>,
    said: Vec<String>,
}

impl Fault {
    fn add(&mut self, code: Code, at: At<'_>, message: String) {
        self.count += 1;
        if self.findings.len() < NAMED {
            self.rows.extend(at.row);
            self.findings.push(Finding::new(code.id(), at, message));
        }
    }
}

impl Faults {
    pub(super) fn without_id(&mut self, at: At<'_>) {
        self.without_id.add(import::CSV_ROW_WITHOUT_ID, at, "the row has no requirement id".into());
    }

    /// An id that cannot be stored, or the link of a test that cannot.
    pub(super) fn invalid_id(&mut self, at: At<'_>, why: String) {
        self.invalid_id.add(import::CSV_ID_INVALID, at, why);
    }

    pub(super) fn repeated(&mut self, first: &ReadRow, others: &[ReadRow]) {
        let id = shown(&first.id);
        for other in others {
            let at =
                At { row: Some(other.row), line: Some(other.line), column: None, req_id: Some(&other.id) };
            self.repeated.add(
                import::CSV_DUPLICATE_ID,
                at,
                format!("row {} has the id `{id}` already", first.row),
            );
        }
        if self.repeated.said.len() < NAMED {
            let rows: Vec<u64> = std::iter::once(first.row)
                .chain(others.iter().map(|other| other.row))
                .take(NAMED + 1)
                .collect();
            self.repeated.said.push(format!("`{id}` in {}", rows_text(&rows, others.len() + 1)));
        }
    }

    /// Refuses the file if anything was found.
    pub(super) fn check(self, report: &mut ImportReport) -> Result<(), Box<Refused>> {
        let Faults { without_id, invalid_id, repeated } = self;
        let (code, rows, count) = match (&without_id, &invalid_id, &repeated) {
            (fault, _, _) if fault.count > 0 => (import::CSV_ROW_WITHOUT_ID, &fault.rows, fault.count),
            (_, fault, _) if fault.count > 0 => (import::CSV_ID_INVALID, &fault.rows, fault.count),
            (_, _, fault) if fault.count > 0 => (import::CSV_DUPLICATE_ID, &fault.rows, fault.count),
            _ => return Ok(()),
        };
        let mut said = Vec::new();
        if without_id.count > 0 {
            let rows = rows_text(&without_id.rows, without_id.count);
            said.push(format!("{} without a requirement id: {rows}", rows_count(without_id.count)));
        }
        if invalid_id.count > 0 {
            let whys: Vec<&str> =
                invalid_id.findings.iter().map(|finding| finding.message.as_str()).collect();
            let rows = rows_text(&invalid_id.rows, invalid_id.count);
            said.push(format!(
                "{} with an id that cannot be stored: {rows} ({})",
                rows_count(invalid_id.count),
                whys.first().unwrap_or(&"")
            ));
        }
        if repeated.count > 0 {
            let ids = repeated.said.join("; ");
            said.push(format!("{} with the id of an earlier row: {ids}", rows_count(repeated.count)));
        }
        let named = rows.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        let error = Error::new(code, format!("could not import the file: it has {}", said.join("; and ")))
            .with("count", count)
            .with("rows", named);
        report.errors.extend(without_id.findings);
        report.errors.extend(invalid_id.findings);
        report.errors.extend(repeated.findings);
        report.errors.sort_by_key(|finding| finding.row);
        Err(Box::new(Refused { error, report: std::mem::take(report) }))
    }
}

fn rows_count(count: usize) -> String {
    if count == 1 { "1 row".into() } else { format!("{count} rows") }
}

/// `row 2`, `rows 2, 3 and 9`, `rows 2, 3, ... and 17 more`.
pub(super) fn rows_text(rows: &[u64], count: usize) -> String {
    let named = rows.len().min(NAMED);
    let mut text = String::from(if count == 1 { "row " } else { "rows " });
    for (index, row) in rows[..named].iter().enumerate() {
        let separator = match index {
            0 => "",
            _ if index + 1 == count => " and ",
            _ => ", ",
        };
        let _ = write!(text, "{separator}{row}");
    }
    if count > named {
        let _ = write!(text, " and {} more", count - named);
    }
    text
}

pub(super) fn too_many_bytes(size: usize) -> Box<Refused> {
    let message = format!("could not import a file of {size} bytes: the limit is {SIZE_LIMIT_BYTES} bytes");
    Refused::whole_file(Error::new(import::CSV_TOO_LARGE, message), At::default())
}

pub(super) fn too_many_rows() -> Box<Refused> {
    let message = format!("could not import the file: it has more than {ROW_LIMIT} rows");
    Refused::whole_file(Error::new(import::CSV_TOO_LARGE, message), At::default())
}

pub(super) fn no_header(why: &str) -> Box<Refused> {
    let error = Error::new(import::CSV_NO_HEADER, format!("could not import the file: {why}"));
    Refused::whole_file(error, At { row: Some(1), ..At::default() })
}

pub(super) fn unclosed_quote(line: u64) -> Box<Refused> {
    let message = format!("could not import the file: the quote that opens on line {line} is never closed");
    let error = Error::new(import::CSV_MALFORMED, message).with("line", line);
    Refused::whole_file(error, At { line: Some(line), ..At::default() })
}

pub(super) fn nul(line: u64) -> Box<Refused> {
    let message = format!("could not import the file: line {line} has a NUL character, which is not text");
    let error = Error::new(import::CSV_MALFORMED, message)
        .with("line", line)
        .with_next("Save the file as UTF-8 if it is UTF-16, else remove the character; nothing was changed.");
    Refused::whole_file(error, At { line: Some(line), ..At::default() })
}

/// Names the rows and columns whose bytes are not UTF-8, and the first of the bytes.
pub(super) fn not_utf8(bytes: &[u8]) -> Box<Refused> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut fields = csv::ByteRecord::new();
    let (mut row, mut fault, mut names) = (0u64, Fault::default(), Vec::new());
    while reader.read_byte_record(&mut fields).unwrap_or(false) {
        row += 1;
        if row == 1 {
            names = fields.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
        }
        let wrong = fields.iter().enumerate().find(|(_, field)| std::str::from_utf8(field).is_err());
        if let Some((index, _)) = wrong {
            let column = match names.get(index) {
                Some(name) if !name.is_empty() => format!("column {} `{}`", index + 1, shown(name)),
                _ => format!("column {}", index + 1),
            };
            let at = At { row: Some(row), column: names.get(index).map(String::as_str), ..At::default() };
            let message = format!("row {row}, {column} is not UTF-8");
            if fault.said.len() < NAMED {
                fault.said.push(format!("row {row}, {column}"));
            }
            fault.add(import::CSV_NOT_UTF8, at, message);
        }
    }
    let first = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let line = bytes[..first].iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = bytes[..first].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let mut places = fault.said.join("; ");
    if fault.count > NAMED {
        let _ = write!(places, "; and {} rows more", fault.count - NAMED);
    }
    let message = format!(
        "could not import the file: it is not UTF-8 at {places} (first at line {line}, byte {} of the line)",
        first - start + 1
    );
    let error = Error::new(import::CSV_NOT_UTF8, message)
        .with("count", fault.count)
        .with("line", line)
        .with("offset", first);
    Box::new(Refused { error, report: ImportReport { errors: fault.findings, ..ImportReport::default() } })
}
