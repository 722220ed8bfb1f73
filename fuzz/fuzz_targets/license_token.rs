//! Any bytes are refused as a license; any payload that the vendor signed is refused, or has one encoding.

#![no_main]

#[path = "../signed.rs"]
mod signed;

use libfuzzer_sys::fuzz_target;
use rtmx_license::{DocumentType, KeyRing, Token, Usage, sign, verify};
use std::sync::LazyLock;

static RING: LazyLock<KeyRing> = LazyLock::new(|| signed::ring(Usage::License));

fuzz_target!(|bytes: &[u8]| {
    if let Ok(token) = Token::parse(bytes, DocumentType::License) {
        assert!(token.as_str().as_bytes() == bytes, "another text came out than went in");
    }
    let by_vendor = signed::token(Usage::License, DocumentType::License, bytes);
    for text in [bytes, by_vendor.as_bytes()] {
        if let Ok(license) = verify(&RING, text) {
            let again = sign(&signed::key(), &signed::kid(Usage::License), license.claims());
            let again = again.expect("it was verified").hash();
            assert_eq!(again, license.hash(), "one license has one token, whatever carries it");
        }
    }
});
