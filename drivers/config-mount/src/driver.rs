//! The driver: opens a folder of values.

use crate::{MountSettings, MountSource};
use async_trait::async_trait;
use rtmx_config::{Config, ConfigSource};
use rtmx_core::{Cx, Driver, DriverInfo, Family, Registry, Result};
use std::sync::Arc;

/// The driver `mount`.
#[derive(Debug)]
pub struct MountDriver {
    info: DriverInfo,
}

impl Default for MountDriver {
    fn default() -> MountDriver {
        let info = DriverInfo {
            name: "mount",
            version: env!("CARGO_PKG_VERSION"),
            summary: "a folder in which each file is one value, such as a mounted Secret, watched by content",
            contract: Config::CONTRACT,
        };
        MountDriver { info }
    }
}

/// Adds the driver to a registry.
///
/// # Errors
///
/// `record_exists` if the name `mount` is taken.
pub fn register(registry: &mut Registry<Config>) -> Result<()> {
    registry.register(Arc::new(MountDriver::default()))
}

#[async_trait]
impl Driver<Config> for MountDriver {
    fn info(&self) -> &DriverInfo {
        &self.info
    }

    fn settings_schema(&self) -> serde_json::Value {
        serde_json::json!({
            "type": "object",
            "properties": {
                "dir": { "type": "string", "description": "path of the folder" },
                "required": { "type": "boolean", "default": true },
                "poll": { "type": "string", "default": "1s", "description": "from 10ms to 1h" }
            },
            "required": ["dir"],
            "additionalProperties": false
        })
    }

    /// Checks the settings; the folder itself is looked at by the first load.
    async fn open(&self, _: &Cx, settings: serde_json::Value) -> Result<Arc<dyn ConfigSource>> {
        Ok(Arc::new(MountSource::new(MountSettings::from_json(settings)?)))
    }
}
