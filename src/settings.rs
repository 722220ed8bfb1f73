//! The standard order of configuration sources.
//!
//! Later ones win: built-in defaults, `/etc/rtmx/rtmx.toml`, `/etc/rtmx/conf.d/*.toml`, the file that
//! was named, the mounted secrets in `/etc/rtmx/secrets.d` or the folder that was named, the Vault that
//! these sources, the environment or the flags name, the environment, flags. A source that this build
//! lacks is left out, and the others still count.

mod vault;

use crate::Drivers;
use rtmx_config::{Config, ConfigSource, Layer, Resolved, Strictness, flag_layer, resolve};
use rtmx_core::{Cx, Driver, Registry, Result};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// The machine's configuration file.
pub(crate) const MACHINE_FILE: &str = "/etc/rtmx/rtmx.toml";
/// The folder whose files follow it, by name.
pub(crate) const MACHINE_DIR: &str = "/etc/rtmx/conf.d";
/// The folder of mounted secrets.
const SECRETS_DIR: &str = "/etc/rtmx/secrets.d";

/// What the command line says about where to look.
#[derive(Debug, Clone, Copy, Default)]
pub struct Places<'a> {
    /// The file that `--config` named.
    pub file: Option<&'a Path>,
    /// The folder of mounted secrets that `--secrets-dir` or `RTMX_SECRETS_DIR` named, instead of
    /// `/etc/rtmx/secrets.d`.
    pub secrets: Option<&'a Path>,
}

/// The open sources of a configuration, in order, and the flags that win over them.
#[derive(Debug)]
pub struct Sources {
    sources: Vec<Arc<dyn ConfigSource>>,
    flags: Layer,
}

impl Sources {
    /// Opens the standard sources; `flags` are `key=value`.
    ///
    /// # Errors
    ///
    /// What opening a source meets; `driver_absent` for a named place in a build without its source.
    pub async fn open(drivers: &Drivers, places: Places<'_>, flags: &[String]) -> Result<Sources> {
        let cx = Cx::new();
        let flags = flag_layer(flags);
        let mut sources = Vec::new();
        if let Some(files) = present(&drivers.config, "file") {
            sources.push(files.open(&cx, json!({"file": MACHINE_FILE, "required": false})).await?);
            sources.push(files.open(&cx, json!({"dir": MACHINE_DIR, "required": false})).await?);
        }
        if let Some(file) = places.file {
            sources.push(drivers.config.get("file")?.open(&cx, json!({"file": file})).await?);
        }
        if let Some(dir) = places.secrets {
            sources.push(drivers.config.get("mount")?.open(&cx, json!({"dir": dir})).await?);
        } else if let Some(mounts) = present(&drivers.config, "mount") {
            sources.push(mounts.open(&cx, json!({"dir": SECRETS_DIR, "required": false})).await?);
        }
        let remote = sources.len();
        if let Some(environment) = present(&drivers.config, "env") {
            sources.push(environment.open(&cx, Value::Object(serde_json::Map::new())).await?);
        }
        if let Some(settings) = vault::asked_for(&cx, &sources, &flags).await? {
            sources.insert(remote, drivers.config.get("vault")?.open(&cx, settings).await?);
        }
        Ok(Sources { sources, flags })
    }

    /// Waits until a source's content differs from what the last load gave. Dropping the future ends the
    /// wait.
    ///
    /// # Errors
    ///
    /// What keeps a source from being watched.
    #[cfg(feature = "server")]
    pub async fn changed(&self) -> Result<()> {
        let cx = Cx::new();
        let watched = self.sources.iter().filter(|source| source.capability().watch);
        let waits: Vec<_> = watched.map(|source| source.changed(&cx)).collect();
        if waits.is_empty() {
            return std::future::pending().await;
        }
        futures_util::future::select_all(waits).await.0
    }

    /// What each source says now, the flags last.
    pub(crate) async fn layers(&self) -> Result<Vec<Layer>> {
        let cx = Cx::new();
        let mut layers = Vec::with_capacity(self.sources.len() + 1);
        for source in &self.sources {
            layers.push(source.load(&cx).await?);
        }
        layers.push(self.flags.clone());
        Ok(layers)
    }

    /// Reads all sources as they are now, and resolves them. Settings that the database's engine does not
    /// have are among the warnings.
    ///
    /// # Errors
    ///
    /// One error with everything that is wrong in all sources.
    pub async fn load(&self, drivers: &Drivers, strictness: Strictness) -> Result<Resolved> {
        let mut resolved = resolve(&self.layers().await?, strictness)?;
        let idle = crate::database::idle(&resolved, drivers);
        resolved.warnings.extend(idle);
        Ok(resolved)
    }
}

fn present(registry: &Registry<Config>, name: &str) -> Option<Arc<dyn Driver<Config>>> {
    registry.get(name).ok()
}
