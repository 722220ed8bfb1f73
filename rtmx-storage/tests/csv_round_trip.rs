//! Laws of CSV: nothing panics, what is read comes out byte for byte, and what was edited means what
//! it was set to.

use proptest::prelude::*;
use rtmx_core::{CORE_COLUMNS, Requirement, assert_code, import as codes};
use rtmx_storage::csv::{Duplicates, ParseOptions, Parsed, edit, parse};
use rtmx_storage::export::{CsvExport, to_csv};

fn back(parsed: &Parsed) -> Vec<u8> {
    to_csv(&parsed.layout, parsed.rows.iter().map(|(id, requirement)| (id.as_str(), requirement)))
}

/// A field's bytes, quoted or not, whether it must be or not.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z0-9 |:@/=.é-]{0,8}",
        1 => Just(String::new()),
        1 => "\"([a-z, \r\n]|\"\"){0,6}\"",
        1 => proptest::sample::select(vec!["COMPLETE", "done", "P1", "Phase 3", "2.50", "A,B", "=1+1", "2026-01-31"])
            .prop_map(|text: &str| if text.contains(',') { format!("\"{text}\"") } else { text.to_owned() }),
    ]
}

fn header_name() -> impl Strategy<Value = String> {
    let core =
        proptest::sample::select(CORE_COLUMNS[1..].to_vec()).prop_map(|column| column.name().to_owned());
    prop_oneof![4 => core, 1 => Just("ReqText".to_owned()), 1 => "[A-Za-z ]{0,4}", 1 => "\"[a-z]{1,3}\"", 1 => Just("Status".to_owned())]
}

fn line_end() -> impl Strategy<Value = &'static str> {
    prop_oneof![8 => Just("\n"), 8 => Just("\r\n"), 1 => Just("\r"), 1 => Just("\n\n"), 1 => Just("\r\n\r\n\n")]
}

/// A file with whatever a file may have: marks, columns, ragged rows, mixed line ends.
fn file() -> impl Strategy<Value = String> {
    let row = (proptest::collection::vec(field(), 0..8), line_end());
    let header = (proptest::collection::vec(header_name(), 0..7), line_end());
    (any::<bool>(), any::<bool>(), header, proptest::collection::vec(row, 0..12), any::<bool>()).prop_map(
        |(bom, first, (mut names, end), rows, ended)| {
            names.insert(if first { 0 } else { names.len() }, "req_id".into());
            let id_at = if first { 0 } else { names.len() - 1 };
            let mut file = String::from(if bom { "\u{feff}" } else { "" });
            file += &names.join(",");
            file += end;
            for (number, (mut fields, end)) in rows.into_iter().enumerate() {
                while fields.len() < id_at {
                    fields.push(String::new());
                }
                fields.insert(id_at, format!("R-{number}"));
                file += &fields.join(",");
                file += end;
            }
            if ended { file } else { file.trim_end_matches(['\r', '\n']).to_owned() }
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes, &ParseOptions::default());
        let mut after_header = b"req_id,notes\n".to_vec();
        after_header.extend(&bytes);
        if let Ok(parsed) = parse(&after_header, &ParseOptions::default()) {
            prop_assert_eq!(back(&parsed), after_header);
        }
    }

    #[test]
    fn what_was_only_imported_comes_out_byte_for_byte(file in file()) {
        let parsed = parse(file.as_bytes(), &ParseOptions::default());
        let parsed = parsed.map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        prop_assert_eq!(String::from_utf8(back(&parsed)).expect("text stays text"), file);
    }

    #[test]
    fn importing_an_export_finds_the_same_again(file in file()) {
        let merge = ParseOptions { duplicates: Duplicates::Merge };
        let first = parse(file.as_bytes(), &merge).expect("the strategy makes files that are accepted");
        let again = parse(&back(&first), &merge).expect("an export can be imported");
        prop_assert_eq!(again, first);
    }

    #[test]
    fn an_edit_is_read_back_and_leaves_the_other_rows_alone(
        file in file(),
        row in any::<proptest::sample::Index>(),
        text in "[a-z\",\n é]{1,9}",
    ) {
        let mut parsed = parse(file.as_bytes(), &ParseOptions::default()).expect("accepted");
        prop_assume!(!parsed.rows.is_empty());
        let before = parsed.rows.clone();
        let row = row.index(parsed.rows.len());
        edit::set(&mut parsed.rows[row].1, "notes", &text).expect("any text is a note");
        edit::cover(&mut parsed.layout, &parsed.rows[row].1);
        let again = parse(&back(&parsed), &ParseOptions::default()).expect("what is exported can be imported");
        prop_assert_eq!(again.rows.len(), before.len());
        for (index, ((id, found), (wanted_id, wanted))) in again.rows.iter().zip(&before).enumerate() {
            prop_assert_eq!(id, wanted_id);
            let mut wanted = wanted.clone();
            if index == row {
                wanted.notes.clone_from(&text);
            }
            prop_assert_eq!(without_place(found), without_place(&wanted));
        }
        let written = |rows: &[(String, Requirement)]| -> Vec<Vec<u8>> {
            let mut export = CsvExport::new(&parsed.layout);
            let pieces = rows.iter().map(|(id, requirement)| {
                let mut piece = Vec::new();
                export.row(id, requirement, &mut piece);
                piece
            });
            pieces.collect()
        };
        for (index, (found, wanted)) in written(&parsed.rows).iter().zip(written(&before)).enumerate() {
            prop_assert!(index == row || *found == wanted, "row {} was not edited", index);
        }
    }
}

