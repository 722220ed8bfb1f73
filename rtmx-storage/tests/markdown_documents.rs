//! Requirement documents: both styles in, both styles out, and nothing lost in between.

use proptest::prelude::*;
use rtmx_core::{Column, Effort, Priority, Requirement, Status, assert_code, import as codes};
use rtmx_storage::csv::edit;
use rtmx_storage::markdown::{Document, StatusFrom, Style, parse, write};

const HEADINGS: &str = "# REQ-COLLAB-004: Claims end by themselves\n\n## Status: NOT STARTED\n## Priority: critical\n\
    ## Phase\n10 (Collaboration)\n\n## Description\nA claim shall end\nafter 30 minutes.\n\nMore about it.\n\n\
    ## Rationale\nForgotten claims block others.\n\n## Acceptance Criteria\n- [ ] Ends after 30 min\n  without a heartbeat\n\
    - [x] Can be renewed\n\n## Test Cases\n1. `tests/test_claims.py::test_timeout`\n- tests/b.py::test_two (slow)\n- by hand\n\n\
    ## Technical Notes\n```sh\n## Blocks: not a heading\n```\n\n## Dependencies\n- REQ-COLLAB-001 (claims)\n\
    - REQ-COLLAB-002: presence\n\n## Blocks\n- None\n\n## Estimated Effort: 2.5 weeks\n";

const METADATA: &str = "# REQ-ADAPT-001: A client\r\n\r\n## Metadata\r\n- **Category**: ADAPT\r\n- **Subcategory**: Asana\r\n\
    - **Priority:** HIGH\r\n- **Phase**: 27\r\n- **Status**: MISSING\r\n- **Effort**: 1 week\r\n- **Dependencies**: (none)\r\n\
    - **Blocks**: REQ-ADAPT-002, sync:X:REQ-1\r\n- **Test Module**: `internal/a_test.go`\r\n- **Test Function**: TestA\r\n\
    - **External ID**: PROJ-7\r\n\r\n## Requirement\r\n\r\nIt shall talk.\r\n\r\n## Acceptance Criteria\r\n\r\n1. It talks\r\n";

fn read(text: &str) -> Document {
    parse(text).unwrap_or_else(|error| panic!("{text:?}: {error:?}"))
}

#[test]
fn fields_are_found_in_both_styles() {
    let document = read(HEADINGS);
    assert_eq!((document.id.as_str(), document.style), ("REQ-COLLAB-004", Style::Headings));
    assert_eq!(document.title, "Claims end by themselves");
    let field = |document: &Document, column| document.fields.get(&column).cloned().unwrap_or_default();
    let wanted = [
        (Column::Status, "NOT_STARTED"),
        (Column::Priority, "P0"),
        (Column::Phase, "10"),
        (Column::EffortWeeks, "2.5"),
        (Column::Dependencies, "REQ-COLLAB-001|REQ-COLLAB-002"),
        (Column::Blocks, ""),
        (Column::TestModule, "tests/test_claims.py"),
        (Column::TestFunction, "test_timeout"),
        (Column::RequirementText, "A claim shall end after 30 minutes."),
    ];
    for (column, text) in wanted {
        assert_eq!(field(&document, column), text, "{}", column.name());
    }
    assert_eq!(document.tests.len(), 2);
    let criteria: Vec<_> =
        document.acceptance.iter().map(|criterion| (criterion.text.as_str(), criterion.done)).collect();
    assert_eq!(
        criteria,
        [("Ends after 30 min without a heartbeat", Some(false)), ("Can be renewed", Some(true))]
    );
    assert_eq!(document.section("rationale"), Some("Forgotten claims block others."));
    assert!(document.found().contains(&"acceptance_criteria") && document.found().contains(&"phase"));

    let document = read(METADATA);
    assert_eq!(document.style, Style::Metadata);
    let wanted = [
        (Column::Category, "ADAPT"),
        (Column::Priority, "HIGH"),
        (Column::Phase, "27"),
        (Column::EffortWeeks, "1"),
        (Column::Dependencies, ""),
        (Column::Blocks, "REQ-ADAPT-002|sync:X:REQ-1"),
        (Column::TestModule, "internal/a_test.go"),
        (Column::ExternalId, "PROJ-7"),
        (Column::RequirementText, "It shall talk."),
    ];
    for (column, text) in wanted {
        assert_eq!(field(&document, column), text, "{}", column.name());
    }
    assert_eq!(document.acceptance[0].text, "It talks");
}

#[test]
fn the_matrix_keeps_its_status_unless_the_document_is_asked() {
    let mut requirement = Requirement { status: Status::Complete.into(), ..Requirement::default() };
    let document = read(METADATA);
    let changed = document.apply(&mut requirement, StatusFrom::Matrix).expect("what was read fits");
    assert!(!changed.contains(&Column::Status) && changed.contains(&Column::Phase));
    assert_eq!(requirement.status.value, Status::Complete);
    assert_eq!(requirement.effort_weeks.value.map(Effort::weeks), Some(1.0));
    let changed = document.apply(&mut requirement, StatusFrom::Document).expect("what was read fits");
    assert_eq!(changed, [Column::Status]);
    assert_eq!(requirement.status.value, Status::Missing);
}

#[test]
fn a_value_that_cannot_be_read_is_reported_and_not_guessed() {
    let text = "# R-1\n## Status: almost\n## Phase: soon\n## Effort: 3 days\n## Priority\n\n## Blocks\nnothing yet\n";
    let document = read(text);
    let unread: Vec<_> =
        document.unread.iter().map(|(column, text)| (column.name(), text.as_str())).collect();
    assert_eq!(unread, [("status", "almost"), ("phase", "soon"), ("effort_weeks", "3 days")]);
    assert_eq!(document.fields[&Column::Blocks], "");
    assert_eq!(document.fields.get(&Column::Priority).map(String::as_str), Some(""));
}

