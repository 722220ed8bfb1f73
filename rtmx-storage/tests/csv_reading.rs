//! What a file is read as: every leniency with its warning, every refusal with its rows.

use rtmx_core::{Effort, Priority, Requirement, Status, assert_code, import as codes};
use rtmx_storage::csv::{Duplicates, ParseOptions, Parsed, ROW_LIMIT, SIZE_LIMIT_BYTES, parse, read};
use rtmx_storage::import::Warning;
use std::collections::BTreeSet;

const MERGE: ParseOptions = ParseOptions { duplicates: Duplicates::Merge };

fn lenient(file: &str) -> Parsed {
    parse(file.as_bytes(), &ParseOptions::default()).unwrap_or_else(|error| panic!("{file:?}: {error:?}"))
}

fn only(parsed: &Parsed) -> &Requirement {
    assert_eq!(parsed.rows.len(), 1);
    &parsed.rows[0].1
}

/// The file with one column `name` beside the id, and one row.
fn with_value(name: &str, value: &str) -> Parsed {
    lenient(&format!("req_id,{name}\nR-1,\"{value}\"\n"))
}

fn warnings(parsed: &Parsed) -> Vec<&str> {
    let ignored = Warning::MissingColumn.id();
    parsed
        .report
        .warnings
        .iter()
        .map(|finding| finding.code.as_ref())
        .filter(|code| *code != ignored)
        .collect()
}

#[test]
fn values_are_read_as_the_field_writes_them_and_their_text_is_kept() {
    let ids =
        |text: &str| text.split('|').filter(|id| !id.is_empty()).map(str::to_owned).collect::<BTreeSet<_>>();
    // column, text, status, priority, phase, effort, dependencies, warnings
    let (missing, medium) = (Status::Missing, Priority::Medium);
    let cases = [
        ("status", "not-started", Status::NotStarted, medium, None, None, "", vec![]),
        ("status", " Complete ", Status::Complete, medium, None, None, "", vec![]),
        ("status", "BACKLOG", missing, medium, None, None, "", vec!["status_unknown"]),
        ("status", "", missing, medium, None, None, "", vec![]),
        ("priority", "CRITICAL", missing, Priority::P0, None, None, "", vec![]),
        ("priority", "high ", missing, Priority::High, None, None, "", vec![]),
        ("priority", "P1", missing, medium, None, None, "", vec!["priority_unknown"]),
        ("phase", "3", missing, medium, Some(3), None, "", vec![]),
        ("phase", "Phase 3", missing, medium, Some(3), None, "", vec!["phase_from_text"]),
        ("phase", "Future", missing, medium, None, None, "", vec!["phase_unreadable"]),
        ("effort_weeks", "2.50", missing, medium, None, Some(2.5), "", vec![]),
        ("effort_weeks", "0", missing, medium, None, None, "", vec![]),
        ("effort_weeks", "-1", missing, medium, None, None, "", vec!["effort_unreadable"]),
        ("effort_weeks", "NaN", missing, medium, None, None, "", vec!["effort_unreadable"]),
        ("dependencies", "B-1|A-1", missing, medium, None, None, "A-1|B-1", vec![]),
        ("dependencies", "A-1, B-1", missing, medium, None, None, "A-1|B-1", vec!["ids_split_on_commas"]),
        ("dependencies", "A-1 B-1", missing, medium, None, None, "A-1|B-1", vec!["ids_split_on_spaces"]),
        (
            "dependencies",
            "sync:X:A-1|@o/r:B|a:C",
            missing,
            medium,
            None,
            None,
            "sync:X:A-1|@o/r:B|a:C",
            vec![],
        ),
        ("started_date", "31.1.2026", missing, medium, None, None, "", vec!["date_not_iso"]),
        ("completed_date", "2026-01-31", missing, medium, None, None, "", vec![]),
        ("notes", "=1+1", missing, medium, None, None, "", vec![]),
    ];
    for (column, text, status, priority, phase, effort, dependencies, wanted) in cases {
        let parsed = with_value(column, text);
        let row = only(&parsed);
        let name = format!("{column} `{text}`");
        assert_eq!(row.status.value, status, "{name}");
        assert_eq!(row.priority.value, priority, "{name}");
        assert_eq!(row.phase.value, phase, "{name}");
        assert_eq!(row.effort_weeks.value.map(Effort::weeks), effort, "{name}");
        assert_eq!(row.dependencies.value, ids(dependencies), "{name}");
        assert_eq!(warnings(&parsed), wanted, "{name}");
        let column = rtmx_core::Column::parse(column).expect("the cases name core columns");
        assert_eq!(row.text_of(column), text, "{name}");
        for finding in parsed.report.warnings.iter().filter(|finding| finding.row == Some(2)) {
            assert_eq!(finding.column.as_deref(), Some(column.name()));
            assert_eq!((finding.req_id.as_deref(), finding.line), (Some("R-1"), Some(2)));
        }
    }
}

