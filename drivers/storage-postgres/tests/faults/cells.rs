//! Which cells there are, and which of them a run takes.

use crate::operation::Operation;
use crate::support::proxy::{Counts, Fault, Plan, Point};
use std::collections::BTreeMap;

/// One operation, one failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) operation: Operation,
    pub(crate) plan: Plan,
    /// Whether all connections have ended before, so that the operation begins with a new one.
    pub(crate) cold: bool,
    /// Which of the servers.
    pub(crate) server: usize,
}

/// How cells are drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draw {
    pub(crate) seed: u64,
    /// How many, or all.
    pub(crate) wanted: Option<usize>,
}

impl Draw {
    /// The cells, given the messages of each operation on each server.
    ///
    /// Every operation meets every failure around its `COMMIT`, where the outcome hangs by it; the rest
    /// of the cells lies anywhere in the operation. Servers take turns.
    pub(crate) fn cells(self, recorded: &[BTreeMap<Operation, Counts>]) -> Vec<Cell> {
        let mut numbers = Numbers(self.seed);
        let mut around_commit = Vec::new();
        let mut anywhere = Vec::new();
        for operation in Operation::ALL {
            for fault in Fault::ALL.into_iter().filter(|fault| operation.meets(*fault)) {
                let servers = recorded
                    .iter()
                    .enumerate()
                    .filter_map(|(at, counts)| counts.get(&operation).map(|counts| (at, *counts)));
                for (server, counts) in servers {
                    let cell = |point, away, cold| Cell {
                        operation,
                        // What must not be tried again finds a network that is back at once, or it could not be.
                        plan: Plan {
                            point,
                            fault,
                            away: away && fault.ends() && operation != Operation::Restore,
                        },
                        cold,
                        server,
                    };
                    for point in [Point::Commit, Point::CommitReply(1), Point::CommitReply(2)] {
                        around_commit.push(cell(point, numbers.next().is_multiple_of(2), false));
                    }
                    // A new connection says about as much again before the operation.
                    let fronts = (1..=counts.front).map(|at| (Point::Front(at), false));
                    let backs = (1..=counts.back).map(|at| (Point::Back(at), false));
                    let cold = (1..=8).flat_map(|at| [(Point::Front(at), true), (Point::Back(at), true)]);
                    for (point, cold) in fronts.chain(backs).chain(cold) {
                        anywhere.push(cell(point, numbers.next().is_multiple_of(4), cold));
                    }
                }
            }
        }
        let Some(wanted) = self.wanted else {
            around_commit.append(&mut anywhere);
            return around_commit;
        };
        numbers.shuffle(&mut around_commit);
        numbers.shuffle(&mut anywhere);
        let mut drawn = Vec::with_capacity(wanted);
        let mut taken: BTreeMap<(Operation, Fault, bool), usize> = BTreeMap::new();
        // Round after round, one more of each operation, failure and place, until there are enough.
        for round in 1.. {
            let before = drawn.len();
            for (cells, commit) in [(&mut around_commit, true), (&mut anywhere, false)] {
                let mut left = Vec::new();
                for cell in cells.drain(..) {
                    let count = taken.entry((cell.operation, cell.plan.fault, commit)).or_default();
                    if *count < round && drawn.len() < wanted && cell.server == (drawn.len() % recorded.len())
                    {
                        *count += 1;
                        drawn.push(cell);
                    } else {
                        left.push(cell);
                    }
                }
                *cells = left;
            }
            if drawn.len() == wanted || drawn.len() == before {
                break;
            }
        }
        drawn
    }
}

/// Numbers that are the same for the same seed.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let drawn = self.next() % (last as u64 + 1);
            items.swap(last, usize::try_from(drawn).expect("it is an index"));
        }
    }
}
