//! The trait that a storage driver implements.

use crate::{
    Feed, FeedPosition, Lease, LeaseRequest, MigrationPlan, MigrationReport, Page, Query, SchemaState,
};
use async_trait::async_trait;
use rtmx_core::{Applied, ChangeSet, Contract, Cx, Error, Family, Head, Key, Record, Result, Space, storage};
use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

/// The family of storage drivers.
#[derive(Debug)]
pub enum Storage {}

impl Family for Storage {
    type Object = dyn StorageBackend;
    const NAME: &'static str = "storage";
    const CONTRACT: Contract = Contract { major: 1, minor: 0 };
}

/// Facts of an open backend: a `true` is a promise that the conformance kit tests, a `false` one
/// to answer `not_supported`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct StorageCapability {
    /// Several servers may share the database.
    pub multi_node: bool,
    /// What was acknowledged survives the end of the process.
    pub durable: bool,
    /// [`StorageBackend::log_in_with`] works.
    pub logs_in: bool,
    /// [`StorageBackend::back_up`], [`StorageBackend::restore`] and [`StorageBackend::restore_over`] work.
    pub archive: bool,
}

impl StorageCapability {
    /// Nothing promised; set what holds.
    pub const NONE: StorageCapability =
        StorageCapability { multi_node: false, durable: false, logs_in: false, archive: false };
}

/// How an open backend is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Condition {
    /// The engine and its version, such as `PostgreSQL 16.14`; `None` before it is known, or where it
    /// is part of the program.
    pub engine: Option<String>,
    /// Whether this version of the engine is served with limited support only; a warning says why.
    pub limited_support: bool,
    /// Whether the database only reads, as a standby does and one that somebody froze; as far as it is
    /// known from the last call of [`StorageBackend::schema`].
    pub read_only: bool,
    /// What an operator should know and need not act on at once, each a sentence.
    pub warnings: Vec<String>,
    /// The connections to a server; `None` where there is none.
    pub connections: Option<Connections>,
}

/// The connections of a backend to its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Connections {
    /// The most there can be.
    pub limit: usize,
    /// Those that are open.
    pub open: usize,
    /// Those of them that nobody uses.
    pub idle: usize,
    /// Calls that wait for one.
    pub waiting: usize,
}

/// An open database.
///
/// Dropping the future of any call leaves a write whole or absent, never half: a write that was
/// begun runs to its end on the backend's own thread or task.
#[async_trait]
pub trait StorageBackend: Debug + Send + Sync {
    /// Facts of this backend; the same for as long as it is open.
    fn capability(&self) -> StorageCapability;

    /// How the backend is doing, from what it knows: the database is not asked.
    fn condition(&self) -> Condition {
        Condition::default()
    }

    /// The newest revision of a space; revision zero for a space that was never written.
    async fn head(&self, cx: &Cx, space: &Space) -> Result<Head>;

    /// Answers a query from one consistent snapshot, whose head the page names.
    ///
    /// # Errors
    ///
    /// `query_invalid`, `cursor_invalid`, `epoch_changed` for a cursor from before a restore.
    async fn fetch(&self, cx: &Cx, query: &Query) -> Result<Page>;

    /// Applies a change set whole or not at all, and makes it durable before it answers.
    ///
    /// A change set whose id was applied before is answered with the first result and
    /// `replayed: true`, provided that it is the same change set. The head moves by exactly one.
    ///
    /// # Errors
    ///
    /// Those of [`ChangeSet::check`] and [`ChangeSet::check_expectations`]; `change_set_reused`;
    /// `storage_full`, `storage_read_only`, `storage_unavailable`, `storage_sync_failed`.
    async fn apply(&self, cx: &Cx, changes: &ChangeSet) -> Result<Applied>;

    /// [`StorageBackend::apply`] of a change set that the caller has no more use for.
    ///
    /// A backend that hands the work to another thread needs no copy then, which for an import is
    /// the size of the whole file several times over. By default the same as `apply`.
    ///
    /// # Errors
    ///
    /// Those of [`StorageBackend::apply`].
    async fn apply_owned(&self, cx: &Cx, changes: ChangeSet) -> Result<Applied> {
        self.apply(cx, &changes).await
    }

