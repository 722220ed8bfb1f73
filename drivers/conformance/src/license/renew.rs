//! Renewing: what is asked, what counts as an answer, and when to ask again.

use super::bench::{Bench, assert_licensed, assert_restricted, at_once};
use super::documents::{
    Whose, at, claims, next_keyset, online_claims, public, revocations, signed, signed_by,
};
use super::vendor::{Mood, Trouble};
use rtmx_core::{Secret, assert_code, storage};
use rtmx_license::{ActivationPurpose, InstallationKey, LeaseStatus, License, State, Warning, Why};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub(super) async fn what_is_not_offered_is_refused(mut bench: Bench) {
    let key = signed(&online_claims());
    let facts = bench.facts(at(1, 0));
    let refusal = bench.mode.renew(&bench.cx, &key, &facts).await.expect_err("it is not offered");
    assert_code(refusal, storage::NOT_SUPPORTED);
    assert!(bench.vendor().take_asked().is_empty(), "and nobody was asked");
}

pub(super) async fn a_lease_confirms(mut bench: Bench) {
    let key = signed(&online_claims());
    bench.check(&key, at(1, 0)).await;
    let renewed = bench.renew(&key, at(10, 0)).await;
    assert_eq!(renewed.outage, None);
    // The license goes without the server's word for 14 days.
    for _ in 0..2 {
        assert_licensed(&bench.look(&key, at(24, 0)).await, "in the days of the lease");
        assert_restricted(&bench.look(&key, at(24, 1)).await, Why::Unconfirmed, "after them");
        bench.restart().await;
    }
    bench.renew(&key, at(30, 0)).await;
    assert_licensed(&bench.check(&key, at(30, 60)).await, "confirmed again, late");
}

pub(super) async fn the_interval_is_kept(mut bench: Bench) {
    let key = signed(&online_claims());
    let interval = bench.place.interval;
    let tenth = interval / 10;
    for (random, wanted) in [(0, interval - tenth), (u64::MAX / 2, interval), (u64::MAX, interval + tenth)] {
        bench.jitter = random;
        let found = bench.renew(&key, at(1, 0)).await.again_after;
        let off = found.abs_diff(wanted);
        assert!(off < Duration::from_secs(1), "{found:?}, and {wanted:?} was wanted");
    }
}

pub(super) async fn a_signed_word_acts_at_once(mut bench: Bench) {
    // A license that needs no confirmation is revoked by a lease, too.
    for (reach, key) in [("online", signed(&online_claims())), ("offline", signed(&claims()))] {
        bench.stored.clear();
        assert_licensed(&bench.check(&key, at(1, 0)).await, reach);
        let words = [
            (LeaseStatus::Suspended, Some(Why::Suspended)),
            (LeaseStatus::Active, None),
            (LeaseStatus::Revoked, Some(Why::Revoked)),
        ];
        for (hour, (status, why)) in (1..).zip(words) {
            bench.vendor().set_mood(Mood::Says(status));
            let moment = at(1, hour * 3600);
            assert!(bench.renew(&key, moment).await.sealed.is_some(), "{reach} {status:?} is news");
            for _ in 0..2 {
                let checked = bench.check(&key, moment).await;
                match why {
                    Some(why) => assert_restricted(&checked, why, reach),
                    None => assert_licensed(&checked, reach),
                }
                bench.restart().await;
            }
        }
        // A revoked license rides no grace, and no outage brings it back.
        bench.vendor().set_mood(Mood::Troubled(Trouble::HangsUp));
        bench.renew(&key, at(2, 0)).await;
        assert_restricted(&bench.check(&key, at(2, 0)).await, Why::Revoked, reach);
    }
}

pub(super) async fn failures_are_spaced(mut bench: Bench) {
    let key = signed(&online_claims());
    bench.jitter = u64::MAX;
    bench.vendor().set_mood(Mood::Troubled(Trouble::Status(500)));
    // Full jitter at the top of its range: a minute, doubled, up to an hour.
    for minutes in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        let found = bench.renew(&key, at(1, 0)).await.again_after;
        let off = found.abs_diff(Duration::from_secs(minutes * 60));
        assert!(off < Duration::from_secs(1), "{found:?}, and {minutes} minutes were wanted");
    }
    bench.jitter = 0;
    let least = bench.renew(&key, at(1, 0)).await.again_after;
    assert!((1..=60).contains(&least.as_secs()), "{least:?}: never at once");
    bench.vendor().set_mood(Mood::Honest);
    bench.renew(&key, at(1, 0)).await;
    bench.vendor().set_mood(Mood::Troubled(Trouble::Status(500)));
    bench.jitter = u64::MAX;
    let found = bench.renew(&key, at(1, 0)).await.again_after;
    assert!(found <= Duration::from_secs(60), "{found:?}: an answer ends the row of failures");
}

