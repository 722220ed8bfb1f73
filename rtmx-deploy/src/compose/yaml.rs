//! YAML with a comment behind each line.
//!
//! No crate that writes YAML keeps comments, and comments that say where a line comes from are half of
//! what is rendered here. So this writes a small part of YAML, block mappings and sequences with plain or
//! double-quoted scalars, and a property test reads it back with the crate that reads specs.

use serde_json::Value;
use std::fmt::Write;

/// A value to be written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Yaml {
    /// A text; quoted where it has to be.
    Text(String),
    /// A number or a truth value, as it stands.
    Plain(String),
    /// A list of texts on one line.
    Words(Vec<String>),
    /// A list.
    List(Vec<Line<Yaml>>),
    /// A mapping.
    Map(Map),
}

/// Something with a comment behind it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line<T> {
    pub(crate) value: T,
    /// The comment; none if it is empty.
    pub(crate) note: String,
}

impl<T> Line<T> {
    pub(crate) fn new(value: T, note: impl Into<String>) -> Line<T> {
        Line { value, note: note.into() }
    }
}

/// A mapping in the order in which it was made.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Map(Vec<(String, Line<Yaml>)>);

impl Map {
    pub(crate) fn new() -> Map {
        Map::default()
    }

    pub(crate) fn put(&mut self, key: impl Into<String>, value: Yaml, note: impl Into<String>) {
        self.0.push((key.into(), Line::new(value, note)));
    }

    pub(crate) fn text(&mut self, key: impl Into<String>, value: impl Into<String>, note: impl Into<String>) {
        self.put(key, Yaml::Text(value.into()), note);
    }

    pub(crate) fn plain(
        &mut self,
        key: impl Into<String>,
        value: impl std::fmt::Display + Copy,
        note: impl Into<String>,
    ) {
        self.put(key, Yaml::Plain(value.to_string()), note);
    }

    /// A list; nothing if it is empty.
    pub(crate) fn list(&mut self, key: impl Into<String>, items: Vec<Line<Yaml>>, note: impl Into<String>) {
        if !items.is_empty() {
            self.put(key, Yaml::List(items), note);
        }
    }

    /// A list of texts on one line; nothing if it is empty.
    pub(crate) fn words(&mut self, key: impl Into<String>, words: Vec<String>, note: impl Into<String>) {
        if !words.is_empty() {
            self.put(key, Yaml::Words(words), note);
        }
    }

