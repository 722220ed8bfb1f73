//! From values that have a name each, as mounted files and the entries of a remote secret have, to a layer.
//!
//! The names are those of the environment, and the keys themselves. Such a place is ours alone, so a
//! name that sets nothing is always worth a warning, and a value that is empty was meant to be one.

use crate::environment::{Given, combine, known_names, without_line_end};
use crate::{About, Finding, KEYS, Layer, Origin, Provenance, Table, Value, keys};
use rtmx_core::Secret;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A value with its name.
#[derive(Debug, Clone)]
pub struct Named {
    /// The key, or one of its variables: `database.url`, `RTMX_DATABASE__URL`, `DATABASE_URL`.
    pub name: String,
    /// The text, or why there is none, as a phrase that holds nothing of it.
    pub text: Result<Secret<String>, String>,
    /// Where it stands.
    pub origin: Origin,
}

/// The key that a value of this name sets, if it sets one.
pub fn named_key(name: &str) -> Option<&'static str> {
    let key = keys::find(KEYS, name).map(|(spec, _)| spec.path);
    key.or_else(|| known_names(&Table::RTMX).get(name).copied())
}

/// Makes a layer from named values. One trailing line end of each is cut off here.
pub fn named_layer(provenance: Provenance, values: impl IntoIterator<Item = Named>) -> Layer {
    let mut layer = Layer::new(provenance);
    let known = known_names(&Table::RTMX);
    let mut given = Given::new();
    for Named { name, text, origin } in values {
        let found = keys::find(KEYS, &name);
        let key = found.map(|(spec, _)| spec.path).or_else(|| known.get(&name).copied());
        let Some(key) = key else {
            layer.warnings.push(unknown(&name, origin, &known));
            continue;
        };
        let text = match text {
            Ok(text) if text.expose().trim().is_empty() => {
                let text = format!("the value of `{key}` is empty");
                layer.faults.push(Finding::new(About::Value, origin, text).with_key(key));
                continue;
            }
            Ok(text) => Secret::new(without_line_end(text.expose()).to_owned()),
            Err(why) => {
                let text = format!("could not read the value of `{key}`: {why}");
                layer.faults.push(Finding::new(About::Unreadable, origin, text).with_key(key));
                continue;
            }
        };
        let variable = match found {
            // Resolving says what it is called now.
            Some((_, true)) => {
                layer.push(name, Value::Text(text), origin);
                continue;
            }
            Some((spec, false)) => spec.variable(),
            None => name,
        };
        match given.entry(variable) {
            Entry::Vacant(free) => _ = free.insert((text, origin)),
            Entry::Occupied(taken) => {
                let text = format!("`{key}` stands here and in {}, and only one may be", taken.get().1);
                layer.faults.push(Finding::new(About::GivenTwice, origin, text).with_key(key));
            }
        }
    }
    combine(&Table::RTMX, &given, &mut layer);
    layer
}

fn unknown(name: &str, origin: Origin, known: &BTreeMap<String, &'static str>) -> Finding {
    let names = KEYS.iter().map(|spec| spec.path).chain(known.keys().map(String::as_str));
    let nearest = rtmx_core::nearest(name, names).map(ToOwned::to_owned);
    let text = "no setting of this version has this name, so it has no effect";
    Finding::new(About::UnknownName, origin, text).with_nearest(nearest)
}
