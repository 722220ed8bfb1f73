//! Rows as text, quoted only where they must be.
//!
//! Nothing is escaped beyond what CSV itself needs: a cell that a spreadsheet would run as a
//! formula is data here, and changing it silently would be a lie in the next import.

use rtmx_core::{CORE_COLUMNS, Column, Requirement};
use std::borrow::Cow;

/// What a column of a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A core column.
    Core(Column),
    /// The key of a value in [`Requirement::extra`].
    Extra(String),
}

impl Target {
    /// The column as [`rtmx_core::Layout::columns`] names it.
    pub(crate) fn key(&self) -> &str {
        match self {
            Target::Core(column) => column.name(),
            Target::Extra(key) => key,
        }
    }

    /// The columns of a layout; the core columns for a project that was never imported.
    pub(crate) fn of_layout(columns: &[String]) -> Vec<Target> {
        if columns.is_empty() {
            return CORE_COLUMNS.into_iter().map(Target::Core).collect();
        }
        let target =
            |key: &String| Column::parse(key).map_or_else(|| Target::Extra(key.clone()), Target::Core);
        columns.iter().map(target).collect()
    }

    /// The text of the column in a requirement.
    pub(crate) fn text<'a>(&self, id: &'a str, requirement: &'a Requirement) -> Cow<'a, str> {
        match self {
            Target::Core(column) => core_text(*column, id, requirement),
            Target::Extra(key) => Cow::Borrowed(requirement.extra.get(key).map_or("", String::as_str)),
        }
    }
}

fn core_text<'a>(column: Column, id: &'a str, requirement: &'a Requirement) -> Cow<'a, str> {
    Cow::Borrowed(match column {
        Column::ReqId => id,
        Column::Category => &requirement.category,
        Column::Subcategory => &requirement.subcategory,
        Column::RequirementText => &requirement.requirement_text,
        Column::TargetValue => &requirement.target_value,
        Column::TestModule => &requirement.test_module,
        Column::TestFunction => &requirement.test_function,
        Column::ValidationMethod => &requirement.validation_method,
        Column::Notes => &requirement.notes,
        Column::Assignee => &requirement.assignee,
        Column::Sprint => &requirement.sprint,
        Column::StartedDate => &requirement.started_date,
        Column::CompletedDate => &requirement.completed_date,
        Column::RequirementFile => &requirement.requirement_file,
        Column::ExternalId => &requirement.external_id,
        _ => return Cow::Owned(requirement.text_of(column)),
    })
}

/// Appends a row, written from the requirement's values.
pub(crate) fn push_row(
    out: &mut Vec<u8>,
    targets: &[Target],
    line_end: &str,
    id: &str,
    requirement: &Requirement,
) {
    for (index, target) in targets.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_field(out, &target.text(id, requirement));
    }
    for field in &requirement.placement.surplus {
        out.push(b',');
        push_field(out, field);
    }
    out.extend_from_slice(line_end.as_bytes());
}

/// Appends a field, in quotes if it holds a comma, a quote or a line end.
pub(crate) fn push_field(out: &mut Vec<u8>, field: &str) {
    if !field.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n')) {
        out.extend_from_slice(field.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in field.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// How many fields a row has.
pub(crate) fn count_fields(row: &str) -> usize {
    let mut rows = super::rows::Rows::new(row);
    match rows.next() {
        Ok(Some(_)) => rows.fields().len(),
        _ => 0,
    }
}
