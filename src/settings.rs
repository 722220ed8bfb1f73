//! The standard order of configuration sources.
//!
//! Later ones win: built-in defaults, `/etc/rtmx/rtmx.toml`, `/etc/rtmx/conf.d/*.toml`, the file that
//! was named, the environment, flags. A source that this build lacks is left out, and the others
//! still count.

use crate::Drivers;
use rtmx_config::{Config, ConfigSource, Layer, Resolved, Strictness, flag_layer, resolve};
use rtmx_core::{Cx, Driver, Registry, Result};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// The machine's configuration file.
const MACHINE_FILE: &str = "/etc/rtmx/rtmx.toml";
/// The folder whose files follow it, by name.
const MACHINE_DIR: &str = "/etc/rtmx/conf.d";

/// The open sources of a configuration, in order, and the flags that win over them.
#[derive(Debug)]
pub struct Sources {
    sources: Vec<Arc<dyn ConfigSource>>,
    flags: Layer,
}

impl Sources {
    /// Opens the standard sources. `file` is the one that `--config` named; `flags` are `key=value`.
    ///
    /// # Errors
    ///
    /// What opening a source meets; `driver_absent` for a named file in a build without files.
    pub async fn open(drivers: &Drivers, file: Option<&Path>, flags: &[String]) -> Result<Sources> {
        let cx = Cx::new();
        let mut sources = Vec::new();
        if let Some(files) = present(&drivers.config, "file") {
            sources.push(files.open(&cx, json!({"file": MACHINE_FILE, "required": false})).await?);
            sources.push(files.open(&cx, json!({"dir": MACHINE_DIR, "required": false})).await?);
        }
        if let Some(file) = file {
            sources.push(drivers.config.get("file")?.open(&cx, json!({"file": file})).await?);
        }
        if let Some(environment) = present(&drivers.config, "env") {
            sources.push(environment.open(&cx, Value::Object(serde_json::Map::new())).await?);
        }
        Ok(Sources { sources, flags: flag_layer(flags) })
    }

    /// Reads all sources as they are now, and resolves them.
    ///
    /// # Errors
    ///
    /// One error with everything that is wrong in all sources.
    pub async fn load(&self, strictness: Strictness) -> Result<Resolved> {
        let cx = Cx::new();
        let mut layers = Vec::with_capacity(self.sources.len() + 1);
        for source in &self.sources {
            layers.push(source.load(&cx).await?);
        }
        layers.push(self.flags.clone());
        resolve(&layers, strictness)
    }
}

/// Opens and reads the standard sources once, as a server that starts does.
///
/// # Errors
///
/// Those of [`Sources::open`] and [`Sources::load`].
pub async fn load(drivers: &Drivers, file: Option<&Path>, flags: &[String]) -> Result<Resolved> {
    Sources::open(drivers, file, flags).await?.load(Strictness::Start).await
}

fn present(registry: &Registry<Config>, name: &str) -> Option<Arc<dyn Driver<Config>>> {
    registry.get(name).ok()
}
