//! The activation request: what an installation says of itself, signed with its own key.
//!
//! The same document asks for a license that is bound to the installation (as a file, without a
//! network) and for a lease (online). It names no host, person or address: an id, fingerprints that
//! tell nothing of what they were made from, a version and counts.

use crate::document::{Document, DocumentType, sealed::Sealed};
use crate::fingerprint::Fingerprint;
use crate::text::{check_id, check_integer, check_names, check_text};
use crate::token::encode;
use crate::{KeyId, Refusal, moment};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rtmx_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Claims of an activation request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivationRequest {
    /// What is asked for.
    pub purpose: ActivationPurpose,
    /// The product.
    pub product: String,
    /// Its version.
    pub version: String,
    /// The license that it is about; empty when there is none yet.
    pub license_id: String,
    /// The number of that license; 0 when there is none yet.
    pub seq: u64,
    /// Who asks: the name of the key that signs.
    pub installation_id: KeyId,
    /// Random; the answer must hold it.
    pub nonce: Nonce,
    /// The installation's time.
    #[serde(with = "moment")]
    pub issued_at: Timestamp,
    /// The fingerprints that can be read.
    pub components: Vec<String>,
    /// What is in use, by the name of its limit.
    pub counts: BTreeMap<String, u64>,
}

/// What an installation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationPurpose {
    /// A license bound to it.
    Activate,
    /// A lease of its license.
    Lease,
    /// To be forgotten, so that another may take its place.
    Release,
}

/// 128 random bits, as 22 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce([u8; 16]);

impl Nonce {
    /// From random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Nonce {
        Nonce(bytes)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(&self.0))
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nonce({self})")
    }
}

impl Serialize for Nonce {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Nonce {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Nonce, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Nonce).ok_or_else(|| serde::de::Error::custom("a nonce has 22 characters of base64url"))
    }
}

impl Sealed for ActivationRequest {}

impl Document for ActivationRequest {
    const TYPE: DocumentType = DocumentType::ActivationRequest;

    fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    fn validate(&self) -> Result<(), Refusal> {
        check_text("product", &self.product)?;
        check_text("version", &self.version)?;
        let none_yet = self.license_id.is_empty() && self.seq == 0;
        if !(none_yet && self.purpose == ActivationPurpose::Activate) {
            check_id("license_id", &self.license_id)?;
        }
        check_integer("seq", self.seq)?;
        if self.installation_id.installation_key().is_err() {
            return Err(Refusal::claim("installation_id", "it is not the id of an installation"));
        }
        if !moment::is_in_range(self.issued_at) {
            return Err(Refusal::claim("issued_at", "a moment has whole seconds, in the years 2020 to 2199"));
        }
        if self.components.len() > 16 || !self.components.is_sorted_by(|one, next| one < next) {
            return Err(Refusal::claim("components", "it has at most 16 fingerprints, sorted, each once"));
        }
        if self.components.iter().any(|text| Fingerprint::parse(text).is_none()) {
            return Err(Refusal::claim(
                "components",
                "a fingerprint has the form fp1:<kind>:<32 characters>",
            ));
        }
        check_names("counts", self.counts.keys())?;
        self.counts.values().try_for_each(|count| check_integer("counts", *count))
    }
}
