//! Reading the configuration again while the server runs: on SIGHUP, and when a source says that it changed.
//!
//! The decision to know: a configuration that cannot be used changes nothing, and says so once. Of one that
//! can, what a running server can take over is in force at once, and the rest is named and waits for a
//! restart; what is in force is always a whole that was checked as one.

use crate::http::{self, App, Certificate};
use crate::settings::Sources;
use crate::{Drivers, database};
use rtmx_config::{Faults, Resolved, Strictness};
use rtmx_core::{Error, Result, storage};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The pause after a source could not be watched.
const PAUSE: Duration = Duration::from_secs(10);

/// Keeps the configuration of a running server.
pub(crate) struct Reloader {
    sources: Sources,
    drivers: Arc<Drivers>,
    in_force: Resolved,
    hangup: Signal,
}

/// What a reload came to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// Nothing differs from what is in force.
    Unchanged,
    /// These keys are in force, and those wait for a restart.
    Taken { taken: Vec<&'static str>, waiting: Vec<&'static str> },
}

impl Reloader {
    /// From now on SIGHUP is a request to read the configuration again, and not the end of the process.
    ///
    /// # Errors
    ///
    /// `internal`.
    pub(crate) fn new(sources: Sources, drivers: Arc<Drivers>, in_force: Resolved) -> Result<Reloader> {
        let failed =
            |source| Error::new(storage::INTERNAL, "could not listen for signals").with_source(source);
        let hangup = signal(SignalKind::hangup()).map_err(failed)?;
        Ok(Reloader { sources, drivers, in_force, hangup })
    }

    /// Runs until the server shuts down.
    pub(crate) async fn run(mut self, app: App, certificate: Option<Arc<Certificate>>) {
        loop {
            let asked = tokio::select! {
                () = app.until_draining() => return,
                Some(()) = self.hangup.recv() => true,
                outcome = self.sources.changed() => match outcome {
                    Ok(()) => false,
                    Err(error) => {
                        tracing::warn!(code = %error.code(), "a source of the configuration cannot be watched: {}", error.message());
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                },
            };
            self.turn(&app, asked).await;
            if let Some(certificate) = certificate.clone().filter(|_| asked) {
                let outcome = tokio::task::spawn_blocking(move || certificate.reread()).await;
                outcome.map(http::tell_of_certificate).unwrap_or_default();
            }
        }
    }

    async fn turn(&mut self, app: &App, asked: bool) {
        let count =
            |outcome| app.metrics.counter("rtmx_config_reloads_total", "outcome", outcome).increment(1);
        match self.reload(app).await {
            Ok(Outcome::Unchanged) => {
                count("unchanged");
                if asked {
                    tracing::info!("the configuration was read again, and nothing changed");
                }
            }
            Ok(Outcome::Taken { taken, waiting }) => {
                count("taken");
                app.metrics.gauge("rtmx_config_waiting_settings").set(waiting.len() as f64);
                if !taken.is_empty() {
                    tracing::info!(settings = ?taken, "changed settings are in force");
                }
                if !waiting.is_empty() {
                    tracing::warn!(
                        settings = ?waiting,
                        "changed settings wait for a restart; until then their old values hold"
                    );
                }
            }
            Err(error) => {
                count("refused");
                let causes = error.causes();
                let faults: Vec<_> = Faults::of(&error)
                    .map(|faults| faults.list().iter().map(ToString::to_string).collect())
                    .unwrap_or(causes);
                tracing::error!(
                    code = %error.code(), ?faults, next = error.next(),
                    "the configuration was read again and is not used, what was in force stays: {}",
                    error.message()
                );
            }
        }
    }

    async fn reload(&mut self, app: &App) -> Result<Outcome> {
        let newer = self.sources.load(&self.drivers, Strictness::Start).await?;
        let reloaded = self.in_force.reload(&newer)?;
        if reloaded.taken.is_empty() && reloaded.waiting.is_empty() {
            self.in_force = reloaded.resolved;
            return Ok(Outcome::Unchanged);
        }
        for warning in reloaded.resolved.warnings.iter().filter(|it| !self.in_force.warnings.contains(it)) {
            tracing::warn!("{warning}");
        }
        let settings = Arc::new(reloaded.resolved.settings.clone());
        if reloaded.taken.iter().any(|key| key.starts_with("database.")) {
            let driver = database::driver(&settings, &self.drivers)?;
            app.storage.log_in_with(database::options(&settings, &*driver)).await?;
        }
        http::set_log_level(settings.log.level);
        app.replace_settings(settings);
        self.in_force = reloaded.resolved;
        Ok(Outcome::Taken { taken: reloaded.taken, waiting: reloaded.waiting })
    }
}
