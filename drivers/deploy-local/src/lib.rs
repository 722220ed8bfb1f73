#![doc = include_str!("../README.md")]

mod artifacts;
mod config_file;
mod driver;
mod durable;
mod holder;
mod layout;
mod logs;
mod planning;
mod preflight;
mod process;
mod ready;
mod remembered;
mod rotate;
mod service;
mod settings;
mod steps;
mod supervise;
mod supervised;
mod systemd;
mod target;
mod unit;

use rtmx_core::{Registry, Result};
use rtmx_deploy::Deploy;
use std::sync::Arc;

pub use artifacts::read_artifacts;
pub use layout::Layout;
pub use service::ServiceKind;
pub use settings::LocalSettings;
pub use supervise::supervise;

/// Adds the driver `local`.
///
/// # Errors
///
/// `record_exists` if the name is taken.
pub fn register(registry: &mut Registry<Deploy>) -> Result<()> {
    registry.register(Arc::new(driver::LocalDriver))
}
