//! The matrices that stories work on.

use std::fmt::Write;

/// The header of the files that are made here.
const HEADER: &str = "req_id,category,requirement_text,test_module,test_function,status,priority,phase,notes,dependencies,assignee\n";

/// A matrix from the field: 287 requirements, with unknown ids and empty cells. The file lies beside the
/// checkout; where it does not, the project's own matrix stands in.
pub(crate) fn real() -> Vec<u8> {
    let root = crate::lab::crate_dir().join("../..");
    let places = ["../shared/data/rtm/rtmx-2026-06-23-75fa3f0.csv", "rtm/database.csv"];
    let found = places.iter().find_map(|place| std::fs::read(root.join(place)).ok());
    found.expect("the project's own matrix is part of the checkout")
}

/// `REQ-001` and so on: statuses, priorities, categories and phases in turn, four of five depending on the
/// one before.
pub(crate) fn plain(rows: usize) -> Vec<u8> {
    let of = |words: &[&'static str], at: usize| words[at % words.len()];
    let mut file = HEADER.to_owned();
    for at in 1..=rows {
        let status = of(&["COMPLETE", "PARTIAL", "MISSING", "NOT_STARTED"], at);
        let priority = of(&["P0", "HIGH", "MEDIUM", "LOW"], at / 3);
        let (category, assignee) = (of(&["CLI", "DATA", "WEB"], at), of(&["ada", "grace", ""], at / 2));
        let test = if at % 2 == 0 { format!("tests/t.rs,test_{at}") } else { ",".to_owned() };
        let before = if at % 5 == 1 { String::new() } else { format!("REQ-{:03}", at - 1) };
        // Writing to a string cannot fail.
        let _ = writeln!(
            file,
            "REQ-{at:03},{category},The system shall do number {at},{test},{status},{priority},{},,{before},{assignee}",
            at % 3 + 1,
        );
    }
    file.into_bytes()
}

/// A requirement whose cells are made to be taken for something else.
pub(crate) struct Hostile {
    pub(crate) id: &'static str,
    pub(crate) text: String,
}

/// Cells that look like markup, formulas, commands to the layout, or end of the cell.
pub(crate) fn hostile() -> Vec<Hostile> {
    let of = |id, text: &str| Hostile { id, text: text.to_owned() };
    vec![
        of("REQ-SCRIPT", "<script>window.pwned=1</script>"),
        of("REQ-IMAGE", "\"><img src=x onerror=window.pwned=1>"),
        of(
            "REQ-LINK",
            "<a href=\"javascript:window.pwned=1\">go</a> </textarea><style>*{display:none}</style>",
        ),
        of("REQ-FORMULA", "=cmd|' /C calc'!A0"),
        of("REQ-LONG", &format!("begin{}end", "x".repeat(9_992))),
        of("REQ-RTL", "\u{202e}evil\u{202c} مرحبا بالعالم \u{2067}שלום עולם\u{2069} end"),
        of("REQ/a?b#c%20d e'f\"g&h", "an id that is made of what addresses are made of"),
        of("<b>REQ-BOLD</b>", "an id that is markup"),
        of("REQ-LINES", "first line\nsecond line\r\nthird, with a comma"),
        of("../../REQ-UP", "an id that is a path"),
    ]
}

/// The file of these requirements; each is also its own category, notes and assignee.
pub(crate) fn file_of(rows: &[Hostile]) -> Vec<u8> {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut file = HEADER.to_owned();
    for Hostile { id, text } in rows {
        let cell = quoted(text);
        let _ = writeln!(file, "{},{cell},{cell},{cell},{cell},MISSING,HIGH,1,{cell},,{cell}", quoted(id));
    }
    file.into_bytes()
}
