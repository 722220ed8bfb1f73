//! The table of values as `values.yaml`, as its schema, and as the README.

use super::model::Model;
use super::table::{Branch, Node, Table, block, inline};
use serde_json::{Map, Value, json};

/// Comments are broken so that a line is not longer.
const WIDTH: usize = 100;

/// `values.yaml`.
pub(super) fn values(model: &Model<'_>, table: &Table) -> String {
    let mut out = format!(
        "# Values of {}: {}.\n\
         # Rendered from its spec; README.md has the same as a table, values.schema.json checks it.\n",
        model.app.application, model.app.summary
    );
    branch(&mut out, table, &table.tree(), &mut Vec::new());
    out
}

fn branch<'t>(out: &mut String, table: &Table, of: &Branch<'t>, path: &mut Vec<&'t str>) {
    for (name, node) in &of.children {
        path.push(name);
        let depth = path.len() - 1;
        if depth == 0 {
            out.push('\n');
        }
        match node {
            Node::Leaf(entry) => {
                comment(out, depth, &entry.comment);
                block(out, depth, name, &entry.default);
            }
            Node::Branch(inner) => {
                if let Some(about) = table.about(&path.join(".")) {
                    comment(out, depth, about);
                }
                out.push_str(&format!("{}{name}:\n", "  ".repeat(depth)));
                branch(out, table, inner, path);
            }
        }
        path.pop();
    }
}

/// A comment above its value.
pub(super) fn comment(out: &mut String, depth: usize, text: &str) {
    let lead = format!("{}#", "  ".repeat(depth));
    let mut line = lead.clone();
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH && line != lead {
            out.push_str(&line);
            out.push('\n');
            line.clone_from(&lead);
        }
        line.push(' ');
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
}

/// `values.schema.json`.
pub(super) fn schema(model: &Model<'_>, table: &Table) -> String {
    let mut schema = object(table, &table.tree(), &mut Vec::new());
    schema["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    schema["title"] = format!("Values of {}", model.app.application).into();
    // A subchart shares `global` with charts that have more in it.
    schema["properties"]["global"]["additionalProperties"] = true.into();
    for old in model.chart.moved.keys() {
        // What was renamed is refused by a template, which can say how it is called now.
        let mut at = &mut schema;
        let parts: Vec<&str> = old.split('.').collect();
        for (depth, part) in parts.iter().enumerate() {
            let last = depth + 1 == parts.len();
            let properties = at.get_mut("properties").and_then(Value::as_object_mut);
            let Some(properties) = properties else { break };
            let about = if last {
                json!({"description": "renamed"})
            } else {
                json!({"type": "object", "additionalProperties": false, "properties": {}})
            };
            at = properties.entry((*part).to_owned()).or_insert(about);
        }
    }
    format!("{schema:#}\n")
}

fn object<'t>(table: &Table, of: &Branch<'t>, path: &mut Vec<&'t str>) -> Value {
    let mut properties = Map::new();
    for (name, node) in &of.children {
        path.push(name);
        let schema = match node {
            Node::Leaf(entry) => {
                let mut schema = entry.schema.clone();
                schema["description"] = entry.comment.clone().into();
                schema
            }
            Node::Branch(inner) => {
                let mut schema = object(table, inner, path);
                if let Some(about) = table.about(&path.join(".")) {
                    schema["description"] = about.into();
                }
                schema
            }
        };
        properties.insert((*name).to_owned(), schema);
        path.pop();
    }
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

/// `README.md`.
pub(super) fn readme(model: &Model<'_>, table: &Table, presets: &[(String, String)]) -> String {
    let app = &model.app;
    let name = &app.application;
    let mut out = format!(
        "# {name}\n\n{}.\n\n\
         Helm 3.14 or newer, or Helm 4; Kubernetes {}. Rendered from the application's spec: changes belong there.\n\n\
         ```sh\nhelm upgrade --install {name} . --namespace {name} --create-namespace --wait\n```\n\n\
         The guide is docs/handbook/helm.md of the sources.\n\n",
        app.summary,
        model.chart.kubernetes.trim_start_matches(">=").trim_end_matches("-0").to_owned() + " or newer"
    );
    if !presets.is_empty() {
        out.push_str("## Sets of values\n\n| file | for what |\n| --- | --- |\n");
        presets.iter().for_each(|(file, about)| out.push_str(&format!("| `{file}` | {} |\n", cell(about))));
        out.push('\n');
    }
    out.push_str("## Secrets\n\n");
    out.push_str(
        "Missing ones are made once by a job that runs before the release, in objects that belong to no release: \
         an upgrade, a rollback and `helm uninstall` leave them as they are.\n\n\
         | secret | object | key | named by |\n| --- | --- | --- | --- |\n",
    );
    for (secret, _) in model.used() {
        let (object, key) = model.object(secret);
        out.push_str(&format!(
            "| `{secret}` | `<fullname>-{object}` | `{key}` | `{}` |\n",
            model.existing(secret)
        ));
    }
    out.push_str("\n## Values\n\n");
    for (group, node) in &table.tree().children {
        out.push_str(&format!("### {group}\n\n"));
        if let Some(about) = table.about(group) {
            out.push_str(&format!("{about}\n\n"));
        }
        out.push_str("| value | default | |\n| --- | --- | --- |\n");
        let mut rows = Vec::new();
        leaves(node, &mut rows);
        for entry in rows {
            let default = inline(&entry.default);
            out.push_str(&format!(
                "| `{}` | `{}` | {} |\n",
                entry.path.join("."),
                cell(&default),
                cell(&entry.comment)
            ));
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn leaves<'t>(node: &Node<'t>, rows: &mut Vec<&'t super::table::Entry>) {
    match node {
        Node::Leaf(entry) => rows.push(entry),
        Node::Branch(branch) => branch.children.iter().for_each(|(_, node)| leaves(node, rows)),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
