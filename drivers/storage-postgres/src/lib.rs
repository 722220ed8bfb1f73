#![doc = include_str!("../README.md")]

mod apply;
mod archive;
mod backend;
mod connect;
mod driver;
mod error;
mod heads;
mod leases;
mod notify;
mod pool;
mod pulse;
mod query;
mod rows;
mod run;
mod schema;
mod session;
mod settings;
mod tally;
mod terms;

pub use schema::MIGRATIONS;
pub use settings::PostgresSettings;

use rtmx_core::{Registry, Result};
use rtmx_storage::{Migration, Storage};
use std::sync::Arc;

/// Adds the driver `postgres` to a registry.
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
    registry.register(Arc::new(driver::PostgresDriver { known }))
}
