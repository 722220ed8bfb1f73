//! The table of values: of each its path, default, constraints and comment. `values.yaml`, its schema and the
//! README are three ways of writing it, so they cannot differ.

use super::model::Part;
use crate::app::{Amounts, Bytes, ChartValue, ValueKind};
use crate::compose::yaml::{quoted, scalar};
use serde_json::{Map, Value, json};

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) path: Vec<String>,
    pub(super) default: Value,
    pub(super) schema: Value,
    pub(super) comment: String,
}

/// The values, in the order in which they are written.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
    /// What the mappings on the way are, by their path.
    pub(super) groups: Vec<(String, String)>,
}

impl Table {
    /// Adds a value; one that is there already stays.
    pub(super) fn put(&mut self, path: &str, default: Value, schema: Value, comment: impl Into<String>) {
        let path: Vec<String> = path.split('.').map(ToOwned::to_owned).collect();
        if !self.entries.iter().any(|entry| entry.path == path) {
            self.entries.push(Entry { path, default, schema, comment: comment.into() });
        }
    }

    pub(super) fn text(&mut self, path: &str, default: &str, comment: impl Into<String>) {
        self.put(path, default.into(), json!({"type": "string"}), comment);
    }

    pub(super) fn flag(&mut self, path: &str, default: bool, comment: impl Into<String>) {
        self.put(path, default.into(), json!({"type": "boolean"}), comment);
    }

    pub(super) fn number(&mut self, path: &str, default: u32, least: u32, comment: impl Into<String>) {
        self.put(path, default.into(), json!({"type": "integer", "minimum": least}), comment);
    }

    /// A number that can be left out with `null`.
    pub(super) fn optional_number(&mut self, path: &str, default: Option<u32>, comment: impl Into<String>) {
        self.put(path, json!(default), json!({"type": ["integer", "null"], "minimum": 1}), comment);
    }

    pub(super) fn port(&mut self, path: &str, default: u16, comment: impl Into<String>) {
        self.put(path, default.into(), port_schema(), comment);
    }

    pub(super) fn word(&mut self, path: &str, default: &str, words: &[&str], comment: impl Into<String>) {
        self.put(path, default.into(), json!({"type": "string", "enum": words}), comment);
    }

    pub(super) fn amount(&mut self, path: &str, default: &str, comment: impl Into<String>) {
        self.put(path, default.into(), amount_schema(), comment);
    }

    pub(super) fn duration(&mut self, path: &str, default: &str, comment: impl Into<String>) {
        self.put(path, default.into(), duration_schema(), comment);
    }

    pub(super) fn list(&mut self, path: &str, default: Value, comment: impl Into<String>) {
        self.put(path, default, json!({"type": "array"}), comment);
    }

    /// A list whose items are mappings.
    pub(super) fn list_of(&mut self, path: &str, default: Value, item: &Value, comment: impl Into<String>) {
        self.put(path, default, json!({"type": "array", "items": item}), comment);
    }

    /// A mapping that Kubernetes knows, or that the user fills; `null` leaves it out.
    pub(super) fn table(&mut self, path: &str, default: Value, comment: impl Into<String>) {
        self.put(path, default, json!({"type": ["object", "null"]}), comment);
    }

    /// A mapping of texts, such as labels; `null` leaves it out.
    pub(super) fn texts(&mut self, path: &str, default: Value, comment: impl Into<String>) {
        let schema = json!({"type": ["object", "null"], "additionalProperties": {"type": "string"}});
        self.put(path, default, schema, comment);
    }

    /// The beginning of a name of Kubernetes; empty for none.
    pub(super) fn name(&mut self, path: &str, comment: impl Into<String>) {
        let schema = json!({"type": "string", "pattern": "^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$"});
        self.put(path, "".into(), schema, comment);
    }

    /// Peers of a NetworkPolicy, of which a CIDR may stand for itself.
    pub(super) fn peers(&mut self, path: &str, default: Value, comment: impl Into<String>) {
        let item =
            json!({"oneOf": [{"type": "object"}, {"type": "string", "pattern": "^[0-9a-fA-F.:]+/[0-9]+$"}]});
        self.list_of(path, default, &item, comment);
    }

    /// Ports, of which none may be a name.
    pub(super) fn ports(&mut self, path: &str, default: &[u16], comment: impl Into<String>) {
        self.list_of(path, json!(default), &port_schema(), comment);
    }

    /// What a mapping on the way is.
    pub(super) fn group(&mut self, path: &str, comment: impl Into<String>) {
        self.groups.push((path.to_owned(), comment.into()));
    }

