//! The table of states: every boundary, one second before and on it.

use crate::support::{DAY, EXPIRES, ISSUED, at, facts, license, plus, profile, ring, token};
use rtmx_core::{Timestamp, assert_code, license as codes};
use rtmx_license::clock::ClockCondition;
use rtmx_license::{
    BindingPolicy, Checker, Circumstances, Entitlements, Environment, Fingerprint, Kind, License, Limit,
    Memory, Presented, Profile, RTMX_ENTITLEMENTS, Readings, Refusal, State, Verdict, Warning, Why, judge,
    verify,
};

fn judged(claims: &License, now: Timestamp) -> Verdict {
    with_profile(claims, now, &profile())
}

fn with_profile(claims: &License, now: Timestamp, profile: &Profile) -> Verdict {
    in_place(claims, now, profile, &Readings::default(), &ran_with(claims, profile))
}

/// What an installation remembers that ran with a license up to its last second.
fn ran_with(claims: &License, profile: &Profile) -> Memory {
    let last = facts(plus(claims.expires_at, -1));
    Checker::new(ring(), profile.clone()).check(token(claims).as_str().as_bytes(), &last).memory
}

fn in_place(
    claims: &License,
    now: Timestamp,
    profile: &Profile,
    readings: &Readings,
    memory: &Memory,
) -> Verdict {
    let presented = Presented::from(verify(&ring(), token(claims).as_str().as_bytes()));
    let facts = Circumstances {
        profile,
        now,
        clock: ClockCondition::Steady,
        lease: None,
        revocations: None,
        readings,
        memory,
    };
    let verdict = judge(&presented, &facts);
    assert_eq!(verdict, judge(&presented, &facts), "the same question has the same answer");
    verdict
}

const RESTRICTED: State = State::Restricted { why: Why::Expired };
const GRACE: State = State::Grace { why: Why::Expired };

#[test]
fn every_boundary_is_half_open() {
    let mut claims = license();
    claims.terminates_at = Some(plus(at(EXPIRES), 100 * DAY));
    let (begin, end) = (at(ISSUED), at(EXPIRES));
    let soon = |days| State::ExpiringSoon { days };
    let not_yet = State::Restricted { why: Why::NotYetValid };
    // name, moment, state
    let cases = [
        ("long before", plus(begin, -40 * DAY), not_yet),
        ("a second before the skew", plus(begin, -301), not_yet),
        ("at the skew", plus(begin, -300), State::Valid),
        ("at the beginning", begin, State::Valid),
        ("in the middle", plus(begin, 100 * DAY), State::Valid),
        ("a second before 30 days", plus(end, -30 * DAY - 1), State::Valid),
        ("30 days", plus(end, -30 * DAY), soon(30)),
        ("a second less than 30 days", plus(end, -30 * DAY + 1), soon(30)),
        ("29 days", plus(end, -29 * DAY), soon(29)),
        ("a second more than a day", plus(end, -DAY - 1), soon(2)),
        ("one day", plus(end, -DAY), soon(1)),
        ("a second before the end", plus(end, -1), soon(1)),
        ("the end", end, GRACE),
        ("a second after the end", plus(end, 1), GRACE),
        ("the last second of grace", plus(end, 14 * DAY - 1), GRACE),
        ("the end of grace", plus(end, 14 * DAY), RESTRICTED),
        ("a second before termination", plus(end, 100 * DAY - 1), RESTRICTED),
        ("termination", plus(end, 100 * DAY), State::Terminated),
        ("much later", plus(end, 5000 * DAY), State::Terminated),
    ];
    for (name, now, state) in cases {
        let verdict = judged(&claims, now);
        assert_eq!(verdict.state, state, "{name}");
        // Exactly what `license verify` says: an end is an end.
        let strict = verdict.strict().map_err(|refusal| refusal.code().id());
        let wanted = match state {
            State::Valid | State::ExpiringSoon { .. } => Ok(()),
            State::Restricted { why: Why::NotYetValid } => Err("license_not_yet_valid"),
            State::Terminated => Err("license_terminated"),
            _ => Err("license_expired"),
        };
        assert_eq!(strict, wanted, "{name}");
        if let Some(change) = verdict.next_change {
            assert!(change > now, "{name}");
        }
    }
    assert_code(judged(&claims, end).strict().unwrap_err(), codes::LICENSE_EXPIRED);
    assert_code(judged(&claims, plus(begin, -301)).strict().unwrap_err(), codes::LICENSE_NOT_YET_VALID);
    assert_code(judged(&claims, plus(end, 100 * DAY)).strict().unwrap_err(), codes::LICENSE_TERMINATED);
}

#[test]
fn the_grace_is_for_what_runs_already() {
    let (end, claims) = (at(EXPIRES), license());
    let memories =
        [("with it", ran_with(&claims, &profile()), GRACE), ("new", Memory::default(), RESTRICTED)];
    for (name, memory, state) in memories {
        for seconds in [0, 1, 14 * DAY - 1] {
            let readings = Readings::default();
            let verdict = in_place(&claims, plus(end, seconds), &profile(), &readings, &memory);
            assert_eq!(verdict.state, state, "{name}, {seconds} s");
            assert_code(verdict.strict().unwrap_err(), codes::LICENSE_EXPIRED);
        }
    }
    let new = in_place(&claims, plus(end, 5), &profile(), &Readings::default(), &Memory::default());
    assert_eq!((new.since, new.until), (Some(end), None));
}