pub(super) async fn retry_after_is_honoured(mut bench: Bench) {
    let key = signed(&online_claims());
    bench.jitter = 0;
    // Retry-After, the least and the most seconds
    let rows = [
        ("7200", 7_200, 7_200),
        ("0", 1, 60),
        ("999999999999999999", 86_400, 86_400),
        ("Mon, 02 Nov 2026 02:00:00 GMT", 7_200, 7_200),
        ("Sun, 01 Nov 2026 00:00:00 GMT", 1, 3_600),
        ("later", 1, 3_600),
    ];
    for status in [429, 503] {
        for (text, least, most) in rows {
            bench.vendor().set_mood(Mood::Troubled(Trouble::Status(status)));
            bench.vendor().set_retry_after(Some(text));
            let found = bench.renew(&key, at(1, 0)).await.again_after.as_secs();
            assert!((least..=most).contains(&found), "{status} with `{text}`: {found} s");
        }
    }
}

pub(super) async fn only_what_is_needed_is_told(mut bench: Bench) {
    let key = signed(&License { seq: 3, ..online_claims() });
    bench.next.version = "1.2.3".to_owned();
    bench.next.counts = BTreeMap::from([("lamps".to_owned(), 4)]);
    bench.renew(&key, at(1, 0)).await;
    let first = bench.vendor().take_asked();
    let other = InstallationKey::from_seed(&Secret::new([0x33; 32]));
    let mut second_bench = bench.another().await;
    second_bench.next = rtmx_license::Facts::new(at(1, 0), other.clone());
    second_bench.next.version = "7.8.9".to_owned();
    second_bench.renew(&key, at(1, 0)).await;
    let second = second_bench.vendor().take_asked();
    let question = first[0].request.as_ref().expect("it is signed by who asks");
    assert_eq!((question.purpose, question.product.as_str()), (ActivationPurpose::Lease, "KIT"));
    assert_eq!((question.license_id.as_str(), question.seq), ("LIC-1", 3));
    assert_eq!(question.version, "1.2.3");
    assert_eq!(question.installation_id, *bench.installation.id());
    assert_eq!(question.counts, BTreeMap::from([("lamps".to_owned(), 4)]));
    assert_eq!(question.components, [bench.installation.fingerprint().as_str()]);
    assert_eq!(second[0].request.as_ref().expect("signed").installation_id, *other.id());
    for (one, two) in first.iter().zip(&second) {
        assert_eq!(one.line, two.line, "no address tells who asks");
        let told = |asked: &super::vendor::Asked| {
            let headers = asked.headers.iter();
            let own = headers.filter(|(name, _)| !matches!(name.as_str(), "host" | "content-length"));
            own.cloned().collect::<Vec<_>>()
        };
        assert_eq!(told(one), told(two), "no header tells one installation from another");
    }
}

pub(super) async fn each_question_is_another(mut bench: Bench) {
    let key = signed(&online_claims());
    for _ in 0..3 {
        bench.renew(&key, at(1, 0)).await;
    }
    let asked = bench.vendor().take_asked();
    let nonces = asked.iter().filter_map(|one| one.request.as_ref()).map(|one| one.nonce.to_string());
    let mut nonces: Vec<_> = nonces.collect();
    assert_eq!(nonces.len(), 3);
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 3, "no nonce is used twice");
}

pub(super) async fn without_a_license_nothing_is_asked(mut bench: Bench) {
    let product = License { product: "OTHER".to_owned(), ..online_claims() };
    for (name, key) in [("nothing", Vec::new()), ("garbage", b"x".to_vec()), ("another's", signed(&product))]
    {
        let renewed = bench.renew(&key, at(1, 0)).await;
        assert_eq!((renewed.sealed, renewed.outage), (None, None), "{name}");
        assert!(renewed.again_after >= Duration::from_secs(3600), "{name}: {:?}", renewed.again_after);
        let asked = bench.vendor().take_asked();
        assert!(asked.iter().all(|one| one.request.is_none()), "{name}: {asked:?}");
    }
}

