//! `deny`: licenses, bans and sources of every dependency, by the rules in `deny.toml`.
//!
//! Advisories are not part of it: they come from a dated copy and are `audit`'s.

use crate::workspace::Workspace;
use crate::{Result, process, tools};

/// Runs the check.
///
/// # Errors
///
/// If a rule is broken.
pub(crate) fn run() -> Result<()> {
    check(&Workspace::read()?)
}

/// Checks the workspace's dependencies.
///
/// # Errors
///
/// If a rule is broken.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let program = tools::DENY.path(workspace)?;
    let mut deny = process::command(program, &workspace.root);
    process::succeed(deny.args([
        "--all-features",
        "--log-level",
        "warn",
        "check",
        "licenses",
        "bans",
        "sources",
    ]))
}
