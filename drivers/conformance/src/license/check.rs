//! Judging: what a license says, and nothing that happened in the process.

use super::bench::{Bench, assert_licensed, assert_restricted, at_once};
use super::documents::{Whose, at, claims, online_claims, revocations, signed, signed_by, signed_list};
use rtmx_license::{License, State, Warning, Why};

pub(super) async fn answers_at_once(mut bench: Bench) {
    let keys = [signed(&claims()), signed(&online_claims()), b"no license".to_vec(), Vec::new()];
    for key in keys {
        let facts = bench.facts(at(1, 0));
        let answer = at_once(bench.mode.check(&bench.cx, &key, &facts));
        answer.expect("a check waits for nothing").expect("a license is never an error");
    }
}

pub(super) async fn garbage_starts_unlicensed(mut bench: Bench) {
    let good = signed(&claims());
    let mut turned = good.clone();
    turned[60] = if turned[60] == b'A' { b'B' } else { b'A' };
    let product = License { product: "OTHER".to_owned(), ..claims() };
    // name, what is given, why it does not count
    let rows: [(&str, Vec<u8>, Why); 14] = [
        ("nothing", Vec::new(), Why::Unlicensed),
        ("spaces", b" \r\n\t".to_vec(), Why::Unlicensed),
        ("null", b"null".to_vec(), Why::Unlicensed),
        ("the prefix", b"v4.public.".to_vec(), Why::Unlicensed),
        ("a word", b"enterprise".to_vec(), Why::Malformed),
        ("no text", vec![0xff, 0xfe, 0x00], Why::Malformed),
        ("a JWS", b"eyJhbGciOiJub25lIn0.e30.".to_vec(), Why::Malformed),
        ("unsigned JSON", br#"{"valid":true,"max_nodes":1000}"#.to_vec(), Why::Malformed),
        ("a megabyte", vec![b'a'; 1 << 20], Why::Malformed),
        ("half of a license", good[..good.len() / 2].to_vec(), Why::Malformed),
        ("a changed license", turned, Why::BadSignature),
        ("a stranger's license", signed_by(Whose::Stranger, &claims()), Why::UnknownKey),
        ("the lease key's license", signed_by(Whose::Lease, &claims()), Why::UnknownKey),
        ("another product's license", signed(&product), Why::WrongProduct),
    ];
    for (name, key, why) in rows {
        bench.stored.clear();
        bench.restart().await;
        assert_restricted(&bench.check(&key, at(1, 0)).await, why, name);
        // What was wrong is forgotten as soon as a license is there, and the other way round.
        assert_licensed(&bench.check(&good, at(1, 60)).await, name);
        assert_restricted(&bench.check(&key, at(1, 120)).await, why, name);
    }
}

pub(super) async fn same_after_restart(mut bench: Bench) {
    let (plain, online) = (signed(&claims()), signed(&online_claims()));
    let older = signed(&claims());
    let newer = signed(&License { seq: 2, ..claims() });
    let unknown = signed_by(Whose::Stranger, &claims());
    // name, license before, license, day
    let rows: [(&str, &[u8], &[u8], i64); 9] = [
        ("valid", &plain, &plain, 10),
        ("expiring soon", &plain, &plain, 340),
        ("grace", &plain, &plain, 370),
        ("restricted", &plain, &plain, 390),
        ("unlicensed", b"", b"", 10),
        ("unknown key", &plain, &unknown, 10),
        ("superseded", &newer, &older, 10),
        ("not confirmed yet", &online, &online, 9),
        ("unconfirmed", &online, &online, 20),
    ];
    for (name, before, key, day) in rows {
        bench.stored.clear();
        bench.restart().await;
        bench.check(before, at(2, 0)).await;
        repeats_itself(&mut bench, name, key, day).await;
    }
    bench.stored.clear();
    bench.next.revocations = Some(signed_list(Whose::Revocation, &revocations(1, &["LIC-1"])));
    bench.check(&plain, at(2, 0)).await;
    bench.next.revocations = None;
    repeats_itself(&mut bench, "revoked", &plain, 10).await;
    bench.stored.clear();
    bench.settle(&plain, at(60, 0)).await;
    repeats_itself(&mut bench, "clock behind", &plain, 20).await;
}

async fn repeats_itself(bench: &mut Bench, name: &str, key: &[u8], day: i64) {
    let first = bench.check(key, at(day, 0)).await;
    let again = bench.check(key, at(day, 0)).await;
    bench.restart().await;
    let restarted = bench.check(key, at(day, 0)).await;
    for other in [&again, &restarted] {
        assert_eq!(first.verdict.state, other.verdict.state, "{name}");
        assert_eq!(first.verdict.refusal, other.verdict.refusal, "{name}");
        assert_eq!(first.verdict.judged_at, other.verdict.judged_at, "{name}");
        assert_eq!(first.entitlements, other.entitlements, "{name}");
        assert_eq!(first.sealed, other.sealed, "{name}: there was nothing new to remember");
    }
}

pub(super) async fn lower_number_is_refused(mut bench: Bench) {
    let number = |seq| signed(&License { seq, ..claims() });
    assert_licensed(&bench.check(&number(2), at(1, 0)).await, "number 2");
    assert_restricted(&bench.check(&number(1), at(1, 60)).await, Why::Superseded, "number 1 after 2");
    bench.restart().await;
    assert_restricted(&bench.check(&number(1), at(1, 120)).await, Why::Superseded, "after a restart");
    assert_licensed(&bench.check(&number(3), at(1, 180)).await, "number 3");
    assert_restricted(&bench.check(&number(2), at(1, 240)).await, Why::Superseded, "number 2 after 3");
    let other = License { license_id: "LIC-9".to_owned(), ..claims() };
    assert_licensed(&bench.check(&signed(&other), at(1, 300)).await, "number 1 of another license");
}

pub(super) async fn ends_to_the_second(mut bench: Bench) {
    let license = License { terminates_at: Some(at(400, 0)), ..claims() };
    let restricted = |why| State::Restricted { why };
    // moment, state
    let rows = [
        (at(0, -301), restricted(Why::NotYetValid)),
        (at(0, -300), State::Valid),
        (at(335, -1), State::Valid),
        (at(335, 0), State::ExpiringSoon { days: 30 }),
        (at(365, -1), State::ExpiringSoon { days: 1 }),
        (at(365, 0), State::Grace { why: Why::Expired }),
        (at(379, -1), State::Grace { why: Why::Expired }),
        (at(379, 0), restricted(Why::Expired)),
        (at(400, -1), restricted(Why::Expired)),
        (at(400, 0), State::Terminated),
    ];
    let key = signed(&license);
    assert_restricted(&bench.look(&key, at(365, 0)).await, Why::Expired, "nothing ran with it");
    let last = at(365, -1);
    for (moment, state) in rows {
        // The grace is for whoever ran with it until then.
        let is_last = moment == last;
        let checked = if is_last { bench.check(&key, moment).await } else { bench.look(&key, moment).await };
        assert_eq!(checked.verdict.state, state, "{moment}");
        let in_force = matches!(state, State::Valid | State::ExpiringSoon { .. } | State::Grace { .. });
        assert_eq!(checked.entitlements.has("colour"), in_force, "{moment}");
        let strict = matches!(state, State::Valid | State::ExpiringSoon { .. });
        assert_eq!(checked.verdict.strict().is_ok(), strict, "{moment}: grace is no excuse where it is new");
        // Whoever asks again when it is told to never acts on a state that is over.
        let again = at(0, 0).as_second().max(moment.as_second()) + 300;
        assert!(bench.mode.recheck_after(&checked).as_secs() <= 300, "{moment}, next by {again}");
    }
    let soon = bench.look(&key, at(365, -7)).await;
    assert_eq!(bench.mode.recheck_after(&soon).as_secs(), 7, "it is checked again when it ends");
}

pub(super) async fn goes_without_confirmation_for_its_days(mut bench: Bench) {
    let key = signed(&online_claims());
    assert_licensed(&bench.check(&key, at(1, 0)).await, "first seen, without a network");
    // moment, percent of the time without confirmation
    let rows = [(at(2, 0), 0), (at(4, 43_200), 25), (at(8, 0), 50), (at(11, 43_200), 75), (at(15, -1), 75)];
    for (moment, wanted) in rows {
        let checked = bench.look(&key, moment).await;
        assert_licensed(&checked, &moment.to_string());
        let percent = checked.verdict.warnings.iter().find_map(|warning| match warning {
            Warning::NotConfirmed { percent, .. } => Some(*percent),
            _ => None,
        });
        assert_eq!(percent.unwrap_or(0), wanted, "{moment}");
    }
    assert_restricted(&bench.look(&key, at(15, 0)).await, Why::Unconfirmed, "the days are over");
    bench.restart().await;
    assert_licensed(&bench.look(&key, at(15, -1)).await, "a restart begins no new days, and ends none");
    assert_restricted(&bench.look(&key, at(15, 0)).await, Why::Unconfirmed, "after a restart");
    let free = signed(&License { license_id: "LIC-2".to_owned(), ..claims() });
    assert_licensed(&bench.look(&free, at(300, 0)).await, "a license that needs no confirmation");
}
