//! The mode: judges as the offline one does, and renews by asking.
//!
//! Everything that a stranger could say on the way is an outage, and an outage changes nothing: the
//! memory stays as it is, and only the time to ask again is another.

use crate::client::{Attempt, Client};
use crate::keysets::successors;
use crate::outage::Outage;
use crate::settings::OnlineSettings;
use async_trait::async_trait;
use rtmx_core::Cx;
use rtmx_https::Trouble;
use rtmx_license::lease::{next_confirmation, next_retry, no_later};
use rtmx_license::{
    Checked, Checker, DocumentType, Facts, KeyRing, Lease, LicenseCapability, LicenseMode, Nonce,
    PendingLease, Refusal, Renewed, Token, Verified, VerifiedLicense, carrier,
};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Judges from what is there, and asks one server.
#[derive(Debug)]
pub(crate) struct Online {
    checker: Checker,
    client: Client,
    interval: Duration,
    /// Failures in a row, for the backoff. A restart forgets them: it asks once, and begins anew.
    failures: AtomicU32,
}

impl Online {
    /// # Errors
    ///
    /// `license_settings_invalid`.
    pub(crate) fn new(checker: Checker, settings: &OnlineSettings) -> rtmx_core::Result<Online> {
        let client = Client::new(settings)?;
        Ok(Online { checker, client, interval: settings.interval(), failures: AtomicU32::new(0) })
    }

    /// What is known of the license, after the server was asked for keysets if the license's own key is
    /// not known yet.
    async fn known(&self, attempt: &Attempt, key: &[u8], facts: &Facts) -> Result<(Checked, Facts), Outage> {
        let checked = self.checker.check(key, facts);
        let unknown = checked.verdict.refusal.as_ref().is_some_and(waits_for_a_key);
        if checked.license.is_some() || !unknown {
            return Ok((checked, facts.clone()));
        }
        let facts = match self.newer_keys(attempt, &checked.ring, facts).await? {
            Some((facts, _)) => facts,
            None => return Ok((checked, facts.clone())),
        };
        Ok((self.checker.check(key, &facts), facts))
    }

    /// The facts with the server's keysets that lead on, and the ring after them; none if none do.
    async fn newer_keys(
        &self,
        attempt: &Attempt,
        ring: &KeyRing,
        facts: &Facts,
    ) -> Result<Option<(Facts, KeyRing)>, Outage> {
        let (chain, ring) = successors(ring, &self.client.keysets(attempt).await?);
        if chain.is_empty() {
            return Ok(None);
        }
        let mut facts = facts.clone();
        facts.keysets.extend(chain);
        Ok(Some((facts, ring)))
    }

    /// Asks, and judges with what came; nothing, if there is no license of this program to ask about.
    async fn attempt(&self, attempt: &Attempt, key: &[u8], facts: &Facts) -> Result<Option<Checked>, Outage> {
        let (checked, facts) = self.known(attempt, key, facts).await?;
        match &checked.license {
            Some(license) if self.checker.profile().check(license).is_ok() => {
                let (lease, token, facts) = self.ask(attempt, license, &checked, facts).await?;
                Ok(Some(self.checker.check_with(key, &facts, Some((&lease, &token)))))
            }
            _ => Ok(None),
        }
    }

    /// Asks for a lease, and for what belongs to it.
    async fn ask(
        &self,
        attempt: &Attempt,
        license: &VerifiedLicense,
        checked: &Checked,
        facts: Facts,
    ) -> Result<(Verified<Lease>, Token, Facts), Outage> {
        let nonce: [u8; 16] = facts.random[..16].try_into().expect("the range has 16 bytes");
        if nonce == [0; 16] {
            return Err(Outage::NoRandomness);
        }
        let pending = PendingLease::new(
            &facts.installation,
            license,
            self.checker.profile(),
            &facts.version,
            checked.verdict.judged_at,
            Nonce::from_random(nonce),
            &facts.readings,
            &facts.counts,
        )
        .map_err(|refusal| Trouble::Unasked { source: refusal.into() })?;
        let answer = self.client.lease(attempt, pending.token().as_str()).await?;
        let refused = |source| Outage::Refused { source };
        let (mut facts, ring) = match pending.accept(&checked.ring, &answer) {
            Ok(_) => {
                // Best effort, as is the revocation list: the lease is news without them.
                let newer = self.newer_keys(attempt, &checked.ring, &facts).await.ok().flatten();
                newer.unwrap_or_else(|| (facts, checked.ring.clone()))
            }
            // The server has moved on to a key that this installation has not heard of.
            Err(refusal) if waits_for_a_key(&refusal) => {
                let newer = self.newer_keys(attempt, &checked.ring, &facts).await?;
                newer.ok_or(refused(refusal))?
            }
            Err(refusal) => return Err(refused(refusal)),
        };
        // The keys as they will be remembered decide: under others the lease would be lost at once.
        let lease = pending.accept(&ring, &answer).map_err(refused)?;
        let token = carrier::token_of(&answer, DocumentType::Lease).map_err(refused)?;
        let known = checked.revocations.as_ref().map_or(0, |list| list.seq);
        if lease.revocation_seq > known {
            facts.revocations = self.client.revocations(attempt).await.ok().or(facts.revocations);
        }
        Ok((lease, token, facts))
    }
}

/// Whether a keyset could make it acceptable.
fn waits_for_a_key(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::UnknownKey { .. } | Refusal::KeyUsage { .. })
}

#[async_trait]
impl LicenseMode for Online {
    fn capability(&self) -> LicenseCapability {
        let mut capability = LicenseCapability::NONE;
        capability.renews = true;
        capability
    }

    /// Waits for nothing, so neither deadline nor cancellation matters.
    async fn check(&self, _: &Cx, key: &[u8], facts: &Facts) -> rtmx_core::Result<Checked> {
        Ok(self.checker.check(key, facts))
    }

    /// Asks once. Must run in a Tokio runtime with time and I/O.
    async fn renew(&self, cx: &Cx, key: &[u8], facts: &Facts) -> rtmx_core::Result<Renewed> {
        cx.check(Instant::now())?;
        let random: [u8; 8] = facts.random[16..24].try_into().expect("the range has 8 bytes");
        let random = u64::from_le_bytes(random);
        let before = self.checker.check(key, facts);
        let attempt = Attempt::new(cx, before.verdict.judged_at, facts.wall);
        let confirmed = |sealed| {
            let license = before.license.as_deref();
            let interval = license.map_or(self.interval, |license| no_later(self.interval, license));
            Ok(Renewed { sealed, outage: None, again_after: next_confirmation(interval, random) })
        };
        match self.attempt(&attempt, key, facts).await {
            Ok(Some(renewed)) => {
                self.failures.store(0, Ordering::Relaxed);
                confirmed(Some(renewed.sealed))
            }
            // Without a license that is for this program there is nothing to confirm.
            Ok(None) => confirmed(None),
            Err(outage) => {
                let failures = self.failures.load(Ordering::Relaxed).saturating_add(1);
                self.failures.store(failures, Ordering::Relaxed);
                let again_after = next_retry(failures, random, outage.retry_after());
                Ok(Renewed { sealed: None, outage: Some(outage.in_words(self.client.server())), again_after })
            }
        }
    }
}
