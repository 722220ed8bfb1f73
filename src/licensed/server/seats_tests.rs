//! What becomes of questions, one rule at a time.

use super::*;
use rtmx_core::Secret;
use rtmx_license::{ActivationPurpose, BindingPolicy, InstallationKey, License, Nonce};

const DAY: i64 = 86_400;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).expect("it is in range")
}

fn seats(license: License) -> Seats {
    let record = LicenseRecord {
        claims: license,
        kid: KeyId::parse("license-1").expect("it is a name"),
        hash: "ab".repeat(32),
        token: String::new(),
        standing: Standing::Active,
        limits: BTreeMap::new(),
        recorded_at: at(0),
    };
    let hashes = [(1, "ab".repeat(32)), (2, "cd".repeat(32))].into();
    Seats { license: record, hashes, members: BTreeMap::new() }
}

fn license(nodes: u64) -> License {
    License::new("L1", "Acme", "RTMX", "enterprise", at(0), at(300 * DAY)).with_limit("max_nodes", nodes)
}

/// A question of the installation `who`, with so many nodes, asked on the machine `host`.
fn question(who: u8, nodes: u64, host: &str, second: i64) -> ActivationRequest {
    let key = InstallationKey::from_seed(&Secret::new([who; 32]));
    let readings = Readings::default().with(Kind::Host, Ok(host)).with_installation(&key.public());
    let mut nonce = [who; 16];
    nonce[8..].copy_from_slice(&second.to_le_bytes());
    ActivationRequest {
        purpose: ActivationPurpose::Lease,
        product: "RTMX".to_owned(),
        version: "1.0.0".to_owned(),
        license_id: "L1".to_owned(),
        seq: 1,
        installation_id: key.id().clone(),
        nonce: Nonce::from_random(nonce),
        issued_at: at(second),
        components: readings.components(),
        counts: [("max_nodes".to_owned(), nodes)].into(),
    }
}

fn ask(seats: &mut Seats, who: u8, nodes: u64, second: i64) -> Result<Decision, Refusal> {
    seats.decide(&question(who, nodes, &format!("host-{who}"), second), None, at(second))
}

#[track_caller]
fn refused(outcome: &Result<Decision, Refusal>) {
    assert!(matches!(outcome, Err(Refusal::LimitReached { .. })), "{outcome:?}");
}

#[test]
fn a_lease_holds_what_was_asked_and_ends_with_the_license() {
    let mut seats = seats(license(10));
    let asked = question(1, 3, "host", 0);
    let decision = seats.decide(&asked, None, at(0)).expect("there is room");
    assert_eq!((decision.lease.nonce, decision.lease.installation_id), (asked.nonce, asked.installation_id));
    assert_eq!((decision.lease.lease_until, decision.lease.seq), (at(14 * DAY), 1));
    assert_eq!((decision.keep, decision.findings), (Keep::First, vec![Finding::Activated]));
    // 14 days of grace after the end, and no lease beyond it.
    let last = ask(&mut seats, 1, 3, 310 * DAY).expect("it is an installation as before");
    assert_eq!((last.lease.status, last.lease.lease_until), (LeaseStatus::Active, at(314 * DAY)));
    let after = ask(&mut seats, 1, 3, 320 * DAY).expect("the license says itself that it is over");
    assert_eq!(after.lease.lease_until, after.lease.server_time);
}

#[test]
fn who_is_there_stays_and_only_a_further_one_is_refused() {
    let mut seats = seats(license(10));
    ask(&mut seats, 1, 6, 0).expect("there is room");
    ask(&mut seats, 2, 4, 0).expect("there is room");
    refused(&ask(&mut seats, 3, 4, 10));
    // The second grows beyond the limit: it is answered, and reported once.
    let grown = ask(&mut seats, 2, 9, 100).expect("it is there");
    assert_eq!(grown.findings, [Finding::OverLimit { limit: 10, used: 15 }]);
    assert_eq!((grown.lease.status, grown.keep), (LeaseStatus::Active, Keep::Later));
    assert_eq!(ask(&mut seats, 2, 9, 200).expect("it is there").findings, []);
    assert_eq!(seats.nodes(at(200)), 15);
    // One whose lease has ended frees its place by itself.
    ask(&mut seats, 1, 6, 10 * DAY).expect("it is there");
    ask(&mut seats, 3, 3, 16 * DAY).expect("the second is gone");
    assert_eq!(seats.live(at(16 * DAY)).count(), 2);
}

