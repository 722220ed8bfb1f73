#![doc = include_str!("../README.md")]

mod driver;
mod mode;

use rtmx_core::{Registry, Result};
use rtmx_license::{Checker, Licensing};
use std::sync::Arc;

/// Adds the driver `offline` to a registry. Every mode that it opens trusts the keys of `checker`, and
/// no others.
///
/// # Errors
///
/// `record_exists` if a driver of this name is there already.
pub fn register(registry: &mut Registry<Licensing>, checker: Checker) -> Result<()> {
    registry.register(Arc::new(driver::OfflineDriver::new(checker)))
}
