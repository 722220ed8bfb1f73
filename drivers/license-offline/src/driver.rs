//! The driver: there is nothing to set, and it says so.

use crate::mode::Offline;
use async_trait::async_trait;
use rtmx_core::{Cx, Driver, DriverInfo, Error, Family, Result, license};
use rtmx_license::{Checker, LicenseMode, Licensing};
use std::sync::Arc;

/// Opens the mode for one program.
#[derive(Debug)]
pub(crate) struct OfflineDriver {
    checker: Checker,
}

impl OfflineDriver {
    pub(crate) fn new(checker: Checker) -> OfflineDriver {
        OfflineDriver { checker }
    }
}

const INFO: DriverInfo = DriverInfo {
    name: "offline",
    version: env!("CARGO_PKG_VERSION"),
    summary: "licenses are judged on this machine; no connection is ever opened",
    contract: Licensing::CONTRACT,
};

#[async_trait]
impl Driver<Licensing> for OfflineDriver {
    fn info(&self) -> &DriverInfo {
        &INFO
    }

    fn settings_schema(&self) -> serde_json::Value {
        serde_json::json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Settings of the license mode `offline`",
            "type": "object",
            "additionalProperties": false,
            "properties": {}
        })
    }

    async fn open(&self, _: &Cx, settings: serde_json::Value) -> Result<Arc<dyn LicenseMode>> {
        let invalid = |message: String| Error::new(license::LICENSE_SETTINGS_INVALID, message);
        let Some(settings) = settings.as_object() else {
            return Err(invalid(
                "could not read the settings of the license mode `offline`: they are no object".to_owned(),
            ));
        };
        if let Some(name) = settings.keys().next() {
            // The name comes from a file: quoted, so that it cannot forge a line of a log.
            let message = format!("the license mode `offline` has no setting {name:?}: it takes none");
            return Err(invalid(message));
        }
        Ok(Arc::new(Offline::new(self.checker.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::{Registry, assert_code, storage};
    use rtmx_license::{KeyRing, Profile};
    use serde_json::json;

    fn checker() -> Checker {
        Checker::new(KeyRing::vendor().unwrap(), Profile::rtmx("2026-11-01T00:00:00Z".parse().unwrap()))
    }

    #[tokio::test]
    async fn no_setting_can_name_a_key_a_product_or_a_date() {
        let driver = OfflineDriver::new(checker());
        let refused = [
            json!({"trusted_keys": [{"kid": "mine", "usage": "license", "key": "AAAA"}]}),
            json!({"product": "RTMX"}),
            json!({"built_at": "2020-01-01T00:00:00Z"}),
            json!({"server_url": "https://license.example"}),
            json!([]),
            json!(null),
            json!("offline"),
        ];
        for settings in refused {
            let error = driver.open(&Cx::new(), settings.clone()).await.expect_err(&settings.to_string());
            assert_code(&error, license::LICENSE_SETTINGS_INVALID);
        }
        driver.open(&Cx::new(), json!({})).await.expect("nothing is what it takes");
        assert_eq!(driver.settings_schema()["properties"], json!({}));
        assert_eq!(driver.settings_schema()["additionalProperties"], json!(false));
    }

    #[test]
    fn the_driver_is_called_offline_and_is_there_once() {
        let mut modes = Registry::<Licensing>::new();
        crate::register(&mut modes, checker()).unwrap();
        assert_eq!(modes.get("offline").unwrap().info().contract, Licensing::CONTRACT);
        assert_code(crate::register(&mut modes, checker()).unwrap_err(), storage::RECORD_EXISTS);
    }
}
