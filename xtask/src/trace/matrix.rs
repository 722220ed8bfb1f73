//! The project's own matrix, as far as `trace` needs it.
//!
//! This is not the product's parser: a checker that used the code it checks would share its defects.

use crate::Result;
use crate::suite::record::Record;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const COLUMNS: [&str; 21] = [
    "req_id",
    "category",
    "subcategory",
    "requirement_text",
    "target_value",
    "test_module",
    "test_function",
    "validation_method",
    "status",
    "priority",
    "phase",
    "notes",
    "effort_weeks",
    "dependencies",
    "blocks",
    "assignee",
    "sprint",
    "started_date",
    "completed_date",
    "requirement_file",
    "external_id",
];
const STATUSES: [&str; 4] = ["COMPLETE", "PARTIAL", "MISSING", "NOT_STARTED"];
const PRIORITIES: [&str; 4] = ["P0", "HIGH", "MEDIUM", "LOW"];

/// The rows, and the ids of the texts beside them.
#[derive(Debug, Default)]
pub(super) struct Matrix {
    rows: Vec<BTreeMap<String, String>>,
    /// Path and id of each text; the id is that of its heading.
    texts: Vec<(String, String)>,
}

/// A requirement that is called COMPLETE, and the test that is said to prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) id: String,
    pub(super) file: String,
    pub(super) function: String,
}

impl Matrix {
    /// Reads `rtm/database.csv` and the headings in `rtm/requirements/`.
    pub(super) fn read(root: &Path) -> Result<Matrix> {
        let path = root.join("rtm/database.csv");
        let csv = std::fs::read_to_string(&path)
            .map_err(|error| format!("could not read {}: {error}", path.display()))?;
        let mut texts = Vec::new();
        let dir = root.join("rtm/requirements");
        let told = |error: std::io::Error| format!("could not read {}: {error}", dir.display());
        for entry in std::fs::read_dir(&dir).map_err(told)? {
            let entry = entry.map_err(told)?;
            let text = std::fs::read_to_string(entry.path()).map_err(told)?;
            texts.push((format!("rtm/requirements/{}", entry.file_name().to_string_lossy()), text));
        }
        texts.sort();
        Matrix::parse(&csv, &texts)
    }