#[test]
fn an_end_is_named_before_a_binding_that_does_not_fit() {
    let host = |id| Fingerprint::derive(Kind::Host, id).unwrap().to_string();
    let claims = license().bound_to(BindingPolicy::Any, vec![host("machine-one")]);
    let (end, memory) = (at(EXPIRES), ran_with(&claims, &profile()));
    let elsewhere = Readings::default().with(Kind::Host, Ok("machine-two"));
    let verdict = in_place(&claims, end, &profile(), &elsewhere, &memory);
    // It was first seen not to fit a second before the end, so that grace ends first.
    assert_eq!(verdict.state, State::Grace { why: Why::BindingMismatch });
    assert_code(verdict.strict().unwrap_err(), codes::LICENSE_EXPIRED);
    let before = in_place(&claims, plus(end, -1), &profile(), &elsewhere, &memory);
    assert_code(before.strict().unwrap_err(), codes::LICENSE_BINDING_MISMATCH);
}

#[test]
fn a_state_says_since_when_and_until_when() {
    let end = at(EXPIRES);
    let grace = judged(&license(), plus(end, 3 * DAY));
    assert_eq!((grace.since, grace.until), (Some(end), Some(plus(end, 14 * DAY))));
    assert_eq!(grace.next_change, Some(plus(end, 14 * DAY)));
    assert!(grace.next.contains("rtmxctl license activate"), "{}", grace.next);
    let soon = judged(&license(), plus(end, -20 * DAY));
    assert_eq!((soon.since, soon.until), (Some(plus(end, -30 * DAY)), Some(end)));
    assert_eq!(soon.next_change, Some(plus(end, -14 * DAY)), "the next louder warning");
    let restricted = judged(&license(), plus(end, 15 * DAY));
    assert_eq!((restricted.since, restricted.next_change), (Some(plus(end, 14 * DAY)), None));
}

#[test]
fn warnings_grow_louder_in_five_steps() {
    let end = at(EXPIRES);
    // days left, step
    for (left, step) in [(30, 30), (15, 30), (14, 14), (8, 14), (7, 7), (4, 7), (3, 3), (2, 3), (1, 1)] {
        let verdict = judged(&license(), plus(end, -left * DAY));
        let days = u64::try_from(left).unwrap();
        assert_eq!(verdict.warnings, [Warning::Expires { days, step, at: end }]);
    }
    assert_eq!(judged(&license(), plus(end, -31 * DAY)).warnings, []);
    assert_eq!(judged(&license(), end).warnings, []);
}

#[test]
fn the_grace_is_what_was_signed() {
    let end = at(EXPIRES);
    let mut claims = license();
    claims.grace_days = 0;
    assert_eq!(judged(&claims, plus(end, -1)).state, State::ExpiringSoon { days: 1 });
    assert_eq!(judged(&claims, end).state, RESTRICTED);
    claims.grace_days = 60;
    assert_eq!(judged(&claims, plus(end, 60 * DAY - 1)).state, GRACE);
    assert_eq!(judged(&claims, plus(end, 60 * DAY)).state, RESTRICTED);
}

#[test]
fn a_short_license_is_expiring_from_its_first_second() {
    let mut claims = license();
    claims.expires_at = plus(claims.not_before, 10 * DAY);
    let verdict = judged(&claims, claims.not_before);
    assert_eq!(verdict.state, State::ExpiringSoon { days: 10 });
    assert_eq!(verdict.since, Some(plus(claims.not_before, -300)));
}

#[test]
fn a_license_issued_in_the_future_waits_for_the_clock() {
    let mut claims = license();
    claims.issued_at = plus(at(ISSUED), 10 * DAY);
    for (skew_s, from) in [(300, -300), (0, -300), (86_400, -86_400), (10_000_000, -86_400)] {
        let profile = Profile { issue_skew: std::time::Duration::from_secs(skew_s), ..profile() };
        let edge = plus(claims.issued_at, from);
        assert_eq!(with_profile(&claims, edge, &profile).state, State::Valid, "{skew_s}");
        let before = with_profile(&claims, plus(edge, -1), &profile);
        assert_eq!(before.state, State::Restricted { why: Why::NotYetValid }, "{skew_s}");
    }
}