fn without_place(requirement: &Requirement) -> Requirement {
    let mut requirement = requirement.clone();
    requirement.placement.raw = None;
    requirement
}

#[test]
fn forms_that_a_spreadsheet_would_change_come_out_as_they_went_in() {
    let cases = [
        ("no final newline", "req_id,notes\nA,x"),
        ("mixed line ends", "req_id,notes\r\nA,x\nB,y\r\nC,z\r"),
        ("blank lines", "\n\nreq_id,notes\n\n\nA,x\n\nB,y\n\n\n"),
        ("needless quotes", "\"req_id\",notes\n\"A\",\"x\"\n"),
        ("sloppy quotes", "req_id,notes\nA,5\" pipe\nB,\"x\"y\n"),
        ("trailing commas", "req_id,notes,,\nA,x,,\nB,,,\n"),
        ("ragged rows", "req_id,notes,status\nA\nB,x,y,z,,\n"),
        ("header only", "req_id,notes"),
        ("two byte order marks", "\u{feff}\u{feff}req_id\nA\n"),
        ("formulas", "req_id,notes\nA,=cmd|' /C calc'!A0\n"),
        ("leading space", "req_id,notes\n A , x \n"),
    ];
    for (name, file) in cases {
        let parsed =
            parse(file.as_bytes(), &ParseOptions::default()).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(String::from_utf8(back(&parsed)).expect("text"), file, "{name}");
    }
}

#[test]
fn an_edited_row_keeps_what_was_not_edited_as_it_was_given() {
    let file = "req_id,status,priority,phase,effort_weeks,dependencies,notes,\r\nA,done,P1,Phase 3,2.50,\"C, B\",x,\r\nB,,,,,,\"y\",\r\n";
    let mut parsed = parse(file.as_bytes(), &ParseOptions::default()).expect("accepted");
    assert!(edit::set(&mut parsed.rows[0].1, "notes", "new").expect("a note"));
    let wanted = file.replace(",x,", ",new,");
    assert_eq!(String::from_utf8(back(&parsed)).expect("text"), wanted);
    let row = &mut parsed.rows[0].1;
    for (column, same) in [("status", "missing"), ("status", "done"), ("priority", "MEDIUM"), ("phase", "3")]
    {
        assert!(!edit::set(row, column, same).expect("the same value"), "{column} {same}");
    }
    assert!(edit::set(row, "status", "complete").expect("a status"));
    assert!(edit::set(row, "dependencies", "B").expect("ids"));
    assert!(edit::set(row, "effort_weeks", "").expect("cleared"));
    let wanted = wanted.replace("A,done,P1,Phase 3,2.50,\"C, B\"", "A,COMPLETE,P1,Phase 3,,B");
    assert_eq!(String::from_utf8(back(&parsed)).expect("text"), wanted);
}

