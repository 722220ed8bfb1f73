//! The driver: checks the settings and opens. Opening asks nobody.

use crate::mode::Online;
use crate::settings::OnlineSettings;
use async_trait::async_trait;
use rtmx_core::{Cx, Driver, DriverInfo, Family, Result};
use rtmx_license::{Checker, LicenseMode, Licensing};
use std::sync::Arc;

/// Opens the mode for one program.
#[derive(Debug)]
pub(crate) struct OnlineDriver {
    checker: Checker,
}

impl OnlineDriver {
    pub(crate) fn new(checker: Checker) -> OnlineDriver {
        OnlineDriver { checker }
    }
}

const INFO: DriverInfo = DriverInfo {
    name: "online",
    version: env!("CARGO_PKG_VERSION"),
    summary: "licenses are judged on this machine and confirmed by a license server from time to time",
    contract: Licensing::CONTRACT,
};

#[async_trait]
impl Driver<Licensing> for OnlineDriver {
    fn info(&self) -> &DriverInfo {
        &INFO
    }

    fn settings_schema(&self) -> serde_json::Value {
        OnlineSettings::json_schema()
    }

    async fn open(&self, _: &Cx, settings: serde_json::Value) -> Result<Arc<dyn LicenseMode>> {
        Ok(Arc::new(Online::new(self.checker.clone(), &OnlineSettings::from_json(settings)?)?))
    }
}
