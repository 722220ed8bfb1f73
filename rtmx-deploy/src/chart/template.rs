//! Values of the spec as text of a template, in which nothing of them is taken for a template.
//!
//! What the model marked is put in after everything else was quoted: the name of a component's objects, a value
//! of the chart, whether a component is off.

use super::model::{HOST, Model, Part};
use crate::app::Name;
use crate::compose::yaml::quoted;
use serde_json::Value;

/// A value on one line, with what is marked as a host replaced by what finds it.
pub(super) fn flow(model: &Model<'_>, value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}: {}", text(model, key), flow(model, value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(model, item)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(word) => text(model, word),
        other => other.to_string(),
    }
}

fn text(model: &Model<'_>, word: &str) -> String {
    if let Some(key) = word.strip_prefix(HOST).and_then(|rest| rest.strip_prefix("not ")) {
        let key = key.trim_end_matches(HOST);
        return format!("{{{{ not (index .Values {}).enabled }}}}", quoted(key));
    }
    if let Some(path) = word.strip_prefix(HOST).and_then(|rest| rest.strip_prefix("value ")) {
        let path = path.trim_end_matches(HOST);
        return format!("{{{{ include \"chart.value\" (list . {}) | toJson }}}}", quoted(path));
    }
    let mut out = String::new();
    let mut before = None;
    for (at, piece) in word.split(HOST).enumerate() {
        let part = if at % 2 == 1 { Name::new(piece).and_then(|name| model.named(&name)) } else { None };
        match part {
            Some(part) => out.push_str(&format!("\u{1}{}\u{1}", part.suffix)),
            None => match before.and_then(|of| behind_service(of, piece)) {
                Some((key, rest)) => out.push_str(&format!(":\u{1}:{key}\u{1}{rest}")),
                None => out.push_str(piece),
            },
        }
        before = part;
    }
    // Quoted first: what stands for a host is put in afterwards, and is no part of a text.
    let quoted_text = quoted(&out).replace("{{", "{{ `{{` }}");
    let mark = quoted("\u{1}");
    let mark = mark.trim_matches('"');
    let mut result = String::new();
    for (at, piece) in quoted_text.split(mark).enumerate() {
        match at % 2 {
            0 => result.push_str(piece),
            _ if piece.starts_with(':') => {
                result
                    .push_str(&format!("{{{{ int (index .Values {}).service.port }}}}", quoted(&piece[1..])));
            }
            _ => result.push_str(&format!("{{{{ include \"chart.named\" (list . {}) }}}}", quoted(piece))),
        }
    }
    result
}

/// Where a text goes on with the port of the component before it: the component's key, and what comes after. A
/// Service has another port where the values say so; the pods' own addresses have not.
fn behind_service<'p, 't>(part: &'p Part<'_>, text: &'t str) -> Option<(&'p str, &'t str)> {
    let port = part.port.as_ref().and_then(|name| part.ports.get(name))?;
    let rest = text.strip_prefix(':')?.strip_prefix(&port.to_string())?;
    let has_service = part.chart.main || !part.is_stateful();
    (has_service && !rest.starts_with(|c: char| c.is_ascii_digit())).then_some((part.key.as_str(), rest))
}
