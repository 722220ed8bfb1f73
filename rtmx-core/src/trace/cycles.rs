//! Circular dependencies: those that are there, and the one that an edit would close.

use super::matrix::Matrix;
use super::view::{View, Visited};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// Every circular dependency of a matrix.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cycles {
    /// Whether there is any.
    pub found: bool,
    /// How many there are.
    pub count: usize,
    /// How many requirements are in one.
    pub requirements: usize,
    /// The largest first, then by id.
    pub cycles: Vec<Cycle>,
}

/// Requirements that all wait for each other, or one that depends on itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cycle {
    /// Their ids, sorted.
    pub members: Vec<String>,
    /// A shortest way from the first member along dependencies back to itself: the id stands at both ends.
    pub path: Vec<String>,
}

impl Matrix {
    /// Finds every group of requirements that depend on each other, and every requirement that
    /// depends on itself.
    pub fn cycles(&self) -> Cycles {
        let mut involved = 0;
        let mut cycles = Vec::new();
        for members in self.components().iter() {
            let selfish = members.iter().filter(|slot| self.at(**slot).up.binary_search(slot).is_ok());
            for slot in selfish {
                let id = self.id(*slot).to_owned();
                cycles.push(Cycle { members: vec![id.clone()], path: vec![id.clone(), id] });
                involved += usize::from(members.len() == 1);
            }
            if members.len() > 1 {
                involved += members.len();
                cycles.push(Cycle { members: self.sorted_ids(members), path: self.shortest_ring(members) });
            }
        }
        cycles.sort_unstable_by(|a, b| {
            b.members.len().cmp(&a.members.len()).then_with(|| a.members[0].cmp(&b.members[0]))
        });
        Cycles { found: !cycles.is_empty(), count: cycles.len(), requirements: involved, cycles }
    }

    /// The cycle that giving `id` these dependencies would close, as the ids along it from `id` back to
    /// `id`; `None` if it would close none.
    ///
    /// Only dependencies that `id` does not have yet can close a cycle: an edit of a requirement that
    /// is in one already is not held against it. `id` need not exist yet.
    pub fn closes_cycle(&self, id: &str, new_dependencies: &BTreeSet<String>) -> Option<Vec<String>> {
        let slot = self.find_named(id);
        let current = slot.map_or(&[][..], |slot| &self.at(slot).up);
        let is_new =
            |name: &&String| self.find_named(name).is_none_or(|named| current.binary_search(&named).is_err());
        let added: Vec<&String> = new_dependencies.iter().filter(is_new).collect();
        if added.iter().any(|name| *name == id) {
            return Some(vec![id.to_owned(), id.to_owned()]);
        }
        let slot = slot?;
        let starts = added.into_iter().filter_map(|name| self.find(name));
        let way = self.shortest_way(starts, slot, |_| true)?;
        Some(
            std::iter::once(id).chain(way.into_iter().map(|slot| self.id(slot))).map(str::to_owned).collect(),
        )
    }

    /// A shortest way through these members from the one with the first id back to it.
    fn shortest_ring(&self, members: &[u32]) -> Vec<String> {
        let Some(first) = members.iter().copied().min_by_key(|slot| self.id(*slot)) else {
            return Vec::new();
        };
        let component = self.components().component(first);
        let inside = |slot: u32| self.components().component(slot) == component;
        let starts = View::all(self).up(first).filter(|slot| *slot != first && inside(*slot));
        let way = self.shortest_way(starts, first, inside).unwrap_or_default();
        std::iter::once(first).chain(way).map(|slot| self.id(slot).to_owned()).collect()
    }

    /// A shortest way along dependencies from one of `starts` to `goal`, which need not be a requirement.
    pub(super) fn shortest_way(
        &self,
        starts: impl Iterator<Item = u32>,
        goal: u32,
        may_pass: impl Fn(u32) -> bool,
    ) -> Option<Vec<u32>> {
        let mut came_from: HashMap<u32, u32> = HashMap::new();
        let mut seen = Visited::with_capacity(self.width());
        let mut queue: VecDeque<u32> = starts.filter(|slot| !seen.put(*slot as usize)).collect();
        while let Some(slot) = queue.pop_front() {
            if slot == goal {
                let mut way = vec![slot];
                while let Some(before) = way.last().and_then(|slot| came_from.get(slot)) {
                    way.push(*before);
                }
                way.reverse();
                return Some(way);
            }
            for dependency in &self.at(slot).up {
                if (*dependency == goal || may_pass(*dependency)) && !seen.put(*dependency as usize) {
                    came_from.insert(*dependency, slot);
                    queue.push_back(*dependency);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use crate::Status::{Complete, Missing};

    #[test]
    fn cycles_are_named_with_a_shortest_way_around() {
        let matrix = sample::matrix(&[
            // A ring of four with a shortcut from B to D: the shortest way through A leaves C out.
            ("A", Missing, &["B"]),
            ("B", Complete, &["C", "D"]),
            ("C", Missing, &["D"]),
            ("D", Missing, &["A", "BASE"]),
            ("BASE", Missing, &["OTHER:X", "GONE"]),
            ("SELF", Missing, &["SELF", "A"]),
            ("P", Missing, &["Q"]),
            ("Q", Missing, &["P", "Q"]),
        ]);
        let cycles = matrix.cycles();
        assert!(cycles.found);
        assert_eq!(cycles.requirements, 7);
        let found: Vec<(String, String)> =
            cycles.cycles.iter().map(|cycle| (cycle.members.join(" "), cycle.path.join(" "))).collect();
        let want = [("A B C D", "A B D A"), ("P Q", "P Q P"), ("Q", "Q Q"), ("SELF", "SELF SELF")];
        assert_eq!(found, want.map(|(members, path)| (members.to_owned(), path.to_owned())));
        assert_eq!(cycles.count, 4);
    }

    #[test]
    fn an_edit_that_closes_a_cycle_is_told_with_its_path() {
        let matrix = sample::matrix(&[
            ("A", Missing, &["B"]),
            ("B", Missing, &["C"]),
            ("C", Missing, &["COMING"]),
            ("D", Missing, &[]),
            ("P", Missing, &["Q"]),
            ("Q", Missing, &["P"]),
            ("SELF", Missing, &["SELF"]),
        ]);
        // name, id, its dependencies after the edit, the cycle
        let cases: [(&str, &str, &[&str], &str); 11] = [
            ("long way", "C", &["A"], "C A B C"),
            ("the shortest of two", "C", &["A", "B"], "C B C"),
            ("no way back", "A", &["B", "D"], ""),
            ("itself", "D", &["D"], "D D"),
            ("itself, not there yet", "NEW", &["NEW"], "NEW NEW"),
            ("one that is named already", "COMING", &["A"], "COMING A B C COMING"),
            ("one that nothing names", "NEW", &["A"], ""),
            ("an orphan", "A", &["GONE", "x:A"], ""),
            ("kept inside an old cycle", "P", &["Q"], ""),
            ("added to an old cycle", "P", &["Q", "D"], ""),
            ("kept on itself", "SELF", &["SELF"], ""),
        ];
        for (name, id, dependencies, want) in cases {
            let dependencies = dependencies.iter().map(|id| (*id).to_owned()).collect();
            let found = matrix.closes_cycle(id, &dependencies).unwrap_or_default().join(" ");
            assert_eq!(found, want, "{name}");
        }
    }
}
