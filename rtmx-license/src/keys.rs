//! Keys: their names, what each may sign, and the two halves.
//!
//! A public key is checked when it is loaded, not when it is used: the right length, a point of the
//! curve, written in the one canonical form, and not one of the weak points under which any
//! signature fits. `verify_strict` alone would accept ten encodings that are not canonical.

use crate::token::encode;
use crate::{DocumentType, Refusal, base32};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use rtmx_core::Secret;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of a key: 1 to 64 of `a-z 0-9 . _ -`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

impl KeyId {
    /// Parses a name.
    pub fn parse(text: &str) -> Option<KeyId> {
        let fits = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'));
        fits.then(|| KeyId(text.to_owned()))
    }

    /// The name that a key of an installation has: it is the key.
    pub fn of_installation(key: &PublicKey) -> KeyId {
        KeyId(format!("{INSTALLATION}{}", base32::encode(key.as_bytes())))
    }

    /// The key of an installation that has this name.
    ///
    /// # Errors
    ///
    /// `license_key_refused`.
    pub fn installation_key(&self) -> Result<PublicKey, Refusal> {
        let bytes = self.0.strip_prefix(INSTALLATION).and_then(base32::decode);
        PublicKey::from_bytes(
            &bytes.ok_or(Refusal::KeyRefused { why: "the name is not that of an installation" })?,
        )
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const INSTALLATION: &str = "ik-";

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for KeyId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<KeyId, &'static str> {
        KeyId::parse(&text).ok_or("the name of a key has 1 to 64 of a-z 0-9 . _ -")
    }
}

impl From<KeyId> for String {
    fn from(kid: KeyId) -> String {
        kid.0
    }
}

/// What a key may sign. A stolen lease key must not make licenses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Usage {
    /// Keysets.
    Root,
    /// Licenses.
    License,
    /// Leases.
    Lease,
    /// Revocation lists.
    Revocation,
}

impl Usage {
    /// The usage that signs a type of document; none for what installations sign themselves.
    pub fn for_document(document: DocumentType) -> Option<Usage> {
        match document {
            DocumentType::License => Some(Usage::License),
            DocumentType::Lease => Some(Usage::Lease),
            DocumentType::RevocationList => Some(Usage::Revocation),
            DocumentType::Keyset => Some(Usage::Root),
            DocumentType::ActivationRequest => None,
        }
    }
}

/// A public key that was checked.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Loads a key from its 32 bytes.
    ///
    /// # Errors
    ///
    /// `license_key_refused`: wrong length, no point, not canonical, or weak.
    pub fn from_bytes(bytes: &[u8]) -> Result<PublicKey, Refusal> {
        let refused = |why| Refusal::KeyRefused { why };
        let bytes: &[u8; 32] = bytes
            .try_into()
            .map_err(|_| refused("it does not have 32 bytes; an SPKI or PEM form is not taken"))?;
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| refused("it is no point of the curve"))?;
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(refused("it is not in the canonical form"));
        }
        if key.is_weak() {
            return Err(refused("it is a weak point: signatures by nobody would fit it"));
        }
        Ok(PublicKey(key))
    }

    /// Loads a key from its text: 43 characters of base64url.
    ///
    /// # Errors
    ///
    /// `license_key_refused`.
    pub fn parse(text: &str) -> Result<PublicKey, Refusal> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text);
        PublicKey::from_bytes(&bytes.map_err(|_| Refusal::KeyRefused { why: "it is not base64url" })?)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    pub(crate) fn verify_bytes(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(self.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl TryFrom<String> for PublicKey {
    type Error = Refusal;

    fn try_from(text: String) -> Result<PublicKey, Refusal> {
        PublicKey::parse(&text)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> String {
        key.to_string()
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<PublicKey, D::Error> {
        PublicKey::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The private half: never shown, overwritten when dropped. The public half is always computed from
/// it, never passed beside it (RUSTSEC-2022-0093).
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key that 32 random bytes are.
    pub fn from_seed(seed: &Secret<[u8; 32]>) -> SigningKey {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(seed.expose()))
    }

    /// The seed, for keeping it encrypted.
    pub fn seed(&self) -> Secret<[u8; 32]> {
        Secret::new(self.0.to_bytes())
    }

    /// The public half. What a seed gives is never weak and always canonical: the scalar is clamped
    /// and the point encoded here.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([secret])")
    }
}
