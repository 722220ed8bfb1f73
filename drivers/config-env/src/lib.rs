//! Configuration of RTMX from environment variables.
//!
//! The names, their precedence and the rules for `..._FILE` are the family's
//! ([`rtmx_config::environment_layer`]); what is here is the contact with the process: its environment
//! and the files that variables name. The environment is taken when the source is opened and is not
//! watched, because a process cannot be given another one.
#![doc = ""]
#![doc = include_str!("../README.md")]

mod driver;
mod secret_file;
mod source;

pub use driver::{EnvDriver, register};
pub use secret_file::read as read_secret_file;
pub use source::EnvSource;
