//! The list of gaps: which, in what order, how many for each reason.
//!
//! Order: by the grade of the gravest reason, then priority, then how many incomplete requirements wait
//! for it (most first), then id. Only the entries up to the end of the page are sorted, so that the first
//! page of 100,000 gaps costs little more than looking at each requirement once.

use super::super::item::Item;
use super::super::matrix::{Matrix, Slot};
use super::super::row::Row;
use super::cause::{Cause, OTHERS_IN_LIST};
use super::reason::{Grade, Reason, Reasons};
use crate::{Priority, Status};
use serde::{Deserialize, Serialize};
use std::cmp::{Ordering, Reverse};

/// A question for the gaps. Filters with several values let through what has one of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct GapQuery {
    /// Only gaps with one of these reasons; all if empty.
    pub reasons: Vec<Reason>,
    /// Only these phases; `None` stands for requirements without one.
    pub phases: Vec<Option<u32>>,
    /// Only these categories, ignoring case; an empty one stands for requirements without one.
    pub categories: Vec<String>,
    /// Only these priorities.
    pub priorities: Vec<Priority>,
    /// Only these statuses.
    pub statuses: Vec<Status>,
    /// Only these assignees, ignoring case; an empty one stands for requirements without one.
    pub assignees: Vec<String>,
    /// Only requirements that hold each of these words, parted by spaces, in id or label, ignoring case.
    pub search: Option<String>,
    /// So many gaps are passed over.
    pub offset: usize,
    /// At most so many gaps are listed; `None` for all.
    pub limit: Option<usize>,
}

/// The gaps of a matrix.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gaps {
    /// How many gaps the query finds, listed or not.
    pub total: usize,
    /// How many gaps the filters other than `reasons` let through.
    pub any: usize,
    /// How many requirements those filters let through, gaps or not.
    pub requirements: usize,
    /// How many of those have each reason, the gravest first, whatever `reasons` asks for. A requirement
    /// counts once for each of its reasons.
    pub counts: Vec<ReasonCount>,
    /// Of those that are missing, how many have the status NOT_STARTED.
    pub not_started: usize,
    /// The gaps, the gravest first.
    pub gaps: Vec<Gap>,
}

/// How many requirements have a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReasonCount {
    /// The reason.
    pub reason: Reason,
    /// How grave it is.
    pub grade: Grade,
    /// The rule, in a sentence.
    pub rule: String,
    /// How many.
    pub count: usize,
}

/// A requirement of which something is wrong or left to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gap {
    /// The requirement.
    #[serde(flatten)]
    pub item: Item,
    /// The grade of its gravest reason.
    pub grade: Grade,
    /// Why, the gravest first; at most 8 `others` each.
    pub reasons: Vec<Cause>,
}

/// A gap before it is described.
struct Found<'m> {
    key: (Grade, Priority, Reverse<u32>),
    id: &'m str,
    slot: u32,
}

impl Found<'_> {
    fn in_order(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key).then_with(|| self.id.cmp(other.id))
    }
}

impl Matrix {
    /// The requirements of which something is wrong or left to do, the gravest first.
    ///
    /// Filters choose what is counted and shown; reasons are found in the whole matrix.
    pub fn gaps(&self, query: &GapQuery) -> Gaps {
        let wanted = Wanted::of(query);
        let asked = match query.reasons.as_slice() {
            [] => Reasons::of(Reason::ALL),
            some => Reasons::of(some.iter().copied()),
        };
        let blocking = self.blocking();
        let mut gaps = Gaps::default();
        let mut counts = Reason::ALL.map(|reason| (reason, 0));
        let mut found: Vec<Found<'_>> = Vec::new();
        for (slot, named, row) in self.rows().filter(|(_, named, row)| wanted.lets_through(named, row)) {
            gaps.requirements += 1;
            let reasons = self.reason_set(slot);
            counts.iter_mut().for_each(|(reason, count)| *count += usize::from(reasons.has(*reason)));
            gaps.any += usize::from(!reasons.is_empty());
            gaps.not_started += usize::from(row.status == Status::NotStarted);
            if reasons.meets(asked) {
                let key = (reasons.grade(), row.priority, Reverse(blocking[slot as usize]));
                found.push(Found { key, id: &named.id, slot });
            }
        }
        gaps.total = found.len();
        let count = |(reason, count): (Reason, usize)| ReasonCount {
            reason,
            grade: reason.grade(),
            rule: reason.rule().to_owned(),
            count,
        };
        gaps.counts = counts.into_iter().map(count).collect();
        let shown = page(found, query.offset, query.limit);
        gaps.gaps = shown.iter().filter_map(|found| self.gap(found)).collect();
        gaps
    }

