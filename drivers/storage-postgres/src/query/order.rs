//! Sort keys and places as SQL: the page behind a place is asked for by its sort values.

use super::condition::LAST;
use super::text::{Text, Value};
use rtmx_core::{Column, Kind};
use rtmx_storage::query::{Field, RecordQuery, Sort, SortPlace, SortValue};

/// What phases sort by, the missing one as [`LAST`].
const PHASE: &str = "coalesce(phase, 9007199254740991)";

/// What a field sorts by.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    expression: String,
    descending: bool,
    /// Whether its values are whole numbers, which an index compares with nothing else.
    whole: bool,
}

/// The expression that a field sorts by, and whether it is a whole number; `None` where SQL has none.
///
/// An extra column lies in JSON, and a set of ids sorts by the text of the file or by its ids joined.
fn expression(kind: Kind, field: &Field) -> Option<(String, bool)> {
    if kind != Kind::Requirement {
        return Some(("id".to_owned(), false));
    }
    match field {
        Field::Core(Column::ReqId) => Some(("id".to_owned(), false)),
        Field::Core(Column::Phase) => Some((PHASE.to_owned(), true)),
        Field::Core(Column::EffortWeeks) => Some((format!("coalesce(effort_weeks, {LAST})"), false)),
        Field::Core(Column::Dependencies | Column::Blocks) | Field::Extra(_) => None,
        Field::Core(column @ (Column::Status | Column::Priority)) => Some((column.name().to_owned(), true)),
        Field::Core(column) => Some((column.name().to_owned(), false)),
    }
}

/// The sort keys of a query up to the id: behind it nothing is left to be ordered.
#[derive(Debug)]
pub(super) struct Keys {
    keys: Vec<Key>,
}

impl Keys {
    /// The keys of a query; `None` if SQL cannot sort by one of them.
    pub(super) fn of(query: &RecordQuery) -> Option<Keys> {
        let key = |sort: &Sort| {
            let (expression, whole) = expression(query.kind, &sort.field)?;
            Some(Key { expression, descending: sort.descending, whole })
        };
        let mut keys: Vec<Key> = query.sort.iter().map(key).collect::<Option<_>>()?;
        let last = keys.iter().position(|key| key.expression == "id");
        match last {
            Some(last) => keys.truncate(last + 1),
            None => keys.push(Key { expression: "id".to_owned(), descending: false, whole: false }),
        }
        Some(Keys { keys })
    }

    /// Whether an index gives the order.
    pub(super) fn has_an_index(&self) -> bool {
        let is = |key: &Key, expression: &str| key.expression == expression && !key.descending;
        match &self.keys[..] {
            [id] => id.expression == "id",
            [first, id] => is(id, "id") && (is(first, "status") || is(first, "priority") || is(first, PHASE)),
            _ => false,
        }
    }

    /// Adds ` ORDER BY ...`.
    pub(super) fn push_order(&self, text: &mut Text) {
        let key = |key: &Key| format!("{}{}", key.expression, if key.descending { " DESC" } else { "" });
        text.push(&format!(" ORDER BY {}", self.keys.iter().map(key).collect::<Vec<_>>().join(", ")));
    }

    /// Adds the condition that a row comes behind a place.
    ///
    /// For each key: equal in all keys before and behind in this one. Ahead of the alternatives
    /// stands a bound on the first key alone, by which an index finds where to begin.
    pub(super) fn push_behind(&self, text: &mut Text, place: &SortPlace) {
        let id = SortValue::Text(place.id.clone());
        let values = place.values.iter().chain([&id]);
        let keys: Vec<(&Key, Value)> =
            self.keys.iter().zip(values).map(|(key, value)| (key, bound(key, value))).collect();
        if let Some((key, value)) = keys.first() {
            let strictly = if keys.len() == 1 { "" } else { "=" };
            text.push(&format!(" AND {} {}{strictly} ", key.expression, key.behind()));
            text.bind(value.clone());
        }
        if keys.len() == 1 {
            return;
        }
        text.push(" AND (");
        for ends in 0..keys.len() {
            text.push(if ends == 0 { "(" } else { " OR (" });
            for (place, (key, value)) in keys[..=ends].iter().enumerate() {
                let compared = if place == ends { key.behind() } else { "=" };
                let and = if place == 0 { "" } else { " AND " };
                text.push(&format!("{and}{} {compared} ", key.expression));
                text.bind(value.clone());
            }
            text.push(")");
        }
        text.push(")");
    }
}

impl Key {
    fn behind(&self) -> &'static str {
        if self.descending { "<" } else { ">" }
    }
}

fn bound(key: &Key, value: &SortValue) -> Value {
    match value {
        SortValue::Number(number) if key.whole => Value::Integer(*number as i64),
        SortValue::Number(number) => Value::Float(*number),
        SortValue::Text(text) => Value::Text(text.clone()),
    }
}
