//! What to work on next, and what can be worked on side by side.
//!
//! A web is a set of incomplete requirements that dependencies connect; two webs have nothing to do
//! with each other, so two people can take one each. Claims are deliberately absent: who has taken
//! what is not a property of the matrix.

use super::item::{Item, weeks};
use super::matrix::Matrix;
use super::view::View;
use petgraph::unionfind::UnionFind;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// What to work on next.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Next {
    /// The best requirement to start now; `None` if everything is done or blocked.
    pub best: Option<Item>,
    /// The best ones to start now: by priority, then the least effort (unknown first), then id.
    pub candidates: Vec<Item>,
    /// How many can be started now.
    pub unblocked_count: usize,
    /// How many wait for others.
    pub blocked_count: usize,
    /// How many webs there are.
    pub web_count: usize,
    /// The number of the web to take as a whole: the first of those whose best requirement is most urgent.
    pub best_web: Option<usize>,
    /// The webs, the one with most effort first.
    pub webs: Vec<Web>,
    /// Folders of tests that more than one web touches.
    pub overlaps: Vec<Overlap>,
}

/// Incomplete requirements that dependencies connect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Web {
    /// Its number, from 1 in the order of the webs.
    pub number: usize,
    /// How many requirements it has.
    pub total: usize,
    /// How many of them can be started now.
    pub unblocked_count: usize,
    /// How many of them wait for others.
    pub blocked_count: usize,
    /// Their effort together; an unknown one counts nothing.
    pub total_effort_weeks: f64,
    /// The best one to start now.
    pub best: Option<Item>,
    /// The first that can be started now, by id.
    pub unblocked: Vec<String>,
    /// The first that wait, by id.
    pub blocked: Vec<String>,
}

/// A folder of tests that several webs touch, so that work on them may collide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Overlap {
    /// The folder.
    pub folder: String,
    /// How many webs touch it.
    pub web_count: usize,
    /// The numbers of the first of them.
    pub webs: Vec<usize>,
}

/// A web while it is put together.
#[derive(Default)]
struct Members {
    unblocked: Vec<u32>,
    blocked: Vec<u32>,
    effort: f64,
}

impl Matrix {
    /// What to work on next; every list in the answer has at most `limit` entries.
    pub fn next(&self, limit: usize) -> Next {
        let webs = self.webs();
        let mut unblocked: Vec<u32> = webs.iter().flat_map(|web| &web.unblocked).copied().collect();
        unblocked.sort_unstable_by(|a, b| self.by_urgency(*a, *b));
        let blocked_count = webs.iter().map(|web| web.blocked.len()).sum();

        let best_of = |web: &Members| web.unblocked.iter().copied().min_by(|a, b| self.by_urgency(*a, *b));
        let urgency = |web: &Members| self.at(best_of(web)?).row.as_ref().map(|row| row.priority);
        let best_web = webs.iter().zip(1..).filter_map(|(web, number)| Some((urgency(web)?, number))).min();
        let first_ids =
            |slots: &[u32]| slots.iter().take(limit).map(|slot| self.id(*slot).to_owned()).collect();
        let describe = |(web, number): (&Members, usize)| Web {
            number,
            total: web.unblocked.len() + web.blocked.len(),
            unblocked_count: web.unblocked.len(),
            blocked_count: web.blocked.len(),
            total_effort_weeks: weeks(web.effort),
            best: best_of(web).and_then(|slot| self.item_at(slot)),
            unblocked: first_ids(&web.unblocked),
            blocked: first_ids(&web.blocked),
        };
        Next {
            best: unblocked.first().and_then(|slot| self.item_at(*slot)),
            candidates: unblocked.iter().take(limit).filter_map(|slot| self.item_at(*slot)).collect(),
            unblocked_count: unblocked.len(),
            blocked_count,
            web_count: webs.len(),
            best_web: best_web.map(|(_, number)| number),
            webs: webs.iter().zip(1..).take(limit).map(describe).collect(),
            overlaps: self.overlaps(&webs, limit),
        }
    }

    /// The webs, most effort first, then by their first id; members by id.
    fn webs(&self) -> Vec<Members> {
        let view = View::incomplete(self);
        let mut joined: UnionFind<u32> = UnionFind::new(self.width());
        for slot in view.nodes() {
            view.up(slot).for_each(|dependency| {
                joined.union(slot, dependency);
            });
        }
        let mut webs: Vec<Members> = Vec::new();
        let mut numbers: HashMap<u32, usize> = HashMap::new();
        for slot in self.slots_by_id().into_iter().filter(|slot| view.has(*slot)) {
            let number = *numbers.entry(joined.find_mut(slot)).or_insert(webs.len());
            if number == webs.len() {
                webs.push(Members::default());
            }
            let web = &mut webs[number];
            web.effort += self.at(slot).row.as_ref().map_or(0.0, |row| row.effort);
            if self.blocked(slot) { web.blocked.push(slot) } else { web.unblocked.push(slot) }
        }
        webs.sort_by(|a, b| weeks(b.effort).total_cmp(&weeks(a.effort)));
        webs
    }

