//! The reference: the shortest mode that keeps the laws. It shows what the kit asks for, and the broken
//! modes are made from it.

use super::bench::Place;
use super::broken::Flaw;
use super::vendor::{Reply, Vendor};
use async_trait::async_trait;
use rtmx_core::{Cx, Result, Timestamp};
use rtmx_license::lease::{next_confirmation, next_retry};
use rtmx_license::{
    Checked, Checker, DocumentType, Facts, Lease, LicenseCapability, LicenseMode, Nonce, PendingLease,
    Renewed, Verified, carrier,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A mode that asks the vendor by calling it.
#[derive(Debug)]
pub(crate) struct Asking {
    checker: Checker,
    vendor: Arc<Vendor>,
    interval: Duration,
    patience: Duration,
    failures: AtomicU32,
    /// What is broken where the trait does not reach; nothing, in the reference itself.
    pub(crate) flaw: Option<Flaw>,
}

/// Why there is no news, and what the server asked for.
type Nothing = (String, Option<Duration>);

impl Asking {
    pub(crate) fn new(place: &Place) -> Asking {
        Asking {
            checker: place.checker.clone(),
            vendor: Arc::clone(&place.vendor),
            interval: place.interval,
            patience: place.patience,
            failures: AtomicU32::new(0),
            flaw: None,
        }
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    async fn get(&self, cx: &Cx, line: &str, body: &[u8], mark: &str) -> Result<Vec<u8>, Nothing> {
        let mut headers = vec![("host".to_owned(), "vendor".to_owned())];
        if self.is(Flaw::MarksItsQuestions) {
            headers.push(("x-who".to_owned(), mark.to_owned()));
        }
        match self.vendor.answer(line, headers, body) {
            Reply::Whole { status: 200, headers, body } if headers.is_empty() => Ok(body),
            Reply::Whole { body, .. } if self.is(Flaw::IgnoresStatuses) => Ok(body),
            Reply::Whole { status, headers, .. } => {
                let asked = headers.iter().find(|(name, _)| *name == "retry-after");
                let wait = asked.and_then(|(_, text)| seconds(text));
                Err((format!("it answered {status}"), wait))
            }
            Reply::SaysNothing => {
                let left = cx.remaining(std::time::Instant::now()).unwrap_or(self.patience);
                tokio::time::sleep(left.min(self.patience)).await;
                Err(("it said nothing".to_owned(), None))
            }
            _ => Err(("it made no sense".to_owned(), None)),
        }
    }

    async fn ask(&self, cx: &Cx, key: &[u8], facts: &Facts) -> Result<Option<Vec<u8>>, Nothing> {
        let words = |refusal: rtmx_license::Refusal| (refusal.to_string(), None);
        let mut facts = facts.clone();
        let mut checked = self.checker.check(key, &facts);
        if checked.license.is_none() && checked.verdict.refusal.is_some() {
            self.learn_keys(cx, &mut facts).await;
            checked = self.checker.check(key, &facts);
        }
        let for_us = |license: &&rtmx_license::VerifiedLicense| self.checker.profile().check(license).is_ok();
        let Some(license) = checked.license.as_ref().filter(for_us) else {
            if self.is(Flaw::AsksForNothing) {
                self.get(cx, "POST /v1/leases", b"", "").await?;
            }
            return Ok(None);
        };
        let who = facts.installation.id().as_str();
        let nonce = Nonce::from_random(facts.random[..16].try_into().expect("16 bytes"));
        let pending = PendingLease::new(
            &facts.installation,
            license,
            self.checker.profile(),
            &facts.version,
            checked.verdict.judged_at,
            nonce,
            &facts.readings,
            &facts.counts,
        )
        .map_err(words)?;
        let answer = self.get(cx, "POST /v1/leases", pending.token().as_str().as_bytes(), who).await?;
        let mut facts = facts.clone();
        self.learn_keys(cx, &mut facts).await;
        let ring = self.checker.check(key, &facts).ring;
        let lease = match pending.accept(&ring, &answer) {
            Err(_) if self.is(Flaw::TakesReplays) => rtmx_license::open(&ring, &answer).map_err(words)?,
            accepted => accepted.map_err(words)?,
        };
        let token = carrier::token_of(&answer, DocumentType::Lease).map_err(words)?;
        if !self.is(Flaw::FetchesNoList) {
            let list = self.get(cx, "GET /v1/revocations", b"", who).await;
            facts.revocations = list.ok().or(facts.revocations);
        }
        let off_s = lease.server_time.as_second().abs_diff(facts.wall.as_second());
        if self.is(Flaw::WantsARightServerClock) && off_s > 86_400 {
            return Err(("its clock is wrong".to_owned(), None));
        }
        let is_older = |before: &Verified<Lease>| lease.server_time < before.server_time;
        if self.is(Flaw::WantsRisingServerTimes) && checked.lease.as_ref().is_some_and(is_older) {
            return Err(("it is older than the lease before".to_owned(), None));
        }
        Ok(Some(self.checker.check_with(key, &facts, Some((&lease, &token))).sealed))
    }

    async fn learn_keys(&self, cx: &Cx, facts: &mut Facts) {
        if self.is(Flaw::FetchesNoKeys) {
            return;
        }
        let who = facts.installation.id().as_str();
        let answer = self.get(cx, "GET /v1/keysets", b"", who).await.unwrap_or_default();
        let documents: Vec<String> = serde_json::from_slice(&answer).unwrap_or_default();
        facts.keysets = documents.into_iter().map(String::into_bytes).collect();
    }
}

fn seconds(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment: Timestamp = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let wait = moment.as_second() - super::documents::at(1, 0).as_second();
    u64::try_from(wait).ok().map(Duration::from_secs)
}

#[async_trait]
impl LicenseMode for Asking {
    fn capability(&self) -> LicenseCapability {
        let mut capability = LicenseCapability::NONE;
        capability.renews = true;
        capability
    }

    async fn check(&self, _: &Cx, key: &[u8], facts: &Facts) -> Result<Checked> {
        Ok(self.checker.check(key, facts))
    }

    async fn renew(&self, cx: &Cx, key: &[u8], facts: &Facts) -> Result<Renewed> {
        cx.check(std::time::Instant::now())?;
        let random = u64::from_le_bytes(facts.random[16..24].try_into().expect("8 bytes"));
        match self.ask(cx, key, facts).await {
            Ok(sealed) => {
                if !self.is(Flaw::BacksOffForEver) {
                    self.failures.store(0, Ordering::Relaxed);
                }
                let again_after = next_confirmation(self.interval, random);
                Ok(Renewed { sealed, outage: None, again_after })
            }
            Err((why, wait)) => {
                let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
                let heard = wait.filter(|_| !self.is(Flaw::IgnoresRetryAfter));
                let mut again_after = next_retry(failures, random, heard);
                if self.is(Flaw::ObeysRetryAfterForEver) {
                    again_after = wait.unwrap_or(again_after);
                }
                Ok(Renewed { sealed: None, outage: Some(why), again_after })
            }
        }
    }
}
