//! What is allowed: one table, one function, and never less than without a license.

use crate::support::{DAY, EXPIRES, ISSUED, at, facts, license, plus, profile, ring, token};
use rtmx_core::{Error, ErrorKind, assert_code, license as codes};
use rtmx_license::{
    Checker, Community, Enforcement, Entitlements, License, Limit, RTMX_ENTITLEMENTS, Snapshot, Source,
    surge_limit,
};

fn allowed(claims: &License, seconds: i64) -> Entitlements {
    let (checker, key) = (Checker::new(ring(), profile()), token(claims));
    let mut facts = facts(plus(at(EXPIRES), -100 * DAY));
    facts.memory = vec![checker.check(key.as_str().as_bytes(), &facts).sealed];
    facts.wall = plus(at(EXPIRES), seconds);
    checker.check(key.as_str().as_bytes(), &facts).entitlements
}

#[test]
fn every_name_of_the_requirements_is_in_the_table_once() {
    let names: Vec<_> = RTMX_ENTITLEMENTS.iter().map(|row| row.name).collect();
    let wanted = [
        "max_tenants",
        "max_users_per_tenant",
        "max_documents",
        "max_nodes",
        "sso_enabled",
        "audit_logging",
        "custom_models",
        "priority_support",
    ];
    assert_eq!(names, wanted);
    for row in RTMX_ENTITLEMENTS {
        assert!(!row.meaning.is_empty() && !row.noun.is_empty(), "{}", row.name);
        let is_limit = matches!(row.community, Community::AtMost { .. });
        assert_eq!(is_limit, row.name.starts_with("max_"), "{}", row.name);
        assert_eq!(is_limit, row.enforcement == Enforcement::Enforced, "{}", row.name);
    }
}

#[test]
fn a_license_in_force_gives_what_it_says_through_its_grace() {
    for seconds in [-100 * DAY, -DAY, 0, 14 * DAY - 1] {
        let allowed = allowed(&license(), seconds);
        assert_eq!(allowed.source, Source::License, "{seconds}");
        assert_eq!(allowed.limit("max_nodes"), Limit::AtMost(10), "{seconds}");
        assert_eq!(allowed.limit("max_documents"), Limit::AtMost(10_000_000), "{seconds}");
        assert!(allowed.has("sso_enabled") && allowed.has("priority_support"), "{seconds}");
        assert!(!allowed.has("what_nobody_knows"), "{seconds}");
    }
}

#[test]
fn an_expired_license_is_exactly_none() {
    assert_eq!(allowed(&license(), 14 * DAY), Entitlements::community(RTMX_ENTITLEMENTS));
}

#[test]
fn a_license_never_gives_less_than_none() {
    let small = License::new("l", "A", "RTMX", "team", at(ISSUED), at(EXPIRES)).with_limit("max_tenants", 1);
    let community = Entitlements::community(RTMX_ENTITLEMENTS);
    let licensed = allowed(&small, -100 * DAY);
    for (name, least) in community.limits() {
        assert!(licensed.limit(name) >= least, "{name}");
    }
    assert!(community.features().all(|feature| licensed.has(feature)));
    // And an absent limit is the community's, not unlimited.
    assert_eq!(licensed.limit("max_documents"), Limit::AtMost(250_000));
}

#[test]
fn unlimited_is_said_and_neither_zero_nor_absent() {
    let zero = license().with_limit("max_nodes", 0);
    assert_eq!(allowed(&zero, -100 * DAY).limit("max_nodes"), Limit::AtMost(1));
    let mut unlimited = license().with_feature("unlimited_nodes");
    unlimited.limits.remove("max_nodes");
    assert_eq!(allowed(&unlimited, -100 * DAY).limit("max_nodes"), Limit::Unlimited);
    let off = License { features: [("unlimited_nodes".to_owned(), false)].into(), ..license() };
    assert_eq!(allowed(&off, -100 * DAY).limit("max_nodes"), Limit::AtMost(10));
}

#[test]
fn a_limit_refuses_the_next_one_and_nothing_that_exists() {
    let community = Entitlements::community(RTMX_ENTITLEMENTS);
    community.require_room("max_tenants", 24, 1).expect("the 25th");
    let refusal = community.require_room("max_tenants", 25, 1).unwrap_err();
    assert_code(&refusal, codes::LICENSE_LIMIT_REACHED);
    assert_eq!(refusal.to_string(), "the license allows 25 projects, and 25 are there");
    let error = Error::from(refusal);
    assert_eq!((error.kind(), error.code().entry().status), (ErrorKind::Denied, 402));
    assert!(error.context().contains(&("limit", "max_tenants".to_owned())));
    community.require_room("max_tenants", 10_000, 0).expect("what exists stays");
    assert!(community.require_room("max_documents", 1, u64::MAX).is_err());
    community.require_room("what_nobody_limits", u64::MAX, 1).expect("there is no such limit");
}

#[test]
fn a_feature_that_is_only_carried_refuses_nothing() {
    let community = Entitlements::community(RTMX_ENTITLEMENTS);
    assert!(!community.has("sso_enabled"));
    community.require("sso_enabled").expect("it is carried");
    let refusal = community.require("hologram").unwrap_err();
    assert_code(&refusal, codes::LICENSE_FEATURE_MISSING);
    let error = Error::from(refusal);
    assert_eq!(error.code().entry().status, 402);
    assert!(error.context().contains(&("feature", "hologram".to_owned())));
}

#[test]
fn a_snapshot_is_replaced_under_its_readers() {
    let snapshot = Snapshot::new(Entitlements::community(RTMX_ENTITLEMENTS));
    assert!(!snapshot.entitled("sso_enabled") && snapshot.entitled("audit_logging"));
    assert!(snapshot.require("hologram").is_err() && snapshot.require_room("max_nodes", 1, 1).is_err());
    snapshot.replace(allowed(&license(), -DAY));
    assert!(snapshot.entitled("sso_enabled"));
    assert_eq!(snapshot.limit("max_nodes"), Limit::AtMost(10));
    assert_eq!(snapshot.current().source, Source::License);
    snapshot.require_room("max_nodes", 9, 1).expect("the tenth");
}

#[test]
fn a_rolling_update_may_overlap_by_a_quarter_and_one_at_least() {
    for (most, surge) in [(0, 1), (1, 2), (3, 4), (4, 5), (5, 7), (8, 10), (10, 13)] {
        assert_eq!(surge_limit(Limit::AtMost(most)), Limit::AtMost(surge), "{most}");
    }
    assert_eq!(surge_limit(Limit::Unlimited), Limit::Unlimited);
}
