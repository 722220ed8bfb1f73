//! Reading a file: rows become requirements, or the whole file is refused.

use super::rows::{Rows, UnclosedQuote, newlines};
use super::write::{Target, push_row};
use super::{Duplicates, ParseOptions, ROW_LIMIT, SIZE_LIMIT_BYTES};
use super::{fields, header, merge, refuse};
use crate::import::{At, ImportReport, Warning};
use rtmx_core::{Column, Error, Key, Kind, Layout, Requirement, Result, TestLink};
use std::collections::{BTreeMap, HashMap};

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parsed {
    /// The file's form.
    pub layout: Layout,
    /// The requirements by id, each id once, in the order of the file.
    pub rows: Vec<(String, Requirement)>,
    /// The tests of requirements that had several rows.
    pub links: Vec<TestLink>,
    /// What was noticed. What the import does with the rows is not counted yet.
    pub report: ImportReport,
}

/// Why a file was refused, as an error and row by row.
#[derive(Debug)]
pub struct Refused {
    /// The error.
    pub error: Error,
    /// The findings up to the refusal; `errors` names the rows.
    pub report: ImportReport,
}

/// One row, or the first of several with the same id.
pub(super) struct ReadRow {
    pub(super) id: String,
    pub(super) requirement: Requirement,
    pub(super) row: u64,
    pub(super) line: u64,
}

/// Reads a matrix.
///
/// # Errors
///
/// Those of [`read`], without the report.
pub fn parse(bytes: &[u8], options: &ParseOptions) -> Result<Parsed> {
    read(bytes, options).map_err(Error::from)
}

/// Reads a matrix, and says of a refused one what is wrong with each row.
///
/// # Errors
///
/// `csv_too_large`, `csv_not_utf8`, `csv_malformed`, `csv_no_header`, `csv_row_without_id`,
/// `csv_id_invalid`, `csv_duplicate_id`: each names the rows, up to 50 of them.
pub fn read(bytes: &[u8], options: &ParseOptions) -> Result<Parsed, Box<Refused>> {
    let text = readable(bytes)?;
    let mut report = ImportReport::default();
    let (text, bom) = match text.strip_prefix('\u{feff}') {
        Some(text) => (text, true),
        None => (text, false),
    };
    if bom {
        let at = At { row: Some(1), line: Some(1), ..At::default() };
        report.warn(Warning::BomRemoved, at, || "the file begins with a byte order mark".into());
    }

    let mut rows = Rows::new(text);
    let malformed = |found: UnclosedQuote| refuse::unclosed_quote(found.line);
    let Some(header) = rows.next().map_err(malformed)? else {
        return Err(refuse::no_header("the file is empty"));
    };
    let targets = header::targets(rows.fields().iter(), &mut report);
    if !targets.contains(&Target::Core(Column::ReqId)) {
        return Err(refuse::no_header("no column of the first row is called `req_id`"));
    }
    let crlf = has_crlf(text, header.text);
    let line_end = if crlf { "\r\n" } else { "\n" };

    let mut read: Vec<ReadRow> = Vec::new();
    let mut index_of: HashMap<String, usize> = HashMap::new();
    let mut repeats: BTreeMap<usize, Vec<ReadRow>> = BTreeMap::new();
    let mut faults = refuse::Faults::default();
    let mut written = Vec::new();
    while let Some(row) = rows.next().map_err(malformed)? {
        report.rows += 1;
        if report.rows > ROW_LIMIT as u64 {
            return Err(refuse::too_many_rows());
        }
        let number = report.rows + 1;
        let at = At { row: Some(number), line: Some(row.line), ..At::default() };
        let (id, mut requirement) = fields::requirement(rows.fields(), &targets, at, &mut report);
        if id.is_empty() {
            faults.without_id(at);
            continue;
        }
        if let Err(error) = Key::new(Kind::Requirement, id.as_str()).check() {
            faults.invalid_id(at, error.to_string());
            continue;
        }
        written.clear();
        push_row(&mut written, &targets, line_end, &id, &requirement);
        if written != row.text.as_bytes() {
            requirement.placement.raw = Some(row.text.to_owned());
        }
        let row = ReadRow { id, requirement, row: number, line: row.line };
        match index_of.get(&row.id) {
            Some(first) => repeats.entry(*first).or_default().push(row),
            None => {
                index_of.insert(row.id.clone(), read.len());
                read.push(row);
            }
        }
    }
    drop(index_of);

    let mut links = Vec::new();
    for (first, others) in repeats {
        match options.duplicates {
            Duplicates::Refuse => faults.repeated(&read[first], &others),
            Duplicates::Merge => merge::merge(&mut read[first], others, &mut links, &mut faults, &mut report),
        }
    }
    faults.check(&mut report)?;

    let layout = Layout {
        bom,
        crlf,
        header: header.text.to_owned(),
        columns: targets.iter().map(|target| target.key().to_owned()).collect(),
        trailer: rows.rest().to_owned(),
    };
    let rows = read.into_iter().map(|row| (row.id, row.requirement)).collect();
    Ok(Parsed { layout, rows, links, report })
}

/// The bytes as text, if they are of a size and kind that can be read.
fn readable(bytes: &[u8]) -> Result<&str, Box<Refused>> {
    if bytes.len() > SIZE_LIMIT_BYTES {
        return Err(refuse::too_many_bytes(bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| refuse::not_utf8(bytes))?;
    match text.find('\0') {
        Some(at) => Err(refuse::nul(newlines(&text[..at]) + 1)),
        None => Ok(text),
    }
}

/// Whether most lines end with carriage return and line feed; the header decides a tie.
fn has_crlf(text: &str, header: &str) -> bool {
    let bytes = text.as_bytes();
    let total = newlines(text);
    let crlf = bytes.windows(2).filter(|pair| *pair == b"\r\n").count() as u64;
    if crlf * 2 == total { header.ends_with("\r\n") } else { crlf * 2 > total }
}

impl Refused {
    /// A refusal at the first fault; it carries no findings of rows read before it.
    pub(super) fn whole_file(error: Error, at: At<'_>) -> Box<Refused> {
        let finding = crate::import::Finding::new(error.code().id(), at, error.to_string());
        let report = ImportReport { errors: vec![finding], ..ImportReport::default() };
        Box::new(Refused { error, report })
    }
}

impl From<Box<Refused>> for Error {
    fn from(refused: Box<Refused>) -> Error {
        refused.error
    }
}

const _: () = assert!(ROW_LIMIT == 250_000, "the text of `csv_too_large` names the limit");
