//! Which database the settings mean, and what its driver is told.
//!
//! The decision to know: a driver is told only what was set, and only what its own schema knows. So the
//! defaults are the driver's, and a setting for another engine changes nothing but is reported.

use crate::Drivers;
use rtmx_config::{About, Finding, Resolved, Settings};
use rtmx_core::{Driver, Result};
use rtmx_storage::Storage;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What is PostgreSQL's where no URL says the engine.
const ENGINE_OF_SINGLE_KEYS: &str = "postgres";

/// The driver of the database.
///
/// # Errors
///
/// `driver_unknown`, `driver_absent`.
pub(crate) fn driver(settings: &Settings, drivers: &Drivers) -> Result<Arc<dyn Driver<Storage>>> {
    let url = settings.database.url.as_ref();
    let scheme = url.and_then(|url| url.expose().trim_start().split(':').next());
    drivers.storage.by_scheme(scheme.unwrap_or(ENGINE_OF_SINGLE_KEYS))
}

/// The name under which `/ready` shows a driver's database.
pub(crate) fn engine(driver: &dyn Driver<Storage>) -> &'static str {
    match driver.info().name {
        "postgres" => "postgresql",
        name => name,
    }
}

/// Whether the driver's database is a server of its own, which may come and go while this one runs.
pub(crate) fn is_elsewhere(driver: &dyn Driver<Storage>) -> bool {
    !knows(&driver.settings_schema(), "base")
}

/// What the driver is told.
pub(crate) fn options(settings: &Settings, driver: &dyn Driver<Storage>) -> Value {
    let schema = driver.settings_schema();
    let mut options = Map::new();
    match &settings.database.url_file {
        // The file may be replaced while the server runs, so the driver reads it itself.
        Some(file) if knows(&schema, "url_file") => _ = options.insert("url_file".into(), json!(file)),
        _ => {
            if let Some(url) = &settings.database.url {
                options.insert("url".into(), json!(url.expose()));
            }
        }
    }
    // Where a database is a file, its path may start from the data folder.
    if knows(&schema, "base") {
        options.insert("base".into(), json!(settings.data.dir));
    }
    let direct_file =
        settings.database.direct_url_file.as_ref().filter(|_| knows(&schema, "direct_url_file"));
    let known = given(settings).into_iter().filter(|(_, property, _)| knows(&schema, property));
    let known = known.filter(|(_, property, _)| direct_file.is_none() || *property != "direct_url");
    options.extend(known.map(|(_, property, value)| (property.to_owned(), value)));
    if let Some(file) = &settings.database.password_read_from
        && options.remove("password").is_some()
    {
        options.insert("password_file".into(), json!(file));
    }
    if let Some(file) = direct_file {
        options.insert("direct_url_file".into(), json!(file));
    }
    Value::Object(options)
}

/// The settings that the engine in use does not have.
pub(crate) fn idle(resolved: &Resolved, drivers: &Drivers) -> Vec<Finding> {
    let Ok(driver) = driver(&resolved.settings, drivers) else { return Vec::new() };
    let schema = driver.settings_schema();
    let unknown = given(&resolved.settings).into_iter().filter(|(_, property, _)| !knows(&schema, property));
    let finding = |(key, ..): (&'static str, _, _)| {
        let engine = engine(&*driver);
        let text = format!("`{key}` has no effect: the database is `{engine}`, which has no such setting");
        Finding::new(About::Unused, resolved.origins[key].origin.clone(), text).with_key(key)
    };
    unknown.map(finding).collect()
}

fn knows(schema: &Value, property: &str) -> bool {
    schema["properties"].get(property).is_some()
}

