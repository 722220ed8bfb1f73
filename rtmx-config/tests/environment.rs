//! The environment as a layer: names, precedence, files, and what is not ours.

use rtmx_config::{
    About, Faults, Layer, LogLevel, Resolved, Strictness, environment_layer, is_injected, resolve,
};
use rtmx_core::{Secret, assert_code, config};
use std::ffi::OsString;
use std::path::Path;

/// Names and values.
type Variables<'a> = &'a [(&'a str, &'a str)];

fn layer(variables: Variables<'_>) -> Layer {
    layer_with(variables, &[])
}

/// A layer from variables, with these files to read.
fn layer_with(variables: Variables<'_>, files: &[(&str, &str)]) -> Layer {
    let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    environment_layer(variables, &mut |path: &Path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| Secret::new((*text).to_owned())).ok_or_else(|| "it does not exist".to_owned())
    })
}

fn resolved(variables: Variables<'_>) -> Resolved {
    resolve([&layer(variables)], Strictness::Start).unwrap_or_else(|error| panic!("{variables:?}: {error:?}"))
}

fn warnings(variables: Variables<'_>) -> Vec<String> {
    resolved(variables).warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_section_and_a_key_make_a_variable() {
    let found = resolved(&[("RTMX_SERVER__BODY_LIMIT", "1MiB"), ("RTMX_LOG__LEVEL", "Debug")]);
    assert_eq!(found.settings.server.body_limit, 1 << 20);
    assert_eq!(found.settings.log.level, LogLevel::Debug);
    assert_eq!(found.origins["log.level"].origin.to_string(), "variable RTMX_LOG__LEVEL");
    assert_eq!(found.warnings, []);
}

#[test]
fn documented_names_are_accepted_in_their_order() {
    // variables from the first in precedence to the last
    let cases: [(&str, Variables<'_>, &str); 4] = [
        ("database.url", &[("RTMX_DATABASE__URL", "sqlite:1.db"), ("DATABASE_URL", "sqlite:2.db")], "1.db"),
        ("database.url", &[("DATABASE_URL", "sqlite:2.db"), ("POSTGRES_HOST", "db")], "2.db"),
        ("license.key", &[("RTMX_LICENSE__KEY", "a"), ("RTMX_LICENSE_KEY", "b"), ("LICENSE_KEY", "c")], "a"),
        ("license.key", &[("RTMX_LICENSE_KEY", "b"), ("LICENSE_KEY", "c")], "b"),
    ];
    for (key, variables, want) in cases {
        let found = resolved(variables);
        let value = match key {
            "database.url" => found.settings.database.url.as_ref().unwrap().expose().clone(),
            _ => found.settings.license.key.as_ref().unwrap().expose().clone(),
        };
        assert!(value.ends_with(want), "{variables:?}");
        assert_eq!(found.warnings.len(), variables.len() - 1, "{variables:?}: {:?}", found.warnings);
        for (warning, (loser, _)) in found.warnings.iter().zip(&variables[1..]) {
            assert_eq!(warning.about, About::Disagreement);
            let text = warning.to_string();
            assert!(text.contains(loser) && text.contains(variables[0].0), "both are named: {text}");
        }
    }
    let single = [
        ("PROMETHEUS_ENABLED", "false"),
        ("PROMETHEUS_PORT", "9999"),
        ("LOG_FORMAT", "TEXT"),
        ("RTMX_ADMIN_TOKEN", "0123456789abcdef0123456789abcdef"),
        ("LICENSE_VALIDATION_MODE", "OFFLINE"),
    ];
    let found = resolved(&single);
    assert!(!found.settings.metrics.enabled);
    assert_eq!(found.settings.metrics.port, 9999);
    assert!(found.settings.auth.admin_token.is_some());
}

#[test]
fn two_variables_that_agree_are_no_warning() {
    let cases: [Variables<'_>; 3] = [
        &[("RTMX_LOG__LEVEL", "info"), ("LOG_LEVEL", "INFO")],
        &[("RTMX_DATABASE__URL", "postgres://u:p@db/x"), ("DATABASE_URL", "postgresql://u:p@db:5432/x")],
        &[
            ("DATABASE_URL", "postgresql://u:p%40ss@db:5432/x"),
            ("POSTGRES_HOST", "db"),
            ("POSTGRES_PORT", "5432"),
            ("POSTGRES_USER", "u"),
            ("POSTGRES_PASSWORD", "p@ss"),
            ("POSTGRES_DB", "x"),
        ],
    ];
    for variables in cases {
        assert_eq!(warnings(variables), [] as [&str; 0], "{variables:?}");
    }
    let differing = warnings(&[("DATABASE_URL", "postgresql://u:p@db/x"), ("POSTGRES_DB", "other")]);
    assert_eq!(differing.len(), 1);
    assert!(differing[0].contains("POSTGRES_DB") && differing[0].contains("DATABASE_URL"), "{differing:?}");
}

#[test]
fn postgres_variables_make_a_url_with_every_part_encoded() {
    let cases: [(Variables<'_>, &str); 5] = [
        (&[("POSTGRES_HOST", "db")], "postgresql://postgres@db:5432/postgres"),
        (&[("POSTGRES_HOST", "db"), ("POSTGRES_USER", "rtmx")], "postgresql://rtmx@db:5432/rtmx"),
        (
            &[
                ("POSTGRES_HOST", "db"),
                ("POSTGRES_PORT", "6543"),
                ("POSTGRES_USER", "a b"),
                ("POSTGRES_PASSWORD", "p@s/s:w%rd?#"),
                ("POSTGRES_DB", "ü"),
            ],
            "postgresql://a%20b:p%40s%2Fs%3Aw%25rd%3F%23@db:6543/%C3%BC",
        ),
        (&[("POSTGRES_HOST", "::1")], "postgresql://postgres@[::1]:5432/postgres"),
        (&[("POSTGRES_HOST", "/run/postgresql")], "postgresql://postgres@%2Frun%2Fpostgresql:5432/postgres"),
    ];
    for (variables, want) in cases {
        assert_eq!(
            resolved(variables).settings.database.url.as_ref().unwrap().expose(),
            want,
            "{variables:?}"
        );
    }
    let origin =
        resolved(&[("POSTGRES_HOST", "db"), ("POSTGRES_DB", "x")]).origins["database.url"].origin.to_string();
    assert_eq!(origin, "variables POSTGRES_HOST, POSTGRES_DB");
}

#[test]
fn postgres_variables_without_a_host_leave_the_database_alone_and_say_so() {
    let found = resolved(&[("POSTGRES_USER", "u"), ("POSTGRES_PASSWORD", "p")]);
    assert_eq!(found.settings.database.url.as_ref().unwrap().expose(), "sqlite:rtmx.db");
    assert_eq!(found.warnings[0].about, About::Unused);
}

#[test]
fn a_wrong_postgres_port_is_a_fault_of_that_variable() {
    let layer = layer(&[("POSTGRES_HOST", "db"), ("POSTGRES_PORT", "many")]);
    let error = resolve([&layer], Strictness::Start).unwrap_err();
    assert_code(&error, config::CONFIG_INVALID);
    assert!(error.causes()[0].starts_with("variable POSTGRES_PORT: "), "{error:?}");
}

#[test]
fn what_orchestrators_inject_never_breaks_a_start_or_makes_noise() {
    let noise = [
        ("RTMX_PORT", "tcp://10.0.0.1:80"),
        ("RTMX_SERVICE_HOST", "10.0.0.1"),
        ("RTMX_SERVICE_PORT", "80"),
        ("RTMX_SERVICE_PORT_HTTP", "80"),
        ("RTMX_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("RTMX_PORT_8080_TCP_PROTO", "tcp"),
        ("RTMX_PORT_8080_TCP_PORT", "8080"),
        ("RTMX_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("RTMX_METRICS_PORT", "tcp://10.0.0.2:9090"),
        ("RTMX_METRICS_PORT_9090_UDP_ADDR", "10.0.0.2"),
        ("PROMETHEUS_PORT", "tcp://10.0.0.3:9090"),
        ("PROMETHEUS_SERVICE_PORT", "9090"),
        ("POSTGRES_PORT", "tcp://10.0.0.4:5432"),
        ("POSTGRES_SERVICE_HOST", "10.0.0.4"),
        ("POSTGRES_PORT_5432_TCP", "tcp://10.0.0.4:5432"),
        ("KUBERNETES_PORT", "tcp://10.0.0.1:443"),
        ("RTMX_HOME", "/home"),
        ("APP_ENV", "production"),
        ("SOMETHING_FILE", "/does/not/exist"),
        ("RTMX_SOMETHING_SERVICE_PORT_METRICS", "1"),
        ("PATH", "/usr/bin"),
    ];
    let found = resolved(&noise);
    assert_eq!(found.warnings, []);
    assert_eq!(found.settings.metrics.port, 9090);
    assert!(found.origins.values().all(|trace| trace.origin == rtmx_config::Origin::Default));

    let with_host = [&noise[..], &[("POSTGRES_HOST", "db")]].concat();
    assert_eq!(
        resolved(&with_host).settings.database.url.as_ref().unwrap().expose(),
        "postgresql://postgres@db:5432/postgres"
    );
}

#[test]
fn a_name_of_ours_is_not_taken_for_an_injected_one() {
    let cases = [
        ("RTMX_METRICS__PORT", "tcp://10.0.0.1:80", false),
        ("RTMX_PORT", "8080", false),
        ("RTMX_PORT_TCP", "x", false),
        ("RTMX_PORT_80X_TCP", "x", false),
        ("RTMX_PORT_80_TCP", "x", true),
    ];
    for (name, value, want) in cases {
        assert_eq!(is_injected(name, value), want, "{name}={value}");
    }
    let layer = layer(&[("RTMX_METRICS__PORT", "tcp://10.0.0.1:80")]);
    assert_code(resolve([&layer], Strictness::Start).unwrap_err(), config::CONFIG_INVALID);
}

#[test]
fn an_unknown_variable_of_ours_is_a_warning_with_the_nearest() {
    let cases = [
        ("RTMX_METRICS_ENABLED", Some("RTMX_METRICS__ENABLED")),
        ("RTMX_LOG__LEVLE", Some("RTMX_LOG__LEVEL")),
        ("RTMX_DATABASE_URL_FILE", Some("RTMX_DATABASE__URL_FILE")),
        ("RTMX_WHATEVER_THIS_IS", None),
    ];
    for (name, want) in cases {
        let found = resolved(&[(name, "some value")]);
        assert_eq!(found.warnings.len(), 1, "{name}");
        assert_eq!(found.warnings[0].about, About::UnknownVariable, "{name}");
        assert_eq!(found.warnings[0].nearest.as_deref(), want, "{name}");
        let text = found.warnings[0].to_string();
        assert!(text.contains(name) && !text.contains("some value"), "{text}");
    }
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let found =
        resolved(&[("LOG_LEVEL", ""), ("DATABASE_URL", ""), ("RTMX_LICENSE_KEY_FILE", ""), ("RTMX_X", "")]);
    assert_eq!(found.warnings, []);
    assert_eq!(found.settings.log.level, LogLevel::Info);
}

#[test]
fn a_file_gives_its_text_without_the_trailing_line_end() {
    for (text, want) in [("postgres://db/x\n", "x"), ("postgres://db/x\r\n", "x"), ("postgres://db/x", "x")] {
        let layer = layer_with(&[("DATABASE_URL_FILE", "/run/secrets/url")], &[("/run/secrets/url", text)]);
        let found = resolve([&layer], Strictness::Start).unwrap();
        assert_eq!(found.settings.database.url.as_ref().unwrap().expose(), &format!("postgres://db/{want}"));
        let origin = found.origins["database.url"].origin.to_string();
        assert_eq!(origin, "file /run/secrets/url of variable DATABASE_URL_FILE");
    }
    let variables = [("POSTGRES_HOST", "db"), ("POSTGRES_PASSWORD_FILE", "/run/secrets/password")];
    let layer = layer_with(&variables, &[("/run/secrets/password", "p w\n")]);
    let found = resolve([&layer], Strictness::Start).unwrap();
    assert_eq!(
        found.settings.database.url.as_ref().unwrap().expose(),
        "postgresql://postgres@db:5432/postgres"
    );
    let file = found.settings.database.password_file.as_deref();
    assert_eq!(file, Some(Path::new("/run/secrets/password")), "whoever rotates it replaces the file");
}

#[test]
fn a_url_from_a_file_is_also_known_by_its_path() {
    for name in ["DATABASE_URL_FILE", "RTMX_DATABASE__URL_FILE"] {
        let layer = layer_with(&[(name, "/run/secrets/url")], &[("/run/secrets/url", "postgres://u@db/x\n")]);
        let found = resolve([&layer], Strictness::Start).unwrap().settings.database;
        assert_eq!(found.url.unwrap().expose(), "postgres://u@db/x", "{name}");
        assert_eq!(found.url_file.as_deref(), Some(Path::new("/run/secrets/url")), "{name}");
    }
    assert_eq!(resolved(&[("DATABASE_URL", "postgres://u@db/x")]).settings.database.url_file, None);
    let variables = [("RTMX_DATABASE__DIRECT_URL_FILE", "/run/secrets/direct")];
    let layer = layer_with(&variables, &[("/run/secrets/direct", "postgres://u@db/x\n")]);
    let found = resolve([&layer], Strictness::Start).unwrap().settings.database;
    assert_eq!(found.direct_url_file.as_deref(), Some(Path::new("/run/secrets/direct")));
}

#[test]
fn single_keys_name_a_postgresql_database_without_a_url() {
    let found = resolved(&[
        ("RTMX_DATABASE__HOST", "a,b:5433"),
        ("RTMX_DATABASE__NAME", "rtmx"),
        ("RTMX_DATABASE__USER", "app"),
        ("RTMX_DATABASE__PASSWORD_FILE", "/run/secrets/password"),
        ("RTMX_DATABASE__SSLMODE", "Verify-Full"),
        ("RTMX_DATABASE__STATEMENT_TIMEOUT", "5s"),
    ]);
    assert_eq!(found.warnings, []);
    let database = &found.settings.database;
    assert!(database.url.is_none(), "the default is not used");
    assert_eq!(database.host.as_deref(), Some("a,b:5433"));
    assert_eq!(database.password_file.as_deref(), Some(Path::new("/run/secrets/password")));
    assert_eq!(database.sslmode, Some("verify-full"));
    assert_eq!(database.statement_timeout, Some(std::time::Duration::from_secs(5)));
    let service = resolved(&[("RTMX_DATABASE__SERVICE", "rtmx")]).settings.database;
    assert!(service.url.is_none());
    let user = resolved(&[("RTMX_DATABASE__USER", "app")]).settings.database;
    assert!(user.url.is_some(), "a user alone names no database");
}

#[test]
fn a_password_is_taken_exactly_as_it_stands() {
    let password = " p@s:s/w#d% ü\t";
    let found = resolved(&[("RTMX_DATABASE__HOST", "db"), ("RTMX_DATABASE__PASSWORD", password)]);
    assert_eq!(found.settings.database.password.as_ref().unwrap().expose(), password);
    let shown = format!("{:?} {}", found.settings, serde_json::to_string(&found.settings).unwrap());
    assert!(!shown.contains("p@s"), "{shown}");
    let line = found.effective().into_iter().find(|line| line.key == "database.password").unwrap();
    assert_eq!(line.value.as_deref(), Some("[secret]"));
}

#[test]
fn keys_and_the_variables_of_the_postgresql_image_are_put_together_or_both_named() {
    let url = |variables: Variables<'_>| {
        let found = resolved(variables);
        (found.settings.database.url.map(|url| url.expose().clone()), found.warnings)
    };
    let (made, warnings) =
        url(&[("POSTGRES_HOST", "db"), ("POSTGRES_USER", "a"), ("RTMX_DATABASE__USER", "b")]);
    assert_eq!(made.as_deref(), Some("postgresql://b@db:5432/b"));
    assert_eq!(warnings.len(), 1);
    let text = warnings[0].to_string();
    assert!(text.contains("POSTGRES_USER") && text.contains("RTMX_DATABASE__USER"), "{text}");

    let (made, warnings) = url(&[("POSTGRES_HOST", "db"), ("RTMX_DATABASE__HOST", "other")]);
    assert_eq!(made, None);
    let text = warnings[0].to_string();
    assert!(text.contains("POSTGRES_HOST") && text.contains("RTMX_DATABASE__HOST"), "{text}");
    let (_, warnings) = url(&[("POSTGRES_HOST", "db"), ("RTMX_DATABASE__HOST", "db")]);
    assert_eq!(warnings, []);
}

#[test]
fn another_engine_than_the_one_that_was_asked_for_is_a_fault() {
    let url = |url: &'static str| ("DATABASE_URL", url);
    let host = ("RTMX_DATABASE__HOST", "db");
    let none = ("LOG_LEVEL", "info");
    // what says where the database is, engine, whether that is a fault
    let cases = [
        (none, "sqlite", false),
        (none, "postgresql", true),
        (url("sqlite:a.db"), "postgresql", true),
        (url("postgres://a@db/rtmx"), "postgresql", false),
        (url("postgresql://a@db/rtmx"), "sqlite", true),
        (host, "postgresql", false),
        (host, "sqlite", true),
    ];
    for (place, engine, is_fault) in cases {
        let variables = layer(&[place, ("RTMX_DATABASE__ENGINE", engine)]);
        match resolve([&variables], Strictness::Start) {
            Ok(_) => assert!(!is_fault, "{place:?} {engine}"),
            Err(error) => {
                assert_code(&error, config::CONFIG_INVALID);
                let text = error.causes().join("; ");
                assert!(is_fault && text.contains("`database.engine`"), "{place:?}: {text}");
            }
        }
    }
}

#[test]
fn what_contradicts_the_url_is_a_fault_that_names_both_places() {
    let secret = "canary-0815";
    let url = format!("postgres://u:{secret}@db:5433/x");
    // variable, value, whether it contradicts
    let cases = [
        ("RTMX_DATABASE__HOST", "other", true),
        ("RTMX_DATABASE__HOST", "DB", false),
        ("RTMX_DATABASE__PORT", "5432", true),
        ("RTMX_DATABASE__USER", "v", true),
        ("RTMX_DATABASE__PASSWORD", "another-secret", true),
        ("RTMX_DATABASE__NAME", "x", false),
        ("RTMX_DATABASE__SCHEMA", "y", false),
    ];
    for (name, value, contradicts) in cases {
        let outcome = resolve([&layer(&[("DATABASE_URL", &url), (name, value)])], Strictness::Start);
        assert_eq!(outcome.is_err(), contradicts, "{name}={value}");
        if let Err(error) = outcome {
            let text = error.causes().join("; ");
            assert!(text.contains(name) && text.contains("DATABASE_URL"), "{text}");
            assert!(!text.contains(secret) && !text.contains("another-secret"), "{text}");
        }
    }
    let both = layer(&[
        ("RTMX_DATABASE__HOST", "db"),
        ("RTMX_DATABASE__PASSWORD", secret),
        ("RTMX_DATABASE__PASSWORD_FILE", "/f"),
    ]);
    let text = resolve([&both], Strictness::Start).unwrap_err().causes().join("; ");
    assert!(text.contains("RTMX_DATABASE__PASSWORD_FILE") && !text.contains(secret), "{text}");
}

#[test]
fn a_variable_and_its_file_form_together_are_a_fault() {
    let layer =
        layer_with(&[("DATABASE_URL", "sqlite:a.db"), ("DATABASE_URL_FILE", "/f")], &[("/f", "sqlite:a.db")]);
    let error = resolve([&layer], Strictness::Start).unwrap_err();
    assert_code(&error, config::CONFIG_INVALID);
    assert_eq!(Faults::of(&error).unwrap().list()[0].about, About::GivenTwice);
}

#[test]
fn a_file_that_gives_nothing_is_a_fault_and_for_a_license_a_warning() {
    let missing = layer_with(&[("DATABASE_URL_FILE", "/f")], &[]);
    let error = resolve([&missing], Strictness::Start).unwrap_err();
    assert_code(&error, config::CONFIG_UNREADABLE);
    let empty = layer_with(&[("DATABASE_URL_FILE", "/f")], &[("/f", "\n")]);
    assert_code(resolve([&empty], Strictness::Start).unwrap_err(), config::CONFIG_INVALID);
    for files in [&[][..], &[("/f", "")]] {
        let license = layer_with(&[("RTMX_LICENSE_KEY_FILE", "/f")], files);
        let found = resolve([&license], Strictness::Start).unwrap();
        assert!(found.settings.license.key.is_none());
        assert_eq!(found.warnings[0].about, About::LeftOut);
    }
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_text_is_a_fault_and_a_strangers_is_not() {
    use std::os::unix::ffi::OsStringExt;
    let bytes = || OsString::from_vec(vec![0xFF, 0xFE]);
    let read = &mut |_: &Path| Err("nothing is read here".to_owned());
    let ours = environment_layer([(OsString::from("LOG_LEVEL"), bytes())], read);
    assert_code(resolve([&ours], Strictness::Start).unwrap_err(), config::CONFIG_INVALID);
    let strangers = environment_layer([(OsString::from("EDITOR"), bytes()), (bytes(), bytes())], read);
    assert_eq!(resolve([&strangers], Strictness::Start).unwrap().warnings, []);
}

#[test]
fn no_warning_or_fault_shows_what_a_variable_holds() {
    let canary = "canary-0815-hunter2";
    let found = layer_with(
        &[
            ("RTMX_DATABASE__URL", &format!("postgres://u:{canary}@db/x")),
            ("DATABASE_URL", &format!("postgres://u:{canary}2@db/x")),
            ("POSTGRES_PASSWORD", &format!("{canary}3")),
            ("RTMX_DATABASE_URL", canary),
            ("RTMX_ADMIN_TOKEN", &format!("{canary} ")),
            ("RTMX_AUTH__ADMIN_TOKEN_FILE", "/f"),
        ],
        &[("/f", &format!("{canary} {canary}"))],
    );
    let mut seen = format!("{found:?}");
    assert_eq!(found.warnings.len(), 4, "the canary was compared");
    let error = resolve([&found], Strictness::Start).unwrap_err();
    seen.push_str(&format!("{error:?} {:?}", error.causes()));
    for warning in &found.warnings {
        seen.push_str(&warning.to_string());
    }
    assert!(!seen.contains(canary), "{seen}");
}
