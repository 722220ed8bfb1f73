//! The others: each in a file, asked in the same run as the product.

pub(super) mod direct;
pub(super) mod go;
pub(super) mod python;
pub(super) mod sqlite;
mod tool;

pub(super) use tool::{Kind, Serving, Tool};
