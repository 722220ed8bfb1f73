//! What is remembered about licenses between checks and restarts.
//!
//! The host stores it as opaque bytes, in the database and in a file, and hands back whatever copies
//! it finds. A copy is sealed with the installation's key (HMAC-SHA256), so that one from another
//! host, or one that was edited, counts as absent; that is a warning and nothing more. Copies are
//! merged: each part from where it is newest, and the same whichever is looked at first.

use crate::clock::{ClockMark, TOLERANCE_S};
use crate::moment;
use crate::token::encode;
use crate::{InstallationKey, Lease, License, Refusal};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::Mac;
use rtmx_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

const PREFIX: &str = "rtmx-license-memory-1.";
/// The most bytes of a sealed memory: 64 keysets, a revocation list, a lease.
const LIMIT_BYTES: usize = 4 * 1024 * 1024;
/// How many licenses are remembered.
const LICENSES_LIMIT: usize = 64;

/// What is remembered.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Grows with each change, and tells the newer of two copies.
    pub(crate) writes: u64,
    /// The clock guard's part.
    pub(crate) clock: ClockMark,
    /// Since when the binding does not fit.
    pub(crate) unfit_since: Option<Timestamp>,
    /// The licenses that were in force, by id.
    pub(crate) licenses: BTreeMap<String, Remembered>,
    /// The last lease, as its token.
    pub(crate) lease: Option<Kept>,
    /// The revocation list in force, as its token.
    pub(crate) revocations: Option<Kept>,
    /// The keysets after the compiled one, oldest first.
    pub(crate) keysets: Vec<String>,
}

/// A license that was in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Remembered {
    pub(crate) seq: u64,
    pub(crate) issued_at: Timestamp,
    pub(crate) first_seen: Timestamp,
    /// The license server's last word that it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) confirmed: Option<Confirmed>,
}

/// When a lease came that said that a license is in force, and until when it holds: by the clock of this
/// installation, so that a server with a wrong one takes nothing and gives nothing. It is kept beside the
/// lease, and so outlives the key that the lease was signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirmed {
    pub(crate) at: Timestamp,
    pub(crate) until: Timestamp,
}

impl Confirmed {
    /// By a lease that came now: for its length from now.
    pub(crate) fn by(lease: &Lease, now: Timestamp) -> Confirmed {
        let length_s = moment::seconds_between(lease.server_time, lease.lease_until);
        Confirmed { at: now, until: moment::later(now, length_s) }
    }
}

/// A token and what orders it among others: the list's number, or for leases the server's time, and more
/// than the one before had in any case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    pub(crate) order: i64,
    pub(crate) token: String,
}

impl Memory {
    /// Seals the memory for storing.
    pub fn seal(&self, key: &InstallationKey) -> Vec<u8> {
        let body = serde_json::to_vec(self).expect("maps by text and numbers are JSON");
        let mac = key.seal(&body).finalize().into_bytes();
        format!("{PREFIX}{}.{}", encode(&body), encode(&mac)).into_bytes()
    }

