//! Edits of a JSON document are refused, or say what was signed. The input is spliced into a good one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rtmx_core::Secret;
use rtmx_license::{KeyId, KeyRing, License, SigningKey, Usage, carrier, sign, verify};
use std::sync::LazyLock;

struct Given {
    ring: KeyRing,
    license: License,
    document: String,
}

static GIVEN: LazyLock<Given> = LazyLock::new(|| {
    let key = SigningKey::from_seed(&Secret::new([3; 32]));
    let at = |text: &str| text.parse().expect("a moment");
    let (begin, end) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    let license = License::new("lic_1", "Acme", "RTMX", "enterprise", begin, end).with_limit("max_nodes", 10);
    let kid = KeyId::parse("license-1").expect("a good name");
    let token = sign(&key, &kid, &license).expect("the claims are good");
    let ring = KeyRing::builder("RTMX").trust("license-1", Usage::License, key.public().as_bytes());
    let ring = ring.and_then(rtmx_license::KeyRingBuilder::build).expect("the key is good");
    Given { ring, license, document: carrier::json_document(&token).expect("the claims are good") }
});

fuzz_target!(|input: (u16, u8, &[u8])| {
    let (at, removed, inserted) = input;
    let mut document = GIVEN.document.clone().into_bytes();
    let at = usize::from(at) % document.len();
    let end = (at + usize::from(removed)).min(document.len());
    document.splice(at..end, inserted.iter().copied());
    if let Ok(license) = verify(&GIVEN.ring, &document) {
        assert_eq!(*license.claims(), GIVEN.license);
    }
    let _ = verify(&GIVEN.ring, inserted);
});
