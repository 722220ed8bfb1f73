//! The results of the last run, kept for `trace`.

use super::binaries::Binary;
use crate::Result;
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::SystemTime;

pub(crate) use super::binaries::Verdict;

/// What every test did in the last run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    tests: Vec<Test>,
}

/// One test: the root file of its program, its name there, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Test {
    root: String,
    name: String,
    verdict: Verdict,
}

impl Record {
    /// Adds what one program's tests did; results of the same program from before are replaced.
    pub(crate) fn add(&mut self, binary: &Binary, tests: &[(String, Verdict)]) {
        self.tests
            .retain(|test| test.root != binary.root || !tests.iter().any(|(name, _)| *name == test.name));
        let test = |(name, verdict): &(String, Verdict)| Test {
            root: binary.root.clone(),
            name: name.clone(),
            verdict: *verdict,
        };
        self.tests.extend(tests.iter().map(test));
    }

    /// How the test of this name in this file ended; `None` if it did not run.
    ///
    /// The file is the root of the test's program, or the module that holds the test. A test that ran in one form,
    /// such as on one of two versions of a tool, ran.
    pub(crate) fn verdict(&self, file: &str, function: &str) -> Option<Verdict> {
        let named = |test: &&Test| {
            let last = test.name.rsplit("::").next();
            (test.name == function || last == Some(function)) && holds(&test.root, &test.name, file)
        };
        let verdicts: Vec<_> = self.tests.iter().filter(named).map(|test| test.verdict).collect();
        let telling = [Verdict::Failed, Verdict::Passed, Verdict::Skipped];
        telling.into_iter().find(|verdict| verdicts.contains(verdict))
    }

    /// Whether any test of this file's folder has a result.
    pub(crate) fn has_run_beside(&self, file: &str) -> bool {
        let folder = |path: &str| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        self.tests.iter().any(|test| folder(&test.root) == folder(file))
    }

    /// Notes that a test could not run.
    pub(crate) fn skip(&mut self, file: &str, function: &str) {
        let (root, name) = (file.to_owned(), function.to_owned());
        self.tests.push(Test { root, name, verdict: Verdict::Skipped });
    }

    /// For tests: a record of these results of one program.
    #[cfg(test)]
    pub(crate) fn of(root: &str, tests: &[(&str, Verdict)]) -> Record {
        let test = |(name, verdict): &(&str, Verdict)| Test {
            root: root.to_owned(),
            name: (*name).to_owned(),
            verdict: *verdict,
        };
        Record { tests: tests.iter().map(test).collect() }
    }

    /// Keeps the record beside the build.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub(crate) fn write(&self, workspace: &Workspace) -> Result<()> {
        let path = path(workspace);
        let json = serde_json::to_string_pretty(self)
            .map_err(|error| format!("could not record results: {error}"))?;
        let written =
            path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, json));
        written.map_err(|error| format!("could not write {}: {error}", path.display()))
    }

    /// The record of the last run, if there is one that can be read.
    pub(crate) fn read(workspace: &Workspace) -> Option<Record> {
        serde_json::from_str(&std::fs::read_to_string(path(workspace)).ok()?).ok()
    }

    /// When the record was made.
    pub(crate) fn made(workspace: &Workspace) -> Option<SystemTime> {
        std::fs::metadata(path(workspace)).and_then(|data| data.modified()).ok()
    }
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.target.join("rtmx/test-results.json")
}

/// Whether a test of this name, in the program with this root, may stand in this file: the root
/// itself, or one of the modules in the test's name.
fn holds(root: &str, name: &str, file: &str) -> bool {
    if root == file {
        return true;
    }
    let dir = root.rsplit_once('/').map_or("", |(dir, _)| dir);
    let mut module = dir.to_owned();
    let modules = name.rsplit_once("::").map_or("", |(modules, _)| modules);
    modules.split("::").filter(|part| !part.is_empty()).any(|part| {
        module = format!("{module}/{part}");
        file == format!("{module}.rs") || file == format!("{module}/mod.rs")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(tests: &[(&str, &str, Verdict)]) -> Record {
        let test = |(root, name, verdict): &(&str, &str, Verdict)| Test {
            root: (*root).to_owned(),
            name: (*name).to_owned(),
            verdict: *verdict,
        };
        Record { tests: tests.iter().map(test).collect() }
    }

    #[test]
    fn a_test_is_found_by_its_file_and_its_name() {
        let record = record(&[
            ("rtmx-core/src/lib.rs", "trace::cycles::tests::a_cycle_is_found", Verdict::Passed),
            ("tests/api.rs", "imports", Verdict::Failed),
            ("drivers/x/tests/conformance.rs", "one answer for ever", Verdict::Skipped),
            ("tests/helm/main.rs", "upgrades", Verdict::Skipped),
            ("tests/helm/main.rs", "upgrades", Verdict::Passed),
            ("tests/helm/main.rs", "rolls_back", Verdict::Passed),
            ("tests/helm/main.rs", "rolls_back", Verdict::Failed),
        ]);
        // file, function, verdict
        let cases = [
            ("rtmx-core/src/trace/cycles.rs", "a_cycle_is_found", Some(Verdict::Passed)),
            ("rtmx-core/src/trace/layers.rs", "a_cycle_is_found", None),
            ("rtmx-core/src/trace/cycles.rs", "cycle_is_found", None),
            ("tests/api.rs", "imports", Some(Verdict::Failed)),
            ("tests/other.rs", "imports", None),
            ("drivers/x/tests/conformance.rs", "one answer for ever", Some(Verdict::Skipped)),
            ("tests/helm/main.rs", "upgrades", Some(Verdict::Passed)),
            ("tests/helm/main.rs", "rolls_back", Some(Verdict::Failed)),
        ];
        for (file, function, verdict) in cases {
            assert_eq!(record.verdict(file, function), verdict, "{file} {function}");
        }
    }

    #[test]
    fn a_second_run_of_a_program_replaces_its_results() {
        let mut record = record(&[("tests/kill.rs", "kills", Verdict::Skipped)]);
        let binary = Binary {
            package: "rtmx".into(),
            target: String::new(),
            dir: PathBuf::new(),
            root: "tests/kill.rs".into(),
            program: PathBuf::new(),
            programs: std::collections::BTreeMap::new(),
        };
        record.add(&binary, &[("kills".to_owned(), Verdict::Passed)]);
        assert_eq!(record.verdict("tests/kill.rs", "kills"), Some(Verdict::Passed));
    }
}
