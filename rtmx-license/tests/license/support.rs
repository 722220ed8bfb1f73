//! What the tests share: a vendor with keys, licenses, and tokens made by another implementation.
//!
//! Tokens that our own code would never make come from `pasetors`, so that a mistake in our framing
//! cannot hide itself.

use pasetors::keys::AsymmetricSecretKey;
use pasetors::version4::{PublicToken, V4};
use rtmx_core::{Secret, Timestamp};
use rtmx_license::{
    Document, Environment, Facts, InstallationKey, KeyId, KeyRing, License, OneSignature, Profile,
    SigningKey, Token, Usage, sign,
};

/// The keys of the vendor of the tests: the seed is the number.
pub(crate) const ROOT_A: (&str, u8) = ("root-a", 1);
pub(crate) const ROOT_B: (&str, u8) = ("root-b", 2);
pub(crate) const LICENSE: (&str, u8) = ("license-1", 3);
pub(crate) const LEASE: (&str, u8) = ("lease-1", 4);
pub(crate) const REVOCATION: (&str, u8) = ("revocation-1", 5);

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([seed; 32]))
}

pub(crate) fn kid(name: &str) -> KeyId {
    KeyId::parse(name).unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn plus(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(at.as_second() + seconds).unwrap()
}

pub(crate) const DAY: i64 = 86_400;

pub(crate) fn ring() -> KeyRing {
    let keys = [
        (ROOT_A, Usage::Root),
        (ROOT_B, Usage::Root),
        (LICENSE, Usage::License),
        (LEASE, Usage::Lease),
        (REVOCATION, Usage::Revocation),
    ];
    let mut builder = KeyRing::builder("RTMX").threshold(2);
    for ((name, seed), usage) in keys {
        builder = builder.pin(name, usage, key(seed).public().as_bytes()).unwrap();
    }
    builder.build().unwrap()
}

pub(crate) const ISSUED: &str = "2026-01-01T00:00:00Z";
pub(crate) const EXPIRES: &str = "2027-01-01T00:00:00Z";

/// The license of the requirements, for RTMX.
pub(crate) fn license() -> License {
    License::new("lic_abc123xyz", "Acme Corporation", "RTMX", "enterprise", at(ISSUED), at(EXPIRES))
        .with_limit("max_tenants", 100)
        .with_limit("max_users_per_tenant", 1000)
        .with_limit("max_documents", 10_000_000)
        .with_limit("max_nodes", 10)
        .with_feature("sso_enabled")
        .with_feature("audit_logging")
        .with_feature("custom_models")
        .with_feature("priority_support")
}

pub(crate) fn signed<D: OneSignature>((name, seed): (&str, u8), claims: &D) -> Token {
    sign(&key(seed), &kid(name), claims).unwrap()
}

pub(crate) fn token(license: &License) -> Token {
    signed(LICENSE, license)
}

/// The payload of a token, as it was signed.
pub(crate) fn payload(token: &Token) -> Vec<u8> {
    use base64::Engine;
    let body = token.as_str().split('.').nth(2).unwrap();
    let mut bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(body).unwrap();
    bytes.truncate(bytes.len() - 64);
    bytes
}

/// Signs whatever bytes under whatever footer and assertion, with the other implementation.
pub(crate) fn forge(seed: u8, payload: &[u8], footer: &[u8], assertion: &str) -> String {
    let mut pair = [seed; 64];
    pair[32..].copy_from_slice(key(seed).public().as_bytes());
    let secret = AsymmetricSecretKey::<V4>::from(&pair).unwrap();
    PublicToken::sign(&secret, payload, Some(footer), Some(assertion.as_bytes())).unwrap()
}

/// A payload that the license key signed as a license.
pub(crate) fn forged(payload: impl AsRef<[u8]>) -> String {
    forge(LICENSE.1, payload.as_ref(), b"{\"kid\":\"license-1\"}", License::TYPE.assertion())
}

pub(crate) fn profile() -> Profile {
    let mut profile = Profile::rtmx(at("2025-06-01T00:00:00Z"));
    profile.environment = Environment::Production;
    profile
}

pub(crate) fn installation(seed: u8) -> InstallationKey {
    InstallationKey::from_seed(&Secret::new([seed; 32]))
}

pub(crate) fn facts(wall: Timestamp) -> Facts {
    Facts::new(wall, installation(77))
}
