//! What a TOML text says: keys with their places, faults without its content.

use proptest::prelude::*;
use rtmx_config::{Faults, KEYS, Layer, Provenance, Settings, Strictness, resolve, template};
use rtmx_config_file::read_document;
use rtmx_core::{assert_code, config};
use std::path::Path;

fn read(text: &str) -> Layer {
    let mut layer = Layer::new(Provenance::new("file", "a.toml"));
    read_document(Path::new("a.toml"), text, &mut layer);
    layer
}

#[test]
fn every_key_has_the_line_and_column_where_it_stands() {
    let layer = read(concat!(
        "\u{feff}top = 1\n",
        "[server]\r\n",
        "  listen = \"127.0.0.1:1\"\r\n",
        "\"ümlaut\" = 1",
        "\n[metrics]\n",
        "enabled = true # ünd\n",
        "log.level = \"x\"\n",
        "inline = { a = 1, b = { c = [1, 2.5] } }\n",
        "[[list]]\nx = 1\n",
    ));
    assert_eq!(layer.faults, []);
    let found: Vec<_> = layer
        .entries
        .iter()
        .map(|entry| format!("{} {} {}", entry.origin, entry.key, entry.value.shape()))
        .collect();
    let want = [
        "a.toml:1:1 top a whole number",
        "a.toml:3:3 server.listen a text",
        "a.toml:4:1 server.\"ümlaut\" a whole number",
        "a.toml:6:1 metrics.enabled a switch",
        "a.toml:7:5 metrics.log.level a text",
        "a.toml:8:12 metrics.inline.a a whole number",
        "a.toml:8:25 metrics.inline.b.c a list",
        "a.toml:9:3 list a list",
    ];
    assert_eq!(found, want);
}

#[test]
fn several_wrong_keys_of_one_file_are_reported_at_once() {
    let layer =
        read("[server]\nlisten = 80\ndrain = \"soon\"\nbody_limit = [1]\n\n[log]\nlevel = \"loud\"\n");
    let error = resolve([&layer], Strictness::Start).unwrap_err();
    assert_code(&error, config::CONFIG_INVALID);
    let faults = Faults::of(&error).unwrap().list().iter().map(|fault| fault.origin.to_string());
    assert_eq!(faults.collect::<Vec<_>>(), ["a.toml:2:1", "a.toml:4:1", "a.toml:3:1", "a.toml:7:1"]);
}

#[test]
fn a_text_that_is_not_toml_names_the_place_and_shows_nothing_of_it() {
    let canary = "canary-hunter2";
    // text, place
    let cases = [
        (format!("[server]\nlisten = \"{canary}\n"), "a.toml:2:"),
        (format!("[database]\nurl = {canary}\n"), "a.toml:2:7"),
        (format!("a = 1\na = \"{canary}\"\n"), "a.toml:2:1"),
        (canary.to_owned(), "a.toml:1:"),
        (format!("url = '{canary}' '{canary}'"), "a.toml:1:"),
        (format!("[server\nx = \"{canary}\""), "a.toml:1:"),
        (format!("x = \"\\{canary}\""), "a.toml:1:"),
        (format!("x = {}", "[".repeat(10_000)), "a.toml:1:"),
        (format!("{}b = 1", "a.".repeat(10_000)), "a.toml:1:"),
    ];
    for (text, place) in cases {
        let start: String = text.chars().take(40).collect();
        let layer = read(&text);
        assert_eq!(layer.entries.len(), 0, "{start}: nothing is taken from a broken file");
        let error = resolve([&layer], Strictness::Start).unwrap_err();
        assert_code(&error, config::CONFIG_SYNTAX);
        let cause = &error.causes()[0];
        assert!(cause.starts_with(place) && cause.contains("this is not TOML: "), "{start}: {cause}");
        assert!(!cause.contains(canary) && !cause.contains('\n'), "{start}: {cause}");
    }
}

/// A line of the template with its setting switched on, if it holds one.
fn without_mark(line: &str) -> &str {
    match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) => rest,
        _ => line,
    }
}

#[test]
fn the_template_is_toml_and_changes_nothing_with_or_without_its_marks() {
    let commented = template();
    let layer = read(&commented);
    assert!(layer.faults.is_empty() && layer.entries.is_empty(), "{layer:?}");

    let lines: Vec<_> = commented.lines().map(without_mark).collect();
    let layer = read(&lines.join("\n"));
    let defaults = KEYS.iter().filter(|spec| spec.default.is_some()).map(|spec| spec.path);
    assert!(layer.entries.iter().map(|entry| entry.key.as_str()).eq(defaults), "{layer:?}");
    let resolved = resolve([&layer], Strictness::Check).unwrap();
    assert_eq!(resolved.warnings, []);
    assert_eq!(format!("{:?}", resolved.settings), format!("{:?}", Settings::default()));
    let none: [Layer; 0] = [];
    assert_eq!(resolved.changed_since(&resolve(&none, Strictness::Check).unwrap()).len(), 0);
}

/// Texts near enough to TOML to get past the first line.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "[server]\n",
            "[[log]]\n",
            "[a.b]\n",
            "listen",
            "level",
            "\"q.k\"",
            " = ",
            ".",
            "\n",
            "\r\n",
            "\u{feff}",
            "\"x\"",
            "'y'",
            "\"\"\"",
            "1",
            "-1e9",
            "nan",
            "true",
            "1979-05-27",
            "[1, 2]",
            "{ a = 1 }",
            "{",
            "]",
            "#",
            "\\u00e9",
            "\0",
            ",",
        ])
        .prop_map(str::to_owned),
        prop::sample::select(KEYS).prop_map(|spec| format!(
            "{} = {:?}\n",
            spec.path,
            spec.default.unwrap_or("x")
        )),
        "\\PC{0,4}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_panics_and_each_place_lies_within_it(text in any_text()) {
        let layer = read(&text);
        let lines = text.split('\n').count();
        let places = layer.entries.iter().map(|entry| &entry.origin).chain(layer.faults.iter().map(|f| &f.origin));
        for origin in places {
            let rtmx_config::Origin::File { line, column, .. } = origin else { panic!("{origin:?}") };
            prop_assert!((1..=lines).contains(&(*line as usize)) && *column >= 1, "{}", origin);
        }
        let _ = resolve([&layer], Strictness::Start);
        let _ = resolve([&layer], Strictness::Check);
    }
}
