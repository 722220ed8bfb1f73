//! Test programs: built by cargo, run one by one, their results read from what they print.
//!
//! Cargo's own output does not say reliably which crate a result belongs to; running the programs
//! here does, and gives each a time and a limit of its own.

use crate::workspace::relative;
use crate::{Result, process};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A test program.
#[derive(Debug, Clone)]
pub(crate) struct Binary {
    /// The crate.
    pub(crate) package: String,
    /// The name of its target.
    pub(crate) target: String,
    /// The crate's folder.
    pub(crate) dir: PathBuf,
    /// The root source file, from the workspace's root.
    pub(crate) root: String,
    /// The program.
    pub(crate) program: PathBuf,
    /// The crate's own programs by name: tests start them.
    pub(crate) programs: BTreeMap<String, PathBuf>,
}

/// Which tests of a program are run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Only tests whose names contain one of these; all when empty.
    pub(crate) names: Vec<String>,
    /// Those marked as ignored too.
    pub(crate) ignored_too: bool,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It was not run.
    Skipped,
}

/// What one program did.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The tests by name, in the order of their ends.
    pub(crate) tests: Vec<(String, Verdict)>,
    /// What the program printed, if it failed or its output cannot be understood.
    pub(crate) trouble: Option<String>,
    /// How long it ran.
    pub(crate) took: Duration,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    package_id: Option<String>,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    src_path: PathBuf,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// Builds the test programs of a workspace and lists them.
///
/// # Errors
///
/// If something does not compile.
pub(crate) fn build(root: &Path, arguments: &[&str]) -> Result<Vec<Binary>> {
    let mut cargo = process::cargo(root);
    cargo
        .args(["test", "--no-run", "--locked", "--message-format", "json-render-diagnostics"])
        .args(arguments);
    let messages = process::read(&mut cargo)?;
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let artifacts: Vec<_> = messages.filter(|message| message.reason == "compiler-artifact").collect();
    let mut programs: BTreeMap<String, BTreeMap<String, PathBuf>> = BTreeMap::new();
    for artifact in &artifacts {
        let test = artifact.profile.as_ref().is_some_and(|profile| profile.test);
        if let (Some(id), Some(target), Some(program), false) =
            (&artifact.package_id, &artifact.target, &artifact.executable, test)
        {
            programs.entry(id.clone()).or_default().insert(target.name.clone(), program.clone());
        }
    }
    let binaries = artifacts.into_iter().filter(|artifact| artifact.profile.as_ref().is_some_and(|p| p.test));
    let binaries = binaries.filter_map(|artifact| {
        let (id, target) = (artifact.package_id?, artifact.target?);
        let dir = artifact.manifest_path?.parent()?.to_owned();
        Some(Binary {
            package: package_name(&id).to_owned(),
            target: target.name,
            dir,
            root: relative(root, &target.src_path),
            program: artifact.executable?,
            programs: programs.get(&id).cloned().unwrap_or_default(),
        })
    });
    let mut binaries: Vec<_> = binaries.collect();
    binaries.sort_by(|a, b| (&a.package, &a.root).cmp(&(&b.package, &b.root)));
    Ok(binaries)
}

/// Builds these test programs of the workspace, each a crate and the name of its target.
///
/// All crates are built with the features that the whole workspace asks for, as the step `tests` does: a
/// crate by itself would ask for others, and everything below it would be built once more.
///
/// # Errors
///
/// If something does not compile, or one of them is not there.
pub(crate) fn build_some(root: &Path, wanted: &[(&str, &str)]) -> Result<Vec<Binary>> {
    let names: BTreeSet<_> = wanted.iter().map(|(_, target)| *target).collect();
    let arguments: Vec<_> = names.into_iter().flat_map(|name| ["--test", name]).collect();
    let built = build(root, &[&["--workspace"], &arguments[..]].concat())?;
    let one = |(package, target): &(&str, &str)| {
        let found = built.iter().find(|binary| binary.package == *package && binary.target == *target);
        found.cloned().ok_or_else(|| format!("{package} has no test program `{target}`"))
    };
    wanted.iter().map(one).collect()
}

