//! Lines that several services have: texts, amounts, commands, logs.

use super::yaml::Map;
use crate::app::{Amounts, Bytes, Name};
use crate::release::Sourced;

/// A text in which Compose replaces nothing.
pub(super) fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

pub(super) fn amounts(of: Option<&Sourced<Amounts>>) -> Map {
    let mut map = Map::new();
    if let Some(Sourced { value, from }) = of {
        map.text("cpus", value.cpu.to_string(), from.as_str());
        map.text("memory", size(value.memory), from.as_str());
    }
    map
}

/// Bytes as Compose writes them; its `M` is 1024 x 1024.
pub(super) fn size(bytes: Bytes) -> String {
    format!("{}M", bytes.0 >> 20)
}

pub(super) fn names(names: &[Name]) -> Vec<String> {
    names.iter().map(Name::to_string).collect()
}

pub(super) fn literals(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| literal(text)).collect()
}

/// A command, whatever entry point its image has. `more` may hold variables.
pub(super) fn run(command: &[String], more: &[String], from: &str, service: &mut Map) {
    let mut words = literals(command);
    words.extend_from_slice(more);
    let arguments = words.split_off(words.len().min(1));
    service.words("entrypoint", words, from);
    service.words("command", arguments, from);
}

/// Logs that do not fill the disk.
pub(super) fn logging(service: &mut Map) {
    let mut options = Map::new();
    options.text("max-size", "10m", "");
    options.text("max-file", "5", "");
    let mut logging = Map::new();
    logging.text("driver", "json-file", "");
    logging.map("options", options, "");
    service.map("logging", logging, "at most 50 MB for each container");
}