#[test]
fn an_installation_that_is_alone_is_served_whatever_it_counts() {
    let mut seats = seats(license(2));
    let decision = ask(&mut seats, 1, 50, 0).expect("it is alone");
    assert!(
        decision.findings.contains(&Finding::OverLimit { limit: 2, used: 50 }),
        "{:?}",
        decision.findings
    );
    refused(&ask(&mut seats, 2, 1, 1));
}

#[test]
fn one_installation_may_replace_another_for_a_quarter_of_an_hour() {
    let mut seats = seats(license(4));
    ask(&mut seats, 1, 4, 0).expect("there is room");
    let surge = ask(&mut seats, 2, 1, 10).expect("a quarter more");
    let end = 10 + i64::try_from(SURGE_S).expect("it is small");
    assert_eq!((surge.lease.lease_until, surge.keep), (at(end), Keep::First));
    refused(&ask(&mut seats, 3, 1, 20));
    assert_eq!(ask(&mut seats, 2, 1, 60).expect("it surges").lease.lease_until, at(end), "not prolonged");
    refused(&ask(&mut seats, 2, 1, end));
    refused(&ask(&mut seats, 2, 1, end + 3600));
    // A day later it may be tried again, and if the other is gone, it stays.
    let again = ask(&mut seats, 2, 1, end + DAY).expect("a day has passed");
    assert_eq!(again.lease.lease_until, at(2 * end - 10 + DAY));
    seats.members.retain(|_, member| member.activation.surge_until.is_some());
    let stays = ask(&mut seats, 2, 1, end + DAY + 60).expect("there is room");
    assert_eq!((stays.lease.lease_until, stays.keep), (at(end + DAY + 60 + 14 * DAY), Keep::First));
}

#[test]
fn limits_come_from_the_vendor_first_then_from_the_license_then_from_everybody() {
    let mut with = seats(license(3));
    assert_eq!(with.node_limit(), Limit::AtMost(3));
    with.license.claims.features.insert("unlimited_nodes".to_owned(), true);
    assert_eq!(with.node_limit(), Limit::Unlimited);
    with.license.limits.insert("max_nodes".to_owned(), 5);
    assert_eq!(with.node_limit(), Limit::AtMost(5));
    let decision = ask(&mut with, 1, 1, 0).expect("there is room");
    assert_eq!(decision.lease.limits, [("max_nodes".to_owned(), 5)].into(), "the lease says so");
    let mut without = seats(license(3));
    without.license.claims.limits.clear();
    assert_eq!(without.node_limit(), Limit::AtMost(1));
    without.license.claims.limits.insert("max_nodes".to_owned(), 100);
    without.license.claims.limits.insert("max_installations".to_owned(), 2);
    ask(&mut without, 1, 1, 0).expect("there is room");
    ask(&mut without, 2, 1, 0).expect("there is room");
    refused(&ask(&mut without, 3, 1, 0));
    ask(&mut without, 2, 1, 60).expect("it is there");
}

#[test]
fn revoked_and_suspended_licenses_are_answered_and_change_nothing() {
    let list = |change: fn(&mut RevocationList)| {
        let mut list = RevocationList {
            product: "RTMX".to_owned(),
            seq: 7,
            issued_at: at(0),
            next_update: at(DAY),
            licenses: Vec::new(),
            tokens: Vec::new(),
            min_seq: BTreeMap::new(),
        };
        change(&mut list);
        list
    };
    // name, the list, what the lease says
    let cases: [(&str, RevocationList, LeaseStatus); 6] = [
        ("nothing", list(|_| {}), LeaseStatus::Active),
        ("the id", list(|list| list.licenses.push("L1".into())), LeaseStatus::Revoked),
        ("its token", list(|list| list.tokens.push("ab".repeat(32))), LeaseStatus::Revoked),
        ("another token", list(|list| list.tokens.push("cd".repeat(32))), LeaseStatus::Active),
        ("its number", list(|list| _ = list.min_seq.insert("L1".into(), 2)), LeaseStatus::Revoked),
        (
            "another product",
            list(|list| {
                list.product = "Other".into();
                list.licenses.push("L1".into());
            }),
            LeaseStatus::Active,
        ),
    ];
    for (name, list, wanted) in cases {
        let mut seats = seats(license(10));
        let decision = seats.decide(&question(1, 1, "h", 0), Some(&list), at(0)).expect(name);
        assert_eq!((decision.lease.status, decision.lease.revocation_seq), (wanted, 7), "{name}");
        let active = wanted == LeaseStatus::Active;
        assert_eq!(seats.members.len(), usize::from(active), "{name}");
        assert_eq!(decision.lease.lease_until == at(0), !active, "{name}: nothing is confirmed");
    }
    let mut seats = seats(license(10));
    seats.license.standing = Standing::Suspended;
    let decision = ask(&mut seats, 1, 1, 0).expect("it is answered");
    assert_eq!((decision.lease.status, decision.keep), (LeaseStatus::Suspended, Keep::Nothing));
}

