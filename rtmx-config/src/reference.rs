//! The table of settings as data for documents, and as a commented file to start from.

use crate::{KEYS, KeySpec, Kind, Reload};
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

/// Every setting, in the order of the table.
pub fn reference() -> Vec<KeyDoc> {
    let line = |spec: &KeySpec| KeyDoc {
        key: spec.path,
        kind: spec.kind.name(),
        default: spec.default,
        units: spec.kind.units(),
        must_be: spec.kind.wanted(),
        secret: spec.secret,
        variables: spec.names(),
        reload: spec.reload,
        formerly: spec.formerly,
        doc: spec.doc,
    };
    KEYS.iter().map(line).collect()
}

/// A configuration file in which every setting stands commented out with its default: removing the `#`
/// from a line changes nothing until its value is edited.
pub fn template() -> String {
    let mut file = String::from(
        "# Settings of RTMX. Each stands here with its default; to change one, remove the `#` and edit it.\n\
         # Environment variables and flags go before this file. Secrets are better kept in files of their\n\
         # own, which variables that end in `_FILE` name.\n",
    );
    let mut section = "";
    for spec in KEYS {
        let (head, name) = spec.path.split_once('.').unwrap_or(("", spec.path));
        if head != section {
            section = head;
            push(&mut file, format_args!("\n[{section}]\n"));
        } else {
            file.push('\n');
        }
        push(&mut file, format_args!("# {}\n# It is {}.", spec.doc, spec.kind.wanted()));
        push(&mut file, format_args!(" Variables: {}.\n", spec.names().join(", ")));
        match spec.default {
            Some(default) if matches!(spec.kind, Kind::Switch | Kind::Integer { .. }) => {
                push(&mut file, format_args!("#{name} = {default}\n"));
            }
            Some(default) => push(&mut file, format_args!("#{name} = {default:?}\n")),
            None => push(&mut file, format_args!("# It has no default.\n# {name} = \"...\"\n")),
        }
    }
    file
}

fn push(file: &mut String, text: std::fmt::Arguments<'_>) {
    file.write_fmt(text).expect("writing to a string cannot fail");
}
