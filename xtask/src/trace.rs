//! `trace`: what the project's own matrix calls COMPLETE has a test, and the test passed.
//!
//! The matrix is `rtm/database.csv` in RTMX format, the texts are in `rtm/requirements/`. Results
//! come from the last `cargo xtask test`; where there is none, or a source is newer, the named tests
//! are run.

mod matrix;

use crate::Result;
use crate::suite::record::Record;
use crate::suite::{Filter, build, run_binary};
use crate::workspace::Workspace;
use matrix::{Claim, Matrix};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What was found when nothing was wrong.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// Rows of the matrix.
    pub(crate) requirements: usize,
    /// Rows that are COMPLETE and proven.
    pub(crate) proven: usize,
    /// Rows that are COMPLETE, and whose tests cannot run on this machine.
    pub(crate) skipped: usize,
}

/// Checks and prints the counts.
///
/// # Errors
///
/// If something is claimed and not proven.
pub(crate) fn run() -> Result<()> {
    let report = check(&Workspace::read()?)?;
    let Report { requirements, proven, skipped } = report;
    println!(
        "{requirements} requirements, {proven} COMPLETE and proven, {skipped} COMPLETE and not provable here"
    );
    Ok(())
}

/// Checks the matrix against its texts and the results of the tests.
///
/// # Errors
///
/// All faults, one a line.
pub(crate) fn check(workspace: &Workspace) -> Result<Report> {
    let matrix = Matrix::read(&workspace.root)?;
    let mut faults = matrix.faults();
    let claims = matrix.claims();
    let missing = |claim: &&Claim| !workspace.root.join(&claim.file).is_file();
    faults.extend(
        claims.iter().filter(missing).map(|claim| {
            format!("{} is COMPLETE, and its test file `{}` does not exist", claim.id, claim.file)
        }),
    );
    if faults.is_empty() {
        let record = record(workspace, &claims)?;
        let skipped = matrix::skipped(&claims, &record);
        faults = matrix::unproven(&claims, &record);
        if faults.is_empty() {
            return Ok(Report { requirements: matrix.rows(), proven: claims.len() - skipped, skipped });
        }
    }
    Err(format!("rtm/database.csv has {} faults\n{}", faults.len(), faults.join("\n")))
}

/// The results to judge by: of the last run, or of a run of the named tests now.
fn record(workspace: &Workspace, claims: &[Claim]) -> Result<Record> {
    let newest = newest_source(&workspace.root).unwrap_or(SystemTime::UNIX_EPOCH);
    let fresh = Record::made(workspace) > Some(newest);
    let mut record = Record::read(workspace).filter(|_| fresh).unwrap_or_default();
    // A program of a workspace of its own is run by its step alone, where the machine has what it needs.
    let apart = |c: &&Claim| !record.has_run_beside(&c.file) && is_apart(&workspace.root, &c.file);
    for Claim { file, function, .. } in claims.iter().filter(apart).collect::<Vec<_>>() {
        record.skip(file, function);
    }
    let unknown: Vec<_> = claims.iter().filter(|c| record.verdict(&c.file, &c.function).is_none()).collect();
    if unknown.is_empty() {
        return Ok(record);
    }
    println!("running {} tests of which there is no result of the sources as they are", unknown.len());
    for binary in build(&workspace.root, &["--workspace"])? {
        let names: Vec<_> = unknown.iter().filter(|claim| may_hold(&binary.root, &claim.file)).collect();
        let filter = match names.as_slice() {
            [] => continue,
            [one] => Filter { names: vec![one.function.clone()], ignored_too: true },
            // Not every harness takes several names.
            _ => Filter::default(),
        };
        let outcome = run_binary(&binary, &filter, &[], Duration::from_secs(20 * 60))?;
        record.add(&binary, &outcome.tests);
    }
    Ok(record)
}

/// Whether a file belongs to a workspace of its own.
fn is_apart(root: &Path, file: &str) -> bool {
    let folders = Path::new(file).ancestors().skip(1).take_while(|folder| !folder.as_os_str().is_empty());
    let manifests = folders.map(|folder| root.join(folder).join("Cargo.toml"));
    let mut texts = manifests.filter_map(|manifest| std::fs::read_to_string(manifest).ok());
    texts.any(|text| text.lines().any(|line| line.trim() == "[workspace]"))
}

/// Whether the program with this root file may hold a test of this file.
fn may_hold(root: &str, file: &str) -> bool {
    let whole_folder = ["lib.rs", "main.rs"].iter().find_map(|name| root.strip_suffix(name));
    root == file || whole_folder.is_some_and(|dir| file.starts_with(dir))
}

/// When a Rust source was last changed.
fn newest_source(dir: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(dir).ok()?.filter_map(std::result::Result::ok);
    let changed = entries.filter_map(|entry| {
        let (path, kind) = (entry.path(), entry.file_type().ok()?);
        let name = entry.file_name();
        if kind.is_dir() && name != "target" && name != ".git" {
            newest_source(&path)
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
            entry.metadata().and_then(|data| data.modified()).ok()
        } else {
            None
        }
    });
    changed.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_that_may_hold_a_named_test_are_run() {
        // root, file, whether the program may hold it
        let cases = [
            ("tests/kill.rs", "tests/kill.rs", true),
            ("tests/kill.rs", "tests/limits.rs", false),
            ("tests/api/main.rs", "tests/api/refusals.rs", true),
            ("rtmx-core/src/lib.rs", "rtmx-core/src/trace/cycles.rs", true),
            ("rtmx-core/src/lib.rs", "rtmx-storage/src/lib.rs", false),
        ];
        for (root, file, may) in cases {
            assert_eq!(may_hold(root, file), may, "{root} {file}");
        }
    }
    #[test]
    fn a_workspace_of_its_own_is_told_from_a_folder_of_this_one() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for (file, apart) in [
            ("tests/browser/live.rs", true),
            ("tests/crash-lab/src/run.rs", true),
            ("tests/api/main.rs", false),
            ("rtmx-core/src/lib.rs", false),
        ] {
            assert_eq!(is_apart(root, file), apart, "{file}");
        }
    }
}
