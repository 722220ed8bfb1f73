//! A resolved configuration of any table: typed values by path, each with its origin.
//!
//! RTMX itself uses [`crate::Settings`], a struct made from these values. A service that embeds this
//! library with a table of its own asks here. Each kind has two getters: one for keys with a default,
//! and one for keys that may have no value.

use crate::effective::{self, Values};
use crate::{Effective, Finding, KeySpec, SecretTokens, Table, Trace};
use rtmx_core::Secret;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A configuration that can be used.
#[derive(Debug, Clone)]
pub struct Configuration {
    pub(crate) table: Table,
    pub(crate) values: Values,
    /// Where the value of each key came from.
    pub origins: BTreeMap<&'static str, Trace>,
    /// What the operator should know.
    pub warnings: Vec<Finding>,
}

/// `sure` panics where the table, and not the configuration, is wrong.
macro_rules! getters {
    ($($sure:ident, $if_any:ident, $type:ty;)*) => {
        impl Configuration {
            $(
                /// The value of a key of this kind that has a default.
                ///
                /// # Panics
                ///
                /// If the table has no such key, whatever the configuration says.
                pub fn $sure(&self, path: &str) -> $type {
                    self.values.$sure(path)
                }

                /// The value of a key of this kind, if it has one.
                pub fn $if_any(&self, path: &str) -> Option<$type> {
                    self.values.$if_any(path)
                }
            )*
        }
    };
}

getters! {
    address, address_if_any, SocketAddr;
    choice, choice_if_any, &'static str;
    duration, duration_if_any, Duration;
    integer, integer_if_any, u64;
    list, list_if_any, Vec<String>;
    path, path_if_any, PathBuf;
    size, size_if_any, u64;
    switch, switch_if_any, bool;
}

impl Configuration {
    /// A text, URL or token, if it is set or has a default.
    pub fn text(&self, path: &str) -> Option<String> {
        self.values.text(path).map(|text| text.expose().clone())
    }

    /// The same for a secret: it neither shows nor outlives its use.
    pub fn secret(&self, path: &str) -> Option<Secret<String>> {
        self.values.text(path)
    }

    /// Every setting as it holds, in the order of the table, secrets redacted.
    pub fn effective(&self) -> Vec<Effective> {
        effective::lines(self.table.keys(), &self.values, &self.origins, None)
    }

    /// The same with a token in place of each secret that was given, by which equal ones are recognized.
    pub fn effective_with(&self, tokens: &SecretTokens) -> Vec<Effective> {
        effective::lines(self.table.keys(), &self.values, &self.origins, Some(tokens))
    }

    /// The settings whose values differ from an older configuration's, in the order of the table.
    pub fn changed_since(&self, older: &Configuration) -> Vec<&'static KeySpec> {
        let keys = self.table.keys().iter();
        keys.filter(|spec| !self.values.same(&older.values, spec.path)).collect()
    }
}