    /// A mapping; nothing if it is empty.
    pub(crate) fn map(&mut self, key: impl Into<String>, map: Map, note: impl Into<String>) {
        if !map.0.is_empty() {
            self.put(key, Yaml::Map(map), note);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mapping as a document, with an empty line before each of its keys, and before each key of those
    /// that are named.
    pub(crate) fn to_document(&self, spaced: &[&str]) -> String {
        let mut out = String::new();
        for (key, line) in &self.0 {
            if !out.is_empty() {
                out.push('\n');
            }
            match &line.value {
                Yaml::Map(map) if spaced.contains(&key.as_str()) => {
                    write_line(&mut out, &format!("{}:", scalar(key)), &line.note);
                    for (at, (key, line)) in map.0.iter().enumerate() {
                        if at > 0 {
                            out.push('\n');
                        }
                        write_entry(&mut out, 1, "", key, line);
                    }
                }
                _ => write_entry(&mut out, 0, "", key, line),
            }
        }
        out
    }
}

impl Yaml {
    pub(crate) fn from_value(value: &Value) -> Yaml {
        match value {
            Value::Null => Yaml::Plain("null".to_owned()),
            Value::Bool(bool) => Yaml::Plain(bool.to_string()),
            Value::Number(number) => Yaml::Plain(number.to_string()),
            Value::String(text) => Yaml::Text(text.clone()),
            Value::Array(items) => {
                Yaml::List(items.iter().map(|item| Line::new(Yaml::from_value(item), "")).collect())
            }
            Value::Object(entries) => {
                let mut map = Map::new();
                entries.iter().for_each(|(key, value)| map.put(key, Yaml::from_value(value), ""));
                Yaml::Map(map)
            }
        }
    }
}

fn write_entry(out: &mut String, depth: usize, lead: &str, key: &str, line: &Line<Yaml>) {
    let head = format!("{}{lead}{}:", indent(depth, lead), scalar(key));
    write_value(out, depth, &head, line);
}

/// Room before a line; a `- ` takes the place of two spaces.
fn indent(depth: usize, lead: &str) -> String {
    " ".repeat((2 * depth).saturating_sub(lead.len()))
}

fn write_value(out: &mut String, depth: usize, head: &str, line: &Line<Yaml>) {
    match &line.value {
        Yaml::Map(map) if !map.is_empty() => {
            write_line(out, head, &line.note);
            map.0.iter().for_each(|(key, line)| write_entry(out, depth + 1, "", key, line));
        }
        Yaml::List(items) if !items.is_empty() => {
            write_line(out, head, &line.note);
            items.iter().for_each(|item| write_item(out, depth + 1, item));
        }
        Yaml::Map(_) => write_line(out, &format!("{head} {{}}"), &line.note),
        Yaml::List(_) => write_line(out, &format!("{head} []"), &line.note),
        Yaml::Text(text) => write_line(out, &format!("{head} {}", scalar(text)), &line.note),
        Yaml::Plain(text) => write_line(out, &format!("{head} {text}"), &line.note),
        Yaml::Words(words) => {
            let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            write_line(out, &format!("{head} [{}]", words.join(", ")), &line.note);
        }
    }
}

fn write_item(out: &mut String, depth: usize, item: &Line<Yaml>) {
    match &item.value {
        Yaml::Map(map) if !map.is_empty() => {
            for (at, (key, line)) in map.0.iter().enumerate() {
                let lead = if at == 0 { "- " } else { "" };
                write_entry(out, depth + 1, lead, key, line);
            }
        }
        _ => write_value(out, depth, &format!("{}-", "  ".repeat(depth)), item),
    }
}

fn write_line(out: &mut String, text: &str, note: &str) {
    out.push_str(text);
    if !note.is_empty() {
        // A comment ends with its line, whatever is in it.
        let note: String = note.chars().map(|c| if is_special(c) { ' ' } else { c }).collect();
        out.push_str("  # ");
        out.push_str(note.trim());
    }
    out.push('\n');
}

/// A text as YAML: as it stands where no reader could take it for something else, else quoted.
pub(crate) fn scalar(text: &str) -> String {
    const WORDS: [&str; 12] =
        ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf", "infinity"];
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '/';
    let rest = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    let plain = text.starts_with(first) && text.chars().all(rest);
    if plain && !WORDS.contains(&text.to_ascii_lowercase().as_str()) { text.to_owned() } else { quoted(text) }
}

/// A text in double quotes (YAML 1.2, section 7.3.1).
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_special(c) => {
                write!(out, "\\U{:08x}", u32::from(c)).expect("writing to a string cannot fail");
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// What does not print, or what some reader takes for the end of a line.
fn is_special(c: char) -> bool {
    let separator = matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    c.is_control() || separator || ('\u{e000}'..='\u{f8ff}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::parse_value;
    use proptest::prelude::*;
    use serde_json::json;

    fn any_value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            any::<String>(),
            "[a-z0-9:#{}\\[\\],&*!|>'\"%@` -]{0,12}",
            prop::sample::select(vec![
                "yes", "NO", "~", "null", "1.5", "0x1f", "1e3", "- a", "a: b", " a", "a #b", "", "."
            ])
            .prop_map(str::to_owned),
        ];
        let leaf = prop_oneof![
            text.clone().prop_map(Value::String),
            any::<bool>().prop_map(Value::Bool),
            any::<u32>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                prop::collection::btree_map(text.clone(), inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_whatever_stands_in_it(value in any_value(), note in any::<String>()) {
            let mut map = Map::new();
            map.put("value", Yaml::from_value(&value), note.clone());
            map.words("words", vec![note.clone(), "a, b".to_owned()], note.as_str());
            let mut inner = Map::new();
            inner.text("text", note.as_str(), "x");
            map.map("spaced", inner, "");
            let text = map.to_document(&["spaced"]);
            let want = json!({"value": value, "words": [note, "a, b"], "spaced": {"text": note}});
            prop_assert_eq!(parse_value(&text).map_err(|why| format!("{why}\n{text}")), Ok(want));
        }
    }

    #[test]
    fn lines_say_where_they_come_from() {
        let mut map = Map::new();
        map.text("name", "x", "application");
        map.list(
            "list",
            vec![Line::new(Yaml::Text("a b".into()), "one"), Line::new(Yaml::Text("yes".into()), "")],
            "",
        );
        map.words("words", vec!["a".into(), "$$b".into()], "two");
        let want = "name: x  # application\n\nlist:\n  - \"a b\"  # one\n  - \"yes\"\n\nwords: [\"a\", \"$$b\"]  # two\n";
        assert_eq!(map.to_document(&[]), want);
    }
}
