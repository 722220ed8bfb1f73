//! The laws of storage.
//!
//! Each case has a stable id, says its law in a sentence, and gets a database of its own that was
//! migrated and is empty. What a backend does not promise in its capability is turned round: it must
//! answer `not_supported`, or, where there is no call to refuse, the case reports itself ignored.

mod apply;
mod archive;
mod bench;
pub mod broken;
mod case;
mod changes;
mod concurrent;
mod expect;
mod history;
mod lease;
mod lifecycle;
mod model;
mod paging;
mod query;
mod sample;
mod snapshot;

pub use bench::Instance;
pub use case::{Case, all};

use crate::outcome;
use bench::Factory;
use libtest_mimic::Trial;
use rtmx_core::Result;
use std::future::Future;
use std::process::ExitCode;

/// At least so many cases run against every backend: fewer means that the list itself broke.
pub const CASE_FLOOR: usize = 60;

/// The cases as tests of libtest-mimic. `fresh` opens an empty, isolated database without a schema.
pub fn cases<F, Opening>(fresh: F) -> Vec<Trial>
where
    F: Fn() -> Opening + Send + Sync + 'static,
    Opening: Future<Output = Result<Instance>> + Send + 'static,
{
    let factory = Factory::new(fresh);
    let trial = |case: Case| {
        let factory = factory.clone();
        Trial::ignorable_test(case.id, move || case.run(&factory).told(case.law))
    };
    all().into_iter().map(trial).collect()
}

/// Runs the cases as the whole `main` of a test, and fails when fewer than [`CASE_FLOOR`] ran.
pub fn run<F, Opening>(fresh: F) -> ExitCode
where
    F: Fn() -> Opening + Send + Sync + 'static,
    Opening: Future<Output = Result<Instance>> + Send + 'static,
{
    outcome::run_all(cases(fresh), CASE_FLOOR)
}
