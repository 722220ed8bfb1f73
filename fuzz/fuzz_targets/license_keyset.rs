//! No lines make a ring move that its root keys have not signed; those that they have lead to the next
//! keyset, and to no other.

#![no_main]

#[path = "../signed.rs"]
mod signed;

use libfuzzer_sys::fuzz_target;
use rtmx_core::Timestamp;
use rtmx_license::{DocumentType, KeyRing, Usage};
use std::sync::LazyLock;

static VENDORS: LazyLock<KeyRing> = LazyLock::new(|| KeyRing::vendor().expect("the compiled keys are good"));
static RING: LazyLock<KeyRing> = LazyLock::new(|| signed::ring(Usage::Root));

fuzz_target!(|bytes: &[u8]| {
    let refused = VENDORS.advance(&[bytes], Timestamp::UNIX_EPOCH);
    assert!(refused.is_err(), "nobody signed this");
    let keyset = signed::token(Usage::Root, DocumentType::Keyset, bytes);
    if let Ok(next) = RING.advance(&[&keyset], Timestamp::MIN) {
        assert_eq!(next.version(), RING.version() + 1);
        // The same again leads nowhere.
        assert!(next.advance(&[&keyset], Timestamp::MIN).is_err());
    }
});
