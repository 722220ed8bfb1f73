//! Where an operator writes settings down: in the chart's values, in Secrets of their own, in variables of the
//! pod, or in a file of the server.

use crate::licensed::Licensed;
use crate::namespace::Namespace;
use crate::own_database::Customers;
use serde_json::{Value, json};

/// A token that the operator gives.
pub(crate) const TOKEN: &str = "given-0123456789abcdef0123456789abcdef";
/// Where the server reads files besides `rtmx.toml`.
const FILES: &str = "/etc/rtmx/conf.d";
/// Where a pod has the authority of the license server.
const AUTHORITY: &str = "/run/authority";

/// One place for settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Values,
    Secrets,
    Environment,
    File,
}

impl Place {
    /// The one of a name; the error lists them.
    pub(crate) fn named(name: &str) -> Result<Place, String> {
        match name {
            "values" => Ok(Place::Values),
            "secrets" => Ok(Place::Secrets),
            "environment" => Ok(Place::Environment),
            "file" => Ok(Place::File),
            other => Err(format!("`{other}` is none of values, secrets, environment and file")),
        }
    }

    /// Makes in the namespace what the values name, and answers the values.
    pub(crate) fn written(
        self,
        namespace: &Namespace<'_>,
        database: Option<&Customers>,
        license: Option<&Licensed>,
    ) -> Value {
        let mut pod = Pod::default();
        let mut values = json!({
            // Nothing of this trial waits for a probe's period.
            "rtmx": {"readinessProbe": {"initialDelaySeconds": 0, "periodSeconds": 1}, "preStopSleepSeconds": 0},
        });
        if let Some(license) = license {
            let (name, lines) = license.trusted();
            pod.variable(json!({"name": name, "value": lines}));
        }
        if let Some(online) = license.and_then(|license| license.online.as_ref()) {
            values["rtmx"]["license"] = json!({"offlineMode": false, "serverUrl": online.url});
            let there = json!([{"ipBlock": {"cidr": format!("{}/32", online.address)}}]);
            values["networkPolicy"]["outside"]["to"] = there;
            secret(namespace, "authority", &[("ca.pem", &online.authority)]);
            pod.mount("authority", AUTHORITY);
            if self != Place::File {
                let path = format!("{AUTHORITY}/ca.pem");
                pod.variable(json!({"name": "RTMX_LICENSE__CA_FILE", "value": path}));
            }
        }
        if let Some(database) = database {
            database.name(namespace, "db");
            values["rtmx"]["database"] = json!({"external": true});
            let there = json!([{"ipBlock": {"cidr": format!("{}/32", database.address)}}]);
            values["networkPolicy"]["database"]["to"] = there;
        }
        match self {
            Place::Values => in_values(&mut values, namespace, database, license),
            Place::Secrets => in_secrets(&mut values, namespace, database, license),
            Place::Environment => in_environment(&mut values, &mut pod, namespace, database, license),
            Place::File => in_a_file(&mut values, &mut pod, namespace, database, license),
        }
        values["rtmx"]["extraEnv"] = json!(pod.variables);
        values["rtmx"]["extraVolumes"] = json!(pod.volumes);
        values["rtmx"]["extraVolumeMounts"] = json!(pod.mounts);
        values
    }
}

/// What the values give a pod besides what the chart knows.
#[derive(Default)]
struct Pod {
    variables: Vec<Value>,
    volumes: Vec<Value>,
    mounts: Vec<Value>,
}

impl Pod {
    fn variable(&mut self, variable: Value) {
        self.variables.push(variable);
    }

    /// A variable whose value is in a Secret.
    fn secret_variable(&mut self, name: &str, secret: &str, key: &str) {
        let reference = json!({"secretKeyRef": {"name": secret, "key": key}});
        self.variable(json!({"name": name, "valueFrom": reference}));
    }

