//! What filters, search and sort keys mean, as code that answers for one record at a time.
//!
//! The in-memory backend runs it over everything. An engine with indexes may run it over what its
//! index let through, and its SQL must mean the same: the conformance kit compares the two.

use super::{Field, RecordQuery, SearchTerms, SortValue, TallyRow, document_terms};
use rtmx_core::{Body, Priority, Requirement, Status};
use std::cmp::Ordering;

/// The condition of a query, with its search cut into terms once.
#[derive(Debug)]
pub struct Selection<'q> {
    query: &'q RecordQuery,
    terms: Option<SearchTerms>,
}

impl<'q> Selection<'q> {
    /// Prepares a query's condition.
    pub fn of(query: &'q RecordQuery) -> Self {
        Selection { query, terms: query.search.as_deref().and_then(SearchTerms::parse) }
    }

    /// Whether a record of the query's kind is found.
    pub fn finds(&self, id: &str, body: &Body) -> bool {
        // Other kinds have no columns but the id, which an empty requirement answers for.
        let blank = Requirement::default();
        let requirement = if let Body::Requirement(requirement) = body { requirement } else { &blank };
        let filtered =
            self.query.filters.iter().all(|filter| filter.field.matches(id, requirement, &filter.any_of));
        filtered
            && self.terms.as_ref().is_none_or(|terms| terms.match_terms(&document_terms(id, requirement)))
    }
}

/// Where a record stands in the order of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct SortPlace {
    /// One value for each sort key.
    pub values: Vec<SortValue>,
    /// The record's id, the last sort key of all.
    pub id: String,
}

/// The order of a query.
#[derive(Debug, Clone, Copy)]
pub struct Order<'q> {
    query: &'q RecordQuery,
}

impl<'q> Order<'q> {
    /// The order of this query.
    pub fn of(query: &'q RecordQuery) -> Self {
        Order { query }
    }

    /// Where a record stands.
    pub fn place(&self, id: &str, body: &Body) -> SortPlace {
        let value = |field: &Field| match body {
            Body::Requirement(requirement) => field.sort_value(id, requirement),
            _ => SortValue::Text(id.to_owned()),
        };
        SortPlace {
            values: self.query.sort.iter().map(|sort| value(&sort.field)).collect(),
            id: id.to_owned(),
        }
    }

    /// Compares two places.
    pub fn compare(&self, a: &SortPlace, b: &SortPlace) -> Ordering {
        let by_key = |((sort, a), b): ((&super::Sort, &SortValue), &SortValue)| {
            let ascending = a.compare(b);
            if sort.descending { ascending.reverse() } else { ascending }
        };
        let keys = self.query.sort.iter().zip(&a.values).zip(&b.values);
        keys.map(by_key).find(|order| order.is_ne()).unwrap_or_else(|| a.id.as_bytes().cmp(b.id.as_bytes()))
    }
}

/// What requirements are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TallyKey {
    /// The status.
    pub status: Status,
    /// The phase.
    pub phase: Option<u32>,
    /// The category.
    pub category: String,
    /// The priority.
    pub priority: Priority,
}

impl TallyKey {
    /// What a record is counted under; `None` for other kinds than requirements.
    pub fn of(body: &Body) -> Option<TallyKey> {
        let Body::Requirement(requirement) = body else { return None };
        Some(TallyKey {
            status: requirement.status.value,
            phase: requirement.phase.value,
            category: requirement.category.clone(),
            priority: requirement.priority.value,
        })
    }

    /// The row that says so many.
    pub fn row(self, count: u64) -> TallyRow {
        let TallyKey { status, phase, category, priority } = self;
        TallyRow { status, phase, category, priority, count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Filter, Sort};
    use rtmx_core::{Column, Kind, Space};

    fn requirement(phase: Option<u32>, category: &str) -> Body {
        let phase = phase.into();
        Body::Requirement(Requirement { phase, category: category.into(), ..Requirement::default() })
    }

    #[test]
    fn a_missing_phase_is_last_and_ids_decide_between_equals() {
        let mut query = RecordQuery::all(Space::Project("p".into()), Kind::Requirement);
        query.sort = vec![Sort { field: Field::Core(Column::Phase), descending: false }];
        let order = Order::of(&query);
        let mut places = [
            order.place("a", &requirement(None, "")),
            order.place("c", &requirement(Some(1), "")),
            order.place("b", &requirement(Some(1), "")),
            order.place("d", &requirement(Some(10), "")),
        ];
        places.sort_by(|a, b| order.compare(a, b));
        assert_eq!(places.map(|place| place.id), ["b", "c", "d", "a"]);
    }

    #[test]
    fn filters_fold_case_and_all_must_hold() {
        let mut query = RecordQuery::all(Space::Project("p".into()), Kind::Requirement);
        let filter = |field, value: &str| Filter { field, any_of: vec![value.into()] };
        query.filters =
            vec![filter(Field::Core(Column::Category), "SAFETY"), filter(Field::Core(Column::Phase), "2")];
        let selection = Selection::of(&query);
        assert!(selection.finds("a", &requirement(Some(2), "Safety")));
        assert!(!selection.finds("a", &requirement(Some(3), "Safety")));
        assert!(!selection.finds("a", &requirement(Some(2), "Safe")));
    }
}