    fn parse(csv: &str, texts: &[(String, String)]) -> Result<Matrix> {
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let header =
            reader.headers().map_err(|error| format!("rtm/database.csv has no header: {error}"))?.clone();
        if header.iter().ne(COLUMNS) {
            return Err(format!("rtm/database.csv must have exactly the columns {}", COLUMNS.join(",")));
        }
        let mut rows = Vec::new();
        for row in reader.records() {
            let row = row.map_err(|error| format!("rtm/database.csv cannot be read: {error}"))?;
            rows.push(
                header.iter().zip(&row).map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            );
        }
        let id = |text: &str| {
            let heading = text.lines().next().unwrap_or_default().strip_prefix("# ").unwrap_or_default();
            heading.split(':').next().unwrap_or_default().to_owned()
        };
        let texts = texts.iter().map(|(path, text)| (path.clone(), id(text))).collect();
        Ok(Matrix { rows, texts })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The rows that are COMPLETE.
    pub(super) fn claims(&self) -> Vec<Claim> {
        let complete = self.rows.iter().filter(|row| row["status"] == "COMPLETE");
        let claim = |row: &BTreeMap<String, String>| Claim {
            id: row["req_id"].clone(),
            file: row["test_module"].clone(),
            function: row["test_function"].clone(),
        };
        complete.map(claim).collect()
    }

    /// What is wrong with the matrix by itself.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let ids: BTreeSet<&str> = self.rows.iter().map(|row| row["req_id"].as_str()).collect();
        let mut seen = BTreeSet::new();
        for row in &self.rows {
            let id = row["req_id"].as_str();
            if !is_id(id) {
                faults.push(format!("`{id}` is not an id such as REQ-CORE-001"));
            }
            if !seen.insert(id) {
                faults.push(format!("{id} has two rows"));
            }
            if !STATUSES.contains(&row["status"].as_str()) || !PRIORITIES.contains(&row["priority"].as_str())
            {
                faults.push(format!(
                    "{id} has an unknown status or priority: {}, {}",
                    row["status"], row["priority"]
                ));
            }
            if !row["requirement_text"].contains(" shall ") {
                faults.push(format!("{id}: the text is not a `shall` sentence"));
            }
            match self.texts.iter().find(|(path, _)| *path == row["requirement_file"]) {
                None => faults.push(format!("{id}: its text `{}` does not exist", row["requirement_file"])),
                Some((path, heading)) if heading != id => {
                    faults.push(format!("{path} opens with `{heading}`, not {id}"));
                }
                Some(_) => {}
            }
            for (column, back) in [("dependencies", "blocks"), ("blocks", "dependencies")] {
                for other in set(&row[column]) {
                    let Some(target) = self.rows.iter().find(|row| row["req_id"] == other) else {
                        faults.push(format!("{id}: {column} names {other}, which has no row"));
                        continue;
                    };
                    if !set(&target[back]).any(|named| named == id) {
                        faults
                            .push(format!("{id}: {column} names {other}, whose {back} do not name it back"));
                    }
                }
            }
            if row["status"] == "COMPLETE"
                && (row["test_module"].is_empty() || row["test_function"].is_empty())
            {
                faults.push(format!("{id} is COMPLETE and names no test"));
            }
        }
        let orphans = self.texts.iter().filter(|(_, id)| !ids.contains(id.as_str()));
        faults.extend(orphans.map(|(path, id)| format!("{path} is about `{id}`, which has no row")));
        faults
    }
}

/// The claims whose tests could not run on this machine.
pub(super) fn skipped(claims: &[Claim], record: &Record) -> usize {
    use crate::suite::record::Verdict;
    claims
        .iter()
        .filter(|claim| record.verdict(&claim.file, &claim.function) == Some(Verdict::Skipped))
        .count()
}

/// The claims whose tests are missing or failed.
pub(super) fn unproven(claims: &[Claim], record: &Record) -> Vec<String> {
    use crate::suite::record::Verdict;
    let fault = |claim: &Claim| {
        let Claim { id, file, function } = claim;
        match record.verdict(file, function) {
            // What cannot run on this machine is counted by the caller, and is no fault.
            Some(Verdict::Passed | Verdict::Skipped) => None,
            Some(Verdict::Failed) => {
                Some(format!("{id} is COMPLETE, and its test `{function}` in {file} failed"))
            }
            None => Some(format!("{id} is COMPLETE, and there is no test `{function}` in {file}")),
        }
    };
    claims.iter().filter_map(fault).collect()
}

fn set(value: &str) -> impl Iterator<Item = &str> {
    value.split('|').map(str::trim).filter(|id| !id.is_empty())
}

