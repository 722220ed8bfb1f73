//! The rules of health, each broken on purpose.

use super::super::sample;
use super::*;
use crate::Status::{Complete, Missing, Partial};
use crate::{Given, Layout, Requirement, RequirementText};

fn check(health: &Health, rule: Rule) -> &Check {
    health.checks.iter().find(|check| check.name == rule).expect("every rule is checked")
}

/// A matrix that keeps every rule: A depends on B, and both say so.
fn healthy() -> Matrix {
    sample::matrix(&[("A", Missing, &["B"]), ("B", Complete, &[])])
}

#[test]
fn a_matrix_that_keeps_every_rule_is_healthy() {
    let mut matrix = healthy();
    let columns = crate::CORE_COLUMNS.iter().map(|column| column.name().to_owned()).collect();
    matrix.set_layout(Some(&Layout { columns, ..Layout::default() }));
    let health = matrix.health();
    for check in &health.checks {
        assert_eq!(check.status, CheckStatus::Pass, "{check:?}");
        assert_eq!((check.count, check.is_blocking), (0, false), "{check:?}");
        assert_eq!(serde_json::to_value(check.name).expect("a name"), check.name.name());
        assert!(check.name.sentence().ends_with('.'), "{check:?}");
    }
    assert_eq!(health.status, HealthStatus::Healthy);
    assert_eq!(
        health.exit_codes,
        ExitCodes { health: 0, health_strict: 0, validate_staged: 0, hygiene_strict: 0 }
    );
    assert_eq!(health.summary, HealthSummary { passed: 14, ..HealthSummary::default() });
    let stats = HealthStats {
        total: 2,
        complete: 1,
        missing: 1,
        completion_percent: 50.0,
        with_tests: 2,
        ..HealthStats::default()
    };
    assert_eq!(health.stats, stats);
}

/// What the rules make of a healthy matrix with one thing wrong in A.
#[test]
fn every_rule_finds_what_breaks_it() {
    type Break = fn(&mut Requirement);
    // rule, what is wrong, the exit codes of health and staged check, the finding
    let cases: [(Rule, Break, u8, u8, &str); 16] = [
        (Rule::RequiredFields, |a| a.category = " ".into(), 2, 0, "category is empty"),
        (Rule::RequiredFields, |a| a.requirement_text.clear(), 2, 0, "requirement_text is empty"),
        (Rule::Phase, |a| a.phase.value = Some(0), 2, 0, "phase is less than 1"),
        (
            Rule::PhaseReadable,
            |a| a.phase = Given { value: None, given: Some("Future".into()) },
            1,
            0,
            "phase is not a number",
        ),
        (
            Rule::StrictValues,
            |a| a.status.given = Some("BACKLOG".into()),
            1,
            1,
            "the file's status is read as MISSING",
        ),
        (
            Rule::StrictValues,
            |a| a.priority.given = Some("P1".into()),
            1,
            1,
            "the file's priority is read as MEDIUM",
        ),
        (
            Rule::OrphanedDeps,
            |a| a.dependencies.value.extend(["GONE".into(), "x:Y".into(), "Z@x".into()]),
            2,
            1,
            "A depends on GONE, which does not exist",
        ),
        (
            Rule::OrphanedBlocks,
            |a| a.blocks.value.extend(["GONE".into(), "x:Y".into()]),
            2,
            1,
            "A says that it blocks GONE, which does not exist",
        ),
        (
            Rule::BlocksWithoutDependency,
            |a| a.blocks.value.extend(["B".into()]),
            1,
            0,
            "A says that it blocks B, which does not depend on it",
        ),
        (
            Rule::BlocksWithoutDependency,
            |a| a.dependencies.value.clear(),
            1,
            0,
            "B says that it blocks A, which does not depend on it",
        ),
        (Rule::SelfDependency, |a| a.dependencies.value.extend(["A".into()]), 1, 1, "A depends on itself"),
        (Rule::TestCoverage, |a| a.test_function = "MISSING".into(), 1, 0, ""),
        (
            Rule::EffortBounds,
            |a| a.effort_weeks.value = None,
            0,
            0,
            "an effort of 0 weeks is outside 0.25 to 0.5",
        ),
        (Rule::GenericOwner, |a| a.assignee = " Team ".into(), 0, 0, "nobody in particular is assigned"),
        (
            Rule::MissingTestMapping,
            |a| a.test_module.clear(),
            1,
            0,
            "neither its row nor a test link names a test",
        ),
        (Rule::MissingExternalId, |a| a.external_id.clear(), 0, 0, "external_id is empty"),
    ];
    for (rule, break_it, exit, staged, finding) in cases {
        let mut matrix = healthy();
        let mut a = sample::requirement(Missing, &["B"], &[]);
        break_it(&mut a);
        matrix.upsert("A", &a);
        let health = matrix.health();
        let found = check(&health, rule);
        assert_eq!(found.count, 1, "{rule:?} {finding}");
        assert_eq!(found.details.first().map_or("", |detail| &detail.message), finding, "{rule:?}");
        assert_eq!(health.exit_code, exit, "{rule:?} {finding}");
        assert_eq!(health.exit_codes.validate_staged, staged, "{rule:?} {finding}");
        assert_eq!(health.exit_codes.health_strict, if exit > 0 { 2 } else { 0 }, "{rule:?}");
        let hygiene = u8::from(health.summary.hygiene > 0);
        assert_eq!(health.exit_codes.hygiene_strict, hygiene, "{rule:?}");
        assert_eq!(found.is_blocking, exit == 2, "{rule:?}");
    }
}

