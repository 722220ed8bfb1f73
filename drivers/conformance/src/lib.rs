//! The laws that every RTMX driver keeps, as a test kit.
//!
//! A driver's author calls [`storage::run`] or [`license::run`] from a test without a harness, says how
//! an empty and isolated instance is made, and gets one case for each law. The kit deletes nothing
//! that it did not make. Its own proof are [`storage::broken`] and [`license::broken`]: drivers that
//! each break one law, and the cases that must notice. The case list may grow in a minor release.

pub mod license;
mod outcome;
pub mod storage;

pub use outcome::Outcome;
