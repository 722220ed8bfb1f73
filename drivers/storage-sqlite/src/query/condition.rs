//! Filters as SQL, and those that SQL cannot answer as checks of the rows that it lets through.
//!
//! SQLite folds only ASCII, and a function of ours would have to be in every program that opens the
//! file. So the columns that are filtered often are stored folded, and the rest is compared here,
//! by the rules of [`rtmx_storage::query::Filter`].

use crate::error::{Fault, Outcome};
use rtmx_core::{Column, Priority, Status};
use rtmx_storage::columns::{folded, priority_number, status_number};
use rtmx_storage::query::{Field, Filter};
use rusqlite::Row;
use rusqlite::types::{Value, ValueRef};
use std::collections::{BTreeMap, BTreeSet};

/// Stands for a missing phase or effort in sort keys: the text of `SortValue::LAST`.
pub(super) const LAST: &str = "9007199254740991";

/// A statement in the making: its text and what is bound to it.
#[derive(Debug, Default)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
}

impl Text {
    /// Adds text without values.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds the mark of a value.
    pub(super) fn bind(&mut self, value: impl Into<Value>) {
        self.values.push(value.into());
        self.text.push_str(&format!("?{}", self.values.len()));
    }

    /// Adds ` AND <expression> IN (...)`. The list is filled up to a power of two with its last
    /// value, so that few different statements arise.
    fn push_in(&mut self, expression: &str, values: &[Value]) {
        self.push(&format!(" AND {expression} IN ("));
        let places = values.len().next_power_of_two();
        for place in 0..places {
            let value = values.get(place).or(values.last()).cloned().unwrap_or(Value::Null);
            self.push(if place == 0 { "" } else { ", " });
            self.bind(value);
        }
        self.push(")");
    }
}

/// What is left to check of each row, in the order of the columns that have to be selected for it.
#[derive(Debug, Default)]
pub(super) struct Rest {
    checks: Vec<Check>,
}

#[derive(Debug)]
enum Check {
    /// The folded text is one of these.
    Text { column: &'static str, any_of: BTreeSet<String> },
    /// The set of ids holds one of these, or is empty where an empty one was asked for.
    Ids { column: &'static str, any_of: Vec<String> },
    /// The folded value of an extra column is one of these.
    Extra { name: String, any_of: BTreeSet<String> },
}

impl Rest {
    pub(super) fn is_empty(&self) -> bool {
        self.checks.is_empty()
    }

    /// How many columns it needs.
    pub(super) fn len(&self) -> usize {
        self.checks.len()
    }

    /// The columns to select, each behind a comma.
    pub(super) fn columns(&self) -> String {
        let column = |check: &Check| match check {
            Check::Text { column, .. } | Check::Ids { column, .. } => format!(", {column}"),
            Check::Extra { .. } => ", extra".to_owned(),
        };
        self.checks.iter().map(column).collect()
    }

    /// Whether a row that selects those columns from place `first` on is found.
    pub(super) fn holds(&self, row: &Row<'_>, first: usize) -> Outcome<bool> {
        for (place, check) in self.checks.iter().enumerate() {
            if !check.holds(row.get_ref(first + place)?)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Check {
    fn holds(&self, value: ValueRef<'_>) -> Outcome<bool> {
        let text = value.as_str_or_null().map_err(|error| self.fault(error))?.unwrap_or_default();
        Ok(match self {
            Check::Text { any_of, .. } => any_of.contains(&folded(text)),
            Check::Ids { any_of, .. } => {
                let ids: BTreeSet<String> = serde_json::from_str(text).map_err(|error| self.fault(error))?;
                any_of.iter().any(|id| if id.is_empty() { ids.is_empty() } else { ids.contains(id.trim()) })
            }
            Check::Extra { name, any_of } => {
                let extra: BTreeMap<String, String> = if text.is_empty() {
                    BTreeMap::new()
                } else {
                    serde_json::from_str(text).map_err(|error| self.fault(error))?
                };
                any_of.contains(&folded(extra.get(name).map_or("", String::as_str)))
            }
        })
    }

    fn fault(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
        let column = match self {
            Check::Text { column, .. } | Check::Ids { column, .. } => column,
            Check::Extra { .. } => "extra",
        };
        Fault::Row { what: "requirement", column, source: source.into() }
    }
}

/// Adds a filter to the statement, or to what is left to check.
pub(super) fn add(filter: &Filter, text: &mut Text, rest: &mut Rest) {
    let wanted: BTreeSet<String> = filter.any_of.iter().map(|value| folded(value)).collect();
    let column = match &filter.field {
        Field::Core(column) => *column,
        Field::Extra(name) => {
            rest.checks.push(Check::Extra { name: name.clone(), any_of: wanted });
            return;
        }
    };
    match column {
        Column::Status => {
            let found = Status::ALL.into_iter().filter(|status| wanted.contains(&folded(status.name())));
            text.push_in("status", &found.map(|status| status_number(status).into()).collect::<Vec<_>>());
        }
        Column::Priority => {
            let found =
                Priority::ALL.into_iter().filter(|priority| wanted.contains(&folded(priority.name())));
            text.push_in(
                "priority",
                &found.map(|priority| priority_number(priority).into()).collect::<Vec<_>>(),
            );
        }
        Column::Phase => {
            let phase = |text: &String| text.parse::<u32>().ok().filter(|phase| phase.to_string() == *text);
            let mut found: Vec<Value> =
                wanted.iter().filter_map(phase).map(|phase| i64::from(phase).into()).collect();
            if wanted.contains("") {
                found.push(Value::Integer(LAST_PHASE));
            }
            text.push_in(&format!("ifnull(phase, {LAST})"), &found);
        }
        Column::EffortWeeks => {
            let weeks = |text: &String| text.parse::<f64>().ok().filter(|weeks| weeks.is_finite());
            let mut found: Vec<Value> = wanted.iter().filter_map(weeks).map(Value::Real).collect();
            if wanted.contains("") {
                found.push(Value::Integer(LAST_PHASE));
            }
            text.push_in(&format!("ifnull(effort_weeks, {LAST})"), &found);
        }
        Column::Category | Column::Subcategory | Column::Assignee | Column::Sprint => {
            let values: Vec<Value> = wanted.into_iter().map(Value::Text).collect();
            text.push_in(&format!("{}_folded", column.name()), &values);
        }
        Column::Dependencies | Column::Blocks => {
            rest.checks.push(Check::Ids { column: column.name(), any_of: filter.any_of.clone() });
        }
        Column::ReqId => rest.checks.push(Check::Text { column: "id", any_of: wanted }),
        _ => rest.checks.push(Check::Text { column: column.name(), any_of: wanted }),
    }
}

/// [`LAST`] as a number.
const LAST_PHASE: i64 = 9_007_199_254_740_991;
