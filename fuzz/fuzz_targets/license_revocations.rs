//! Any bytes are refused as a revocation list or a lease; any that the vendor signed are refused, or have one
//! encoding.

#![no_main]

#[path = "../signed.rs"]
mod signed;

use libfuzzer_sys::fuzz_target;
use rtmx_license::{ActivationRequest, DocumentType, KeyRing, Lease, RevocationList, Usage, open, sign};
use std::sync::LazyLock;

static LISTS: LazyLock<KeyRing> = LazyLock::new(|| signed::ring(Usage::Revocation));
static LEASES: LazyLock<KeyRing> = LazyLock::new(|| signed::ring(Usage::Lease));

fuzz_target!(|bytes: &[u8]| {
    assert!(open::<RevocationList>(&LEASES, bytes).is_err(), "nobody signed this");
    assert!(open::<Lease>(&LISTS, bytes).is_err(), "nobody signed this");
    let list = signed::token(Usage::Revocation, DocumentType::RevocationList, bytes);
    if let Ok(opened) = open::<RevocationList>(&LISTS, list.as_bytes()) {
        let again = sign(&signed::key(), &signed::kid(Usage::Revocation), opened.claims());
        assert_eq!(again.expect("it was verified").as_str(), list, "one list has one token");
    }
    let lease = signed::token(Usage::Lease, DocumentType::Lease, bytes);
    if let Ok(opened) = open::<Lease>(&LEASES, lease.as_bytes()) {
        let again = sign(&signed::key(), &signed::kid(Usage::Lease), opened.claims());
        assert_eq!(again.expect("it was verified").as_str(), lease, "one lease has one token");
    }
    // A request proves itself, so that one may be made up; it then says who it is about.
    if let Ok(request) = open::<ActivationRequest>(&LISTS, bytes) {
        assert_eq!(&request.installation_id, request.kid());
    }
});
