//! Documents: what may be signed, and the proof that something was.
//!
//! The decision to know: [`Verified`] is the only way to claims that came from outside. It has no
//! constructor; what makes one checks the signature first, then the form, then the claims.

use crate::{KeyId, Refusal, TokenHash};
use rtmx_core::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Deref;

/// The types of documents. Each is signed under its own implicit assertion, so that none can be
/// taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentType {
    /// What a customer bought.
    License,
    /// The license server's answer, for some days.
    Lease,
    /// Which licenses no longer count.
    RevocationList,
    /// The keys to trust from now on.
    Keyset,
    /// An installation's question, signed with its own key.
    ActivationRequest,
}

impl DocumentType {
    /// Every type.
    pub const ALL: [DocumentType; 5] = [
        DocumentType::License,
        DocumentType::Lease,
        DocumentType::RevocationList,
        DocumentType::Keyset,
        DocumentType::ActivationRequest,
    ];

    /// What is signed along with the bytes, and travels nowhere (PASETO's implicit assertion).
    pub fn assertion(self) -> &'static str {
        match self {
            DocumentType::License => "rtmx-license/v1",
            DocumentType::Lease => "rtmx-lease/v1",
            DocumentType::RevocationList => "rtmx-crl/v1",
            DocumentType::Keyset => "rtmx-keyset/v1",
            DocumentType::ActivationRequest => "rtmx-activation/v1",
        }
    }

    /// The name in the member `typ`.
    pub fn name(self) -> &'static str {
        match self {
            DocumentType::License => "license",
            DocumentType::Lease => "lease",
            DocumentType::RevocationList => "revocation_list",
            DocumentType::Keyset => "keyset",
            DocumentType::ActivationRequest => "activation_request",
        }
    }

    /// The most bytes that its payload may have.
    pub fn payload_limit(self) -> usize {
        match self {
            DocumentType::RevocationList => 256 * 1024,
            _ => 8 * 1024,
        }
    }

    /// The most bytes that its token may have.
    pub fn token_limit(self) -> usize {
        2 * self.payload_limit()
    }

    /// The most bytes that its file may have.
    pub fn file_limit(self) -> usize {
        4 * self.payload_limit()
    }

    /// The word in the lines around an armoured token.
    pub(crate) fn label(self) -> &'static str {
        match self {
            DocumentType::License => "LICENSE",
            DocumentType::Lease => "LEASE",
            DocumentType::RevocationList => "REVOCATION LIST",
            DocumentType::Keyset => "KEYSET",
            DocumentType::ActivationRequest => "ACTIVATION REQUEST",
        }
    }
}

impl fmt::Display for DocumentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DocumentType::RevocationList => "revocation list",
            DocumentType::ActivationRequest => "activation request",
            other => other.name(),
        })
    }
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// The claims of one type of document. Sealed: the types are those of [`DocumentType`].
pub trait Document:
    sealed::Sealed + Serialize + DeserializeOwned + Clone + fmt::Debug + PartialEq + Send + Sync + 'static
{
    /// The type.
    const TYPE: DocumentType;

    /// Checks the claims by themselves, without time, keys or place.
    ///
    /// # Errors
    ///
    /// `license_claims_invalid` with the claim.
    fn validate(&self) -> Result<(), Refusal>;

    /// When it was signed, by its own account.
    fn issued_at(&self) -> Timestamp;
}

/// A document whose signature, form and claims were checked.
///
/// It cannot be made from claims:
///
/// ```compile_fail
/// # fn forge(claims: rtmx_license::License) -> rtmx_license::VerifiedLicense {
/// rtmx_license::Verified { claims }
/// # }
/// ```
///
/// ```compile_fail
/// # fn forge(text: &str) -> rtmx_license::VerifiedLicense {
/// serde_json::from_str(text).unwrap()
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Verified<D> {
    claims: D,
    kid: KeyId,
    hash: TokenHash,
}

impl<D: Document> Verified<D> {
    /// Only [`crate::open`] and its siblings call this, after they verified.
    pub(crate) fn proven(claims: D, kid: KeyId, hash: TokenHash) -> Verified<D> {
        Verified { claims, kid, hash }
    }

    /// The claims.
    pub fn claims(&self) -> &D {
        &self.claims
    }

    /// The key that signed it.
    pub fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// The SHA-256 of the token, by which it can be revoked and talked about.
    pub fn hash(&self) -> TokenHash {
        self.hash
    }
}

impl<D: Document> Deref for Verified<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.claims
    }
}
