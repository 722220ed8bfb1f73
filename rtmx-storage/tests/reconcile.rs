//! Laws of bringing two edits together: nobody's sole change is lost, and agreement is no conflict.

use proptest::prelude::*;
use rtmx_core::{CORE_COLUMNS, Column, Requirement};
use rtmx_storage::csv::edit;
use rtmx_storage::reconcile::{Taken, reconcile};
use std::collections::BTreeMap;

/// A column, core or extra, with a text that it takes.
fn setting() -> impl Strategy<Value = (String, String)> {
    let text = prop_oneof![Just(String::new()), "[a-c]{1,2}", Just("two\nlines".to_owned())];
    prop_oneof![
        (proptest::sample::select(vec!["COMPLETE", "PARTIAL", "MISSING"]))
            .prop_map(|v| ("status".into(), v.into())),
        (proptest::sample::select(vec!["P0", "LOW", ""])).prop_map(|v| ("priority".into(), v.into())),
        (proptest::sample::select(vec!["1", "2", ""])).prop_map(|v| ("phase".into(), v.into())),
        (proptest::sample::select(vec!["0.5", "3", ""])).prop_map(|v| ("effort_weeks".into(), v.into())),
        (proptest::sample::select(vec!["A", "A|B", "B C", ""]))
            .prop_map(|v| ("dependencies".into(), v.into())),
        (proptest::sample::select(vec!["A", "C|D", ""])).prop_map(|v| ("blocks".into(), v.into())),
        (proptest::sample::select(vec!["2026-01-31", ""])).prop_map(|v| ("started_date".into(), v.into())),
        (proptest::sample::select(vec!["notes", "category", "requirement_text", "assignee"]), text.clone())
            .prop_map(|(name, v)| (name.to_owned(), v)),
        (proptest::sample::select(vec!["risk", "owner"]), text).prop_map(|(name, v)| (name.to_owned(), v)),
    ]
}

fn edited(base: &Requirement, settings: &[(String, String)]) -> Requirement {
    let mut requirement = base.clone();
    for (name, text) in settings {
        edit::set(&mut requirement, name, text).expect("the strategy makes texts that the column takes");
    }
    requirement
}

/// Every column as text, those beyond the core under `extra.<name>`.
fn texts(requirement: &Requirement) -> BTreeMap<String, String> {
    let core = CORE_COLUMNS.into_iter().filter(|column| *column != Column::ReqId);
    let core = core.map(|column| (column.name().to_owned(), requirement.text_of(column)));
    let extra = requirement.extra.iter().map(|(name, text)| (format!("extra.{name}"), text.clone()));
    core.chain(extra).collect()
}

fn text(of: &BTreeMap<String, String>, column: &str) -> String {
    of.get(column).cloned().unwrap_or_default()
}

prop_compose! {
    /// A requirement as it was, and what two sides made of it.
    fn sides()(
        base in proptest::collection::vec(setting(), 0..8),
        mine in proptest::collection::vec(setting(), 0..6),
        theirs in proptest::collection::vec(setting(), 0..6),
    ) -> (Requirement, Requirement, Requirement) {
        let base = edited(&Requirement::default(), &base);
        let (mine, theirs) = (edited(&base, &mine), edited(&base, &theirs));
        (base, mine, theirs)
    }
}

