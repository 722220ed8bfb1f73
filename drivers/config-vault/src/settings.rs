//! The driver's own settings: whom to ask, what for, and how to log in.

use rtmx_config::units;
use rtmx_core::{Error, Result, Secret, config};
use rtmx_https::Server;
use serde::Deserialize;
use serde_json::json;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(600);
const POLL: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(3_600);
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Whom to ask, what for, and how to log in.
#[derive(Debug, Clone)]
pub struct VaultSettings {
    /// `https://host[:port][/path]`; `http://` is taken for a loopback address only.
    pub address: String,
    /// Where the key-value engine is mounted.
    pub mount: String,
    /// The secrets, of which later ones win; at least one.
    pub paths: Vec<String>,
    /// The namespace of everything that is asked.
    pub namespace: Option<String>,
    /// A PEM file of certificates that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// How to log in.
    pub auth: Auth,
    /// How long one load may take with everything that it tries again.
    pub timeout: Duration,
    /// How often the versions are looked at.
    pub poll: Duration,
}

/// How to log in.
#[derive(Debug, Clone)]
pub enum Auth {
    /// With this token.
    Token(Given),
    /// As a service account of Kubernetes.
    Kubernetes {
        /// Where the login is mounted.
        mount: String,
        /// The role.
        role: String,
        /// The file with the account's token.
        jwt_file: PathBuf,
    },
    /// As an AppRole.
    AppRole {
        /// Where the login is mounted.
        mount: String,
        /// The role's id.
        role: String,
        /// The secret id.
        secret_id: Given,
    },
}

/// A secret, or the file that holds it.
#[derive(Debug, Clone)]
pub enum Given {
    /// The secret itself.
    Value(Secret<String>),
    /// A file, read again at each use.
    File(PathBuf),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    address: String,
    mount: Option<String>,
    paths: Vec<String>,
    namespace: Option<String>,
    ca_file: Option<PathBuf>,
    auth: Option<String>,
    auth_mount: Option<String>,
    role: Option<String>,
    token: Option<Secret<String>>,
    token_file: Option<PathBuf>,
    secret_id: Option<Secret<String>>,
    secret_id_file: Option<PathBuf>,
    jwt_file: Option<PathBuf>,
    timeout: Option<String>,
    poll: Option<String>,
}

impl VaultSettings {
    /// Reads the settings that a registry hands over.
    ///
    /// # Errors
    ///
    /// `config_invalid`.
    pub fn from_json(settings: serde_json::Value) -> Result<VaultSettings> {
        let given: Json = serde_json::from_value(settings).map_err(|cause| refused().with_source(cause))?;
        let Json { address, namespace, ca_file, .. } = &given;
        Server::parse(address).map_err(|why| wrong(format!("`vault.address` {why}")))?;
        let mount = place("vault.mount", given.mount.as_deref().unwrap_or("secret"))?;
        let paths: Vec<_> =
            given.paths.iter().map(|path| place("vault.paths", path)).collect::<Result<_>>()?;
        if paths.is_empty() {
            return Err(wrong("`vault.paths` names no secret".into()));
        }
        Ok(VaultSettings {
            address: address.clone(),
            mount,
            paths,
            namespace: namespace.as_deref().map(|name| place("vault.namespace", name)).transpose()?,
            ca_file: ca_file.clone(),
            auth: given.auth()?,
            timeout: duration("vault.timeout", given.timeout.as_deref(), 30, &TIMEOUT)?,
            poll: duration("vault.poll", given.poll.as_deref(), 30, &POLL)?,
        })
    }

    pub(crate) fn server(&self) -> Result<Server> {
        Server::parse(&self.address).map_err(|why| wrong(format!("`vault.address` {why}")))
    }

    /// The JSON Schema of the settings.
    pub(crate) fn json_schema() -> serde_json::Value {
        let text = |description: &str| json!({ "type": ["string", "null"], "description": description });
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Settings of the config driver `vault`",
            "type": "object",
            "additionalProperties": false,
            "required": ["address", "paths"],
            "properties": {
                "address": {
                    "type": "string", "minLength": 1,
                    "description": "The server: an https URL; http for a loopback address only."
                },
                "mount": {
                    "type": ["string", "null"], "default": "secret",
                    "description": "Where the key-value engine is mounted."
                },
                "paths": {
                    "type": "array", "minItems": 1, "items": { "type": "string" },
                    "description": "The secrets, of which later ones win."
                },
                "namespace": text("The namespace of everything that is asked."),
                "ca_file": text("A PEM file of certificates that are trusted beside the system's."),
                "auth": {
                    "enum": ["token", "kubernetes", "approle", null], "default": "token",
                    "description": "How to log in."
                },
                "auth_mount": text("Where the login is mounted; the method's name where nothing says another."),
                "role": text("The name of the Kubernetes role, or the id of the AppRole."),
                "token": text("The token, for `token`."),
                "token_file": text("A file with the token, read again for each look."),
                "secret_id": text("The secret id, for `approle`."),
                "secret_id_file": text("A file with the secret id, read again for each login."),
                "jwt_file": text("The service account's token, for `kubernetes`."),
                "timeout": { "type": ["string", "null"], "default": "30s", "description": "from 100ms to 10m" },
                "poll": { "type": ["string", "null"], "default": "30s", "description": "from 100ms to 1h" }
            }
        })
    }
}

