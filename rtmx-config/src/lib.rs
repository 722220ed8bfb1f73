//! Layered configuration in which every value knows where it came from.
//!
//! The decision to know: there is one table of settings, [`KEYS`]. Parsing, names of environment
//! variables, defaults, suggestions for misspelt keys, the reference and the template all derive from
//! it, and [`resolve`] turns layers of plain values into typed [`Settings`], reporting every fault of
//! the configuration at once. A service that embeds this library does the same with a [`Table`] of its
//! own, and gets a [`Configuration`]. Nothing here reads a file, the environment or a clock: config sources do
//! ([`ConfigSource`]), and hand in a [`Layer`]. A secret's content is never part of an error, a warning
//! or `Debug`.

mod append;
mod compare;
mod configuration;
mod crosscheck;
mod cut;
mod effective;
mod env_file;
mod environment;
mod finding;
mod flags;
mod keys;
mod kind;
mod layer;
mod named;
mod postgres;
mod reference;
mod reload;
mod resolve;
mod schema;
mod settings;
mod source;
mod table;
mod template;
mod tokens;
pub mod units;
mod value;

pub use append::FileFormat;
pub use compare::{Change, Difference, KeyFacts, compare};
pub use configuration::Configuration;
pub use cut::UrlParts;
pub use effective::{Effective, Trace};
pub use env_file::environment_file;
pub use environment::{FOREIGN_VARIABLES, environment_layer, is_injected};
pub use finding::{About, Faults, Finding};
pub use flags::flag_layer;
pub use keys::{KEYS, KeySpec, Reload};
pub use kind::Kind;
pub use layer::{Entry, Layer, Origin};
pub use named::{Named, named_key, named_layer};
pub use postgres::POSTGRES_PARTS;
pub use reference::{KeyDoc, reference};
pub use reload::Reloaded;
pub use resolve::{Resolved, Strictness, resolve};
pub use settings::{
    Auth, Data, Database, License, LicenseChoice, Log, LogFormat, LogLevel, Metrics, Server, Settings,
    Telemetry, Tls, TlsClients, Vault, VaultAuth,
};
pub use source::{Config, ConfigCapability, ConfigSource, Provenance};
pub use table::Table;
pub use template::template;
pub use tokens::SecretTokens;
pub use value::Value;
