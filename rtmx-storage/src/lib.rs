//! Storage backends: the trait that a database driver implements, and everything that must be the
//! same on all of them.
//!
//! The decision to know: a backend knows records, revisions and the queries of [`Query`], and
//! nothing of what a requirement means. Search terms, sort keys, the migration algorithm, the
//! archive format, import and export live here once, so that two engines cannot differ in them.
//! Deliberately absent: transaction handles (see [`rtmx_core::ChangeSet`]) and SQL.

pub mod archive;
mod backend;
pub mod baseline;
pub mod columns;
pub mod csv;
pub mod export;
mod feed;
mod fingerprint;
pub mod import;
mod lease;
pub mod markdown;
mod memory;
mod migrate;
pub mod query;
pub mod reconcile;

pub use backend::{
    ArchiveReport, Condition, Connections, Storage, StorageBackend, StorageBackendExt, StorageCapability,
};
pub use feed::{ChangeEvent, Feed, FeedPosition};
pub use fingerprint::{Fingerprint, fingerprint};
pub use lease::{Lease, LeaseCall, LeaseRequest};
pub use memory::MemoryBackend;
pub use migrate::{
    Migration, MigrationLog, MigrationPlan, MigrationReport, MigrationStep, MigrationSteps, SchemaState,
    Standing, migrate, standing,
};
pub use query::{Page, Query};
