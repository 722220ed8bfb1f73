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
    /// Those of the query, and the id.
    keys: Vec<(String, bool)>,
}

impl Keys {
    /// The keys of a query; `None` if SQL cannot sort by one of them.
    pub(super) fn of(query: &RecordQuery) -> Option<Keys> {
        let key = |sort: &Sort| Some((expression(query.kind, &sort.field)?, sort.descending));
        let mut keys: Vec<(String, bool)> = query.sort.iter().map(key).collect::<Option<_>>()?;
        keys.push(("id".to_owned(), false));
        Some(Keys { keys })
    }

    /// The expressions to select, each behind a comma.
    pub(super) fn columns(&self) -> String {
        self.own().iter().map(|(expression, _)| format!(", {expression}")).collect()
    }

    /// How many there are, the id not counted.
    pub(super) fn len(&self) -> usize {
        self.own().len()
    }

    /// The sort values of a row that selects [`Keys::columns`] from place `first` on.
    pub(super) fn values(&self, row: &Row<'_>, first: usize) -> rusqlite::Result<Vec<SortValue>> {
        (0..self.len()).map(|place| row.get_ref(first + place).map(sort_value)).collect()
    }

    fn own(&self) -> &[(String, bool)] {
        &self.keys[..self.keys.len() - 1]
    }

    /// The keys up to the first that is the id: behind it nothing is left to be ordered.
    fn to_the_id(&self) -> impl Iterator<Item = &(String, bool)> {
        let last = self.keys.iter().position(|(expression, _)| expression == "id");
        self.keys.iter().take(last.map_or(self.keys.len(), |last| last + 1))
    }

    /// Adds ` ORDER BY ...`.
    pub(super) fn push_order(&self, text: &mut Text) {
        let key = |(expression, descending): &(String, bool)| {
            format!("{expression}{}", if *descending { " DESC" } else { "" })
        };
        text.push(&format!(" ORDER BY {}", self.to_the_id().map(key).collect::<Vec<_>>().join(", ")));
    }

    /// Adds the condition that a row comes behind the cursor's place.
    ///
    /// For each key: equal in all keys before and behind in this one. Ahead of the alternatives
    /// stands a bound on the first key alone, by which an index finds where to begin.
    pub(super) fn push_behind(&self, text: &mut Text, cursor: &Cursor) {
        let values = cursor.values.iter().map(bound).chain([Value::Text(cursor.id.clone())]);
        let keys: Vec<(&(String, bool), Value)> = self.to_the_id().zip(values).collect();
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
