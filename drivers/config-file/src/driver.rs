//! The driver: opens a file or a folder.

use crate::{FileSettings, FileSource};
use async_trait::async_trait;
use rtmx_config::{Config, ConfigSource};
use rtmx_core::{Cx, Driver, DriverInfo, Family, Registry, Result};
use std::sync::Arc;

/// The driver `file`.
#[derive(Debug)]
pub struct FileDriver {
    info: DriverInfo,
}

impl Default for FileDriver {
    fn default() -> FileDriver {
        let info = DriverInfo {
            name: "file",
            version: env!("CARGO_PKG_VERSION"),
            summary: "a TOML file, or a folder of them, watched by content",
            contract: Config::CONTRACT,
        };
        FileDriver { info }
    }
}

/// Adds the driver to a registry.
///
/// # Errors
///
/// `record_exists` if the name `file` is taken.
pub fn register(registry: &mut Registry<Config>) -> Result<()> {
    registry.register(Arc::new(FileDriver::default()))
}

#[async_trait]
impl Driver<Config> for FileDriver {
    fn info(&self) -> &DriverInfo {
        &self.info
    }

    fn settings_schema(&self) -> serde_json::Value {
        serde_json::json!({
            "type": "object",
            "properties": {
                "file": { "type": "string", "description": "path of one file" },
                "dir": { "type": "string", "description": "path of a folder of *.toml files" },
                "required": { "type": "boolean", "default": true },
                "poll": { "type": "string", "default": "1s", "description": "from 10ms to 1h" }
            },
            "oneOf": [{ "required": ["file"] }, { "required": ["dir"] }],
            "additionalProperties": false
        })
    }

    /// Checks the settings; the place itself is looked at by the first load.
    async fn open(&self, _: &Cx, settings: serde_json::Value) -> Result<Arc<dyn ConfigSource>> {
        Ok(Arc::new(FileSource::new(FileSettings::from_json(settings)?)))
    }
}
