//! The driver's settings: whom to ask, how often, and by which way.

use http::Uri;
use http::uri::Scheme;
use rtmx_core::{Error, Result, Secret, license};
use rtmx_https::Server;
use serde::Deserialize;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// Whom to ask, how often, and by which way. There is no key among them: what is trusted is said in code.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnlineSettings {
    /// The license server: `https://`, a host, a port if it is another than 443, and a path if its own
    /// do not begin at the root. `http://` is taken for a loopback address only.
    pub server_url: String,
    /// Seconds between two confirmations, 60 to 7 days; 10 % more or less each time. Default a day.
    #[serde(default = "OnlineSettings::default_interval_s")]
    pub revalidate_interval_s: u64,
    /// Milliseconds for finding the host, connecting, the proxy and TLS together, 50 to 60,000.
    /// Default 5,000.
    #[serde(default = "OnlineSettings::default_connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    /// Milliseconds from the question to the last byte of its answer, 50 to 60,000. Default 10,000.
    #[serde(default = "OnlineSettings::default_answer_timeout_ms")]
    pub answer_timeout_ms: u64,
    /// A PEM file of certificates that are trusted beside the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// `http://[user[:password]@]host[:port]` of a proxy that opens tunnels (`CONNECT`).
    #[serde(default)]
    pub proxy: Option<Secret<String>>,
    /// Hosts that are asked without the proxy, as in `NO_PROXY`.
    #[serde(default)]
    pub no_proxy: Option<String>,
}

const INTERVAL_S: RangeInclusive<u64> = 60..=7 * 86_400;
const TIMEOUT_MS: RangeInclusive<u64> = 50..=60_000;

impl OnlineSettings {
    /// Reads settings from JSON and checks them.
    ///
    /// # Errors
    ///
    /// `license_settings_invalid`.
    pub fn from_json(json: serde_json::Value) -> Result<Self> {
        const UNREADABLE: &str = "could not read the settings of the license mode `online`";
        // A list of values in the order of the fields would be taken, too.
        if !json.is_object() {
            return Err(invalid(format!("{UNREADABLE}: they are no object")));
        }
        let settings: OnlineSettings = serde_json::from_value(json)
            .map_err(|source| invalid(UNREADABLE.to_owned()).with_source(source))?;
        settings.server()?;
        settings.proxy()?;
        let numbers = [
            ("revalidate_interval_s", settings.revalidate_interval_s, INTERVAL_S),
            ("connect_timeout_ms", settings.connect_timeout_ms, TIMEOUT_MS),
            ("answer_timeout_ms", settings.answer_timeout_ms, TIMEOUT_MS),
        ];
        for (name, number, range) in numbers {
            if !range.contains(&number) {
                let (least, most) = (range.start(), range.end());
                return Err(invalid(format!("`{name}` is {number}, and it must be {least} to {most}")));
            }
        }
        Ok(settings)
    }

    pub(crate) fn server(&self) -> Result<Server> {
        Server::parse(&self.server_url).map_err(|why| invalid(format!("`server_url` {why}")))
    }

    /// The proxy's URL, if one is set; an empty variable is none.
    pub(crate) fn proxy(&self) -> Result<Option<Secret<String>>> {
        let Some(given) = self.proxy.as_ref().filter(|given| !given.expose().trim().is_empty()) else {
            return Ok(None);
        };
        let text = given.expose().trim();
        let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let parsed = url.parse::<Uri>().ok().filter(|uri| uri.host().is_some_and(|host| !host.is_empty()));
        // The text may hold a password, so the message shows none of it.
        match parsed {
            Some(uri) if uri.scheme() == Some(&Scheme::HTTP) => Ok(Some(Secret::new(url))),
            _ => Err(invalid("`proxy` is not of the form http://[user[:password]@]host[:port]".to_owned())),
        }
    }

    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs(self.revalidate_interval_s)
    }

    fn default_interval_s() -> u64 {
        rtmx_license::lease::INTERVAL.as_secs()
    }

    fn default_connect_timeout_ms() -> u64 {
        5_000
    }

    fn default_answer_timeout_ms() -> u64 {
        10_000
    }

    /// The JSON Schema of the settings.
    pub(crate) fn json_schema() -> serde_json::Value {
        let number = |range: RangeInclusive<u64>, default: u64, description: &str| {
            serde_json::json!({
                "type": "integer",
                "minimum": range.start(),
                "maximum": range.end(),
                "default": default,
                "description": description
            })
        };
        let text =
            |description: &str| serde_json::json!({ "type": ["string", "null"], "description": description });
        serde_json::json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Settings of the license mode `online`",
            "type": "object",
            "additionalProperties": false,
            "required": ["server_url"],
            "properties": {
                "server_url": {
                    "type": "string",
                    "minLength": 1,
                    "description": "The license server: an https URL; http for a loopback address only."
                },
                "revalidate_interval_s": number(
                    INTERVAL_S,
                    Self::default_interval_s(),
                    "Seconds between two confirmations, 10 % more or less each time.",
                ),
                "connect_timeout_ms": number(
                    TIMEOUT_MS,
                    Self::default_connect_timeout_ms(),
                    "Milliseconds for finding the host, connecting, the proxy and TLS together.",
                ),
                "answer_timeout_ms": number(
                    TIMEOUT_MS,
                    Self::default_answer_timeout_ms(),
                    "Milliseconds from the question to the last byte of its answer.",
                ),
                "ca_file": text("A PEM file of certificates that are trusted beside the system's."),
                "proxy": text("http://[user[:password]@]host[:port] of a proxy that opens tunnels."),
                "no_proxy": text("Hosts that are asked without the proxy, as in NO_PROXY.")
            }
        })
    }
}

