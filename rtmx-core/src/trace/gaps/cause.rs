//! Why one requirement is a gap, with the other requirements that it is about.

use super::super::matrix::{Matrix, Slot, is_cross_repo};
use super::super::view::View;
use super::reason::{Reason, Reasons};
use crate::Status;
use serde::{Deserialize, Serialize};
use std::cell::Cell;

/// The most other requirements that a cause of one requirement lists.
const OTHERS: Bounds = Bounds { others: 100, steps: usize::MAX };
/// The same in a list of gaps, where a way around a cycle is given up after so many edges: fifty rows of
/// one huge cycle would else walk through it fifty times.
pub(super) const OTHERS_IN_LIST: Bounds = Bounds { others: 8, steps: 1_000 };
/// The most ids that a message names.
const NAMED: usize = 3;

/// How much of what a cause is about is looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    others: usize,
    steps: usize,
}

/// One reason for which a requirement is a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cause {
    /// The reason.
    pub reason: Reason,
    /// What is the matter, such as `waits for REQ-A-1, which is not complete`.
    pub message: String,
    /// The ids that it is about, the first of them if there are many. Blocked and complete on incomplete:
    /// the dependencies that are not complete, by id. Unknown dependency: the ids that exist nowhere. In a
    /// cycle: a shortest way from the requirement along dependencies back to itself, with its id at both
    /// ends; empty in a list if it was not found within 1,000 steps. Else empty.
    pub others: Vec<String>,
    /// How many ids it is about, listed or not; for a cycle how many requirements wait for each other.
    pub count: usize,
}

impl Matrix {
    /// Why this requirement is a gap, the gravest reason first; empty if it is none, `None` if it does
    /// not exist. At most 100 `others` a cause.
    pub fn reasons(&self, id: &str) -> Option<Vec<Cause>> {
        self.find(id).map(|slot| self.causes(slot, OTHERS))
    }

    /// The reasons that hold for a requirement.
    pub(super) fn reason_set(&self, slot: u32) -> Reasons {
        let named = self.at(slot);
        let Some(row) = &named.row else { return Reasons::default() };
        let complete = row.status.is_complete();
        let (mut waits, mut on_itself, mut orphaned) = (false, false, false);
        for dependency in &named.up {
            on_itself |= *dependency == slot;
            match &self.at(*dependency).row {
                Some(other) => waits |= !other.status.is_complete(),
                None => orphaned |= !is_cross_repo(self.id(*dependency)),
            }
        }
        let mut reasons = Reasons::default();
        reasons.put(Reason::CompleteUntested, complete && !named.is_tested());
        reasons.put(Reason::CompleteOnIncomplete, complete && waits);
        reasons.put(Reason::InCycle, self.ring_of(slot).len() > 1);
        reasons.put(Reason::SelfDependency, on_itself);
        reasons.put(Reason::OrphanedDependency, orphaned);
        reasons.put(Reason::Blocked, !complete && waits);
        reasons.put(Reason::Missing, matches!(row.status, Status::Missing | Status::NotStarted));
        reasons.put(Reason::Partial, row.status == Status::Partial);
        reasons.put(Reason::Untested, !named.is_tested());
        reasons
    }

    pub(super) fn causes(&self, slot: u32, bounds: Bounds) -> Vec<Cause> {
        self.reason_set(slot).iter().map(|reason| self.cause(slot, reason, bounds)).collect()
    }

    fn cause(&self, slot: u32, reason: Reason, bounds: Bounds) -> Cause {
        let named = self.at(slot);
        let incomplete = |other: &Slot| other.row.as_ref().is_some_and(|row| !row.status.is_complete());
        let unknown = |other: &Slot| other.row.is_none() && !is_cross_repo(&other.id);
        let status = named.row.as_ref().map_or("", |row| row.status.name());
        let plain = |message: &str| (message.to_owned(), Vec::new());
        let (message, mut others) = match reason {
            Reason::CompleteUntested => plain("is COMPLETE and names no test"),
            Reason::SelfDependency => plain("depends on itself"),
            Reason::Missing | Reason::Partial => plain(&format!("its status is {status}")),
            Reason::Untested => plain("names no test"),
            Reason::CompleteOnIncomplete => {
                let ids = self.picked(&named.up, incomplete);
                let are = if ids.len() == 1 { "is" } else { "are" };
                let message = format!("is COMPLETE and depends on {}, which {are} not", sentence(&ids));
                (message, ids)
            }
            Reason::Blocked => {
                let ids = self.picked(&named.up, incomplete);
                let are = if ids.len() == 1 { "is" } else { "are" };
                (format!("waits for {}, which {are} not complete", sentence(&ids)), ids)
            }
            Reason::OrphanedDependency => {
                let ids = self.picked(&named.up, unknown);
                let exist = if ids.len() == 1 { "exists" } else { "exist" };
                (format!("depends on {}, which {exist} nowhere", sentence(&ids)), ids)
            }
            Reason::InCycle => {
                let ring = self.ring_of(slot).len();
                let message = format!("is one of {ring} requirements that wait for each other");
                (message, self.way_around(slot, bounds))
            }
        };
        let count = if reason == Reason::InCycle { self.ring_of(slot).len() } else { others.len() };
        others.truncate(bounds.others);
        Cause { reason, message, others, count }
    }

