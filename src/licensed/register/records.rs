//! What the register keeps, as types.
//!
//! Each is the value of one `Setting` record of the licensing space (decision record 0027). Tokens are
//! no secret to the vendor and are kept; private keys never come near this file.

use rtmx_core::Timestamp;
use rtmx_license::{KeyId, License, Nonce, RevocationList};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The newest license of an id; under `license/<id>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseRecord {
    /// What it says.
    pub claims: License,
    /// The key that signed it.
    pub kid: KeyId,
    /// The SHA-256 of its token.
    pub hash: String,
    /// Its token.
    pub token: String,
    /// What the vendor says of it, its revocation aside.
    pub standing: Standing,
    /// Limits in place of the license's; every lease carries them.
    #[serde(default)]
    pub limits: BTreeMap<String, u64>,
    /// When it was recorded here.
    pub recorded_at: Timestamp,
}

/// What the vendor says of a license.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is in force.
    Active,
    /// It is not, for the time being.
    Suspended,
}

/// One token that was issued; under `issue/<id>/<number>`, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// The license's id.
    pub license_id: String,
    /// The number.
    pub seq: u64,
    /// The key that signed it.
    pub kid: KeyId,
    /// The SHA-256 of the token: what a revocation, and a list after a compromise, names.
    pub hash: String,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The token.
    pub token: String,
}

/// The newest revocation list of a product; under `revocations/<product>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RevocationRecord {
    /// What it says.
    pub list: RevocationList,
    /// Its token.
    pub token: String,
}

/// A keyset as it is handed out; under `keyset/<product>/<version>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredKeyset {
    /// Its version.
    pub version: u64,
    /// One token a line.
    pub document: String,
}

/// An installation that uses a license; under `activation/<license>/<installation>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// When it came first, or came back.
    pub since: Timestamp,
    /// When it was heard of last.
    pub seen_at: Timestamp,
    /// Its own time then.
    pub asked_at: Timestamp,
    /// The random number of its last question.
    pub nonce: Nonce,
    /// Until when it was told that its license counts; it holds its place so long.
    pub lease_until: Timestamp,
    /// Until when it may stay beyond the limit, while it replaces another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surge_until: Option<Timestamp>,
    /// The number of its license.
    pub seq: u64,
    /// Its version.
    pub version: String,
    /// Its live servers, one at least.
    pub nodes: u64,
    /// What it says is in use.
    pub counts: BTreeMap<String, u64>,
    /// Where it asked from: the cluster's or the machine's fingerprint.
    pub place: Option<String>,
    /// The place before, and when it was heard of there last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place_before: Option<(String, Timestamp)>,
    /// How often its own time went back.
    #[serde(default)]
    pub clock_backs: u32,
    /// When it was reported that two seem to use one identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clone_reported_at: Option<Timestamp>,
}

/// One line of the audit; under `audit/<milliseconds>-<count>-<random>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditEntry {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What happened: `issued`, `renewed`, `recorded`, `revoked`, `activated`, `released`, `refused`,
    /// `clone_suspected`, `over_limit`, `amended`, `keyset`.
    pub act: String,
    /// Who did it: `rtmx-licensed`, `staff`, or the peer address.
    pub actor: String,
    /// The license; empty where none is known.
    #[serde(default)]
    pub license: String,
    /// The installation; empty where none is meant.
    #[serde(default)]
    pub installation: String,
    /// The error code of a refusal, or what else there is to say.
    #[serde(default)]
    pub detail: String,
    /// How often it happened since the line before that says the same.
    pub count: u64,
}

impl AuditEntry {
    /// A line about something that happened once.
    pub fn new(at: Timestamp, act: &str, actor: &str) -> AuditEntry {
        AuditEntry {
            at,
            act: act.to_owned(),
            actor: actor.to_owned(),
            license: String::new(),
            installation: String::new(),
            detail: String::new(),
            count: 1,
        }
    }

    /// About a license.
    #[must_use]
    pub fn of(mut self, license: &str) -> AuditEntry {
        license.clone_into(&mut self.license);
        self
    }

    /// With more to say.
    #[must_use]
    pub fn saying(mut self, detail: impl Into<String>) -> AuditEntry {
        self.detail = detail.into();
        self
    }
}
