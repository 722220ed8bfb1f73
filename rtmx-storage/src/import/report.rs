//! What an import says about a file: counts, and findings by row.
//!
//! The decision to know: a report is bounded. Each warning is counted however often it occurs, but
//! listed at most [`LISTED_PER_WARNING`] times, so that a file with one mistake in every row cannot
//! make a report larger than itself.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// How many findings of one kind a report lists; all are counted.
pub const LISTED_PER_WARNING: u64 = 1_000;

/// What an import did, or would do, with a file.
///
/// A row's number counts the header as row 1, as a spreadsheet shows it when no line is blank; the
/// line is that of a text editor.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ImportReport {
    /// The requirements that are deleted because the file does not have them; only in a replacing import.
    pub deleted_ids: Vec<String>,
    /// Rows of the file, without the header.
    pub rows: u64,
    /// Requirements that are new.
    pub created: u64,
    /// Requirements that change.
    pub updated: u64,
    /// Requirements that stand elsewhere in the file, and do not change otherwise.
    pub moved: u64,
    /// Requirements of the file that stay as they are.
    pub unchanged: u64,
    /// Requirements that are deleted.
    pub deleted: u64,
    /// Stored requirements that the file does not have and that stay.
    pub kept: u64,
    /// Test links that are written or deleted.
    pub test_links: u64,
    /// Whether the columns or the file's form change.
    pub layout_changed: bool,
    /// How often each warning occurred.
    pub warning_counts: BTreeMap<String, u64>,
    /// What was read differently from how it was written, in the order of the rows.
    pub warnings: Vec<Finding>,
    /// What makes the file refused; empty in an import that is not.
    pub errors: Vec<Finding>,
}

impl ImportReport {
    /// Counts a warning, and lists it unless there are too many of its kind.
    pub(crate) fn warn(&mut self, warning: Warning, at: At<'_>, message: impl FnOnce() -> String) {
        let count = match self.warning_counts.get_mut(warning.id()) {
            Some(count) => count,
            None => self.warning_counts.entry(warning.id().to_owned()).or_default(),
        };
        *count += 1;
        if *count <= LISTED_PER_WARNING {
            self.warnings.push(Finding::new(warning.id(), at, message()));
        }
    }
}

/// One thing that was noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// The row, the header being row 1; `None` for the whole file.
    pub row: Option<u64>,
    /// The line on which the row begins.
    pub line: Option<u64>,
    /// The column, under the name by which the API knows it.
    pub column: Option<String>,
    /// The requirement.
    pub req_id: Option<String>,
    /// A warning of [`Warning`], or the code of an error.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub code: Cow<'static, str>,
    /// What was found and what was made of it.
    pub message: String,
}

impl Finding {
    pub(crate) fn new(code: &'static str, at: At<'_>, message: String) -> Finding {
        Finding {
            row: at.row,
            line: at.line,
            column: at.column.map(str::to_owned),
            req_id: at.req_id.filter(|id| !id.is_empty()).map(str::to_owned),
            code: Cow::Borrowed(code),
            message,
        }
    }
}

/// Where something was noticed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct At<'a> {
    pub(crate) row: Option<u64>,
    pub(crate) line: Option<u64>,
    pub(crate) column: Option<&'a str>,
    pub(crate) req_id: Option<&'a str>,
}

/// Shortens a value of the file for a message.
pub(crate) fn shown(text: &str) -> String {
    const LIMIT_CHARS: usize = 60;
    let mut shown: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LIMIT_CHARS).collect();
    if text.chars().nth(LIMIT_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

macro_rules! warnings {
    ($($name:ident = $id:literal, $meaning:literal;)*) => {
        /// What an import accepts and mentions. The ids are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Warning {
            $(#[doc = $meaning] $name,)*
        }

        impl Warning {
            /// Every warning, in the order of the table.
            pub const ALL: &[Warning] = &[$(Warning::$name),*];

            /// The warning's stable name.
            pub fn id(self) -> &'static str {
                match self { $(Warning::$name => $id),* }
            }

            /// What the warning means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Warning::$name => $meaning),* }
            }
        }
    };
}

warnings! {
    BomRemoved = "bom_removed", "The file begins with a byte order mark, which is not part of the first column's name.";
    HeaderRenamed = "header_renamed", "A column is known under another spelling, and its values are kept under the known name.";
    ColumnEmptyName = "column_empty_name", "A column has no name, and its values are kept under its number.";
    ColumnRepeated = "column_repeated", "A column's name occurs again, and the values of the later one are kept under the name with its number.";
    MissingColumn = "missing_column", "The file lacks a core column, which is empty in every requirement that the import creates.";
    RowTooLong = "row_too_long", "The row has more fields than the header has columns, and the surplus is kept with the row.";
    RowTooShort = "row_too_short", "The row has fewer fields than the header has columns, and the missing ones are empty.";
    IdTrimmed = "id_trimmed", "The id has spaces around it, which are not part of it.";
    StatusUnknown = "status_unknown", "The status is none that RTMX knows, so it counts as MISSING, and its text is kept.";
    PriorityUnknown = "priority_unknown", "The priority is none that RTMX knows, so it counts as MEDIUM, and its text is kept.";
    PhaseFromText = "phase_from_text", "The phase is not a bare number, so the number at its end counts, and its text is kept.";
    PhaseUnreadable = "phase_unreadable", "The phase has no number from 1 up, so the requirement has no phase, and its text is kept.";
    EffortUnreadable = "effort_unreadable", "The effort is not a number of weeks, so the requirement has no effort, and its text is kept.";
    DateNotIso = "date_not_iso", "The date is not written as year, month and day like 2026-01-31, and is kept as it is.";
    IdsSplitOnCommas = "ids_split_on_commas", "The ids are separated by commas instead of `|`, and were read as several.";
    IdsSplitOnSpaces = "ids_split_on_spaces", "The ids are separated by spaces instead of `|`, and were read as several.";
    RowsMerged = "rows_merged", "Several rows have this id and became one requirement with test links, which an export writes as one row.";
    TestRepeated = "test_repeated", "Several rows name the same test of a requirement, and one link stands for all.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_have_distinct_ids_and_say_what_they_mean_in_a_sentence() {
        let mut ids: Vec<&str> = Warning::ALL.iter().map(|warning| warning.id()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Warning::ALL.len());
        for warning in Warning::ALL {
            assert!(warning.meaning().ends_with('.'), "{}", warning.id());
            assert!(warning.id().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", warning.id());
        }
    }

    #[test]
    fn a_flood_of_one_warning_is_counted_whole_and_listed_in_part() {
        let mut report = ImportReport::default();
        for row in 0..LISTED_PER_WARNING + 5 {
            report.warn(Warning::StatusUnknown, At { row: Some(row), ..At::default() }, || "x".into());
        }
        report.warn(Warning::DateNotIso, At::default(), || "y".into());
        assert_eq!(report.warning_counts["status_unknown"], LISTED_PER_WARNING + 5);
        assert_eq!(report.warnings.len() as u64, LISTED_PER_WARNING + 1);
    }
}