#[test]
fn a_bound_license_admits_only_what_it_is_bound_to() {
    let bound = question(1, 1, "the-machine", 0).components;
    let mut seats = seats(license(10).bound_to(BindingPolicy::All, bound));
    ask(&mut seats, 2, 1, 0).map(|_| ()).expect_err("it is another one");
    let fits = seats.decide(&question(1, 1, "the-machine", 0), None, at(0)).expect("it fits");
    assert_eq!(fits.lease.status, LeaseStatus::Active);
    // Moved since: the installation itself has 14 days for that, and is not cut off here.
    seats.decide(&question(1, 1, "another-machine", 60), None, at(60)).expect("it is there");
    let unreadable = ActivationRequest { components: Vec::new(), ..question(3, 1, "x", 0) };
    let outcome = seats.decide(&unreadable, None, at(0));
    assert!(matches!(outcome, Err(Refusal::BindingUnreadable { .. })), "{outcome:?}");
}

#[test]
fn two_that_use_one_identity_are_reported_and_served() {
    let mut seats = seats(license(10));
    let mut from = |host: &str, day: i64| {
        let decision = seats.decide(&question(1, 1, host, day * DAY / 2), None, at(day * DAY / 2));
        decision.expect("nobody is refused").findings
    };
    assert_eq!(from("one", 0), [Finding::Activated]);
    assert_eq!(from("two", 1), [], "a machine may be replaced");
    let findings = from("one", 2);
    assert!(
        matches!(&findings[..], [Finding::CloneSuspected { why }] if why.contains("again")),
        "{findings:?}"
    );
    assert_eq!(from("two", 3), [], "once a day is enough");
    assert!(matches!(from("one", 5)[..], [Finding::CloneSuspected { .. }]));
}

#[test]
fn neither_a_moved_machine_nor_a_repeated_question_is_reported() {
    let mut seats = seats(license(10));
    let mut ask = |host: &str, asked: i64, now: i64| {
        let decision = seats.decide(&question(1, 1, host, asked), None, at(now));
        decision.expect("nobody is refused").findings
    };
    assert_eq!(ask("one", 0, 0), [Finding::Activated]);
    for (day, host) in [(1, "two"), (2, "three"), (3, "four")] {
        assert_eq!(ask(host, day * DAY, day * DAY), [], "{host}");
    }
    // The answer was lost, and the same question comes again.
    assert_eq!(ask("four", 3 * DAY, 3 * DAY + 5), []);
    // Back on the first machine after its lease has long ended.
    for (day, host) in [(10, "one"), (30, "two")] {
        assert_eq!(ask(host, day * DAY, day * DAY).len(), usize::from(day == 30), "only that it came back");
    }
    // A clock that is set right once.
    assert_eq!(ask("two", 30 * DAY - 7200, 30 * DAY + 60), []);
    assert!(matches!(ask("two", 30 * DAY - 14_400, 30 * DAY + 120)[..], [Finding::CloneSuspected { .. }]));
}

#[test]
fn a_renewal_that_says_nothing_new_is_recorded_once_an_hour() {
    let mut seats = seats(license(10));
    assert_eq!(ask(&mut seats, 1, 1, 0).expect("there is room").keep, Keep::First);
    let keeps: Vec<Keep> =
        (1..=120).map(|minute| ask(&mut seats, 1, 1, minute * 60).expect("it is there").keep).collect();
    assert_eq!(keeps.iter().filter(|keep| **keep == Keep::Later).count(), 2);
    assert_eq!(keeps.iter().filter(|keep| **keep == Keep::Nothing).count(), 118);
}
