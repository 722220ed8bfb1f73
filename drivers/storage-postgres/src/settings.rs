//! The driver's settings.
//!
//! The database is named by a URL, by single settings, by a section of a service file, or by parts
//! of each that do not contradict one another. The JSON Schema below is also what the values are
//! checked against, so that what is documented is what is accepted. A value is never repeated in an
//! error: whoever pastes a URL into the wrong setting would read the password in the log.

use crate::connect::names::{Name, nearest, unknown};
use crate::connect::parameters::Parameters;
use crate::connect::session::Session;
use crate::connect::trust::Mode;
use crate::connect::{self, Address, CONNECT_TIMEOUT_LIMIT_MS, CONNECT_TIMEOUT_MS, invalid};
use rtmx_core::{Result, Secret};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Where the database is and how it is used.
///
/// Everything but the URL and what has a default may be left out if the URL, or the service, says it.
/// Paths are absolute. `Debug` shows no secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresSettings {
    /// `postgres://user:password@host:5432/database?parameter=value`, with one or several hosts.
    #[serde(default)]
    pub url: Option<Secret<String>>,
    /// A file that holds only such a URL, read anew for each connection; one line end is cut off.
    #[serde(default)]
    pub url_file: Option<PathBuf>,
    /// One or several hosts, separated by commas, each with or without its port: names, addresses
    /// (version 6 in brackets where a port follows), or folders of Unix sockets.
    #[serde(default)]
    pub host: Option<String>,
    /// The port of all hosts. Default 5432.
    #[serde(default)]
    pub port: Option<u16>,
    /// The database. Default: the user's name.
    #[serde(default)]
    pub database: Option<String>,
    /// The role that logs in.
    #[serde(default)]
    pub user: Option<String>,
    /// Its password.
    #[serde(default)]
    pub password: Option<Secret<String>>,
    /// A file that holds only the password, read anew for each connection; one line end is cut off.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// A file of the form `.pgpass`, closed to others, read anew for each connection.
    #[serde(default)]
    pub passfile: Option<PathBuf>,
    /// A section of `service_file`, for what is given nowhere else.
    #[serde(default)]
    pub service: Option<String>,
    /// A file of the form `pg_service.conf`.
    #[serde(default)]
    pub service_file: Option<PathBuf>,
    /// `disable`, `allow`, `prefer` (the default), `require`, `verify-ca` or `verify-full`.
    #[serde(default)]
    pub sslmode: Option<String>,
    /// The file of the authorities that may sign the server's certificate, or `system`.
    #[serde(default)]
    pub sslrootcert: Option<String>,
    /// The client's certificate.
    #[serde(default)]
    pub sslcert: Option<PathBuf>,
    /// The key of the client's certificate, closed to others.
    #[serde(default)]
    pub sslkey: Option<PathBuf>,
    /// Which of several servers to use. Default: `any` of one host, of several the one that is
    /// `read-write`.
    #[serde(default)]
    pub target_session_attrs: Option<String>,
    /// How long one host may take, in milliseconds, 1 to 600,000. Default 5,000.
    #[serde(default)]
    pub connect_timeout_ms: Option<u64>,
    /// `disable` (the default) tries the hosts as they are listed, `random` in any order.
    #[serde(default)]
    pub load_balance_hosts: Option<String>,
    /// The name under which the server lists the connections. Default `rtmx`.
    #[serde(default)]
    pub application_name: Option<String>,
    /// The schema that holds the tables: a plain name in lower case. Default `rtmx`.
    #[serde(default = "PostgresSettings::default_schema")]
    pub schema: String,
    /// Connections that are kept at most, 2 to 200. Default 10.
    #[serde(default = "PostgresSettings::default_connections")]
    pub connections: usize,
    /// How long a statement may run, in milliseconds, 100 to 3,600,000. Default 60,000.
    #[serde(default = "PostgresSettings::default_statement_timeout_ms")]
    pub statement_timeout_ms: u64,
    /// How long a migration waits for a lock, in milliseconds, 1 to 3,600,000. Default 10,000.
    #[serde(default = "PostgresSettings::default_lock_timeout_ms")]
    pub lock_timeout_ms: u64,
    /// Whether the URL leads to PgBouncer in transaction mode. Default false.
    #[serde(default)]
    pub pooler: bool,
    /// The URL of the server behind the pooler, for what needs a session of its own; what it does
    /// not say is as for the pooler.
    #[serde(default)]
    pub direct_url: Option<Secret<String>>,
    /// A file that holds only such a URL, read anew for each connection; one line end is cut off.
    #[serde(default)]
    pub direct_url_file: Option<PathBuf>,
}

impl PostgresSettings {
    const TIMEOUT_LIMIT_MS: u64 = 3_600_000;