#[test]
fn a_text_without_the_heading_is_refused() {
    let long = format!("# {}-1: Title\n", "x".repeat(600));
    for text in [
        "",
        "## Status: MISSING\n",
        "# Just words\n",
        "```\n# R-1: in code\n```\n",
        "# NODASH: x\n",
        "# R-1: T\n\0",
        &long,
    ] {
        assert_code(parse(text).expect_err(text), codes::MARKDOWN_INVALID);
    }
    assert_eq!(read("\u{feff}intro\n\n# `R-1` - Title\n").title, "Title");
}

#[test]
fn an_edited_requirement_is_written_into_the_document_that_was_there() {
    let mut requirement = Requirement::default();
    let document = read(HEADINGS);
    document.apply(&mut requirement, StatusFrom::Document).expect("what was read fits");
    edit::set(&mut requirement, "status", "COMPLETE").expect("a status");
    edit::set(&mut requirement, "blocks", "REQ-Z-1").expect("an id");
    let written = write(&document.id, &requirement, Style::Headings, Some(&document));
    assert!(written.contains("## Status: COMPLETE\n## Priority: P0\n## Phase: 10\n"), "{written}");
    for kept in [
        "A claim shall end\nafter 30 minutes.\n\nMore about it.",
        "Forgotten claims block others.",
        "- [x] Can be renewed",
        "## Blocks: not a heading",
        "- REQ-COLLAB-001 (claims)",
        "- by hand",
    ] {
        assert!(written.contains(kept), "{kept:?} is not in {written}");
    }
    assert!(written.contains("## Blocks\n- REQ-Z-1\n"), "{written}");
    let again = read(&written);
    assert_eq!(again.acceptance, document.acceptance);
    assert_eq!(again.tests, document.tests);

    let moved = write(&document.id, &requirement, Style::Metadata, Some(&document));
    let moved_document = read(&moved);
    assert_eq!(moved_document.style, Style::Metadata);
    assert_eq!(moved_document.fields, again.fields);
    assert!(moved.contains("- **Dependencies**: REQ-COLLAB-001, REQ-COLLAB-002\n"), "{moved}");
}

#[test]
fn code_that_a_section_leaves_open_does_not_swallow_the_next() {
    let document = read("# R-1\n## Blocks: R-2\n## Design\n~~~~\ncode\n");
    let mut requirement = Requirement::default();
    document.apply(&mut requirement, StatusFrom::Matrix).expect("what was read fits");
    let written = write("R-1", &requirement, Style::Headings, Some(&document));
    assert!(written.contains("~~~~\ncode\n~~~~\n"), "{written}");
    assert_eq!(read(&written).fields[&Column::Blocks], "R-2");
}

#[test]
fn code_below_a_paragraph_stays_code() {
    let text = "# R-1\n\n## Requirement\n\nIt  shall\n```sh\n## Phase: 10\n";
    let mut requirement = Requirement::default();
    let document = read(text);
    document.apply(&mut requirement, StatusFrom::Document).expect("what was read fits");
    assert_eq!(requirement.requirement_text, "It  shall");
    requirement.requirement_text = "It must".into();
    let written = write("R-1", &requirement, Style::Metadata, Some(&document));
    assert!(written.ends_with("\nIt must\n```sh\n## Phase: 10\n```\n"), "{written}");
    assert!(!read(&written).fields.contains_key(&Column::Phase), "{written}");
}

fn requirement() -> impl Strategy<Value = Requirement> {
    let id = "REQ-[A-Z]{1,3}-[0-9]{1,3}";
    let text = "[A-Za-z#`~*\\\\][A-Za-z0-9 .,:#`*_-]{0,30}[a-z.]";
    let ids = || proptest::collection::btree_set(id, 0..4);
    let choice = (proptest::sample::select(&Status::ALL[..]), proptest::sample::select(&Priority::ALL[..]));
    (text, choice, proptest::option::of(1u32..500), proptest::option::of(1u32..100), ids(), ids()).prop_map(
        |(text, (status, priority), phase, quarters, dependencies, blocks)| Requirement {
            requirement_text: text,
            status: status.into(),
            priority: priority.into(),
            phase: phase.into(),
            effort_weeks: quarters.and_then(|quarters| Effort::from_weeks(f64::from(quarters) / 4.0)).into(),
            dependencies: dependencies.into(),
            blocks: blocks.into(),
            ..Requirement::default()
        },
    )
}

proptest! {
    #[test]
    fn any_text_is_taken_apart_without_loss_or_refused(text in "(# R-1: T\n)?(([#]{1,3} |- |```|~~~)?[A-Za-z:*() .,-]{0,12}\r?\n){0,12}") {
        if let Ok(document) = parse(&text) {
            prop_assert_eq!(document.text(), text);
        }
    }

    #[test]
    fn what_is_written_is_read_back(requirement in requirement(), headings in any::<bool>()) {
        let style = if headings { Style::Headings } else { Style::Metadata };
        let written = write("REQ-A-1", &requirement, style, None);
        let document = read(&written);
        prop_assert_eq!(document.style, style);
        let mut back = Requirement::default();
        document.apply(&mut back, StatusFrom::Document).expect("what was written fits");
        back.requirement_text.clone_from(&requirement.requirement_text);
        prop_assert_eq!(&back, &requirement);
        let words = requirement.requirement_text.split_whitespace().collect::<Vec<_>>().join(" ");
        prop_assert_eq!(&document.fields[&Column::RequirementText], &words);
        let again = write("REQ-A-1", &requirement, style, Some(&document));
        prop_assert_eq!(read(&again).fields, document.fields);
    }
}
