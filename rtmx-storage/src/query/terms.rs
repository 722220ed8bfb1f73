//! Search terms: what a document is found by, the same on every engine.
//!
//! Text is folded to lower case and cut into runs of letters and digits. A run that holds `-`, `_`,
//! `.` or `/` between such runs (an id, a path) is found whole and by its parts. A search finds the
//! documents that hold every one of its terms; its last term, unless followed by a space, counts
//! as a prefix. Stemming and stop words are deliberately absent: ids and standards' names matter more
//! than grammar, and every language is treated alike.

use rtmx_core::{CORE_COLUMNS, Column, Requirement};
use std::collections::BTreeSet;

/// The longest term in characters; longer runs are cut, in documents and searches alike.
const TERM_LIMIT_CHARS: usize = 64;

/// The terms of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchTerms {
    /// Terms that must occur whole.
    pub whole: BTreeSet<String>,
    /// A term that must occur at least as the beginning of one.
    pub prefix: Option<String>,
}

impl SearchTerms {
    /// Cuts a search into terms; `None` if it holds none, which finds everything.
    pub fn parse(search: &str) -> Option<SearchTerms> {
        let mut words: Vec<String> = compounds(search).collect();
        let open_end = search.chars().next_back().is_some_and(char::is_alphanumeric);
        let prefix = if open_end { words.pop() } else { None };
        let terms = SearchTerms { whole: words.into_iter().collect(), prefix };
        (!terms.whole.is_empty() || terms.prefix.is_some()).then_some(terms)
    }

    /// Whether a document with these terms is found.
    pub fn match_terms(&self, document: &BTreeSet<String>) -> bool {
        let begins = |prefix: &String| {
            document.range(prefix.clone()..).next().is_some_and(|term| term.starts_with(prefix.as_str()))
        };
        self.whole.iter().all(|term| document.contains(term)) && self.prefix.iter().all(begins)
    }
}

/// The terms that a requirement is found by: its id and every text column, but not status,
/// priority, phase, effort and dates, which are filters.
pub fn document_terms(id: &str, requirement: &Requirement) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    add(&mut terms, id);
    for column in CORE_COLUMNS {
        let searched = !matches!(
            column,
            Column::ReqId
                | Column::Status
                | Column::Priority
                | Column::Phase
                | Column::EffortWeeks
                | Column::StartedDate
                | Column::CompletedDate
                | Column::Dependencies
                | Column::Blocks
        );
        if searched {
            add(&mut terms, &requirement.text_of(column));
        }
    }
    requirement.extra.values().for_each(|value| add(&mut terms, value));
    terms
}

fn add(terms: &mut BTreeSet<String>, text: &str) {
    for compound in compounds(text) {
        for part in compound.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()) {
            if part.len() != compound.len() {
                terms.insert(cut(part));
            }
        }
        terms.insert(compound);
    }
}

/// Runs of letters and digits, joined by single `-`, `_`, `.` or `/`, folded to lower case.
fn compounds(text: &str) -> impl Iterator<Item = String> {
    let joins = |c: char| matches!(c, '-' | '_' | '.' | '/');
    let folded = text.to_lowercase();
    let runs: Vec<String> = folded
        .split(|c: char| !c.is_alphanumeric() && !joins(c))
        .map(|run| cut(run.trim_matches(joins)))
        .filter(|run| !run.is_empty())
        .collect();
    runs.into_iter()
}

fn cut(term: &str) -> String {
    term.chars().take(TERM_LIMIT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_whole_in_parts_and_by_prefix() {
        let requirement =
            Requirement { requirement_text: "Shall encrypt Größe at rest".into(), ..Default::default() };
        let document = document_terms("REQ-SEC-012", &requirement);
        // search, found
        let cases = [
            ("req-sec-012", true),
            ("REQ-SEC-0", true),
            ("sec ", true),
            ("se ", false),
            ("encr", true),
            ("encr rest", false),
            ("größe rest", true),
            ("rest encrypt ", true),
            ("missing", false),
        ];
        for (search, found) in cases {
            let terms = SearchTerms::parse(search).expect("each case has a term");
            assert_eq!(terms.match_terms(&document), found, "{search}");
        }
        assert_eq!(SearchTerms::parse(" -- "), None);
    }
}