#[test]
fn links_that_disagree_are_found_from_both_sides() {
    let mut matrix = Matrix::new();
    matrix.upsert("A", &sample::requirement(Complete, &["B", "C"], &["D"]));
    matrix.upsert("B", &sample::requirement(Partial, &[], &["A"]));
    matrix.upsert("C", &sample::requirement(Missing, &["D"], &["B"]));
    matrix.upsert("D", &sample::requirement(Missing, &["C"], &["C"]));
    let health = matrix.health();
    let pairs = |rule| -> Vec<String> {
        let describe =
            |detail: &Detail| format!("{} {}", detail.req_id, detail.other.as_deref().unwrap_or("-"));
        check(&health, rule).details.iter().map(describe).collect()
    };
    assert_eq!(pairs(Rule::Reciprocity), ["A C", "D C"]);
    assert_eq!(pairs(Rule::BlocksWithoutDependency), ["A D", "C B"]);
    assert_eq!(pairs(Rule::StatusConsistency), ["A B", "A C"]);
    assert_eq!(check(&health, Rule::StatusConsistency).requirements, ["A"]);
    let cycles = check(&health, Rule::Cycles);
    assert_eq!(cycles.details[0].message, "2 requirements wait for each other: C -> D -> C");
    assert_eq!(
        (health.exit_code, health.exit_codes.validate_staged, health.exit_codes.hygiene_strict),
        (1, 1, 1)
    );
    let stats = health.stats;
    assert_eq!(
        (stats.missing_reciprocity, stats.blocks_without_dependency, stats.status_consistency),
        (2, 2, 2)
    );
    assert_eq!((stats.cycle_count, stats.blocked), (1, 2));
}

#[test]
fn the_schema_rule_tells_missing_from_extra_columns() {
    let core: Vec<String> = crate::CORE_COLUMNS.iter().map(|column| column.name().to_owned()).collect();
    let with = |extra: &str| core.iter().cloned().chain([extra.to_owned()]).collect();
    // columns, what comes of it, the message
    let cases: [(Vec<String>, CheckStatus, &str); 4] = [
        (core.clone(), CheckStatus::Pass, "the file has the 21 columns"),
        (with(""), CheckStatus::Pass, "the file has the 21 columns"),
        (with("vendor"), CheckStatus::Warn, "columns beyond the 21: vendor"),
        (core[..19].to_vec(), CheckStatus::Fail, "missing columns: requirement_file, external_id"),
    ];
    let mut matrix = healthy();
    assert_eq!(check(&matrix.health(), Rule::SchemaConformance).status, CheckStatus::Skip);
    for (columns, status, message) in cases {
        matrix.set_layout(Some(&Layout { columns, ..Layout::default() }));
        let health = matrix.health();
        let schema = check(&health, Rule::SchemaConformance);
        assert_eq!((schema.status, schema.message.as_str()), (status, message));
    }
}

#[test]
fn generated_acceptance_criteria_are_found_whenever_the_document_comes() {
    let generated = RequirementText { markdown: "# A: x\n- [ ] Requirement language is reviewed\n".into() };
    let mut matrix = Matrix::new();
    matrix.set_document("A", Some(&generated));
    assert!(matrix.is_empty(), "a document makes no requirement");
    matrix.upsert("A", &sample::requirement(Missing, &[], &[]));
    let count = |matrix: &Matrix| check(&matrix.health(), Rule::GenericAcceptanceCriteria).count;
    assert_eq!(count(&matrix), 1);
    matrix.upsert("A", &sample::requirement(Complete, &[], &[]));
    assert_eq!(count(&matrix), 1, "an edit of the row keeps the document");
    matrix.set_document("A", Some(&RequirementText { markdown: "# A: x\n- [ ] Answers in 200 ms\n".into() }));
    assert_eq!(count(&matrix), 0);
    matrix.set_document("A", Some(&generated));
    matrix.set_document("A", None);
    assert_eq!(count(&matrix), 0);
}

#[test]
fn lists_are_bounded_and_counts_are_not() {
    let mut matrix = Matrix::new();
    for n in 0..FINDING_LIMIT + 50 {
        matrix.upsert(&format!("R{n:03}"), &sample::requirement(Missing, &["GONE", "AWAY"], &[]));
    }
    let health = matrix.health();
    let orphans = check(&health, Rule::OrphanedDeps);
    assert_eq!(orphans.count, 2 * (FINDING_LIMIT + 50));
    assert_eq!((orphans.requirements.len(), orphans.details.len()), (FINDING_LIMIT, FINDING_LIMIT));
    assert_eq!(orphans.requirements[..2], ["R000", "R001"]);
}

#[test]
fn coverage_is_enough_at_eighty_percent_and_is_not_asked_of_nothing() {
    // with a test, without one, what comes of it
    let cases = [(4, 1, CheckStatus::Pass), (79, 21, CheckStatus::Warn), (0, 0, CheckStatus::Skip)];
    for (with, without, want) in cases {
        let mut matrix = Matrix::new();
        for n in 0..with + without {
            let mut requirement = sample::requirement(Missing, &[], &[]);
            if n >= with {
                requirement.test_function.clear();
            }
            matrix.upsert(&format!("R{n}"), &requirement);
        }
        assert_eq!(check(&matrix.health(), Rule::TestCoverage).status, want, "{with} of {}", with + without);
    }
}
