//! Steps that run tests.

use super::binaries::{Binary, Filter, Verdict, build, build_some, run_binary};
use super::record::Record;
use super::{Suite, Tally};
use crate::matrix::Databases;
use crate::process::{capture, cargo, read};
use crate::{Result, bench as benching, engine, fuzz as fuzzing, matrix as combinations, needs};
use std::time::Duration;

/// Fewer passing tests than this mean that some were lost. Raise it with the tests.
const TESTS_FLOOR: usize = 1_200;
/// A program that runs longer hangs.
pub(super) const PROGRAM_LIMIT: Duration = Duration::from_secs(20 * 60);
/// The same of one whose long form is many times as long.
pub(super) const LONG_PROGRAM_LIMIT: Duration = Duration::from_secs(60 * 60);
/// Programs that have a step of their own.
const APART: [&str; 13] = [
    "tests/kill.rs",
    "tests/systemd.rs",
    "tests/compose/main.rs",
    "tests/compose_files.rs",
    "rtmx-deploy/tests/chart_helm/main.rs",
    "tests/image/main.rs",
    "tests/customer_database/main.rs",
    "tests/transfer/main.rs",
    "tests/containers/tests/real.rs",
    "drivers/storage-postgres/tests/conformance.rs",
    "drivers/storage-postgres/tests/plans/main.rs",
    "drivers/storage-postgres/tests/faults/main.rs",
    "drivers/storage-postgres/tests/resilience/main.rs",
];
/// Trials of `tests/systemd.rs`, all of which run where there is a container engine.
const SYSTEMD_FLOOR: usize = 7;
/// Tests of the cells that every machine runs.
const MATRIX_FLOOR: usize = 60;
/// Trials on the oldest and the newest PostgreSQL, all of which run where one can be started.
const POSTGRES_FLOOR: usize = 60;
/// Of those, what has a meaning in containers only: a small disk on each version, and a pooler in its two ways.
const POSTGRES_SMALL_DISK: usize = 1;
const POSTGRES_POOLED: usize = 2;
/// Losses of power, below which the laboratory fails.
const CRASH_CELLS: usize = 100_000;
/// Workloads in which calls of the file system fail, below which it fails.
const CRASH_TRIALS: usize = 300;
/// How many times as much the long form does.
const CRASH_FULL_TIMES: usize = 20;
/// Faults that are planted to see that the laboratory finds them.
const CRASH_PLANTED: usize = 7;
/// The build takes minutes on two busy cores, and so do the cells.
const CRASH_LIMIT: Duration = Duration::from_secs(40 * 60);
const KILL_ROUNDS: usize = 200;
const FUZZ_SECONDS: u64 = 15;

/// Every test of the workspace; what each did is recorded for `trace`.
pub(super) fn tests(suite: &Suite) -> Result<Tally> {
    needs::ensure(&[needs::PYTHON, needs::IP, needs::STRACE])?;
    // Without it the tests that need OpenBao are ignored with the reason.
    if let Err(reason) = needs::ensure(&[needs::PIP]) {
        println!("{reason}");
    }
    let binaries = build(&suite.workspace.root, &["--workspace"])?;
    let binaries: Vec<_> =
        binaries.into_iter().filter(|binary| !APART.contains(&binary.root.as_str())).collect();
    let mut record = Record::default();
    let tally = run_all(&binaries, &Filter::default(), &[], &mut record)?;
    record.write(&suite.workspace)?;
    Ok(tally.with_floor(TESTS_FLOOR))
}

/// Runs programs one after the other; what each test did goes into the record.
pub(super) fn run_all(
    binaries: &[Binary],
    filter: &Filter,
    variables: &[(&str, String)],
    record: &mut Record,
) -> Result<Tally> {
    run_within(PROGRAM_LIMIT, binaries, filter, variables, record)
}