    /// Reads settings from JSON and checks them, as far as that is possible without their files.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid`, naming the setting.
    pub fn from_json(json: Value) -> Result<Self> {
        let Value::Object(given) = &json else {
            return Err(invalid("the settings of the storage driver `postgres` are not a JSON object"));
        };
        conform(given, &Self::json_schema())?;
        let settings: PostgresSettings = serde_json::from_value(json).map_err(|_| {
            // The values have been checked, and serde's own words would repeat one.
            invalid("could not read the settings of the storage driver `postgres`")
        })?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<()> {
        let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        let schema = self.schema.as_str();
        if !(1..=63).contains(&schema.len())
            || !schema.chars().all(plain)
            || schema.starts_with(|first: char| first.is_ascii_digit())
        {
            let next = "Use 1 to 63 letters a to z, digits and `_`, not beginning with a digit.";
            return Err(invalid("`schema` is not a plain name").with_next(next));
        }
        if schema.starts_with("pg_") || schema == "information_schema" {
            return Err(invalid(format!(
                "`schema` is `{schema}`, and PostgreSQL keeps that name for itself"
            )));
        }
        let has_direct = self.direct_url.is_some() || self.direct_url_file.is_some();
        if has_direct && !self.pooler {
            return Err(invalid("`direct_url` is set, and `pooler` is not").with_next(
                "Set `pooler` to true, or give the server's own URL in `url` and remove `direct_url`.",
            ));
        }
        if self.url.is_some() && self.url_file.is_some() {
            return Err(invalid("`url` and `url_file` are both set").with_next("Keep the URL in one place."));
        }
        if self.direct_url.is_some() && self.direct_url_file.is_some() {
            return Err(invalid("`direct_url` and `direct_url_file` are both set")
                .with_next("Keep the URL in one place."));
        }
        let parameters = self.parameters(self.url.as_ref())?;
        let direct = match &self.direct_url {
            Some(url) => Some(connect::behind_the_pooler(url, "`direct_url`", &parameters)?),
            None => None,
        };
        // A service or the URL's file says the rest, and these files are read when the driver opens.
        if parameters.get(Name::Service).is_none() && self.url_file.is_none() {
            for parameters in std::iter::once(&parameters).chain(&direct) {
                Address::new(parameters, self.password_file.as_ref())?;
            }
        }
        Ok(())
    }

    /// What this URL, which is `url` or was read from `url_file`, and the single settings say together.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid` where one cannot be read or they contradict each other.
    pub(crate) fn parameters(&self, url: Option<&Secret<String>>) -> Result<Parameters> {
        let place = if self.url_file.is_some() { "the file of `url_file`" } else { "`url`" };
        let url = match url {
            Some(url) => connect::url::read(url.expose(), place)?,
            None => Parameters::default(),
        };
        let mut single = Parameters::default();
        if let Some(hosts) = &self.host {
            single.add_hosts(hosts, "`host`")?;
        }
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        let password = self.password.as_ref().map(|password| password.expose().clone());
        let given = [
            (Name::Port, self.port.map(|port| port.to_string())),
            (Name::Database, self.database.clone()),
            (Name::User, self.user.clone()),
            (Name::Password, password.filter(|password| !password.is_empty())),
            (Name::Passfile, path(&self.passfile)),
            (Name::Service, self.service.clone()),
            (Name::ServiceFile, path(&self.service_file)),
            (Name::SslMode, self.sslmode.clone()),
            (Name::SslRootCert, self.sslrootcert.clone()),
            (Name::SslCert, path(&self.sslcert)),
            (Name::SslKey, path(&self.sslkey)),
            (Name::TargetSessionAttrs, self.target_session_attrs.clone()),
            (Name::ConnectTimeout, self.connect_timeout_ms.map(|ms| ms.to_string())),
            (Name::LoadBalanceHosts, self.load_balance_hosts.clone()),
            (Name::Application, self.application_name.clone()),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                single.add(name, value, "the settings")?;
            }
        }
        let parameters = Parameters::agree(url, single)?;
        if self.password_file.is_some() && parameters.get(Name::Password).is_some() {
            return Err(invalid("`password_file` is set, and `password` or `url` gives a password too")
                .with_next("Keep the password in one place."));
        }
        Ok(parameters)
    }

    /// How long a statement may run.
    pub fn statement_timeout(&self) -> Duration {
        Duration::from_millis(self.statement_timeout_ms)
    }

    /// How long a migration waits for a lock.
    pub fn lock_timeout(&self) -> Duration {
        Duration::from_millis(self.lock_timeout_ms)
    }

    fn default_schema() -> String {
        "rtmx".into()
    }

    fn default_connections() -> usize {
        10
    }

    fn default_statement_timeout_ms() -> u64 {
        60_000
    }

    fn default_lock_timeout_ms() -> u64 {
        10_000
    }

