//! What the product is measured with: load over HTTP, the database read without the product, and
//! matrices for the benchmarks of its functions.
//!
//! The decision to know: nothing here names the product's crates, so that the reference cannot share
//! a mistake, or a shortcut, with what it is compared to. `functions/` does, and measures them with
//! criterion. Deliberately absent: starting servers, comparing and judging; `cargo xtask bench` does
//! that.

pub mod client;
pub mod cpu;
pub mod direct;
pub mod figures;
pub mod load;
pub mod matrix;