/// The name in a package id: `path+file:///x/rtmx-core#0.1.0` or `path+file:///x/main#rtmx@0.1.0`.
fn package_name(id: &str) -> &str {
    let (place, fragment) = id.rsplit_once('#').unwrap_or(("", id));
    match fragment.split_once('@') {
        Some((name, _)) => name,
        None => place.rsplit('/').next().unwrap_or(fragment),
    }
}

/// Runs a test program in its crate's folder, with the variables that cargo would set.
///
/// # Errors
///
/// If it cannot be started.
pub(crate) fn run_binary(
    binary: &Binary,
    filter: &Filter,
    variables: &[(&str, String)],
    limit: Duration,
) -> Result<Outcome> {
    let mut command = process::command(&binary.program, &binary.dir);
    command.args(&filter.names).envs(variables.iter().map(|(name, value)| (name, value)));
    command.env("CARGO_MANIFEST_DIR", &binary.dir).env("CARGO_PKG_NAME", &binary.package);
    for (name, program) in &binary.programs {
        command.env(format!("CARGO_BIN_EXE_{name}"), program);
    }
    if filter.ignored_too {
        command.arg("--include-ignored");
    }
    let ended = process::capture(&mut command, limit)?;
    let (tests, stated) = read(&ended.output);
    let failed = !ended.success || stated.is_none_or(|stated| stated != tests.len());
    let trouble = failed.then(|| format!("{} {}\n{}", binary.root, ended.status, ended.output));
    Ok(Outcome { tests, trouble, took: ended.took })
}

/// The tests in a program's output, and how many it says there were.
fn read(output: &str) -> (Vec<(String, Verdict)>, Option<usize>) {
    let mut stated = None;
    let mut tests = Vec::new();
    for line in output.lines() {
        if let Some(summary) = line.strip_prefix("test result:") {
            let counts =
                summary.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse::<usize>().ok());
            // passed, failed, ignored; then come measured, filtered out and the time.
            stated = Some(stated.unwrap_or(0) + counts.take(3).sum::<usize>());
        } else if let Some((name, verdict)) =
            line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... "))
        {
            let verdict = match verdict.trim() {
                "ok" => Verdict::Passed,
                "FAILED" | "failed" => Verdict::Failed,
                other if other.starts_with("ignored") => Verdict::Skipped,
                _ => continue,
            };
            let name = name.trim().trim_end_matches(" - should panic");
            // A test that runs on several servers has its name once, and before it which one.
            let name =
                name.strip_prefix('[').and_then(|kind| kind.split_once("] ")).map_or(name, |(_, name)| name);
            tests.push((name.to_owned(), verdict));
        }
    }
    (tests, stated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_from_what_the_harness_prints() {
        let output = "running 4 tests\ntest a::tests::b ... ok\ntest [kind] c ... FAILED\ntest d - should panic ... ok\n\
            test e             ... ignored, no container engine\n\nsome noise ... ok\n\
            test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.10s\n";
        let (tests, stated) = read(output);
        let found: Vec<_> = tests.iter().map(|(name, verdict)| (name.as_str(), *verdict)).collect();
        let wanted = [
            ("a::tests::b", Verdict::Passed),
            ("c", Verdict::Failed),
            ("d", Verdict::Passed),
            ("e", Verdict::Skipped),
        ];
        assert_eq!((found.as_slice(), stated), (wanted.as_slice(), Some(4)));
    }

    #[test]
    fn a_program_that_dies_before_its_summary_states_nothing() {
        assert_eq!(read("running 2 tests\ntest a ... ok\n").1, None);
    }

    #[test]
    fn package_names_are_read_from_both_forms_of_ids() {
        assert_eq!(package_name("path+file:///x/rtmx-core#0.1.0"), "rtmx-core");
        assert_eq!(package_name("path+file:///x/main#rtmx@0.1.0"), "rtmx");
    }
}
