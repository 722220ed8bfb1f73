//! The header: which column holds what.
//!
//! A core column is known by its name whatever its case and separators (`ReqId`, `Req_ID`,
//! `req id`); the exact name goes first where two columns could be meant. Every other column keeps
//! its own name, made unique by its number where it is empty or repeated.

use super::write::Target;
use crate::import::{At, ImportReport, Warning, shown};
use rtmx_core::{CORE_COLUMNS, Column};
use std::collections::BTreeSet;

/// Finds out what each column of a header holds.
pub(super) fn targets<'a>(header: impl Iterator<Item = &'a str>, report: &mut ImportReport) -> Vec<Target> {
    let names: Vec<&str> = header.map(|name| name.trim_start_matches('\u{feff}').trim()).collect();
    let core = core_columns(&names);
    let mut taken: BTreeSet<String> = CORE_COLUMNS.iter().map(|column| column.name().to_owned()).collect();
    let mut targets = Vec::with_capacity(names.len());
    for (index, (name, core)) in names.iter().zip(&core).enumerate() {
        let number = index + 1;
        if let Some(column) = core {
            if *name != column.name() {
                report.warn(Warning::HeaderRenamed, at(column.name()), || {
                    format!("column {number} `{}` was read as `{}`", shown(name), column.name())
                });
            }
            targets.push(Target::Core(*column));
            continue;
        }
        let mut key = (*name).to_owned();
        let repeated = taken.contains(&key) || known_as(name).is_some();
        while key.is_empty() || taken.contains(&key) || (known_as(&key).is_some()) {
            key = format!("{key}#{number}");
        }
        if name.is_empty() {
            report.warn(Warning::ColumnEmptyName, at(&key), || {
                format!("column {number} has no name, and was read as `{key}`")
            });
        } else if repeated {
            report.warn(Warning::ColumnRepeated, at(&key), || {
                format!("column {number} `{}` occurs again, and was read as `{}`", shown(name), shown(&key))
            });
        }
        taken.insert(key.clone());
        targets.push(Target::Extra(key));
    }
    for column in CORE_COLUMNS.iter().filter(|column| !targets.contains(&Target::Core(**column))) {
        report.warn(Warning::MissingColumn, at(column.name()), || {
            format!("the file has no column `{}`", column.name())
        });
    }
    targets
}

fn at(column: &str) -> At<'_> {
    At { row: Some(1), line: None, column: Some(column), req_id: None }
}

/// For each name the core column that it stands for, each column at most once.
fn core_columns(names: &[&str]) -> Vec<Option<Column>> {
    let mut found: Vec<Option<Column>> = vec![None; names.len()];
    let rules: [fn(&str) -> Option<Column>; 2] = [Column::parse, known_as];
    for rule in rules {
        for (index, name) in names.iter().enumerate() {
            if found[index].is_none()
                && let Some(column) = rule(name)
                && !found.contains(&Some(column))
            {
                found[index] = Some(column);
            }
        }
    }
    found
}

/// The core column that a name stands for when case and separators do not count.
pub(super) fn known_as(name: &str) -> Option<Column> {
    let fold = |text: &str| -> String {
        text.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).map(|c| c.to_ascii_lowercase()).collect()
    };
    let folded = fold(name);
    CORE_COLUMNS.into_iter().find(|column| fold(column.name()) == folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(header: &[&str]) -> Vec<String> {
        let mut report = ImportReport::default();
        targets(header.iter().copied(), &mut report).iter().map(|target| target.key().to_owned()).collect()
    }

    #[test]
    fn core_columns_are_known_whatever_their_spelling() {
        // header, keys
        let cases: [(&[&str], &[&str]); 6] = [
            (&["ReqId", "RequirementText", "EffortWeeks"], &["req_id", "requirement_text", "effort_weeks"]),
            (&["Req_ID", " STATUS ", "req-text"], &["req_id", "status", "req-text"]),
            (&["REQ ID", "Test Module"], &["req_id", "test_module"]),
            (&["Status", "status"], &["Status#1", "status"]),
            (&["req_id", "", "risk", "risk", ""], &["req_id", "#2", "risk", "risk#4", "#5"]),
            (&["req_id", "#3", ""], &["req_id", "#3", "#3#3"]),
        ];
        for (header, wanted) in cases {
            assert_eq!(keys(header), wanted, "{header:?}");
        }
    }
}
