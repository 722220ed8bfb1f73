//! Layered configuration in which every value knows where it came from.
//!
//! The decision to know: there is one table of settings, [`KEYS`]. Parsing, names of environment
//! variables, defaults, suggestions for misspelt keys, the reference and the template all derive from
//! it, and [`resolve`] turns layers of plain values into typed [`Settings`], reporting every fault of
//! the configuration at once. Nothing here reads a file, the environment or a clock: config sources do
//! ([`ConfigSource`]), and hand in a [`Layer`]. A secret's content is never part of an error, a warning
//! or `Debug`.

mod crosscheck;
mod effective;
mod environment;
mod finding;
mod flags;
mod keys;
mod kind;
mod layer;
mod nearest;
mod postgres;
mod reference;
mod resolve;
mod settings;
mod source;
pub mod units;
mod value;

pub use effective::{Effective, Trace};
pub use environment::{FOREIGN_VARIABLES, environment_layer, is_injected};
pub use finding::{About, Faults, Finding};
pub use flags::flag_layer;
pub use keys::{KEYS, KeySpec, Reload};
pub use kind::Kind;
pub use layer::{Entry, Layer, Origin};
pub use postgres::POSTGRES_PARTS;
pub use reference::{KeyDoc, reference, template};
pub use resolve::{Resolved, Strictness, resolve};
pub use settings::{
    Auth, Data, Database, License, LicenseChoice, Log, LogFormat, LogLevel, Metrics, Server, Settings,
    Telemetry,
};
pub use source::{Config, ConfigCapability, ConfigSource, Provenance};
pub use value::Value;
