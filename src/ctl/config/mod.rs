//! `config`: shows, checks, describes and compares configurations.
//!
//! What a setting is and what is wrong with one is `rtmx-config`'s to say; here are the files that are
//! meant and the form in which the answer is printed. Nothing of a secret is printed but its token.

mod check;
mod diff;
mod document;
mod merge;
mod reference;
mod show;
mod subject;
mod tokens;

use super::args::{ConfigCommand, Global, ReferenceFormat};
use super::output::{Outcome, Output};
use crate::Drivers;

pub(super) use subject::resolved_of;

/// Runs a command of `config`.
pub(super) async fn run_config(
    drivers: &Drivers,
    global: &Global,
    command: &ConfigCommand,
    out: &Output,
) -> Outcome {
    match command {
        ConfigCommand::Show { origin, config, keys } => {
            show::run_show(drivers, global, *origin, config.as_deref(), keys, out).await
        }
        ConfigCommand::Check { files, env_file, machine_free } => {
            let place = if *machine_free { check::Place::Elsewhere } else { check::Place::Here };
            check::run_check(drivers, global, files, env_file, place, out).await
        }
        ConfigCommand::Reference { format } => reference::run_reference(*format, out),
        ConfigCommand::Template => reference::run_reference(ReferenceFormat::Toml, out),
        ConfigCommand::Diff { old, new } => diff::run_diff(drivers, global, old, new.as_deref(), out).await,
        ConfigCommand::Merge { file, since, dry_run } => {
            let writes = if *dry_run { merge::Writes::Nothing } else { merge::Writes::File };
            merge::run_merge(drivers, file, since.as_deref(), writes, out).await
        }
    }
}
