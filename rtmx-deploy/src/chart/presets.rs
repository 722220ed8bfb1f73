//! Sets of values: what size and settings of the spec's environments come to, and what the spec adds.

use super::model::Model;
use super::table::{Table, block, resources};
use super::write::comment;
use crate::app::Name;
use crate::release::{Choice, Release};
use rtmx_core::{Error, Result, app as codes};
use serde_json::{Map, Value};

/// A set as a file: its name, what it is for, and its text.
pub(super) struct PresetFile {
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) text: String,
}

/// All sets of values.
///
/// # Errors
///
/// `app_invalid_value` for a path that is no value of the chart.
pub(super) fn presets(model: &Model<'_>, table: &Table) -> Result<Vec<PresetFile>> {
    model.chart.presets.iter().map(|(name, preset)| {
        let mut values = from_environment(model, table, name)?;
        for (path, value) in &preset.values {
            // A part of a mapping is one, too: `api.resources.limits`.
            let within = table.entries.iter().any(|entry| {
                let entry = entry.path.join(".");
                *path == entry || path.starts_with(&format!("{entry}."))
            });
            if !within {
                let text = format!("`chart.presets.{name}.values`: the chart has no value `{path}`");
                return Err(Error::new(codes::APP_INVALID_VALUE, text));
            }
            values.retain(|(other, _)| other != path);
            values.push((path.clone(), value.clone()));
        }
        let mut text = String::new();
        comment(&mut text, 0, &format!("{}: {}.", name, preset.summary.trim_end_matches('.')));
        comment(&mut text, 0, "Rendered. `helm upgrade --install NAME . --values` takes this file, and after it one of yours.");
        text.push('\n');
        let mut root = Map::new();
        values.into_iter().for_each(|(path, value)| insert(&mut root, &path, value));
        if root.is_empty() {
            text.push_str("{}\n");
        }
        root.iter().for_each(|(key, value)| block(&mut text, 0, key, value));
        Ok(PresetFile { name: format!("values-{name}.yaml"), summary: preset.summary.clone(), text })
    }).collect()
}

/// What the environment of this name comes to, as far as it differs from the defaults.
fn from_environment(model: &Model<'_>, table: &Table, name: &Name) -> Result<Vec<(String, Value)>> {
    let Some(environment) = model.app.environments.get(name) else { return Ok(Vec::new()) };
    let resolved = Release::resolve(model.app, None, &Choice::of(name.as_str()))?;
    let topology = resolved.release.topology.expect("it was resolved");
    let mut values = Vec::new();
    for part in &model.parts {
        let Some(placed) = topology.components.get(part.name) else { continue };
        // What does not run needs nothing.
        let switch =
            model.chart.presets.get(name).and_then(|it| it.values.get(&format!("{}.enabled", part.key)));
        if !switch.and_then(Value::as_bool).unwrap_or(part.is_on()) {
            continue;
        }
        let amounts =
            |of: &Option<crate::release::Sourced<crate::app::Amounts>>| of.as_ref().map(|it| it.value);
        let (request, limit) = (amounts(&placed.request), amounts(&placed.limit));
        let mut own =
            vec![(format!("{}.resources", part.key), resources(part, request.as_ref(), limit.as_ref()))];
        if part.chart.replicas.is_none() {
            own.push((format!("{}.replicaCount", part.key), placed.replicas.value.into()));
        }
        for claim in part.claims.iter().filter(|claim| !claim.shared) {
            if let Some(size) = topology.volumes.get(claim.volume) {
                let path = format!("{}.{}.size", part.key, claim.persistence);
                own.push((path, super::table::amount(size.value).into()));
            }
        }
        own.retain(|(path, value)| table.at(path).is_some_and(|entry| entry.default != *value));
        values.extend(own);
    }
    if !environment.unpinned {
        values.push(("image.unpinned".to_owned(), false.into()));
    }
    Ok(values)
}

fn insert(into: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            into.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let there = into.entry(first.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(map) = there {
                insert(map, rest, value);
            }
        }
    }
}
