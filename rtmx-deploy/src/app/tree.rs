//! A YAML file as a tree in which every value knows its line and column.
//!
//! The decision to know: a file is read in two passes, this one and [`super::shape`], because a reader
//! that makes typed values at once stops at the first fault, and loses the places that a check across
//! the whole file wants to name. Deliberately absent: anchors across files, includes and variables; what
//! stands in the file is what is meant.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::Spanned;
use std::fmt;

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) content: Content,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    /// Keys in the order of the file, each with its own place.
    Map(Vec<(String, Place, Node)>),
}

/// Why a text is not YAML, and where.
#[derive(Debug)]
pub(crate) struct NotYaml {
    pub(crate) place: Place,
    pub(crate) why: String,
}

impl Node {
    /// Reads a file's text.
    pub(crate) fn parse(text: &str) -> Result<Node, NotYaml> {
        let options = serde_saphyr::options! {
            with_snippet: false,
            strict_booleans: true,
        };
        let raw: Result<Raw, serde_saphyr::Error> = serde_saphyr::from_str_with_options(text, options);
        raw.map(Node::from).map_err(|error| {
            let place = error.location().map(|at| Place { line: at.line(), column: at.column() });
            NotYaml { place: place.unwrap_or_default(), why: first_line(&error.to_string()) }
        })
    }

    /// The value without its places.
    pub(crate) fn to_value(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(bool) => Value::Bool(*bool),
            Content::Number(number) => Value::Number(number.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => Value::Array(items.iter().map(Node::to_value).collect()),
            Content::Map(entries) => {
                Value::Object(entries.iter().map(|(key, _, node)| (key.clone(), node.to_value())).collect())
            }
        }
    }

    /// The nearest place to a path of keys and indices: that of its last key which is there.
    pub(crate) fn place_of(&self, path: &[&str]) -> Place {
        let Some((first, rest)) = path.split_first() else { return self.place };
        match &self.content {
            Content::Map(entries) => match entries.iter().find(|(key, _, _)| key == first) {
                Some((_, place, node)) if rest.is_empty() || matches!(node.content, Content::Null) => *place,
                Some((_, place, node)) => {
                    let within = node.place_of(rest);
                    // A value that has nothing of the rest is better named by its key.
                    if within == node.place { *place } else { within }
                }
                None => self.place,
            },
            Content::List(items) => match first.parse::<usize>().ok().and_then(|at| items.get(at)) {
                Some(node) => node.place_of(rest),
                None => self.place,
            },
            _ => self.place,
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// A node as the YAML reader gives it.
struct Raw(Spanned<RawContent>);

enum RawContent {
    Scalar(Content),
    List(Vec<Raw>),
    Map(Vec<(Spanned<String>, Raw)>),
}

impl From<Raw> for Node {
    fn from(raw: Raw) -> Node {
        let begins = place(&raw.0);
        let content = match raw.0.value {
            RawContent::Scalar(content) => content,
            RawContent::List(items) => Content::List(items.into_iter().map(Node::from).collect()),
            RawContent::Map(entries) => {
                let entry = |(key, value): (Spanned<String>, Raw)| {
                    let at = place(&key);
                    (key.value, at, Node::from(value))
                };
                Content::Map(entries.into_iter().map(entry).collect())
            }
        };
        Node { place: begins, content }
    }
}

fn place<T>(spanned: &Spanned<T>) -> Place {
    Place { line: spanned.referenced.line(), column: spanned.referenced.column() }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Raw)
    }
}

impl<'de> Deserialize<'de> for RawContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = RawContent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<RawContent, E> {
        Ok(RawContent::Scalar(Content::Null))
    }

    fn visit_none<E>(self) -> Result<RawContent, E> {
        Ok(RawContent::Scalar(Content::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<RawContent, E> {
        Ok(RawContent::Scalar(Content::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<RawContent, E> {
        Ok(RawContent::Scalar(Content::Number(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<RawContent, E> {
        Ok(RawContent::Scalar(Content::Number(value.into())))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<RawContent, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number has to be finite"))?;
        Ok(RawContent::Scalar(Content::Number(number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<RawContent, E> {
        Ok(RawContent::Scalar(Content::Text(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<RawContent, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(RawContent::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<RawContent, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(RawContent::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_and_key_knows_its_place() {
        let text = "name: x\nlist:\n  - 1\n  - {a: true, b: 1.5}\nnone:\ntext: \"0.5\"\n";
        let node = Node::parse(text).expect("it is YAML");
        // path, line, column
        let cases: [(&[&str], u64, u64); 7] = [
            (&["name"], 1, 1),
            (&["list", "0"], 3, 5),
            (&["list", "1", "b"], 4, 15),
            (&["none"], 5, 1),
            (&["none", "more"], 5, 1),
            (&["text"], 6, 1),
            (&["list", "1", "absent"], 4, 5),
        ];
        for (path, line, column) in cases {
            assert_eq!(node.place_of(path), Place { line, column }, "{path:?}");
        }
        let want = serde_json::json!({
            "name": "x", "list": [1, {"a": true, "b": 1.5}], "none": null, "text": "0.5",
        });
        assert_eq!(node.to_value(), want);
    }

    #[test]
    fn what_is_no_yaml_is_said_with_its_place() {
        for (text, line) in [("a: 1\na: 2\n", 2), ("a: [1,\n", 1), ("a: 'x\n", 1), ("? {}\n: 1\n", 1)] {
            let error = Node::parse(text).expect_err("it is not to be read");
            assert!(error.place.line >= line, "{text:?}: {:?} {}", error.place, error.why);
            assert!(!error.why.is_empty());
        }
    }
}