    /// The changes of a space after a position, in order and without a gap: every revision from
    /// `after` to the answer's last appears.
    ///
    /// With `wait`, an empty answer is held back until something changes or the time is over.
    ///
    /// # Errors
    ///
    /// `epoch_changed` if the position is from before a restore.
    async fn changes(
        &self,
        cx: &Cx,
        space: &Space,
        after: FeedPosition,
        limit: usize,
        wait: Option<Duration>,
    ) -> Result<Feed>;

    /// Acquires, renews or releases a lease: what must happen once happens under one.
    ///
    /// # Errors
    ///
    /// `lease_held` with holder and expiry.
    async fn lease(&self, cx: &Cx, request: &LeaseRequest) -> Result<Lease>;

    /// How the schema of the database stands to this version.
    async fn schema(&self, cx: &Cx) -> Result<SchemaState>;

    /// Brings the schema forward by the one algorithm ([`crate::migrate`]).
    ///
    /// # Errors
    ///
    /// `schema_edited`, `schema_ahead`, `migration_failed`, `migration_locked`.
    async fn migrate(&self, cx: &Cx, plan: &MigrationPlan) -> Result<MigrationReport>;

    /// Writes everything into an archive that any engine can restore, from one snapshot.
    /// `to` must not exist.
    async fn back_up(&self, cx: &Cx, to: &Path) -> Result<ArchiveReport>;

    /// Restores an archive into an empty, migrated database and starts a new epoch.
    ///
    /// # Errors
    ///
    /// `archive_invalid`, `restore_not_empty`; nothing was restored.
    async fn restore(&self, cx: &Cx, from: &Path) -> Result<ArchiveReport>;

    /// Replaces everything in a migrated database with the content of an archive, and starts a new
    /// epoch. One step: whoever reads meanwhile sees what was there, or what the archive held, and a
    /// failure leaves what was there.
    ///
    /// # Errors
    ///
    /// `archive_invalid`, and what a write meets; nothing was changed. By default `not_supported`.
    async fn restore_over(&self, _cx: &Cx, _from: &Path) -> Result<ArchiveReport> {
        Err(Error::new(storage::NOT_SUPPORTED, "this storage driver does not restore over data"))
    }

    /// Logs in with the secrets of these settings from now on: connections that are open stay as they are,
    /// and new ones are made with what is given. The settings are as for the driver's `open`, and say the
    /// same but for passwords.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid`; nothing was changed. By default `not_supported`.
    async fn log_in_with(&self, _settings: serde_json::Value) -> Result<()> {
        Err(Error::new(storage::NOT_SUPPORTED, "this storage driver does not log in"))
    }

    /// Ends all work and lets go of the database. Later calls answer `storage_unavailable`.
    async fn close(&self, cx: &Cx) -> Result<()>;
}

/// What is in an archive.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ArchiveReport {
    /// Present records.
    pub records: u64,
    /// Entries of the history.
    pub history: u64,
    /// Change sets.
    pub change_sets: u64,
    /// Size of the archive's file in bytes.
    pub bytes: u64,
    /// SHA-256 of the content in canonical order, in hexadecimal: the same on every engine.
    pub content_hash: String,
}

/// What callers want to say, in terms of what drivers offer.
#[async_trait]
pub trait StorageBackendExt: StorageBackend {
    /// The record with this key, if it exists.
    async fn find(&self, cx: &Cx, space: &Space, key: &Key) -> Result<Option<Record>> {
        let query = Query::ids(space.clone(), key.kind, [key.id.clone()]);
        Ok(self.fetch(cx, &query).await?.into_records().pop())
    }

    /// The record with this key.
    ///
    /// # Errors
    ///
    /// `record_not_found`.
    async fn get(&self, cx: &Cx, space: &Space, key: &Key) -> Result<Record> {
        let found = self.find(cx, space, key).await?;
        found.ok_or_else(|| {
            Error::new(storage::RECORD_NOT_FOUND, format!("there is no {key} in `{space}`"))
                .with("id", &key.id)
        })
    }
}

impl<B: StorageBackend + ?Sized> StorageBackendExt for B {}
