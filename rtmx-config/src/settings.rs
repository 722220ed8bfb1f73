//! The settings as the program uses them: typed, complete, with secrets that do not show.

use crate::effective::Values;
use crate::{Layer, Strictness, resolve, units};
use rtmx_core::Secret;
use serde::{Serialize, Serializer};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Every setting of RTMX. What each means stands in the table, [`crate::KEYS`].
///
/// Serializes for display: durations and sizes as they are written, secrets as `[secret]`. It cannot
/// be deserialized, because that would go past the table; [`resolve`] makes one.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "sections and fields are the keys of the table")]
pub struct Settings {
    pub server: Server,
    pub data: Data,
    pub database: Database,
    pub log: Log,
    pub metrics: Metrics,
    pub auth: Auth,
    pub license: License,
    pub telemetry: Telemetry,
}

/// The section `server`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "fields are the keys of the table")]
pub struct Server {
    pub listen: SocketAddr,
    /// In bytes.
    #[serde(serialize_with = "size")]
    pub body_limit: u64,
    #[serde(serialize_with = "duration")]
    pub request_timeout: Duration,
    #[serde(serialize_with = "duration")]
    pub drain: Duration,
    pub connections: usize,
}

/// The section `data`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "fields are the keys of the table")]
pub struct Data {
    pub dir: PathBuf,
}

/// The section `database`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "fields are the keys of the table")]
pub struct Database {
    #[serde(serialize_with = "redacted")]
    pub url: Secret<String>,
    pub migrate: bool,
}

/// The section `log`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "fields are the keys of the table")]
pub struct Log {
    pub level: LogLevel,
    pub format: LogFormat,
}

/// The section `metrics`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "fields are the keys of the table")]
pub struct Metrics {
    pub enabled: bool,
    pub port: u16,
}

/// The section `auth`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "fields are the keys of the table")]
pub struct Auth {
    #[serde(serialize_with = "redacted_if_any")]
    pub admin_token: Option<Secret<String>>,
}

/// The section `license`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "fields are the keys of the table")]
pub struct License {
    pub mode: LicenseChoice,
    #[serde(serialize_with = "redacted_if_any")]
    pub key: Option<Secret<String>>,
    pub server_url: Option<String>,
    #[serde(serialize_with = "duration")]
    pub revalidate_interval: Duration,
}

/// The section `telemetry`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "fields are the keys of the table")]
pub struct Telemetry {
    pub enabled: bool,
}

/// The value of `log.level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "variants are the values of the key")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// The value of `log.format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "variants are the values of the key")]
pub enum LogFormat {
    Json,
    Text,
}

/// The value of `license.mode`: the license mode that is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "variants are the values of the key")]
pub enum LicenseChoice {
    Offline,
    Online,
}

impl Default for Settings {
    /// The built-in defaults.
    fn default() -> Settings {
        let none: [Layer; 0] = [];
        resolve(&none, Strictness::Check).expect("the defaults of the table are valid").settings
    }
}

impl Settings {
    /// Takes the settings from values that are complete: every key with a default has one.
    pub(crate) fn from_values(values: &Values) -> Settings {
        Settings {
            server: Server {
                listen: values.address("server.listen"),
                body_limit: values.size("server.body_limit"),
                request_timeout: values.duration("server.request_timeout"),
                drain: values.duration("server.drain"),
                connections: usize::try_from(values.integer("server.connections")).unwrap_or(usize::MAX),
            },
            data: Data { dir: values.path("data.dir") },
            database: Database {
                url: values.text("database.url").expect("it has a default"),
                migrate: values.switch("database.migrate"),
            },
            log: Log {
                level: match values.choice("log.level") {
                    "trace" => LogLevel::Trace,
                    "debug" => LogLevel::Debug,
                    "warn" => LogLevel::Warn,
                    "error" => LogLevel::Error,
                    _ => LogLevel::Info,
                },
                format: match values.choice("log.format") {
                    "text" => LogFormat::Text,
                    _ => LogFormat::Json,
                },
            },
            metrics: Metrics {
                enabled: values.switch("metrics.enabled"),
                port: u16::try_from(values.integer("metrics.port")).expect("its range ends at 65535"),
            },
            auth: Auth { admin_token: values.text("auth.admin_token") },
            license: License {
                mode: match values.choice("license.mode") {
                    "online" => LicenseChoice::Online,
                    _ => LicenseChoice::Offline,
                },
                key: values.text("license.key"),
                server_url: values.text("license.server_url").map(|url| url.expose().clone()),
                revalidate_interval: values.duration("license.revalidate_interval"),
            },
            telemetry: Telemetry { enabled: values.switch("telemetry.enabled") },
        }
    }
}

fn duration<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&units::format_duration(*duration))
}

fn size<S: Serializer>(bytes: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&units::format_size(*bytes))
}

fn redacted<S: Serializer>(_: &Secret<String>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str("[secret]")
}

fn redacted_if_any<S: Serializer>(secret: &Option<Secret<String>>, to: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => redacted(secret, to),
        None => to.serialize_none(),
    }
}
