//! Leases: what the online mode asks, which answer counts, and when to ask again.
//!
//! Only a signed lease that answers the very question is news. Everything else, whatever its status
//! code says, is no answer, and no answer is never a verdict: it only lets the time run that a license
//! may go without one. Randomness is passed in.

use crate::{
    ActivationPurpose, ActivationRequest, InstallationKey, KeyRing, Lease, License, Nonce, Profile, Readings,
    Refusal, Token, Verified, VerifiedLicense, open,
};
use rtmx_core::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often a license is confirmed, unless the configuration says otherwise.
pub const INTERVAL: Duration = Duration::from_secs(24 * 3600);
/// The shortest wait after a failure.
const FIRST_RETRY: Duration = Duration::from_secs(60);
/// The longest wait after a failure.
const LAST_RETRY: Duration = Duration::from_secs(3600);
/// The longest wait that a server may ask for.
const RETRY_AFTER_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// A question that was asked, and waits for its answer.
#[derive(Debug, Clone)]
pub struct PendingLease {
    license_id: String,
    installation_id: crate::KeyId,
    nonce: Nonce,
    token: Token,
}

impl PendingLease {
    /// Asks for a lease of a license.
    ///
    /// `issued_at` is the host's time, `counts` what is in use by the name of its limit.
    ///
    /// # Errors
    ///
    /// `license_claims_invalid` if the version or a count cannot be said.
    #[allow(clippy::too_many_arguments, reason = "each is one fact of the question")]
    pub fn new(
        key: &InstallationKey,
        license: &VerifiedLicense,
        profile: &Profile,
        version: &str,
        issued_at: Timestamp,
        nonce: Nonce,
        readings: &Readings,
        counts: &BTreeMap<String, u64>,
    ) -> Result<PendingLease, Refusal> {
        let request = ActivationRequest {
            purpose: ActivationPurpose::Lease,
            product: profile.product.clone(),
            version: version.to_owned(),
            license_id: license.license_id.clone(),
            seq: license.seq,
            installation_id: key.id().clone(),
            nonce,
            issued_at: crate::moment::whole(issued_at),
            components: readings.components(),
            counts: counts.clone(),
        };
        Ok(PendingLease {
            license_id: request.license_id.clone(),
            installation_id: request.installation_id.clone(),
            nonce,
            token: key.sign(&request)?,
        })
    }

    /// The signed question, as it is sent.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// The answer, if it is one. The nonce makes it the answer to this question and so as new as it: what
    /// the server's clock says is no part of that, because it may be wrong, and may have been before.
    ///
    /// # Errors
    ///
    /// `lease_refused` for the answer to another question; else what [`open`] refuses. Every error is
    /// to be treated as an outage.
    pub fn accept(&self, ring: &KeyRing, answer: &[u8]) -> Result<Verified<Lease>, Refusal> {
        let lease: Verified<Lease> = open(ring, answer)?;
        let refused = |why| Err(Refusal::LeaseRefused { why });
        if lease.license_id != self.license_id {
            return refused("it is about another license");
        }
        if lease.installation_id != self.installation_id {
            return refused("it is for another installation");
        }
        if lease.nonce != self.nonce {
            return refused("it answers another question");
        }
        Ok(lease)
    }
}

/// The time until a license is confirmed again, but never more than half of the time that it may go without:
/// one question may fail.
pub fn no_later(wanted: Duration, license: &License) -> Duration {
    let half_day = Duration::from_secs(12 * 3600);
    let days = u32::try_from(license.max_offline_days).unwrap_or(u32::MAX).max(1);
    wanted.min(half_day.saturating_mul(days))
}

/// When to ask again after an answer: the interval, 10 % more or less by `random`.
pub fn next_confirmation(interval: Duration, random: u64) -> Duration {
    let tenth = interval / 10;
    let spread = tenth.saturating_mul(2);
    interval.saturating_sub(tenth).saturating_add(fraction(spread, random))
}

/// When to ask again after the `failures`th failure in a row: full jitter up to one minute, doubled
/// each time up to one hour, and never before the server said (`Retry-After`, at most a day of it).
pub fn next_retry(failures: u32, random: u64, retry_after: Option<Duration>) -> Duration {
    let doubled =
        FIRST_RETRY.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    // Full jitter, but a second at least: zero would be a loop.
    let wait = fraction(doubled.min(LAST_RETRY), random).max(Duration::from_secs(1));
    retry_after.map_or(wait, |asked| wait.max(asked.min(RETRY_AFTER_LIMIT)))
}

/// The part of a span that a random number stands for.
fn fraction(span: Duration, random: u64) -> Duration {
    let part = span.as_nanos().saturating_mul(u128::from(random)) / u128::from(u64::MAX);
    Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX))
}
