//! Sources of settings that do not know the newest ones.

use async_trait::async_trait;
use rtmx::config::{About, Config, ConfigCapability, ConfigSource, Finding, Layer, Provenance};
use rtmx::core::{Cx, Driver, DriverInfo, Registry, Result};
use std::sync::Arc;

/// The settings that the release before this one lacks.
const NEWEST: [&str; 1] = ["server.drain_delay"];

/// The same drivers, for which a setting of this version is an unknown one.
pub(crate) fn older(drivers: &Registry<Config>) -> Result<Registry<Config>> {
    let mut older = Registry::default();
    for name in ["file", "env", "mount", "vault"] {
        older.register(Arc::new(OlderDriver(drivers.get(name)?)))?;
    }
    Ok(older)
}

#[derive(Debug)]
struct OlderDriver(Arc<dyn Driver<Config>>);

#[async_trait]
impl Driver<Config> for OlderDriver {
    fn info(&self) -> &DriverInfo {
        self.0.info()
    }

    fn schemes(&self) -> &[&str] {
        self.0.schemes()
    }

    fn settings_schema(&self) -> serde_json::Value {
        self.0.settings_schema()
    }

    async fn open(&self, cx: &Cx, settings: serde_json::Value) -> Result<Arc<dyn ConfigSource>> {
        Ok(Arc::new(OlderSource(self.0.open(cx, settings).await?)))
    }
}

#[derive(Debug)]
struct OlderSource(Arc<dyn ConfigSource>);

#[async_trait]
impl ConfigSource for OlderSource {
    fn capability(&self) -> ConfigCapability {
        self.0.capability()
    }

    fn provenance(&self) -> Provenance {
        self.0.provenance()
    }

    async fn load(&self, cx: &Cx) -> Result<Layer> {
        let mut layer = self.0.load(cx).await?;
        let newer = layer.entries.extract_if(.., |entry| NEWEST.contains(&entry.key.as_str()));
        let unknown = newer.map(|entry| {
            let text = format!("there is no setting `{}`", entry.key);
            Finding::new(About::UnknownKey, entry.origin, text).with_key(entry.key)
        });
        layer.warnings.extend(unknown.collect::<Vec<_>>());
        Ok(layer)
    }

    async fn changed(&self, cx: &Cx) -> Result<()> {
        self.0.changed(cx).await
    }
}