pub(super) async fn the_list_comes_with_the_lease(mut bench: Bench) {
    let key = signed(&online_claims());
    bench.check(&key, at(1, 0)).await;
    bench.vendor().set_revocations(&revocations(3, &["LIC-1"]));
    assert!(bench.renew(&key, at(1, 60)).await.sealed.is_some());
    for _ in 0..2 {
        assert_restricted(&bench.check(&key, at(1, 120)).await, Why::Revoked, "by the list");
        bench.restart().await;
    }
}

pub(super) async fn new_lease_keys_are_learnt(mut bench: Bench) {
    let key = signed(&online_claims());
    bench.check(&key, at(1, 0)).await;
    bench.renew(&key, at(1, 60)).await;
    bench.vendor().rotate(next_keyset(&[Whose::RootA, Whose::RootB]));
    let renewed = bench.renew(&key, at(10, 0)).await;
    assert_eq!(renewed.outage, None, "the keyset says whose signature it is");
    for _ in 0..2 {
        assert_licensed(&bench.check(&key, at(23, 0)).await, "in the days of the new lease");
        bench.restart().await;
    }
    let checked = bench.check(&key, at(23, 0)).await;
    let lease = checked.lease.expect("it is remembered with the key");
    assert_eq!(*lease.kid(), Whose::NextLease.kid());
    assert!(checked.ring.list().iter().all(|line| line.kid != Whose::Lease.kid()), "the old key is gone");
}

pub(super) async fn a_forged_keyset_leads_nowhere(mut bench: Bench) {
    let key = signed(&online_claims());
    bench.renew(&key, at(1, 0)).await;
    for signers in [&[Whose::RootA][..], &[Whose::RootA, Whose::Stranger]] {
        bench.vendor().rotate(next_keyset(signers));
        let renewed = bench.renew(&key, at(2, 0)).await;
        assert!(renewed.outage.is_some() && renewed.sealed.is_none(), "{signers:?}: {renewed:?}");
        let checked = bench.look(&key, at(2, 0)).await;
        assert!(checked.ring.list().iter().all(|line| line.kid != Whose::NextLease.kid()), "{signers:?}");
        assert_licensed(&checked, "and nothing is lost");
    }
    assert_ne!(public(Whose::Lease), public(Whose::NextLease));
}

pub(super) async fn new_license_keys_are_learnt(mut bench: Bench) {
    let key = signed_by(Whose::NextLicense, &online_claims());
    assert_restricted(&bench.check(&key, at(1, 0)).await, Why::UnknownKey, "not known yet");
    bench.vendor().rotate(next_keyset(&[Whose::RootA, Whose::RootB]));
    assert!(bench.renew(&key, at(1, 60)).await.sealed.is_some(), "the server's keyset has it");
    bench.restart().await;
    assert_licensed(&bench.check(&key, at(1, 120)).await, "now it is");
}

pub(super) async fn a_slow_server_clock_takes_nothing(mut bench: Bench) {
    let key = signed(&online_claims());
    bench.check(&key, at(60, 0)).await;
    // Each is further behind than the one before.
    for (turn, behind) in (0..).zip([1, 10, 20, 40, 400]) {
        let today = 60 + 10 * turn;
        bench.vendor().set_time(at(today - behind, 0));
        let renewed = bench.renew_unset(&key, at(today, 0)).await;
        let row = format!("the server's clock is {behind} days behind");
        assert_eq!((renewed.outage, renewed.sealed.is_some()), (None, true), "{row}");
        let checked = bench.look(&key, at(today + 13, 0)).await;
        assert_licensed(&checked, &row);
        let said = checked.verdict.warnings.iter().any(|one| matches!(one, Warning::ServerClock { .. }));
        assert_eq!(said, behind > 2, "{row}: {:?}", checked.verdict.warnings);
        assert_restricted(&bench.look(&key, at(today + 14, 1)).await, Why::Unconfirmed, &row);
        bench.restart().await;
        bench.check(&key, at(today, 60)).await;
    }
}

