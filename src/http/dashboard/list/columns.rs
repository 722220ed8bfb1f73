//! Columns for readers: what they are called, and what a cell shows.

use rtmx_core::{Column, Requirement, Status};
use rtmx_storage::query::Field;

/// How much of a cell a list shows. The requirement's page has all of it.
const CELL_LIMIT_CHARS: usize = 240;

/// The columns of a list if the address chooses none.
pub(in crate::http::dashboard) const DEFAULT: [Column; 7] = [
    Column::ReqId,
    Column::RequirementText,
    Column::Status,
    Column::Priority,
    Column::Phase,
    Column::Category,
    Column::Assignee,
];

/// What a column is called.
pub(in crate::http::dashboard) fn title(field: &Field) -> String {
    let name = match field {
        Field::Core(Column::ReqId) => "ID",
        Field::Core(Column::RequirementText) => "Requirement",
        Field::Core(Column::EffortWeeks) => "Effort in weeks",
        Field::Core(Column::ExternalId) => "External ID",
        Field::Core(column) => column.name(),
        Field::Extra(name) => return name.clone(),
    };
    let mut letters = name.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).map(|letter| if letter == '_' { ' ' } else { letter }).collect()
}

/// A status in words.
pub(in crate::http::dashboard) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Complete => "Complete",
        Status::Partial => "Partial",
        Status::Missing => "Missing",
        Status::NotStarted => "Not started",
    }
}

/// A status as a class of the style sheet.
pub(in crate::http::dashboard) fn status_class(status: Status) -> &'static str {
    match status {
        Status::Complete => "complete",
        Status::Partial => "partial",
        Status::Missing => "missing",
        Status::NotStarted => "not-started",
    }
}

/// A cell's text, cut where a list would only hide it.
pub(in crate::http::dashboard) fn cell(id: &str, requirement: &Requirement, field: &Field) -> String {
    match field {
        Field::Core(Column::ReqId) => id.to_owned(),
        Field::Core(Column::Status) => status_word(requirement.status.value).to_owned(),
        Field::Core(Column::Priority) => requirement.priority.value.name().to_owned(),
        Field::Core(Column::Phase) => {
            requirement.phase.value.map(|phase| phase.to_string()).unwrap_or_default()
        }
        Field::Core(Column::RequirementText) => cut(&requirement.requirement_text),
        Field::Core(column) => cut(&requirement.text_of(*column)),
        Field::Extra(name) => cut(requirement.extra.get(name).map_or("", String::as_str)),
    }
}

/// The beginning of a text; an ellipsis stands for the rest.
pub(in crate::http::dashboard) fn cut(text: &str) -> String {
    match text.char_indices().nth(CELL_LIMIT_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A number with its thousands set apart.
pub(in crate::http::dashboard) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_names_for_readers() {
        // column, name
        let cases = [
            ("req_id", "ID"),
            ("requirement_text", "Requirement"),
            ("test_module", "Test module"),
            ("extra.risk_class", "risk_class"),
        ];
        for (column, name) in cases {
            assert_eq!(title(&Field::parse(column).unwrap()), name);
        }
    }

    #[test]
    fn numbers_are_set_in_groups_of_three() {
        let cases =
            [(0, "0"), (999, "999"), (1_000, "1,000"), (100_000, "100,000"), (1_234_567, "1,234,567")];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
    }
}
