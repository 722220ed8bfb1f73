//! Search terms: what a document is found by, the same on every engine.
//!
//! Text is folded to lower case and cut into runs of letters and digits. A run that holds `-`, `_`,
//! `.` or `/` between such runs (an id, a path) is found whole and by its parts. A search finds the
//! documents that hold every one of its terms; its last term, unless followed by a space, counts
//! as a prefix. Stemming and stop words are deliberately absent: ids and standards' names matter more
//! than grammar, and every language is treated alike.

use rtmx_core::Requirement;
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
        let folded = search.to_lowercase();
        let mut words: Vec<String> = compounds(&folded).map(str::to_owned).collect();
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
    let folded = folded_document(id, requirement);
    let mut terms = BTreeSet::new();
    for_each_term(&folded, |term| {
        terms.insert(term.to_owned());
    });
    terms
}

/// [`document_terms`] as one text: sorted, each once, a space before each.
///
/// What an engine indexes; a change set of 100,000 rows has some six million terms, so none of them
/// is a string of its own here.
pub fn document_text(id: &str, requirement: &Requirement) -> String {
    let folded = folded_document(id, requirement);
    let mut terms: Vec<&str> = Vec::with_capacity(64);
    for_each_term(&folded, |term| terms.push(term));
    terms.sort_unstable();
    terms.dedup();
    let mut text = String::with_capacity(terms.iter().map(|term| term.len() + 1).sum());
    for term in terms {
        text.push(' ');
        text.push_str(term);
    }
    text
}

/// Everything that is searched in lower case, the columns a space apart.
fn folded_document(id: &str, requirement: &Requirement) -> String {
    let columns = [
        id,
        &requirement.category,
        &requirement.subcategory,
        &requirement.requirement_text,
        &requirement.target_value,
        &requirement.test_module,
        &requirement.test_function,
        &requirement.validation_method,
        &requirement.notes,
        &requirement.assignee,
        &requirement.sprint,
        &requirement.requirement_file,
        &requirement.external_id,
    ];
    let texts = || columns.into_iter().chain(requirement.extra.values().map(String::as_str));
    let mut folded = String::with_capacity(texts().map(|text| text.len() + 1).sum());
    for text in texts() {
        push_folded(&mut folded, text);
        folded.push(' ');
    }
    folded
}

/// Appends a text in lower case. How a letter is folded can depend on its neighbours, so a text is
/// folded by itself, whatever stands beside it.
fn push_folded(to: &mut String, text: &str) {
    if text.is_ascii() {
        let start = to.len();
        to.push_str(text);
        to[start..].make_ascii_lowercase();
    } else {
        to.push_str(&text.to_lowercase());
    }
}

/// Every compound of a folded text and its parts, in no order; some come more than once.
fn for_each_term<'t>(folded: &'t str, mut take: impl FnMut(&'t str)) {
    for compound in compounds(folded) {
        let parts = compound.split(|c: char| !c.is_alphanumeric());
        for part in parts.filter(|part| !part.is_empty() && part.len() != compound.len()) {
            take(part);
        }
        take(compound);
    }
}

/// Runs of letters and digits of a folded text, joined by `-`, `_`, `.` or `/`.
fn compounds(folded: &str) -> impl Iterator<Item = &str> {
    let joins = |c: char| matches!(c, '-' | '_' | '.' | '/');
    folded
        .split(move |c: char| !c.is_alphanumeric() && !joins(c))
        .map(move |run| cut(run.trim_matches(joins)))
        .filter(|run| !run.is_empty())
}

fn cut(term: &str) -> &str {
    if term.len() <= TERM_LIMIT_CHARS {
        return term;
    }
    term.char_indices().nth(TERM_LIMIT_CHARS).map_or(term, |(end, _)| &term[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rtmx_core::{CORE_COLUMNS, Column};

    /// The rules as they are told, a string for every step.
    fn as_told(id: &str, requirement: &Requirement) -> BTreeSet<String> {
        let joins = |c: char| matches!(c, '-' | '_' | '.' | '/');
        let cut = |term: &str| term.chars().take(TERM_LIMIT_CHARS).collect::<String>();
        let mut texts = vec![id.to_owned()];
        let left_out = [
            Column::ReqId,
            Column::Status,
            Column::Priority,
            Column::Phase,
            Column::EffortWeeks,
            Column::StartedDate,
            Column::CompletedDate,
            Column::Dependencies,
            Column::Blocks,
        ];
        let columns = CORE_COLUMNS.into_iter().filter(|column| !left_out.contains(column));
        texts.extend(columns.map(|column| requirement.text_of(column)));
        texts.extend(requirement.extra.values().cloned());
        let mut terms = BTreeSet::new();
        for text in texts {
            let folded = text.to_lowercase();
            for run in folded.split(|c: char| !c.is_alphanumeric() && !joins(c)) {
                let compound = cut(run.trim_matches(joins));
                let parts = compound.split(|c: char| !c.is_alphanumeric());
                terms.extend(parts.filter(|part| part.len() != compound.len()).map(cut));
                terms.insert(compound);
            }
        }
        terms.remove("");
        terms
    }

    proptest! {
        #[test]
        fn a_document_has_the_terms_that_the_rules_tell(
            id in "[A-Za-z0-9._/-]{1,80}",
            texts in prop::collection::vec(r"([a-zA-Z0-9._/@ -]|ΑΣ|Σ|ß|İ|Ⅳ|é|漢|\PC){0,90}", 13),
        ) {
            let mut requirement = Requirement::default();
            let fields = [
                &mut requirement.category,
                &mut requirement.subcategory,
                &mut requirement.requirement_text,
                &mut requirement.target_value,
                &mut requirement.test_module,
                &mut requirement.test_function,
                &mut requirement.validation_method,
                &mut requirement.notes,
                &mut requirement.assignee,
                &mut requirement.sprint,
                &mut requirement.requirement_file,
                &mut requirement.external_id,
            ];
            for (field, text) in fields.into_iter().zip(&texts) {
                field.clone_from(text);
            }
            requirement.extra.insert("risk".into(), texts[12].clone());
            requirement.status.given = Some("notsearched".into());
            let told = as_told(&id, &requirement);
            let text = told.iter().map(|term| format!(" {term}")).collect::<String>();
            prop_assert_eq!(document_text(&id, &requirement), text);
            prop_assert_eq!(document_terms(&id, &requirement), told);
        }
    }

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
