//! The driver: opens the environment of this process.

use crate::EnvSource;
use async_trait::async_trait;
use rtmx_config::{Config, ConfigSource};
use rtmx_core::{Cx, Driver, DriverInfo, Error, Family, Registry, Result, config};
use serde::Deserialize;
use std::sync::Arc;

/// The driver `env`.
#[derive(Debug)]
pub struct EnvDriver {
    info: DriverInfo,
}

/// There is nothing to set: one process has one environment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvSettings {}

impl Default for EnvDriver {
    fn default() -> EnvDriver {
        let info = DriverInfo {
            name: "env",
            version: env!("CARGO_PKG_VERSION"),
            summary: "environment variables, and the files that ..._FILE variables name",
            contract: Config::CONTRACT,
        };
        EnvDriver { info }
    }
}

/// Adds the driver to a registry.
///
/// # Errors
///
/// `record_exists` if the name `env` is taken.
pub fn register(registry: &mut Registry<Config>) -> Result<()> {
    registry.register(Arc::new(EnvDriver::default()))
}

#[async_trait]
impl Driver<Config> for EnvDriver {
    fn info(&self) -> &DriverInfo {
        &self.info
    }

    fn settings_schema(&self) -> serde_json::Value {
        serde_json::json!({ "type": "object", "properties": {}, "additionalProperties": false })
    }

    async fn open(&self, _: &Cx, settings: serde_json::Value) -> Result<Arc<dyn ConfigSource>> {
        let EnvSettings {} = serde_json::from_value(settings).map_err(|cause| {
            Error::new(config::CONFIG_INVALID, "could not open the config driver `env`").with_source(cause)
        })?;
        Ok(Arc::new(EnvSource::from_process()))
    }
}
