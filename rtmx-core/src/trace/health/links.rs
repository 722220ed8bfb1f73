//! Rules about dependencies and `blocks`.

use super::super::cycles::Cycles;
use super::super::matrix::{Slot, is_cross_repo};
use super::report::{Check, Finder, Findings, Report, Rule};
use crate::Status;

pub(super) fn orphaned_dependencies(finder: &Finder<'_>) -> Check {
    let matrix = finder.matrix;
    let findings = orphans(finder, |slot| &matrix.at(slot).up, "depends on");
    let broken = |count| format!("{count} dependencies name a requirement that does not exist");
    Report::error(Rule::OrphanedDeps).staged().found(findings, "every dependency exists", broken)
}

pub(super) fn orphaned_blocks(finder: &Finder<'_>) -> Check {
    let matrix = finder.matrix;
    let findings = orphans(finder, |slot| &matrix.at(slot).blocks, "says that it blocks");
    let broken = |count| format!("{count} entries of `blocks` name a requirement that does not exist");
    Report::error(Rule::OrphanedBlocks).staged().found(findings, "everything in `blocks` exists", broken)
}

fn orphans<'m>(finder: &Finder<'m>, named: impl Fn(u32) -> &'m Vec<u32>, verb: &str) -> Findings {
    let matrix = finder.matrix;
    finder.each(|slot, _, findings| {
        for gone in matrix.pick(named(slot), |other| other.row.is_none() && !is_cross_repo(&other.id)) {
            let (id, gone) = (matrix.id(slot), &*gone.id);
            findings.add(id, Some(gone), || format!("{id} {verb} {gone}, which does not exist"));
        }
    })
}

pub(super) fn reciprocity(finder: &Finder<'_>) -> Check {
    let matrix = finder.matrix;
    let findings = finder.each(|slot, _, findings| {
        let silent = |other: &Slot| other.row.is_some() && other.blocks.binary_search(&slot).is_err();
        for other in matrix.pick(&matrix.at(slot).up, silent) {
            let (id, other) = (matrix.id(slot), &*other.id);
            findings
                .add(id, Some(other), || format!("{id} depends on {other}, whose `blocks` leaves it out"));
        }
    });
    let broken = |count| format!("{count} dependencies are missing from `blocks`");
    Report::warning(Rule::Reciprocity).found(findings, "every dependency is in `blocks`", broken)
}

pub(super) fn blocks_without_dependency(finder: &Finder<'_>) -> Check {
    let matrix = finder.matrix;
    let findings = finder.each(|slot, _, findings| {
        let free = |other: &Slot| other.row.is_some() && other.up.binary_search(&slot).is_err();
        for other in matrix.pick(&matrix.at(slot).blocks, free) {
            let (id, other) = (matrix.id(slot), &*other.id);
            let message = || format!("{id} says that it blocks {other}, which does not depend on it");
            findings.add(id, Some(other), message);
        }
    });
    let broken = |count| format!("{count} entries of `blocks` are no dependency of the other side");
    Report::warning(Rule::BlocksWithoutDependency).found(findings, "everything in `blocks` depends", broken)
}

pub(super) fn cycles(cycles: &Cycles) -> Check {
    let mut findings = Findings::default();
    // A requirement that depends on itself has a rule of its own.
    let mut rings: Vec<_> = cycles.cycles.iter().filter(|cycle| cycle.members.len() > 1).collect();
    rings.sort_unstable_by(|a, b| a.members[0].cmp(&b.members[0]));
    for ring in rings {
        let shown = ring.path.iter().take(20).map(String::as_str).collect::<Vec<_>>().join(" -> ");
        let more = if ring.path.len() > 20 { " -> ..." } else { "" };
        findings.add(&ring.members[0], None, || {
            format!("{} requirements wait for each other: {shown}{more}", ring.members.len())
        });
    }
    let broken = |count| format!("{count} circular dependencies");
    Report::warning(Rule::Cycles).staged().found(findings, "no circular dependency", broken)
}

pub(super) fn self_dependencies(finder: &Finder<'_>) -> Check {
    let matrix = finder.matrix;
    let findings = finder.each(|slot, _, findings| {
        if matrix.at(slot).up.binary_search(&slot).is_ok() {
            let id = matrix.id(slot);
            findings.add(id, Some(id), || format!("{id} depends on itself"));
        }
    });
    let broken = |count| format!("{count} requirements depend on themselves");
    Report::warning(Rule::SelfDependency).staged().found(findings, "nothing depends on itself", broken)
}

pub(super) fn status_consistency(finder: &Finder<'_>) -> Check {
    let matrix = finder.matrix;
    let status = |slot: &Slot| slot.row.as_ref().map(|row| row.status);
    let findings = finder.each(|slot, row, findings| {
        if row.status != Status::Complete {
            return;
        }
        let incomplete = |other: &Slot| status(other).is_some_and(|status| !status.is_complete());
        for other in matrix.pick(&matrix.at(slot).up, incomplete) {
            let (id, found) = (matrix.id(slot), status(other).map_or("", Status::name));
            let message = || format!("{id} is COMPLETE and depends on {}, which is {found}", other.id);
            findings.add(id, Some(&other.id), message);
        }
    });
    let broken = |count| format!("{count} dependencies of complete requirements are not complete");
    let kept = "what is complete depends on nothing incomplete";
    Report::warning(Rule::StatusConsistency).found(findings, kept, broken)
}
