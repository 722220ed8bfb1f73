//! The laws of license modes.
//!
//! Each case has a stable id, says its law in a sentence, and gets a mode of its own with an empty
//! memory. The kit is the vendor: it makes the keys, signs licenses, leases and lists, and serves them
//! on a loopback address ([`Place::server_url`]), truthfully or with every trouble that a network has.
//! A mode that does not promise to renew is held to `not_supported` instead.

mod bench;
pub mod broken;
mod case;
mod check;
mod clock;
mod documents;
mod memory;
mod reference;
mod renew;
mod revocation;
mod server;
mod trouble;
mod vendor;

pub use bench::Place;
pub use case::{Case, all};

use crate::outcome;
use bench::Factory;
use libtest_mimic::Trial;
use rtmx_core::Result;
use rtmx_license::LicenseMode;
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;

/// At least so many cases run against every mode: fewer means that the list itself broke.
pub const CASE_FLOOR: usize = 38;

/// The cases as tests of libtest-mimic. `open` opens a mode at a place; opened twice at one place, the
/// second is the first after a restart.
pub fn cases<F, Opening>(open: F) -> Vec<Trial>
where
    F: Fn(Place) -> Opening + Send + Sync + 'static,
    Opening: Future<Output = Result<Arc<dyn LicenseMode>>> + Send + 'static,
{
    let factory = Factory::new(open);
    let trial = |case: Case| {
        let factory = factory.clone();
        Trial::ignorable_test(case.id, move || case.run(&factory).told(case.law))
    };
    all().into_iter().map(trial).collect()
}

/// Runs the cases as the whole `main` of a test, and fails when fewer than [`CASE_FLOOR`] ran.
pub fn run<F, Opening>(open: F) -> ExitCode
where
    F: Fn(Place) -> Opening + Send + Sync + 'static,
    Opening: Future<Output = Result<Arc<dyn LicenseMode>>> + Send + 'static,
{
    outcome::run_all(cases(open), CASE_FLOOR)
}
