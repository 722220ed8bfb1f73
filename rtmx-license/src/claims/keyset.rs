//! The keyset: the vendor's keys from now on.

use crate::document::{Document, DocumentType, sealed::Sealed};
use crate::text::{check_integer, check_text};
use crate::{KeyId, PublicKey, Refusal, TokenHash, Usage, moment};
use rtmx_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The most keys of a keyset.
const KEY_LIMIT: usize = 32;

/// Claims of a keyset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyset {
    /// The product whose keys these are.
    pub product: String,
    /// One more than the keyset before.
    pub version: u64,
    /// When it was made.
    #[serde(with = "moment")]
    pub issued_at: Timestamp,
    /// When a newer one must be there.
    #[serde(with = "moment")]
    pub expires_at: Timestamp,
    /// How many root keys must sign the next one, and this one.
    pub threshold: u64,
    /// The keys; what is not listed is not trusted any more.
    pub keys: Vec<KeysetKey>,
}

/// One key of a keyset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysetKey {
    /// The key's name.
    pub kid: KeyId,
    /// What it may sign.
    pub usage: Usage,
    /// The key.
    pub key: PublicKey,
    /// Documents that say they were issued before are refused.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "moment::optional")]
    pub issues_from: Option<Timestamp>,
    /// Documents that say they were issued at this moment or after are refused.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "moment::optional")]
    pub issues_until: Option<Timestamp>,
    /// After the key was compromised: the SHA-256 of the only tokens that still count, sorted. A
    /// moment would be no help, because a thief writes the moment too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
}

impl KeysetKey {
    /// A key without restrictions in time.
    pub fn new(kid: KeyId, usage: Usage, key: PublicKey) -> KeysetKey {
        KeysetKey { kid, usage, key, issues_from: None, issues_until: None, only: None }
    }
}

impl Sealed for Keyset {}

impl Document for Keyset {
    const TYPE: DocumentType = DocumentType::Keyset;

    fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    fn validate(&self) -> Result<(), Refusal> {
        check_text("product", &self.product)?;
        check_integer("version", self.version)?;
        if self.version == 0 {
            return Err(Refusal::claim("version", "versions begin at 1"));
        }
        if !moment::is_in_range(self.issued_at) || !moment::is_in_range(self.expires_at) {
            return Err(Refusal::claim(
                "expires_at",
                "a moment has whole seconds, in the years 2020 to 2199",
            ));
        }
        if self.expires_at <= self.issued_at {
            return Err(Refusal::claim("expires_at", "it is not after `issued_at`"));
        }
        if self.keys.len() > KEY_LIMIT {
            return Err(Refusal::claim("keys", "a keyset has at most 32 keys"));
        }
        let invalid = |why: &str| Err(Refusal::KeysetInvalid { why: why.to_owned() });
        let (mut names, mut halves) = (BTreeSet::new(), BTreeSet::new());
        for key in &self.keys {
            if !names.insert(&key.kid) {
                return invalid("a name is there twice");
            }
            // One key under two names would have two votes.
            if !halves.insert(key.key.as_bytes()) {
                return invalid("a key is there twice");
            }
            check_key(key)?;
        }
        let roots = self.keys.iter().filter(|key| key.usage == Usage::Root).count();
        if self.threshold == 0 || usize::try_from(self.threshold).map_or(true, |needed| needed > roots) {
            return invalid("its threshold is none, or more than it has root keys");
        }
        Ok(())
    }
}

fn check_key(key: &KeysetKey) -> Result<(), Refusal> {
    for at in [key.issues_from, key.issues_until].into_iter().flatten() {
        if !moment::is_in_range(at) {
            return Err(Refusal::claim("keys", "a moment has whole seconds, in the years 2020 to 2199"));
        }
    }
    let Some(only) = &key.only else { return Ok(()) };
    if only.len() > 64 || !only.is_sorted_by(|one, next| one < next) {
        return Err(Refusal::claim("only", "it has at most 64 hashes, sorted, each once"));
    }
    if only.iter().any(|hash| TokenHash::parse(hash).is_none()) {
        return Err(Refusal::claim("only", "a hash has 64 small hexadecimal digits"));
    }
    Ok(())
}
