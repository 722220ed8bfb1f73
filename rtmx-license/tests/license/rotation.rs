//! Keysets: how a ring moves on, and every way in which it must not.

use crate::support::{LEASE, LICENSE, REVOCATION, ROOT_A, ROOT_B, at, key, kid, license, ring, token};
use rtmx_core::{Code, Timestamp, assert_code, license as codes};
use rtmx_license::{KeyRing, Keyset, KeysetKey, Usage, sign, sign_keyset, verify};

const ROOT_C: (&str, u8) = ("root-c", 21);
const ROOT_D: (&str, u8) = ("root-d", 22);
const LICENSE_2: (&str, u8) = ("license-2", 23);

fn listed((name, seed): (&str, u8), usage: Usage) -> KeysetKey {
    KeysetKey::new(kid(name), usage, key(seed).public())
}

/// The keyset of this number: the keys of the ring, and the next license key.
fn keyset(version: u64) -> Keyset {
    Keyset {
        product: "RTMX".into(),
        version,
        issued_at: at("2026-03-01T00:00:00Z"),
        expires_at: at("2027-03-01T00:00:00Z"),
        threshold: 2,
        keys: vec![
            listed(ROOT_A, Usage::Root),
            listed(ROOT_B, Usage::Root),
            listed(LICENSE, Usage::License),
            listed(LICENSE_2, Usage::License),
            listed(LEASE, Usage::Lease),
            listed(REVOCATION, Usage::Revocation),
        ],
    }
}

fn signed(keyset: &Keyset, signers: &[(&str, u8)]) -> String {
    let keys: Vec<_> = signers.iter().map(|(name, seed)| (kid(name), key(*seed))).collect();
    let keys: Vec<_> = keys.iter().map(|(kid, key)| (kid, key)).collect();
    sign_keyset(keyset, &keys).unwrap()
}

fn now() -> Timestamp {
    at("2026-04-01T00:00:00Z")
}

#[track_caller]
fn refused(chain: &[String], code: Code) {
    assert_code(ring().advance(chain, now()).map(|_| ()).unwrap_err(), code);
}

const BOTH: [(&str, u8); 2] = [ROOT_A, ROOT_B];

#[test]
fn after_a_rotation_the_old_and_the_new_license_are_both_accepted() {
    let next = ring().advance(&[signed(&keyset(2), &BOTH)], now()).unwrap();
    assert_eq!(next.version(), 2);
    let newer = sign(&key(LICENSE_2.1), &kid(LICENSE_2.0), &license()).unwrap();
    verify(&next, token(&license()).as_str().as_bytes()).expect("the old key is still listed");
    verify(&next, newer.as_str().as_bytes()).expect("the new key is listed");
    assert_code(verify(&ring(), newer.as_str().as_bytes()).unwrap_err(), codes::LICENSE_UNKNOWN_KEY);
    // The keyset after it drops the old key.
    let mut third = keyset(3);
    third.keys.retain(|key| key.kid.as_str() != LICENSE.0);
    let after = next.advance(&[signed(&third, &BOTH)], now()).unwrap();
    assert_code(
        verify(&after, token(&license()).as_str().as_bytes()).unwrap_err(),
        codes::LICENSE_UNKNOWN_KEY,
    );
}

#[test]
fn keysets_come_one_after_the_other() {
    for version in [1, 3, 4, 9_007_199_254_740_991] {
        refused(&[signed(&keyset(version), &BOTH)], codes::KEYSET_SKIPS);
    }
    let second = signed(&keyset(2), &BOTH);
    refused(&[second.clone(), second.clone()], codes::KEYSET_SKIPS);
    let moved = ring().advance(std::slice::from_ref(&second), now()).unwrap();
    assert_code(moved.advance(&[second], now()).map(|_| ()).unwrap_err(), codes::KEYSET_SKIPS);
    let chain: Vec<String> = (2..=10).map(|version| signed(&keyset(version), &BOTH)).collect();
    assert_eq!(ring().advance(&chain, now()).unwrap().version(), 10);
}

