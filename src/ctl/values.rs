//! From flags to the settings of a release: what was there, what was given, and what follows.

use super::args::Wanted;
use rtmx_config::{
    Entry, KEYS, Layer, Origin, Provenance, Strictness, Value as ConfigValue, flag_layer, resolve,
};
use rtmx_core::{Error, Result, Secret, tool};
use rtmx_deploy::{Port, SecretRef, SettingValue};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// How far above the API's port the metrics are, so that 8080 gives 9090.
const METRICS_ABOVE: u16 = 1010;

/// Settings by key.
pub(super) type Settings = BTreeMap<String, SettingValue>;

/// Secret values by key.
pub(super) type Secrets = BTreeMap<String, Secret<String>>;

/// The settings that should be in force: those of the last deployment, changed by the flags.
///
/// # Errors
///
/// `assignment_invalid`, and everything that the configuration finds wrong, together.
pub(super) fn wanted_settings(remembered: &Settings, wanted: &Wanted) -> Result<Settings> {
    let mut settings = remembered.clone();
    for assignment in &wanted.set {
        let (key, value) = split("--set", "value", assignment)?;
        settings.insert(key.to_owned(), SettingValue::Plain(typed(value)));
    }
    for assignment in &wanted.set_file {
        let (key, file) = split("--set-file", "FILE", assignment)?;
        let file =
            std::path::absolute(file).map_or_else(|_| file.to_owned(), |file| file.display().to_string());
        settings.insert(key.to_owned(), SettingValue::Secret(SecretRef::File(file)));
    }
    for assignment in &wanted.set_env {
        let (key, variable) = split("--set-env", "VARIABLE", assignment)?;
        settings.insert(key.to_owned(), SettingValue::Secret(SecretRef::Env(variable.to_owned())));
    }
    let before = address_of(remembered);
    let given = address_of(&settings);
    let base = given.or(before).unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080));
    let listen = SocketAddr::new(wanted.listen.unwrap_or(base.ip()), wanted.port.unwrap_or(base.port()));
    settings.insert("server.listen".into(), SettingValue::Plain(listen.to_string().into()));
    // The metrics' port follows the API's, unless somebody chose it.
    let follows = |port: u16| port.checked_add(METRICS_ABOVE).unwrap_or_else(|| port - METRICS_ABOVE);
    let followed = before.map(|address| SettingValue::Plain(follows(address.port()).into()));
    let chosen = settings.get("metrics.port").is_some_and(|port| Some(port) != followed.as_ref());
    if !chosen {
        settings.insert("metrics.port".into(), SettingValue::Plain(follows(listen.port()).into()));
    }
    check(&settings, wanted)?;
    Ok(settings)
}

/// The ports of a release with these settings.
pub(super) fn ports_of(settings: &Settings) -> Vec<Port> {
    let Some(listen) = address_of(settings) else { return Vec::new() };
    let address = listen.ip().to_string();
    let mut ports = vec![Port { name: "http".into(), address: address.clone(), port: listen.port() }];
    let enabled = settings.get("metrics.enabled") != Some(&SettingValue::Plain(false.into()));
    if let Some(SettingValue::Plain(port)) = settings.get("metrics.port").filter(|_| enabled)
        && let Some(port) = port.as_u64().and_then(|port| u16::try_from(port).ok())
    {
        ports.push(Port { name: "metrics".into(), address, port });
    }
    ports
}

/// The secret values that settings refer to, read from where they are.
///
/// # Errors
///
/// `assignment_invalid`.
pub(super) fn read_secrets(settings: &Settings) -> Result<Secrets> {
    let mut secrets = Secrets::new();
    for (key, value) in settings {
        let SettingValue::Secret(place) = value else { continue };
        let unreadable = |what: String| {
            Error::new(tool::ASSIGNMENT_INVALID, format!("could not read `{key}` from {what}"))
        };
        let text = match place {
            SecretRef::Kept => continue,
            SecretRef::File(file) => {
                let text = std::fs::read_to_string(file);
                text.map_err(|error| unreadable(format!("the file {file}")).with_source(error))?
            }
            SecretRef::Env(variable) => {
                let text = std::env::var(variable);
                text.map_err(|error| unreadable(format!("the variable `{variable}`")).with_source(error))?
            }
        };
        let text =
            text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
        secrets.insert(key.clone(), Secret::new(text.to_owned()));
    }
    Ok(secrets)
}

/// Whether a listener is open to others than this machine.
pub(super) fn is_open(settings: &Settings) -> bool {
    address_of(settings).is_some_and(|address| !address.ip().is_loopback())
}

/// Asks the configuration what it thinks of the settings. Secret values are looked at when they are
/// used: here only their keys are.
fn check(settings: &Settings, wanted: &Wanted) -> Result<()> {
    let mut layer = Layer::new(Provenance::new("flags", "--set"));
    for (key, value) in settings {
        match value {
            SettingValue::Plain(value) => {
                let origin = Origin::Flag { name: "--set".into() };
                layer.push(key.clone(), config_value(value), origin);
            }
            SettingValue::Secret(_) if KEYS.iter().any(|spec| spec.path == key) => {}
            SettingValue::Secret(_) => {
                let message = format!("there is no setting `{key}`");
                return Err(Error::new(tool::ASSIGNMENT_INVALID, message));
            }
        }
    }
    // The flags as they were typed, so that a secret among them is refused.
    let typed = Layer { entries: Vec::<Entry>::new(), ..flag_layer(&wanted.set) };
    resolve([&typed, &layer], Strictness::Check).map(|_| ())
}

