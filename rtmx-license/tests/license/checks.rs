//! The whole check, over restarts: what is remembered, from where, and what happens when it is gone.

use crate::support::{
    DAY, EXPIRES, ISSUED, LICENSE, REVOCATION, ROOT_A, ROOT_B, at, facts, installation, key, kid, license,
    plus, profile, ring, signed, token,
};
use rtmx_core::{Timestamp, assert_code, license as codes};
use rtmx_license::{
    BindingPolicy, Checked, Checker, Facts, Fingerprint, Keyset, KeysetKey, Kind, License, Memory, Readings,
    RevocationList, State, Usage, Warning, Why, newer_revocations, open, sign, sign_keyset,
};
use std::time::Duration;

fn checker() -> Checker {
    Checker::new(ring(), profile())
}

/// Checks in a new process: only the stored copies are left of the one before.
fn check(claims: &License, facts: &mut Facts) -> Checked {
    let checked = checker().check(token(claims).as_str().as_bytes(), facts);
    facts.memory = vec![checked.sealed.clone(), checked.sealed.clone()];
    checked
}

fn start() -> Timestamp {
    plus(at(ISSUED), DAY)
}

fn codes_of(checked: &Checked) -> Vec<&'static str> {
    let code = |warning: &Warning| match warning {
        Warning::Refused { code, .. } => Some(*code),
        _ => None,
    };
    checked.verdict.warnings.iter().filter_map(code).collect()
}

#[test]
fn a_memory_that_is_gone_damaged_or_foreign_changes_no_verdict() {
    let mut facts = facts(start());
    check(&license(), &mut facts);
    let good = facts.memory[0].clone();
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let foreign = Memory::default().seal(&installation(5));
    let cases: [(&str, Vec<Vec<u8>>, usize); 8] = [
        ("gone", vec![], 0),
        ("empty", vec![vec![]], 1),
        ("cut", vec![good[..good.len() - 1].to_vec()], 1),
        ("cut in half", vec![good[..good.len() / 2].to_vec()], 1),
        ("flipped", vec![flipped.clone()], 1),
        ("foreign", vec![foreign], 1),
        ("huge", vec![vec![b'x'; 5 << 20]], 1),
        ("one of two", vec![flipped, good], 1),
    ];
    for (name, memory, refused) in cases {
        facts.memory = memory;
        let checked = checker().check(token(&license()).as_str().as_bytes(), &facts);
        assert_eq!(checked.verdict.state, State::Valid, "{name}");
        assert_eq!(codes_of(&checked), vec!["license_memory_invalid"; refused], "{name}");
    }
    assert_code(Memory::open(b"x", &installation(5)).unwrap_err(), codes::LICENSE_MEMORY_INVALID);
}

