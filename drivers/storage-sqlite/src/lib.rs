#![doc = include_str!("../README.md")]

mod apply;
mod archive;
mod backend;
mod connection;
mod driver;
mod error;
mod files;
mod heads;
mod known;
mod leases;
mod lock;
mod mounts;
mod query;
mod readers;
mod ready;
mod rows;
mod schema;
mod search;
mod settings;
mod sql;
mod writer;

pub use schema::MIGRATIONS;
pub use settings::SqliteSettings;

use rtmx_core::{Registry, Result};
use rtmx_storage::{Migration, Storage};
use std::sync::Arc;

/// Adds the driver `sqlite` to a registry.
///
/// # Errors
///
/// `record_exists` if a driver of this name is there already.
pub fn register(registry: &mut Registry<Storage>) -> Result<()> {
    register_knowing(MIGRATIONS, registry)
}

/// Adds the driver as it is in a version that knows other migrations: an older or a newer one, which upgrades
/// are tested with.
///
/// # Errors
///
/// `record_exists` if a driver of this name is there already.
pub fn register_knowing(known: &'static [Migration], registry: &mut Registry<Storage>) -> Result<()> {
    registry.register(Arc::new(driver::SqliteDriver { known }))
}