/// The keys that were set, each with the name that a driver has for it.
fn given(settings: &Settings) -> Vec<(&'static str, &'static str, Value)> {
    let database = &settings.database;
    let secret = |secret: &Option<rtmx_core::Secret<String>>| secret.as_ref().map(|it| json!(it.expose()));
    let ms = |duration: Option<std::time::Duration>| {
        duration.map(|duration| json!(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    };
    let all = [
        ("database.host", "host", database.host.as_ref().map(|it| json!(it))),
        ("database.port", "port", database.port.map(|it| json!(it))),
        ("database.name", "database", database.name.as_ref().map(|it| json!(it))),
        ("database.user", "user", database.user.as_ref().map(|it| json!(it))),
        ("database.password", "password", secret(&database.password)),
        ("database.password_file", "password_file", database.password_file.as_ref().map(|it| json!(it))),
        ("database.sslmode", "sslmode", database.sslmode.map(|it| json!(it))),
        ("database.sslrootcert", "sslrootcert", database.sslrootcert.as_ref().map(|it| json!(it))),
        ("database.sslcert", "sslcert", database.sslcert.as_ref().map(|it| json!(it))),
        ("database.sslkey", "sslkey", database.sslkey.as_ref().map(|it| json!(it))),
        (
            "database.target_session_attrs",
            "target_session_attrs",
            database.target_session_attrs.map(|it| json!(it)),
        ),
        ("database.passfile", "passfile", database.passfile.as_ref().map(|it| json!(it))),
        ("database.service", "service", database.service.as_ref().map(|it| json!(it))),
        ("database.service_file", "service_file", database.service_file.as_ref().map(|it| json!(it))),
        ("database.schema", "schema", database.schema.as_ref().map(|it| json!(it))),
        ("database.connections", "connections", database.connections.map(|it| json!(it))),
        ("database.statement_timeout", "statement_timeout_ms", ms(database.statement_timeout)),
        ("database.lock_timeout", "lock_timeout_ms", ms(database.lock_timeout)),
        ("database.pooler", "pooler", database.pooler.map(|it| json!(it))),
        ("database.direct_url", "direct_url", secret(&database.direct_url)),
    ];
    all.into_iter().filter_map(|(key, property, value)| Some((key, property, value?))).collect()
}

#[cfg(all(test, feature = "storage-sqlite", feature = "storage-postgres"))]
mod tests {
    use super::*;
    use rtmx_config::{KEYS, Layer, Origin, Provenance, Strictness, Value as ConfigValue, resolve};

    fn resolved(settings: &[&str]) -> Resolved {
        let mut layer = Layer::new(Provenance::new("file", "a.toml"));
        for setting in settings {
            let (key, value) = setting.split_once('=').expect("a key and a value");
            let origin = Origin::File { path: "a.toml".into(), line: 1, column: 1 };
            layer.push(key, ConfigValue::text(value), origin);
        }
        resolve([&layer], Strictness::Check).expect("the settings are right")
    }

    #[test]
    fn single_keys_reach_the_driver_under_its_own_names() {
        let drivers = crate::standard_drivers().expect("the names of drivers are unique");
        let found = resolved(&[
            "database.host=db",
            "database.name=rtmx",
            "database.statement_timeout=5s",
            "database.pooler=true",
        ]);
        let driver = driver(&found.settings, &drivers).expect("this build has it");
        assert_eq!((engine(&*driver), is_elsewhere(&*driver)), ("postgresql", true));
        let options = options(&found.settings, &*driver);
        let wanted = json!({"host": "db", "database": "rtmx", "statement_timeout_ms": 5_000, "pooler": true});
        assert_eq!(options, wanted, "and nothing else");
        assert!(idle(&found, &drivers).is_empty());
    }

    #[test]
    fn a_direct_url_from_a_file_reaches_the_driver_as_the_file() {
        let drivers = crate::standard_drivers().expect("the names of drivers are unique");
        let mut settings = resolved(&["database.url=postgres://a@b/c", "database.pooler=true"]).settings;
        settings.database.direct_url = Some(rtmx_core::Secret::new("postgres://a:old@d/c".into()));
        settings.database.direct_url_file = Some("/run/secrets/direct".into());
        let driver = driver(&settings, &drivers).expect("this build has it");
        let options = options(&settings, &*driver);
        let wanted =
            json!({"url": "postgres://a@b/c", "pooler": true, "direct_url_file": "/run/secrets/direct"});
        assert_eq!(options, wanted);
    }

    #[test]
    fn a_key_of_another_engine_is_reported_and_left_out() {
        let drivers = crate::standard_drivers().expect("the names of drivers are unique");
        let found = resolved(&["database.url=sqlite:a.db", "database.host=db", "database.pooler=true"]);
        let driver = driver(&found.settings, &drivers).expect("this build has it");
        assert_eq!((engine(&*driver), is_elsewhere(&*driver)), ("sqlite", false));
        let options = options(&found.settings, &*driver);
        assert!(options.get("host").is_none() && options.get("base").is_some(), "{options}");
        let keys: Vec<_> = idle(&found, &drivers).into_iter().filter_map(|finding| finding.key).collect();
        assert_eq!(keys, ["database.host", "database.pooler"]);
        assert!(idle(&found, &drivers)[0].text.contains("`sqlite`"));
    }

    #[test]
    fn every_key_of_the_section_is_one_of_a_driver() {
        let drivers = crate::standard_drivers().expect("the names of drivers are unique");
        let schema = drivers.storage.by_scheme("postgres").expect("this build has it").settings_schema();
        let own = ["database.url", "database.engine", "database.migrate"];
        for spec in KEYS.iter().filter(|spec| spec.path.starts_with("database.") && !own.contains(&spec.path))
        {
            let value = match spec.kind.name() {
                "integer" => "7".to_owned(),
                "duration" => "7s".to_owned(),
                "switch" => "true".to_owned(),
                "url" => "postgres://db/x".to_owned(),
                "choice" => spec.kind.wanted().split('`').nth(1).expect("choices are named").to_owned(),
                _ => "/x".to_owned(),
            };
            let found = resolved(&[&format!("{}={value}", spec.path)]);
            let given = given(&found.settings);
            assert_eq!(given.len(), 1, "{}", spec.path);
            assert_eq!(given[0].0, spec.path);
            assert!(knows(&schema, given[0].1), "{}", spec.path);
        }
    }
}
