//! `fuzz`: every fuzz target for a while, after its corpus was replayed.
//!
//! The targets run without a sanitizer on the pinned toolchain: what they test holds no `unsafe`
//! code, and so no second compiler is needed to run them.

use crate::workspace::Workspace;
use crate::{Result, needs, process, tools};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How long each target runs
    #[arg(long, default_value_t = 15)]
    seconds: u64,
}

/// What one target did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    /// The target.
    pub(crate) target: String,
    /// How many inputs it was given.
    pub(crate) inputs: u64,
}

/// Runs all targets.
///
/// # Errors
///
/// If one finds an input that breaks it.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    for ran in all(&Workspace::read()?, arguments.seconds)? {
        println!("{}: {} inputs", ran.target, ran.inputs);
    }
    Ok(())
}

/// Runs all targets, each for `seconds`; no targets without the folder `fuzz/`.
///
/// # Errors
///
/// If one finds an input that breaks it: the message holds what it printed, the input's file included.
pub(crate) fn all(workspace: &Workspace, seconds: u64) -> Result<Vec<Ran>> {
    let dir = workspace.root.join("fuzz");
    if !dir.join("Cargo.toml").is_file() {
        return Ok(Vec::new());
    }
    needs::ensure(&[needs::C_COMPILER, needs::CPP_COMPILER])?;
    let program = tools::FUZZ.path(workspace)?;
    let built = workspace.target.join("fuzz");
    let fuzz = |word: &str| {
        let mut command = process::command(&program, &workspace.root);
        // The flags of the coverage counters are not stable, and nothing that they make is shipped.
        command.arg("fuzz").arg(word).env("CARGO_TARGET_DIR", &built).env("RUSTC_BOOTSTRAP", "1");
        command
    };
    let targets = process::read(&mut fuzz("list"))?;
    process::succeed(fuzz("build").args(["--sanitizer", "none"]))?;
    let targets = targets.lines().map(str::trim).filter(|line| !line.is_empty());
    targets.map(|target| one(&mut fuzz("run"), &dir, &built, target, seconds)).collect()
}

fn one(run: &mut Command, dir: &Path, built: &Path, target: &str, seconds: u64) -> Result<Ran> {
    // New inputs go to a folder outside the checkout; the committed corpus is replayed and left as it is.
    let found = built.join("corpus").join(target);
    std::fs::create_dir_all(&found)
        .map_err(|error| format!("could not make {}: {error}", found.display()))?;
    run.args(["--sanitizer", "none", target]).arg(&found);
    let committed = dir.join("corpus").join(target);
    if committed.is_dir() {
        run.arg(committed);
    }
    let time = format!("-max_total_time={seconds}");
    run.args(["--", &time, "-seed=20260101", "-rss_limit_mb=2048", "-timeout=10", "-print_final_stats=1"]);
    let ended = process::capture(run, Duration::from_secs(seconds + 1200))?;
    if !ended.success {
        return Err(format!("fuzz target `{target}` failed: {}\n{}", ended.status, ended.output));
    }
    let inputs = executed(&ended.output);
    let inputs =
        inputs.ok_or_else(|| format!("fuzz target `{target}` did not say what it ran:\n{}", ended.output))?;
    println!("  {target}: {inputs} inputs in {} s", ended.took.as_secs());
    Ok(Ran { target: target.to_owned(), inputs })
}

/// The number of inputs, from the engine's final statistics.
fn executed(output: &str) -> Option<u64> {
    output.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_inputs_is_read_from_the_statistics() {
        let output = "Done 10 runs\nstat::number_of_executed_units: 4211\nstat::average_exec_per_sec: 7\n";
        assert_eq!(executed(output), Some(4211));
        assert_eq!(executed("nothing was run"), None);
    }
}
