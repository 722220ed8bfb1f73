//! Completion: how far a project, a phase, a category has come.
//!
//! COMPLETE counts 100 %, PARTIAL 50 %, everything else nothing. Percentages are computed in
//! integers and rounded half up to one decimal, so that the same counts give the same text everywhere.

use super::matrix::Matrix;
use crate::Status;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many requirements have each status, and what that makes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// All of them.
    pub total: u64,
    /// Those that are done.
    pub complete: u64,
    /// Those that are half done.
    pub partial: u64,
    /// Those with status MISSING; NOT_STARTED has a count of its own.
    pub missing: u64,
    /// Those with status NOT_STARTED.
    pub not_started: u64,
    /// `(complete + partial / 2) / total` in percent, with one decimal; 0 for nothing.
    pub percentage: f64,
}

/// The completion of a project.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Completion {
    /// Of all requirements.
    #[serde(flatten)]
    pub counts: Counts,
    /// By phase in ascending order; last those without one.
    pub phases: Vec<PhaseCompletion>,
    /// By category in alphabetical order.
    pub categories: Vec<CategoryCompletion>,
}

/// The completion of a phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseCompletion {
    /// The phase; `None` for requirements without one.
    pub phase: Option<u32>,
    /// Of its requirements.
    #[serde(flatten)]
    pub counts: Counts,
}

/// The completion of a category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryCompletion {
    /// The category.
    pub category: String,
    /// Of its requirements.
    #[serde(flatten)]
    pub counts: Counts,
}

impl Counts {
    /// Adds so many requirements of one status.
    pub fn add(&mut self, status: Status, count: u64) {
        self.total += count;
        match status {
            Status::Complete => self.complete += count,
            Status::Partial => self.partial += count,
            Status::Missing => self.missing += count,
            Status::NotStarted => self.not_started += count,
        }
        self.percentage = percentage(2 * self.complete + self.partial, 2 * self.total);
    }
}

/// `part` of `whole` in percent, rounded half up to one decimal; 0 of nothing is 0.
pub(super) fn percentage(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    let (part, whole) = (u128::from(part), u128::from(whole));
    let tenths = (part * 1_000 + whole / 2) / whole;
    tenths as f64 / 10.0
}

impl Completion {
    /// The completion of what was counted elsewhere: status, phase, category, how many.
    pub fn of<'a>(counted: impl IntoIterator<Item = (Status, Option<u32>, &'a str, u64)>) -> Completion {
        let mut all = Counts::default();
        let mut phases: BTreeMap<(bool, Option<u32>), Counts> = BTreeMap::new();
        let mut categories: BTreeMap<&str, Counts> = BTreeMap::new();
        for (status, phase, category, count) in counted {
            all.add(status, count);
            phases.entry((phase.is_none(), phase)).or_default().add(status, count);
            categories.entry(category).or_default().add(status, count);
        }
        let categories = categories.into_iter();
        Completion {
            counts: all,
            phases: phases
                .into_iter()
                .map(|((_, phase), counts)| PhaseCompletion { phase, counts })
                .collect(),
            categories: categories
                .map(|(category, counts)| CategoryCompletion { category: category.to_owned(), counts })
                .collect(),
        }
    }
}

impl Matrix {
    /// How far the project has come, and each of its phases and categories.
    pub fn completion(&self) -> Completion {
        Completion::of(self.rows().map(|(.., row)| (row.status, row.phase, &*row.category, 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::Status::{Complete, Missing, NotStarted, Partial};

    #[test]
    fn percentages_are_those_that_upstream_prints_for_real_files() {
        // file, complete, partial, missing, percentage
        let cases = [
            ("b3faee3", 27, 0, 43, 38.6),
            ("8cb5dbc", 54, 0, 26, 67.5),
            ("75fa3f0", 287, 0, 0, 100.0),
            ("fixture", 1, 2, 5, 25.0),
            ("wireshark", 43, 0, 0, 100.0),
            ("aegis", 9, 1, 4, 67.9),
            ("multirow", 5, 1, 8, 39.3),
            ("a half goes up", 0, 1, 39, 1.3),
            ("nothing", 0, 0, 0, 0.0),
        ];
        for (file, complete, partial, missing, want) in cases {
            let mut counts = Counts::default();
            counts.add(Complete, complete);
            counts.add(Partial, partial);
            counts.add(Missing, missing);
            assert_eq!(counts.percentage, want, "{file}");
        }
    }

    #[test]
    fn completion_is_given_by_phase_and_by_category() {
        let mut matrix = Matrix::new();
        let rows = [
            ("A", Complete, "UI", 2),
            ("B", Partial, "API", 10),
            ("C", Missing, "UI", 0),
            ("D", NotStarted, "UI", 2),
        ];
        for (id, status, category, phase) in rows {
            let mut requirement = sample::plain(status, crate::Priority::Medium, 1.0, phase);
            requirement.category = category.to_owned();
            matrix.upsert(id, &requirement);
        }
        let completion = matrix.completion();
        let all = Counts { total: 4, complete: 1, partial: 1, missing: 1, not_started: 1, percentage: 37.5 };
        assert_eq!(completion.counts, all);
        let phases: Vec<(Option<u32>, u64, f64)> =
            completion.phases.iter().map(|it| (it.phase, it.counts.total, it.counts.percentage)).collect();
        assert_eq!(phases, [(Some(2), 2, 50.0), (Some(10), 1, 50.0), (None, 1, 0.0)]);
        let categories: Vec<(&str, u64, f64)> = completion
            .categories
            .iter()
            .map(|it| (it.category.as_str(), it.counts.total, it.counts.percentage))
            .collect();
        assert_eq!(categories, [("API", 1, 50.0), ("UI", 3, 33.3)]);
        let json = serde_json::to_value(&completion).expect("it has only string keys");
        assert_eq!(json["percentage"], 37.5);
        assert_eq!(json["phases"][0]["complete"], 1);
    }
}