#[test]
fn a_license_for_something_else_is_refused_by_the_member_that_differs() {
    let mut claims = license();
    let now = plus(at(ISSUED), DAY);
    claims.product = "Hyyve Platform".into();
    let verdict = judged(&claims, now);
    assert_eq!(verdict.state, State::Restricted { why: Why::WrongProduct });
    assert_code(verdict.strict().unwrap_err(), codes::LICENSE_WRONG_PRODUCT);
    let mut claims = license();
    claims.edition = "community".into();
    assert!(matches!(judged(&claims, now).refusal, Some(Refusal::WrongProduct { member: "edition", .. })));
    let mut claims = license();
    claims.environment = Environment::NonProduction;
    assert!(matches!(
        judged(&claims, now).refusal,
        Some(Refusal::WrongProduct { member: "environment", .. })
    ));
    let tests = Profile { environment: Environment::NonProduction, ..profile() };
    assert_eq!(with_profile(&claims, now, &tests).state, State::Valid);
    assert_eq!(with_profile(&license(), now, &tests).state, State::Valid, "production counts everywhere");
}

#[test]
fn updates_are_covered_by_the_day_of_the_build_and_not_by_the_clock() {
    let mut claims = license();
    let built = profile().built_at;
    claims.updates_until = Some(built);
    let verdict = judged(&claims, plus(at(ISSUED), DAY));
    assert_eq!(verdict.state, State::Restricted { why: Why::VersionNotCovered });
    assert_code(verdict.strict().unwrap_err(), codes::LICENSE_VERSION_NOT_COVERED);
    claims.updates_until = Some(plus(built, 1));
    assert_eq!(judged(&claims, plus(at(ISSUED), DAY)).state, State::Valid);
}

#[test]
fn no_license_and_a_garbage_one_are_the_community_edition() {
    let (profile, readings, memory) = (profile(), Readings::default(), Memory::default());
    let facts = Circumstances {
        profile: &profile,
        now: at(ISSUED),
        clock: ClockCondition::Steady,
        lease: None,
        revocations: None,
        readings: &readings,
        memory: &memory,
    };
    let cases: [(&[u8], Why); 4] = [
        (b"", Why::Unlicensed),
        (b"garbage", Why::Malformed),
        (b"v4.public.", Why::Unlicensed),
        (b"{\"signature\":1}", Why::Malformed),
    ];
    for (bytes, why) in cases {
        let verdict = judge(&Presented::from(verify(&ring(), bytes)), &facts);
        assert_eq!(verdict.state, State::Restricted { why });
        assert!(verdict.strict().is_err() && !verdict.next.is_empty());
        let allowed = Entitlements::effective(RTMX_ENTITLEMENTS, &verdict, None);
        assert_eq!(allowed, Entitlements::community(RTMX_ENTITLEMENTS));
    }
    let stranger =
        rtmx_license::sign(&crate::support::key(99), &crate::support::kid("license-1"), &license()).unwrap();
    let verdict = judge(&Presented::from(verify(&ring(), stranger.as_str().as_bytes())), &facts);
    assert_eq!(verdict.state, State::Restricted { why: Why::BadSignature });
}

#[test]
fn a_binding_that_does_not_fit_has_a_grace_of_its_own() {
    let host = |id| Fingerprint::derive(Kind::Host, id).unwrap().to_string();
    let claims = license().bound_to(BindingPolicy::Any, vec![host("machine-one")]);
    let presented = Presented::from(verify(&ring(), token(&claims).as_str().as_bytes()));
    let (profile, memory, now) = (profile(), Memory::default(), plus(at(ISSUED), DAY));
    let judged = |readings: &Readings| {
        let clock = ClockCondition::Steady;
        let facts = Circumstances {
            profile: &profile,
            now,
            clock,
            lease: None,
            revocations: None,
            readings,
            memory: &memory,
        };
        judge(&presented, &facts)
    };
    let fits = judged(&Readings::default().with(Kind::Host, Ok("machine-one")));
    assert_eq!(fits.state, State::Valid);
    let other = judged(&Readings::default().with(Kind::Host, Ok("machine-two")));
    assert_eq!(other.state, State::Grace { why: Why::BindingMismatch });
    assert_eq!(other.until, Some(plus(now, 14 * DAY)));
    let refusal = other.strict().unwrap_err();
    assert_code(&refusal, codes::LICENSE_BINDING_MISMATCH);
    assert!(
        refusal.to_string().contains(&host("machine-one"))
            && refusal.to_string().contains(&host("machine-two"))
    );
    let unread = judged(&Readings::default().with(Kind::Host, Err("no file")));
    assert_eq!(unread.state, State::Grace { why: Why::BindingUnreadable });
    assert_code(unread.strict().unwrap_err(), codes::LICENSE_BINDING_UNREADABLE);
    // Nothing stops meanwhile.
    let Presented::License(license) = &presented else { panic!("it was verified") };
    let allowed = Entitlements::effective(RTMX_ENTITLEMENTS, &other, Some(license));
    assert_eq!(allowed.limit("max_nodes"), Limit::AtMost(10));
}

#[test]
fn a_verdict_reads_as_json() {
    let verdict = judged(&license(), at(EXPIRES));
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!(json["state"], "grace");
    assert_eq!(json["why"], "expired");
    assert_eq!(json["refusal"]["code"], "license_expired");
    assert_eq!(json["license"]["organization"], "Acme Corporation");
    assert_eq!(json["until"], "2027-01-15T00:00:00Z");
}
