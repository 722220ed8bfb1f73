//! The report of one rule, and how findings are collected into it.

use super::super::matrix::Matrix;
use super::super::row::Row;
use serde::{Deserialize, Serialize};

/// The most findings that a check lists; its count goes on.
pub const FINDING_LIMIT: usize = 100;

/// A rule. Names that upstream's tools use are theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// The matrix can be read. What cannot be is refused by the import, so this rule is always kept.
    RtmLoads,
    /// The imported file has the 21 columns, and no others.
    SchemaConformance,
    /// Category and text are not empty.
    RequiredFields,
    /// A phase is 1 or more.
    Phase,
    /// What is depended on exists.
    OrphanedDeps,
    /// What is said to be blocked exists.
    OrphanedBlocks,
    /// Every dependency is mentioned in the other side's `blocks`.
    Reciprocity,
    /// Every entry of `blocks` is mentioned in the other side's `dependencies`.
    BlocksWithoutDependency,
    /// Nothing waits for itself through others.
    Cycles,
    /// Nothing depends on itself.
    SelfDependency,
    /// What is complete depends on nothing incomplete.
    StatusConsistency,
    /// Status and priority are written as their names.
    StrictValues,
    /// A phase, where there is one, can be read as a number.
    PhaseReadable,
    /// At least 80 % of the requirements have a test.
    TestCoverage,
    /// An effort is between a quarter and half a week.
    EffortBounds,
    /// Somebody in particular is assigned.
    GenericOwner,
    /// Test module and function are both given, or a test link names a test.
    MissingTestMapping,
    /// The id in another system is given.
    MissingExternalId,
    /// The document's acceptance criteria are its own.
    GenericAcceptanceCriteria,
}

impl Rule {
    /// The rule's name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Rule::RtmLoads => "rtm_loads",
            Rule::SchemaConformance => "schema_conformance",
            Rule::RequiredFields => "required_fields",
            Rule::Phase => "phase",
            Rule::OrphanedDeps => "orphaned_deps",
            Rule::OrphanedBlocks => "orphaned_blocks",
            Rule::Reciprocity => "reciprocity",
            Rule::BlocksWithoutDependency => "blocks_without_dependency",
            Rule::Cycles => "cycles",
            Rule::SelfDependency => "self_dependency",
            Rule::StatusConsistency => "status_consistency",
            Rule::StrictValues => "strict_values",
            Rule::PhaseReadable => "phase_readable",
            Rule::TestCoverage => "test_coverage",
            Rule::EffortBounds => "effort_bounds",
            Rule::GenericOwner => "generic_owner",
            Rule::MissingTestMapping => "missing_test_mapping",
            Rule::MissingExternalId => "missing_external_id",
            Rule::GenericAcceptanceCriteria => "generic_acceptance_criteria",
        }
    }

    /// What holds while the rule is kept, in a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Rule::RtmLoads => "The matrix can be read.",
            Rule::SchemaConformance => "The imported file has the 21 columns and no others.",
            Rule::RequiredFields => "Every requirement has a category and a text.",
            Rule::Phase => "Every phase is 1 or more.",
            Rule::OrphanedDeps => "What is depended on exists.",
            Rule::OrphanedBlocks => "What is said to be blocked exists.",
            Rule::Reciprocity => "Every dependency is mentioned in the other side's blocks.",
            Rule::BlocksWithoutDependency => "Whatever is said to be blocked depends on it.",
            Rule::Cycles => "Nothing waits for itself through others.",
            Rule::SelfDependency => "Nothing depends on itself.",
            Rule::StatusConsistency => "What is complete depends on nothing incomplete.",
            Rule::StrictValues => "Every status and priority is written as its name.",
            Rule::PhaseReadable => "Every phase can be read as a number.",
            Rule::TestCoverage => "At least 80 % of the requirements have a test.",
            Rule::EffortBounds => "Every effort is between a quarter and half a week.",
            Rule::GenericOwner => "Somebody in particular is assigned to every requirement.",
            Rule::MissingTestMapping => "Every requirement names a test.",
            Rule::MissingExternalId => "Every requirement has its id in another system.",
            Rule::GenericAcceptanceCriteria => "Acceptance criteria are written, not generated.",
        }
    }
}

/// How much a broken rule matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The matrix is wrong.
    Error,
    /// The matrix may mislead.
    Warning,
    /// The matrix could be easier to work with. Never part of the health status.
    Hygiene,
}

/// What came of checking a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum CheckStatus {
    /// Kept.
    Pass,
    /// Broken, with severity warning or hygiene.
    Warn,
    /// Broken, with severity error.
    Fail,
    /// Not applicable here.
    Skip,
}

