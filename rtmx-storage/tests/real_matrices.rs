//! Matrices as they are found in the field, and generated ones with every quirk, go in and come out
//! byte for byte. Files that are not on this machine are reported as ignored, with the reason.

#![allow(
    clippy::disallowed_methods,
    reason = "the test reads the files and runs the generator that it is about"
)]

use libtest_mimic::{Arguments, Failed, Trial};
use rtmx_core::{Status, assert_code, import as codes};
use rtmx_storage::csv::{Duplicates, ParseOptions, Parsed, edit, parse, read};
use rtmx_storage::export::to_csv;
use std::path::{Path, PathBuf};
use std::process::Command;

/// File, rows, complete, partial, missing, and the warnings that must be among the counts.
type Case = (&'static str, u64, [usize; 3], &'static [(&'static str, u64)]);

const CASES: [Case; 6] = [
    ("rtmx-2026-01-02-b3faee3.csv", 70, [27, 0, 43], &[("row_too_long", 3), ("missing_column", 1)]),
    ("rtmx-2026-01-05-8cb5dbc.csv", 80, [54, 0, 26], &[("column_empty_name", 1)]),
    ("rtmx-2026-06-23-75fa3f0.csv", 287, [287, 0, 0], &[("row_too_long", 1), ("priority_unknown", 1)]),
    ("rtmx-fixture-core_rtm-2910f8f.csv", 8, [1, 2, 5], &[("missing_column", 1)]),
    ("wireshark-pubsec-2026-01-01-f1adeda.csv", 43, [43, 0, 0], &[]),
    (
        "aegis-infra-sdk-2026-03-28-6dc8070.csv",
        14,
        [9, 1, 4],
        &[("missing_column", 11), ("phase_unreadable", 3), ("phase_from_text", 11)],
    ),
];

const MULTIROW: &str = "gcp-assured-workloads-2026-03-27-305668c-multirow.csv";

const GENERATED: [(&str, &[&str]); 8] = [
    ("plain", &[]),
    ("crlf", &["--crlf"]),
    ("trailing comma", &["--trailing-comma"]),
    ("extra columns", &["--extra-cols"]),
    ("lists with spaces", &["--space-deps"]),
    ("lists with commas", &["--comma-deps", "--crlf"]),
    ("bad enums and ragged rows", &["--bad-enums", "40", "--ragged", "30"]),
    (
        "all at once",
        &[
            "--crlf",
            "--trailing-comma",
            "--extra-cols",
            "--comma-deps",
            "--bad-enums",
            "40",
            "--ragged",
            "30",
        ],
    ),
];

fn main() {
    let shared =
        PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../shared");
    let data = shared.join("data/rtm");
    let generator = shared.join("tools/gen_rtm.py");
    let mut trials = Vec::new();
    for case in CASES {
        let file = data.join(case.0);
        trials.push(needing(&file, format!("{} is read and written back", case.0), move |file| {
            round_trip(&file, case)
        }));
    }
    let multirow = data.join(MULTIROW);
    trials.push(needing(&multirow, "rows with one id are refused by name".into(), |file| refused(&file)));
    trials.push(needing(&multirow, "rows with one id are merged on request".into(), |file| merged(&file)));
    for (name, flags) in GENERATED {
        trials.push(needing(&generator, format!("a generated matrix comes back: {name}"), move |tool| {
            generated(&tool, flags)
        }));
    }
    trials.push(needing(&generator, "generated rows with one id are merged".into(), |tool| {
        generated_duplicates(&tool)
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// A case that is ignored where its file, or the interpreter of its file, is missing.
fn needing(
    path: &Path,
    name: String,
    run: impl FnOnce(PathBuf) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let script = path.extension().is_some_and(|extension| extension == "py");
    let python = || Command::new("python3").arg("--version").output().is_ok();
    let missing = match path.exists() {
        false => Some(format!("needs {}", path.file_name().unwrap_or_default().display())),
        true if script && !python() => Some("needs python3".into()),
        true => None,
    };
    let owned = path.to_owned();
    let trial = Trial::test(name, move || run(owned)).with_ignored_flag(missing.is_some());
    match missing {
        Some(reason) => trial.with_kind(reason),
        None => trial,
    }
}

fn back(parsed: &Parsed) -> Vec<u8> {
    to_csv(&parsed.layout, parsed.rows.iter().map(|(id, requirement)| (id.as_str(), requirement)))
}

fn counts(parsed: &Parsed) -> [usize; 3] {
    let count =
        |wanted: &[Status]| parsed.rows.iter().filter(|(_, row)| wanted.contains(&row.status.value)).count();
    [count(&[Status::Complete]), count(&[Status::Partial]), count(&[Status::Missing, Status::NotStarted])]
}

fn round_trip(file: &Path, (name, rows, statuses, warnings): Case) -> Result<(), Failed> {
    let bytes = std::fs::read(file)?;
    let parsed = parse(&bytes, &ParseOptions::default()).map_err(|error| format!("{error:?}"))?;
    assert_eq!(parsed.report.rows, rows);
    assert_eq!(counts(&parsed), statuses);
    for (warning, count) in warnings {
        assert_eq!(parsed.report.warning_counts.get(*warning), Some(count), "{name}: {warning}");
    }
    assert!(back(&parsed) == bytes, "{name}: other bytes came out");
    one_edit_changes_one_row(&parsed, &bytes);
    Ok(())
}

fn one_edit_changes_one_row(parsed: &Parsed, bytes: &[u8]) {
    for index in [0, parsed.rows.len() / 2, parsed.rows.len() - 1] {
        let mut edited = parsed.clone();
        let id = parsed.rows[index].0.as_str();
        let row = &mut edited.rows[index].1;
        assert!(edit::set(row, "requirement_text", "Edited, \"here\"").expect("a text can be set"), "{id}");
        let written = back(&edited);
        let lines = |bytes: &[u8]| {
            bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        let (before, after) = (lines(bytes), lines(&written));
        assert_eq!(before.len(), after.len());
        let changed: Vec<usize> = (0..before.len()).filter(|line| before[*line] != after[*line]).collect();
        assert_eq!(changed, [index + 1], "{id}");
        let again = parse(&written, &ParseOptions::default()).expect("what was written can be read");
        assert_eq!(again.rows[index].1.requirement_text, "Edited, \"here\"");
        assert_eq!(again.rows[index].1.status, parsed.rows[index].1.status);
    }
}

fn refused(file: &Path) -> Result<(), Failed> {
    let refused = read(&std::fs::read(file)?, &ParseOptions::default()).expect_err("the file repeats ids");
    assert_code(&refused.error, codes::CSV_DUPLICATE_ID);
    assert!(refused.error.to_string().contains("24 rows"), "{}", refused.error);
    assert!(refused.error.to_string().contains("`REQ-GCG-001` in rows 2, 3, 4 and 5"), "{}", refused.error);
    assert_eq!(refused.report.errors.len(), 24);
    Ok(())
}

fn merged(file: &Path) -> Result<(), Failed> {
    let options = ParseOptions { duplicates: Duplicates::Merge };
    let parsed = parse(&std::fs::read(file)?, &options).map_err(|error| format!("{error:?}"))?;
    assert_eq!((parsed.report.rows, parsed.rows.len()), (38, 14));
    let per_row = parsed.report.warning_counts.get("rows_merged").copied().unwrap_or(0);
    let repeated: std::collections::BTreeSet<&str> =
        parsed.links.iter().map(|link| link.req_id.as_str()).collect();
    assert_eq!(per_row as usize, repeated.len());
    assert_eq!(parsed.links.iter().filter(|link| link.req_id == "REQ-GCG-001").count(), 4);
    let written = back(&parsed);
    assert_eq!(written.iter().filter(|byte| **byte == b'\n').count(), 15);
    let again = parse(&written, &ParseOptions::default()).map_err(|error| format!("{error:?}"))?;
    assert_eq!(counts(&again), counts(&parsed));
    Ok(())
}

fn generate(tool: &Path, flags: &[&str]) -> Result<Vec<u8>, Failed> {
    let output = Command::new("python3")
        .arg(tool)
        .args(["400", "--cycles", "2", "--orphans", "2"])
        .args(flags)
        .output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}

fn generated(tool: &Path, flags: &[&str]) -> Result<(), Failed> {
    let bytes = generate(tool, flags)?;
    let parsed = parse(&bytes, &ParseOptions::default()).map_err(|error| format!("{error:?}"))?;
    assert_eq!(parsed.rows.len(), 400);
    assert!(back(&parsed) == bytes, "other bytes came out");
    Ok(())
}

fn generated_duplicates(tool: &Path) -> Result<(), Failed> {
    let bytes = generate(tool, &["--dup", "25"])?;
    let refused = parse(&bytes, &ParseOptions::default()).expect_err("the file repeats ids");
    assert_code(&refused, codes::CSV_DUPLICATE_ID);
    let options = ParseOptions { duplicates: Duplicates::Merge };
    let parsed = parse(&bytes, &options).map_err(|error| format!("{error:?}"))?;
    assert_eq!((parsed.rows.len(), parsed.report.rows), (400, 425));
    Ok(())
}
