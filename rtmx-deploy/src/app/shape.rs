//! A tree held to a JSON Schema, with every fault and its place.
//!
//! The decision to know: this understands the words that the schemas of this crate are made of, and
//! nothing else. A general validator stops knowing lines, and does not look for the nearest key.

use super::fault::Fault;
use super::tree::{Content, Node, Place};
use super::units::PATTERNS;
use rtmx_core::app;
use serde_json::{Map, Value};

/// Every fault of the tree.
pub(crate) fn faults(node: &Node, schema: &Value) -> Vec<Fault> {
    let definitions = schema.get("$defs").and_then(Value::as_object);
    let mut shape = Shape { definitions, faults: Vec::new() };
    shape.check(node, schema, &Key { path: String::new(), place: node.place });
    shape.faults
}

struct Shape<'s> {
    definitions: Option<&'s Map<String, Value>>,
    faults: Vec<Fault>,
}

/// The key whose value is looked at, and where the key itself stands.
struct Key {
    path: String,
    place: Place,
}

impl Key {
    fn child(&self, name: &str, place: Place) -> Key {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Key { path, place }
    }
}

impl<'s> Shape<'s> {
    fn check(&mut self, node: &Node, schema: &'s Value, key: &Key) {
        let schema = self.followed(schema);
        if let Some(options) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array) {
            return self.check_options(node, options, key);
        }
        if let Some(only) = schema.get("const") {
            if node.to_value() != *only {
                self.wants(node, key, &format!("`{}`", word(only)));
            }
            return;
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return self.check_words(node, &words.iter().collect::<Vec<_>>(), key);
        }
        let kinds = kinds(schema);
        let kind = kind_of(&node.content);
        let fits = |wanted: &str| kind == wanted || (kind == "integer" && wanted == "number");
        if !kinds.is_empty() && !kinds.iter().any(|wanted| fits(wanted)) {
            let wanted: Vec<&str> =
                kinds.iter().filter(|kind| **kind != "null").map(|kind| said(kind)).collect();
            let quote =
                kinds.contains(&"string") && matches!(node.content, Content::Number(_) | Content::Bool(_));
            let hint = if quote { "; put it in quotes" } else { "" };
            return self.wants(node, key, &format!("{}{hint}", wanted.join(" or ")));
        }
        match &node.content {
            Content::Map(entries) => self.check_map(node, entries, schema, key),
            Content::List(items) => {
                if let Some(of) = schema.get("items") {
                    for (at, item) in items.iter().enumerate() {
                        self.check(item, of, &key.child(&at.to_string(), item.place));
                    }
                }
            }
            Content::Text(text) => {
                let wanted = schema.get("pattern").and_then(Value::as_str);
                let pattern = PATTERNS.iter().find(|pattern| Some(pattern.text) == wanted);
                if let Some(pattern) = pattern.filter(|pattern| !(pattern.fits)(text)) {
                    self.wants(node, key, pattern.what);
                }
            }
            Content::Number(number) => {
                let number = number.as_f64().unwrap_or_default();
                let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
                let (least, most) = (bound("minimum"), bound("maximum"));
                if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
                    let range = match (least, most) {
                        (Some(least), Some(most)) => format!("a number from {least} to {most}"),
                        (Some(least), None) => format!("a number from {least} on"),
                        (_, most) => format!("a number up to {}", most.unwrap_or_default()),
                    };
                    self.wants(node, key, &range);
                }
            }
            Content::Null | Content::Bool(_) => {}
        }
    }

    fn check_map(&mut self, node: &Node, entries: &[(String, Place, Node)], schema: &'s Value, key: &Key) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let patterned = schema.get("patternProperties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        let before = self.faults.len();
        for (name, place, value) in entries {
            let child = key.child(name, *place);
            if let Some(of) = properties.and_then(|properties| properties.get(name)) {
                self.check(value, of, &child);
                continue;
            }
            let mut known = patterned.into_iter().flatten();
            let fitting = known.clone().find(|(text, _)| fits_pattern(text, name));
            if let Some((_, of)) = fitting {
                self.check(value, of, &child);
            } else if let Some((text, _)) = known.next() {
                let what = PATTERNS.iter().find(|pattern| pattern.text == text).map_or("", |it| it.what);
                let message = format!("`{name}` is not {what}");
                self.faults.push(Fault::at(app::APP_INVALID_VALUE, *place, child.path, message));
            } else if others == Some(&Value::Bool(false)) {
                let known = properties.into_iter().flat_map(Map::keys).map(String::as_str);
                let message = match key.path.is_empty() {
                    true => format!("there is no key `{name}`"),
                    false => format!("`{}` has no key `{name}`", key.path),
                };
                let fault = Fault::at(app::APP_UNKNOWN_KEY, *place, child.path, message);
                self.faults.push(fault.with_nearest(name, known));
            } else if let Some(of) = others.filter(|others| others.is_object()) {
                self.check(value, of, &child);
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required.filter_map(Value::as_str) {
            // A misspelt key is one fault, and not also a missing one.
            let meant =
                |fault: &Fault| fault.code == app::APP_UNKNOWN_KEY && fault.nearest.as_deref() == Some(name);
            let misspelt = self.faults[before..].iter().any(meant);
            if !misspelt && !entries.iter().any(|(there, _, _)| there == name) {
                let child = key.child(name, key.place);
                let message = match key.path.is_empty() {
                    true => format!("`{name}` is missing"),
                    false => format!("`{}` lacks `{name}`", key.path),
                };
                let place = if key.path.is_empty() { node.place } else { key.place };
                self.faults.push(Fault::at(app::APP_MISSING_KEY, place, child.path, message));
            }
        }
    }

    /// A value that may have one of several shapes: the one of its own kind says what is wrong with it.
    fn check_options(&mut self, node: &Node, options: &'s [Value], key: &Key) {
        let options: Vec<&Value> = options.iter().map(|option| self.followed(option)).collect();
        let words: Vec<&Value> = options.iter().flat_map(|option| words(option)).collect();
        if !words.is_empty() && matches!(node.content, Content::Text(_)) {
            return self.check_words(node, &words, key);
        }
        let kind = kind_of(&node.content);
        let own = options.iter().find(|option| kinds(option).contains(&kind));
        match own {
            Some(option) => self.check(node, option, key),
            None => {
                let wanted: Vec<&str> = options
                    .iter()
                    .flat_map(|option| kinds(option))
                    .filter(|kind| *kind != "null")
                    .map(said)
                    .collect();
                self.wants(node, key, &wanted.join(" or "));
            }
        }
    }

    fn check_words(&mut self, node: &Node, words: &[&'s Value], key: &Key) {
        if words.iter().any(|word| **word == node.to_value()) {
            return;
        }
        let known: Vec<&str> = words.iter().filter_map(|word| word.as_str()).collect();
        let before = self.faults.len();
        self.wants(node, key, &format!("one of `{}`", known.join("`, `")));
        if let (Content::Text(text), Some(fault)) = (&node.content, self.faults.get_mut(before)) {
            fault.nearest = rtmx_core::nearest(text, known).map(ToOwned::to_owned);
        }
    }

    fn wants(&mut self, node: &Node, key: &Key, what: &str) {
        let shown = match &node.content {
            Content::Text(text) => format!("`{}`", text.chars().take(60).collect::<String>()),
            Content::Number(number) => format!("`{number}`"),
            Content::Bool(bool) => format!("`{bool}`"),
            Content::Null => "nothing".to_owned(),
            Content::List(_) => "a list".to_owned(),
            Content::Map(_) => "a table".to_owned(),
        };
        let subject = if key.path.is_empty() { "the file" } else { key.path.as_str() };
        let message = format!("`{subject}` is {shown}, and {what} is wanted");
        self.faults.push(Fault::at(app::APP_INVALID_VALUE, node.place, key.path.as_str(), message));
    }

    /// The schema behind a reference.
    fn followed(&self, schema: &'s Value) -> &'s Value {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/$defs/"));
        name.and_then(|name| self.definitions?.get(name)).unwrap_or(schema)
    }
}

fn fits_pattern(text: &str, name: &str) -> bool {
    PATTERNS.iter().any(|pattern| pattern.text == text && (pattern.fits)(name))
}

/// The words that a schema of single values allows.
fn words(schema: &Value) -> Vec<&Value> {
    match (schema.get("const"), schema.get("enum").and_then(Value::as_array)) {
        (Some(word), _) => vec![word],
        (None, Some(words)) => words.iter().collect(),
        (None, None) => Vec::new(),
    }
}

fn kinds(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn kind_of(content: &Content) -> &'static str {
    match content {
        Content::Null => "null",
        Content::Bool(_) => "boolean",
        Content::Number(number) if number.is_f64() => "number",
        Content::Number(_) => "integer",
        Content::Text(_) => "string",
        Content::List(_) => "array",
        Content::Map(_) => "object",
    }
}

fn said(kind: &str) -> &str {
    match kind {
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "a table",
        other => other,
    }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
