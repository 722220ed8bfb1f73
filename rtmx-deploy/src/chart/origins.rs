//! Where each secret is in a cluster, who uses it, and what it is made of.

use super::model::Model;
use crate::app::{Name, Piece, Secret};
use serde_json::{Map, Value, json};

/// The description of all secrets that somebody uses.
pub(super) fn secrets(model: &Model<'_>) -> Value {
    let mut facts = Map::new();
    let used = model.used();
    for (name, secret) in &model.app.secrets {
        let (object, key) = model.object(name);
        let place = model.place(name);
        let beside: Map<String, Value> =
            place.beside.iter().map(|(key, it)| (key.clone(), it.text.clone().into())).collect();
        let users = users(model, name);
        let only = model.app.external.values().find(|external| external.secret == *name);
        let only = only.and_then(|external| model.named(&external.replaces)).map(|part| part.key.clone());
        if users.is_empty() && !used.contains_key(name) {
            continue;
        }
        facts.insert(
            name.to_string(),
            json!({
                "object": object, "key": key, "existing": model.existing(name), "beside": beside,
                "users": users, "only": only, "value": place.value, "made": made(model, name, secret),
            }),
        );
    }
    Value::Object(facts)
}

/// The keys of the components that a secret is for: those that use it, or what is composed of it.
fn users(model: &Model<'_>, name: &Name) -> Vec<String> {
    let direct: Vec<String> = model
        .parts
        .iter()
        .filter(|part| part.spec.secrets.contains_key(name))
        .map(|part| part.key.clone())
        .collect();
    if !direct.is_empty() {
        return direct;
    }
    let composed_of = |other: &Name, its: &Secret| {
        let pieces = model.composed(other, its).unwrap_or_default();
        pieces.iter().filter_map(Piece::secret).any(|part| part.split('/').next() == Some(name.as_str()))
    };
    let others = model.app.secrets.iter().filter(|(other, its)| *other != name && composed_of(other, its));
    let mut keys: Vec<String> = others
        .flat_map(|(other, _)| model.parts.iter().filter(|part| part.spec.secrets.contains_key(other)))
        .map(|part| part.key.clone())
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

/// Whether the chart makes a secret where nobody else does: then it has to be there.
pub(super) fn is_made(model: &Model<'_>, name: &Name, secret: &Secret) -> bool {
    !made(model, name, secret).is_null()
}

fn made(model: &Model<'_>, name: &Name, secret: &Secret) -> Value {
    let generated = secret.generated.clone().or_else(|| model.place(name).generated.then(Default::default));
    if let Some(generated) = generated {
        return json!({"generated": generated});
    }
    let Some(pieces) = model.composed(name, secret) else { return Value::Null };
    let piece = |piece: Piece| {
        let url = matches!(piece, Piece::InUrl(_));
        match piece {
            Piece::Text(text) => json!({"text": model.with_hosts(&text)}),
            Piece::Plain(word) | Piece::InUrl(word) => {
                let (name, key) =
                    word.split_once('/').map_or((word.as_str(), None), |(name, key)| (name, Some(key)));
                let key = key.map_or_else(
                    || Name::new(name).map(|name| model.object(&name).1).unwrap_or_default(),
                    ToOwned::to_owned,
                );
                json!({"secret": name, "key": key, "url": url})
            }
        }
    };
    json!({"composed": pieces.into_iter().map(piece).collect::<Vec<_>>()})
}
