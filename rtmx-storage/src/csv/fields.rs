//! One row's fields become a requirement, with a warning for whatever was not written as RTMX
//! writes it.

use super::write::Target;
use crate::import::{At, ImportReport, Warning, shown};
use rtmx_core::{Column, Effort, Given, Priority, Requirement, Status};
use std::collections::BTreeSet;

/// Reads a row. The id is answered apart, without spaces around it; it may be empty.
pub(super) fn requirement(
    fields: &csv::StringRecord,
    targets: &[Target],
    at: At<'_>,
    report: &mut ImportReport,
) -> (String, Requirement) {
    let mut at = At { row: at.row, line: at.line, ..At::default() };
    let mut requirement = Requirement::default();
    let id_index = targets.iter().position(|target| *target == Target::Core(Column::ReqId));
    let given_id = id_index.and_then(|index| fields.get(index)).unwrap_or("");
    let id = given_id.trim();
    at.req_id = Some(id);
    if id.len() != given_id.len() && !id.is_empty() {
        at.column = Some(Column::ReqId.name());
        report.warn(Warning::IdTrimmed, at, || format!("`{}` was read as `{}`", shown(given_id), shown(id)));
    }
    for (index, target) in targets.iter().enumerate() {
        let text = fields.get(index).unwrap_or("");
        match target {
            Target::Core(column) => {
                at.column = Some(column.name());
                read_core(&mut requirement, *column, text, at, report);
            }
            Target::Extra(key) if !text.is_empty() => {
                requirement.extra.insert(key.clone(), text.to_owned());
            }
            Target::Extra(_) => {}
        }
    }
    at.column = None;
    if fields.len() > targets.len() {
        requirement.placement.surplus = fields.iter().skip(targets.len()).map(str::to_owned).collect();
        let (has, wants) = (fields.len(), targets.len());
        report.warn(Warning::RowTooLong, at, || {
            format!("the row has {has} fields, and the header {wants} columns")
        });
    } else if fields.len() < targets.len() {
        let (has, wants) = (fields.len(), targets.len());
        report.warn(Warning::RowTooShort, at, || {
            format!("the row has {has} fields, and the header {wants} columns")
        });
    }
    (id.to_owned(), requirement)
}

fn read_core(
    requirement: &mut Requirement,
    column: Column,
    text: &str,
    at: At<'_>,
    report: &mut ImportReport,
) {
    match column {
        Column::ReqId => {}
        Column::Status => {
            let known = Status::parse(text);
            if known.is_none() && !text.trim().is_empty() {
                report.warn(Warning::StatusUnknown, at, || {
                    format!("status `{}` is not known and counts as MISSING", shown(text))
                });
            }
            let status = known.unwrap_or_default();
            requirement.status = Given::parsed(status, text, status.name());
        }
        Column::Priority => {
            let known = Priority::parse(text);
            if known.is_none() && !text.trim().is_empty() {
                report.warn(Warning::PriorityUnknown, at, || {
                    format!("priority `{}` is not known and counts as MEDIUM", shown(text))
                });
            }
            let priority = known.unwrap_or_default();
            requirement.priority = Given::parsed(priority, text, priority.name());
        }
        Column::Phase => {
            let phase = read_phase(text);
            match phase {
                Some(phase) if text.trim().parse() != Ok(phase) => {
                    report.warn(Warning::PhaseFromText, at, || {
                        format!("phase `{}` was read as {phase}", shown(text))
                    });
                }
                None if !text.trim().is_empty() => {
                    report.warn(Warning::PhaseUnreadable, at, || {
                        format!("phase `{}` has no number from 1 up", shown(text))
                    });
                }
                _ => {}
            }
            let canonical = phase.map(|phase| phase.to_string()).unwrap_or_default();
            requirement.phase = Given::parsed(phase, text, &canonical);
        }
        Column::EffortWeeks => {
            let number = text.trim().parse::<f64>().ok().filter(|weeks| weeks.is_finite() && *weeks >= 0.0);
            if number.is_none() && !text.trim().is_empty() {
                report.warn(Warning::EffortUnreadable, at, || {
                    format!("effort `{}` is not a number of weeks", shown(text))
                });
            }
            let effort = number.and_then(Effort::from_weeks);
            let canonical = effort.map(|effort| effort.to_string()).unwrap_or_default();
            requirement.effort_weeks = Given::parsed(effort, text, &canonical);
        }
        Column::Dependencies => requirement.dependencies = ids(text, at, report),
        Column::Blocks => requirement.blocks = ids(text, at, report),
        Column::StartedDate | Column::CompletedDate => {
            if !text.trim().is_empty() && !is_iso_date(text.trim()) {
                report.warn(Warning::DateNotIso, at, || {
                    format!("`{}` is not a date like 2026-01-31", shown(text))
                });
            }
            if let Some(field) = text_field(requirement, column) {
                text.clone_into(field);
            }
        }
        _ => {
            if let Some(field) = text_field(requirement, column) {
                text.clone_into(field);
            }
        }
    }
}

fn ids(text: &str, at: At<'_>, report: &mut ImportReport) -> Given<BTreeSet<String>> {
    let (ids, separator) = split_ids(text);
    let warning = match separator {
        Separator::Commas => Some((Warning::IdsSplitOnCommas, "commas")),
        Separator::Spaces => Some((Warning::IdsSplitOnSpaces, "spaces")),
        Separator::Bars => None,
    };
    if let Some((warning, name)) = warning {
        report.warn(warning, at, || format!("`{}` was split on {name} into {} ids", shown(text), ids.len()));
    }
    let canonical = ids.iter().map(String::as_str).collect::<Vec<_>>().join("|");
    Given::parsed(ids, text, &canonical)
}

