//! What stands directly around one requirement, and how much lies beyond.
//!
//! A list shows many requirements at once, so the walk beyond the neighbours stops at a limit: whether
//! a thousand or a hundred thousand wait is the same to a reader of a list. [`Matrix::impact`] counts
//! them all.

use super::matrix::{Matrix, is_cross_repo};
use super::view::View;
use crate::Status;
use std::collections::{HashSet, VecDeque};

/// The neighbours of one requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// What it depends on directly, by id, at most as many as were asked for.
    pub up: Vec<Neighbour>,
    /// How many it depends on directly, names of nothing included.
    pub up_count: usize,
    /// What depends on it directly, by id, at most as many as were asked for.
    pub down: Vec<Neighbour>,
    /// How many depend on it directly.
    pub down_count: usize,
    /// How many it depends on, directly or not, itself left out; no more than the limit.
    pub reach_up: usize,
    /// How many depend on it, directly or not, itself left out; no more than the limit.
    pub reach_down: usize,
}

/// An id that a requirement names, or a requirement that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// The id.
    pub id: String,
    /// Its status; `None` if no requirement of the project has the id.
    pub status: Option<Status>,
    /// Whether the id is one of another repository.
    pub is_elsewhere: bool,
}

impl Matrix {
    /// The neighbours of a requirement, at most `shown` each way, and how many are reached each way up
    /// to `limit`; `None` if it does not exist.
    pub fn around(&self, id: &str, shown: usize, limit: usize) -> Option<Around> {
        let slot = self.find(id)?;
        let view = View::all(self);
        let neighbours = |slots: &[u32]| {
            let mut slots = slots.to_vec();
            slots.sort_unstable_by_key(|slot| self.id(*slot));
            slots.truncate(shown);
            slots.into_iter().map(|slot| self.neighbour(slot)).collect()
        };
        let (up, down) = (&self.at(slot).up, &self.at(slot).down);
        Some(Around {
            up: neighbours(up),
            up_count: up.len(),
            down: neighbours(down),
            down_count: down.len(),
            reach_up: reach(slot, limit, |slot| view.up(slot)),
            reach_down: reach(slot, limit, |slot| view.down(slot)),
        })
    }

    fn neighbour(&self, slot: u32) -> Neighbour {
        let id = self.id(slot).to_owned();
        let status = self.at(slot).row.as_ref().map(|row| row.status);
        Neighbour { is_elsewhere: status.is_none() && is_cross_repo(&id), id, status }
    }
}

/// How many others a walk reaches, up to a limit.
fn reach<N: Iterator<Item = u32>>(start: u32, limit: usize, next: impl Fn(u32) -> N) -> usize {
    let mut seen = HashSet::from([start]);
    let mut queue = VecDeque::from([start]);
    while let Some(slot) = queue.pop_front() {
        for neighbour in next(slot) {
            if seen.len() > limit {
                return limit;
            }
            if seen.insert(neighbour) {
                queue.push_back(neighbour);
            }
        }
    }
    (seen.len() - 1).min(limit)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::Status::{Complete, Missing};

    #[test]
    fn neighbours_are_told_with_their_status_and_the_walk_stops_at_the_limit() {
        let matrix = sample::matrix(&[
            ("BASE", Complete, &[]),
            ("MID", Missing, &["BASE", "GONE", "other:X"]),
            ("TOP-1", Missing, &["MID"]),
            ("TOP-2", Missing, &["MID"]),
            ("FAR", Missing, &["TOP-1", "MID"]),
        ]);
        let around = matrix.around("MID", 2, 100).expect("it is in the table");
        let of = |found: &[Neighbour]| {
            found.iter().map(|it| (it.id.clone(), it.status, it.is_elsewhere)).collect::<Vec<_>>()
        };
        assert_eq!(of(&around.up), [("BASE".into(), Some(Complete), false), ("GONE".into(), None, false)]);
        assert_eq!((around.up_count, around.reach_up), (3, 1));
        assert_eq!(
            of(&around.down),
            [("FAR".into(), Some(Missing), false), ("TOP-1".into(), Some(Missing), false)]
        );
        assert_eq!((around.down_count, around.reach_down), (3, 3));
        assert_eq!(matrix.around("MID", 9, 2).expect("it is in the table").reach_down, 2);
        assert!(of(&matrix.around("MID", 9, 0).expect("it is in the table").up)[2].2, "one is elsewhere");
        assert_eq!(matrix.around("GONE", 1, 1), None);
    }

    #[test]
    fn a_ring_is_walked_once() {
        let matrix =
            sample::matrix(&[("A", Missing, &["B"]), ("B", Missing, &["A"]), ("S", Missing, &["S"])]);
        let around = matrix.around("A", 9, 9).expect("it is in the table");
        assert_eq!((around.reach_up, around.reach_down), (1, 1));
        assert_eq!(matrix.around("S", 9, 9).expect("it is in the table").reach_up, 0);
    }
}