impl Json {
    fn auth(&self) -> Result<Auth> {
        let method = self.auth.as_deref().unwrap_or("token");
        let mount = || place("vault.auth_mount", self.auth_mount.as_deref().unwrap_or(method));
        let role = || {
            let role = self.role.clone().filter(|role| !role.trim().is_empty());
            role.ok_or_else(|| wrong(format!("`vault.auth` is `{method}`, and `vault.role` is not set")))
        };
        match method {
            "token" => Ok(Auth::Token(one_of("token", &self.token, &self.token_file)?)),
            "kubernetes" => {
                let jwt_file = self.jwt_file.clone().unwrap_or_else(|| SERVICE_ACCOUNT.into());
                Ok(Auth::Kubernetes { mount: mount()?, role: role()?, jwt_file })
            }
            "approle" => {
                let secret_id = one_of("secret_id", &self.secret_id, &self.secret_id_file)?;
                Ok(Auth::AppRole { mount: mount()?, role: role()?, secret_id })
            }
            _ => Err(wrong("`vault.auth` must be `token`, `kubernetes` or `approle`".into())),
        }
    }
}

fn one_of(name: &str, value: &Option<Secret<String>>, file: &Option<PathBuf>) -> Result<Given> {
    match (value, file) {
        (Some(value), None) => Ok(Given::Value(value.clone())),
        (None, Some(file)) => Ok(Given::File(file.clone())),
        (None, None) => Err(wrong(format!("neither `vault.{name}_file` nor `vault.{name}` is set"))),
        (Some(_), Some(_)) => {
            Err(wrong(format!("`vault.{name}_file` and `vault.{name}` are both set, and only one may be")))
        }
    }
}

/// A path of one or more names, without slashes around it.
fn place(key: &str, given: &str) -> Result<String> {
    let path = given.trim().trim_matches('/');
    let fine = |name: &str| !matches!(name, "" | "." | "..") && !name.chars().any(char::is_control);
    if path.split('/').all(fine) {
        Ok(path.to_owned())
    } else {
        Err(wrong(format!("`{key}` must be names with `/` between them, such as `apps/rtmx`")))
    }
}

fn duration(
    key: &str,
    given: Option<&str>,
    default_s: u64,
    range: &RangeInclusive<Duration>,
) -> Result<Duration> {
    let read = given.map_or(Some(Duration::from_secs(default_s)), units::parse_duration);
    read.filter(|read| range.contains(read)).ok_or_else(|| {
        let (least, most) = (units::format_duration(*range.start()), units::format_duration(*range.end()));
        wrong(format!("`{key}` must be a duration from {least} to {most}"))
    })
}

fn refused() -> Error {
    Error::new(config::CONFIG_INVALID, "could not open the config driver `vault`")
}

fn wrong(why: String) -> Error {
    refused().with_source(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::assert_code;

    #[test]
    fn settings_that_cannot_be_meant_are_refused_and_show_no_secret() {
        let with = |more: serde_json::Value| {
            let mut json = json!({"address": "https://vault.example", "paths": ["rtmx"], "token": "hunter2"});
            for (name, value) in more.as_object().expect("an object") {
                json[name] = value.clone();
            }
            json
        };
        let cases = [
            (json!({}), "address"),
            (with(json!({"address": "http://vault.example"})), "loopback"),
            (with(json!({"address": "https://ann:hunter2@vault.example"})), "holds a user"),
            (with(json!({"paths": []})), "names no secret"),
            (with(json!({"paths": ["a/../b"]})), "`vault.paths` must be"),
            (with(json!({"paths": ["a//b"]})), "`vault.paths` must be"),
            (with(json!({"mount": "/"})), "`vault.mount` must be"),
            (with(json!({"namespace": "a\nb"})), "`vault.namespace` must be"),
            (with(json!({"token": null})), "neither `vault.token_file` nor `vault.token`"),
            (with(json!({"token_file": "/t"})), "both set"),
            (with(json!({"auth": "ldap"})), "`vault.auth` must be"),
            (with(json!({"auth": "kubernetes"})), "`vault.role` is not set"),
            (with(json!({"auth": "approle", "role": "r"})), "neither `vault.secret_id_file`"),
            (with(json!({"poll": "1ms"})), "`vault.poll` must be a duration from 100ms to 1h"),
            (with(json!({"timeout": "1d"})), "`vault.timeout` must be"),
            (with(json!({"proxy": "x"})), "proxy"),
        ];
        for (json, want) in cases {
            let error = VaultSettings::from_json(json.clone()).expect_err(&json.to_string());
            assert_code(&error, config::CONFIG_INVALID);
            assert!(error.causes()[0].contains(want), "{want}: {error:?}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        let fine = VaultSettings::from_json(with(json!({"paths": ["/apps/rtmx/"]}))).expect("it is right");
        assert_eq!((fine.mount.as_str(), &fine.paths[..]), ("secret", &["apps/rtmx".to_owned()][..]));
        assert!(!format!("{fine:?}").contains("hunter2"), "{fine:?}");
    }

    #[test]
    fn every_setting_that_is_read_is_in_the_schema() {
        let schema = VaultSettings::json_schema();
        let all: Vec<_> = schema["properties"].as_object().expect("an object").keys().cloned().collect();
        let mut json = json!({"paths": ["rtmx"]});
        for name in all.iter().filter(|name| *name != "paths") {
            json[name] = serde_json::Value::Null;
        }
        json["address"] = json!("https://vault.example");
        json["token"] = json!("t");
        VaultSettings::from_json(json).expect("the schema names nothing that is unknown");
        assert_eq!(all.len(), 15);
    }
}
