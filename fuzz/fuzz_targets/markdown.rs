//! Any text is a requirement document or refused; taking one apart loses nothing, what it says fits
//! a requirement, and what is written from that says the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rtmx_core::{Column, Requirement};
use rtmx_storage::markdown::{StatusFrom, Style, parse, write};

fuzz_target!(|text: &str| {
    let Ok(document) = parse(text) else { return };
    assert_eq!(document.text(), text, "taking a document apart lost something");
    let mut requirement = Requirement::default();
    document.apply(&mut requirement, StatusFrom::Document).expect("what was read fits");
    for style in [Style::Headings, Style::Metadata] {
        let written = write(&document.id, &requirement, style, Some(&document));
        let again = parse(&written).expect("what was written is a document");
        assert_eq!(again.id, document.id);
        for column in [Column::Status, Column::Priority, Column::Phase, Column::Dependencies] {
            let mut back = Requirement::default();
            again.apply(&mut back, StatusFrom::Document).expect("what was written fits");
            assert_eq!(back.text_of(column), requirement.text_of(column), "{} in {written}", column.name());
        }
    }
});
