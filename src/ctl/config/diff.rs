//! `config diff`: what differs between versions, and between a file and a version or another file.

use super::super::args::Global;
use super::super::output::{Outcome, Output};
use super::super::places::Places;
use super::document::{Document, Side};
use super::show::is_secret;
use super::tokens::tokens_of;
use crate::Drivers;
use rtmx_config::{
    Change, Difference, FileFormat, KeyFacts, SecretTokens, Table, Value as ConfigValue, compare,
};
use rtmx_core::{Error, tool};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The exit code where something needs attention.
const ATTENTION: u8 = 3;

/// Compares.
pub(super) async fn run_diff(
    drivers: &Drivers,
    global: &Global,
    old: &Path,
    new: Option<&Path>,
    out: &Output,
) -> Outcome {
    let older = Side::read(drivers, old).await?;
    let newer = match new {
        Some(new) => Side::read(drivers, new).await?,
        None => Side::Reference(KeyFacts::of_table(&Table::RTMX)),
    };
    let (objects, lines, attention): (Vec<Value>, Vec<String>, bool) = match (&older, &newer) {
        (Side::Reference(older), Side::Reference(newer)) => told(&compare(older, newer)),
        (Side::File(file), Side::Reference(newer)) => told(&of_file(file, newer)),
        (Side::File(older), Side::File(newer)) => {
            let places = Places::here(global.home.as_deref());
            let home = places.find(&global.name)?.unwrap_or_else(|| places.for_new());
            of_values(older, newer, &mut || tokens_of(&home, out))
        }
        (Side::Reference(_), Side::File(_)) => {
            let message = "cannot compare a reference with a file that would be older than it";
            let next = "Name the file first, and the reference of the version that it is for second.";
            return Err(Error::new(tool::USAGE, message).with_next(next).into());
        }
    };
    out.object(&json!({"type": "config", "attention": attention, "changes": objects}));
    if lines.is_empty() {
        out.line("Nothing differs.");
    }
    lines.iter().for_each(|line| out.line(line));
    Ok(if attention { ATTENTION } else { 0 })
}

fn told(changes: &[Change]) -> (Vec<Value>, Vec<String>, bool) {
    let mark = |change: &Change| if change.attention { "!" } else { "+" };
    (
        changes.iter().map(|change| json!(change)).collect(),
        changes.iter().map(|change| format!("{} {change}", mark(change))).collect(),
        changes.iter().any(|change| change.attention),
    )
}

/// What a version makes of an operator's file: settings that it does not know or calls otherwise, and
/// those that the file does not mention.
fn of_file(file: &Document, newer: &[KeyFacts]) -> Vec<Change> {
    let change = |key: &str, what: Difference, attention| Change { key: key.to_owned(), what, attention };
    let mut changes = Vec::new();
    for key in file.keys() {
        if newer.iter().any(|new| new.key == key) {
            continue;
        }
        changes.push(match newer.iter().find(|new| new.formerly.contains(&key)) {
            Some(new) => change(&key, Difference::Renamed { to: new.key.clone() }, true),
            None => change(&key, Difference::Removed, true),
        });
    }
    // Variables that no setting has, as the layer found them.
    for fault in file.layer.faults.iter().filter(|_| file.format == FileFormat::Environment) {
        if let rtmx_config::Origin::VariableLine { name, .. } = &fault.origin
            && !newer.iter().any(|new| new.variables.iter().any(|known| known == name))
        {
            changes.push(change(name, Difference::Removed, true));
        }
    }
    let mentioned = Table::RTMX.not_mentioned(file.format, file.text.expose(), &file.keys());
    for new in newer {
        let in_file = file.keys().contains(&new.key);
        let is_known = Table::RTMX.find(&new.key).is_some();
        if !in_file && (!is_known || mentioned.iter().any(|spec| spec.path == new.key)) {
            changes.push(change(&new.key, Difference::Added { default: new.default.clone() }, false));
        }
    }
    changes
}

/// What two files set otherwise.
fn of_values(
    older: &Document,
    newer: &Document,
    tokens: &mut dyn FnMut() -> SecretTokens,
) -> (Vec<Value>, Vec<String>, bool) {
    let by_key = |document: &Document| -> BTreeMap<String, ConfigValue> {
        document.layer.entries.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect()
    };
    let (old, new) = (by_key(older), by_key(newer));
    let mut made = None;
    let mut shown = |key: &str, value: Option<&ConfigValue>| {
        let text = value.map(text_of)?;
        if Table::RTMX.find(key).is_none() {
            return Some("[not shown: no setting of this version]".to_owned());
        }
        Some(if is_secret(key) { made.get_or_insert_with(&mut *tokens).token(&text) } else { text })
    };
    let (mut objects, mut lines) = (Vec::new(), Vec::new());
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let (from, to) = (old.get(key), new.get(key));
        if from.map(text_of) == to.map(text_of) {
            continue;
        }
        let (from, to) = (shown(key, from), shown(key, to));
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".into());
        lines.push(format!("! `{key}`: {}, and then {}", text(&from), text(&to)));
        objects.push(json!({"key": key, "change": "value", "from": from, "to": to, "attention": true}));
    }
    let attention = !lines.is_empty();
    (objects, lines, attention)
}

/// The content of a value, for comparing; shown only where it is no secret.
fn text_of(value: &ConfigValue) -> String {
    match value {
        ConfigValue::Text(text) => text.expose().clone(),
        ConfigValue::Integer(number) => number.to_string(),
        ConfigValue::Float(number) => number.to_string(),
        ConfigValue::Switch(on) => on.to_string(),
        ConfigValue::List(items) => items.iter().map(text_of).collect::<Vec<_>>().join(","),
        ConfigValue::Table => "a table".into(),
    }
}
