//! The ring: which keys are trusted, for what, and since which keyset.
//!
//! A ring begins with keys that are compiled in ([`KeyRing::vendor`]) or pinned by an embedder, and
//! moves on by keysets only (`rotation.rs`). Keys added with [`KeyRingBuilder::trust`] stay beside
//! them and can never sign a keyset.

use crate::document::DocumentType;
use crate::vendor_keys::{VENDOR_KEYS, VENDOR_PRODUCT, VENDOR_THRESHOLD};
use crate::{KeyId, KeysetKey, PublicKey, Refusal, TokenHash, Usage};
use rtmx_core::Timestamp;
use std::collections::BTreeMap;

/// The keys that are trusted.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyRing {
    pub(crate) product: String,
    pub(crate) version: u64,
    pub(crate) threshold: u64,
    pub(crate) keys: BTreeMap<KeyId, Trusted>,
}

/// A key and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trusted {
    pub(crate) key: KeysetKey,
    /// Added beside the vendor's; a keyset does not replace it.
    pub(crate) beside: bool,
}

/// What one key of a ring may do; for `inspect` and diagnosis.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KeyListing {
    /// The key's name.
    pub kid: KeyId,
    /// What it may sign.
    pub usage: Usage,
    /// Whether an embedder added it.
    pub added: bool,
}

impl KeyRing {
    /// The keys that are compiled in: the vendor's current ones and the next.
    ///
    /// # Errors
    ///
    /// `license_key_refused` if the compiled table is not sound; a test asserts that it is.
    pub fn vendor() -> Result<KeyRing, Refusal> {
        KeyRing::builder(VENDOR_PRODUCT).with_vendor_keys()?.build()
    }

    /// An empty ring of a product, to be filled.
    pub fn builder(product: impl Into<String>) -> KeyRingBuilder {
        let ring = KeyRing { product: product.into(), version: 1, threshold: 1, keys: BTreeMap::new() };
        KeyRingBuilder { ring }
    }

    /// The number of the keyset in use; 1 for the keys that the ring began with.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The product whose keysets are accepted.
    pub fn product(&self) -> &str {
        &self.product
    }

    /// Every key, by name.
    pub fn list(&self) -> Vec<KeyListing> {
        let line = |(kid, trusted): (&KeyId, &Trusted)| KeyListing {
            kid: kid.clone(),
            usage: trusted.key.usage,
            added: trusted.beside,
        };
        self.keys.iter().map(line).collect()
    }

    /// The key of this name, if it may sign this type of document.
    pub(crate) fn key(
        &self,
        kid: &KeyId,
        document: DocumentType,
        usage: Usage,
    ) -> Result<&KeysetKey, Refusal> {
        let Some(trusted) = self.keys.get(kid) else {
            let fitting = self.keys.values().filter(|one| one.key.usage == usage);
            let known = fitting.map(|one| one.key.kid.clone()).collect();
            return Err(Refusal::UnknownKey { document, kid: kid.clone(), known });
        };
        if trusted.key.usage != usage {
            let why = "it is for another type of document";
            return Err(Refusal::KeyUsage { document, kid: kid.clone(), why });
        }
        Ok(&trusted.key)
    }

    fn add(&mut self, key: KeysetKey, beside: bool) -> Result<(), Refusal> {
        let twice = |why: &str| Err(Refusal::KeysetInvalid { why: format!("{why}: `{}`", key.kid) });
        if self.keys.contains_key(&key.kid) {
            return twice("a name is there twice");
        }
        if self.keys.values().any(|known| known.key.key == key.key) {
            return twice("a key is there twice, the second time as");
        }
        self.keys.insert(key.kid.clone(), Trusted { key, beside });
        Ok(())
    }

