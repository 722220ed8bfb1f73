//! Asking the license server: one of all servers does, in the background.
//!
//! When it is asked next is read from what all servers remember, and a lease says which of them asks. One
//! that loses the race, or finds that another has asked since, reads it again: each question beyond one
//! looks to the license server like a second installation.

use super::{Keeper, PAUSE};
use crate::licensing::{Known, store};
use rtmx_core::{Cx, Result, Timestamp, storage};
use rtmx_license::{Checked, lease};
use rtmx_storage::{LeaseCall, LeaseRequest};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long the license server may take.
const RENEW_LIMIT: Duration = Duration::from_secs(60);
/// Who renews: one of all servers.
const RENEWER: &str = "license/renewal";

impl Keeper {
    /// Asks the license server if it is time, and this server is the one that does; the time until then.
    pub(super) async fn renew(&mut self) -> Result<Duration> {
        let known = self.app.licensing.known();
        let licensed = known.checked.as_ref().filter(|checked| checked.license.is_some());
        let Some(checked) = licensed.filter(|_| self.mode.capability().renews) else { return Ok(PAUSE) };
        let now = Instant::now();
        let due = match self.renew_at {
            Some(due) => due,
            None => self.plan(checked, now),
        };
        let cx = self.app.cx(RENEW_LIMIT);
        if now < due {
            if self.retries {
                // Nobody else asks a server that this one did not reach.
                self.is_renewer(&cx).await?;
            }
            return Ok((due - now).min(PAUSE));
        }
        if !self.is_renewer(&cx).await? {
            (self.renew_at, self.retries) = (None, false);
            return Ok(PAUSE);
        }
        let stored = store::read(&self.app, &cx).await?;
        stored.own_key()?;
        let mut facts = self.facts(&stored)?;
        facts.counts.clone_from(&known.used);
        let (chosen, _) = self.choose(&cx, &stored, &facts).await?;
        if confirmed_at(&chosen.checked) > self.renew_after {
            // Another server has asked since.
            self.retries = false;
            let due = self.plan(&chosen.checked, now);
            return Ok(due.saturating_duration_since(now).min(PAUSE));
        }
        let Some(document) = chosen.document else { return Ok(PAUSE) };
        let renewed = self.mode.renew(&cx, document.expose(), &facts).await?;
        let again_after = self.no_later(&chosen.checked, renewed.again_after);
        self.renew_at = Some(Instant::now() + again_after);
        self.retries = renewed.outage.is_some();
        if let Some(sealed) = &renewed.sealed {
            store::remember(&self.app, &cx, &stored.key, sealed, self.is_server, Some(stored.memory_at))
                .await?;
        }
        self.said.outage(renewed.outage.as_deref(), again_after);
        let known = self.app.licensing.known();
        let known = Known {
            checked: known.checked.clone(),
            origin: known.origin,
            passed_over: known.passed_over.clone(),
            used: known.used.clone(),
            outage: renewed.outage,
            at: known.at,
        };
        self.app.licensing.known.store(Arc::new(known));
        // What came is judged at once.
        let pause = if renewed.sealed.is_some() { self.check().await? } else { again_after.min(PAUSE) };
        self.renew_after = self.app.licensing.known().checked.as_ref().and_then(confirmed_at);
        Ok(pause)
    }

    /// When the license server is to be asked by what all servers remember: a restart, or a server more, is
    /// no reason to ask again.
    fn plan(&mut self, checked: &Checked, now: Instant) -> Instant {
        let confirmed = confirmed_at(checked);
        let since = confirmed.map(|at| self.app.clock.now().duration_since(at));
        let since = since.and_then(|since| Duration::try_from(since).ok());
        let interval = self.no_later(checked, self.app.settings().license.revalidate_interval);
        let due = now + since.map_or(Duration::ZERO, |since| interval.saturating_sub(since));
        (self.renew_at, self.renew_after) = (Some(due), confirmed);
        due
    }

    /// Asks with the next turn, unless another server has by then.
    pub(super) fn ask_now(&mut self, checked: &Checked) {
        (self.renew_at, self.renew_after) = (Some(Instant::now()), confirmed_at(checked));
    }

    /// Whether the license server confirmed the license within so much time.
    pub(super) fn is_confirmed_since(&self, checked: &Checked, within: Duration) -> bool {
        let since = confirmed_at(checked).map(|at| self.app.clock.now().duration_since(at));
        since.and_then(|since| Duration::try_from(since).ok()).is_some_and(|since| since <= within)
    }

    /// The time until the next question, but soon enough for the license not to want it before.
    fn no_later(&self, checked: &Checked, wanted: Duration) -> Duration {
        checked.license.as_ref().map_or(wanted, |license| lease::no_later(wanted, license))
    }

    async fn is_renewer(&self, cx: &Cx) -> Result<bool> {
        let (name, holder, call) = (RENEWER.to_owned(), self.holder.clone(), LeaseCall::Acquire);
        let request = LeaseRequest { name, holder, call, ttl: 3 * PAUSE, now: self.app.clock.now() };
        match self.app.storage.lease(cx, &request).await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == storage::LEASE_HELD => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// When the license server last said that the license is in force.
fn confirmed_at(checked: &Checked) -> Option<Timestamp> {
    checked.memory.confirmed_at(&checked.license.as_ref()?.license_id)
}
