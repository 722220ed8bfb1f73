//! The table of settings as data, and as the handbook's tables.

use crate::{KeySpec, Kind, Reload, Table};
use serde::Serialize;
use std::fmt::Write;

/// One setting, as the reference shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyDoc {
    /// The key's path.
    pub key: &'static str,
    /// The kind's name, such as `duration`.
    pub kind: &'static str,
    /// The default; `None` where there is none.
    pub default: Option<&'static str>,
    /// The units in which it can be written; empty where there are none.
    pub units: &'static str,
    /// What it must be, with its range.
    pub must_be: String,
    /// Whether it is secret.
    pub secret: bool,
    /// The variables that set it, in the order of precedence; each also with `_FILE`.
    pub variables: Vec<String>,
    /// Whether a running server takes a change over.
    pub reload: Reload,
    /// Its former paths.
    pub formerly: &'static [&'static str],
    /// What it does, in a sentence.
    pub doc: &'static str,
}

/// Every setting of RTMX, in the order of the table.
pub fn reference() -> Vec<KeyDoc> {
    Table::RTMX.reference()
}

impl Table {
    /// Every setting, in the order of the table.
    pub fn reference(&self) -> Vec<KeyDoc> {
        self.keys().iter().map(|spec| self.describe(spec)).collect()
    }

    pub(crate) fn describe(&self, spec: &KeySpec) -> KeyDoc {
        KeyDoc {
            key: spec.path,
            kind: spec.kind.name(),
            default: spec.default,
            units: spec.kind.units(),
            must_be: spec.kind.wanted(),
            secret: spec.secret,
            variables: self.names(spec),
            reload: spec.reload,
            formerly: spec.formerly,
            doc: spec.doc,
        }
    }

    /// The settings as Markdown: a table for each section.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let mut open = "";
        for spec in self.keys() {
            let (section, name) = parts(spec.path);
            if section != open {
                open = section;
                let gap = if text.is_empty() { "" } else { "\n" };
                push(&mut text, format_args!("{gap}## `{section}`\n\n"));
                text.push_str(
                    "| Setting | Default | Must be | Reload | Meaning |\n| --- | --- | --- | --- | --- |\n",
                );
            }
            let default = spec.default.map_or_else(String::new, |default| format!("`{default}`"));
            let reload = match spec.reload {
                Reload::Live => "live",
                Reload::Restart => "restart",
            };
            let mut meaning = spec.doc.to_owned();
            if spec.secret {
                meaning.push_str(" Secret.");
            }
            let also: Vec<String> = spec.variables.iter().map(|name| format!("`{name}`")).collect();
            if !also.is_empty() {
                push(&mut meaning, format_args!(" Variables: also {}.", also.join(", ")));
            }
            let former: Vec<String> = spec.formerly.iter().map(|path| format!("`{path}`")).collect();
            if !former.is_empty() {
                push(&mut meaning, format_args!(" Formerly {}.", former.join(", ")));
            }
            let cells =
                [default, spec.kind.wanted(), reload.to_owned(), meaning].map(|c| c.replace('|', "\\|"));
            push(&mut text, format_args!("| `{name}` | {} |\n", cells.join(" | ")));
        }
        text
    }
}

/// Section and name of a path.
pub(crate) fn parts(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

pub(crate) fn push(file: &mut String, text: std::fmt::Arguments<'_>) {
    file.write_fmt(text).expect("writing to a string cannot fail");
}

/// Whether a value of this kind is written without quotes in TOML.
pub(crate) fn is_bare(kind: &Kind) -> bool {
    matches!(kind, Kind::Switch | Kind::Integer { .. })
}
