//! Any bytes are a matrix or refused with a reason; what was read comes out byte for byte, and what
//! was merged comes out as a file that reads the same again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rtmx_storage::csv::{Duplicates, ParseOptions, Parsed, edit, parse};
use rtmx_storage::export::to_csv;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(parsed) = parse(bytes, &ParseOptions::default()) {
        assert!(back(&parsed) == bytes, "other bytes came out than went in");
        edit_one(parsed);
    }
    let merge = ParseOptions { duplicates: Duplicates::Merge };
    if let Ok(merged) = parse(bytes, &merge) {
        let written = back(&merged);
        let again = parse(&written, &ParseOptions::default()).expect("a merged file has each id once");
        assert_eq!(again.rows.len(), merged.rows.len());
        assert!(back(&again) == written, "an export changed by being imported");
    }
});

fn back(parsed: &Parsed) -> Vec<u8> {
    to_csv(&parsed.layout, parsed.rows.iter().map(|(id, requirement)| (id.as_str(), requirement)))
}

/// An edited matrix is a matrix, and says what it was set to.
fn edit_one(mut parsed: Parsed) {
    let middle = parsed.rows.len() / 2;
    let Some((id, requirement)) = parsed.rows.get_mut(middle) else { return };
    let id = id.clone();
    edit::set(requirement, "notes", "fuzzed, \"quoted\"\n").expect("any text is a note");
    edit::cover(&mut parsed.layout, requirement);
    let wanted = requirement.clone();
    let again = parse(&back(&parsed), &ParseOptions::default()).expect("an export can be imported");
    let (found_id, mut found) = again.rows[middle].clone();
    found.placement.raw = None;
    assert_eq!((found_id, found), (id, wanted));
}
