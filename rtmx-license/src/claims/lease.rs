//! The lease: the license server's signed answer, for some days.

use crate::document::{Document, DocumentType, sealed::Sealed};
use crate::text::{check_id, check_integer, check_names};
use crate::{KeyId, Nonce, Refusal, moment};
use rtmx_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Claims of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// The license that was asked about.
    pub license_id: String,
    /// The highest number of that license that the server has issued.
    pub seq: u64,
    /// The installation that asked.
    pub installation_id: KeyId,
    /// What the installation sent along, so that no old answer fits a new question.
    pub nonce: Nonce,
    /// The server's time.
    #[serde(with = "moment")]
    pub server_time: Timestamp,
    /// Until when the answer confirms.
    #[serde(with = "moment")]
    pub lease_until: Timestamp,
    /// What the server says of the license.
    pub status: LeaseStatus,
    /// The number of the server's newest revocation list.
    pub revocation_seq: u64,
    /// Limits in place of the license's.
    pub limits: BTreeMap<String, u64>,
}

/// What the server says of a license.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseStatus {
    /// It is in force.
    Active,
    /// It is not, for the time being.
    Suspended,
    /// It is not any more.
    Revoked,
}

impl Sealed for Lease {}

impl Document for Lease {
    const TYPE: DocumentType = DocumentType::Lease;

    fn issued_at(&self) -> Timestamp {
        self.server_time
    }

    fn validate(&self) -> Result<(), Refusal> {
        check_id("license_id", &self.license_id)?;
        check_integer("seq", self.seq)?;
        check_integer("revocation_seq", self.revocation_seq)?;
        if self.installation_id.installation_key().is_err() {
            return Err(Refusal::claim("installation_id", "it is not the id of an installation"));
        }
        for (claim, at) in [("server_time", self.server_time), ("lease_until", self.lease_until)] {
            if !moment::is_in_range(at) {
                return Err(Refusal::claim(claim, "a moment has whole seconds, in the years 2020 to 2199"));
            }
        }
        if self.lease_until < self.server_time {
            return Err(Refusal::claim("lease_until", "it is before `server_time`"));
        }
        check_names("limits", self.limits.keys())?;
        self.limits.values().try_for_each(|most| check_integer("limits", *most))
    }
}