fn invalid(message: String) -> Error {
    Error::new(license::LICENSE_SETTINGS_INVALID, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::assert_code;
    use serde_json::json;

    #[test]
    fn settings_that_cannot_be_meant_are_refused() {
        let ok = "https://license.example";
        let cases = [
            json!({}),
            json!([ok]),
            json!({"server_url": ""}),
            json!({"server_url": "license.example"}),
            json!({"server_url": "ftp://license.example"}),
            json!({"server_url": "http://license.example"}),
            json!({"server_url": "http://10.0.0.7"}),
            json!({"server_url": "http://localhost.example"}),
            json!({"server_url": "https://"}),
            json!({"server_url": "https://a b"}),
            json!({"server_url": "https://license.example:0"}),
            json!({"server_url": "https://license.example:99999"}),
            json!({"server_url": "https://license.example?x=1"}),
            json!({"server_url": "https://license.example/#x"}),
            json!({"server_url": "https://ann:hunter2@license.example"}),
            json!({"server_url": ok, "revalidate_interval_s": 59}),
            json!({"server_url": ok, "revalidate_interval_s": 7 * 86_400 + 1}),
            json!({"server_url": ok, "connect_timeout_ms": 0}),
            json!({"server_url": ok, "answer_timeout_ms": 60_001}),
            json!({"server_url": ok, "proxy": "https://ann:hunter2@proxy.example"}),
            json!({"server_url": ok, "proxy": "socks5://ann:hunter2@proxy.example"}),
            json!({"server_url": ok, "proxy": "http://ann:hunter2@"}),
            json!({"server_url": ok, "trusted_keys": []}),
            json!({"server_url": ok, "product": "RTMX"}),
        ];
        for json in cases {
            let error = OnlineSettings::from_json(json.clone()).expect_err(&json.to_string());
            assert_code(&error, license::LICENSE_SETTINGS_INVALID);
            assert!(!format!("{error:?}{error}{:?}", error.causes()).contains("hunter2"), "{json}");
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_schema_and_the_password_is_not_shown() {
        let proxy = "http://ann:hunter2@proxy.example:3128";
        let settings =
            OnlineSettings::from_json(json!({"server_url": "https://license.example", "proxy": proxy}))
                .unwrap();
        let schema = OnlineSettings::json_schema();
        let found = [
            ("revalidate_interval_s", settings.revalidate_interval_s, 86_400),
            ("connect_timeout_ms", settings.connect_timeout_ms, 5_000),
            ("answer_timeout_ms", settings.answer_timeout_ms, 10_000),
        ];
        for (name, default, wanted) in found {
            assert_eq!((default, &schema["properties"][name]["default"]), (wanted, &json!(wanted)), "{name}");
        }
        assert!(!format!("{settings:?}").contains("hunter2"), "{settings:?}");
        assert_eq!(settings.proxy().unwrap().unwrap().expose(), proxy);
        for none in [json!(null), json!(""), json!("  ")] {
            let json = json!({"server_url": "https://license.example", "proxy": none});
            assert!(OnlineSettings::from_json(json).unwrap().proxy().unwrap().is_none());
        }
    }
}