    /// Opens a stored copy.
    ///
    /// # Errors
    ///
    /// `license_memory_invalid`: cut, changed, or of another installation.
    pub fn open(bytes: &[u8], key: &InstallationKey) -> Result<Memory, Refusal> {
        let invalid = |why| Refusal::MemoryInvalid { why };
        if bytes.len() > LIMIT_BYTES {
            return Err(invalid("it is too large"));
        }
        let text = std::str::from_utf8(bytes).ok().and_then(|text| text.strip_prefix(PREFIX));
        let (body, mac) =
            text.and_then(|text| text.split_once('.')).ok_or(invalid("it is cut or of another form"))?;
        let decode = |text| BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid("it was changed"));
        let (body, mac) = (decode(body)?, decode(mac)?);
        let sealed = key.seal(&body).verify_slice(&mac);
        sealed.map_err(|_| invalid("it was changed, or belongs to another installation"))?;
        serde_json::from_slice(&body).map_err(|_| invalid("it was written by another version"))
    }

    /// Whether the other remembers the same but for the clock, which moves all the time: a host that
    /// keeps every write for ever need not write that down each time.
    pub fn differs_in_time_alone(&self, other: &Memory) -> bool {
        let still = |memory: &Memory| Memory { writes: 0, clock: ClockMark::default(), ..memory.clone() };
        still(self) == still(other)
    }

    /// What two copies say together.
    #[must_use]
    pub fn merged(&self, other: &Memory) -> Memory {
        // Of two that were written as often, the milder one.
        let age = |memory: &Memory| (memory.writes, std::cmp::Reverse(memory.unfit_since));
        let newer = if age(other) > age(self) { other } else { self };
        let mut licenses = self.licenses.clone();
        for (id, theirs) in &other.licenses {
            let ours = licenses.entry(id.clone()).or_insert_with(|| theirs.clone());
            ours.first_seen = ours.first_seen.min(theirs.first_seen);
            (ours.seq, ours.issued_at) = (ours.seq, ours.issued_at).max((theirs.seq, theirs.issued_at));
            ours.confirmed = ours.confirmed.max(theirs.confirmed);
        }
        let longer = [&self.keysets, &other.keysets].into_iter().max_by_key(|sets| (sets.len(), *sets));
        Memory {
            writes: newer.writes,
            clock: self.clock.merged(&other.clock),
            unfit_since: newer.unfit_since,
            licenses,
            lease: self.lease.clone().max(other.lease.clone()),
            revocations: self.revocations.clone().max(other.revocations.clone()),
            keysets: longer.cloned().unwrap_or_default(),
        }
    }

    /// Remembers a license that is in force; `confirmed` if a lease came that says so of one that was not
    /// known before.
    pub(crate) fn remember(&mut self, license: &License, now: Timestamp, confirmed: Option<Confirmed>) {
        let (seq, issued_at) = (license.seq, license.issued_at);
        let fresh = || Remembered { seq, issued_at, first_seen: now, confirmed };
        let known = self.licenses.entry(license.license_id.clone()).or_insert_with(fresh);
        if license.seq >= known.seq {
            (known.seq, known.issued_at) = (license.seq, license.issued_at.max(known.issued_at));
        }
        while self.licenses.len() > LICENSES_LIMIT {
            let others = self.licenses.iter().filter(|(id, _)| **id != license.license_id);
            let Some(oldest) = others.min_by_key(|(_, one)| one.issued_at).map(|(id, _)| id.clone()) else {
                break;
            };
            self.licenses.remove(&oldest);
        }
    }

    /// Takes a lease that came just now. Its number is above that of the one before even where the
    /// server's clock was set back since.
    pub(crate) fn keep_lease(&mut self, server_time: Timestamp, token: String) {
        let next = self.lease.as_ref().map_or(i64::MIN, |before| before.order.saturating_add(1));
        self.lease = Some(Kept { order: next.max(server_time.as_second()), token });
    }

    /// Remembers of a license that is known that a lease says that it is in force.
    pub(crate) fn confirm(&mut self, license_id: &str, confirmed: Confirmed) {
        if let Some(known) = self.licenses.get_mut(license_id) {
            known.confirmed = Some(confirmed);
        }
    }

    /// Nothing was seen later than now: what a clock that was ahead wrote down is set right.
    pub(crate) fn hold_to(&mut self, now: Timestamp) {
        let latest = moment::later(now, TOLERANCE_S);
        for known in self.licenses.values_mut() {
            if known.first_seen > latest {
                known.first_seen = now;
            }
            if let Some(confirmed) = known.confirmed.as_mut().filter(|confirmed| confirmed.at > latest) {
                let length_s = moment::seconds_between(confirmed.at, confirmed.until);
                *confirmed = Confirmed { at: now, until: moment::later(now, length_s) };
            }
        }
    }

    /// When the license server last said that this license is in force.
    pub fn confirmed_at(&self, license_id: &str) -> Option<Timestamp> {
        self.licenses.get(license_id)?.confirmed.map(|confirmed| confirmed.at)
    }

    /// The latest time at which a license that was in force was signed.
    pub(crate) fn proven(&self) -> Option<Timestamp> {
        self.licenses.values().map(|one| one.issued_at).max()
    }

    /// The clock guard's part.
    pub fn clock(&self) -> &ClockMark {
        &self.clock
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("writes", &self.writes)
            .field("clock", &self.clock)
            .field("unfit_since", &self.unfit_since)
            .field("licenses", &self.licenses)
            .field("lease", &self.lease.is_some())
            .field("revocations", &self.revocations.as_ref().map(|kept| kept.order))
            .field("keysets", &self.keysets.len())
            .finish()
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({})", self.order)
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
