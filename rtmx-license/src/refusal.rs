//! Why a document is refused: the one error type of this crate.
//!
//! Each variant carries the facts and has one stable code ([`Refusal::code`]). No variant holds text
//! of the refused document that was not checked before, so that a message can neither leak a token
//! nor forge a line of a log.

use crate::{DocumentType, KeyId, Kind};
use rtmx_core::{Code, Error, Timestamp, license};
use std::path::PathBuf;

/// Why a document, or what comes with one, is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Refusal {
    #[error("there is no license in the input")]
    Empty,
    #[error("the {part} is malformed: {why}")]
    Malformed { part: &'static str, why: String },
    #[error("the {part} is larger than {limit} bytes")]
    TooLarge { part: &'static str, limit: usize },
    #[error("could not read `{}`: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("`{}` is no regular file", path.display())]
    NotAFile { path: PathBuf },
    #[error("the signature of the {document} under the key `{kid}` does not fit")]
    BadSignature { document: DocumentType, kid: KeyId },
    #[error("the {document} was signed with the unknown key `{kid}`: this build knows {}", join(known))]
    UnknownKey { document: DocumentType, kid: KeyId, known: Vec<KeyId> },
    #[error("the key `{kid}` may not sign this {document}: {why}")]
    KeyUsage { document: DocumentType, kid: KeyId, why: &'static str },
    #[error("this is a {found}, not a {wanted}")]
    WrongDocument { wanted: DocumentType, found: DocumentType },
    #[error("the {document} is signed, and not in its canonical form")]
    NotCanonical { document: DocumentType },
    #[error("the readable member `{member}` of the license file disagrees with the signed claims")]
    CarrierDisagrees { member: &'static str },
    #[error("the {document} needs a newer program: {why}")]
    Unsupported { document: DocumentType, why: String },
    #[error("the license is for the {member} `{found}`, and this is `{wanted}`")]
    WrongProduct { member: &'static str, found: String, wanted: String },
    #[error("the license is not valid before {from}")]
    NotYetValid { from: Timestamp },
    #[error("the license expired at {at}")]
    Expired { at: Timestamp },
    #[error("the license `{license_id}` was revoked")]
    Revoked { license_id: String },
    #[error("the license `{license_id}` is suspended")]
    Suspended { license_id: String },
    #[error(
        "the license is bound to another installation: it names {}, this one has {}",
        short(bound),
        short(here)
    )]
    BindingMismatch { bound: Vec<String>, here: Vec<String> },
    #[error("the license is bound to {}, and nothing of that can be read here", named(kinds))]
    BindingUnreadable { kinds: Vec<Kind> },
    #[error("license `{license_id}` number {seq} was replaced by number {known} before")]
    Superseded { license_id: String, seq: u64, known: u64 },
    #[error("the license server has not confirmed the license; the time without it ended at {at}")]
    Unconfirmed { at: Timestamp },
    #[error("the license covers what was built until {until}, and this was built at {built_at}")]
    VersionNotCovered { until: Timestamp, built_at: Timestamp },
    #[error("the license ended for good at {at}")]
    Terminated { at: Timestamp },
    #[error("the public key is refused: {why}")]
    KeyRefused { why: &'static str },
    #[error("the claim `{claim}` is invalid: {why}")]
    ClaimsInvalid { claim: &'static str, why: String },
    #[error("what was remembered about the license is refused: {why}")]
    MemoryInvalid { why: &'static str },
    #[error("the keyset is invalid: {why}")]
    KeysetInvalid { why: String },
    #[error("keyset {found} cannot follow keyset {current}")]
    KeysetSkips { current: u64, found: u64 },
    #[error("keyset {version} has {found} of the {needed} signatures that the {whose} root keys owe it")]
    KeysetSignatures { version: u64, whose: &'static str, found: u64, needed: u64 },
    #[error("keyset {version} expired at {at}")]
    KeysetExpired { version: u64, at: Timestamp },
    #[error("revocation list {seq} is older than list {known}, which was seen before")]
    RevocationsRolledBack { seq: u64, known: u64 },
    #[error("the lease is refused: {why}")]
    LeaseRefused { why: &'static str },
    #[error("the license allows {allowed} {noun}, and {used} are there")]
    LimitReached { limit: String, noun: String, allowed: u64, used: u64 },
    #[error("the license does not include `{feature}`")]
    FeatureMissing { feature: String },
}

impl Refusal {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Refusal::Empty => license::LICENSE_EMPTY,
            Refusal::Malformed { .. } => license::LICENSE_MALFORMED,
            Refusal::TooLarge { .. } => license::LICENSE_TOO_LARGE,
            Refusal::Unreadable { .. } => license::LICENSE_UNREADABLE,
            Refusal::NotAFile { .. } => license::LICENSE_NOT_A_FILE,
            Refusal::BadSignature { .. } => license::LICENSE_BAD_SIGNATURE,
            Refusal::UnknownKey { .. } => license::LICENSE_UNKNOWN_KEY,
            Refusal::KeyUsage { .. } => license::LICENSE_KEY_USAGE,
            Refusal::WrongDocument { .. } => license::LICENSE_WRONG_DOCUMENT,
            Refusal::NotCanonical { .. } => license::LICENSE_NOT_CANONICAL,
            Refusal::CarrierDisagrees { .. } => license::LICENSE_CARRIER_DISAGREES,
            Refusal::Unsupported { .. } => license::LICENSE_UNSUPPORTED,
            Refusal::WrongProduct { .. } => license::LICENSE_WRONG_PRODUCT,
            Refusal::NotYetValid { .. } => license::LICENSE_NOT_YET_VALID,
            Refusal::Expired { .. } => license::LICENSE_EXPIRED,
            Refusal::Revoked { .. } => license::LICENSE_REVOKED,
            Refusal::Suspended { .. } => license::LICENSE_SUSPENDED,
            Refusal::BindingMismatch { .. } => license::LICENSE_BINDING_MISMATCH,
            Refusal::BindingUnreadable { .. } => license::LICENSE_BINDING_UNREADABLE,
            Refusal::Superseded { .. } => license::LICENSE_SUPERSEDED,
            Refusal::Unconfirmed { .. } => license::LICENSE_UNCONFIRMED,
            Refusal::VersionNotCovered { .. } => license::LICENSE_VERSION_NOT_COVERED,
            Refusal::Terminated { .. } => license::LICENSE_TERMINATED,
            Refusal::KeyRefused { .. } => license::LICENSE_KEY_REFUSED,
            Refusal::ClaimsInvalid { .. } => license::LICENSE_CLAIMS_INVALID,
            Refusal::MemoryInvalid { .. } => license::LICENSE_MEMORY_INVALID,
            Refusal::KeysetInvalid { .. } => license::KEYSET_INVALID,
            Refusal::KeysetSkips { .. } => license::KEYSET_SKIPS,
            Refusal::KeysetSignatures { .. } => license::KEYSET_SIGNATURES,
            Refusal::KeysetExpired { .. } => license::KEYSET_EXPIRED,
            Refusal::RevocationsRolledBack { .. } => license::REVOCATIONS_ROLLED_BACK,
            Refusal::LeaseRefused { .. } => license::LEASE_REFUSED,
            Refusal::LimitReached { .. } => license::LICENSE_LIMIT_REACHED,
            Refusal::FeatureMissing { .. } => license::LICENSE_FEATURE_MISSING,
        }
    }

    pub(crate) fn malformed(part: &'static str, why: impl Into<String>) -> Refusal {
        Refusal::Malformed { part, why: why.into() }
    }

    pub(crate) fn claim(claim: &'static str, why: impl Into<String>) -> Refusal {
        Refusal::ClaimsInvalid { claim, why: why.into() }
    }
}

impl AsRef<str> for Refusal {
    fn as_ref(&self) -> &str {
        self.code().id()
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        let error = Error::new(refusal.code(), refusal.to_string());
        match &refusal {
            Refusal::FeatureMissing { feature } => error.with("feature", feature),
            Refusal::LimitReached { limit, allowed, used, .. } => {
                error.with("limit", limit).with("allowed", allowed).with("used", used)
            }
            Refusal::UnknownKey { kid, .. }
            | Refusal::BadSignature { kid, .. }
            | Refusal::KeyUsage { kid, .. } => error.with("key", kid),
            _ => error,
        }
    }
}

fn join(known: &[KeyId]) -> String {
    if known.is_empty() {
        return "none".to_owned();
    }
    known.iter().map(|kid| format!("`{kid}`")).collect::<Vec<_>>().join(", ")
}

fn named(kinds: &[Kind]) -> String {
    kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// At most four of them: a license may name 64.
fn short(components: &[String]) -> String {
    if components.is_empty() {
        return "none".to_owned();
    }
    let shown: Vec<_> = components.iter().take(4).map(|one| format!("`{one}`")).collect();
    let rest = components.len() - shown.len();
    if rest == 0 { shown.join(", ") } else { format!("{} and {rest} more", shown.join(", ")) }
}
