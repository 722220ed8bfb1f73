//! Configuration of RTMX from HashiCorp Vault or OpenBao: secrets of a key-value engine, version 2.
//!
//! What a name means is the family's ([`rtmx_config::named_layer`]), and how a question reaches a server
//! is [`rtmx_https`]'s. The decision to know: there is no task of its own. A lease is renewed by whoever
//! loads or waits for changes, and a token that ran out meanwhile is replaced by a new login. No token,
//! secret id or value is ever part of a message.
#![doc = ""]
#![doc = include_str!("../README.md")]

mod credentials;
mod document;
mod driver;
mod failure;
mod pause;
mod session;
mod settings;
mod source;
mod wire;

pub use driver::{VaultDriver, register};
pub use settings::{Auth, VaultSettings};
pub use source::VaultSource;
