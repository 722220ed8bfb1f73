//! The reference mode that asks keeps its own laws.

use rtmx_conformance::license;
use std::process::ExitCode;

fn main() -> ExitCode {
    license::run(|place| async move { Ok(license::broken::reference(&place)) })
}
