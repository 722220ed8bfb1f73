//! Keys that must not be loaded, and signatures that must not be believed.

use crate::support::{LICENSE, key, license, ring, token};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rtmx_core::{assert_code, license as codes};
use rtmx_license::{KeyId, KeyRing, PublicKey, Usage, verify};

/// The eight points of small order, in all their encodings.
///
/// Source: "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko), table 6.
const SMALL_ORDER: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

#[test]
fn points_of_small_order_are_no_keys() {
    for point in SMALL_ORDER {
        assert_code(PublicKey::from_bytes(&bytes(point)).unwrap_err(), codes::LICENSE_KEY_REFUSED);
        let pinned = KeyRing::builder("RTMX").pin("weak", Usage::License, &bytes(point));
        assert_code(pinned.map(|_| ()).unwrap_err(), codes::LICENSE_KEY_REFUSED);
    }
}

#[test]
fn encodings_at_and_above_the_prime_are_no_keys() {
    // y = p + n for n of 0 to 18, with both signs: p is 2^255 - 19.
    let mut decodable = 0;
    for n in 0..19_u8 {
        for sign in [0, 0x80] {
            let mut point = [0xff; 32];
            point[0] = 0xed + n;
            point[31] = 0x7f | sign;
            assert_code(PublicKey::from_bytes(&point).unwrap_err(), codes::LICENSE_KEY_REFUSED);
            let why = PublicKey::from_bytes(&point).unwrap_err().to_string();
            decodable += usize::from(why.contains("canonical"));
        }
    }
    assert!(decodable >= 10, "ten and more of them are points that a lax reader takes: {decodable}");
}

#[test]
fn what_is_not_32_bytes_is_no_key() {
    let good = *key(1).public().as_bytes();
    // The start of an SPKI document, as the sample of the requirements has it.
    let spki =
        [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00], good.as_slice()].concat();
    for wrong in [&[][..], &good[..31], &[good.as_slice(), &[0]].concat(), &spki] {
        assert_code(PublicKey::from_bytes(wrong).unwrap_err(), codes::LICENSE_KEY_REFUSED);
    }
    for text in ["", "AAAA", "not base64!", &format!("{}=", key(1).public())] {
        assert_code(PublicKey::parse(text).unwrap_err(), codes::LICENSE_KEY_REFUSED);
    }
    assert_eq!(PublicKey::parse(&key(1).public().to_string()).unwrap(), key(1).public());
}

#[test]
fn a_root_key_is_pinned_and_never_added() {
    let added = KeyRing::builder("RTMX").trust("r", Usage::Root, key(1).public().as_bytes());
    assert_code(added.map(|_| ()).unwrap_err(), codes::LICENSE_KEY_REFUSED);
    let twice = KeyRing::builder("RTMX").pin("a", Usage::Root, key(1).public().as_bytes()).unwrap();
    let twice = twice.pin("b", Usage::Root, key(1).public().as_bytes());
    assert_code(twice.map(|_| ()).unwrap_err(), codes::KEYSET_INVALID);
}

/// The order of the group, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The same token with another signature.
fn with_signature(change: impl FnOnce(&mut Vec<u8>)) -> String {
    let text = token(&license()).as_str().to_owned();
    let parts: Vec<&str> = text.split('.').collect();
    let mut body = BASE64_URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    let mut signature = body.split_off(body.len() - 64);
    change(&mut signature);
    body.extend(signature);
    format!("v4.public.{}.{}", BASE64_URL_SAFE_NO_PAD.encode(body), parts[3])
}

#[test]
fn a_signature_has_one_form() {
    verify(&ring(), with_signature(|_| ()).as_bytes()).expect("the unchanged signature fits");
    let add_order = |signature: &mut Vec<u8>| {
        let mut carry = 0_u16;
        for (at, order) in ORDER.iter().enumerate() {
            let sum = u16::from(signature[32 + at]) + u16::from(*order) + carry;
            signature[32 + at] = u8::try_from(sum & 0xff).unwrap();
            carry = sum >> 8;
        }
        assert_eq!(carry, 0, "S + L fits into 32 bytes");
    };
    let refused = |text: String| {
        assert_code(verify(&ring(), text.as_bytes()).unwrap_err(), codes::LICENSE_BAD_SIGNATURE);
    };
    refused(with_signature(add_order));
    refused(with_signature(|signature| signature[32..].copy_from_slice(&ORDER)));
    refused(with_signature(|signature| signature[32..].fill(0xff)));
    refused(with_signature(|signature| signature.fill(0)));
    refused(with_signature(|signature| signature[..32].fill(0)));
    for point in SMALL_ORDER {
        refused(with_signature(|signature| signature[..32].copy_from_slice(&bytes(point))));
        refused(with_signature(|signature| {
            signature.fill(0);
            signature[..32].copy_from_slice(&bytes(point));
        }));
    }
    // 63 and 65 bytes: the payload is one byte longer or shorter then.
    refused(with_signature(|signature| _ = signature.pop()));
    refused(with_signature(|signature| signature.push(0)));
}

#[test]
fn the_compiled_keys_are_sound_and_each_usage_has_one() {
    let ring = KeyRing::vendor().unwrap();
    assert_eq!((ring.product(), ring.version()), ("RTMX", 1));
    let count = |usage| ring.list().iter().filter(|one| one.usage == usage).count();
    assert!(count(Usage::Root) >= 2, "two root keys");
    assert!(count(Usage::License) >= 2, "the current license key and the next");
    assert!(count(Usage::Lease) >= 1 && count(Usage::Revocation) >= 1);
    assert!(ring.list().iter().all(|one| !one.added));
    assert_code(
        verify(&ring, token(&license()).as_str().as_bytes()).unwrap_err(),
        codes::LICENSE_UNKNOWN_KEY,
    );
}

#[test]
fn the_name_of_an_installation_is_its_key() {
    let public = key(LICENSE.1).public();
    let name = KeyId::of_installation(&public);
    assert!(name.as_str().starts_with("ik-") && name.as_str().len() == 55);
    assert_eq!(name.installation_key().unwrap(), public);
    for wrong in ["ik-", "license-1", "ik-aaaa", &format!("{name}a")] {
        assert_code(KeyId::parse(wrong).unwrap().installation_key().unwrap_err(), codes::LICENSE_KEY_REFUSED);
    }
    let weak = rtmx_license::KeyId::parse(&format!("ik-{}", "a".repeat(52))).unwrap();
    assert_code(weak.installation_key().unwrap_err(), codes::LICENSE_KEY_REFUSED);
}
