//! Health: every rule that a matrix should keep, and where it does not.
//!
//! Upstream checks a matrix in four places with four different sets of rules: the health command of
//! each of its tools, the check of staged files, and hygiene. Here each rule is checked once, and says
//! how much it matters (its severity) and whether the check of staged files would refuse the file for it.
//! Lists are bounded and counts are exact. Deliberately absent: rules about files on a
//! developer's machine (test markers in sources, agents' configuration), which a server cannot see.

mod fields;
mod hygiene;
mod links;
mod report;

use super::completion::percentage;
use super::matrix::Matrix;
use serde::{Deserialize, Serialize};

pub(super) use report::Finder;
pub use report::{Check, CheckStatus, Detail, FINDING_LIMIT, Rule, Severity};

/// The health of a matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// The worst that was found, hygiene left out.
    pub status: HealthStatus,
    /// 0 healthy, 1 warnings, 2 errors.
    pub exit_code: u8,
    /// What other commands would exit with.
    pub exit_codes: ExitCodes,
    /// Every rule, kept or broken.
    pub checks: Vec<Check>,
    /// How many rules were kept.
    pub summary: HealthSummary,
    /// The figures behind the rules.
    pub stats: HealthStats,
}

/// The worst that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum HealthStatus {
    /// Neither an error nor a warning.
    Healthy,
    /// At least one warning.
    Warning,
    /// At least one error.
    Unhealthy,
}

/// The exit codes of the commands that check a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExitCodes {
    /// Of a health check: 0, 1 for warnings, 2 for errors.
    pub health: u8,
    /// Of a strict health check: 2 for warnings, too.
    pub health_strict: u8,
    /// Of the check of staged files: 1 if a rule of it is broken.
    pub validate_staged: u8,
    /// Of a strict hygiene check: 1 if a rule of hygiene is broken or there is a cycle.
    pub hygiene_strict: u8,
}

/// How many rules were kept, by outcome. Hygiene counts on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthSummary {
    /// Kept.
    pub passed: usize,
    /// Broken, with a warning.
    pub warnings: usize,
    /// Broken, with an error.
    pub failed: usize,
    /// Not applicable.
    pub skipped: usize,
    /// Rules of hygiene that are broken.
    pub hygiene: usize,
}

/// The figures behind the rules.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthStats {
    /// All requirements.
    pub total: u64,
    /// Those that are complete.
    pub complete: u64,
    /// Those that are partly so.
    pub partial: u64,
    /// Those with status MISSING or NOT_STARTED.
    pub missing: u64,
    /// In percent, with one decimal.
    pub completion_percent: f64,
    /// Those with a test.
    pub with_tests: u64,
    /// Those without one.
    pub without_tests: u64,
    /// Incomplete requirements that wait for others.
    pub blocked: u64,
    /// Circular dependencies, those on itself included.
    pub cycle_count: u64,
    /// Dependencies that exist nowhere.
    pub orphaned_deps: u64,
    /// Entries of `blocks` that exist nowhere.
    pub orphaned_blocks: u64,
    /// Dependencies that the other side's `blocks` does not mention.
    pub missing_reciprocity: u64,
    /// Entries of `blocks` that the other side's `dependencies` does not mention.
    pub blocks_without_dependency: u64,
    /// Complete requirements with an incomplete dependency, counted by dependency.
    pub status_consistency: u64,
}

impl Matrix {
    /// Checks every rule.
    pub fn health(&self) -> Health {
        let order = self.slots_by_id();
        let cycles = self.cycles();
        let counts = self.completion().counts;
        let with_tests = self.rows().filter(|(_, named, _)| named.is_tested()).count() as u64;
        let finder = Finder { matrix: self, order: &order };
        let checks = vec![
            report::loads(counts.total),
            fields::schema(self.columns()),
            fields::required(&finder),
            fields::phases(&finder),
            links::orphaned_dependencies(&finder),
            links::orphaned_blocks(&finder),
            links::reciprocity(&finder),
            links::blocks_without_dependency(&finder),
            links::cycles(&cycles),
            links::self_dependencies(&finder),
            links::status_consistency(&finder),
            fields::strict_values(&finder),
            fields::phases_readable(&finder),
            hygiene::test_coverage(with_tests, counts.total),
            hygiene::effort(&finder),
            hygiene::owner(&finder),
            hygiene::test_mapping(&finder),
            hygiene::external_id(&finder),
            hygiene::acceptance(&finder),
        ];
        let found =
            |rule: Rule| checks.iter().find(|check| check.name == rule).map_or(0, |check| check.count as u64);
        let stats = HealthStats {
            total: counts.total,
            complete: counts.complete,
            partial: counts.partial,
            missing: counts.missing + counts.not_started,
            completion_percent: counts.percentage,
            with_tests,
            without_tests: counts.total - with_tests,
            blocked: self
                .rows()
                .filter(|(slot, _, row)| !row.status.is_complete() && self.blocked(*slot))
                .count() as u64,
            cycle_count: cycles.count as u64,
            orphaned_deps: found(Rule::OrphanedDeps),
            orphaned_blocks: found(Rule::OrphanedBlocks),
            missing_reciprocity: found(Rule::Reciprocity),
            blocks_without_dependency: found(Rule::BlocksWithoutDependency),
            status_consistency: found(Rule::StatusConsistency),
        };
        let summary = summary(&checks);
        let exit_codes = exit_codes(&checks, &summary);
        let status = match exit_codes.health {
            0 => HealthStatus::Healthy,
            1 => HealthStatus::Warning,
            _ => HealthStatus::Unhealthy,
        };
        Health { status, exit_code: exit_codes.health, exit_codes, checks, summary, stats }
    }
}

fn summary(checks: &[Check]) -> HealthSummary {
    let mut summary = HealthSummary::default();
    for check in checks {
        match (check.severity, check.status) {
            (Severity::Hygiene, CheckStatus::Pass) => {}
            (Severity::Hygiene, _) => summary.hygiene += 1,
            (_, CheckStatus::Pass) => summary.passed += 1,
            (_, CheckStatus::Warn) => summary.warnings += 1,
            (_, CheckStatus::Fail) => summary.failed += 1,
            (_, CheckStatus::Skip) => summary.skipped += 1,
        }
    }
    summary
}

fn exit_codes(checks: &[Check], summary: &HealthSummary) -> ExitCodes {
    let broken = |check: &&Check| matches!(check.status, CheckStatus::Warn | CheckStatus::Fail);
    let health = if summary.failed > 0 { 2 } else { u8::from(summary.warnings > 0) };
    let has_cycle = checks.iter().filter(broken).any(|check| check.name == Rule::Cycles);
    ExitCodes {
        health,
        health_strict: if health > 0 { 2 } else { 0 },
        validate_staged: u8::from(checks.iter().filter(broken).any(|check| check.staged)),
        hygiene_strict: u8::from(summary.hygiene > 0 || has_cycle),
    }
}

#[cfg(test)]
mod tests;
