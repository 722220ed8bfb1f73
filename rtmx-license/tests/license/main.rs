//! The tests of the crate, from outside: what is refused and why, states, time, memory, entitlements.

#![allow(clippy::unwrap_used, reason = "the functions that tests share fail as tests do")]

mod carriers;
mod checks;
mod clock;
mod entitlements;
mod files;
mod fingerprints;
mod leases;
mod mutations;
mod oracle;
mod public_keys;
mod refusals;
mod rotation;
mod secrecy;
mod signatures;
mod states;
mod support;