    /// A Secret as files in a folder.
    fn mount(&mut self, secret: &str, folder: &str) {
        self.volumes.push(json!({"name": secret, "secret": {"secretName": secret}}));
        self.mounts.push(json!({"name": secret, "mountPath": folder, "readOnly": true}));
    }
}

fn secret(namespace: &Namespace<'_>, name: &str, data: &[(&str, &str)]) {
    let data: Value = data.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    namespace.apply(&json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data,
    }));
}

/// Where it is in the values, its credentials under the name that the chart expects.
fn in_values(
    values: &mut Value,
    namespace: &Namespace<'_>,
    database: Option<&Customers>,
    license: Option<&Licensed>,
) {
    if let Some(database) = database {
        database.credentials(namespace, "demo-rtmx-database");
        values["rtmx"]["database"]["host"] = json!("db");
        values["rtmx"]["database"]["name"] = json!(database.server.database());
    }
    if let Some(license) = license {
        values["rtmx"]["license"]["key"] = json!(license.key);
    }
}

/// All of it in Secrets that were there before.
fn in_secrets(
    values: &mut Value,
    namespace: &Namespace<'_>,
    database: Option<&Customers>,
    license: Option<&Licensed>,
) {
    secret(namespace, "their-token", &[("token", TOKEN)]);
    values["rtmx"]["auth"] = json!({"existingSecret": "their-token"});
    if let Some(database) = database {
        secret(namespace, "their-database", &[("url", &url(database))]);
        values["rtmx"]["database"]["existingSecret"] = json!("their-database");
    }
    if let Some(license) = license {
        secret(namespace, "their-license", &[("license", &license.key)]);
        values["rtmx"]["license"]["existingSecret"] = json!("their-license");
    }
}

/// In variables, under the names of the deployment requirements; the database's Secret is as an operator of
/// PostgreSQL makes it, whose keys are not those of the chart.
fn in_environment(
    values: &mut Value,
    pod: &mut Pod,
    namespace: &Namespace<'_>,
    database: Option<&Customers>,
    license: Option<&Licensed>,
) {
    pod.variable(json!({"name": "LOG_LEVEL", "value": "DEBUG"}));
    if let Some(database) = database {
        let (user, password) = (database.server.user(), database.server.password().unwrap_or_default());
        let keys = [("uri", &*url(database)), ("username", &user), ("password", &password)];
        secret(namespace, "db-app", &keys);
        values["rtmx"]["database"]["existingSecret"] = json!("db-app");
        pod.secret_variable("DATABASE_URL", "db-app", "uri");
    }
    if let Some(license) = license {
        secret(namespace, "their-license", &[("key", &license.key)]);
        pod.secret_variable("LICENSE_KEY", "their-license", "key");
    }
}

/// In a file of the server, which is a Secret because of what stands in it.
fn in_a_file(
    values: &mut Value,
    pod: &mut Pod,
    namespace: &Namespace<'_>,
    database: Option<&Customers>,
    license: Option<&Licensed>,
) {
    let mut lines = vec!["log.level = \"debug\"".to_owned()];
    lines.extend(database.map(|database| format!("database.url = {}", json!(url(database)))));
    lines.extend(license.map(|license| format!("license.key = {}", json!(license.key))));
    if license.is_some_and(|license| license.online.is_some()) {
        lines.push(format!("license.ca_file = \"{AUTHORITY}/ca.pem\""));
    }
    secret(namespace, "their-settings", &[("their.toml", &lines.join("\n"))]);
    pod.mount("their-settings", FILES);
    if database.is_some() {
        // The chart waits for a Secret, and this is the one that says where the database is.
        values["rtmx"]["database"]["existingSecret"] = json!("their-settings");
    }
}

/// The database's URL, as pods have it.
fn url(database: &Customers) -> String {
    let server = &database.server;
    let password = server.password().unwrap_or_default();
    format!("postgresql://{}:{password}@db:5432/{}", server.user(), server.database())
}