    /// Replaces everything but what was added beside; the new keys were checked.
    pub(crate) fn replaced(
        &self,
        version: u64,
        threshold: u64,
        keys: Vec<KeysetKey>,
    ) -> Result<KeyRing, Refusal> {
        let beside = self.keys.iter().filter(|(_, trusted)| trusted.beside);
        let keys_beside = beside.map(|(kid, trusted)| (kid.clone(), trusted.clone())).collect();
        let mut ring = KeyRing { product: self.product.clone(), version, threshold, keys: keys_beside };
        keys.into_iter().try_for_each(|key| ring.add(key, false))?;
        Ok(ring)
    }
}

/// Fills a ring.
#[derive(Debug)]
pub struct KeyRingBuilder {
    ring: KeyRing,
}

impl KeyRingBuilder {
    /// With the compiled keys.
    ///
    /// # Errors
    ///
    /// `license_key_refused`, `keyset_invalid`.
    pub fn with_vendor_keys(mut self) -> Result<Self, Refusal> {
        for (kid, usage, bytes) in VENDOR_KEYS {
            self = self.pin(kid, *usage, bytes)?;
        }
        Ok(self.threshold(VENDOR_THRESHOLD))
    }

    /// With a key of the first keyset; a later keyset replaces it.
    ///
    /// # Errors
    ///
    /// `license_key_refused` for what is no good key, `keyset_invalid` for one that is there twice.
    pub fn pin(self, kid: &str, usage: Usage, bytes: &[u8]) -> Result<Self, Refusal> {
        self.with(kid, usage, bytes, false)
    }

    /// With a key of the embedder's own, which no keyset removes. It cannot be a root key.
    ///
    /// # Errors
    ///
    /// `license_key_refused` for what is no good key, `keyset_invalid` for one that is there twice.
    pub fn trust(self, kid: &str, usage: Usage, bytes: &[u8]) -> Result<Self, Refusal> {
        if usage == Usage::Root {
            return Err(Refusal::KeyRefused { why: "a root key can be pinned, and not added" });
        }
        self.with(kid, usage, bytes, true)
    }

    /// How many root keys must sign a keyset; 1 unless said.
    #[must_use]
    pub fn threshold(mut self, signatures: u64) -> Self {
        self.ring.threshold = signatures;
        self
    }

    /// The ring.
    ///
    /// # Errors
    ///
    /// `keyset_invalid` if the threshold is none, or more than the root keys there are.
    pub fn build(self) -> Result<KeyRing, Refusal> {
        let roots = self.ring.keys.values().filter(|one| one.key.usage == Usage::Root).count();
        let reachable = usize::try_from(self.ring.threshold).is_ok_and(|needed| needed <= roots);
        if self.ring.threshold == 0 || (roots > 0 && !reachable) {
            return Err(Refusal::KeysetInvalid {
                why: "its threshold is none, or more than it has root keys".into(),
            });
        }
        Ok(self.ring)
    }

    fn with(mut self, kid: &str, usage: Usage, bytes: &[u8], beside: bool) -> Result<Self, Refusal> {
        let kid = KeyId::parse(kid)
            .ok_or(Refusal::KeyRefused { why: "its name has not 1 to 64 of a-z 0-9 . _ -" })?;
        self.ring.add(KeysetKey::new(kid, usage, PublicKey::from_bytes(bytes)?), beside)?;
        Ok(self)
    }
}

/// Whether a key may have signed this document, by its span of time and, after a compromise, its list.
pub(crate) fn check_span(
    key: &KeysetKey,
    document: DocumentType,
    issued_at: Timestamp,
    hash: TokenHash,
) -> Result<(), Refusal> {
    let refused = |why| Err(Refusal::KeyUsage { document, kid: key.kid.clone(), why });
    if key.issues_from.is_some_and(|from| issued_at < from) {
        return refused("it was issued before the key's time");
    }
    if key.issues_until.is_some_and(|until| issued_at >= until) {
        return refused("it was issued after the key's time");
    }
    match &key.only {
        Some(only) if only.binary_search(&hash.to_string()).is_err() => {
            refused("the key was compromised, and the document is not among those that still count")
        }
        _ => Ok(()),
    }
}
