//! A database that is a server of its own, and is not there yet.
//!
//! The decision to know: the server starts without it, answers the probes, and refuses everything else
//! with `not_ready` until the database was reached, migrated and recognized; requests never meet a
//! database that is half prepared. Only what may pass by itself is waited for. What does not pass ends
//! the start with its own error.

use super::{App, start};
use crate::{Drivers, database};
use async_trait::async_trait;
use rtmx_config::Settings;
use rtmx_core::{Applied, ChangeSet, Code, Cx, Driver, Error, Head, Result, Retry, Space, server, storage};
use rtmx_storage::{
    ArchiveReport, Condition, Feed, FeedPosition, Lease, LeaseRequest, MigrationPlan, MigrationReport, Page,
    Query, SchemaState, Storage, StorageBackend, StorageCapability,
};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The pause after the first try that failed, and the longest.
const PAUSE: Duration = Duration::from_millis(250);
const PAUSE_LIMIT: Duration = Duration::from_secs(2);
/// What passes when somebody else migrates, or starts the version that fits.
const WAITS_FOR_A_SCHEMA: [Code; 2] = [storage::SCHEMA_BEHIND, storage::SCHEMA_AHEAD];
/// How often a log line says that there is still no database.
const REMIND: Duration = Duration::from_secs(30);

/// The fact of a refusal that says why the database is not there: the code of the last try.
pub(super) const REASON: &str = "reason";

/// A storage that requests reach once it is prepared.
#[derive(Debug)]
pub(crate) struct Awaited {
    driver: Arc<dyn Driver<Storage>>,
    prepared: OnceLock<Arc<dyn StorageBackend>>,
    /// Why the last try failed.
    refused: Mutex<Option<Code>>,
}

impl Awaited {
    /// The storage of these settings, if it is a server of its own.
    ///
    /// # Errors
    ///
    /// `driver_unknown`, `driver_absent`.
    pub(crate) fn of(settings: &Settings, drivers: &Drivers) -> Result<Option<Arc<Awaited>>> {
        let driver = database::driver(settings, drivers)?;
        Ok(database::is_elsewhere(&*driver)
            .then(|| Arc::new(Awaited { driver, prepared: OnceLock::new(), refused: Mutex::default() })))
    }

    /// The engine's name, as `/ready` shows it.
    pub(crate) fn engine(&self) -> &'static str {
        database::engine(&*self.driver)
    }

    /// Tries until the storage is prepared. Safe to drop at any time.
    ///
    /// # Errors
    ///
    /// What does not pass by itself.
    pub(crate) async fn prepare(&self, app: &App, loopback: bool) -> Result<()> {
        let began = Instant::now();
        let (mut pause, mut told) = (PAUSE, None);
        loop {
            let error = match self.attempt(app, loopback).await {
                Ok(()) if told.is_some() => {
                    tracing::info!(seconds = began.elapsed().as_secs(), "reached the database");
                    return Ok(());
                }
                Ok(()) => return Ok(()),
                Err(error) if passes(&error) || WAITS_FOR_A_SCHEMA.contains(&error.code()) => error,
                Err(error) => return Err(error),
            };
            let last = self.refused.lock().unwrap_or_else(PoisonError::into_inner).replace(error.code());
            let is_due = told.is_none_or(|told: Instant| told.elapsed() >= REMIND);
            if is_due || last != Some(error.code()) {
                let causes = error.causes();
                tracing::warn!(code = %error.code(), ?causes, next = error.next(), "waiting for the database: {}", error.message());
                told = Some(Instant::now());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_LIMIT);
        }
    }

    async fn attempt(&self, app: &App, loopback: bool) -> Result<()> {
        let opened = start::open_with(&app.settings(), &*self.driver).await?;
        match start::prepare_whole(&app.over(Arc::clone(&opened.storage)), loopback).await {
            Ok(()) => {
                for warning in opened.storage.condition().warnings {
                    tracing::warn!("{warning}");
                }
                let _ = self.prepared.set(opened.storage);
                Ok(())
            }
            Err(error) => {
                let _ = opened.storage.close(&Cx::new()).await;
                Err(error)
            }
        }
    }

    fn there(&self) -> Result<&dyn StorageBackend> {
        self.prepared.get().map(|storage| &**storage).ok_or_else(|| {
            let refused = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            let error = Error::new(server::NOT_READY, "the server waits for its database");
            error.with(REASON, refused.unwrap_or(server::NOT_READY))
        })
    }
}

/// Whether the same may go well later, without anybody correcting a setting.
pub(crate) fn passes(error: &Error) -> bool {
    let passing = [storage::STORAGE_UNAVAILABLE, storage::STORAGE_BUSY, storage::MIGRATION_LOCKED];
    passing.contains(&error.code()) || error.retry() == Retry::Later
}

#[async_trait]
impl StorageBackend for Awaited {
    fn capability(&self) -> StorageCapability {
        self.there().map_or(StorageCapability::NONE, StorageBackend::capability)
    }

    fn condition(&self) -> Condition {
        self.there().map(StorageBackend::condition).unwrap_or_default()
    }

    async fn head(&self, cx: &Cx, space: &Space) -> Result<Head> {
        self.there()?.head(cx, space).await
    }

    async fn fetch(&self, cx: &Cx, query: &Query) -> Result<Page> {
        self.there()?.fetch(cx, query).await
    }

    async fn apply(&self, cx: &Cx, changes: &ChangeSet) -> Result<Applied> {
        self.there()?.apply(cx, changes).await
    }

    async fn apply_owned(&self, cx: &Cx, changes: ChangeSet) -> Result<Applied> {
        self.there()?.apply_owned(cx, changes).await
    }

    async fn changes(
        &self,
        cx: &Cx,
        space: &Space,
        after: FeedPosition,
        limit: usize,
        wait: Option<Duration>,
    ) -> Result<Feed> {
        self.there()?.changes(cx, space, after, limit, wait).await
    }

    async fn lease(&self, cx: &Cx, request: &LeaseRequest) -> Result<Lease> {
        self.there()?.lease(cx, request).await
    }

    async fn schema(&self, cx: &Cx) -> Result<SchemaState> {
        self.there()?.schema(cx).await
    }

    async fn migrate(&self, cx: &Cx, plan: &MigrationPlan) -> Result<MigrationReport> {
        self.there()?.migrate(cx, plan).await
    }

    async fn back_up(&self, cx: &Cx, to: &Path) -> Result<ArchiveReport> {
        self.there()?.back_up(cx, to).await
    }

    async fn restore(&self, cx: &Cx, from: &Path) -> Result<ArchiveReport> {
        self.there()?.restore(cx, from).await
    }

    async fn log_in_with(&self, settings: serde_json::Value) -> Result<()> {
        match self.prepared.get() {
            Some(storage) => storage.log_in_with(settings).await,
            // Each try takes the settings in force.
            None => Ok(()),
        }
    }

    async fn close(&self, cx: &Cx) -> Result<()> {
        match self.prepared.get() {
            Some(storage) => storage.close(cx).await,
            None => Ok(()),
        }
    }
}
