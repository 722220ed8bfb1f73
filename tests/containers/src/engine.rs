//! The container engine: asked whether it answers, never started.
//!
//! `cargo xtask matrix` brings one up where that can be done. What is labelled here and whose process has
//! ended is removed by the next process that starts something.

use crate::command::{must, works};
use crate::owner::has_ended;
use crate::{Error, Result};
use std::process::Command;
use std::sync::LazyLock;

/// Every container of this crate has it.
pub(crate) const LABEL: (&str, &str) = ("rtmx.test", "containers");
/// Names the process that a container belongs to.
pub(crate) const OWNER: &str = "rtmx.test.owner";

/// Prepares the engine's command.
pub(crate) fn docker(arguments: &[&str]) -> Command {
    let mut docker = Command::new("docker");
    docker.args(arguments);
    docker
}

/// Why no engine can be used, if so.
pub(crate) fn answers() -> Result<()> {
    static ANSWER: LazyLock<Result<()>> = LazyLock::new(|| {
        if !works(&mut docker(&["version"])) {
            let reason = "no container engine answers `docker version`; `cargo xtask matrix` brings one up \
                where that can be done, and RTMX_TEST_POSTGRES_PROCESSES=1 runs PostgreSQL without one";
            return Err(Error::Unavailable(reason.into()));
        }
        sweep()
    });
    ANSWER.clone()
}

/// Removes what tests that were killed have left.
fn sweep() -> Result<()> {
    let (name, value) = LABEL;
    let mut list = docker(&["ps", "--all", "--filter", &format!("label={name}={value}")]);
    let listed = must(list.args(["--format", &format!("{{{{.ID}}}} {{{{.Label \"{OWNER}\"}}}}")]))?;
    for (id, owner) in listed.lines().filter_map(|line| line.split_once(' ')) {
        if has_ended(owner) {
            // Another process may have been faster.
            let _ = must(&mut docker(&["rm", "--force", "--volumes", id]));
        }
    }
    Ok(())
}