#[test]
fn every_cut_and_flip_of_a_memory_is_noticed() {
    let mut facts = facts(start());
    check(&license(), &mut facts);
    let (good, key) = (facts.memory[0].clone(), installation(77));
    assert!(Memory::open(&good, &key).is_ok());
    for at in 0..good.len() {
        assert!(Memory::open(&good[..at], &key).is_err(), "cut at {at}");
        for bit in 0..8 {
            let mut flipped = good.clone();
            flipped[at] ^= 1 << bit;
            assert!(Memory::open(&flipped, &key).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn the_same_facts_have_the_same_answer_and_the_same_bytes() {
    let mut facts = facts(start());
    let first = check(&license(), &mut facts);
    let second = check(&license(), &mut facts);
    let third = check(&license(), &mut facts);
    assert_eq!(second.verdict, first.verdict);
    assert_eq!((third.verdict, third.sealed), (second.verdict, second.sealed));
}

#[test]
fn an_older_license_never_replaces_a_newer_one() {
    let mut facts = facts(start());
    let mut renewed = license();
    renewed.seq = 2;
    assert_eq!(check(&renewed, &mut facts).verdict.state, State::Valid);
    let old = check(&license(), &mut facts);
    assert_eq!(old.verdict.state, State::Restricted { why: Why::Superseded });
    assert_code(old.verdict.strict().unwrap_err(), codes::LICENSE_SUPERSEDED);
    assert_eq!(check(&renewed, &mut facts).verdict.state, State::Valid);
    // Another license is another matter.
    let mut other = license();
    other.license_id = "lic_other".into();
    assert_eq!(check(&other, &mut facts).verdict.state, State::Valid);
}

#[test]
fn an_installation_that_never_had_a_license_gets_no_grace_of_it() {
    let expired = State::Restricted { why: Why::Expired };
    let mut facts = facts(plus(at(EXPIRES), DAY));
    for look in 0..3 {
        let checked = check(&license(), &mut facts);
        assert_eq!(checked.verdict.state, expired, "look {look}");
        assert_eq!(checked.entitlements.limit("max_nodes"), rtmx_license::Limit::AtMost(1));
    }
    // Nor does setting the clock back make it one that had it, once the time is believed.
    facts.elapsed = Duration::from_secs(2 * 86_400);
    facts.wall = plus(at(EXPIRES), 3 * DAY);
    check(&license(), &mut facts);
    facts.elapsed = Duration::ZERO;
    facts.wall = plus(at(EXPIRES), -40 * DAY);
    assert_eq!(check(&license(), &mut facts).verdict.state, expired, "the clock was set back");
    // One that had it goes on, and so does one with a later issue of it.
    let mut ran = self::facts(plus(at(EXPIRES), -DAY));
    check(&license(), &mut ran);
    ran.wall = plus(at(EXPIRES), DAY);
    for _ in 0..2 {
        assert_eq!(check(&license(), &mut ran).verdict.state, State::Grace { why: Why::Expired });
    }
    let mut renewed = License { seq: 2, ..license() };
    renewed.expires_at = plus(at(EXPIRES), 3600);
    assert_eq!(check(&renewed, &mut ran).verdict.state, State::Grace { why: Why::Expired });
}

#[test]
fn the_license_that_was_kept_is_a_witness_where_the_memory_is_lost() {
    let grace = State::Grace { why: Why::Expired };
    let text = |claims: &License| token(claims).as_str().as_bytes().to_vec();
    let stranger = sign(&key(99), &kid("license-1"), &license()).unwrap();
    let mut other = license();
    other.license_id = "lic_other".into();
    let foreign = License { product: "Hyyve Platform".into(), ..license() };
    // what was kept, state
    let cases = [
        (Some(text(&license())), grace),
        (None, State::Restricted { why: Why::Expired }),
        (Some(stranger.as_str().into()), State::Restricted { why: Why::Expired }),
        (Some(text(&other)), State::Restricted { why: Why::Expired }),
        (Some(text(&foreign)), State::Restricted { why: Why::Expired }),
    ];
    for (number, (kept, state)) in cases.into_iter().enumerate() {
        let mut facts = facts(plus(at(EXPIRES), DAY));
        facts.kept = kept;
        assert_eq!(check(&license(), &mut facts).verdict.state, state, "{number}");
        // What it witnessed is remembered.
        facts.kept = None;
        assert_eq!(check(&license(), &mut facts).verdict.state, state, "{number}, again");
        let before = facts.memory[0].clone();
        assert_eq!(check(&license(), &mut facts).sealed, before, "{number}: nothing new");
    }
}

#[test]
fn what_was_refused_is_not_remembered() {
    let mut facts = facts(start());
    let mut foreign = license();
    (foreign.seq, foreign.product) = (9, "Hyyve Platform".into());
    check(&foreign, &mut facts);
    assert_eq!(check(&license(), &mut facts).verdict.state, State::Valid);
}

#[test]
fn an_expired_license_does_not_live_again_when_the_clock_is_set_back() {
    let mut facts = facts(plus(at(EXPIRES), -DAY));
    check(&license(), &mut facts);
    // Days pass one by one, as they do, and the clock is believed.
    facts.elapsed = Duration::from_secs(86_400);
    for day in 0..20 {
        facts.wall = plus(at(EXPIRES), day * DAY);
        check(&license(), &mut facts);
    }
    facts.elapsed = Duration::ZERO;
    let expired = check(&license(), &mut facts);
    assert_eq!(expired.verdict.state, State::Restricted { why: Why::Expired });
    facts.wall = plus(at(EXPIRES), -20 * DAY);
    let back = check(&license(), &mut facts);
    assert_eq!(back.verdict.state, State::Restricted { why: Why::Expired });
    assert!(back.verdict.warnings.iter().any(|warning| matches!(warning, Warning::ClockBehind { .. })));
    // A renewed license is the way out, whatever the clock says.
    let mut renewed = license();
    (renewed.seq, renewed.issued_at) = (2, plus(at(EXPIRES), -25 * DAY));
    renewed.expires_at = plus(at(EXPIRES), 365 * DAY);
    let checked = check(&renewed, &mut facts);
    assert_eq!(checked.verdict.state, State::Valid);
    assert!(checked.verdict.warnings.contains(&Warning::ClockRecovered));
}

#[test]
fn a_clock_that_was_ten_years_ahead_expires_nothing_for_good() {
    let mut facts = facts(start());
    check(&license(), &mut facts);
    facts.wall = plus(start(), 3650 * DAY);
    let ahead = check(&license(), &mut facts);
    assert_eq!(ahead.verdict.state, State::Restricted { why: Why::Expired });
    assert!(ahead.verdict.warnings.iter().any(|warning| matches!(warning, Warning::ClockAhead { .. })));
    facts.wall = plus(start(), 60);
    let back = check(&license(), &mut facts);
    assert_eq!((back.verdict.state, back.verdict.warnings), (State::Valid, vec![]));
}

#[test]
fn copies_are_merged_each_part_from_where_it_is_newest() {
    let mut facts = facts(start());
    let mut renewed = license();
    renewed.seq = 2;
    let one = check(&license(), &mut facts.clone()).sealed;
    facts.wall = plus(start(), DAY);
    let two = check(&renewed, &mut facts.clone()).sealed;
    let key = installation(77);
    let (one, two) = (Memory::open(&one, &key).unwrap(), Memory::open(&two, &key).unwrap());
    for merged in [one.merged(&two), two.merged(&one)] {
        assert_eq!(merged.clock().mark(), Some(plus(start(), DAY)));
        facts.memory = vec![merged.seal(&key)];
        let old = checker().check(token(&license()).as_str().as_bytes(), &facts);
        assert_eq!(old.verdict.state, State::Restricted { why: Why::Superseded });
    }
    assert_eq!(one.merged(&one), one);
}

fn list(seq: u64) -> RevocationList {
    RevocationList {
        product: "RTMX".into(),
        seq,
        issued_at: at(ISSUED),
        next_update: plus(start(), DAY),
        licenses: vec![],
        tokens: vec![],
        min_seq: Default::default(),
    }
}

fn bytes(list: &RevocationList) -> Option<Vec<u8>> {
    Some(signed(REVOCATION, list).as_str().into())
}

#[test]
fn a_license_is_revoked_by_id_by_hash_and_by_number() {
    let hash = token(&license()).hash().to_string();
    let cases = [
        ("id", RevocationList { licenses: vec!["lic_abc123xyz".into()], ..list(1) }, true),
        ("hash", RevocationList { tokens: vec![hash], ..list(1) }, true),
        ("number", RevocationList { min_seq: [("lic_abc123xyz".to_owned(), 2)].into(), ..list(1) }, true),
        (
            "the number itself",
            RevocationList { min_seq: [("lic_abc123xyz".to_owned(), 1)].into(), ..list(1) },
            false,
        ),
        ("another id", RevocationList { licenses: vec!["lic_abc".into()], ..list(1) }, false),
    ];
    for (name, list, revoked) in cases {
        let mut facts = facts(start());
        facts.revocations = bytes(&list);
        let checked = check(&license(), &mut facts);
        let wanted = if revoked { State::Restricted { why: Why::Revoked } } else { State::Valid };
        assert_eq!(checked.verdict.state, wanted, "{name}");
        // The list need not come along again.
        facts.revocations = None;
        assert_eq!(check(&license(), &mut facts).verdict.state, wanted, "{name}, remembered");
    }
}

#[test]
fn a_list_that_is_older_forged_or_foreign_leaves_the_one_in_force() {
    let revoking = RevocationList { licenses: vec!["lic_abc123xyz".into()], ..list(5) };
    let forged = sign(&key(99), &kid("revocation-1"), &list(6)).unwrap();
    let foreign = RevocationList { product: "Hyyve Platform".into(), ..list(6) };
    let cases: [(Option<Vec<u8>>, &str); 6] = [
        (bytes(&list(4)), "revocations_rolled_back"),
        (bytes(&list(5)), "revocations_rolled_back"),
        (Some(forged.as_str().into()), "license_bad_signature"),
        (Some(signed(LICENSE, &list(6)).as_str().into()), "license_key_usage"),
        (bytes(&foreign), "license_wrong_product"),
        (Some(b"garbage".to_vec()), "license_malformed"),
    ];
    for (arrived, code) in cases {
        let mut facts = facts(start());
        facts.revocations = bytes(&revoking);
        check(&license(), &mut facts);
        facts.revocations = arrived;
        let checked = check(&license(), &mut facts);
        assert_eq!(checked.verdict.state, State::Restricted { why: Why::Revoked }, "{code}");
        assert_eq!(codes_of(&checked), [code]);
    }
    let ring = ring();
    let opened = |list: RevocationList| open::<RevocationList>(&ring, &bytes(&list).unwrap()).unwrap();
    let refusal = newer_revocations(Some(&opened(list(5))), opened(list(4))).unwrap_err();
    assert_code(refusal, codes::REVOCATIONS_ROLLED_BACK);
    assert_eq!(newer_revocations(Some(&opened(list(5))), opened(list(5))).unwrap().seq, 5);
    // A newer one takes its place.
    let mut facts = facts(start());
    facts.revocations = bytes(&revoking);
    check(&license(), &mut facts);
    facts.revocations = bytes(&list(6));
    assert_eq!(check(&license(), &mut facts).verdict.state, State::Valid);
}

#[test]
fn a_stale_list_is_a_warning() {
    let mut facts = facts(plus(start(), DAY - 1));
    facts.revocations = bytes(&list(1));
    assert_eq!(check(&license(), &mut facts).verdict.warnings, []);
    facts.wall = plus(start(), DAY);
    let checked = check(&license(), &mut facts);
    assert_eq!(checked.verdict.state, State::Valid);
    assert_eq!(checked.verdict.warnings, [Warning::RevocationsStale { since: plus(start(), DAY) }]);
}

#[test]
fn a_binding_that_stops_to_fit_runs_out_after_fourteen_days_over_restarts() {
    let host = |id| Fingerprint::derive(Kind::Host, id).unwrap().to_string();
    let claims = license().bound_to(BindingPolicy::Any, vec![host("one")]);
    let mut facts = facts(start());
    facts.readings = Readings::default().with(Kind::Host, Ok("one"));
    assert_eq!(check(&claims, &mut facts).verdict.state, State::Valid);
    facts.readings = Readings::default().with(Kind::Host, Ok("two"));
    for day in 0..14 {
        facts.wall = plus(start(), day * DAY);
        assert_eq!(
            check(&claims, &mut facts).verdict.state,
            State::Grace { why: Why::BindingMismatch },
            "{day}"
        );
    }
    facts.wall = plus(start(), 14 * DAY - 1);
    assert_eq!(check(&claims, &mut facts).verdict.state, State::Grace { why: Why::BindingMismatch });
    facts.wall = plus(start(), 14 * DAY);
    let ended = check(&claims, &mut facts);
    assert_eq!(ended.verdict.state, State::Restricted { why: Why::BindingMismatch });
    // A license that is bound anew is in force at once, and so is the old place.
    let anew = License { seq: 2, ..license().bound_to(BindingPolicy::Any, vec![host("two")]) };
    assert_eq!(check(&anew, &mut facts.clone()).verdict.state, State::Valid);
    facts.readings = Readings::default().with(Kind::Host, Ok("one"));
    assert_eq!(check(&claims, &mut facts).verdict.state, State::Valid);
}

fn keyset(version: u64) -> Vec<u8> {
    let listed = |(name, seed): (&str, u8), usage| KeysetKey::new(kid(name), usage, key(seed).public());
    let keys = vec![
        listed(ROOT_A, Usage::Root),
        listed(ROOT_B, Usage::Root),
        listed(LICENSE, Usage::License),
        listed(("license-2", 23), Usage::License),
    ];
    let (issued_at, expires_at) = (at(ISSUED), plus(start(), 10 * DAY));
    let keyset = Keyset { product: "RTMX".into(), version, issued_at, expires_at, threshold: 2, keys };
    let (a, b) = (kid(ROOT_A.0), kid(ROOT_B.0));
    sign_keyset(&keyset, &[(&a, &key(ROOT_A.1)), (&b, &key(ROOT_B.1))]).unwrap().into_bytes()
}

#[test]
fn a_keyset_is_remembered_and_outlives_its_expiry() {
    let newer = sign(&key(23), &kid("license-2"), &license()).unwrap();
    let mut facts = facts(start());
    let unknown = checker().check(newer.as_str().as_bytes(), &facts);
    assert_eq!(unknown.verdict.state, State::Restricted { why: Why::UnknownKey });
    facts.keysets = vec![keyset(2), keyset(3)];
    let checked = checker().check(newer.as_str().as_bytes(), &facts);
    assert_eq!((checked.verdict.state, checked.ring.version()), (State::Valid, 3));
    // The same files come along at every check, and are no news.
    facts.memory = vec![checked.sealed];
    let again = checker().check(newer.as_str().as_bytes(), &facts);
    assert_eq!((again.verdict.state, again.ring.version(), codes_of(&again)), (State::Valid, 3, vec![]));
    // Long after, without the files: what was accepted stays.
    (facts.keysets, facts.memory, facts.wall) = (vec![], vec![again.sealed], plus(start(), 11 * DAY));
    let later = checker().check(newer.as_str().as_bytes(), &facts);
    assert_eq!((later.verdict.state, later.ring.version()), (State::Valid, 3));
    facts.keysets = vec![keyset(5)];
    let skipped = checker().check(newer.as_str().as_bytes(), &facts);
    assert_eq!((skipped.ring.version(), codes_of(&skipped)), (3, vec!["keyset_skips"]));
}

#[test]
fn a_check_comes_at_the_next_change_and_within_five_minutes() {
    let checked = |left: i64| check(&license(), &mut facts(plus(at(EXPIRES), -left)));
    assert_eq!(checked(DAY + 10).recheck_after(), Duration::from_secs(10));
    assert_eq!(checked(2 * DAY).recheck_after(), Duration::from_secs(300));
    assert_eq!(checked(1).recheck_after(), Duration::from_secs(1));
    let none = checker().check(b"", &facts(start()));
    assert_eq!(none.recheck_after(), Duration::from_secs(300));
}

#[test]
fn hundreds_of_licenses_do_not_make_the_memory_grow() {
    let mut facts = facts(start());
    let mut size = 0;
    for round in 0..200 {
        let mut claims = license();
        claims.license_id = format!("lic_{round:03}");
        claims.issued_at = plus(at(ISSUED), round);
        size = check(&claims, &mut facts).sealed.len();
    }
    assert!(size < 20_000, "{size}");
}
