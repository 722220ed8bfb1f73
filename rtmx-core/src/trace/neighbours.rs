//! What a page about one requirement asks: a few words of others, and how far its edges reach.

use super::matrix::Matrix;
use super::view::{View, Visited};
use crate::{Priority, Status};

/// A few words of a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brief<'m> {
    /// Its status.
    pub status: Status,
    /// Its priority.
    pub priority: Priority,
    /// The beginning of its text, at most 60 characters.
    pub label: &'m str,
    /// Its category.
    pub category: &'m str,
    /// Its phase, if it has one.
    pub phase: Option<u32>,
    /// Whether a dependency exists and is not complete.
    pub blocked: bool,
}

/// How many requirements a requirement is connected with by dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    /// How many it depends on, directly or not, itself left out.
    pub upstream: usize,
    /// How many depend on it, directly or not, itself left out.
    pub downstream: usize,
    /// Whether it depends on itself, directly or through others.
    pub in_cycle: bool,
}

impl Matrix {
    /// A few words of a requirement; `None` if it does not exist.
    pub fn brief(&self, id: &str) -> Option<Brief<'_>> {
        self.find(id).and_then(|slot| self.brief_at(slot))
    }

    pub(super) fn brief_at(&self, slot: u32) -> Option<Brief<'_>> {
        let row = self.at(slot).row.as_ref()?;
        Some(Brief {
            status: row.status,
            priority: row.priority,
            label: &row.label,
            category: &row.category,
            phase: row.phase,
            blocked: self.blocked(slot),
        })
    }

    /// How far the edges of a requirement reach; `None` if it does not exist.
    pub fn reach(&self, id: &str) -> Option<Reach> {
        let slot = self.find(id)?;
        let view = View::all(self);
        let (upstream, in_cycle) = self.spread(slot, |slot| view.up(slot));
        let (downstream, _) = self.spread(slot, |slot| view.down(slot));
        Some(Reach { upstream, downstream, in_cycle })
    }

    /// How many others a walk reaches from `start`, and whether it came back to it.
    fn spread<N: Iterator<Item = u32>>(&self, start: u32, next: impl Fn(u32) -> N) -> (usize, bool) {
        let mut seen = Visited::with_capacity(self.width());
        seen.insert(start as usize);
        let mut left = vec![start];
        let (mut reached, mut came_back) = (0, false);
        while let Some(slot) = left.pop() {
            for neighbour in next(slot) {
                came_back |= neighbour == start;
                if !seen.put(neighbour as usize) {
                    reached += 1;
                    left.push(neighbour);
                }
            }
        }
        (reached, came_back)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use crate::Status::{Complete, Missing, Partial};

    #[test]
    fn reach_counts_what_impact_lists() {
        let matrix = sample::matrix(&[
            ("BASE", Complete, &[]),
            ("MID", Partial, &["BASE"]),
            ("TOP", Missing, &["MID", "BASE", "GONE", "sync:X:REQ-1"]),
            ("RING-1", Missing, &["RING-2", "TOP"]),
            ("RING-2", Missing, &["RING-1"]),
            ("SELF", Missing, &["SELF"]),
        ]);
        for id in matrix.in_file_order() {
            let (reach, impact) = (matrix.reach(id), matrix.impact(id));
            let (reach, impact) = (reach.expect("it exists"), impact.expect("it exists"));
            assert_eq!(reach.upstream, impact.transitive_upstream_count, "{id}");
            assert_eq!(reach.downstream, impact.transitive_downstream_count, "{id}");
            assert_eq!(reach.in_cycle, impact.in_cycle, "{id}");
        }
        assert_eq!((matrix.reach("GONE"), matrix.brief("GONE")), (None, None));
        let brief = matrix.brief("TOP").expect("it exists");
        assert_eq!((brief.status, brief.label, brief.blocked), (Missing, "The system shall.", true));
        assert_eq!((brief.category, brief.phase), ("CAT", Some(1)));
    }
}