    /// A value of the application's own.
    pub(super) fn own(&mut self, path: &str, value: &ChartValue) {
        let mut schema = match value.kind {
            ValueKind::Text => json!({"type": "string"}),
            ValueKind::Flag => json!({"type": "boolean"}),
            ValueKind::Number => json!({"type": "integer", "minimum": 0}),
            ValueKind::Port => port_schema(),
            ValueKind::Amount => amount_schema(),
            ValueKind::Duration => duration_schema(),
            ValueKind::List => json!({"type": "array"}),
            ValueKind::Table => json!({"type": ["object", "null"]}),
        };
        if !value.one_of.is_empty() {
            schema["enum"] = json!(value.one_of);
        }
        self.put(path, value.default.clone(), schema, value.summary.clone());
    }

    /// The values as a tree, by what leads to them.
    pub(super) fn tree(&self) -> Branch<'_> {
        let mut root = Branch::default();
        for entry in &self.entries {
            root.insert(&entry.path, entry);
        }
        root
    }

    /// The comment of a mapping.
    pub(super) fn about(&self, path: &str) -> Option<&str> {
        self.groups.iter().find(|(group, _)| group == path).map(|(_, comment)| comment.as_str())
    }

    /// The value at a path.
    pub(super) fn at(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path.join(".") == path)
    }
}

/// A mapping of values, in order.
#[derive(Debug, Default)]
pub(super) struct Branch<'t> {
    pub(super) children: Vec<(&'t str, Node<'t>)>,
}

/// A value, or more of them.
#[derive(Debug)]
pub(super) enum Node<'t> {
    Leaf(&'t Entry),
    Branch(Branch<'t>),
}

impl<'t> Branch<'t> {
    fn insert(&mut self, path: &'t [String], entry: &'t Entry) {
        match path {
            [] => {}
            [last] => self.children.push((last, Node::Leaf(entry))),
            [first, rest @ ..] => {
                let there = self.children.iter_mut().find_map(|(name, node)| match node {
                    Node::Branch(branch) if name == first => Some(branch),
                    _ => None,
                });
                match there {
                    Some(branch) => branch.insert(rest, entry),
                    None => {
                        let mut branch = Branch::default();
                        branch.insert(rest, entry);
                        self.children.push((first, Node::Branch(branch)));
                    }
                }
            }
        }
    }
}

/// A value as block YAML behind its key.
pub(super) fn block(out: &mut String, depth: usize, key: &str, value: &Value) {
    let lead = "  ".repeat(depth);
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push_str(&format!("{lead}{}:\n", scalar(key)));
            map.iter().for_each(|(key, value)| block(out, depth + 1, key, value));
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            out.push_str(&format!("{lead}{}:\n", scalar(key)));
            for item in items {
                out.push_str(&format!("{lead}  - {}\n", inline(item)));
            }
        }
        other => out.push_str(&format!("{lead}{}: {}\n", scalar(key), inline(other))),
    }
}

/// A value on one line.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", scalar(key), inline(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::String(text) if text.is_empty() => quoted(text),
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// Bytes as Kubernetes writes them.
pub(super) fn amount(bytes: Bytes) -> String {
    let text = bytes.to_string();
    text.trim_end_matches('B').to_owned()
}

/// Processor time and memory as Kubernetes writes them.
pub(super) fn amounts(amounts: &Amounts) -> Value {
    let cpu = if amounts.cpu.0.is_multiple_of(1000) {
        (amounts.cpu.0 / 1000).to_string()
    } else {
        format!("{}m", amounts.cpu.0)
    };
    json!({"cpu": cpu, "memory": amount(amounts.memory)})
}

/// Requests and limits. Scratch space and logs are storage of the node, which are bounded, too: a program that
/// may write anywhere gets more.
pub(super) fn resources(part: &Part<'_>, request: Option<&Amounts>, limit: Option<&Amounts>) -> Value {
    let mebibytes = |bytes: Bytes| bytes.0 >> 20;
    let scratch: u64 = part.scratch().map(|it| mebibytes(it.size)).sum();
    let most = scratch + if part.spec.writable_root { 4096 } else { 512 };
    let mut map = Map::new();
    for (word, given, storage) in [("requests", request, 64), ("limits", limit, most)] {
        let mut of = given.map_or_else(|| json!({}), amounts);
        of["ephemeral-storage"] = amount(Bytes(storage << 20)).into();
        map.insert(word.to_owned(), of);
    }
    Value::Object(map)
}

fn port_schema() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": 65535})
}

fn amount_schema() -> Value {
    json!({"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$"})
}

fn duration_schema() -> Value {
    json!({"type": "string", "pattern": "^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$"})
}
