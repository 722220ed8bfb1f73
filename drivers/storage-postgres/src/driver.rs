//! The driver: checks the settings and opens.

use crate::backend::PostgresBackend;
use crate::settings::PostgresSettings;
use async_trait::async_trait;
use rtmx_core::{Cx, Driver, DriverInfo, Family, Result};
use rtmx_storage::{Migration, Storage, StorageBackend};
use std::sync::Arc;
use std::time::Instant;

/// Opens PostgreSQL databases.
#[derive(Debug)]
pub(crate) struct PostgresDriver {
    /// The migrations that it knows.
    pub(crate) known: &'static [Migration],
}

const INFO: DriverInfo = DriverInfo {
    name: "postgres",
    version: env!("CARGO_PKG_VERSION"),
    summary: "PostgreSQL 12 and newer: your own server, several RTMX servers at once",
    contract: Storage::CONTRACT,
};

#[async_trait]
impl Driver<Storage> for PostgresDriver {
    fn info(&self) -> &DriverInfo {
        &INFO
    }

    fn schemes(&self) -> &[&str] {
        &["postgres", "postgresql"]
    }

    fn settings_schema(&self) -> serde_json::Value {
        PostgresSettings::json_schema()
    }

    async fn open(&self, cx: &Cx, settings: serde_json::Value) -> Result<Arc<dyn StorageBackend>> {
        let settings = PostgresSettings::from_json(settings)?;
        cx.check(Instant::now())?;
        Ok(Arc::new(PostgresBackend::open(&settings, self.known).await?))
    }
}