/// The same, each within this time.
pub(super) fn run_within(
    limit: Duration,
    binaries: &[Binary],
    filter: &Filter,
    variables: &[(&str, String)],
    record: &mut Record,
) -> Result<Tally> {
    let mut sum = Tally::default();
    for binary in binaries {
        let outcome = run_binary(binary, filter, variables, limit)?;
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
            sum.failures.push(trouble.clone());
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
    let failures = (!ended.success).then_some(ended.output).into_iter().collect();
    Ok(Tally { passed, failed, skipped, note: String::new(), failures })
}

/// The workspace of its own that links an old SQLite, on what a whole conformance run has written.
pub(super) fn sqlite_335(suite: &Suite) -> Result<Tally> {
    let Suite { workspace, .. } = suite;
    for binary in build_some(&workspace.root, &[("rtmx-storage-sqlite", "conformance")])? {
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
    let binaries = build_some(&suite.workspace.root, &[("rtmx", "kill")])?;
    let mut record = Record::read(&suite.workspace).unwrap_or_default();
    let filter = Filter { ignored_too: true, ..Filter::default() };
    let variables = [("RTMX_KILL_ROUNDS", rounds.to_string())];
    let mut tally = run_all(&binaries, &filter, &variables, &mut record)?.with_floor(1);
    record.write(&suite.workspace)?;
    tally.note = format!("{rounds} rounds. {}", tally.note);
    Ok(tally)
}

/// The workspace of its own that puts the SQLite driver on a simulated disk.
pub(super) fn crash(suite: &Suite) -> Result<Tally> {
    if let Err(reason) = needs::ensure_library(&needs::LIBCLANG) {
        return Ok(Tally::skipped(reason));
    }
    let times = if suite.full { CRASH_FULL_TIMES } else { 1 };
    let mut run = cargo(&suite.workspace.root.join("tests/crash-lab"));
    run.args(["run", "--release", "--locked", "--quiet", "--target-dir"]);
    run.arg(suite.workspace.target.join("crash-lab-build")).arg("--");
    run.args([
        "--cells",
        &(times * CRASH_CELLS).to_string(),
        "--trials",
        &(times * CRASH_TRIALS).to_string(),
    ]);
    let limit = if suite.full { 10 * CRASH_LIMIT } else { CRASH_LIMIT };
    let ended = capture(&mut run, limit)?;
    let planted = ended.output.lines().filter(|line| line.starts_with("planted ")).count();
    let summary = ended.output.lines().rfind(|line| line.starts_with("crash lab: ")).unwrap_or_default();
    println!("{}", ended.output);
    if !ended.success {
        return Err(format!("the crash laboratory {}. {summary}", ended.status));
    }
    // Each planted fault, the losses of power, and the failing calls; the program keeps its own floor of cells.
    Ok(Tally::passed(planted + 2, summary).with_floor(CRASH_PLANTED + 2))
}

/// Deploys on machines that run systemd, each a container; without an engine all of it is skipped.
pub(super) fn systemd(suite: &Suite) -> Result<Tally> {
    let engine = engine::ensure(&suite.workspace)?;
    if engine.is_ok() {
        needs::ensure(&[needs::MMDEBSTRAP])?;
    }
    let binaries = build_some(&suite.workspace.root, &[("rtmx", "systemd")])?;
    let mut record = Record::read(&suite.workspace).unwrap_or_default();
    let mut tally = run_all(&binaries, &Filter::default(), &[], &mut record)?;
    record.write(&suite.workspace)?;
    tally.note = match &engine {
        Ok(version) => format!("engine {version}"),
        Err(reason) => reason.clone(),
    };
    let all = tally.skipped + tally.passed + tally.failed;
    let tally = tally.with_skipped(if engine.is_ok() { 0 } else { all });
    Ok(if engine.is_ok() { tally.with_floor(SYSTEMD_FLOOR) } else { tally })
}

/// The cells of the matrix; each test of a cell counts.
pub(super) fn matrix(suite: &Suite) -> Result<Tally> {
    let counts = combinations::cells(&suite.workspace, suite.full)?;
    let tally = Tally { failed: counts.failed, skipped: counts.ignored, ..Tally::passed(counts.passed, "") };
    match counts.verdict() {
        Err(message) if counts.failed == 0 => Ok(Tally { failed: 1, note: message, ..tally }),
        _ => Ok(tally.with_floor(MATRIX_FLOOR)),
    }
}

/// What only a PostgreSQL shows, on the oldest and the newest that are supported: plans, lost
/// connections, restarts, the customer's side of it, and the way there and back.
pub(super) fn postgres(suite: &Suite) -> Result<Tally> {
    const DRIVER: &str = "rtmx-storage-postgres";
    let databases = Databases::ready(&suite.workspace)?;
    let root = &suite.workspace.root;
    let of_the_driver = ["faults", "plans", "resilience"].map(|name| (DRIVER, name));
    let of_the_facade = ["customer_database", "transfer"].map(|name| ("rtmx", name));
    let binaries = build_some(root, &[&of_the_driver[..], &of_the_facade].concat())?;
    let versions = if suite.full { "12,13,14,15,16,17,18" } else { "12,18" };
    let mut record = Record::read(&suite.workspace).unwrap_or_default();
    let mut variables = databases.variables(versions);
    if suite.full {
        let long = [("RTMX_FAULT_CELLS", "500"), ("RTMX_EDITORS_S", "60"), ("RTMX_TRANSFER_ROWS", "100000")];
        variables.extend(long.map(|(name, value)| (name, value.to_owned())));
    }
    let mut tally = run_all(&binaries, &Filter::default(), &variables, &mut record)?;
    if databases.is_real() {
        let mut own = build(root, &["--workspace", "--lib"])?;
        own.retain(|binary| binary.package == DRIVER);
        let filter = Filter { names: vec!["schema::tests".into()], ignored_too: true };
        tally = tally.and(run_all(&own, &filter, &variables, &mut record)?);
    }
    record.write(&suite.workspace)?;
    tally.note = databases.note();
    let expected = match databases {
        Databases::Containers { .. } => 0,
        Databases::Processes { .. } => POSTGRES_SMALL_DISK * versions.split(',').count() + POSTGRES_POOLED,
        // All of it, whatever there is.
        Databases::None { .. } => tally.skipped + tally.passed + tally.failed,
    };
    let tally = tally.with_skipped(expected);
    Ok(if databases.is_real() { tally.with_floor(POSTGRES_FLOOR) } else { tally })
}

/// The short benchmark: every figure that it judges counts as a test.
pub(super) fn bench(suite: &Suite) -> Result<Tally> {
    let Some(report) = benching::quick(&suite.workspace)? else {
        return Ok(Tally::skipped("the generator of matrices is not here"));
    };
    let (passed, failed, skipped) = report.counts();
    Ok(Tally { passed, failed, skipped, ..Tally::passed(0, "ratios") })
}

pub(super) fn fuzz(suite: &Suite) -> Result<Tally> {
    let seconds = if suite.full { 40 * FUZZ_SECONDS } else { FUZZ_SECONDS };
    let ran = fuzzing::all(&suite.workspace, seconds)?;
    let inputs: u64 = ran.iter().map(|target| target.inputs).sum();
    Ok(Tally::passed(ran.len(), format!("{inputs} inputs, {seconds} s a target")).with_floor(1))
}
