//! The table of settings as a JSON Schema, for editors and for checks before a file is anywhere.
//!
//! The schema accepts everything that the parser accepts (a test compares the two). What it cannot say
//! it lets pass: the range of a duration with its unit, and what settings mean together. Each setting
//! carries the whole of its declaration as `x-setting`, so that the schema of a version also serves as
//! the reference of that version in [`crate::compare`].

use crate::{KeySpec, Kind, Table};
use serde_json::{Value, json};

impl Table {
    /// A JSON Schema (draft 2020-12) of a TOML file with these settings.
    pub fn json_schema(&self, product: &str) -> Value {
        let mut root = section();
        for spec in self.keys() {
            put(&mut root, spec.path, self.property(spec));
            for former in spec.formerly {
                let mut property = shape(&spec.kind);
                property["deprecated"] = true.into();
                property["description"] = format!("Now called `{}`.", spec.path).into();
                put(&mut root, former, property);
            }
        }
        let mut schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": format!("Settings of {product}"),
            "description": "A configuration file. Ranges of durations, and what settings mean together, are checked by the program alone.",
        });
        extend(&mut schema, root);
        schema
    }

    fn property(&self, spec: &KeySpec) -> Value {
        let mut property = json!({ "description": format!("{} It is {}.", spec.doc, spec.kind.wanted()) });
        extend(&mut property, shape(&spec.kind));
        if let Some(default) = spec.default {
            property["default"] = match spec.kind {
                Kind::Switch => (default == "true").into(),
                Kind::Integer { .. } => default.parse::<u64>().map_or_else(|_| default.into(), Value::from),
                _ => default.into(),
            };
        }
        let mut declaration = serde_json::to_value(self.describe(spec)).expect("a declaration is plain data");
        if let Some(declaration) = declaration.as_object_mut() {
            // They stand beside it.
            declaration.shift_remove("key");
            declaration.shift_remove("doc");
        }
        property["x-setting"] = declaration;
        property
    }
}

fn section() -> Value {
    json!({ "type": "object", "properties": {}, "additionalProperties": false })
}

fn extend(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// Puts a property where its path leads, through sections that are made on the way.
fn put(object: &mut Value, path: &str, property: Value) {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let Some(properties) = object["properties"].as_object_mut() else { return };
    match rest {
        None => _ = properties.insert(name.to_owned(), property),
        Some(rest) => put(properties.entry(name).or_insert_with(section), rest, property),
    }
}

/// What a value of a kind can look like.
fn shape(kind: &Kind) -> Value {
    let text = |pattern: String| json!({ "type": "string", "pattern": format!("^\\s*{pattern}\\s*$") });
    let either = |first: Value, second: Value| json!({ "anyOf": [first, second] });
    match kind {
        Kind::Switch => {
            let words = ["true", "yes", "on", "1", "false", "no", "off", "0"];
            either(json!({ "type": "boolean" }), text(any_of(words)))
        }
        Kind::Integer { min, max } => {
            let number = json!({ "type": "integer", "minimum": min, "maximum": max });
            either(number, text("[0-9]+".into()))
        }
        Kind::Duration { .. } => text("(0|([0-9]+\\s*([DdHhSs]|[Mm][Ss]?)\\s*)+)".into()),
        Kind::Size { min, max } => {
            let number = json!({ "type": "integer", "minimum": min, "maximum": max });
            either(number, text("[0-9]+\\s*([KkMmGgTt]([Ii][Bb]?|[Bb])|[Bb])?".into()))
        }
        Kind::Address => text("(localhost|[0-9.]+|\\[[0-9A-Fa-f:.%]+\\]):[0-9]+".into()),
        Kind::Path => text("/[^\\u0000]*".into()),
        Kind::Networks => {
            let item = "\\s*[0-9A-Fa-f.:]+(/[0-9]{1,3})?\\s*";
            let items = json!({ "type": "array", "items": text(item.into()) });
            either(items, text(format!("({item}|\\s*)(,({item}|\\s*))*")))
        }
        Kind::Url { schemes, login } => {
            let host = if *login { "\\S+" } else { "[^\\s@]\\S*" };
            let pattern = match schemes {
                [] => "[A-Za-z][A-Za-z0-9+.-]*:\\S+".to_owned(),
                schemes => format!("{}://{host}", any_of(schemes.iter().copied())),
            };
            let mut url = text(pattern);
            url["not"] = json!({ "pattern": "\\$\\{" });
            url
        }
        Kind::Choice { names, also } => {
            let words = names.iter().chain(also.iter().map(|(other, _)| other));
            either(json!({ "enum": names }), text(any_of(words.copied())))
        }
        Kind::Token { min, max } => text(format!("[!-~]{{{min},{max}}}")),
        Kind::Text { max } => json!({ "type": "string", "pattern": "\\S", "maxLength": max }),
        Kind::Password { max } => json!({ "type": "string", "minLength": 1, "maxLength": max }),
        Kind::List { most } => {
            let item = "[^,\\s]([^,]*[^,\\s])?";
            let items = json!({ "type": "array", "maxItems": most, "items": text(item.into()) });
            either(items, text(format!("{item}(\\s*,\\s*{item})*")))
        }
    }
}

/// A pattern of these words in any case.
fn any_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let letter = |c: char| match (c.to_ascii_uppercase(), c.to_ascii_lowercase()) {
        (upper, lower) if upper != lower => format!("[{upper}{lower}]"),
        _ if c.is_ascii_alphanumeric() || "-_".contains(c) => c.to_string(),
        _ => format!("\\{c}"),
    };
    let words: Vec<String> = words.into_iter().map(|word| word.chars().map(letter).collect()).collect();
    format!("({})", words.join("|"))
}

/// The settings that a schema declares: path, description and declaration of each.
pub(crate) fn declarations(schema: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    collect(schema, "", &mut found);
    found
}

fn collect<'a>(object: &'a Value, prefix: &str, found: &mut Vec<(String, &'a Value)>) {
    for (name, property) in object["properties"].as_object().into_iter().flatten() {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match property.get("x-setting") {
            Some(declaration) => found.push((path, declaration)),
            None => collect(property, &path, found),
        }
    }
}
