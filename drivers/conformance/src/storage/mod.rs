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
pub use case::{Case, Outcome, all};

use bench::Factory;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
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
        Trial::ignorable_test(case.id, move || match case.run(&factory) {
            Outcome::Kept => Ok(Completion::Completed),
            Outcome::Ignored(why) => Ok(Completion::ignored_with(why)),
            Outcome::Broken(why) => Err(Failed::from(format!("{why}\nthe law: {}", case.law))),
        })
    };
    all().into_iter().map(trial).collect()
}

/// Runs the cases as the whole `main` of a test, and fails when fewer than [`CASE_FLOOR`] ran.
pub fn run<F, Opening>(fresh: F) -> ExitCode
where
    F: Fn() -> Opening + Send + Sync + 'static,
    Opening: Future<Output = Result<Instance>> + Send + 'static,
{
    let arguments = Arguments::from_args();
    let chosen =
        arguments.list || arguments.filter.is_some() || !arguments.skip.is_empty() || arguments.ignored;
    let conclusion = libtest_mimic::run(&arguments, cases(fresh));
    let counted = conclusion.num_passed + conclusion.num_failed + conclusion.num_ignored;
    if !chosen && counted < CASE_FLOOR as u64 {
        #[allow(clippy::print_stderr, reason = "a test says why it fails")]
        {
            eprintln!("only {counted} cases ran: at least {CASE_FLOOR} must");
        }
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}
