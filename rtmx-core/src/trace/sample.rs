//! Matrices for tests, written as short as they can be.

use super::Matrix;
use crate::{Effort, Priority, Requirement, Status};

/// A requirement with these links, and nothing wrong with it otherwise.
pub(super) fn requirement(status: Status, dependencies: &[&str], blocks: &[&str]) -> Requirement {
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<std::collections::BTreeSet<_>>();
    Requirement {
        category: "CAT".into(),
        requirement_text: "The system shall.".into(),
        test_module: "tests/a.rs".into(),
        test_function: "works".into(),
        assignee: "alice".into(),
        external_id: "X-1".into(),
        status: status.into(),
        phase: Some(1).into(),
        effort_weeks: Effort::from_weeks(0.5).into(),
        dependencies: ids(dependencies).into(),
        blocks: ids(blocks).into(),
        ..Requirement::default()
    }
}

/// A requirement without links.
pub(super) fn plain(status: Status, priority: Priority, effort: f64, phase: u32) -> Requirement {
    Requirement {
        priority: priority.into(),
        effort_weeks: Effort::from_weeks(effort).into(),
        phase: (phase > 0).then_some(phase).into(),
        ..requirement(status, &[], &[])
    }
}

/// A matrix of (id, status, dependencies), in which `blocks` says the same as `dependencies`.
pub(super) fn matrix(rows: &[(&str, Status, &[&str])]) -> Matrix {
    let mut matrix = Matrix::new();
    for (id, status, dependencies) in rows {
        let blocks: Vec<&str> =
            rows.iter().filter(|(.., named)| named.contains(id)).map(|(other, ..)| *other).collect();
        matrix.upsert(id, &requirement(*status, dependencies, &blocks));
    }
    matrix
}