#[test]
fn an_edit_that_does_not_fit_its_column_is_refused() {
    let cases = [
        ("status", "done"),
        ("priority", "P1"),
        ("phase", "0"),
        ("phase", "Phase 3"),
        ("effort_weeks", "0"),
        ("effort_weeks", "inf"),
        ("started_date", "31.1.2026"),
        ("dependencies", "a\u{7}b"),
        ("req_id", "B"),
        ("notes", "a\0b"),
        ("", "x"),
        (" x", "x"),
        ("Req ID", "x"),
        ("line\nbreak", "x"),
    ];
    for (column, text) in cases {
        let mut row = Requirement::default();
        let error = edit::set(&mut row, column, text).expect_err(column);
        assert_code(&error, codes::REQUIREMENT_INVALID);
        assert_eq!(row, Requirement::default(), "{column} {text}");
    }
    for id in ["", " A", "A|B", "A\nB"] {
        assert_code(edit::check_id(id).expect_err(id), codes::REQUIREMENT_INVALID);
    }
    edit::check_id("REQ-A-001").expect("an id as they are");
}

#[test]
fn a_value_in_a_column_that_the_file_lacks_gets_the_column_added() {
    let file = "ReqId,notes\r\n\"A\",x\r\nB,y,surplus\r\n";
    let mut parsed = parse(file.as_bytes(), &ParseOptions::default()).expect("accepted");
    assert!(!edit::cover(&mut parsed.layout, &parsed.rows[0].1));
    edit::set(&mut parsed.rows[1].1, "owner, team", "core").expect("a column beyond the 21");
    edit::set(&mut parsed.rows[1].1, "status", "COMPLETE").expect("a status");
    assert!(edit::cover(&mut parsed.layout, &parsed.rows[1].1));
    let wanted = "ReqId,notes,status,\"owner, team\"\r\nA,x,MISSING,\r\nB,y,COMPLETE,core,surplus\r\n";
    assert_eq!(String::from_utf8(back(&parsed)).expect("text"), wanted);
}

#[test]
fn a_project_that_was_never_imported_has_the_core_columns_and_then_its_own() {
    let mut layout = rtmx_core::Layout::default();
    let mut row = Requirement::default();
    edit::set(&mut row, "zone", "1").expect("a column beyond the 21");
    edit::set(&mut row, "area", "2").expect("a column beyond the 21");
    let core: Vec<&str> = CORE_COLUMNS.iter().map(|column| column.name()).collect();
    let mut out = Vec::new();
    CsvExport::new(&layout).header(&mut out);
    assert_eq!(String::from_utf8(out).expect("text"), format!("{}\n", core.join(",")));
    assert!(edit::cover(&mut layout, &row));
    let text = String::from_utf8(to_csv(&layout, [("A", &row)])).expect("text");
    assert_eq!(text, format!("{},area,zone\nA,,,,,,,,MISSING,MEDIUM,,,,,,,,,,,,2,1\n", core.join(",")));
}

#[test]
fn a_row_after_one_without_a_line_end_begins_a_line() {
    let mut parsed = parse(b"req_id,notes\nA,x", &ParseOptions::default()).expect("accepted");
    parsed.rows.push(("B".into(), Requirement::default()));
    assert_eq!(back(&parsed), b"req_id,notes\nA,x\nB,\n");
}
