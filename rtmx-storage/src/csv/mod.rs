//! Matrices as CSV files: reading, writing, and editing without disturbing what is not edited.
//!
//! The decision to know: leniency governs values, not bytes. A status `done` counts as MISSING and
//! is exported as `done`; a file that was only imported comes out byte for byte as it went in. To
//! that end the [`Layout`](rtmx_core::Layout) keeps the file's form, each value keeps the text it
//! came from, and a row keeps its own bytes where writing its values would not give them back.
//! Every edit goes through [`edit::set`], which drops those bytes. Nothing here reads a file or
//! knows of a store; formulas in cells are data and pass through unchanged.

pub mod edit;
mod fields;
mod header;
mod merge;
mod read;
mod refuse;
mod rows;
mod write;

pub(crate) use fields::read_phase;
pub use read::{Parsed, Refused, parse, read};
pub(crate) use write::{Target, count_fields, push_field, push_row};

/// The largest file in bytes.
pub const SIZE_LIMIT_BYTES: usize = 64 * 1024 * 1024;

/// The most rows of a file, without the header.
pub const ROW_LIMIT: usize = 250_000;

/// How a file is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ParseOptions {
    /// What happens to rows that have an id in common.
    pub duplicates: Duplicates,
}

/// What happens to rows that have an id in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// The file is refused, and the rows are named.
    #[default]
    Refuse,
    /// The rows become one requirement, at the place of the first, with a test link for each row
    /// that names a test.
    ///
    /// The first row's values count, but for three: the status is the lowest completion that any
    /// of the rows states (of two equally low, the first), and the requirement depends on and
    /// blocks whatever any of the rows names. What a row says differently is kept in its link.
    Merge,
}
