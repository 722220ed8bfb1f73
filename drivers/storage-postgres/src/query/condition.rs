//! Filters as SQL, and those that SQL cannot answer as checks of the records that it lets through.
//!
//! PostgreSQL folds letters by the collation of its machine. So the columns that are filtered often are
//! stored folded, and the rest is compared here, by the rules of [`rtmx_storage::query::Filter`].

use super::text::{Text, Value};
use rtmx_core::{Body, Column, Key, Priority, Record, Requirement, Status};
use rtmx_storage::columns::{folded, priority_number, status_number};
use rtmx_storage::query::{Field, Filter};
use std::collections::BTreeSet;

/// Stands for a missing phase or effort in sort keys: the text of `SortValue::LAST`.
pub(super) const LAST: &str = "9007199254740991";
/// [`LAST`] as a number.
const LAST_NUMBER: i64 = 9_007_199_254_740_991;
/// How much of a folded category its index holds.
const INDEXED_CHARS: usize = 256;

/// What is left to check of each record.
#[derive(Debug, Default)]
pub(super) struct Rest<'q> {
    filters: Vec<&'q Filter>,
}

impl Rest<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    /// Whether a record is found.
    pub(super) fn holds(&self, record: &Record) -> bool {
        let blank = Requirement::default();
        let requirement = if let Body::Requirement(found) = &record.body { found } else { &blank };
        self.filters.iter().all(|filter| filter.field.matches(&record.id, requirement, &filter.any_of))
    }
}

/// Adds a filter to the statement, or to what is left to check.
pub(super) fn add<'q>(filter: &'q Filter, text: &mut Text, rest: &mut Rest<'q>) {
    let wanted: BTreeSet<String> = filter.any_of.iter().map(|value| folded(value)).collect();
    let Field::Core(column) = &filter.field else {
        rest.filters.push(filter);
        return;
    };
    match column {
        Column::Status => {
            let found = Status::ALL.into_iter().filter(|status| wanted.contains(&folded(status.name())));
            let found = found.map(|status| Value::Integer(status_number(status))).collect();
            text.push_any("status", found, "smallint");
        }
        Column::Priority => {
            let found =
                Priority::ALL.into_iter().filter(|priority| wanted.contains(&folded(priority.name())));
            let found = found.map(|priority| Value::Integer(priority_number(priority))).collect();
            text.push_any("priority", found, "smallint");
        }
        Column::Phase => {
            let phase = |text: &String| text.parse::<u32>().ok().filter(|phase| phase.to_string() == *text);
            let found = wanted.iter().filter_map(phase).map(i64::from);
            let none = wanted.contains("").then_some(LAST_NUMBER);
            let found = found.chain(none).map(Value::Integer).collect();
            text.push_any(&format!("coalesce(phase, {LAST})"), found, "bigint");
        }
        Column::EffortWeeks => {
            let weeks = |text: &String| text.parse::<f64>().ok().filter(|weeks| weeks.is_finite());
            let none = wanted.contains("").then_some(LAST_NUMBER as f64);
            let found = wanted.iter().filter_map(weeks).chain(none).map(Value::Float).collect();
            text.push_any(&format!("coalesce(effort_weeks, {LAST})"), found, "double precision");
        }
        Column::Category => {
            let begins: BTreeSet<String> =
                wanted.iter().map(|text| text.chars().take(INDEXED_CHARS).collect()).collect();
            let expression = format!("left(category_folded, {INDEXED_CHARS})");
            text.push_any(&expression, begins.into_iter().map(Value::Text).collect(), "text");
            if wanted.iter().any(|text| text.chars().nth(INDEXED_CHARS - 1).is_some()) {
                text.push_any("category_folded", wanted.into_iter().map(Value::Text).collect(), "text");
            }
        }
        Column::Subcategory | Column::Assignee | Column::Sprint => {
            let found = wanted.into_iter().map(Value::Text).collect();
            text.push_any(&format!("{}_folded", column.name()), found, "text");
        }
        Column::Dependencies if filter.any_of.iter().all(|id| can_be_an_id(id)) => {
            text.push(" AND dependency_keys && ");
            text.bind(Value::Texts(filter.any_of.iter().map(|id| id.trim().to_owned()).collect()));
        }
        _ => rest.filters.push(filter),
    }
}

fn can_be_an_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= Key::ID_LIMIT_BYTES
}