fn split<'a>(flag: &str, what: &str, assignment: &'a str) -> Result<(&'a str, &'a str)> {
    let pair = assignment.split_once('=').map(|(key, value)| (key.trim(), value));
    let well_formed =
        |key: &str| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    pair.filter(|(key, _)| well_formed(key)).ok_or_else(|| {
        let message = format!(
            "cannot read `{flag} {assignment}`: it must be `key={what}`, with a key such as `log.level`"
        );
        Error::new(tool::ASSIGNMENT_INVALID, message)
    })
}

fn typed(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        text => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
    }
}

fn config_value(value: &Value) -> ConfigValue {
    match value {
        Value::Bool(switch) => ConfigValue::Switch(*switch),
        Value::Number(number) => match number.as_i64() {
            Some(number) => ConfigValue::Integer(number),
            None => ConfigValue::text(number.to_string()),
        },
        Value::String(text) => ConfigValue::text(text),
        other => ConfigValue::text(other.to_string()),
    }
}

fn address_of(settings: &Settings) -> Option<SocketAddr> {
    match settings.get("server.listen") {
        Some(SettingValue::Plain(value)) => value.as_str()?.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use rtmx_core::{assert_code, config};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        wanted: Wanted,
    }

    fn wanted(arguments: &[&str]) -> Wanted {
        let words = ["deploy"].iter().chain(arguments);
        Line::try_parse_from(words).expect("the cases are well-formed").wanted
    }

    fn plain(settings: &Settings, key: &str) -> String {
        match settings.get(key) {
            Some(SettingValue::Plain(Value::String(text))) => text.clone(),
            Some(SettingValue::Plain(value)) => value.to_string(),
            _ => String::new(),
        }
    }

    #[test]
    fn the_metrics_port_follows_until_somebody_chooses_it() {
        let first = wanted_settings(&Settings::new(), &wanted(&[])).expect("defaults are fine");
        assert_eq!(
            (plain(&first, "server.listen"), plain(&first, "metrics.port")),
            ("127.0.0.1:8080".into(), "9090".into())
        );
        let moved = wanted_settings(&first, &wanted(&["--port", "18080"])).expect("the port is fine");
        assert_eq!(plain(&moved, "metrics.port"), "19090");
        let again = wanted_settings(&moved, &wanted(&["--listen", "0.0.0.0"])).expect("the address is fine");
        assert_eq!(plain(&again, "server.listen"), "0.0.0.0:18080", "a port is kept when none is given");
        assert!(is_open(&again) && !is_open(&moved));
        let chosen =
            wanted_settings(&again, &wanted(&["--set", "metrics.port=7000"])).expect("the port is fine");
        let moved = wanted_settings(&chosen, &wanted(&["--port", "18081"])).expect("the port is fine");
        assert_eq!(plain(&moved, "metrics.port"), "7000");
        for (port, metrics) in [("80", "1090"), ("65535", "64525")] {
            let settings = wanted_settings(&Settings::new(), &wanted(&["--port", port]));
            assert_eq!(plain(&settings.expect("the port is fine"), "metrics.port"), metrics, "{port}");
        }
    }

    #[test]
    fn assignments_that_cannot_be_read_are_refused() {
        for arguments in [
            &["--set", "log.level"][..],
            &["--set", "=x"],
            &["--set", "a b=c"],
            &["--set-file", "auth.admin_token"],
            &["--set-env", "no.such_key=HOME"],
        ] {
            let error = wanted_settings(&Settings::new(), &wanted(arguments)).expect_err("it is wrong");
            assert_code(&error, tool::ASSIGNMENT_INVALID);
        }
        let absent = wanted(&["--set-env", "auth.admin_token=RTMX_TEST_NO_SUCH_VARIABLE"]);
        let settings = wanted_settings(&Settings::new(), &absent).expect("the key is known");
        let error = read_secrets(&settings).expect_err("there is no such variable");
        assert_code(&error, tool::ASSIGNMENT_INVALID);
    }

    #[test]
    fn the_configuration_judges_keys_and_values_and_refuses_secrets_on_the_command_line() {
        for setting in
            ["log.level=loud", "log.levle=info", "auth.admin_token=0123456789012345678901234567890123456789"]
        {
            let error = wanted_settings(&Settings::new(), &wanted(&["--set", setting])).expect_err(setting);
            let known = [config::CONFIG_INVALID.id(), config::CONFIG_UNKNOWN_KEY.id()];
            assert!(known.contains(&error.code().id()), "{setting}: {error:?}");
            assert!(!format!("{error:?}").contains("0123456789"), "a secret shows");
        }
    }

    #[test]
    fn a_secret_is_read_without_its_line_end() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        std::fs::write(file.path(), "hunter2\r\n").expect("it is writable");
        let assignment = format!("auth.admin_token={}", file.path().display());
        let settings =
            wanted_settings(&Settings::new(), &wanted(&["--set-file", &assignment])).expect("it is fine");
        let secrets = read_secrets(&settings).expect("the file is readable");
        assert_eq!(secrets["auth.admin_token"].expose(), "hunter2");
    }
}