#[test]
fn enough_root_keys_of_both_sides_must_sign() {
    let mut replaced = keyset(2);
    replaced.keys[0] = listed(ROOT_C, Usage::Root);
    replaced.keys[1] = listed(ROOT_D, Usage::Root);
    let all = [ROOT_A, ROOT_B, ROOT_C, ROOT_D];
    assert_eq!(ring().advance(&[signed(&replaced, &all)], now()).unwrap().version(), 2);
    // who signs the keyset with new roots
    let too_few: [&[(&str, u8)]; 7] = [
        &[ROOT_C, ROOT_D],
        &[ROOT_A, ROOT_B],
        &[ROOT_A, ROOT_C, ROOT_D],
        &[ROOT_A, ROOT_B, ROOT_C],
        &[ROOT_A, ROOT_A, ROOT_C, ROOT_D],
        &[ROOT_A, ROOT_B, ROOT_C, ROOT_C],
        &[LICENSE, LEASE, ROOT_C, ROOT_D],
    ];
    for signers in too_few {
        refused(&[signed(&replaced, signers)], codes::KEYSET_SIGNATURES);
    }
    // A known name over a signature by another key is no vote.
    refused(&[signed(&keyset(2), &[ROOT_A, (ROOT_B.0, 99)])], codes::KEYSET_SIGNATURES);
    // A license key's signature, even under the keyset's assertion.
    let by_license = signed(&keyset(2), &[ROOT_A, LICENSE]);
    assert_code(ring().advance(&[by_license], now()).map(|_| ()).unwrap_err(), codes::KEYSET_SIGNATURES);
}

#[test]
fn a_key_has_one_vote_whatever_it_is_called() {
    let mut twice = keyset(2);
    twice.keys.push(KeysetKey::new(kid("root-a2"), Usage::Root, key(ROOT_A.1).public()));
    let keys = [(kid(ROOT_A.0), key(ROOT_A.1))];
    let keys: Vec<_> = keys.iter().map(|(kid, key)| (kid, key)).collect();
    assert_code(sign_keyset(&twice, &keys).unwrap_err(), codes::KEYSET_INVALID);
    let mut named_twice = keyset(2);
    named_twice.keys.push(listed((ROOT_A.0, 60), Usage::Root));
    assert_code(sign_keyset(&named_twice, &keys).unwrap_err(), codes::KEYSET_INVALID);
    for threshold in [0, 3] {
        let unreachable = Keyset { threshold, ..keyset(2) };
        assert_code(sign_keyset(&unreachable, &keys).unwrap_err(), codes::KEYSET_INVALID);
    }
}

#[test]
fn only_the_last_keyset_must_not_have_expired() {
    let old = Keyset { expires_at: at("2026-03-02T00:00:00Z"), ..keyset(2) };
    refused(&[signed(&old, &BOTH)], codes::KEYSET_EXPIRED);
    let chain = [signed(&old, &BOTH), signed(&keyset(3), &BOTH)];
    assert_eq!(ring().advance(&chain, now()).unwrap().version(), 3);
    let edge = [signed(&keyset(2), &BOTH)];
    let expires = keyset(2).expires_at;
    assert_code(ring().advance(&edge, expires).map(|_| ()).unwrap_err(), codes::KEYSET_EXPIRED);
    let before = Timestamp::from_second(expires.as_second() - 1).unwrap();
    assert!(ring().advance(&edge, before).is_ok());
}

#[test]
fn an_update_is_bounded_and_whole() {
    let chain = vec![signed(&keyset(2), &BOTH); 65];
    refused(&chain, codes::KEYSET_INVALID);
    refused(&["A".repeat(32 * 1024 + 1)], codes::LICENSE_TOO_LARGE);
    let line = signed(&keyset(2), &[ROOT_A]);
    let lines = line.repeat(17);
    let expected = if lines.len() > 32 * 1024 { codes::LICENSE_TOO_LARGE } else { codes::KEYSET_INVALID };
    refused(&[lines], expected);
    refused(&[String::new()], codes::LICENSE_EMPTY);
    // The second of two is bad: the ring stays where it was.
    let ring = ring();
    let chain = [signed(&keyset(2), &BOTH), signed(&keyset(3), &[ROOT_A])];
    assert!(ring.advance(&chain, now()).is_err());
    assert_eq!(ring.version(), 1);
    assert_eq!(ring.advance(&[] as &[String], now()).unwrap(), ring);
}

