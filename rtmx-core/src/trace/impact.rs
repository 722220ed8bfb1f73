//! What one requirement stands on, and what stands on it.

use super::matrix::{Matrix, is_cross_repo};
use super::view::{View, Visited};
use crate::Status;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Everything connected with one requirement by dependencies, in both directions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Impact {
    /// The requirement.
    pub req_id: String,
    /// Its status.
    pub status: Status,
    /// Whether a dependency exists and is not complete.
    pub blocked: bool,
    /// The direct dependencies that are not complete, by id: why it is blocked.
    pub blocked_by: Vec<String>,
    /// Whether it depends on itself, directly or through others.
    pub in_cycle: bool,
    /// What it depends on, by distance and then id.
    pub upstream: Vec<Reached>,
    /// What depends on it, by distance and then id.
    pub downstream: Vec<Reached>,
    /// How many it depends on directly.
    pub direct_upstream_count: usize,
    /// How many depend on it directly.
    pub direct_downstream_count: usize,
    /// How many it depends on, directly or not, itself left out.
    pub transitive_upstream_count: usize,
    /// How many depend on it, directly or not, itself left out.
    pub transitive_downstream_count: usize,
    /// Whether everything it depends on, directly or not, is complete.
    pub all_upstream_complete: bool,
    /// Dependencies on other repositories, by id. They never block.
    pub cross_repo_dependencies: Vec<String>,
    /// Dependencies that exist nowhere, by id. They never block, and `health` reports them.
    pub orphaned_dependencies: Vec<String>,
}

/// A requirement that a walk has reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reached {
    /// The requirement.
    pub req_id: String,
    /// How many dependencies lie between, at least; 1 for a direct one.
    pub distance: usize,
    /// Its status.
    pub status: Status,
    /// The beginning of its text, at most 60 characters.
    pub label: String,
}

impl Matrix {
    /// What the requirement depends on and what depends on it; `None` if it does not exist.
    pub fn impact(&self, id: &str) -> Option<Impact> {
        let slot = self.find(id)?;
        let named = self.at(slot);
        let view = View::all(self);
        let (upstream, loop_up) = self.reached(slot, |slot| view.up(slot));
        let (downstream, _) = self.reached(slot, |slot| view.down(slot));
        let direct = |reached: &[Reached]| reached.iter().take_while(|reached| reached.distance == 1).count();
        let pick = |wanted: &dyn Fn(u32) -> bool| {
            self.sorted_ids(&named.up.iter().copied().filter(|slot| wanted(*slot)).collect::<Vec<u32>>())
        };
        let unknown = |slot: u32| self.at(slot).row.is_none();
        Some(Impact {
            req_id: id.to_owned(),
            status: named.row.as_ref()?.status,
            blocked: self.blocked(slot),
            blocked_by: pick(&|slot| self.is_incomplete(slot)),
            in_cycle: loop_up,
            direct_upstream_count: direct(&upstream),
            direct_downstream_count: direct(&downstream),
            transitive_upstream_count: upstream.len(),
            transitive_downstream_count: downstream.len(),
            all_upstream_complete: upstream.iter().all(|reached| reached.status.is_complete()),
            upstream,
            downstream,
            cross_repo_dependencies: pick(&|slot| unknown(slot) && is_cross_repo(self.id(slot))),
            orphaned_dependencies: pick(&|slot| unknown(slot) && !is_cross_repo(self.id(slot))),
        })
    }

    /// What a walk in breadth reaches from `start`, itself left out, and whether it came back to it.
    fn reached<N: Iterator<Item = u32>>(&self, start: u32, next: impl Fn(u32) -> N) -> (Vec<Reached>, bool) {
        let mut seen = Visited::with_capacity(self.width());
        seen.insert(start as usize);
        let mut queue = VecDeque::from([(start, 0)]);
        let mut reached = Vec::new();
        let mut came_back = false;
        while let Some((slot, distance)) = queue.pop_front() {
            for neighbour in next(slot) {
                came_back |= neighbour == start;
                if !seen.put(neighbour as usize) {
                    reached.push((distance + 1, self.id(neighbour), neighbour));
                    queue.push_back((neighbour, distance + 1));
                }
            }
        }
        reached.sort_unstable();
        let describe = |(distance, id, slot): (usize, &str, u32)| {
            let row = self.at(slot).row.as_ref()?;
            Some(Reached {
                req_id: id.to_owned(),
                distance,
                status: row.status,
                label: row.label.to_string(),
            })
        };
        (reached.into_iter().filter_map(describe).collect(), came_back)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::Status::{Complete, Missing, Partial};

    fn places(reached: &[Reached]) -> Vec<(&str, usize)> {
        reached.iter().map(|reached| (reached.req_id.as_str(), reached.distance)).collect()
    }

    #[test]
    fn impact_reaches_both_ways_with_the_shortest_distances() {
        let matrix = sample::matrix(&[
            ("BASE", Complete, &[]),
            ("MID", Partial, &["BASE"]),
            ("TOP", Missing, &["MID", "BASE", "GONE", "sync:X:REQ-1", "REQ-2@repo"]),
            ("OVER", Missing, &["TOP"]),
            ("FAR", Missing, &["OVER", "TOP"]),
        ]);
        let impact = matrix.impact("TOP").expect("it is in the table");
        assert_eq!(places(&impact.upstream), [("BASE", 1), ("MID", 1)]);
        assert_eq!(places(&impact.downstream), [("FAR", 1), ("OVER", 1)]);
        assert!(impact.blocked && !impact.in_cycle && !impact.all_upstream_complete);
        assert_eq!(impact.blocked_by, ["MID"]);
        assert_eq!(impact.orphaned_dependencies, ["GONE"]);
        assert_eq!(impact.cross_repo_dependencies, ["REQ-2@repo", "sync:X:REQ-1"]);

        let base = matrix.impact("BASE").expect("it is in the table");
        assert_eq!(places(&base.downstream), [("MID", 1), ("TOP", 1), ("FAR", 2), ("OVER", 2)]);
        assert_eq!((base.direct_downstream_count, base.transitive_downstream_count), (2, 4));
        assert!(!base.blocked && base.all_upstream_complete && base.upstream.is_empty());
        assert_eq!(matrix.impact("GONE"), None);
    }

    #[test]
    fn impact_ends_in_a_cycle_and_says_so() {
        let matrix = sample::matrix(&[
            ("A", Missing, &["C"]),
            ("B", Missing, &["A"]),
            ("C", Missing, &["B"]),
            ("SELF", Missing, &["SELF"]),
        ]);
        let impact = matrix.impact("A").expect("it is in the table");
        assert!(impact.in_cycle);
        assert_eq!(places(&impact.upstream), [("C", 1), ("B", 2)]);
        assert_eq!(places(&impact.downstream), [("B", 1), ("C", 2)]);
        let own = matrix.impact("SELF").expect("it is in the table");
        assert!(own.in_cycle && own.blocked && own.upstream.is_empty() && own.downstream.is_empty());
        assert_eq!(own.blocked_by, ["SELF"]);
    }
}
