//! What an upgrade brings, and what is appended to an operator's file.

use proptest::prelude::*;
use rtmx_config::{Difference, FileFormat, KEYS, KeyFacts, KeySpec, Kind, Table, compare};

const OLD: &[KeySpec] = &[
    KeySpec::new("a.kept", Kind::Switch, Some("true"), "Stays as it is."),
    KeySpec::new("a.moved", Kind::Text { max: 9 }, None, "Gets another name."),
    KeySpec::new("a.gone", Kind::Switch, Some("true"), "Goes away."),
    KeySpec::new("a.most", Kind::Integer { min: 1, max: 9 }, Some("5"), "Gets another default and range."),
    KeySpec { variables: &["MOST"], ..KeySpec::new("a.named", Kind::Switch, None, "Loses a variable.") },
];
const NEW: &[KeySpec] = &[
    KeySpec::new("a.kept", Kind::Switch, Some("true"), "Stays as it is, in other words."),
    KeySpec { formerly: &["a.moved"], ..KeySpec::new("b.moved", Kind::Text { max: 9 }, None, "Its name.") },
    KeySpec::new("a.most", Kind::Integer { min: 1, max: 8 }, Some("4"), "Gets another default and range."),
    KeySpec::new("a.named", Kind::Switch, None, "Loses a variable."),
    KeySpec::new("b.fresh", Kind::Switch, Some("false"), "Is new."),
];

#[test]
fn an_upgrade_tells_what_is_new_gone_renamed_and_other_by_default() {
    let facts = |keys| KeyFacts::of_table(&Table::new("X", keys));
    let changes = compare(&facts(OLD), &facts(NEW));
    let told: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "`a.moved` is now called `b.moved`",
            "`a.moved` is no longer read from `X_A__MOVED`",
            "`a.gone` is gone",
            "`a.most` has another default: `4` instead of `5`",
            "`a.most` must now be a whole number from 1 to 8, and not a whole number from 1 to 9",
            "`a.named` is no longer read from `MOST`",
            "`b.fresh` is new, with the default `false`",
        ]
    );
    let quiet: Vec<_> = changes.iter().filter(|change| !change.attention).collect();
    assert!(matches!(quiet[..], [change] if matches!(change.what, Difference::Added { .. })), "{quiet:?}");
    assert_eq!(compare(&facts(NEW), &facts(NEW)), []);
}

#[test]
fn a_file_mentions_what_it_sets_and_what_it_has_commented_out() {
    const TABLE: Table = Table::new("X", NEW);
    // name, format, text, keys that its syntax sets, what is not mentioned
    type Case<'a> = (&'a str, FileFormat, &'a str, &'a [&'a str], &'a [&'a str]);
    let cases: [Case<'_>; 7] = [
        ("empty", FileFormat::Toml, "", &[], &["a.kept", "b.moved", "a.most", "a.named", "b.fresh"]),
        (
            "set",
            FileFormat::Toml,
            "a = {kept = true}\n",
            &["a.kept"],
            &["b.moved", "a.most", "a.named", "b.fresh"],
        ),
        (
            "commented",
            FileFormat::Toml,
            "[a]\n#kept = true\n  # most = 3\n[ b ]\n#\"fresh\"=1",
            &[],
            &["b.moved", "a.named"],
        ),
        (
            "a section of comments",
            FileFormat::Toml,
            "#[b]\n#fresh = true\n",
            &[],
            &["a.kept", "b.moved", "a.most", "a.named"],
        ),
        (
            "a former name",
            FileFormat::Toml,
            "#a.moved = \"\"\n",
            &[],
            &["a.kept", "a.most", "a.named", "b.fresh"],
        ),
        (
            "another section",
            FileFormat::Toml,
            "[c]\nkept = 1\n",
            &["c.kept"],
            &["a.kept", "b.moved", "a.most", "a.named", "b.fresh"],
        ),
        (
            "variables",
            FileFormat::Environment,
            "X_A__KEPT=1\n# export X_A__MOST=2\nX_B__MOVED_FILE=/x\nX_A__NAMED_NOT=1",
            &[],
            &["a.named", "b.fresh"],
        ),
    ];
    for (name, format, text, set, want) in cases {
        let set: Vec<String> = set.iter().map(|key| (*key).to_owned()).collect();
        let found: Vec<_> = TABLE.not_mentioned(format, text, &set).iter().map(|spec| spec.path).collect();
        assert_eq!(found, want, "{name}");
    }
}

/// Pieces of which operators' files are made.
fn any_text() -> impl Strategy<Value = String> {
    let name = || prop::sample::select(KEYS).prop_map(|spec| spec.path.to_owned());
    let line = prop_oneof![
        name().prop_map(|path| format!("[{}]\n", path.split('.').next().unwrap_or_default())),
        name().prop_map(|path| format!("#{} = 1\r\n", path.split('.').next_back().unwrap_or_default())),
        name().prop_map(|path| format!("{path} = \"x\" # why\n")),
        name().prop_map(|path| format!("RTMX_{}=y\n", path.replace('.', "__").to_uppercase())),
        "[ -~]{0,30}\n",
        "\\PC{0,10}",
        Just("\n\n".to_owned()),
    ];
    prop::collection::vec(line, 0..20).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn appending_keeps_every_byte_adds_comments_alone_and_is_done_once(
        text in any_text(),
        toml in any::<bool>(),
    ) {
        let format = if toml { FileFormat::Toml } else { FileFormat::Environment };
        let table = Table::RTMX;
        let new = table.not_mentioned(format, &text, &[]);
        let appendix = table.appendix(format, &text, &new, "RTMX 9");
        prop_assert_eq!(appendix.is_empty(), new.is_empty());
        let after = format!("{text}{appendix}");
        prop_assert!(after.starts_with(&text));
        // The first line ends what stood there, or is empty.
        for line in appendix.lines() {
            prop_assert!(line.is_empty() || line.starts_with('#'), "{line:?}");
        }
        prop_assert!(appendix.is_empty() || appendix.starts_with(['\n', '\r']) || text.is_empty());
        for spec in &new {
            prop_assert!(appendix.contains(spec.doc), "{}", spec.path);
        }
        let again = table.not_mentioned(format, &after, &[]);
        prop_assert!(again.is_empty(), "{:?}", again.iter().map(|spec| spec.path).collect::<Vec<_>>());
        let ends = appendix.matches("\r\n").count();
        prop_assert!(ends == 0 || ends == appendix.matches('\n').count(), "one way to end a line");
    }
}
