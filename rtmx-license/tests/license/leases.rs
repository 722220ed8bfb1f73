//! Leases: only the signed answer to the very question counts.

use crate::support::{
    DAY, ISSUED, LEASE, LICENSE, at, facts, installation, license, plus, profile, ring, signed, token,
};
use rtmx_core::{Timestamp, assert_code, license as codes};
use rtmx_license::lease::{INTERVAL, next_confirmation, next_retry};
use rtmx_license::{
    ActivationPurpose, ActivationRequest, Checked, Checker, Facts, InstallationKey, Lease, LeaseStatus,
    Limit, Nonce, PendingLease, Reach, Readings, State, Token, Verified, Warning, Why, open, verify,
};
use std::time::Duration;

fn online() -> rtmx_license::License {
    let mut claims = license();
    claims.mode = Reach::Online;
    claims
}

fn asked(key: &InstallationKey, nonce: u8) -> PendingLease {
    let verified = verify(&ring(), token(&online()).as_str().as_bytes()).unwrap();
    let readings = Readings::default().with_installation(&key.public());
    let counts = [("max_nodes".to_owned(), 3)].into();
    let (nonce, now) = (Nonce::from_random([nonce; 16]), at("2026-02-01T12:00:00.123456Z"));
    PendingLease::new(key, &verified, &profile(), "0.1.0", now, nonce, &readings, &counts).unwrap()
}

fn lease(server_time: Timestamp, status: LeaseStatus) -> Lease {
    Lease {
        license_id: "lic_abc123xyz".into(),
        seq: 1,
        installation_id: installation(77).id().clone(),
        nonce: Nonce::from_random([7; 16]),
        server_time,
        lease_until: plus(server_time, 4 * DAY),
        status,
        revocation_seq: 0,
        limits: Default::default(),
    }
}

#[test]
fn the_question_is_signed_by_the_installation_and_names_itself() {
    let key = installation(77);
    let pending = asked(&key, 7);
    // The license server has no list of installations' keys: the question proves itself.
    let request = open::<ActivationRequest>(&ring(), pending.token().as_str().as_bytes()).unwrap();
    assert_eq!(request.purpose, ActivationPurpose::Lease);
    assert_eq!((&request.installation_id, request.kid()), (key.id(), key.id()));
    assert_eq!(request.counts["max_nodes"], 3);
    assert_eq!(request.issued_at, at("2026-02-01T12:00:00Z"));
    assert_eq!(request.components, [key.fingerprint().to_string()]);
    // Nobody can ask in the name of another.
    let mut claims = request.claims().clone();
    claims.installation_id = installation(78).id().clone();
    assert_code(key.sign(&claims).unwrap_err(), codes::LICENSE_KEY_USAGE);
    let payload = String::from_utf8(crate::support::payload(pending.token())).unwrap();
    let swapped = payload.replace(key.id().as_str(), installation(78).id().as_str());
    let footer = format!("{{\"kid\":\"{}\"}}", key.id());
    let forged = crate::support::forge(77, swapped.as_bytes(), footer.as_bytes(), "rtmx-activation/v1");
    assert_code(open::<ActivationRequest>(&ring(), forged.as_bytes()).unwrap_err(), codes::LICENSE_KEY_USAGE);
}

#[test]
fn an_answer_to_another_question_is_no_answer() {
    let pending = asked(&installation(77), 7);
    let good = lease(at(ISSUED), LeaseStatus::Active);
    pending.accept(&ring(), signed(LEASE, &good).as_str().as_bytes()).expect("the very answer");
    let others = [
        Lease { nonce: Nonce::from_random([8; 16]), ..good.clone() },
        Lease { license_id: "lic_other".into(), ..good.clone() },
        Lease { installation_id: installation(78).id().clone(), ..good.clone() },
    ];
    for other in others {
        let answer = signed(LEASE, &other);
        assert_code(pending.accept(&ring(), answer.as_str().as_bytes()).unwrap_err(), codes::LEASE_REFUSED);
    }
}

