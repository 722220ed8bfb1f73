//! The values that hold after all layers, with where each came from and what it replaced.

use crate::kind::Typed;
use crate::{KEYS, Origin};
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
    pub(crate) fn insert(&mut self, path: &'static str, value: Typed) {
        self.0.insert(path, value);
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Typed> {
        self.0.get(path)
    }

    /// The value for people: never a secret's content.
    pub(crate) fn shown(&self, path: &str) -> Option<String> {
        let secret = KEYS.iter().any(|spec| spec.path == path && spec.secret);
        self.get(path).map(|value| if secret { "[secret]".into() } else { value.shown() })
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

/// Getters for keys with a default. The table's own test calls each of them, so a key of another kind
/// cannot get here.
macro_rules! getters {
    ($($name:ident, $variant:ident, $type:ty;)*) => {
        impl Values {
            $(pub(crate) fn $name(&self, path: &str) -> $type {
                match self.get(path) {
                    Some(Typed::$variant(value)) => value.clone(),
                    _ => panic!("`{path}` has a default of this kind"),
                }
            })*
        }
    };
}

getters! {
    address, Address, SocketAddr;
    size, Size, u64;
    duration, Duration, Duration;
    integer, Integer, u64;
    path, Path, PathBuf;
    switch, Switch, bool;
    choice, Choice, &'static str;
}