#[test]
fn headers_and_rows_of_every_shape_are_accepted_and_mentioned() {
    let long_and_short = "\u{feff}Req_ID,Category,,risk,risk\n R-1 ,A,x,1,2,3\nR-2\n";
    let parsed = lenient(long_and_short);
    assert_eq!(parsed.layout.columns, ["req_id", "category", "#3", "risk", "risk#5"]);
    assert_eq!(parsed.rows[0].0, "R-1");
    assert_eq!(parsed.rows[0].1.extra["risk#5"], "2");
    assert_eq!(parsed.rows[0].1.extra["#3"], "x");
    assert_eq!(parsed.rows[0].1.placement.surplus, ["3"]);
    assert_eq!(parsed.rows[1].1.category, "");
    let found: BTreeSet<&str> = warnings(&parsed).into_iter().collect();
    let wanted = [
        "bom_removed",
        "column_empty_name",
        "column_repeated",
        "header_renamed",
        "id_trimmed",
        "row_too_long",
        "row_too_short",
    ];
    assert_eq!(found, BTreeSet::from(wanted));
    assert!(lenient("req_id,status\n").rows.is_empty());
    assert_eq!(lenient("req_id").report.warning_counts["missing_column"], 20);
}

#[test]
fn rows_of_one_id_become_one_requirement_with_its_tests() {
    let file = "req_id,category,test_module,test_function,status,dependencies,owner\n\
        R-1,A,t.py,one,COMPLETE,D-1,x\n\
        R-2,B,,,MISSING,,\n\
        R-1,B,t.py,two,Partial,D-2,x\n\
        R-1,A,t.py,one,COMPLETE,,y\n";
    let parsed = parse(file.as_bytes(), &MERGE).expect("duplicates are to be merged");
    assert_eq!(parsed.rows.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["R-1", "R-2"]);
    let row = &parsed.rows[0].1;
    assert_eq!(
        (row.category.as_str(), row.test_function.as_str()),
        ("A", "one"),
        "the first row's values count"
    );
    assert_eq!(row.status.value, Status::Partial, "the lowest completion counts");
    assert_eq!(row.status.given.as_deref(), Some("Partial"));
    assert_eq!(row.dependencies.value.iter().map(String::as_str).collect::<Vec<_>>(), ["D-1", "D-2"]);
    assert_eq!(parsed.links.len(), 2);
    assert_eq!(parsed.links[0].extra["status"], "COMPLETE");
    assert_eq!(parsed.links[0].extra["owner"], "y", "a repeated test keeps what its later row said");
    assert_eq!(parsed.links[1].extra["category"], "B", "what differs is kept");
    assert_eq!(warnings(&parsed), ["test_repeated", "rows_merged"]);
    let merged = &parsed.report.warnings.last().expect("a warning says what was merged").message;
    assert!(merged.contains("rows 2, 4 and 5") && merged.contains("PARTIAL"), "{merged}");
}

#[test]
fn every_warning_can_be_provoked() {
    let file = "\u{feff}ReqId,status,priority,phase,effort_weeks,started_date,dependencies,blocks,,x,x,test_module\n\
        \x20A,a,b,c,d,e,\"f,g\",h i,,,,t,1\nB,,,Phase 1\nA,,,,,,,,,,,t\n";
    let parsed = parse(file.as_bytes(), &MERGE).expect("everything in it is accepted");
    for warning in Warning::ALL {
        assert!(parsed.report.warning_counts.contains_key(warning.id()), "{}", warning.id());
    }
    assert_eq!(parsed.report.warning_counts.len(), Warning::ALL.len());
}