proptest! {
    #[test]
    fn no_sides_sole_change_is_lost_and_equal_changes_never_conflict((base, mine, theirs) in sides()) {
        let done = reconcile(Some(&base), &mine, &theirs);
        let (b, m, t, merged) = (texts(&base), texts(&mine), texts(&theirs), texts(&done.requirement));
        let names: std::collections::BTreeSet<&String> = b.keys().chain(m.keys()).chain(t.keys()).collect();
        for name in names {
            let (base, mine, theirs) = (text(&b, name), text(&m, name), text(&t, name));
            let told = done.columns.iter().find(|column| column.column == *name);
            let want = match (mine == base, theirs == base) {
                (true, true) => None,
                (false, true) => Some((Taken::Mine, mine.clone())),
                (true, false) => Some((Taken::Theirs, theirs.clone())),
                (false, false) if mine == theirs => Some((Taken::Same, theirs.clone())),
                (false, false) => Some((Taken::Conflict, text(&merged, name))),
            };
            prop_assert_eq!(told.map(|column| (column.taken, column.merged.clone())), want.clone(), "{}", name);
            prop_assert_eq!(text(&merged, name), want.map_or(base, |(_, merged)| merged), "{}", name);
        }
    }

    #[test]
    fn merging_with_oneself_or_with_nothing_is_identity((base, mine, theirs) in sides()) {
        prop_assert_eq!(&reconcile(Some(&base), &mine, &mine).requirement, &mine);
        prop_assert_eq!(&reconcile(Some(&base), &base, &theirs).requirement, &theirs);
        prop_assert_eq!(texts(&reconcile(Some(&base), &mine, &base).requirement), texts(&mine));
        prop_assert!(reconcile(Some(&mine), &mine, &mine).columns.is_empty());
        prop_assert!(reconcile(None, &mine, &mine).columns.is_empty());
    }

    #[test]
    fn sides_may_be_exchanged_but_for_who_is_who((base, mine, theirs) in sides()) {
        let one = reconcile(Some(&base), &mine, &theirs);
        let other = reconcile(Some(&base), &theirs, &mine);
        prop_assert_eq!(one.columns.len(), other.columns.len());
        for (one, other) in one.columns.iter().zip(&other.columns) {
            let mirrored = match other.taken {
                Taken::Mine => Taken::Theirs,
                Taken::Theirs => Taken::Mine,
                taken => taken,
            };
            prop_assert_eq!(one.taken, mirrored);
            if one.taken != Taken::Conflict {
                prop_assert_eq!(&one.merged, &other.merged);
            }
        }
    }

    #[test]
    fn without_a_base_every_difference_is_a_conflict((_, mine, theirs) in sides()) {
        let done = reconcile(None, &mine, &theirs);
        let (m, t) = (texts(&mine), texts(&theirs));
        let differ = m.keys().chain(t.keys()).filter(|name| text(&m, name) != text(&t, name));
        let differ: std::collections::BTreeSet<&String> = differ.collect();
        let told: std::collections::BTreeSet<&String> = done.columns.iter().map(|column| &column.column).collect();
        prop_assert_eq!(told, differ);
        prop_assert!(done.columns.iter().all(|column| column.taken == Taken::Conflict));
    }

    #[test]
    fn a_row_keeps_its_bytes_only_if_it_reads_as_the_stored_one((base, mine, mut theirs) in sides()) {
        theirs.placement.raw = Some("as it was written\n".into());
        theirs.placement.rank = Some(7);
        let done = reconcile(Some(&base), &mine, &theirs).requirement;
        prop_assert_eq!(done.placement.rank, Some(7));
        prop_assert_eq!(done.placement.raw.is_some(), texts(&done) == texts(&theirs));
    }
}

#[test]
fn lists_of_ids_are_joined_as_a_proposal() {
    let list = |text: &str| edited(&Requirement::default(), &[("dependencies".into(), text.into())]);
    // base, mine, theirs, proposal
    let cases = [
        ("A", "A|B", "A|C", "A|B|C"),
        ("A|B", "A", "A|B|C", "A|C"),
        ("A|B", "A|C", "B|C|D", "C|D"),
        ("", "A", "B", "A|B"),
    ];
    for (base, mine, theirs, proposal) in cases {
        let done = reconcile(Some(&list(base)), &list(mine), &list(theirs));
        assert!(done.is_conflicted(), "{base} {mine} {theirs}");
        assert_eq!(done.columns[0].merged, proposal, "{base} {mine} {theirs}");
    }
}

#[test]
fn two_spellings_of_one_value_are_no_conflict() {
    let base = edited(&Requirement::default(), &[("dependencies".into(), "A".into())]);
    let mine = edited(&base, &[("dependencies".into(), "A|B".into()), ("status".into(), "COMPLETE".into())]);
    let mut theirs =
        edited(&base, &[("dependencies".into(), "A|B".into()), ("status".into(), "COMPLETE".into())]);
    theirs.dependencies.given = Some("A, B".into());
    theirs.status.given = Some("complete".into());
    let done = reconcile(Some(&base), &mine, &theirs);
    assert!(done.columns.iter().all(|column| column.taken == Taken::Same), "{:?}", done.columns);
    assert_eq!(done.requirement, theirs, "what is stored stays as it was written");
}
