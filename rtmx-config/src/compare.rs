//! Two versions' settings beside each other: what an upgrade adds, takes away and changes.
//!
//! A version's reference is its JSON Schema, because it is a file that every version can print and that
//! one can keep. Whether the operator must look is part of each change: a setting that was added does
//! nothing until somebody sets it, and all others can change what a server does.

use crate::{Table, schema};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is known of one setting of a version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KeyFacts {
    /// The key's path.
    #[serde(default)]
    pub key: String,
    /// The kind's name.
    #[serde(default)]
    pub kind: String,
    /// The default, as it is written.
    #[serde(default)]
    pub default: Option<String>,
    /// What it must be.
    #[serde(default)]
    pub must_be: String,
    /// The variables that set it.
    #[serde(default)]
    pub variables: Vec<String>,
    /// Its former paths.
    #[serde(default)]
    pub formerly: Vec<String>,
}

impl KeyFacts {
    /// The settings in a JSON Schema that [`Table::json_schema`] made, of this or another version; empty
    /// where it is something else.
    pub fn of_schema(schema: &serde_json::Value) -> Vec<KeyFacts> {
        let facts = |(key, declaration): (String, &serde_json::Value)| {
            let facts = KeyFacts::deserialize(declaration).ok()?;
            Some(KeyFacts { key, ..facts })
        };
        schema::declarations(schema).into_iter().filter_map(facts).collect()
    }

    /// The settings of a table.
    pub fn of_table(table: &Table) -> Vec<KeyFacts> {
        KeyFacts::of_schema(&table.json_schema(""))
    }
}

/// One difference between two versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The key, as the older version calls it where it has it.
    pub key: String,
    /// What became of it.
    #[serde(flatten)]
    pub what: Difference,
    /// Whether an operator must look.
    pub attention: bool,
}

/// What became of a setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Difference {
    /// It is new.
    Added {
        /// Its default.
        default: Option<String>,
    },
    /// It is gone.
    Removed,
    /// It has another name; the former one still works, with a warning.
    Renamed {
        /// The present name.
        to: String,
    },
    /// Where nothing is set, another value holds.
    Default {
        /// The older default.
        from: Option<String>,
        /// The newer one.
        to: Option<String>,
    },
    /// It can have other values.
    Values {
        /// What it had to be.
        from: String,
        /// What it must be.
        to: String,
    },
    /// Variables that are no longer read.
    Variables {
        /// Their names.
        gone: Vec<String>,
    },
}

impl Change {
    fn new(key: &str, what: Difference) -> Change {
        let attention = !matches!(what, Difference::Added { .. });
        Change { key: key.to_owned(), what, attention }
    }
}

/// What differs between an older and a newer version's settings, in the order of the older ones; new
/// settings follow.
pub fn compare(older: &[KeyFacts], newer: &[KeyFacts]) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut known = Vec::new();
    for old in older {
        let same = newer.iter().find(|new| new.key == old.key);
        let renamed = || newer.iter().find(|new| new.formerly.contains(&old.key));
        let Some(new) = same.or_else(renamed) else {
            changes.push(Change::new(&old.key, Difference::Removed));
            continue;
        };
        known.push(&new.key);
        if new.key != old.key {
            changes.push(Change::new(&old.key, Difference::Renamed { to: new.key.clone() }));
        }
        if new.default != old.default {
            let what = Difference::Default { from: old.default.clone(), to: new.default.clone() };
            changes.push(Change::new(&old.key, what));
        }
        if new.must_be != old.must_be {
            let what = Difference::Values { from: old.must_be.clone(), to: new.must_be.clone() };
            changes.push(Change::new(&old.key, what));
        }
        let gone = old.variables.iter().filter(|name| !new.variables.contains(name));
        // A renamed key has a variable of the new name, and the old one's goes with it.
        let gone: Vec<String> = gone.cloned().collect();
        if !gone.is_empty() {
            changes.push(Change::new(&old.key, Difference::Variables { gone }));
        }
    }
    for new in newer.iter().filter(|new| !known.contains(&&new.key)) {
        changes.push(Change::new(&new.key, Difference::Added { default: new.default.clone() }));
    }
    changes
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        let shown = |default: &Option<String>| match default {
            Some(default) => format!("`{default}`"),
            None => "nothing".to_owned(),
        };
        match &self.what {
            Difference::Added { default: None } => write!(f, "`{key}` is new, and has no default"),
            Difference::Added { default } => write!(f, "`{key}` is new, with the default {}", shown(default)),
            Difference::Removed => write!(f, "`{key}` is gone"),
            Difference::Renamed { to } => write!(f, "`{key}` is now called `{to}`"),
            Difference::Default { from, to } => {
                write!(f, "`{key}` has another default: {} instead of {}", shown(to), shown(from))
            }
            Difference::Values { from, to } => write!(f, "`{key}` must now be {to}, and not {from}"),
            Difference::Variables { gone } => {
                write!(f, "`{key}` is no longer read from `{}`", gone.join("`, `"))
            }
        }
    }
}
