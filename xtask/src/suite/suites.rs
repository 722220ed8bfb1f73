//! Steps that run tests.

use super::binaries::{Binary, Filter, Verdict, build, run_binary};
use super::record::Record;
use super::{Suite, Tally};
use crate::process::{capture, cargo, read};
use crate::{Result, engine, fuzz as fuzzing, needs};
use std::time::Duration;

/// Fewer passing tests than this mean that some were lost. Raise it with the tests.
const TESTS_FLOOR: usize = 450;
/// A program that runs longer hangs.
const PROGRAM_LIMIT: Duration = Duration::from_secs(20 * 60);
/// Programs that have a step of their own.
const APART: [&str; 2] = ["tests/kill.rs", "tests/systemd.rs"];
/// Trials of `tests/systemd.rs`, all of which run where there is a container engine.
const SYSTEMD_FLOOR: usize = 7;
const KILL_ROUNDS: usize = 200;
const FUZZ_SECONDS: u64 = 15;

/// Every test of the workspace; what each did is recorded for `trace`.
pub(super) fn tests(suite: &Suite) -> Result<Tally> {
    needs::ensure(&[needs::PYTHON])?;
    let binaries = build(&suite.workspace.root, &["--workspace"])?;
    let binaries: Vec<_> =
        binaries.into_iter().filter(|binary| !APART.contains(&binary.root.as_str())).collect();
    let mut record = Record::default();
    let tally = run_all(&binaries, &Filter::default(), &[], &mut record)?;
    record.write(&suite.workspace)?;
    Ok(tally.with_floor(TESTS_FLOOR))
}

fn run_all(
    binaries: &[Binary],
    filter: &Filter,
    variables: &[(&str, String)],
    record: &mut Record,
) -> Result<Tally> {
    let mut sum = Tally::default();
    for binary in binaries {
        let outcome = run_binary(binary, filter, variables, PROGRAM_LIMIT)?;
        let count = |wanted| outcome.tests.iter().filter(|(_, verdict)| *verdict == wanted).count();
        let (passed, failed, skipped) =
            (count(Verdict::Passed), count(Verdict::Failed), count(Verdict::Skipped));
        let seconds = outcome.took.as_secs_f64();
        if !outcome.tests.is_empty() {
            let place = format!("{} {}", binary.package, binary.root);
            println!(
                "  {place:<64} {passed:>5} passed {failed:>3} failed {skipped:>3} skipped {seconds:>7.1} s"
            );
        }
        if let Some(trouble) = &outcome.trouble {
            println!("{trouble}");
        }
        record.add(binary, &outcome.tests);
        sum.passed += passed;
        // A program that dies without a failing test is a failure all the same.
        sum.failed += failed.max(usize::from(outcome.trouble.is_some()));
        sum.skipped += skipped;
    }
    sum.note = format!("{} programs", binaries.len());
    Ok(sum)
}

pub(super) fn doctests(suite: &Suite) -> Result<Tally> {
    let mut test = cargo(&suite.workspace.root);
    let ended =
        capture(test.args(["test", "--workspace", "--doc", "--locked", "--no-fail-fast"]), PROGRAM_LIMIT)?;
    let counts = |word: &str| {
        let lines = ended.output.lines().filter_map(|line| line.strip_prefix("test result:"));
        let parts = lines.flat_map(|line| line.split(['.', ';'])).map(str::trim);
        parts.filter_map(|part| part.strip_suffix(word)?.trim().parse::<usize>().ok()).sum::<usize>()
    };
    let (passed, failed, skipped) = (counts("passed"), counts("failed"), counts("ignored"));
    if !ended.success {
        println!("{}", ended.output);
    }
    let failed = failed.max(usize::from(!ended.success));
    Ok(Tally { passed, failed, skipped, note: String::new() })
}

/// The workspace of its own that links an old SQLite, on what a whole conformance run has written.
pub(super) fn sqlite_335(suite: &Suite) -> Result<Tally> {
    let Suite { workspace, .. } = suite;
    for binary in build(&workspace.root, &["--package", "rtmx-storage-sqlite", "--test", "conformance"])? {
        let outcome = run_binary(&binary, &Filter::default(), &[], PROGRAM_LIMIT)?;
        if let Some(trouble) = outcome.trouble {
            return Err(trouble);
        }
    }
    let dir = workspace.root.join("tests/sqlite-3.35");
    let mut run = cargo(&dir);
    run.args(["run", "--locked", "--quiet", "--target-dir"]).arg(workspace.target.join("sqlite-3.35-build"));
    let said = read(run.arg("--").arg(workspace.target.join("sqlite-3.35")))?;
    let statements = said.split(' ').filter_map(|word| word.parse().ok()).next();
    let statements = statements.ok_or_else(|| format!("the program did not say what it checked: {said}"))?;
    Ok(Tally::passed(statements, said.trim()))
}

/// Kills the server at random moments under concurrent writers.
pub(super) fn kill(suite: &Suite) -> Result<Tally> {
    let rounds = if suite.full { 10 * KILL_ROUNDS } else { KILL_ROUNDS };
    let binaries = build(&suite.workspace.root, &["--package", "rtmx", "--test", "kill"])?;
    let mut record = Record::read(&suite.workspace).unwrap_or_default();
    let filter = Filter { ignored_too: true, ..Filter::default() };
    let variables = [("RTMX_KILL_ROUNDS", rounds.to_string())];
    let mut tally = run_all(&binaries, &filter, &variables, &mut record)?.with_floor(1);
    record.write(&suite.workspace)?;
    tally.note = format!("{rounds} rounds. {}", tally.note);
    Ok(tally)
}

/// Deploys on machines that run systemd, each a container; without an engine all of it is skipped.
pub(super) fn systemd(suite: &Suite) -> Result<Tally> {
    let engine = engine::ensure(&suite.workspace)?;
    if engine.is_ok() {
        needs::ensure(&[needs::MMDEBSTRAP])?;
    }
    let binaries = build(&suite.workspace.root, &["--package", "rtmx", "--test", "systemd"])?;
    let mut record = Record::read(&suite.workspace).unwrap_or_default();
    let mut tally = run_all(&binaries, &Filter::default(), &[], &mut record)?;
    record.write(&suite.workspace)?;
    tally.note = match &engine {
        Ok(version) => format!("engine {version}"),
        Err(reason) => reason.clone(),
    };
    Ok(if engine.is_ok() { tally.with_floor(SYSTEMD_FLOOR) } else { tally })
}

pub(super) fn fuzz(suite: &Suite) -> Result<Tally> {
    let seconds = if suite.full { 40 * FUZZ_SECONDS } else { FUZZ_SECONDS };
    let ran = fuzzing::all(&suite.workspace, seconds)?;
    let inputs: u64 = ran.iter().map(|target| target.inputs).sum();
    Ok(Tally::passed(ran.len(), format!("{inputs} inputs, {seconds} s a target")).with_floor(1))
}
