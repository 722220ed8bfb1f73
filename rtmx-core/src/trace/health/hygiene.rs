//! Rules about tests, and about how easy the requirements are to work with.

use super::percentage;
use super::report::{Check, Finder, Findings, Report, Rule};

/// The share of requirements with a test below which there is a warning, in percent.
///
/// Source: upstream's `rtmx health`.
const COVERAGE_PERCENT: u64 = 80;

/// An actionable effort, in weeks.
///
/// Source: the defaults of upstream's `rtmx hygiene`.
const EFFORT_WEEKS: std::ops::RangeInclusive<f64> = 0.25..=0.5;

pub(super) fn test_coverage(with_tests: u64, total: u64) -> Check {
    let report = Report::warning(Rule::TestCoverage);
    if total == 0 {
        return report.skip("there is no requirement");
    }
    let covered = percentage(with_tests, total);
    let enough = with_tests * 100 >= COVERAGE_PERCENT * total;
    let count = if enough { 0 } else { usize::try_from(total - with_tests).unwrap_or(usize::MAX) };
    let kept = format!("{covered:.1} % of the requirements have a test");
    report.found(Findings::counted(count), &kept, |_| format!("only {kept}: {COVERAGE_PERCENT} % should"))
}

pub(super) fn effort(finder: &Finder<'_>) -> Check {
    let (least, most) = EFFORT_WEEKS.into_inner();
    let findings = finder.rows(|_, row| {
        let outside = !EFFORT_WEEKS.contains(&row.effort);
        outside.then(|| format!("an effort of {} weeks is outside {least} to {most}", row.effort))
    });
    let broken = |count| format!("{count} requirements have an effort outside {least} to {most} weeks");
    Report::hygiene(Rule::EffortBounds).found(findings, "every effort is actionable", broken)
}

pub(super) fn owner(finder: &Finder<'_>) -> Check {
    let findings = finder.rows(|_, row| {
        let assignee = row.assignee.trim();
        let generic = assignee.is_empty() || assignee.eq_ignore_ascii_case("team");
        generic.then(|| "nobody in particular is assigned".to_owned())
    });
    let broken = |count| format!("{count} requirements have no particular assignee");
    Report::hygiene(Rule::GenericOwner).found(findings, "somebody is assigned to every requirement", broken)
}

pub(super) fn test_mapping(finder: &Finder<'_>) -> Check {
    let findings = finder.rows(|slot, _| {
        let untested = !finder.matrix.at(slot).is_tested();
        untested.then(|| "neither its row nor a test link names a test".to_owned())
    });
    let broken = |count| format!("{count} requirements name no test");
    Report::hygiene(Rule::MissingTestMapping).found(findings, "every requirement names a test", broken)
}

pub(super) fn external_id(finder: &Finder<'_>) -> Check {
    let findings = finder.rows(|_, row| (!row.has_external_id).then(|| "external_id is empty".to_owned()));
    let broken = |count| format!("{count} requirements have no external id");
    Report::hygiene(Rule::MissingExternalId).found(findings, "every requirement has an external id", broken)
}

pub(super) fn acceptance(finder: &Finder<'_>) -> Check {
    let generated = |slot| finder.matrix.at(slot).boilerplate;
    let findings = finder.rows(|slot, _| {
        generated(slot).then(|| "the document still has generated acceptance criteria".to_owned())
    });
    let broken = |count| format!("{count} documents have generated acceptance criteria");
    Report::hygiene(Rule::GenericAcceptanceCriteria).found(
        findings,
        "no generated acceptance criteria",
        broken,
    )
}
