//! Rules about the fields of a row and the columns of the file.

use super::super::row::PhaseFault;
use super::report::{Check, Finder, Findings, Report, Rule};
use crate::{CORE_COLUMNS, Column};

pub(super) fn schema(columns: Option<&[String]>) -> Check {
    let missing_is = Report::error(Rule::SchemaConformance);
    let Some(columns) = columns else { return missing_is.skip("no file was imported") };
    let has = |name: &str| columns.iter().any(|column| column == name);
    let missing: Vec<&str> =
        CORE_COLUMNS.iter().map(|column| column.name()).filter(|name| !has(name)).collect();
    let extra: Vec<&str> = columns
        .iter()
        .map(String::as_str)
        .filter(|name| Column::parse(name).is_none() && !name.is_empty())
        .collect();
    if !missing.is_empty() {
        return missing_is.found(Findings::counted(missing.len()), "", |_| {
            format!("missing columns: {}", missing.join(", "))
        });
    }
    Report::warning(Rule::SchemaConformance).found(
        Findings::counted(extra.len()),
        "the file has the 21 columns",
        |_| format!("columns beyond the 21: {}", extra.join(", ")),
    )
}

pub(super) fn required(finder: &Finder<'_>) -> Check {
    let findings = finder.rows(|_, row| match (row.category.trim().is_empty(), row.has_text) {
        (false, true) => None,
        (true, true) => Some("category is empty".into()),
        (false, false) => Some("requirement_text is empty".into()),
        (true, false) => Some("category and requirement_text are empty".into()),
    });
    let broken = |count| format!("{count} requirements lack a required field");
    Report::error(Rule::RequiredFields).found(findings, "every requirement has category and text", broken)
}

pub(super) fn phases(finder: &Finder<'_>) -> Check {
    let too_low = |fault| (fault == PhaseFault::TooLow).then(|| "phase is less than 1".to_owned());
    let findings = finder.rows(|_, row| too_low(row.phase_fault));
    let broken = |count| format!("{count} requirements have a phase below 1");
    Report::error(Rule::Phase).found(findings, "every phase is 1 or more", broken)
}

pub(super) fn phases_readable(finder: &Finder<'_>) -> Check {
    let unreadable = |fault| (fault == PhaseFault::Unreadable).then(|| "phase is not a number".to_owned());
    let findings = finder.rows(|_, row| unreadable(row.phase_fault));
    let broken = |count| format!("{count} requirements have a phase that is not a number");
    Report::warning(Rule::PhaseReadable).found(findings, "every phase is a number", broken)
}

pub(super) fn strict_values(finder: &Finder<'_>) -> Check {
    let findings = finder.rows(|_, row| match (row.loose_status, row.loose_priority) {
        (false, false) => None,
        (true, false) => Some(format!("the file's status is read as {}", row.status.name())),
        (false, true) => Some(format!("the file's priority is read as {}", row.priority.name())),
        (true, true) => Some(format!(
            "the file's status and priority are read as {} and {}",
            row.status.name(),
            row.priority.name()
        )),
    });
    let broken =
        |count| format!("{count} requirements have a status or priority that is not one of the names");
    Report::warning(Rule::StrictValues).staged().found(
        findings,
        "every status and priority is a known name",
        broken,
    )
}
