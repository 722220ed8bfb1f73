//! The driver: opens the secrets of one server.

use crate::{VaultSettings, VaultSource};
use async_trait::async_trait;
use rtmx_config::{Config, ConfigSource};
use rtmx_core::{Cx, Driver, DriverInfo, Family, Registry, Result};
use std::sync::Arc;

/// The driver `vault`.
#[derive(Debug)]
pub struct VaultDriver {
    info: DriverInfo,
}

impl Default for VaultDriver {
    fn default() -> VaultDriver {
        let info = DriverInfo {
            name: "vault",
            version: env!("CARGO_PKG_VERSION"),
            summary: "secrets of a HashiCorp Vault or OpenBao (key-value engine, version 2), watched by version",
            contract: Config::CONTRACT,
        };
        VaultDriver { info }
    }
}

/// Adds the driver to a registry.
///
/// # Errors
///
/// `record_exists` if the name `vault` is taken.
pub fn register(registry: &mut Registry<Config>) -> Result<()> {
    registry.register(Arc::new(VaultDriver::default()))
}

#[async_trait]
impl Driver<Config> for VaultDriver {
    fn info(&self) -> &DriverInfo {
        &self.info
    }

    fn settings_schema(&self) -> serde_json::Value {
        VaultSettings::json_schema()
    }

    /// Checks the settings; nobody is asked before the first load.
    async fn open(&self, _: &Cx, settings: serde_json::Value) -> Result<Arc<dyn ConfigSource>> {
        Ok(Arc::new(VaultSource::new(VaultSettings::from_json(settings)?)?))
    }
}