pub(super) async fn a_fast_server_clock_leaves_nothing(mut bench: Bench) {
    let key = signed(&online_claims());
    // The clock of an installation is believed, and that of a new one is not yet.
    for settled in [true, false] {
        bench.stored.clear();
        if settled {
            bench.settle(&key, at(60, 0)).await;
        }
        for ahead in [1, 30, 400, 3650] {
            let row = format!("settled: {settled}, the server's clock is {ahead} days ahead");
            bench.vendor().set_time(at(60 + ahead, 0));
            assert!(bench.renew_unset(&key, at(60, 60)).await.sealed.is_some(), "{row}");
            for _ in 0..2 {
                let checked = bench.check(&key, at(60, 120)).await;
                assert_licensed(&checked, &row);
                let said =
                    checked.verdict.warnings.iter().any(|one| matches!(one, Warning::ServerClock { .. }));
                assert_eq!(said, ahead > 2, "{row}: {:?}", checked.verdict.warnings);
                bench.restart().await;
            }
            // Its clock is set right, and what it says counts again, a suspension as well.
            bench.vendor().set_mood(Mood::Says(LeaseStatus::Suspended));
            assert!(bench.renew(&key, at(60, 180)).await.sealed.is_some(), "{row}");
            assert_restricted(&bench.check(&key, at(60, 200)).await, Why::Suspended, &row);
            bench.vendor().set_mood(Mood::Honest);
            assert!(bench.renew(&key, at(60, 240)).await.sealed.is_some(), "{row}");
            let checked = bench.check(&key, at(60, 300)).await;
            assert_licensed(&checked, &row);
            assert_eq!(checked.verdict.warnings, [], "{row}");
            let lease = checked.lease.expect("it came just now");
            assert!(lease.server_time < at(61, 0), "{row}: the right one is remembered");
            assert_restricted(&bench.look(&key, at(74, 241)).await, Why::Unconfirmed, &row);
        }
    }
}

pub(super) async fn a_lease_outlives_its_key(mut bench: Bench) {
    let key = signed(&online_claims());
    bench.check(&key, at(1, 0)).await;
    bench.renew(&key, at(10, 0)).await;
    // The keyset comes with a bundle, and the server cannot be reached.
    bench.vendor().set_mood(Mood::Troubled(Trouble::HangsUp));
    bench.next.keysets = vec![next_keyset(&[Whose::RootA, Whose::RootB]).into()];
    let checked = bench.check(&key, at(20, 0)).await;
    assert!(checked.ring.list().iter().all(|line| line.kid != Whose::Lease.kid()), "the key is gone");
    for _ in 0..2 {
        assert_licensed(&bench.look(&key, at(24, 0)).await, "14 days from the lease");
        assert_restricted(&bench.look(&key, at(24, 1)).await, Why::Unconfirmed, "and no longer");
        bench.restart().await;
    }
}

pub(super) async fn a_deadline_ends_it(mut bench: Bench) {
    bench.place.patience = Duration::from_secs(20);
    bench.restart().await;
    let key = signed(&online_claims());
    bench.vendor().set_mood(Mood::Troubled(Trouble::SaysNothing));
    let begun = Instant::now();
    bench.cx = rtmx_core::Cx::new().with_deadline(begun + Duration::from_millis(300));
    let renewed = bench.renew(&key, at(1, 0)).await;
    assert!(renewed.outage.is_some(), "{renewed:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "it went on for {:?}", begun.elapsed());
    let facts = bench.facts(at(1, 0));
    let refusal =
        bench.mode.renew(&bench.cx, &key, &facts).await.expect_err("the time is over before it begins");
    assert_code(refusal, storage::STORAGE_BUSY);
}

pub(super) async fn checks_go_on_meanwhile(mut bench: Bench) {
    bench.place.patience = Duration::from_secs(20);
    bench.restart().await;
    let key = signed(&online_claims());
    bench.check(&key, at(1, 0)).await;
    bench.vendor().set_mood(Mood::Troubled(Trouble::SaysNothing));
    let facts = bench.facts(at(1, 60));
    let mut renewing = bench.mode.renew(&bench.cx, &key, &facts);
    while bench.vendor().take_asked().is_empty() {
        tokio::select! {
            biased;
            renewed = &mut renewing => panic!("the server says nothing, and there is {renewed:?}"),
            () = tokio::time::sleep(Duration::from_millis(2)) => {}
        }
    }
    let checked = at_once(bench.mode.check(&bench.cx, &key, &facts)).expect("a check waits for no question");
    assert_eq!(checked.expect("no error").verdict.state, State::Valid);
    drop(renewing);
    bench.vendor().set_mood(Mood::Honest);
    assert!(bench.renew(&key, at(1, 120)).await.sealed.is_some(), "a dropped question holds up no other");
}
