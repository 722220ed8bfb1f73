#![doc = include_str!("../README.md")]

mod client;
mod driver;
mod keysets;
mod mode;
mod outage;
mod retry_after;
mod settings;

pub use settings::OnlineSettings;

use rtmx_core::{Registry, Result};
use rtmx_license::{Checker, Licensing};
use std::sync::Arc;

/// Adds the driver `online` to a registry. Every mode that it opens trusts the keys of `checker`, and
/// those that the vendor's keysets put in their place; no setting adds one.
///
/// # Errors
///
/// `record_exists` if a driver of this name is there already.
pub fn register(registry: &mut Registry<Licensing>, checker: Checker) -> Result<()> {
    registry.register(Arc::new(driver::OnlineDriver::new(checker)))
}
