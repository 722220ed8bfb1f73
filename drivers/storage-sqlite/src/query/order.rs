//! Sort keys and cursors as SQL: the page behind a place is asked for by its sort values.

use super::condition::{LAST, Text};
use rtmx_core::{Column, Kind};
use rtmx_storage::query::{Cursor, Field, RecordQuery, Sort, SortValue};
use rusqlite::Row;
use rusqlite::types::{Value, ValueRef};

/// The expression that a field sorts by; `None` where SQL has none.
///
/// An extra column lies in JSON, and a set of ids sorts by the text of the file or by its ids joined.
fn expression(kind: Kind, field: &Field) -> Option<String> {
    if kind != Kind::Requirement {
        return Some("id".to_owned());
    }
    match field {
        Field::Core(Column::ReqId) => Some("id".to_owned()),
        Field::Core(column @ (Column::Phase | Column::EffortWeeks)) => {
            Some(format!("ifnull({}, {LAST})", column.name()))
        }
        Field::Core(Column::Dependencies | Column::Blocks) | Field::Extra(_) => None,
        Field::Core(column) => Some(column.name().to_owned()),
    }
}

/// The sort keys of a query, the id behind them.
#[derive(Debug)]
pub(super) struct Keys {
    keys: Vec<(String, bool)>,
}

impl Keys {
    /// The keys of a query; `None` if SQL cannot sort by one of them.
    pub(super) fn of(query: &RecordQuery) -> Option<Keys> {
        let key = |sort: &Sort| Some((expression(query.kind, &sort.field)?, sort.descending));
        Some(Keys { keys: query.sort.iter().map(key).collect::<Option<_>>()? })
    }

    /// The expressions to select, each behind a comma.
    pub(super) fn columns(&self) -> String {
        self.keys.iter().map(|(expression, _)| format!(", {expression}")).collect()
    }

    /// How many there are, the id not counted.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The sort values of a row that selects [`Keys::columns`] from place `first` on.
    pub(super) fn values(&self, row: &Row<'_>, first: usize) -> rusqlite::Result<Vec<SortValue>> {
        (0..self.keys.len()).map(|place| row.get_ref(first + place).map(sort_value)).collect()
    }

    /// Adds ` ORDER BY ...`.
    pub(super) fn push_order(&self, text: &mut Text) {
        text.push(" ORDER BY ");
        for (expression, descending) in &self.keys {
            text.push(&format!("{expression}{}, ", if *descending { " DESC" } else { "" }));
        }
        text.push("id");
    }

    /// Adds the condition that a row comes behind the cursor's place.
    ///
    /// For each key: equal in all keys before and behind in this one. Ahead of the alternatives
    /// stands a bound on the first key alone, by which an index finds where to begin.
    pub(super) fn push_behind(&self, text: &mut Text, cursor: &Cursor) {
        let last = ("id".to_owned(), false);
        let keys: Vec<(&(String, bool), Value)> = self
            .keys
            .iter()
            .zip(cursor.values.iter().map(bound))
            .chain([(&last, Value::Text(cursor.id.clone()))])
            .collect();
        if let Some(((expression, descending), value)) = keys.first() {
            let strictly = if keys.len() == 1 { "" } else { "=" };
            text.push(&format!(" AND {expression} {}{strictly} ", behind(*descending)));
            text.bind(value.clone());
        }
        if keys.len() == 1 {
            return;
        }
        text.push(" AND (");
        for ends in 0..keys.len() {
            text.push(if ends == 0 { "(" } else { " OR (" });
            for (place, ((expression, descending), value)) in keys[..=ends].iter().enumerate() {
                let compared = if place == ends { behind(*descending) } else { "=" };
                text.push(&format!("{}{expression} {compared} ", if place == 0 { "" } else { " AND " }));
                text.bind(value.clone());
            }
            text.push(")");
        }
        text.push(")");
    }
}

fn behind(descending: bool) -> &'static str {
    if descending { "<" } else { ">" }
}

fn bound(value: &SortValue) -> Value {
    match value {
        SortValue::Number(number) => Value::Real(*number),
        SortValue::Text(text) => Value::Text(text.clone()),
    }
}

fn sort_value(value: ValueRef<'_>) -> SortValue {
    match value {
        ValueRef::Integer(number) => SortValue::Number(number as f64),
        ValueRef::Real(number) => SortValue::Number(number),
        ValueRef::Text(text) => SortValue::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Null | ValueRef::Blob(_) => SortValue::Text(String::new()),
    }
}
