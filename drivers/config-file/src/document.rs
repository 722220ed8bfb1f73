//! From the text of a TOML file to entries with their places.

use rtmx_config::{About, Finding, Layer, Origin, Value};
use std::path::Path;
use toml_edit::{Document, Item, TableLike};

/// Adds what a file says to a layer: one entry for each key that holds a value, `section.key`.
///
/// A text that is not TOML adds one fault with the place where reading ended; none of the file's text is
/// part of it, because that may be a secret.
pub fn read_document(path: &Path, text: &str, layer: &mut Layer) {
    let lines = Lines::new(path, text);
    match Document::parse(text) {
        Ok(document) => flatten(document.as_table(), "", &lines, layer),
        Err(error) => {
            let origin = lines.at(error.span().map_or(0, |span| span.start));
            let text = format!("this is not TOML: {}", error.message());
            layer.faults.push(Finding::new(About::Syntax, origin, text));
        }
    }
}

/// The depth of tables is bounded by the parser, and so is this.
fn flatten(table: &dyn TableLike, prefix: &str, lines: &Lines<'_>, layer: &mut Layer) {
    for (name, item) in table.iter() {
        let place = table.get_key_value(name).and_then(|(key, _)| key.span()).or_else(|| item.span());
        let path = join(prefix, name);
        match item.as_table_like() {
            Some(inner) => flatten(inner, &path, lines, layer),
            None => layer.push(path, value_of(item), lines.at(place.map_or(0, |span| span.start))),
        }
    }
}

/// A key as it would be written: quoted where it holds more than letters, digits, `_` and `-`, so that
/// `"server.listen"` in quotes is not taken for the key `listen` of the section `server`.
fn join(prefix: &str, name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    let name = if bare { name.to_owned() } else { format!("{name:?}") };
    if prefix.is_empty() { name } else { format!("{prefix}.{name}") }
}

fn value_of(item: &Item) -> Value {
    match item {
        Item::Value(value) => plain_value(value),
        Item::ArrayOfTables(tables) => Value::List(tables.iter().map(|_| Value::Table).collect()),
        Item::Table(_) | Item::None => Value::Table,
    }
}

fn plain_value(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => Value::text(text.value()),
        toml_edit::Value::Integer(number) => Value::Integer(*number.value()),
        toml_edit::Value::Float(number) => Value::Float(*number.value()),
        toml_edit::Value::Boolean(on) => Value::Switch(*on.value()),
        toml_edit::Value::Datetime(moment) => Value::text(moment.value().to_string()),
        toml_edit::Value::Array(values) => Value::List(values.iter().map(plain_value).collect()),
        toml_edit::Value::InlineTable(_) => Value::Table,
    }
}

/// Where each line of a file begins.
struct Lines<'a> {
    path: &'a Path,
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(path: &'a Path, text: &'a str) -> Lines<'a> {
        let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Lines { path, text, starts: std::iter::once(0).chain(after).collect() }
    }

    /// The place of a byte; of the end for a byte beyond it.
    fn at(&self, byte: usize) -> Origin {
        let byte = byte.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= byte);
        let start = self.starts[line - 1];
        // A byte order mark takes no room on the line.
        let before = self.text.as_bytes()[start..byte].iter().filter(|b| **b & 0xC0 != 0x80).count();
        let column =
            if line == 1 && self.text.starts_with('\u{feff}') { before.saturating_sub(1) } else { before };
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Origin::File { path: self.path.to_owned(), line: count(line), column: count(column + 1) }
    }
}
