//! The reference, with one flaw put in at the trait.

use super::Flaw;
use crate::license::bench::Place;
use crate::license::reference::Asking;
use async_trait::async_trait;
use rtmx_core::{Cx, Error, Result, Timestamp, license, storage};
use rtmx_license::{
    Checked, Facts, LicenseCapability, LicenseMode, Memory, Refusal, Renewed, State, Warning, Why,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The reference with a flaw.
#[derive(Debug)]
pub(super) struct Flawed {
    flaw: Flaw,
    inner: Asking,
    /// What a flaw keeps in the process.
    kept: Mutex<Kept>,
    asking: AtomicBool,
}

#[derive(Debug, Default)]
struct Kept {
    memory: Option<Vec<u8>>,
    good: Option<Vec<u8>>,
    locked: bool,
}

impl Flawed {
    pub(super) fn new(flaw: Flaw, place: &Place) -> Flawed {
        let mut inner = Asking::new(place);
        inner.flaw = Some(flaw);
        Flawed { flaw, inner, kept: Mutex::default(), asking: AtomicBool::new(false) }
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The facts as the flaw sees them.
    fn bent(&self, facts: &Facts) -> Facts {
        let mut bent = facts.clone();
        let second = |by: i64| Timestamp::from_second(facts.wall.as_second() + by).unwrap_or(facts.wall);
        match self.flaw {
            Flaw::RemembersInTheProcess => bent.memory = self.kept().memory.clone().into_iter().collect(),
            Flaw::ForgetsEverything => bent.memory.clear(),
            Flaw::ReadsOneCopy => bent.memory.truncate(1),
            Flaw::EndsEarly => bent.wall = second(1),
            Flaw::EndsLate => bent.wall = second(-1),
            Flaw::BelievesAClockSetBack if behind_s(facts) > 0 => bent.memory.clear(),
            // Eight days each time are more than it takes.
            Flaw::BelievesAClockSetAhead => bent.elapsed = Duration::from_secs(8 * 86_400),
            Flaw::CountsNoRunningTime => bent.elapsed = Duration::ZERO,
            Flaw::IgnoresRevocations => bent.revocations = None,
            Flaw::IgnoresKeysets => bent.keysets.clear(),
            Flaw::RepeatsItsNonce => bent.random[..16].fill(7),
            Flaw::TellsMore => {
                bent.counts.insert("processors".to_owned(), 64);
            }
            _ => {}
        }
        bent
    }
}

/// By how many seconds the clock is behind what is remembered.
fn behind_s(facts: &Facts) -> u64 {
    let open = |copy: &Vec<u8>| Memory::open(copy, &facts.installation).ok();
    let marks = facts.memory.iter().filter_map(open).filter_map(|memory| memory.clock().mark());
    let lead_s = marks.max().map_or(0, |mark| mark.as_second() - facts.wall.as_second());
    u64::try_from(lead_s).unwrap_or(0)
}

fn without_license(checked: &mut Checked, why: Why) {
    checked.verdict.state = State::Restricted { why };
    let table = crate::license::documents::ENTITLEMENTS;
    checked.entitlements = rtmx_license::Entitlements::community(table);
}

#[async_trait]
impl LicenseMode for Flawed {
    fn capability(&self) -> LicenseCapability {
        let mut capability = self.inner.capability();
        capability.renews = !self.is(Flaw::HidesThatItRenews);
        capability
    }

    async fn check(&self, cx: &Cx, key: &[u8], facts: &Facts) -> Result<Checked> {
        if self.is(Flaw::ChecksWithAWait) {
            tokio::task::yield_now().await;
        }
        while self.is(Flaw::ChecksBehindTheQuestion) && self.asking.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
        let damaged = |copy: &Vec<u8>| Memory::open(copy, &facts.installation).is_err();
        if self.is(Flaw::FailsOnDamage) && facts.memory.iter().any(damaged) {
            return Err(Refusal::MemoryInvalid { why: "it was changed" }.into());
        }
        let mut checked = self.inner.check(cx, key, &self.bent(facts)).await?;
        let refusal = checked.verdict.refusal.clone();
        if let (Flaw::FailsOnGarbage, None, Some(refusal)) = (self.flaw, &checked.license, refusal) {
            return Err(Error::new(license::LICENSE_MALFORMED, refusal.to_string()));
        }
        let good = self.kept().good.clone();
        if let (Flaw::FallsBackInSilence, None, Some(good)) = (self.flaw, &checked.license, good) {
            checked = self.inner.check(cx, &good, facts).await?;
        }
        if checked.verdict.is_in_force() {
            self.kept().good = Some(key.to_vec());
        }
        self.kept().memory = Some(checked.sealed.clone());
        if self.is(Flaw::KnowsNoGrace) && matches!(checked.verdict.state, State::Grace { .. }) {
            without_license(&mut checked, Why::Expired);
        }
        if self.is(Flaw::AlarmsAtEveryStep) && behind_s(facts) > 0 {
            checked.verdict.warnings.push(Warning::ClockBehind { by_s: behind_s(facts) });
        }
        if self.kept().locked {
            without_license(&mut checked, Why::Revoked);
        }
        Ok(checked)
    }

    async fn renew(&self, cx: &Cx, key: &[u8], facts: &Facts) -> Result<Renewed> {
        if self.is(Flaw::ClaimsToRenew) {
            return Err(Error::new(storage::NOT_SUPPORTED, "could not renew a lease"));
        }
        let without_deadline = Cx::new();
        let cx = if self.is(Flaw::IgnoresTheDeadline) { &without_deadline } else { cx };
        self.asking.store(true, Ordering::Relaxed);
        let renewed = self.inner.renew(cx, key, &self.bent(facts)).await;
        self.asking.store(false, Ordering::Relaxed);
        let mut renewed = renewed?;
        if let Some(sealed) = &renewed.sealed {
            self.kept().memory = Some(sealed.clone());
        }
        let outage = renewed.outage.clone();
        match (self.flaw, outage) {
            (Flaw::FailsOnAnOutage, Some(why)) => {
                return Err(Error::new(storage::STORAGE_UNAVAILABLE, why));
            }
            (Flaw::HidesOutages, _) => renewed.outage = None,
            (Flaw::LocksOutOnAnOutage, Some(_)) => self.kept().locked = true,
            (Flaw::BelievesAStatus, Some(why)) if why.contains("403") => self.kept().locked = true,
            (Flaw::ForgetsOnAnOutage, Some(_)) => {
                renewed.sealed = Some(Memory::default().seal(&facts.installation));
            }
            (Flaw::AsksAllTheTime, None) => renewed.again_after = Duration::from_secs(1),
            (Flaw::NeverBacksOff, Some(_)) => {
                renewed.again_after = renewed.again_after.min(Duration::from_secs(60));
            }
            _ => {}
        }
        Ok(renewed)
    }
}
