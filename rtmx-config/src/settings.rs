//! The settings as the program uses them: typed, complete, with secrets that do not show.

mod vault;

use crate::effective::Values;
use crate::{Layer, Strictness, resolve, units};
use ipnet::IpNet;
use rtmx_core::Secret;
use serde::{Serialize, Serializer};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
pub use vault::{Vault, VaultAuth};

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
    pub vault: Vault,
}

/// The section `server`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "fields are the keys of the table")]
pub struct Server {
    pub listen: SocketAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    pub redirect_listen: Option<SocketAddr>,
    pub public_url: Option<String>,
    #[serde(serialize_with = "duration")]
    pub hsts: Duration,
    pub trusted_proxies: Vec<IpNet>,
    /// In bytes.
    #[serde(serialize_with = "size")]
    pub body_limit: u64,
    #[serde(serialize_with = "duration")]
    pub request_timeout: Duration,
    #[serde(serialize_with = "duration")]
    pub drain: Duration,
    #[serde(serialize_with = "duration")]
    pub drain_delay: Duration,
    pub connections: usize,
}

/// The keys `server.tls_*`, where the server speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tls {
    /// `server.tls_cert`.
    pub cert: PathBuf,
    /// `server.tls_key`.
    pub key: PathBuf,
    /// `server.tls_client_ca`, and whether a client must have a certificate.
    pub clients: Option<TlsClients>,
    /// Whether `server.tls_min_version` is 1.3.
    pub only_1_3: bool,
}

/// Certificates of clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TlsClients {
    /// `server.tls_client_ca`.
    pub ca: PathBuf,
    /// Whether `server.tls_client_auth` is `required`.
    pub required: bool,
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
    /// `None` where the keys below say which PostgreSQL database it is.
    #[serde(serialize_with = "redacted_if_any")]
    pub url: Option<Secret<String>>,
    /// The file that `url` was read from, whose content may be replaced while the server runs.
    pub url_file: Option<PathBuf>,
    pub host: Option<String>,
    pub port: Option<u16>,
    pub name: Option<String>,
    pub user: Option<String>,
    #[serde(serialize_with = "redacted_if_any")]
    pub password: Option<Secret<String>>,
    /// The file that `password` was read from, whose content may be replaced while the server runs.
    pub password_read_from: Option<PathBuf>,
    pub password_file: Option<PathBuf>,
    pub sslmode: Option<&'static str>,
    pub sslrootcert: Option<String>,
    pub sslcert: Option<PathBuf>,
    pub sslkey: Option<PathBuf>,
    pub target_session_attrs: Option<&'static str>,
    pub passfile: Option<PathBuf>,
    pub service: Option<String>,
    pub service_file: Option<PathBuf>,
    pub schema: Option<String>,
    pub connections: Option<u64>,
    #[serde(serialize_with = "duration_if_any")]
    pub statement_timeout: Option<Duration>,
    #[serde(serialize_with = "duration_if_any")]
    pub lock_timeout: Option<Duration>,
    pub pooler: Option<bool>,
    #[serde(serialize_with = "redacted_if_any")]
    pub direct_url: Option<Secret<String>>,
    /// The file that `direct_url` was read from, whose content may be replaced while the server runs.
    pub direct_url_file: Option<PathBuf>,
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
    #[serde(serialize_with = "duration")]
    pub session_lifetime: Duration,
}

