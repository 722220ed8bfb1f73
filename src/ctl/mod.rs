//! `rtmxctl`: the operator's tool.
//!
//! The decision to know: a command is a function from parsed arguments to an exit code, and prints
//! through one `Output`, so that text for people and JSON for programs cannot drift apart. What a
//! command does is done by drivers and by the server's own routes; there is no second way to change data
//! here.

mod app;
pub(crate) mod archive;
mod args;
pub(crate) mod backup;
mod config;
pub(crate) mod data;
pub(crate) mod database;
mod deploy;
mod import;
mod info;
mod installation;
mod license;
mod look;
pub(crate) mod meter;
pub(crate) mod output;
mod places;
mod progress;
mod render;
mod restore;
mod topics;
mod transfer;
mod values;

use crate::{Drivers, standard_drivers};
use args::{Cli, Command, DriverCommand};
use clap::Parser;
use clap::error::ErrorKind;
use output::{Outcome, Output};
use rtmx_core::{Error, storage, tool};
use std::process::ExitCode;

/// Runs `rtmxctl` and returns its exit code.
pub fn main() -> ExitCode {
    let words: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error, words.iter().any(|word| word == "--json")),
    };
    let out = Output::new(cli.global.json);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(run(&cli, &out));
            // What still waits for input must not hold up the end.
            runtime.shutdown_background();
            outcome
        }
        Err(source) => {
            Err(Error::new(storage::INTERNAL, "could not start the runtime").with_source(source).into())
        }
    };
    let outcome = outcome.and_then(|code| Ok(out.finish().map(|()| code)?));
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            out.failure(&failure);
            ExitCode::from(failure.error.code().entry().exit)
        }
    }
}

async fn run(cli: &Cli, out: &Output) -> Outcome {
    let global = &cli.global;
    let drivers = standard_drivers()?;
    match &cli.command {
        Command::Deploy(args) => deploy::run_deploy(&drivers, global, args, out).await,
        Command::Plan { wanted, out: to } => {
            deploy::run_plan(&drivers, global, wanted, to.as_deref(), out).await
        }
        Command::Render(args) => render::run_render(args, out),
        Command::Status => look::run_status(&drivers, global, out).await,
        Command::Logs { lines, follow } => look::run_logs(&drivers, global, *lines, *follow, out).await,
        Command::History { limit } => look::run_history(&drivers, global, *limit, out).await,
        Command::Remove { purge, confirm } => {
            deploy::run_remove(&drivers, global, *purge, confirm.as_deref(), out).await
        }
        Command::Token { command } => data::run_token(&drivers, global, command, out).await,
        Command::License { command } => license::run_license(&drivers, global, command, out).await,
        Command::Config { command } => config::run_config(&drivers, global, command, out).await,
        Command::Import(args) => import::run_import(&drivers, global, args, out).await,
        Command::Export(args) => data::run_export(&drivers, global, args, out).await,
        Command::Backup { command } => backup::run_backup(&drivers, global, command, out).await,
        Command::Transfer(args) => transfer::run_transfer(&drivers, global, args, out).await,
        Command::App { command } => app::run_app(command, out),
        Command::Explain { code } => info::run_explain(code.as_deref(), out),
        Command::Driver { command: DriverCommand::List } => info::run_driver_list(&drivers, out),
        Command::Completions { shell } => info::run_completions(*shell, out),
        Command::Man { to } => info::run_man(to, out),
        Command::Help { what } => info::run_help(what, out),
        Command::Version => info::run_version(out),
        Command::Supervise { dir } => supervise(&drivers, dir).await,
    }
}

#[cfg(feature = "deploy-local")]
async fn supervise(_: &Drivers, dir: &std::path::Path) -> Outcome {
    rtmx_deploy_local::supervise(dir).await?;
    Ok(0)
}

#[cfg(not(feature = "deploy-local"))]
async fn supervise(drivers: &Drivers, _: &std::path::Path) -> Outcome {
    drivers.deploy.get("local")?;
    Ok(0)
}

/// Reports a command line that was not understood; help and version that were asked for are answers.
fn not_understood(error: &clap::Error, json: bool) -> ExitCode {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if asked || !json {
        // The only other place to tell that this failed is where it failed.
        let _ = error.print();
        return ExitCode::from(if asked { 0 } else { tool::USAGE.entry().exit });
    }
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Output::new(true).failure(&Error::new(tool::USAGE, message).into());
    ExitCode::from(tool::USAGE.entry().exit)
}
