//! Signatures by the right key over something else than the token's bytes, and by Ed25519's siblings.

use crate::support::{ISSUED, LICENSE, at, kid, ring};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::Signer;
use rtmx_core::{assert_code, license as codes};
use rtmx_license::{DocumentType, License, Token, sign, verify};
use sha2::{Digest, Sha256, Sha512};

fn token() -> Token {
    let end = at("2027-01-01T00:00:00Z");
    let license = License::new("lic_1", "Acme", "RTMX", "enterprise", at(ISSUED), end);
    let license = license.with_limit("max_nodes", 10);
    sign(&crate::support::key(LICENSE.1), &kid(LICENSE.0), &license).unwrap()
}

/// The token's payload, with another signature.
fn with(signature: &[u8]) -> String {
    let text = token().as_str().to_owned();
    let footer = text.rsplit('.').next().unwrap();
    let body = [crate::support::payload(&token()).as_slice(), signature].concat();
    format!("v4.public.{}.{footer}", BASE64_URL_SAFE_NO_PAD.encode(body))
}

/// The pieces as PASETO puts them together.
fn joined(pieces: &[&[u8]]) -> Vec<u8> {
    let mut joined = (pieces.len() as u64).to_le_bytes().to_vec();
    for piece in pieces {
        joined.extend((piece.len() as u64).to_le_bytes());
        joined.extend_from_slice(piece);
    }
    joined
}

#[test]
fn a_signature_over_anything_but_the_tokens_bytes_is_refused() {
    let key = ed25519_dalek::SigningKey::from_bytes(&[LICENSE.1; 32]);
    let payload = crate::support::payload(&token());
    let (prefix, footer) = (b"v4.public.".as_slice(), b"{\"kid\":\"license-1\"}".as_slice());
    let assertion = DocumentType::License.assertion().as_bytes();
    let whole = joined(&[prefix, &payload, footer, assertion]);
    let control = with(&key.sign(&whole).to_bytes());
    verify(&ring(), control.as_bytes()).expect("this is how it is done");

    let value: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    let mut sorted: Vec<_> = value.as_object().unwrap().iter().collect();
    sorted.sort_by_key(|(name, _)| name.as_str());
    let sorted: serde_json::Map<_, _> =
        sorted.into_iter().map(|(name, one)| (name.clone(), one.clone())).collect();
    let resorted = serde_json::to_vec(&sorted).unwrap();
    assert_ne!(resorted, payload);
    let pretty = serde_json::to_vec_pretty(&value).unwrap();
    let over = |message: &[u8]| key.sign(message).to_bytes().to_vec();
    // RFC 8032 has two siblings that share the keys; made with another implementation over the same bytes,
    // which was held against the vectors of section 7.
    let hex = |text: &str| -> Vec<u8> {
        (0..64).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
    };
    let cases: [(&str, Vec<u8>); 12] = [
        ("the payload alone", over(&payload)),
        ("the text of the payload", over(BASE64_URL_SAFE_NO_PAD.encode(&payload).as_bytes())),
        ("its members in order of their names", over(&resorted)),
        ("the same, joined", over(&joined(&[prefix, &resorted, footer, assertion]))),
        ("its members on lines", over(&joined(&[prefix, &pretty, footer, assertion]))),
        ("without the assertion", over(&joined(&[prefix, &payload, footer, b""]))),
        ("the SHA-256 of it", over(&Sha256::digest(&whole))),
        ("the SHA-512 of it", over(&Sha512::digest(&whole))),
        (
            "Ed25519ph",
            hex(
                "244198a4224c82c97d1396f671ccc4929ed621f8bf67408ead097cebea3567cdac56b949d7a7ea097d28359f0a29b19b99404e9c3920370b095a0c4e793e2904",
            ),
        ),
        (
            "Ed25519ph with the assertion as its context",
            hex(
                "d2952b19b72c1f2b7674bae6c022222593eaf2b3ab121e791e7dc57eb2eecde7dc737357e4826394017c1547b1e720939803d74198dbee4eae1f94cd9ee3e509",
            ),
        ),
        (
            "Ed25519ctx with the assertion",
            hex(
                "1464aaa5d8e029d6ba029b816961b92a92e777ed1a6e3bdf8324e439911b5214e24ea9c701c380e9c7157e0385848387fadf2851fd598cf669983493f37a1004",
            ),
        ),
        (
            "Ed25519ctx without a context",
            hex(
                "ad590556e0808e73969df6c00c720a790692acb4877aea9ef5ad2c895406262017d20226d82db3252363c1b97c5ab2d3a9ada76990b683ff5bf72362ad4bb800",
            ),
        ),
    ];
    for (what, signature) in cases {
        let refusal = verify(&ring(), with(&signature).as_bytes()).expect_err(what);
        assert_code(refusal, codes::LICENSE_BAD_SIGNATURE);
    }
}

/// The edges of both halves of a signature, each with each, as Wycheproof has them ("special values for r and
/// s"); none of them signs anything, under no key.
#[test]
fn no_edge_of_a_signature_signs_anything() {
    let number = |low: [u8; 16], high: [u8; 16]| [low, high].concat();
    let order =
        [0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14];
    let mut top = [0; 16];
    top[15] = 0x10;
    let near = |difference: i16| {
        let mut low = order;
        low[0] = u8::try_from(i16::from(low[0]) + difference).unwrap();
        number(low, top)
    };
    let small = |value: u8| [&[value][..], &[0; 31]].concat();
    let prime = |difference: i16| {
        let mut bytes = [0xff; 32];
        bytes[0] = u8::try_from(0xed + difference).unwrap();
        bytes[31] = 0x7f;
        bytes.to_vec()
    };
    let edges = [
        small(0),
        small(1),
        small(2),
        near(-1),
        near(0),
        near(1),
        prime(-1),
        prime(0),
        prime(1),
        vec![0xff; 32],
    ];
    for r in &edges {
        for s in &edges {
            let refusal = verify(&ring(), with(&[r.as_slice(), s].concat()).as_bytes());
            assert_code(refusal.expect_err("it is no signature"), codes::LICENSE_BAD_SIGNATURE);
        }
    }
}
