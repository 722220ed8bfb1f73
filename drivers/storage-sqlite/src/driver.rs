//! The driver: checks the settings and opens.

use crate::backend::SqliteBackend;
use crate::settings::SqliteSettings;
use async_trait::async_trait;
use rtmx_core::{Cx, Driver, DriverInfo, Family, Result};
use rtmx_storage::{Migration, Storage, StorageBackend};
use std::sync::Arc;
use std::time::Instant;

/// Opens SQLite databases.
#[derive(Debug)]
pub(crate) struct SqliteDriver {
    /// The migrations that it knows.
    pub(crate) known: &'static [Migration],
}

const INFO: DriverInfo = DriverInfo {
    name: "sqlite",
    version: env!("CARGO_PKG_VERSION"),
    summary: "embedded SQLite: one file, one server, nothing to install",
    contract: Storage::CONTRACT,
};

#[async_trait]
impl Driver<Storage> for SqliteDriver {
    fn info(&self) -> &DriverInfo {
        &INFO
    }

    fn schemes(&self) -> &[&str] {
        &["sqlite"]
    }

    fn settings_schema(&self) -> serde_json::Value {
        SqliteSettings::json_schema()
    }

    async fn open(&self, cx: &Cx, settings: serde_json::Value) -> Result<Arc<dyn StorageBackend>> {
        let settings = SqliteSettings::from_json(settings)?;
        cx.check(Instant::now())?;
        Ok(Arc::new(SqliteBackend::open(settings, self.known).await?))
    }
}