#[test]
fn what_a_network_puts_in_place_of_a_server_is_refused() {
    let pending = asked(&installation(77), 7);
    let answers: [&[u8]; 8] = [
        b"",
        b"{\"valid\":true}",
        b"{\"status\":\"revoked\"}",
        b"<html><body>Sign in to the hotel's network</body></html>",
        b"null",
        &[0x1f, 0x8b, 0x08, 0x00],
        &[b'A'; 10 << 20],
        b"v4.public.",
    ];
    for answer in answers {
        assert!(pending.accept(&ring(), answer).is_err());
    }
    let good = lease(at(ISSUED), LeaseStatus::Revoked);
    let by_license_key = signed(LICENSE, &good);
    assert_code(
        pending.accept(&ring(), by_license_key.as_str().as_bytes()).unwrap_err(),
        codes::LICENSE_KEY_USAGE,
    );
    let text = signed(LEASE, &good).as_str().to_owned();
    assert!(pending.accept(&ring(), &text.as_bytes()[..text.len() / 2]).is_err(), "cut in the middle");
}

/// An installation that asks and is answered, and what it remembers.
struct Site {
    facts: Facts,
    key: String,
}

impl Site {
    fn new(start: Timestamp) -> Site {
        Site { facts: facts(start), key: token(&online()).as_str().to_owned() }
    }

    fn check(&mut self, now: Timestamp) -> Checked {
        self.with(now, None)
    }

    fn answered(&mut self, now: Timestamp, lease: &Lease) -> Checked {
        let token = signed(LEASE, lease);
        let verified = open::<Lease>(&ring(), token.as_str().as_bytes()).unwrap();
        self.with(now, Some((&verified, &token)))
    }

    /// Every check is one of a new process: nothing is kept but the stored bytes.
    fn with(&mut self, now: Timestamp, arrived: Option<(&Verified<Lease>, &Token)>) -> Checked {
        self.facts.wall = now;
        let checked = Checker::new(ring(), profile()).check_with(self.key.as_bytes(), &self.facts, arrived);
        self.facts.memory = vec![checked.sealed.clone()];
        checked
    }
}

#[test]
fn an_outage_warns_at_each_quarter_and_ends_after_fourteen_days() {
    let start = at("2026-02-01T00:00:00Z");
    let mut site = Site::new(start);
    site.check(start);
    assert_eq!(site.answered(start, &lease(start, LeaseStatus::Active)).verdict.state, State::Valid);
    let (mut now, end) = (start, plus(start, 14 * DAY));
    let mut seen = Vec::new();
    while now < end {
        let checked = site.check(now);
        assert_eq!(checked.verdict.state, State::Valid, "{now}: an outage is no verdict");
        for warning in checked.verdict.warnings {
            let Warning::NotConfirmed { percent, until, .. } = warning else { panic!("{warning:?}") };
            assert_eq!(until, end);
            if seen.last() != Some(&percent) {
                seen.push(percent);
            }
        }
        now = plus(now, 6 * 3600);
    }
    assert_eq!(seen, [25, 50, 75]);
    assert_eq!(site.check(plus(end, -1)).verdict.state, State::Valid);
    let ended = site.check(end);
    assert_eq!(ended.verdict.state, State::Restricted { why: Why::Unconfirmed });
    assert_code(ended.verdict.strict().unwrap_err(), codes::LICENSE_UNCONFIRMED);
    // One answer is enough.
    let mut answer = lease(plus(end, DAY), LeaseStatus::Active);
    answer.nonce = Nonce::from_random([9; 16]);
    assert_eq!(site.answered(plus(end, DAY), &answer).verdict.state, State::Valid);
}

