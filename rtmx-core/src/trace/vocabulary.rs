//! The words that the requirements of a matrix use, for whoever types one of them again.

use super::matrix::Matrix;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The words of each column, the most used first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Vocabulary {
    /// Categories.
    pub categories: Vec<String>,
    /// Subcategories.
    pub subcategories: Vec<String>,
    /// Assignees.
    pub assignees: Vec<String>,
    /// Versions that requirements are planned for: the column `sprint`.
    pub sprints: Vec<String>,
    /// Phases, as text.
    pub phases: Vec<String>,
}

impl Matrix {
    /// The words in use, at most `limit` a column; equally frequent ones by the alphabet.
    pub fn vocabulary(&self, limit: usize) -> Vocabulary {
        let mut counts: [HashMap<&str, usize>; 4] = Default::default();
        let mut phases: HashMap<u32, usize> = HashMap::new();
        for (.., row) in self.rows() {
            let words = [&row.category, &row.subcategory, &row.assignee, &row.sprint];
            for (count, word) in counts.iter_mut().zip(words) {
                if !word.is_empty() {
                    *count.entry(&**word).or_default() += 1;
                }
            }
            if let Some(phase) = row.phase {
                *phases.entry(phase).or_default() += 1;
            }
        }
        let most_used = |counts: &HashMap<&str, usize>| {
            let mut words: Vec<(&str, usize)> = counts.iter().map(|(word, count)| (*word, *count)).collect();
            words.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
            words.into_iter().take(limit).map(|(word, _)| word.to_owned()).collect()
        };
        let mut numbers: Vec<u32> = phases.into_keys().collect();
        numbers.sort_unstable();
        Vocabulary {
            categories: most_used(&counts[0]),
            subcategories: most_used(&counts[1]),
            assignees: most_used(&counts[2]),
            sprints: most_used(&counts[3]),
            phases: numbers.into_iter().take(limit).map(|phase| phase.to_string()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use crate::Status::Missing;

    #[test]
    fn words_are_told_by_use_and_then_by_the_alphabet() {
        let mut matrix = sample::matrix(&[]);
        for (id, category, phase) in
            [("1", "B", 10), ("2", "A", 9), ("3", "C", 9), ("4", "C", 2), ("5", "", 2)]
        {
            let mut requirement = sample::requirement(Missing, &[], &[]);
            requirement.category = category.into();
            requirement.phase = Some(phase).into();
            matrix.upsert(id, &requirement);
        }
        let words = matrix.vocabulary(10);
        assert_eq!(words.categories, ["C", "A", "B"]);
        assert_eq!(words.phases, ["2", "9", "10"]);
        assert_eq!(words.assignees, ["alice"]);
        assert!(words.sprints.is_empty());
        assert_eq!(matrix.vocabulary(1).categories, ["C"]);
    }
}
