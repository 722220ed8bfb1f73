//! Requirement documents in Markdown, in both styles of the field.
//!
//! The decision to know: a document is stored byte for byte, as
//! [`RequirementText`](rtmx_core::RequirementText); what is read from it here is a view.
//! The matrix stays the source of a requirement's status, because documents in the field are seldom
//! updated when work is done, so the status is taken over only on request. The parser knows
//! headings, lists and fenced code, which is all that these documents use to carry fields; the
//! rest of Markdown is text to it.

mod fields;
mod parse;
mod write;

pub use parse::parse;
pub use write::write;

use rtmx_core::{Column, Requirement, Result};
use std::collections::BTreeMap;

/// How a document carries its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Each field is a heading: `## Status: MISSING`.
    Headings,
    /// The fields are a list under `## Metadata`: `- **Status**: MISSING`.
    #[default]
    Metadata,
}

/// A requirement document, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The requirement's id, from the first heading.
    pub id: String,
    /// The rest of the first heading.
    pub title: String,
    /// How the fields were found.
    pub style: Style,
    /// The columns that the document gives a value to, as [`crate::csv::edit::set`] takes it.
    pub fields: BTreeMap<Column, String>,
    /// Values that could not be read, by column.
    pub unread: BTreeMap<Column, String>,
    /// Entries of the metadata list whose names stand for no column; the first hundred.
    pub unknown: Vec<String>,
    /// The tests that it names.
    pub tests: Vec<TestName>,
    /// What must hold for the requirement to be complete.
    pub acceptance: Vec<Criterion>,
    /// Everything before the first section, the first heading included.
    pub head: String,
    /// The sections, in order.
    pub sections: Vec<Section>,
}

/// A section of a document, down to the next heading of the second level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The heading, without its marks.
    pub heading: String,
    /// The heading's line as it was written.
    pub line: String,
    /// What follows the heading, as it was written.
    pub body: String,
}

/// A test that a document names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TestName {
    /// The file or module.
    pub module: String,
    /// The test.
    pub function: String,
}

/// One acceptance criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// What must hold.
    pub text: String,
    /// Whether its box is ticked; `None` without a box.
    pub done: Option<bool>,
}

/// Whether a document's status counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusFrom {
    /// The status of the matrix stays.
    #[default]
    Matrix,
    /// The document's status is taken over.
    Document,
}

impl Document {
    /// The document's text, byte for byte as it was given.
    pub fn text(&self) -> String {
        let sections =
            self.sections.iter().flat_map(|section| [section.line.as_str(), section.body.as_str()]);
        std::iter::once(self.head.as_str()).chain(sections).collect()
    }

    /// The text of the first section with this heading, whatever its case.
    pub fn section(&self, heading: &str) -> Option<&str> {
        let found = self.sections.iter().find(|section| section.heading.eq_ignore_ascii_case(heading));
        found.map(|section| section.body.trim())
    }

    /// Names of what was found, for a report: columns, `title`, `tests`, `acceptance_criteria`.
    pub fn found(&self) -> Vec<&'static str> {
        let mut found: Vec<&'static str> = self.fields.keys().map(|column| column.name()).collect();
        let others = [
            ("title", self.title.is_empty()),
            ("tests", self.tests.is_empty()),
            ("acceptance_criteria", self.acceptance.is_empty()),
        ];
        found.extend(others.into_iter().filter(|(_, empty)| !empty).map(|(name, _)| name));
        found
    }

    /// Takes the document's fields over into a requirement; answers which columns changed.
    ///
    /// # Errors
    ///
    /// `requirement_invalid` for a value that the column cannot hold; the columns before it were set.
    pub fn apply(&self, requirement: &mut Requirement, status: StatusFrom) -> Result<Vec<Column>> {
        apply(&self.fields, requirement, status)
    }
}

/// Takes some of a document's fields over into a requirement, as [`Document::apply`] takes all.
///
/// # Errors
///
/// As [`Document::apply`].
pub fn apply(
    fields: &BTreeMap<Column, String>,
    requirement: &mut Requirement,
    status: StatusFrom,
) -> Result<Vec<Column>> {
    let mut changed = Vec::new();
    for (column, text) in fields {
        if *column == Column::Status && status == StatusFrom::Matrix {
            continue;
        }
        if crate::csv::edit::set(requirement, column.name(), text)? {
            changed.push(*column);
        }
    }
    Ok(changed)
}