/// A rule and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Check {
    /// The rule.
    pub name: Rule,
    /// What came of it.
    pub status: CheckStatus,
    /// How much it matters.
    pub severity: Severity,
    /// Whether the check of staged files refuses a file that breaks it.
    pub staged: bool,
    /// What was found, in one line.
    pub message: String,
    /// Whether it was broken and is an error.
    pub is_blocking: bool,
    /// How many findings there are, listed or not.
    pub count: usize,
    /// The requirements concerned, each once, by id; at most [`FINDING_LIMIT`].
    pub requirements: Vec<String>,
    /// The first findings; at most [`FINDING_LIMIT`].
    pub details: Vec<Detail>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Detail {
    /// The requirement concerned.
    pub req_id: String,
    /// The other id that it is about, if it is about two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// What is wrong.
    pub message: String,
}

/// How a rule is reported.
#[derive(Debug, Clone, Copy)]
pub(super) struct Report {
    pub(super) rule: Rule,
    pub(super) severity: Severity,
    pub(super) staged: bool,
}

impl Report {
    pub(super) fn error(rule: Rule) -> Report {
        Report { rule, severity: Severity::Error, staged: false }
    }

    pub(super) fn warning(rule: Rule) -> Report {
        Report { rule, severity: Severity::Warning, staged: false }
    }

    pub(super) fn hygiene(rule: Rule) -> Report {
        Report { rule, severity: Severity::Hygiene, staged: false }
    }

    /// A rule that the check of staged files has, too.
    pub(super) fn staged(self) -> Report {
        Report { staged: true, ..self }
    }

    pub(super) fn pass(self, message: impl Into<String>) -> Check {
        self.check(CheckStatus::Pass, message.into(), Findings::default())
    }

    pub(super) fn skip(self, message: impl Into<String>) -> Check {
        self.check(CheckStatus::Skip, message.into(), Findings::default())
    }

    /// Broken if anything was found.
    pub(super) fn found(self, findings: Findings, kept: &str, broken: impl FnOnce(usize) -> String) -> Check {
        if findings.count == 0 {
            return self.pass(kept);
        }
        let status = if self.severity == Severity::Error { CheckStatus::Fail } else { CheckStatus::Warn };
        let message = broken(findings.count);
        self.check(status, message, findings)
    }

    fn check(self, status: CheckStatus, message: String, findings: Findings) -> Check {
        Check {
            name: self.rule,
            status,
            severity: self.severity,
            staged: self.staged,
            message,
            is_blocking: status == CheckStatus::Fail,
            count: findings.count,
            requirements: findings.requirements,
            details: findings.details,
        }
    }
}

/// What was found against one rule. Requirements must be added in order of their ids.
#[derive(Debug, Default)]
pub(super) struct Findings {
    count: usize,
    requirements: Vec<String>,
    details: Vec<Detail>,
}

impl Findings {
    /// So many findings that are about no requirement in particular.
    pub(super) fn counted(count: usize) -> Findings {
        Findings { count, ..Findings::default() }
    }

    pub(super) fn add(&mut self, id: &str, other: Option<&str>, message: impl FnOnce() -> String) {
        self.count += 1;
        if self.requirements.len() < FINDING_LIMIT && self.requirements.last().is_none_or(|last| last != id) {
            self.requirements.push(id.to_owned());
        }
        if self.details.len() < FINDING_LIMIT {
            let other = other.map(str::to_owned);
            self.details.push(Detail { req_id: id.to_owned(), other, message: message() });
        }
    }
}

/// Goes through a matrix in order of the ids.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Finder<'m> {
    pub(in super::super) matrix: &'m Matrix,
    pub(in super::super) order: &'m [u32],
}

impl<'m> Finder<'m> {
    /// Lets `look` add what it finds at each requirement.
    pub(super) fn each(&self, mut look: impl FnMut(u32, &'m Row, &mut Findings)) -> Findings {
        let mut findings = Findings::default();
        for slot in self.order {
            if let Some(row) = &self.matrix.at(*slot).row {
                look(*slot, row, &mut findings);
            }
        }
        findings
    }

    /// Finds the requirements whose row is wrong in the way that `fault` tells.
    pub(super) fn rows(&self, mut fault: impl FnMut(u32, &'m Row) -> Option<String>) -> Findings {
        self.each(|slot, row, findings| {
            if let Some(message) = fault(slot, row) {
                findings.add(self.matrix.id(slot), None, || message);
            }
        })
    }
}

pub(super) fn loads(total: u64) -> Check {
    Report::error(Rule::RtmLoads).pass(format!("{total} requirements are loaded"))
}
