//! The task that keeps the license: checks, renews, remembers, and says what changed.

mod choose;
mod remember;
mod renew;
mod said;
mod supervise;
mod take;
#[cfg(test)]
mod tests;

pub(crate) use supervise::keep;

use super::nodes::{self, HEARTBEAT};
use super::sources::Origin;
use super::store;
use super::{Identity, Known, LicenseVerdict, judged, room};
use crate::http::App;
use choose::Chosen;
use jiff::Unit;
use rtmx_core::{Error, Result, Secret, Timestamp};
use rtmx_license::{
    ActivationPurpose, ActivationRequest, DocumentType, LicenseMode, Nonce, State, Why, carrier,
};
use said::{Said, Step};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a check may take: it reads a few records.
const CHECK_LIMIT: Duration = Duration::from_secs(30);
/// The longest pause between two checks: a license that is mounted as a file is looked at as often.
const PAUSE: Duration = Duration::from_secs(60);
/// The pause after a check that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);
/// Checks the license of an application for as long as it runs.
pub(crate) struct Keeper {
    app: App,
    mode: Arc<dyn LicenseMode>,
    /// Whether this process is the server, to which the data folder belongs.
    is_server: bool,
    /// Who this process is among those that share the database.
    holder: String,
    checked_at: Option<Instant>,
    /// When the memory was last written to the database by this process.
    remembered_at: Option<Instant>,
    /// When this server asks the license server next; `None` where what all servers remember says it.
    renew_at: Option<Instant>,
    /// The last confirmation that was known when that was decided.
    renew_after: Option<Timestamp>,
    /// Whether the license server was not reached, so that this server asks again and no other does.
    retries: bool,
    /// The license that was in use at the last check.
    license: Option<String>,
    /// Whether it went without the license server's word for too long, then.
    is_unconfirmed: bool,
    /// What was said last.
    said: Said,
}

impl Keeper {
    /// `None` where nothing is checked.
    pub(crate) fn of(app: &App) -> Option<Keeper> {
        Keeper::named(app, crate::http::random_uuid().to_string())
    }

    /// The same under a name that was used before.
    fn named(app: &App, holder: String) -> Option<Keeper> {
        let mode = Arc::clone(app.licensing.mode()?);
        let (app, said, is_server) = (app.clone(), Said::default(), false);
        Some(Keeper {
            app,
            mode,
            is_server,
            holder,
            checked_at: None,
            remembered_at: None,
            renew_at: None,
            renew_after: None,
            retries: false,
            license: None,
            is_unconfirmed: false,
            said,
        })
    }

    /// Judges a license that was brought, and installs it if it is better than what is there.
    ///
    /// # Errors
    ///
    /// What is wrong with it; those of the storage. Then everything is as it was.
    pub(crate) async fn install(&mut self, document: Secret<Vec<u8>>, actor: &str) -> Result<()> {
        take::refuse_update(document.expose())?;
        let cx = self.app.cx(CHECK_LIMIT);
        let stored = store::read(&self.app, &cx).await?;
        let checked = self.mode.check(&cx, document.expose(), &self.facts(&stored)?).await?;
        if let Err(refusal) = checked.verdict.strict() {
            let unchanged = "the license in use, if there is one, is unchanged";
            return Err(Error::from(refusal).with_state(unchanged));
        }
        store::install(&self.app, &cx, document.expose(), actor).await?;
        self.check().await.map(|_| ())
    }

    /// What is said of a license, without installing it.
    ///
    /// # Errors
    ///
    /// Those of the storage; what is wrong with the license is the answer.
    pub(crate) async fn judge(&self, document: &Secret<Vec<u8>>) -> Result<LicenseVerdict> {
        let cx = self.app.cx(CHECK_LIMIT);
        let stored = store::read(&self.app, &cx).await?;
        let checked = self.mode.check(&cx, document.expose(), &self.facts(&stored)?).await?;
        Ok(judged(&checked.verdict))
    }

