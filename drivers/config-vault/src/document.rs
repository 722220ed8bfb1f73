//! What a secret holds: its entries as texts, straight from the answer's bytes, so that no copy of a value
//! is left that is not overwritten.

use rtmx_core::Secret;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// One version of a secret.
#[derive(Debug)]
pub(crate) struct Document {
    /// Which version it is.
    pub(crate) version: Version,
    /// Its entries: the text, or why there is none.
    pub(crate) entries: BTreeMap<String, Entry>,
}

/// Which version of a secret is the newest. A secret that was removed with all its versions begins at 1
/// again, so the number alone does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Version {
    #[serde(rename = "version")]
    pub(crate) number: u64,
    pub(crate) created_time: String,
}

/// A value, or why it cannot be one.
#[derive(Debug)]
pub(crate) struct Entry(pub(crate) Result<Secret<String>, String>);

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Entry, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

fn text(text: impl Into<String>) -> Entry {
    Entry(Ok(Secret::new(text.into())))
}

impl<'de> Visitor<'de> for Reader {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Entry, E> {
        Ok(text(value))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Entry, E> {
        Ok(text(value))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Entry, E> {
        Ok(text(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Entry, E> {
        Ok(text(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Entry, E> {
        Ok(text(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Entry, E> {
        Ok(text(value.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<Entry, E> {
        Ok(Entry(Err("it is null, and must be a text".into())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Entry(Err("it is a table, and must be a text".into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entry, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Entry(Err("it is a list, and must be a text".into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_are_texts_and_others_are_named_by_their_shape() {
        let json = r#"{"a": "canary\nvalue", "b": 5, "c": -5, "d": 1.5, "e": true, "f": null, "g": {"h": [1]}, "i": [{}]}"#;
        let entries: BTreeMap<String, Entry> = serde_json::from_str(json).expect("it is JSON");
        let shown = |entry: &Entry| match &entry.0 {
            Ok(text) => text.expose().clone(),
            Err(why) => why.clone(),
        };
        let found: Vec<_> = entries.values().map(shown).collect();
        let table = "it is a table, and must be a text";
        let list = "it is a list, and must be a text";
        let null = "it is null, and must be a text";
        assert_eq!(found, ["canary\nvalue", "5", "-5", "1.5", "true", null, table, list]);
        assert!(!format!("{entries:?}").contains("canary"), "{entries:?}");
    }
}
