//! The driver: checks the settings and opens the target.

use crate::settings::LocalSettings;
use crate::target::LocalTarget;
use async_trait::async_trait;
use rtmx_core::{Contract, Cx, Driver, DriverInfo, Error, Family, Result, deploy};
use rtmx_deploy::{Deploy, DeployTarget};
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct LocalDriver;

#[async_trait]
impl Driver<Deploy> for LocalDriver {
    fn info(&self) -> &DriverInfo {
        const INFO: DriverInfo = DriverInfo {
            name: "local",
            version: env!("CARGO_PKG_VERSION"),
            summary: "this machine, as a background service, without a container engine",
            contract: Contract { major: Deploy::CONTRACT.major, minor: Deploy::CONTRACT.minor },
        };
        &INFO
    }

    fn settings_schema(&self) -> serde_json::Value {
        schemars::schema_for!(LocalSettings).to_value()
    }

    async fn open(&self, _: &Cx, settings: serde_json::Value) -> Result<Arc<dyn DeployTarget>> {
        let invalid = |why: String| {
            Error::new(deploy::TARGET_SETTINGS_INVALID, "cannot open the target `local`").with_source(why)
        };
        let settings: LocalSettings =
            serde_json::from_value(settings).map_err(|error| invalid(error.to_string()))?;
        if !LocalSettings::is_valid_name(&settings.name) {
            return Err(invalid(format!("`{}` is not a name for an installation", settings.name)));
        }
        if !settings.home.is_absolute() || !settings.binaries.is_absolute() {
            return Err(invalid("`home` and `binaries` must be absolute paths".into()));
        }
        if settings.home.to_str().is_none_or(|home| home.contains(['\n', '\r'])) {
            return Err(invalid("`home` must be UTF-8 text without line breaks".into()));
        }
        Ok(Arc::new(LocalTarget::new(settings)))
    }
}
