//! The server on a PostgreSQL that the customer provides: real server processes, real databases.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]
#![allow(clippy::print_stdout, reason = "how long a recovery took is worth knowing when it passes, too")]

mod certificates;
mod credentials;
mod editors;
mod outages;
#[path = "../support/postgres.rs"]
mod postgres;
mod process;
mod refusals;
mod replicas;
mod rights;
mod stale;
#[path = "../support/mod.rs"]
mod support;

use libtest_mimic::{Arguments, Completion, Trial};
use rtmx_containers::Postgres;
use std::process::ExitCode;

/// A name and what it claims.
type Claim = (&'static str, fn());

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let available = Postgres::available();
    let claims = [
        credentials::CLAIMS,
        refusals::CLAIMS,
        rights::CLAIMS,
        certificates::CLAIMS,
        replicas::CLAIMS,
        editors::CLAIMS,
        stale::CLAIMS,
        outages::CLAIMS,
    ]
    .concat();
    let trial = |(name, claim): Claim| match &available {
        Ok(()) => Trial::test(name, move || {
            claim();
            Ok(())
        }),
        Err(reason) => {
            let reason = reason.clone();
            Trial::ignorable_test(name, move || Ok(Completion::ignored_with(reason)))
        }
    };
    libtest_mimic::run(&arguments, claims.into_iter().map(trial).collect()).exit_code()
}