/// `REQ-`, words of capitals and digits, a number, and at most one small letter.
fn is_id(id: &str) -> bool {
    let Some((words, number)) = id.strip_prefix("REQ-").and_then(|rest| rest.rsplit_once('-')) else {
        return false;
    };
    let capital = |byte: u8| byte.is_ascii_uppercase();
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| capital(byte) || byte.is_ascii_digit());
    let digits = number.strip_suffix(|c: char| c.is_ascii_lowercase()).unwrap_or(number);
    let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    number && words.bytes().next().is_some_and(capital) && words.split('-').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::record::Verdict;

    const ROW: [(&str, &str); 6] = [
        ("req_id", "REQ-A-001"),
        ("requirement_text", "It shall work"),
        ("status", "PARTIAL"),
        ("priority", "HIGH"),
        ("requirement_file", "rtm/requirements/REQ-A-001.md"),
        ("category", "A"),
    ];

    fn matrix(rows: &[&[(&str, &str)]]) -> Matrix {
        let mut csv = COLUMNS.join(",");
        for row in rows {
            let all: BTreeMap<_, _> = ROW.iter().chain(*row).copied().collect();
            let values: Vec<_> =
                COLUMNS.iter().map(|column| all.get(column).copied().unwrap_or_default()).collect();
            csv = format!("{csv}\n{}", values.join(","));
        }
        let text = ("rtm/requirements/REQ-A-001.md".to_owned(), "# REQ-A-001: It works\n".to_owned());
        Matrix::parse(&csv, &[text]).expect("the columns are all there")
    }

    #[test]
    fn each_fault_of_a_row_is_found() {
        // what the row says instead, part of the fault
        let cases: [(&[(&str, &str)], &str); 8] = [
            (&[], ""),
            (&[("req_id", "REQ-a-1")], "is not an id"),
            (&[("status", "DONE")], "unknown status"),
            (&[("requirement_text", "It works")], "`shall`"),
            (&[("requirement_file", "rtm/requirements/REQ-A-002.md")], "does not exist"),
            (&[("dependencies", "REQ-A-009")], "has no row"),
            (&[("status", "COMPLETE")], "names no test"),
            (&[("req_id", "REQ-A-002")], "opens with"),
        ];
        for (row, part) in cases {
            let faults = matrix(&[row]).faults();
            assert_eq!(faults.is_empty(), part.is_empty(), "{row:?}: {faults:?}");
            assert!(
                part.is_empty() || faults.iter().any(|fault| fault.contains(part)),
                "{row:?}: {faults:?}"
            );
        }
    }

    #[test]
    fn a_text_without_row_and_a_row_twice_are_found() {
        assert!(matrix(&[]).faults()[0].contains("has no row"));
        assert!(matrix(&[&[], &[]]).faults().iter().any(|fault| fault.contains("two rows")));
    }

    #[test]
    fn a_dependency_that_is_not_named_back_is_found() {
        let other: [(&str, &str); 2] = [("req_id", "REQ-A-002"), ("dependencies", "REQ-A-001")];
        assert!(matrix(&[&[], &other]).faults().iter().any(|fault| fault.contains("do not name it back")));
        let named = matrix(&[&[("blocks", "REQ-A-002")], &other]).faults();
        assert!(!named.iter().any(|fault| fault.contains("do not name it back")), "{named:?}");
    }

    #[test]
    fn complete_without_a_passing_test_is_found() {
        let claim = Claim { id: "REQ-A-001".into(), file: "tests/a.rs".into(), function: "works".into() };
        for (verdict, part) in [
            (None, "there is no test"),
            (Some(Verdict::Failed), "failed"),
            (Some(Verdict::Skipped), ""),
            (Some(Verdict::Passed), ""),
        ] {
            let record = Record::of("tests/a.rs", verdict.map(|verdict| ("works", verdict)).as_slice());
            let faults = unproven(std::slice::from_ref(&claim), &record);
            assert_eq!(faults.is_empty(), part.is_empty(), "{verdict:?}");
            assert!(faults.iter().all(|fault| fault.contains(part)), "{faults:?}");
            let waiting = skipped(std::slice::from_ref(&claim), &record);
            assert_eq!(waiting, usize::from(verdict == Some(Verdict::Skipped)), "{verdict:?}");
        }
    }

    #[test]
    fn ids_are_those_of_the_format() {
        for (id, fine) in [
            ("REQ-DEPLOY-002", true),
            ("REQ-A2-B-10c", true),
            ("REQ-001", false),
            ("REQ-A-", false),
            ("REQ-2A-001", false),
            ("REQ-A--001", false),
            ("REQ-A-001cc", false),
            ("req-a-001", false),
        ] {
            assert_eq!(is_id(id), fine, "{id}");
        }
    }
}
