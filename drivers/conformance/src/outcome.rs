//! How a case ends, the runtime that it ends in, and the `main` of a test that runs all.

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Duration;

/// No case takes longer, or something hangs.
const CASE_LIMIT: Duration = Duration::from_secs(120);

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The law was kept.
    Kept,
    /// The driver does not promise it, for the reason given.
    Ignored(String),
    /// The law was broken, in the words of the assertion.
    Broken(String),
}

impl Outcome {
    /// What comes of a case on a runtime of its own: of two workers, so that concurrent cases are concurrent.
    pub(crate) fn of(case: impl Future<Output = Outcome>) -> Outcome {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return Outcome::Broken(format!("no runtime to run the case in: {error}")),
        };
        let run = AssertUnwindSafe(|| {
            runtime.block_on(async {
                match tokio::time::timeout(CASE_LIMIT, case).await {
                    Ok(outcome) => outcome,
                    Err(_) => Outcome::Broken(format!("it did not end within {} s", CASE_LIMIT.as_secs())),
                }
            })
        });
        let outcome = catch_unwind(run).unwrap_or_else(|panic| Outcome::Broken(words(&*panic)));
        runtime.shutdown_background();
        outcome
    }

    /// The same as a test's harness wants it.
    pub(crate) fn told(self, law: &str) -> Result<Completion, Failed> {
        match self {
            Outcome::Kept => Ok(Completion::Completed),
            Outcome::Ignored(why) => Ok(Completion::ignored_with(why)),
            Outcome::Broken(why) => Err(Failed::from(format!("{why}\nthe law: {law}"))),
        }
    }
}

/// Runs the cases as the whole `main` of a test, and fails when fewer than `floor` ran.
pub(crate) fn run_all(cases: Vec<Trial>, floor: usize) -> ExitCode {
    let arguments = Arguments::from_args();
    let chosen =
        arguments.list || arguments.filter.is_some() || !arguments.skip.is_empty() || arguments.ignored;
    let conclusion = libtest_mimic::run(&arguments, cases);
    let counted = conclusion.num_passed + conclusion.num_failed + conclusion.num_ignored;
    if !chosen && counted < floor as u64 {
        #[allow(clippy::print_stderr, reason = "a test says why it fails")]
        {
            eprintln!("only {counted} cases ran: at least {floor} must");
        }
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}