    fn gap(&self, found: &Found<'_>) -> Option<Gap> {
        let (item, (grade, ..)) = (self.item_at(found.slot)?, found.key);
        Some(Gap { item, grade, reasons: self.causes(found.slot, OTHERS_IN_LIST) })
    }
}

/// The entries of a page, in order.
fn page(mut found: Vec<Found<'_>>, offset: usize, limit: Option<usize>) -> Vec<Found<'_>> {
    let end = limit.map_or(found.len(), |limit| offset.saturating_add(limit).min(found.len()));
    if offset >= end {
        return Vec::new();
    }
    if end < found.len() {
        found.select_nth_unstable_by(end, Found::in_order);
        found.truncate(end);
    }
    if offset > 0 {
        found.select_nth_unstable_by(offset, Found::in_order);
        found.drain(..offset);
    }
    found.sort_unstable_by(Found::in_order);
    found
}

/// The filters of a query, ready to be compared with.
struct Wanted<'q> {
    query: &'q GapQuery,
    categories: Vec<String>,
    assignees: Vec<String>,
    words: Vec<String>,
}

impl<'q> Wanted<'q> {
    fn of(query: &'q GapQuery) -> Wanted<'q> {
        let folded = |texts: &[String]| texts.iter().map(|text| text.trim().to_lowercase()).collect();
        let search = query.search.as_deref().unwrap_or_default();
        Wanted {
            query,
            categories: folded(&query.categories),
            assignees: folded(&query.assignees),
            words: search.split_whitespace().map(str::to_lowercase).collect(),
        }
    }

    fn lets_through(&self, named: &Slot, row: &Row) -> bool {
        let one_of = |wanted: &[String], text: &str| {
            wanted.is_empty() || wanted.iter().any(|wanted| is_same(text.trim(), wanted))
        };
        let query = self.query;
        (query.phases.is_empty() || query.phases.contains(&row.phase))
            && (query.priorities.is_empty() || query.priorities.contains(&row.priority))
            && (query.statuses.is_empty() || query.statuses.contains(&row.status))
            && one_of(&self.categories, &row.category)
            && one_of(&self.assignees, &row.assignee)
            && self.words.iter().all(|word| holds(&named.id, word) || holds(&row.label, word))
    }
}

/// Whether a text is the lower-case one, ignoring its case.
fn is_same(text: &str, folded: &str) -> bool {
    text.chars().flat_map(char::to_lowercase).eq(folded.chars())
}

/// Whether a text holds the lower-case word, ignoring its case.
fn holds(text: &str, word: &str) -> bool {
    if text.is_ascii() {
        let (text, word) = (text.as_bytes(), word.as_bytes());
        return text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    }
    text.to_lowercase().contains(word)
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::*;
    use crate::Priority::{High, Low, Medium, P0};
    use crate::Status::{Complete, Missing, NotStarted, Partial};

    fn matrix() -> Matrix {
        let mut matrix = Matrix::new();
        let rows = [
            // id, status, priority, phase (0 none), has a test, dependencies
            ("GOOD", Complete, P0, 1, true, &[][..]),
            ("CLAIM", Complete, Low, 1, false, &[]),
            ("LOST", Complete, Medium, 2, true, &["GONE"]),
            ("BASE", Missing, Medium, 1, true, &[]),
            ("TALL", Missing, Medium, 1, true, &["BASE"]),
            ("SIDE", NotStarted, Medium, 0, true, &[]),
            ("URGENT", Partial, P0, 2, false, &["BASE"]),
            ("Größe", Missing, High, 2, true, &[]),
        ];
        for (id, status, priority, phase, tested, dependencies) in rows {
            let mut requirement = sample::plain(status, priority, 1.0, phase);
            requirement.dependencies = sample::requirement(status, dependencies, &[]).dependencies;
            requirement.category = if phase == 2 { "Api" } else { "" }.into();
            if !tested {
                requirement.test_module.clear();
            }
            matrix.upsert(id, &requirement);
        }
        matrix
    }

    fn ids(query: &GapQuery) -> String {
        let gaps = matrix().gaps(query).gaps;
        gaps.iter().map(|gap| gap.item.req_id.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_gravest_gap_comes_first_and_then_the_most_urgent_and_awaited() {
        let all = GapQuery::default();
        assert_eq!(ids(&all), "CLAIM LOST URGENT Größe BASE SIDE TALL");
        for (offset, limit, want) in [
            (0, 2, "CLAIM LOST"),
            (2, 3, "URGENT Größe BASE"),
            (5, 9, "SIDE TALL"),
            (7, 1, ""),
            (9, 1, ""),
            (0, 0, ""),
            (usize::MAX, usize::MAX, ""),
        ] {
            let page = GapQuery { offset, limit: Some(limit), ..GapQuery::default() };
            assert_eq!(ids(&page), want, "{limit} from {offset}");
            assert_eq!(matrix().gaps(&page).total, 7, "{limit} from {offset}");
        }
    }

    #[test]
    fn filters_choose_and_reasons_do_not_change_what_is_counted() {
        // name, query, what is shown
        let text = |text: &str| vec![text.to_owned()];
        let none = GapQuery::default;
        let cases = [
            ("one reason", GapQuery { reasons: vec![Reason::Blocked], ..none() }, "URGENT TALL"),
            (
                "any of two",
                GapQuery { reasons: vec![Reason::Partial, Reason::CompleteUntested], ..none() },
                "CLAIM URGENT",
            ),
            ("phase", GapQuery { phases: vec![Some(2)], ..none() }, "LOST URGENT Größe"),
            ("no phase", GapQuery { phases: vec![None], ..none() }, "SIDE"),
            ("category", GapQuery { categories: text(" API "), ..none() }, "LOST URGENT Größe"),
            ("no category", GapQuery { categories: text(""), ..none() }, "CLAIM BASE SIDE TALL"),
            ("priority", GapQuery { priorities: vec![Low, High], ..none() }, "CLAIM Größe"),
            ("status", GapQuery { statuses: vec![NotStarted], ..none() }, "SIDE"),
            ("assignee", GapQuery { assignees: text("ALICE"), ..none() }, &ids(&none())[..]),
            ("nobody", GapQuery { assignees: text(""), ..none() }, ""),
            ("search", GapQuery { search: Some("system tal".into()), ..none() }, "TALL"),
            ("search folds", GapQuery { search: Some(" GRÖSS ".into()), ..none() }, ""),
            ("search folds", GapQuery { search: Some(" GRÖß ".into()), ..none() }, "Größe"),
        ];
        for (name, query, want) in cases {
            assert_eq!(ids(&query), want, "{name}");
        }
        let phase = GapQuery { phases: vec![Some(1)], reasons: vec![Reason::InCycle], ..none() };
        let gaps = matrix().gaps(&phase);
        assert_eq!((gaps.total, gaps.any, gaps.requirements, gaps.not_started), (0, 3, 4, 0));
        let counted: Vec<(Reason, usize)> =
            gaps.counts.iter().filter(|it| it.count > 0).map(|it| (it.reason, it.count)).collect();
        let want = [
            (Reason::CompleteUntested, 1),
            (Reason::Blocked, 1),
            (Reason::Missing, 2),
            (Reason::Untested, 1),
        ];
        assert_eq!(counted, want);
        assert_eq!(matrix().gaps(&none()).not_started, 1);
    }
}
