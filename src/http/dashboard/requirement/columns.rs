//! The columns of a requirement as people see them: their names, their order, what they hold.

use rtmx_core::{Column, Requirement};

/// How a column is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    Line,
    Area,
    Choice(&'static [&'static str]),
    Date,
    Number,
}

/// A group of columns in a form, in the order in which they are shown.
pub(super) struct ColumnGroup {
    pub(super) title: &'static str,
    pub(super) columns: &'static [Column],
    /// Whether it is shown unfolded.
    pub(super) is_open: bool,
}

/// Every column but the id, the common ones first.
pub(super) const GROUPS: [ColumnGroup; 4] = [
    ColumnGroup {
        title: "Requirement",
        columns: &[
            Column::RequirementText,
            Column::Status,
            Column::Priority,
            Column::Phase,
            Column::Category,
            Column::Subcategory,
            Column::Assignee,
            Column::Dependencies,
        ],
        is_open: true,
    },
    ColumnGroup {
        title: "Test and target",
        columns: &[Column::TestModule, Column::TestFunction, Column::ValidationMethod, Column::TargetValue],
        is_open: false,
    },
    ColumnGroup {
        title: "Planning",
        columns: &[Column::Sprint, Column::EffortWeeks, Column::StartedDate, Column::CompletedDate],
        is_open: false,
    },
    ColumnGroup {
        title: "Notes and references",
        columns: &[Column::Notes, Column::RequirementFile, Column::ExternalId, Column::Blocks],
        is_open: false,
    },
];

/// The column's name in a sentence of the page.
pub(super) fn label(column: Column) -> &'static str {
    match column {
        Column::ReqId => "Id",
        Column::Category => "Category",
        Column::Subcategory => "Subcategory",
        Column::RequirementText => "Text",
        Column::TargetValue => "Target value",
        Column::TestModule => "Test module",
        Column::TestFunction => "Test function",
        Column::ValidationMethod => "Validation method",
        Column::Status => "Status",
        Column::Priority => "Priority",
        Column::Phase => "Phase",
        Column::Notes => "Notes",
        Column::EffortWeeks => "Effort in weeks",
        Column::Dependencies => "Depends on",
        Column::Blocks => "Blocks, as the file has it",
        Column::Assignee => "Assignee",
        Column::Sprint => "Sprint or version",
        Column::StartedDate => "Started",
        Column::CompletedDate => "Completed",
        Column::RequirementFile => "Requirement file",
        Column::ExternalId => "External id",
    }
}

/// The label of a column by the name under which a form and a comparison have it.
pub(in crate::http::dashboard) fn label_of(name: &str) -> String {
    let extra = || name.strip_prefix("extra.").unwrap_or(name).to_owned();
    Column::parse(name).map_or_else(extra, |column| label(column).to_owned())
}

/// How a column is typed.
pub(super) fn control(column: Column) -> Control {
    match column {
        Column::RequirementText | Column::Notes => Control::Area,
        Column::Status => Control::Choice(&["COMPLETE", "PARTIAL", "MISSING", "NOT_STARTED"]),
        Column::Priority => Control::Choice(&["P0", "HIGH", "MEDIUM", "LOW"]),
        Column::StartedDate | Column::CompletedDate => Control::Date,
        Column::Phase | Column::EffortWeeks => Control::Number,
        _ => Control::Line,
    }
}

/// What a form says about a column.
pub(super) fn hint(column: Column) -> Option<&'static str> {
    match column {
        Column::Dependencies => Some("Ids, separated by spaces, commas or |."),
        Column::Phase => Some("A whole number from 1 up."),
        Column::EffortWeeks => Some("A number greater than zero."),
        Column::StartedDate | Column::CompletedDate => Some("A date like 2026-01-31."),
        Column::Blocks => Some("What really waits for this requirement is derived from the others."),
        _ => None,
    }
}

/// The text of a column in a form: that of the file, but for the choices, which have four values.
pub(super) fn form_text(requirement: &Requirement, column: Column) -> String {
    match column {
        Column::Status => requirement.status.value.name().to_owned(),
        Column::Priority => requirement.priority.value.name().to_owned(),
        _ => requirement.text_of(column),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::CORE_COLUMNS;

    #[test]
    fn a_form_has_every_column_once() {
        let mut shown: Vec<Column> = GROUPS.iter().flat_map(|group| group.columns).copied().collect();
        shown.push(Column::ReqId);
        shown.sort_unstable();
        let mut all = CORE_COLUMNS.to_vec();
        all.sort_unstable();
        assert_eq!(shown, all);
    }
}