#[test]
fn a_new_installation_starts_without_a_network() {
    let start = at("2026-02-01T00:00:00Z");
    let mut site = Site::new(start);
    assert_eq!(site.check(start).verdict.state, State::Valid);
    // Looked at every day: a silence of fourteen days at once would be a jump of the clock.
    for day in 1..14 {
        assert_eq!(site.check(plus(start, day * DAY)).verdict.state, State::Valid, "{day}");
    }
    assert_eq!(site.check(plus(start, 14 * DAY)).verdict.state, State::Restricted { why: Why::Unconfirmed });
}

#[test]
fn signed_words_of_the_server_count_at_once_and_survive_a_restart() {
    let start = at("2026-02-01T00:00:00Z");
    let mut refusals = Vec::new();
    for (status, why) in [(LeaseStatus::Revoked, Why::Revoked), (LeaseStatus::Suspended, Why::Suspended)] {
        let mut site = Site::new(start);
        site.check(start);
        let checked = site.answered(start, &lease(start, status));
        assert_eq!(checked.verdict.state, State::Restricted { why });
        assert_eq!(site.check(plus(start, 60)).verdict.state, State::Restricted { why }, "after a restart");
        refusals.push(checked.verdict.strict().unwrap_err());
        // And back again.
        let again = lease(plus(start, DAY), LeaseStatus::Active);
        assert_eq!(site.answered(plus(start, DAY), &again).verdict.state, State::Valid);
    }
    assert_code(&refusals[0], codes::LICENSE_REVOKED);
    assert_code(&refusals[1], codes::LICENSE_SUSPENDED);
}

#[test]
fn limits_of_a_lease_stand_in_place_of_the_licenses() {
    let start = at("2026-02-01T00:00:00Z");
    let mut site = Site::new(start);
    let mut answer = lease(start, LeaseStatus::Active);
    answer.limits = [("max_nodes".to_owned(), 4)].into();
    answer.seq = 5;
    let checked = site.answered(start, &answer);
    assert_eq!(checked.entitlements.limit("max_nodes"), Limit::AtMost(4));
    assert_eq!(checked.entitlements.limit("max_tenants"), Limit::AtMost(100));
    assert!(checked.verdict.warnings.contains(&Warning::NewerLicense { seq: 5 }));
}

#[test]
fn a_lease_of_another_installation_is_not_taken_from_a_copied_memory() {
    let start = at("2026-02-01T00:00:00Z");
    let mut site = Site::new(start);
    site.answered(start, &lease(start, LeaseStatus::Revoked));
    site.facts.installation = installation(78);
    let checked = site.check(start);
    assert_eq!(checked.verdict.state, State::Valid);
    assert!(checked.lease.is_none());
}

#[test]
fn waits_are_spread_bounded_and_grow() {
    let hour = Duration::from_secs(3600);
    assert_eq!(next_confirmation(INTERVAL, 0), INTERVAL - INTERVAL / 10);
    assert_eq!(next_confirmation(INTERVAL, u64::MAX), INTERVAL + INTERVAL / 10);
    assert_eq!(next_confirmation(INTERVAL, u64::MAX / 2).as_secs().abs_diff(INTERVAL.as_secs()), 1);
    // failure, the most that is waited
    for (failures, most) in
        [(1, 60), (2, 120), (3, 240), (6, 1920), (7, 3600), (8, 3600), (33, 3600), (u32::MAX, 3600)]
    {
        assert_eq!(next_retry(failures, u64::MAX, None), Duration::from_secs(most), "{failures}");
        assert_eq!(next_retry(failures, 0, None), Duration::from_secs(1), "{failures}");
        assert!(next_retry(failures, u64::MAX / 3, None) <= Duration::from_secs(most / 3 + 1), "{failures}");
    }
    assert_eq!(next_retry(1, 0, Some(hour)), hour, "the server said when");
    assert_eq!(next_retry(1, 0, Some(hour * 1000)), hour * 24, "up to a day");
    assert_eq!(next_retry(0, u64::MAX, None), Duration::from_secs(60));
    assert!(next_confirmation(Duration::MAX, u64::MAX) > Duration::ZERO);
}