#[test]
fn a_refused_file_names_the_rows_that_are_to_blame() {
    let refuse = |file: &[u8]| read(file, &ParseOptions::default()).expect_err("the file cannot be imported");

    let found = refuse(b"req_id,notes\nA,ok\nB,\xff\nC,ok\nD,\xc3(\n");
    assert_code(&found.error, codes::CSV_NOT_UTF8);
    let message = found.error.to_string();
    assert!(message.contains("row 3, column 2 `notes`; row 5, column 2 `notes`"), "{message}");
    assert!(message.contains("line 3, byte 3"), "{message}");

    for file in ["", "\n\n", "id,status\nA,B\n", "\u{feff}"] {
        assert_code(&refuse(file.as_bytes()).error, codes::CSV_NO_HEADER);
    }

    let found = refuse(b"req_id,notes\nA,ok\nB,\"open\nC,ok\n");
    assert_code(&found.error, codes::CSV_MALFORMED);
    assert!(found.error.to_string().contains("line 3"), "{}", found.error);
    assert_eq!(found.report.errors[0].line, Some(3));
    let found = refuse(b"req_id\nA\0\n");
    assert_code(&found.error, codes::CSV_MALFORMED);

    let found = refuse(b"req_id,notes\n,x\nA,y\n  ,z\nA,again\n");
    assert_code(&found.error, codes::CSV_ROW_WITHOUT_ID);
    let message = found.error.to_string();
    assert!(message.contains("2 rows without a requirement id: rows 2 and 4"), "{message}");
    assert!(message.contains("`A` in rows 3 and 5"), "all kinds of faults are named together: {message}");
    assert_eq!(
        found.report.errors.iter().map(|error| error.row).collect::<Vec<_>>(),
        [Some(2), Some(4), Some(5)]
    );

    let found = refuse(b"req_id,notes\nA,x\nB,y\nA,z\n");
    assert_code(&found.error, codes::CSV_DUPLICATE_ID);

    let found = refuse(format!("req_id\nA\n{}\n", "x".repeat(513)).as_bytes());
    assert_code(&found.error, codes::CSV_ID_INVALID);
    assert!(found.error.to_string().contains("row 3"), "{}", found.error);
    let test = "t".repeat(600);
    let found =
        read(format!("req_id,test_module\nA,{test}\nA,{test}\n").as_bytes(), &MERGE).expect_err("too long");
    assert_code(&found.error, codes::CSV_ID_INVALID);
}

#[test]
fn a_refusal_names_fifty_rows_and_counts_the_rest() {
    let file = format!("req_id,notes\n{}", ",x\n".repeat(60));
    let found = read(file.as_bytes(), &ParseOptions::default()).expect_err("no row has an id");
    assert!(found.error.to_string().contains("60 rows"), "{}", found.error);
    assert!(found.error.to_string().contains("and 10 more"), "{}", found.error);
    assert_eq!(found.report.errors.len(), 50);
}

#[test]
fn a_file_beyond_the_limits_is_refused_and_one_within_is_read() {
    let rows = |count: usize| {
        let mut file = String::from("req_id\n");
        for row in 0..count {
            file.push_str(&format!("R-{row}\n"));
        }
        file
    };
    let found =
        parse(rows(ROW_LIMIT + 1).as_bytes(), &ParseOptions::default()).expect_err("one row too many");
    assert_code(found, codes::CSV_TOO_LARGE);
    let parsed = parse(rows(ROW_LIMIT).as_bytes(), &ParseOptions::default()).expect("as many rows as may be");
    assert_eq!(parsed.rows.len(), ROW_LIMIT);
    let found =
        parse(&vec![b'x'; SIZE_LIMIT_BYTES + 1], &ParseOptions::default()).expect_err("one byte too many");
    assert_code(found, codes::CSV_TOO_LARGE);
}

#[test]
fn text_that_the_writer_would_write_is_not_kept_twice() {
    let parsed = lenient("req_id,notes\nA,plain\nB,\"a, b\"\nC,\"quoted\"\n\nD,after a blank line\nE,no end");
    let kept: Vec<bool> = parsed.rows.iter().map(|(_, row)| row.placement.raw.is_some()).collect();
    assert_eq!(kept, [false, false, true, true, true]);
}