/// The section `license`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "fields are the keys of the table")]
pub struct License {
    pub mode: LicenseChoice,
    #[serde(serialize_with = "redacted_if_any")]
    pub key: Option<Secret<String>>,
    pub file: Option<PathBuf>,
    pub machine_id: Option<String>,
    pub cluster_id: Option<String>,
    pub server_url: Option<String>,
    pub ca_file: Option<PathBuf>,
    #[serde(serialize_with = "redacted_if_any")]
    pub proxy: Option<Secret<String>>,
    pub no_proxy: Option<String>,
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
                tls: Tls::from_values(values),
                redirect_listen: values.address_if_any("server.redirect_listen"),
                public_url: values.text("server.public_url").map(|url| url.expose().clone()),
                hsts: values.duration("server.hsts"),
                trusted_proxies: values.networks_if_any("server.trusted_proxies").unwrap_or_default(),
                body_limit: values.size("server.body_limit"),
                request_timeout: values.duration("server.request_timeout"),
                drain: values.duration("server.drain"),
                drain_delay: values.duration("server.drain_delay"),
                connections: usize::try_from(values.integer("server.connections")).unwrap_or(usize::MAX),
            },
            data: Data { dir: values.path("data.dir") },
            database: Database::from_values(values),
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
            auth: Auth {
                admin_token: values.text("auth.admin_token"),
                session_lifetime: values.duration("auth.session_lifetime"),
            },
            license: License {
                mode: match values.choice("license.mode") {
                    "online" => LicenseChoice::Online,
                    _ => LicenseChoice::Offline,
                },
                key: values.text("license.key"),
                file: values.path_if_any("license.file"),
                machine_id: values.text("license.machine_id").map(|id| id.expose().clone()),
                cluster_id: values.text("license.cluster_id").map(|id| id.expose().clone()),
                server_url: values.text("license.server_url").map(|url| url.expose().clone()),
                ca_file: values.path_if_any("license.ca_file"),
                proxy: values.text("license.proxy"),
                no_proxy: values.text("license.no_proxy").map(|hosts| hosts.expose().clone()),
                revalidate_interval: values.duration("license.revalidate_interval"),
            },
            telemetry: Telemetry { enabled: values.switch("telemetry.enabled") },
            vault: Vault::from_values(values),
        }
    }
}

impl Tls {
    fn from_values(values: &Values) -> Option<Tls> {
        let (cert, key) = (values.path_if_any("server.tls_cert")?, values.path_if_any("server.tls_key")?);
        let required = values.choice("server.tls_client_auth") == "required";
        let clients = values.path_if_any("server.tls_client_ca").map(|ca| TlsClients { ca, required });
        Some(Tls { cert, key, clients, only_1_3: values.choice("server.tls_min_version") == "1.3" })
    }
}

impl Database {
    fn from_values(values: &Values) -> Database {
        let plain = |path: &str| values.text(path).map(|text| text.expose().clone());
        Database {
            url: values.text("database.url"),
            url_file: None,
            host: plain("database.host"),
            port: values.integer_if_any("database.port").and_then(|port| u16::try_from(port).ok()),
            name: plain("database.name"),
            user: plain("database.user"),
            password: values.text("database.password"),
            password_read_from: None,
            password_file: values.path_if_any("database.password_file"),
            sslmode: values.choice_if_any("database.sslmode"),
            sslrootcert: plain("database.sslrootcert"),
            sslcert: values.path_if_any("database.sslcert"),
            sslkey: values.path_if_any("database.sslkey"),
            target_session_attrs: values.choice_if_any("database.target_session_attrs"),
            passfile: values.path_if_any("database.passfile"),
            service: plain("database.service"),
            service_file: values.path_if_any("database.service_file"),
            schema: plain("database.schema"),
            connections: values.integer_if_any("database.connections"),
            statement_timeout: values.duration_if_any("database.statement_timeout"),
            lock_timeout: values.duration_if_any("database.lock_timeout"),
            pooler: values.switch_if_any("database.pooler"),
            direct_url: values.text("database.direct_url"),
            direct_url_file: None,
            migrate: values.switch("database.migrate"),
        }
    }
}

fn duration<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&units::format_duration(*duration))
}

fn size<S: Serializer>(bytes: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&units::format_size(*bytes))
}

fn duration_if_any<S: Serializer>(duration: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => to.serialize_str(&units::format_duration(*duration)),
        None => to.serialize_none(),
    }
}

fn redacted_if_any<S: Serializer>(secret: &Option<Secret<String>>, to: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(_) => to.serialize_str("[secret]"),
        None => to.serialize_none(),
    }
}
