//! Developer tasks: `cargo xtask TASK`.
//!
//! One file holds one task, and [`Task`] is the only list of them. This crate compiles in seconds
//! and depends on nothing of the product, so that a broken product can still be checked, and a
//! machine without any cache reaches the first message soon. Deliberately absent: everything that
//! an operator needs (`rtmxctl` does that; `deploy` only builds it and calls it).

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tasks talk to a terminal")]

mod audit;
mod axe;
mod bench;
mod cluster;
mod deny;
mod deploy;
mod engine;
mod fuzz;
mod helm;
mod http;
mod image;
mod matrix;
mod needs;
mod process;
mod release;
mod suite;
mod tidy;
mod tools;
mod trace;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// What a task answers: the message says what failed and what to change.
type Result<T> = std::result::Result<T, String>;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Developer tasks of the RTMX workspace")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build the server and the operator's tool, and bring RTMX up on this machine
    #[command(after_help = "Examples:\n  cargo xtask deploy\n  cargo xtask deploy --demo --port 18080")]
    Deploy(deploy::Arguments),
    /// Make the container image as an OCI layout, without a container engine
    #[command(after_help = "Examples:\n  cargo xtask image --out /tmp/rtmx\n  cargo xtask image --repin")]
    Image(image::Arguments),
    /// Set up what the tests need and run all of them; this is what CI runs
    #[command(after_help = "Examples:\n  cargo xtask test\n  cargo xtask test tidy tests trace")]
    Test(suite::Arguments),
    /// Check the rules of the workspace that no compiler checks, and list every fault
    Tidy,
    /// Check licenses, bans and sources of the dependencies
    Deny,
    /// Check the dependencies against the advisories in ../shared/data/advisory-db
    Audit,
    /// Check that every requirement marked COMPLETE in rtm/database.csv has a passing test
    Trace,
    /// Run the fuzz targets, each for a while
    #[command(after_help = "Example:\n  cargo xtask fuzz --seconds 600")]
    Fuzz(fuzz::Arguments),
    /// Run the conformance kits on the combinations of what is supported, on real databases
    #[command(after_help = "Examples:\n  cargo xtask matrix --list\n  cargo xtask matrix --full")]
    Matrix(matrix::Arguments),
    /// Start, fill and remove the Kubernetes that the tests of the chart run on
    #[command(
        after_help = "Examples:\n  cargo xtask cluster up --nodes 2\n  cargo xtask cluster load ghcr.io/iotactical/rtmx:v0.1.0\n  cargo xtask cluster down"
    )]
    Cluster(cluster::Arguments),
    /// Measure the release build beside its peers, and write docs/handbook/performance.md
    #[command(
        after_help = "Examples:\n  cargo xtask bench --quick\n  cargo xtask bench --go-rtmx ~/rtmx/rtmx"
    )]
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Deploy(arguments) => deploy::run(&arguments),
        Task::Image(arguments) => image::run(&arguments),
        Task::Test(arguments) => suite::run(&arguments),
        Task::Tidy => tidy::run(),
        Task::Cluster(arguments) => cluster::run(&arguments),
        Task::Deny => deny::run(),
        Task::Audit => audit::run(),
        Task::Trace => trace::run(),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Matrix(arguments) => matrix::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