    /// What this installation is recognised by.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub(crate) async fn identity(&self) -> Result<Identity> {
        let stored = store::read(&self.app, &self.app.cx(CHECK_LIMIT)).await?;
        Ok(Identity::of(stored.own_key()?, &self.facts(&stored)?.readings))
    }

    /// A request for a license, signed by this installation, as a file.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub(crate) async fn request(&self) -> Result<String> {
        let stored = store::read(&self.app, &self.app.cx(CHECK_LIMIT)).await?;
        let (key, facts, known) = (stored.own_key()?, self.facts(&stored)?, self.app.licensing.known());
        let license = known.checked.as_ref().and_then(|checked| checked.license.as_ref());
        let mut nonce = [0; 16];
        nonce.copy_from_slice(&facts.random[..16]);
        let now = self.app.clock.now();
        let request = ActivationRequest {
            purpose: ActivationPurpose::Activate,
            product: "RTMX".to_owned(),
            version: facts.version.clone(),
            license_id: license.map(|license| license.license_id.clone()).unwrap_or_default(),
            seq: license.map_or(0, |license| license.seq),
            installation_id: key.id().clone(),
            nonce: Nonce::from_random(nonce),
            issued_at: now.round(Unit::Second).unwrap_or(now),
            components: facts.readings.components(),
            counts: known.used.clone(),
        };
        let token = key.sign(&request)?;
        Ok(carrier::armoured(&token, DocumentType::ActivationRequest))
    }

    /// Looks once.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub(crate) async fn look(&mut self) -> Result<()> {
        self.check().await.map(|_| ())
    }

    /// Runs until the server shuts down. Nothing ends it before, and nothing waits for it.
    pub(crate) async fn run(mut self) {
        self.is_server = true;
        let mut settings = self.app.watch_settings();
        loop {
            let pause = self.turn().await;
            tokio::select! {
                Ok(()) = settings.changed() => {}
                () = self.app.until_draining() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        let seat = **self.app.licensing.seat.load();
        nodes::leave(&self.app, &self.app.cx(CHECK_LIMIT), &self.holder, seat).await;
    }

    /// One look at everything; the pause until the next.
    async fn turn(&mut self) -> Duration {
        let seated = self.sit().await;
        self.said.step(Step::Seat, &seated);
        let checked = self.check().await;
        self.said.step(Step::Look, &checked);
        // The database is not there yet, or not any more; what was allowed goes on.
        let Ok(pause) = checked else { return PAUSE_AFTER_FAILURE };
        let renewed = self.renew().await;
        self.said.step(Step::Ask, &renewed);
        renewed.map_or(PAUSE_AFTER_FAILURE, |until| until.min(pause))
    }

    async fn sit(&self) -> Result<()> {
        let licensing = &self.app.licensing;
        let before = **licensing.seat.load();
        let seat = nodes::take(&self.app, &self.app.cx(CHECK_LIMIT), &self.holder, before).await?;
        let limit = licensing.entitlements().limit("max_nodes");
        licensing.seat.store(Arc::new(seat.under(limit, std::time::Instant::now())));
        Ok(())
    }

    /// Checks what is there; the time until the next check.
    async fn check(&mut self) -> Result<Duration> {
        let cx = self.app.cx(CHECK_LIMIT);
        let stored = store::read(&self.app, &cx).await?;
        let counted = room::counts(&self.app, &cx).await;
        self.said.step(Step::Count, &counted);
        // What was counted before is nearer than nothing.
        let used = counted.unwrap_or_else(|_| self.app.licensing.known().used.clone());
        let mut facts = self.facts(&stored)?;
        facts.counts.clone_from(&used);
        let (best, passed_over) = self.choose(&cx, &stored, &facts).await?;
        let Chosen { origin, document, checked } = best;
        // What is allowed comes before what is written down: a full disk takes no license away.
        let licensing = &self.app.licensing;
        licensing.snapshot.replace(checked.entitlements.clone());
        let outage = licensing.known().outage.clone();
        let at = Some(self.app.clock.now());
        let shown = Known {
            checked: Some(checked.clone()),
            origin,
            passed_over: passed_over.clone(),
            used,
            outage,
            at,
        };
        licensing.known.store(Arc::new(shown));
        self.said.verdict(&checked, &passed_over);
        let mut kept = self.remember(&cx, &stored, &checked).await;
        // What was right is kept, so that a file which is cut short or taken away changes nothing.
        if origin.is_some_and(|origin| origin != Origin::Installed)
            && checked.verdict.strict().is_ok()
            && let Some(document) = &document
            && stored.installed.as_ref().map(Secret::expose) != Some(document.expose())
        {
            kept = kept.and(store::install(&self.app, &cx, document.expose(), "server").await);
        }
        self.said.step(Step::Keep, &kept);
        self.checked_at = Some(Instant::now());
        let license = checked.license.as_ref().map(|license| license.hash().short());
        if self.license != license {
            let is_first = self.license.is_none();
            self.license = license;
            // The license server is asked at once about a license that is new here.
            self.renew_at = None;
            if !is_first && !self.is_confirmed_since(&checked, PAUSE) {
                self.ask_now(&checked);
            }
        }
        // So it is where its word may be late by a clock that was set right.
        let is_unconfirmed = checked.verdict.state == State::Restricted { why: Why::Unconfirmed };
        if is_unconfirmed && !self.is_unconfirmed && self.renew_at.is_some() {
            self.ask_now(&checked);
        }
        self.is_unconfirmed = is_unconfirmed;
        Ok(self.mode.recheck_after(&checked).min(PAUSE).min(HEARTBEAT))
    }
}