#[test]
fn signatures_of_different_contents_are_not_added_up() {
    let other = Keyset { expires_at: at("2028-01-01T00:00:00Z"), ..keyset(2) };
    let mixed = signed(&keyset(2), &[ROOT_A]) + &signed(&other, &[ROOT_B]);
    refused(&[mixed], codes::KEYSET_INVALID);
    // Two ceremonies of the same content are.
    let joined = signed(&keyset(2), &[ROOT_A]) + "\r\n" + &signed(&keyset(2), &[ROOT_B]);
    assert_eq!(ring().advance(&[joined], now()).unwrap().version(), 2);
}

#[test]
fn a_keyset_of_another_product_is_refused() {
    let other = Keyset { product: "Hyyve Platform".into(), ..keyset(2) };
    refused(&[signed(&other, &BOTH)], codes::LICENSE_WRONG_PRODUCT);
}

#[test]
fn a_weak_key_in_a_keyset_is_refused_with_the_whole_keyset() {
    let good = signed(&keyset(2), &BOTH);
    let bytes = crate::support::payload(
        &rtmx_license::Token::parse(
            good.lines().next().unwrap().as_bytes(),
            rtmx_license::DocumentType::Keyset,
        )
        .unwrap(),
    );
    let text = String::from_utf8(bytes).unwrap();
    let weak = text.replace(&key(LICENSE_2.1).public().to_string(), &format!("AQ{}", "A".repeat(41)));
    assert_ne!(weak, text);
    let lines: String = [ROOT_A, ROOT_B]
        .map(|(name, seed)| {
            let footer = format!("{{\"kid\":\"{name}\"}}");
            crate::support::forge(seed, weak.as_bytes(), footer.as_bytes(), "rtmx-keyset/v1") + "\n"
        })
        .concat();
    refused(&[lines], codes::LICENSE_MALFORMED);
}

#[test]
fn an_embedders_key_survives_a_rotation_and_never_votes() {
    let own = key(50);
    let mut builder = KeyRing::builder("RTMX").threshold(2);
    for (name, seed) in BOTH {
        builder = builder.pin(name, Usage::Root, key(seed).public().as_bytes()).unwrap();
    }
    let ring = builder.trust("own", Usage::License, own.public().as_bytes()).unwrap().build().unwrap();
    let next = ring.advance(&[signed(&keyset(2), &BOTH)], now()).unwrap();
    let token = sign(&own, &kid("own"), &license()).unwrap();
    verify(&next, token.as_str().as_bytes()).expect("it was added beside the vendor's");
}

#[test]
fn a_key_signs_in_its_span_and_after_a_compromise_only_what_is_listed() {
    let mut spans = keyset(2);
    spans.keys[2].issues_from = Some(at("2026-01-01T00:00:00Z"));
    spans.keys[2].issues_until = Some(at("2026-06-01T00:00:00Z"));
    let ring = ring().advance(&[signed(&spans, &BOTH)], now()).unwrap();
    // issued at, accepted
    for (issued, fine) in [
        ("2025-12-31T23:59:59Z", false),
        ("2026-01-01T00:00:00Z", true),
        ("2026-05-31T23:59:59Z", true),
        ("2026-06-01T00:00:00Z", false),
    ] {
        let mut claims = license();
        claims.issued_at = at(issued);
        let verified = verify(&ring, token(&claims).as_str().as_bytes());
        assert_eq!(verified.is_ok(), fine, "{issued}");
        if let Err(refusal) = verified {
            assert_code(&refusal, codes::LICENSE_KEY_USAGE);
        }
    }
    let kept = token(&license());
    let mut compromised = keyset(2);
    compromised.keys[2].only = Some(vec![kept.hash().to_string()]);
    let ring = crate::support::ring().advance(&[signed(&compromised, &BOTH)], now()).unwrap();
    verify(&ring, kept.as_str().as_bytes()).expect("it is listed");
    let mut stolen = license();
    stolen.seq = 2;
    assert_code(verify(&ring, token(&stolen).as_str().as_bytes()).unwrap_err(), codes::LICENSE_KEY_USAGE);
}