    /// The JSON Schema of the settings.
    pub(crate) fn json_schema() -> Value {
        let text = |about: &str| json!({"type": ["string", "null"], "minLength": 1, "description": about});
        let one_of = |names: Vec<&str>, about: &str| {
            let names: Vec<Value> = names.into_iter().map(Value::from).chain([Value::Null]).collect();
            json!({"type": ["string", "null"], "enum": names, "description": about})
        };
        let ms = |least: u64, most: u64, default: u64, about: &str| json!({"type": "integer", "minimum": least, "maximum": most, "default": default, "description": about});
        let mut connect_timeout = ms(
            1,
            CONNECT_TIMEOUT_LIMIT_MS,
            CONNECT_TIMEOUT_MS,
            "How long one host may take, in milliseconds.",
        );
        connect_timeout["type"] = json!(["integer", "null"]);
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Settings of the storage driver `postgres`",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "url": text("`postgres://user:password@host:5432/database?parameter=value`, with one or several hosts."),
                "url_file": text("A file that holds only such a URL, read anew for each connection."),
                "host": text("One or several hosts, separated by commas, each with or without its port."),
                "port": {
                    "type": ["integer", "null"],
                    "minimum": 1,
                    "maximum": 65_535,
                    "description": "The port of all hosts. Default 5432."
                },
                "database": text("The database. Default: the user's name."),
                "user": text("The role that logs in."),
                "password": { "type": ["string", "null"], "description": "Its password." },
                "password_file": text("A file that holds only the password, read anew for each connection."),
                "passfile": text("A file of the form `.pgpass`, closed to others, read anew for each connection."),
                "service": text("A section of `service_file`, for what is given nowhere else."),
                "service_file": text("A file of the form `pg_service.conf`."),
                "sslmode": one_of(Mode::NAMES.iter().map(|(name, _)| *name).collect(),
                    "How the connection is protected. Default `prefer`."),
                "sslrootcert": text("The file of the authorities that may sign the server's certificate, or `system`."),
                "sslcert": text("The client's certificate."),
                "sslkey": text("The key of the client's certificate, closed to others."),
                "target_session_attrs": one_of(Session::NAMES.iter().map(|(name, _)| *name).collect(),
                    "Which of several servers to use. Default `any` of one host, `read-write` of several."),
                "connect_timeout_ms": connect_timeout,
                "load_balance_hosts": one_of(vec!["disable", "random"],
                    "Whether the hosts are tried as they are listed or in any order. Default `disable`."),
                "application_name": text("The name under which the server lists the connections. Default `rtmx`."),
                "schema": {
                    "type": "string",
                    "pattern": "^[a-z_][a-z0-9_]{0,62}$",
                    "default": Self::default_schema(),
                    "description": "The schema that holds the tables."
                },
                "connections": {
                    "type": "integer",
                    "minimum": 2,
                    "maximum": 200,
                    "default": Self::default_connections(),
                    "description": "Connections that are kept at most."
                },
                "statement_timeout_ms": ms(100, Self::TIMEOUT_LIMIT_MS, Self::default_statement_timeout_ms(),
                    "How long a statement may run, in milliseconds."),
                "lock_timeout_ms": ms(1, Self::TIMEOUT_LIMIT_MS, Self::default_lock_timeout_ms(),
                    "How long a migration waits for a lock, in milliseconds."),
                "pooler": {
                    "type": "boolean",
                    "default": false,
                    "description": "Whether the URL leads to PgBouncer in transaction mode."
                },
                "direct_url": text("The URL of the server behind the pooler, for what needs a session of its own."),
                "direct_url_file": text("A file that holds only such a URL, read anew for each connection.")
            }
        })
    }
}

/// Checks each value against what the schema says of it, and shows none.
fn conform(given: &Map<String, Value>, schema: &Value) -> Result<()> {
    let properties = schema["properties"].as_object().expect("the schema lists its properties");
    for (name, value) in given {
        let Some(property) = properties.get(name) else {
            let near = nearest(name, properties.keys().map(String::as_str));
            return Err(unknown("the storage driver `postgres` was given a setting", name, near));
        };
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_u64() || number.is_i64() => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let wanted: Vec<&str> = match &property["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        if !wanted.contains(&found) {
            let wanted = wanted.first().unwrap_or(&"value");
            return Err(invalid(format!(
                "`{name}` is of the JSON type {found}, and it must be of type {wanted}"
            )));
        }
        let least = property["minimum"].as_i64().unwrap_or(i64::MIN);
        let most = property["maximum"].as_i64().unwrap_or(i64::MAX);
        if found == "integer" && !value.as_i64().is_some_and(|value| (least..=most).contains(&value)) {
            return Err(invalid(format!("`{name}` is {value}, and it must be {least} to {most}")));
        }
        if property["minLength"] == 1 && value.as_str() == Some("") {
            return Err(invalid(format!("`{name}` is empty")));
        }
        if let Some(choices) = property["enum"].as_array().filter(|choices| !choices.contains(value)) {
            let names: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
            return Err(invalid(format!("`{name}` must be one of {}", names.join(", "))));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
