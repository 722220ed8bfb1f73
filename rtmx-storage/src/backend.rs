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
    /// [`StorageBackend::back_up`] and [`StorageBackend::restore`] work.
    pub archive: bool,
}

impl StorageCapability {
    /// Nothing promised; set what holds.
    pub const NONE: StorageCapability =
        StorageCapability { multi_node: false, durable: false, archive: false };
}

/// An open database.
///
/// Dropping the future of any call leaves a write whole or absent, never half: a write that was
/// begun runs to its end on the backend's own thread or task.
#[async_trait]
pub trait StorageBackend: Debug + Send + Sync {
    /// Facts of this backend; the same for as long as it is open.
    fn capability(&self) -> StorageCapability;

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
    /// Size of the archive in bytes.
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
