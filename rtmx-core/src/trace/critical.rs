//! The critical path: which incomplete requirements hold up the most others.
//!
//! Despite its name it is no longest path, here as in upstream's tools: it is a ranking.

use super::matrix::Matrix;
use crate::{Priority, Status};
use serde::{Deserialize, Serialize};

/// The incomplete requirements that others wait for, most awaited first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CriticalPath {
    /// How many there are.
    pub total: usize,
    /// By `transitive_blocks_count`, the largest first, then by id.
    pub requirements: Vec<CriticalItem>,
}

/// A requirement that others wait for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CriticalItem {
    /// The requirement.
    pub req_id: String,
    /// The beginning of its text, at most 60 characters.
    pub label: String,
    /// Its status.
    pub status: Status,
    /// Its priority.
    pub priority: Priority,
    /// Whether a dependency exists and is not complete.
    pub blocked: bool,
    /// How many incomplete requirements depend on it directly.
    pub blocks_count: usize,
    /// How many other incomplete requirements depend on it, directly or through incomplete ones.
    pub transitive_blocks_count: usize,
}

impl Matrix {
    /// Ranks the incomplete requirements by how many other incomplete ones depend on them, directly or
    /// through incomplete ones. Those that nothing waits for are left out.
    pub fn critical_path(&self) -> CriticalPath {
        let blocking = self.blocking();
        let mut ranked: Vec<u32> =
            self.rows().map(|(slot, ..)| slot).filter(|slot| blocking[*slot as usize] > 0).collect();
        ranked.sort_unstable_by(|a, b| self.by_blocking(*a, *b));
        let describe = |slot: u32| {
            let row = self.at(slot).row.as_ref()?;
            Some(CriticalItem {
                req_id: self.id(slot).to_owned(),
                label: row.label.to_string(),
                status: row.status,
                priority: row.priority,
                blocked: self.blocked(slot),
                blocks_count: self.waiting_directly(slot),
                transitive_blocks_count: blocking[slot as usize] as usize,
            })
        };
        CriticalPath { total: ranked.len(), requirements: ranked.into_iter().filter_map(describe).collect() }
    }

    /// Orders by how many wait, most first, then by id.
    pub(super) fn by_blocking(&self, a: u32, b: u32) -> std::cmp::Ordering {
        let blocking = self.blocking();
        blocking[b as usize].cmp(&blocking[a as usize]).then_with(|| self.id(a).cmp(self.id(b)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use crate::Status::{Complete, Missing, Partial};

    #[test]
    fn the_critical_path_ranks_by_who_waits_and_then_by_id() {
        let matrix = sample::matrix(&[
            ("Z-BASE", Missing, &[]),
            ("A-BASE", Partial, &[]),
            ("B", Missing, &["Z-BASE", "A-BASE"]),
            ("C", Missing, &["B"]),
            ("DONE", Complete, &["C"]),
            ("E", Missing, &["DONE"]),
            ("RING-1", Missing, &["RING-2"]),
            ("RING-2", Missing, &["RING-1", "RING-2"]),
        ]);
        let path = matrix.critical_path();
        let found: Vec<(&str, usize, usize, bool)> = path
            .requirements
            .iter()
            .map(|item| (item.req_id.as_str(), item.transitive_blocks_count, item.blocks_count, item.blocked))
            .collect();
        let want = [
            ("A-BASE", 2, 1, false),
            ("Z-BASE", 2, 1, false),
            ("B", 1, 1, true),
            ("RING-1", 1, 1, true),
            ("RING-2", 1, 1, true),
        ];
        assert_eq!(found, want);
        assert_eq!(path.total, 5);
    }
}
