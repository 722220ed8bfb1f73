//! Configuration of RTMX from TOML files: one file, or the files of a folder such as `conf.d`.
//!
//! The decision to know: every key is taken by itself, with its line and column, so that a file with
//! five faults reports five. What a key means is not known here; [`rtmx_config::resolve`] says so. A
//! file that is not TOML, or cannot be read, is a fault of the layer and not of the load, so that the
//! other sources' faults are reported beside it. No content of a file is ever part of a message.
#![doc = ""]
#![doc = include_str!("../README.md")]

mod document;
mod driver;
mod settings;
mod snapshot;
mod source;

pub use document::read_document;
pub use driver::{FileDriver, register};
pub use settings::{FileSettings, Place};
pub use source::FileSource;