/// What separated the ids of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Separator {
    /// `|`, or nothing because there is at most one id.
    Bars,
    Commas,
    Spaces,
}

/// Splits a list of ids: on `|` where there is one, else on commas and spaces. References into
/// other projects (`alias:REQ-1`, `org/repo:REQ-1`, `sync:ALIAS:REQ-1`, `@org/repo`) are ids.
pub(crate) fn split_ids(text: &str) -> (BTreeSet<String>, Separator) {
    let set = |parts: &mut dyn Iterator<Item = &str>| -> BTreeSet<String> {
        parts.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    if text.contains('|') {
        return (set(&mut text.split('|')), Separator::Bars);
    }
    let ids = set(&mut text.split(|c: char| c == ',' || c.is_whitespace()));
    let separator = match ids.len() {
        _ if text.contains(',') => Separator::Commas,
        0 | 1 => Separator::Bars,
        _ => Separator::Spaces,
    };
    (ids, separator)
}

/// Reads a phase: a whole number from 1 up, also as `3.0`, or at the end of a text such as `Phase 3`.
pub(crate) fn read_phase(text: &str) -> Option<u32> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        let whole = number.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&number);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked in the line above"
        )]
        return whole.then_some(number as u32);
    }
    let before = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &text[before.len()..];
    let part_of_a_number = before.ends_with(['.', ',', '-', '+'])
        && !before[..before.len() - 1].ends_with(|c: char| c.is_alphabetic());
    if part_of_a_number { None } else { digits.parse().ok().filter(|phase| *phase >= 1) }
}

/// Whether a text is a day of the calendar, written as year, month and day.
pub(crate) fn is_iso_date(text: &str) -> bool {
    let number = |part: Option<&str>, digits: usize| {
        part.filter(|part| part.len() == digits && part.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|part| part.parse::<i16>().ok())
    };
    let mut parts = text.split('-');
    let (year, month, day) = (number(parts.next(), 4), number(parts.next(), 2), number(parts.next(), 2));
    let (Some(year), Some(month), Some(day), None) = (year, month, day, parts.next()) else { return false };
    let (Ok(month), Ok(day)) = (i8::try_from(month), i8::try_from(day)) else { return false };
    jiff::civil::Date::new(year, month, day).is_ok()
}

/// The field behind a column that is plain text.
pub(crate) fn text_field(requirement: &mut Requirement, column: Column) -> Option<&mut String> {
    Some(match column {
        Column::Category => &mut requirement.category,
        Column::Subcategory => &mut requirement.subcategory,
        Column::RequirementText => &mut requirement.requirement_text,
        Column::TargetValue => &mut requirement.target_value,
        Column::TestModule => &mut requirement.test_module,
        Column::TestFunction => &mut requirement.test_function,
        Column::ValidationMethod => &mut requirement.validation_method,
        Column::Notes => &mut requirement.notes,
        Column::Assignee => &mut requirement.assignee,
        Column::Sprint => &mut requirement.sprint,
        Column::StartedDate => &mut requirement.started_date,
        Column::CompletedDate => &mut requirement.completed_date,
        Column::RequirementFile => &mut requirement.requirement_file,
        Column::ExternalId => &mut requirement.external_id,
        Column::ReqId
        | Column::Status
        | Column::Priority
        | Column::Phase
        | Column::EffortWeeks
        | Column::Dependencies
        | Column::Blocks => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_read_from_the_text_around_them() {
        let cases = [
            ("3", Some(3)),
            (" 12 ", Some(12)),
            ("Phase 3", Some(3)),
            ("phase-4", Some(4)),
            ("P2", Some(2)),
            ("3.0", Some(3)),
            ("2.5", None),
            ("1.2.3", None),
            ("-1", None),
            ("0", None),
            ("Future", None),
            ("", None),
            ("Phase 99999999999", None),
            ("é7", Some(7)),
        ];
        for (text, phase) in cases {
            assert_eq!(read_phase(text), phase, "{text}");
        }
    }

    #[test]
    fn lists_of_ids_are_split_as_the_field_writes_them() {
        let cases: [(&str, &[&str], Separator); 10] = [
            ("", &[], Separator::Bars),
            ("A-1", &["A-1"], Separator::Bars),
            ("B|A| C |", &["A", "B", "C"], Separator::Bars),
            ("A B\tC", &["A", "B", "C"], Separator::Spaces),
            ("A,B, C", &["A", "B", "C"], Separator::Commas),
            ("A and B|C", &["A and B", "C"], Separator::Bars),
            ("alias:REQ-1|A", &["A", "alias:REQ-1"], Separator::Bars),
            ("org/repo:REQ-1", &["org/repo:REQ-1"], Separator::Bars),
            ("sync:ALIAS:REQ-1", &["sync:ALIAS:REQ-1"], Separator::Bars),
            ("@org/repo:REQ-1 A", &["@org/repo:REQ-1", "A"], Separator::Spaces),
        ];
        for (text, wanted, separator) in cases {
            let (ids, found) = split_ids(text);
            assert_eq!(ids.iter().map(String::as_str).collect::<Vec<_>>(), wanted, "{text}");
            assert_eq!(found, separator, "{text}");
        }
    }

    #[test]
    fn only_days_of_the_calendar_are_dates() {
        let cases = [
            ("2026-01-31", true),
            ("2024-02-29", true),
            ("2026-02-29", false),
            ("2026-1-31", false),
            ("31.01.2026", false),
            ("2026-01-31T00:00:00", false),
            ("20260131", false),
        ];
        for (text, valid) in cases {
            assert_eq!(is_iso_date(text), valid, "{text}");
        }
    }
}
