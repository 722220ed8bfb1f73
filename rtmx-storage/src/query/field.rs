//! Columns that can be filtered and sorted by, and the values they sort as.

use rtmx_core::{Column, Error, Requirement, Result, storage};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// A column of the core schema, or one that a file brought along.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Field {
    /// One of the 21 columns.
    Core(Column),
    /// A column beyond them, by its key in [`Requirement::extra`]; written `extra.<name>`.
    Extra(String),
}

impl Field {
    /// Reads a column's name, or `extra.<name>`.
    ///
    /// # Errors
    ///
    /// `query_invalid` with the nearest name.
    pub fn parse(name: &str) -> Result<Field> {
        if let Some(extra) = name.strip_prefix("extra.").filter(|extra| !extra.is_empty()) {
            return Ok(Field::Extra(extra.to_owned()));
        }
        Column::parse(name).map(Field::Core).ok_or_else(|| {
            let names: Vec<_> = rtmx_core::CORE_COLUMNS.iter().map(|column| column.name()).collect();
            let message =
                format!("there is no column `{name}`: there are {} and `extra.<name>`", names.join(", "));
            Error::new(storage::QUERY_INVALID, message).with("column", name)
        })
    }

    /// The value that a requirement sorts by under this field.
    pub fn sort_value(&self, id: &str, requirement: &Requirement) -> SortValue {
        match self {
            Field::Core(Column::ReqId) => SortValue::Text(id.to_owned()),
            Field::Core(Column::Status) => SortValue::Number(f64::from(requirement.status.value as u8)),
            Field::Core(Column::Priority) => {
                SortValue::Number(f64::from(requirement.priority.value.weight()))
            }
            Field::Core(Column::Phase) => {
                SortValue::Number(requirement.phase.value.map_or(SortValue::LAST, f64::from))
            }
            Field::Core(Column::EffortWeeks) => SortValue::Number(
                requirement.effort_weeks.value.map_or(SortValue::LAST, rtmx_core::Effort::weeks),
            ),
            Field::Core(column) => SortValue::Text(requirement.text_of(*column)),
            Field::Extra(name) => SortValue::Text(requirement.extra.get(name).cloned().unwrap_or_default()),
        }
    }

    /// Whether a requirement has one of these values under this field, by the rules of [`super::Filter`].
    pub fn matches(&self, id: &str, requirement: &Requirement, any_of: &[String]) -> bool {
        let fold = |text: &str| text.trim().to_lowercase();
        let equal = |text: &str| any_of.iter().any(|wanted| fold(wanted) == fold(text));
        match self {
            Field::Core(Column::ReqId) => equal(id),
            Field::Core(Column::Status) => equal(requirement.status.value.name()),
            Field::Core(Column::Priority) => equal(requirement.priority.value.name()),
            Field::Core(Column::Phase) => {
                equal(&requirement.phase.value.map(|phase| phase.to_string()).unwrap_or_default())
            }
            Field::Core(Column::EffortWeeks) => match requirement.effort_weeks.value {
                Some(effort) => any_of.iter().any(|wanted| wanted.trim().parse() == Ok(effort.weeks())),
                None => equal(""),
            },
            Field::Core(Column::Dependencies) => named(&requirement.dependencies.value, any_of),
            Field::Core(Column::Blocks) => named(&requirement.blocks.value, any_of),
            Field::Core(column) => equal(&requirement.text_of(*column)),
            Field::Extra(name) => equal(requirement.extra.get(name).map_or("", String::as_str)),
        }
    }
}

/// Ids are compared exactly; an empty value matches an empty set.
fn named(ids: &std::collections::BTreeSet<String>, any_of: &[String]) -> bool {
    any_of.iter().any(|wanted| if wanted.is_empty() { ids.is_empty() } else { ids.contains(wanted.trim()) })
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Field::Core(column) => f.write_str(column.name()),
            Field::Extra(name) => write!(f, "extra.{name}"),
        }
    }
}

impl From<Field> for String {
    fn from(field: Field) -> String {
        field.to_string()
    }
}

impl TryFrom<String> for Field {
    type Error = String;
    fn try_from(name: String) -> std::result::Result<Field, String> {
        Field::parse(&name).map_err(|error| error.to_string())
    }
}

/// What a record sorts by: text by its bytes, numbers by value. Never null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SortValue {
    /// Compared by value.
    Number(f64),
    /// Compared by bytes.
    Text(String),
}

impl SortValue {
    /// Stands for a missing phase or effort: after every real one.
    pub const LAST: f64 = 9_007_199_254_740_991.0;

    /// Total order: numbers before text.
    pub fn compare(&self, other: &SortValue) -> Ordering {
        match (self, other) {
            (SortValue::Number(a), SortValue::Number(b)) => a.total_cmp(b),
            (SortValue::Text(a), SortValue::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
            (SortValue::Number(_), SortValue::Text(_)) => Ordering::Less,
            (SortValue::Text(_), SortValue::Number(_)) => Ordering::Greater,
        }
    }
}
