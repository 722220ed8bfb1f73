//! The values that hold after all layers, with where each came from and what it replaced.

use crate::kind::Typed;
use crate::{KeySpec, Origin, SecretTokens, Value};
use ipnet::IpNet;
use rtmx_core::Secret;
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Where a value came from, and what it replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The place of the value that holds.
    pub origin: Origin,
    /// The places of the values that it replaced, the last one first; the default is not among them.
    pub overrode: Vec<Origin>,
}

/// One setting as it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effective {
    /// The key's path.
    pub key: &'static str,
    /// The value as it would be written, `[secret]` for a secret, `None` where nothing is set.
    pub value: Option<String>,
    /// Where it came from.
    #[serde(flatten)]
    pub trace: Trace,
}

/// The typed values, by path. Keys that have neither a value nor a default are absent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values(BTreeMap<&'static str, Typed>);

impl Values {
    pub(crate) fn remove(&mut self, path: &str) {
        self.0.remove(path);
    }

    pub(crate) fn insert(&mut self, path: &'static str, value: Typed) {
        self.0.insert(path, value);
    }

    pub(crate) fn insert_default(&mut self, spec: &KeySpec) {
        if let Some(default) = spec.default {
            let value = spec.kind.read(&Value::text(default)).ok();
            let value = value.unwrap_or_else(|| panic!("the default of `{}` is not valid", spec.path));
            self.insert(spec.path, value);
        }
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Typed> {
        self.0.get(path)
    }

    /// The value for people: never a secret's content.
    pub(crate) fn shown(&self, spec: &KeySpec) -> Option<String> {
        self.get(spec.path).map(|value| if spec.secret { "[secret]".into() } else { value.shown() })
    }

    /// The same with a token in place of each secret. A built-in default is no secret.
    fn recognizable(&self, spec: &KeySpec, origin: &Origin, tokens: &SecretTokens) -> Option<String> {
        let hidden = spec.secret && *origin != Origin::Default;
        self.get(spec.path).map(Typed::shown).map(|text| if hidden { tokens.token(&text) } else { text })
    }

    /// Whether a key has the same value in both.
    pub(crate) fn same(&self, other: &Values, path: &str) -> bool {
        self.get(path).map(Typed::shown) == other.get(path).map(Typed::shown)
    }

    pub(crate) fn text(&self, path: &str) -> Option<Secret<String>> {
        match self.get(path) {
            Some(Typed::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }
}

/// Every setting as it holds, in the order of its table; secrets as tokens where there are any.
pub(crate) fn lines(
    keys: &'static [KeySpec],
    values: &Values,
    origins: &BTreeMap<&'static str, Trace>,
    tokens: Option<&SecretTokens>,
) -> Vec<Effective> {
    let line = |spec: &KeySpec| {
        let trace = origins[spec.path].clone();
        let value = match tokens {
            Some(tokens) => values.recognizable(spec, &trace.origin, tokens),
            None => values.shown(spec),
        };
        Effective { key: spec.path, value, trace }
    };
    keys.iter().map(line).collect()
}

/// Getters for keys with a default. The table's own test calls each of them, so a key of another kind
/// cannot get here.
macro_rules! getters {
    ($($name:ident, $variant:ident, $type:ty;)*) => {
        impl Values {
            $(pub(crate) fn $name(&self, path: &str) -> $type {
                match self.get(path) {
                    Some(Typed::$variant(value)) => value.clone(),
                    _ => panic!("`{path}` is no setting of this kind with a default"),
                }
            })*
        }
    };
}

/// Getters for keys without a default.
macro_rules! getters_if_any {
    ($($name:ident, $variant:ident, $type:ty;)*) => {
        impl Values {
            $(pub(crate) fn $name(&self, path: &str) -> Option<$type> {
                match self.get(path) {
                    Some(Typed::$variant(value)) => Some(value.clone()),
                    _ => None,
                }
            })*
        }
    };
}

getters_if_any! {
    duration_if_any, Duration, Duration;
    integer_if_any, Integer, u64;
    path_if_any, Path, PathBuf;
    networks_if_any, Networks, Vec<IpNet>;
    switch_if_any, Switch, bool;
    choice_if_any, Choice, &'static str;
    size_if_any, Size, u64;
    address_if_any, Address, SocketAddr;
    list_if_any, List, Vec<String>;
}

getters! {
    address, Address, SocketAddr;
    size, Size, u64;
    duration, Duration, Duration;
    integer, Integer, u64;
    path, Path, PathBuf;
    switch, Switch, bool;
    choice, Choice, &'static str;
    list, List, Vec<String>;
}
