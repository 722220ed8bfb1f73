//! Signs whatever bytes as the vendor would, so that what reads the claims sees them, and not only what
//! verifies the signature.

#![allow(dead_code, reason = "each target uses a part, as a module of its own")]

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::Signer;
use rtmx_core::Secret;
use rtmx_license::{DocumentType, KeyId, KeyRing, SigningKey, Usage};

const SEED: [u8; 32] = [3; 32];

/// The vendor's key, which has every usage under a name of its own.
pub fn key() -> SigningKey {
    SigningKey::from_seed(&Secret::new(SEED))
}

pub fn kid(usage: Usage) -> KeyId {
    KeyId::parse(name(usage)).expect("a good name")
}

fn name(usage: Usage) -> &'static str {
    match usage {
        Usage::Root => "root-1",
        Usage::License => "license-1",
        Usage::Lease => "lease-1",
        Usage::Revocation => "revocation-1",
    }
}

/// A ring that trusts the key for one usage.
pub fn ring(usage: Usage) -> KeyRing {
    let key = key().public();
    let ring = KeyRing::builder("RTMX").threshold(1).pin(name(usage), usage, key.as_bytes());
    ring.and_then(rtmx_license::KeyRingBuilder::build).expect("the key is good")
}

/// A token over these bytes: PASETO v4.public, section "Sign".
pub fn token(usage: Usage, document: DocumentType, payload: &[u8]) -> String {
    let footer = format!("{{\"kid\":\"{}\"}}", name(usage));
    let pieces = [b"v4.public.".as_slice(), payload, footer.as_bytes(), document.assertion().as_bytes()];
    let mut signed = (pieces.len() as u64).to_le_bytes().to_vec();
    for piece in pieces {
        signed.extend((piece.len() as u64).to_le_bytes());
        signed.extend(piece);
    }
    let signature = ed25519_dalek::SigningKey::from_bytes(&SEED).sign(&signed).to_bytes();
    let body = BASE64_URL_SAFE_NO_PAD.encode([payload, signature.as_slice()].concat());
    format!("v4.public.{body}.{}", BASE64_URL_SAFE_NO_PAD.encode(footer))
}