    /// The ids of those of these slots that are wanted, sorted.
    fn picked(&self, slots: &[u32], wanted: impl Fn(&Slot) -> bool) -> Vec<String> {
        self.pick(slots, wanted).into_iter().map(|slot| slot.id.to_string()).collect()
    }

    /// The requirements that wait for each other together with this one; it alone if none does.
    fn ring_of(&self, slot: u32) -> &[u32] {
        let components = self.components();
        components.members(components.component(slot))
    }

    /// A shortest way from a requirement through others back to itself.
    fn way_around(&self, slot: u32, bounds: Bounds) -> Vec<String> {
        let components = self.components();
        let inside = |other: u32| components.component(other) == components.component(slot);
        let left = Cell::new(bounds.steps);
        let may_pass = |other: u32| match left.get().checked_sub(1) {
            Some(fewer) => {
                left.set(fewer);
                self.at(other).row.is_some() && inside(other)
            }
            None => false,
        };
        let starts = View::all(self).up(slot).filter(|other| *other != slot && inside(*other));
        let Some(way) = self.shortest_way(starts, slot, may_pass) else { return Vec::new() };
        std::iter::once(slot).chain(way).map(|slot| self.id(slot).to_owned()).collect()
    }
}

/// `A`, `A and B`, `A, B, C and 4 more`.
fn sentence(ids: &[String]) -> String {
    match ids {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if ids.len() <= NAMED => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} more", ids[..NAMED].join(", "), ids.len() - NAMED),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::*;
    use crate::Status::{Complete, Missing, NotStarted, Partial};

    fn told(matrix: &Matrix, id: &str) -> Vec<String> {
        let causes = matrix.reasons(id).expect("the id is in the table");
        let tell = |cause: Cause| {
            format!("{}: {} [{}] {}", cause.reason.name(), cause.message, cause.others.join(" "), cause.count)
        };
        causes.into_iter().map(tell).collect()
    }

    #[test]
    fn every_reason_is_told_with_what_it_is_about() {
        let mut matrix = sample::matrix(&[
            ("BASE", Missing, &[]),
            ("HALF", Partial, &["BASE", "sync:X:REQ-1"]),
            ("WAITS", NotStarted, &["BASE", "HALF", "R1", "R2", "R3"]),
            ("DONE", Complete, &["GOOD"]),
            ("GOOD", Complete, &["other@repo"]),
            ("EARLY", Complete, &["BASE"]),
            ("LOST", Complete, &["GONE", "WENT"]),
            ("SELF", Complete, &["SELF"]),
            ("R1", Missing, &["R2", "R2"]),
            ("R2", Complete, &["R3", "R1"]),
            ("R3", Missing, &["R1"]),
        ]);
        let mut bare = sample::requirement(Complete, &[], &[]);
        bare.test_function = "MISSING".into();
        matrix.upsert("BARE", &bare);
        // id, what is told
        let cases: [(&str, &[&str]); 10] = [
            ("BASE", &["missing: its status is MISSING [] 0"]),
            (
                "HALF",
                &[
                    "blocked: waits for BASE, which is not complete [BASE] 1",
                    "partial: its status is PARTIAL [] 0",
                ],
            ),
            (
                "WAITS",
                &[
                    "blocked: waits for BASE, HALF, R1 and 1 more, which are not complete [BASE HALF R1 R3] 4",
                    "missing: its status is NOT_STARTED [] 0",
                ],
            ),
            ("DONE", &[]),
            ("GOOD", &[]),
            ("EARLY", &["complete_on_incomplete: is COMPLETE and depends on BASE, which is not [BASE] 1"]),
            ("LOST", &["orphaned_dependency: depends on GONE and WENT, which exist nowhere [GONE WENT] 2"]),
            ("SELF", &["self_dependency: depends on itself [] 0"]),
            (
                "R2",
                &[
                    "complete_on_incomplete: is COMPLETE and depends on R1 and R3, which are not [R1 R3] 2",
                    "in_cycle: is one of 3 requirements that wait for each other [R2 R1 R2] 3",
                ],
            ),
            (
                "BARE",
                &["complete_untested: is COMPLETE and names no test [] 0", "untested: names no test [] 0"],
            ),
        ];
        for (id, want) in cases {
            assert_eq!(told(&matrix, id), want, "{id}");
        }
        assert_eq!(matrix.reasons("GONE"), None, "what is only named is no requirement");

        matrix.add_test("BARE");
        assert_eq!(told(&matrix, "BARE"), [""; 0], "a test link is a test");
        matrix.remove_test("BARE");
        assert_eq!(told(&matrix, "BARE").len(), 2);
    }

    #[test]
    fn a_way_around_is_given_up_in_a_list_and_not_for_one_requirement() {
        let ids: Vec<String> = (0..3_000).map(|n| format!("R{n:04}")).collect();
        let mut matrix = Matrix::new();
        for (n, id) in ids.iter().enumerate() {
            let before = ids[(n + ids.len() - 1) % ids.len()].as_str();
            matrix.upsert(id, &sample::requirement(Missing, &[before], &[]));
        }
        let slot = matrix.find("R0007").expect("it was just added");
        let way = |causes: Vec<Cause>| causes[0].others.clone();
        assert_eq!(way(matrix.causes(slot, OTHERS_IN_LIST)), [""; 0]);
        let known = way(matrix.reasons("R0007").expect("it is there"));
        assert_eq!((known.len(), known[0].as_str(), known[1].as_str()), (100, "R0007", "R0006"));
    }
}
