//! Export: a matrix as CSV, row by row.
//!
//! The decision to know: the caller streams. It reads the ids in the order of the file and the
//! requirements of one revision in portions, and hands each to [`CsvExport::row`], so that an
//! export of any size needs the memory of one portion. A row that was only imported comes out as
//! it went in; what was edited is written from its values, with the file's columns and line end.

use crate::csv::{Target, count_fields, push_field, push_row};
use crate::query::Field;
use rtmx_core::{Layout, Requirement};
use std::borrow::Cow;

/// An export under way. Each call appends to the output that it is given, in the order header, rows,
/// trailer.
#[derive(Debug, Clone)]
pub struct CsvExport {
    bom: bool,
    header: String,
    trailer: String,
    targets: Vec<Target>,
    line_end: &'static str,
    /// How many of the columns came after the import: rows as they were imported lack them.
    grown: usize,
    /// Whether the last thing written did not end its line.
    open_line: bool,
}

impl CsvExport {
    /// An export in this form; [`Layout::default`] for a project that was never imported, which is
    /// written with the 21 core columns and line feeds.
    pub fn new(layout: &Layout) -> Self {
        let targets = Target::of_layout(&layout.columns);
        let imported = if layout.header.is_empty() { targets.len() } else { count_fields(&layout.header) };
        CsvExport {
            bom: layout.bom,
            header: layout.header.clone(),
            trailer: layout.trailer.clone(),
            line_end: if layout.crlf { "\r\n" } else { "\n" },
            grown: targets.len().saturating_sub(imported),
            targets,
            open_line: false,
        }
    }

    /// Appends the header row.
    pub fn header(&mut self, out: &mut Vec<u8>) {
        let start = out.len();
        if self.bom {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        let body = self.header.trim_end_matches(['\r', '\n']);
        let line_end = if body.is_empty() { self.line_end } else { &self.header[body.len()..] };
        out.extend_from_slice(body.as_bytes());
        let to_write = if body.is_empty() { self.targets.len() } else { self.grown };
        for (index, target) in self.targets[self.targets.len() - to_write..].iter().enumerate() {
            if index > 0 || !body.is_empty() {
                out.push(b',');
            }
            push_field(out, target.key());
        }
        out.extend_from_slice(line_end.as_bytes());
        self.note_end(&out[start..]);
    }

    /// Appends a requirement's row.
    pub fn row(&mut self, id: &str, requirement: &Requirement, out: &mut Vec<u8>) {
        if self.open_line {
            out.extend_from_slice(self.line_end.as_bytes());
        }
        let start = out.len();
        match &requirement.placement.raw {
            Some(raw) if self.grown == 0 => out.extend_from_slice(raw.as_bytes()),
            _ => push_row(out, &self.targets, self.line_end, id, requirement),
        }
        self.note_end(&out[start..]);
    }

    /// Appends what followed the last row of the imported file.
    pub fn trailer(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.trailer.as_bytes());
    }

    fn note_end(&mut self, written: &[u8]) {
        self.open_line = !matches!(written.last(), Some(b'\n' | b'\r'));
    }
}

/// Chosen columns of chosen requirements as CSV: a table for other programs, not a matrix to be kept.
///
/// Lines end with carriage return and line feed, and there is always a header (RFC 4180). A cell holds
/// its text as it is, formulas included: they are data here, and whoever opens the file in a
/// spreadsheet decides whether they run.
#[derive(Debug, Clone)]
pub struct CsvColumns {
    targets: Vec<Target>,
}

impl CsvColumns {
    /// These columns, in this order.
    pub fn new(columns: impl IntoIterator<Item = Field>) -> Self {
        let target = |field| match field {
            Field::Core(column) => Target::Core(column),
            Field::Extra(name) => Target::Extra(name),
        };
        CsvColumns { targets: columns.into_iter().map(target).collect() }
    }

    /// Appends the header row.
    pub fn header(&self, out: &mut Vec<u8>) {
        self.line(self.targets.iter().map(|target| Cow::Borrowed(target.key())), out);
    }

    /// Appends a requirement's row.
    pub fn row(&self, id: &str, requirement: &Requirement, out: &mut Vec<u8>) {
        self.line(self.targets.iter().map(|target| target.text(id, requirement)), out);
    }

    fn line<'a>(&self, fields: impl Iterator<Item = Cow<'a, str>>, out: &mut Vec<u8>) {
        for (place, field) in fields.enumerate() {
            if place > 0 {
                out.push(b',');
            }
            // A line that is empty would be no row.
            if field.is_empty() && self.targets.len() == 1 {
                out.extend_from_slice(b"\"\"");
            }
            push_field(out, &field);
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// A whole matrix as one CSV file; its rows in the order in which they are given.
pub fn to_csv<'a>(layout: &Layout, rows: impl IntoIterator<Item = (&'a str, &'a Requirement)>) -> Vec<u8> {
    let mut export = CsvExport::new(layout);
    let mut out = Vec::new();
    export.header(&mut out);
    for (id, requirement) in rows {
        export.row(id, requirement, &mut out);
    }
    export.trailer(&mut out);
    out
}
