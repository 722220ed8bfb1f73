//! Configuration of RTMX from mounted secrets: a folder in which each file is one value.
//!
//! What a name means is the family's ([`rtmx_config::named_layer`]); what is here is the contact with the
//! folder. The decision to know: only files whose name is a setting's are opened, because such a folder
//! may hold keys and certificates of others. What is wrong with a file is a fault of the layer and not of
//! the load, and no content is ever part of a message.
#![doc = ""]
#![doc = include_str!("../README.md")]

mod driver;
mod settings;
mod snapshot;
mod source;

pub use driver::{MountDriver, register};
pub use settings::MountSettings;
pub use source::MountSource;
