//! The committed reference is the one that the table gives.
//!
//! `RTMX_UPDATE_GOLDENS=1 cargo test -p rtmx-config --test reference` writes the files; a person reads
//! the diff.

#![allow(clippy::disallowed_methods, reason = "the committed copies are files")]

use rtmx_config::{KEYS, KeyFacts, Table};
use std::path::PathBuf;

/// From here on the handbook's page is made from the table.
const GENERATED: &str =
    "<!-- From here on made from the table of settings; see rtmx-config/tests/reference.rs -->\n\n";

fn handbook(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/handbook").join(name)
}

fn same_as_committed(name: &str, text: &str) {
    let path = handbook(name);
    if std::env::var_os("RTMX_UPDATE_GOLDENS").is_some() {
        std::fs::write(&path, text).expect("the handbook is writable");
    }
    let committed = std::fs::read_to_string(&path).expect("it is committed");
    assert!(committed == text, "docs/handbook/{name} is not what the table gives; see the head of this file");
}

#[test]
fn the_handbooks_page_ends_with_the_table() {
    let page = std::fs::read_to_string(handbook("configuration.md")).expect("it is committed");
    let (intro, _) = page.split_once(GENERATED).expect("the page has its mark");
    assert!(intro.len() > 2_000, "a customer can follow it");
    let text = format!("{intro}{GENERATED}{}", Table::RTMX.markdown());
    same_as_committed("configuration.md", &text);
    for spec in KEYS {
        assert!(text.contains(spec.doc), "{}", spec.path);
        assert!(spec.variables.iter().all(|name| text.contains(name)), "{}", spec.path);
    }
}

#[test]
fn the_committed_templates_and_schema_are_those_of_the_table() {
    same_as_committed("rtmx.toml", &rtmx_config::template());
    same_as_committed("rtmx.env", &Table::RTMX.environment_template("RTMX"));
    same_as_committed("rtmx.schema.json", &format!("{:#}\n", Table::RTMX.json_schema("RTMX")));
}

#[test]
fn a_schema_tells_everything_that_an_upgrade_compares() {
    let facts = KeyFacts::of_table(&Table::RTMX);
    assert_eq!(facts.len(), KEYS.len());
    for (spec, facts) in KEYS.iter().zip(&facts) {
        assert_eq!(facts.key, spec.path);
        assert_eq!(facts.default.as_deref(), spec.default, "{}", spec.path);
        assert_eq!(facts.variables, spec.names(), "{}", spec.path);
        assert_eq!(facts.must_be, spec.kind.wanted(), "{}", spec.path);
    }
    assert!(KeyFacts::of_schema(&serde_json::json!({"type": "object"})).is_empty());
}

#[test]
fn no_template_names_a_secrets_value_and_every_key_stands_in_both() {
    let (toml, variables) = (rtmx_config::template(), Table::RTMX.environment_template("RTMX"));
    for spec in KEYS {
        let name = spec.path.rsplit('.').next().unwrap_or_default();
        let in_toml =
            |line: &str| line.starts_with(&format!("#{name} =")) || line.starts_with(&format!("# {name} ="));
        assert!(toml.lines().any(in_toml), "{}", spec.path);
        let end = if spec.secret { "_FILE=/run/secrets/" } else { "=" };
        let line = format!("#{}{end}", spec.variable());
        assert!(variables.lines().any(|it| it.starts_with(&line)), "{line}");
    }
    assert!(variables.lines().all(|line| line.is_empty() || line.starts_with('#')));
}