    fn overlaps(&self, webs: &[Members], limit: usize) -> Vec<Overlap> {
        let mut folders: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (web, number) in webs.iter().zip(1..) {
            for slot in web.unblocked.iter().chain(&web.blocked) {
                let folder = self.at(*slot).row.as_ref().map_or("", |row| &*row.test_folder);
                let touched = folders.entry(folder).or_default();
                if touched.last() != Some(&number) {
                    touched.push(number);
                }
            }
        }
        let shared =
            folders.into_iter().filter(|(folder, webs)| !folder.is_empty() && webs.len() > 1).take(limit);
        shared
            .map(|(folder, mut webs)| {
                let web_count = webs.len();
                webs.truncate(limit);
                Overlap { folder: folder.to_owned(), web_count, webs }
            })
            .collect()
    }

    /// Priority, effort (unknown first), id.
    fn by_urgency(&self, a: u32, b: u32) -> std::cmp::Ordering {
        let key = |slot: u32| {
            let row = self.at(slot).row.as_ref();
            row.map_or((0, 0.0), |row| (row.priority.weight(), row.effort))
        };
        let ((priority_a, effort_a), (priority_b, effort_b)) = (key(a), key(b));
        let by_facts = priority_a.cmp(&priority_b).then_with(|| effort_a.total_cmp(&effort_b));
        by_facts.then_with(|| self.id(a).cmp(self.id(b)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::Priority::{High, Low, Medium, P0};
    use crate::Status::{Complete, Missing, Partial};

    #[test]
    fn next_is_the_most_urgent_unblocked_one_and_webs_are_what_dependencies_connect() {
        let mut matrix = Matrix::new();
        let rows = [
            // Two webs that only a complete requirement connects, one alone, and a ring where nothing can start.
            ("A1", Missing, High, 2.0, "tests/a/one.rs", &[][..]),
            ("A2", Partial, P0, 1.0, "tests/a/two.rs", &["A1", "DONE"]),
            ("DONE", Complete, P0, 9.0, "tests/a/three.rs", &["B1"]),
            ("B1", Missing, High, 1.0, "tests/b/one.rs", &[]),
            ("B2", Missing, Low, 0.5, "tests/a/four.rs", &["B1"]),
            ("LONE", Missing, Medium, 0.0, "mod", &["GONE"]),
            ("RING-1", Missing, P0, 4.0, "", &["RING-2"]),
            ("RING-2", Missing, P0, 4.0, "", &["RING-1"]),
        ];
        for (id, status, priority, effort, module, dependencies) in rows {
            let mut requirement = sample::plain(status, priority, effort, 1);
            requirement.dependencies = sample::requirement(status, dependencies, &[]).dependencies;
            requirement.test_module = module.to_owned();
            matrix.upsert(id, &requirement);
        }
        let next = matrix.next(10);
        let candidates: Vec<&str> = next.candidates.iter().map(|item| item.req_id.as_str()).collect();
        assert_eq!(candidates, ["B1", "A1", "LONE"]);
        assert_eq!(next.best.as_ref().map(|item| item.req_id.as_str()), Some("B1"));
        assert_eq!((next.unblocked_count, next.blocked_count, next.web_count), (3, 4, 4));
        assert_eq!(next.best_web, Some(2), "A1 and B1 are equally urgent, and A's web comes first");
        let webs: Vec<(String, String, f64)> = next
            .webs
            .iter()
            .map(|web| (web.unblocked.join(" "), web.blocked.join(" "), web.total_effort_weeks))
            .collect();
        let want = [("", "RING-1 RING-2", 8.0), ("A1", "A2", 3.0), ("B1", "B2", 1.5), ("LONE", "", 0.0)];
        assert_eq!(webs, want.map(|(free, blocked, weeks)| (free.to_owned(), blocked.to_owned(), weeks)));
        assert_eq!(next.overlaps, [Overlap { folder: "tests/a".into(), web_count: 2, webs: vec![2, 3] }]);

        let short = matrix.next(1);
        assert_eq!((short.candidates.len(), short.webs.len(), short.web_count), (1, 1, 4));
        assert_eq!(short.overlaps[0].webs, [2]);
        assert_eq!(short.webs[0].blocked, ["RING-1"]);
        assert_eq!(Matrix::new().next(5), Next::default());
    }
}
