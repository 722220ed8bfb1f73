//! Resolving layers: precedence, faults, warnings, and that no secret shows.

use proptest::prelude::*;
use rtmx_config::{
    About, Faults, KEYS, Layer, LicenseChoice, LogFormat, LogLevel, Origin, Provenance, Reload, Settings,
    Strictness, Value, flag_layer, reference, resolve, template,
};
use rtmx_core::{Secret, assert_code, config};
use std::path::PathBuf;
use std::time::Duration;

const CANARY: &str = "canary-4711-hunter2-secret-of-32-letters";

/// A layer as a file of this name would give it: each value on a line of its own, from line 1.
fn file(name: &str, values: &[(&str, Value)]) -> Layer {
    let mut layer = Layer::new(Provenance::new("file", name));
    for (index, (key, value)) in values.iter().enumerate() {
        let line = u32::try_from(index + 1).expect("tests have few lines");
        layer.push(*key, value.clone(), Origin::File { path: PathBuf::from(name), line, column: 1 });
    }
    layer
}

fn texts(name: &str, values: &[(&str, &str)]) -> Layer {
    let values: Vec<_> = values.iter().map(|(key, value)| (*key, Value::text(*value))).collect();
    file(name, &values)
}

fn faults(layers: &[Layer], strictness: Strictness) -> (rtmx_core::Error, Vec<String>) {
    let error = resolve(layers, strictness).expect_err("the configuration is wrong");
    let lines =
        Faults::of(&error).expect("its source is the list").list().iter().map(ToString::to_string).collect();
    (error, lines)
}

#[test]
fn without_layers_the_defaults_hold() {
    let settings = Settings::default();
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.server.body_limit, 64 << 20);
    assert_eq!(settings.server.request_timeout, Duration::from_secs(30));
    assert_eq!(settings.server.drain, Duration::from_secs(10));
    assert_eq!(settings.server.connections, 1024);
    assert_eq!(settings.data.dir, PathBuf::from("/var/lib/rtmx/data"));
    assert_eq!(settings.database.url.as_ref().unwrap().expose(), "sqlite:rtmx.db");
    assert!(settings.database.migrate);
    assert_eq!(settings.log.level, LogLevel::Info);
    assert_eq!(settings.log.format, LogFormat::Json);
    assert!(settings.metrics.enabled);
    assert_eq!(settings.metrics.port, 9090);
    assert!(settings.auth.admin_token.is_none());
    assert_eq!(settings.auth.session_lifetime, Duration::from_secs(12 * 3_600));
    assert_eq!(settings.license.mode, LicenseChoice::Offline);
    assert!(settings.license.key.is_none());
    assert_eq!(settings.license.server_url, None);
    assert_eq!(settings.license.revalidate_interval, Duration::from_secs(86_400));
    assert!(!settings.telemetry.enabled, "telemetry is opt-in");
}

#[test]
fn every_kind_of_value_reaches_its_setting() {
    let layer = file(
        "a.toml",
        &[
            ("server.listen", Value::text("localhost:0")),
            ("server.body_limit", Value::Integer(2_000)),
            ("server.request_timeout", Value::text("1m30s")),
            ("server.connections", Value::Integer(7)),
            ("data.dir", Value::text("/data")),
            ("database.url", Value::text("postgres://db/x")),
            ("database.migrate", Value::Switch(false)),
            ("log.level", Value::text("WARNING")),
            ("log.format", Value::text("Text")),
            ("metrics.port", Value::text("0")),
            ("auth.admin_token", Value::text(CANARY)),
            ("license.mode", Value::text("Online")),
            ("license.server_url", Value::text("https://license.example.com/v1")),
        ],
    );
    let resolved = resolve(&[layer], Strictness::Check).unwrap();
    let settings = &resolved.settings;
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:0");
    assert_eq!(settings.server.body_limit, 2_000);
    assert_eq!(settings.server.request_timeout, Duration::from_secs(90));
    assert_eq!(settings.server.connections, 7);
    assert_eq!(settings.data.dir, PathBuf::from("/data"));
    assert_eq!(settings.database.url.as_ref().unwrap().expose(), "postgres://db/x");
    assert!(!settings.database.migrate);
    assert_eq!(settings.log.level, LogLevel::Warn);
    assert_eq!(settings.log.format, LogFormat::Text);
    assert_eq!(settings.metrics.port, 0);
    assert_eq!(settings.auth.admin_token.as_ref().map(Secret::expose).map(String::as_str), Some(CANARY));
    assert_eq!(settings.license.mode, LicenseChoice::Online);
    assert_eq!(settings.license.server_url.as_deref(), Some("https://license.example.com/v1"));
    assert_eq!(resolved.warnings, []);
}

#[test]
fn the_last_layer_wins_and_the_others_are_remembered() {
    let layers = [
        texts("a.toml", &[("log.level", "debug"), ("server.drain", "1s")]),
        texts("b.toml", &[("log.level", "warn")]),
        flag_layer(["log.level=error"]),
    ];
    let resolved = resolve(&layers, Strictness::Check).unwrap();
    assert_eq!(resolved.settings.log.level, LogLevel::Error);
    let trace = &resolved.origins["log.level"];
    assert_eq!(trace.origin.to_string(), "flag --set");
    let overrode: Vec<_> = trace.overrode.iter().map(ToString::to_string).collect();
    assert_eq!(overrode, ["b.toml:1:1", "a.toml:1:1"]);
    assert_eq!(resolved.origins["server.drain"].origin.to_string(), "a.toml:2:1");
    assert_eq!(resolved.origins["server.listen"].origin, Origin::Default);
    let shown = resolved.effective();
    assert_eq!(shown.len(), KEYS.len());
    let drain = shown.iter().find(|line| line.key == "server.drain").unwrap();
    assert_eq!(drain.value.as_deref(), Some("1s"));
}

#[test]
fn all_faults_are_reported_together() {
    let layers = [
        file(
            "/etc/rtmx/rtmx.toml",
            &[
                ("server.listen", Value::text("8080")),
                ("server.body_limit", Value::text("12 parsecs")),
                ("server.request_timeout", Value::Integer(30)),
                ("server.lisen", Value::text("x")),
                ("log", Value::text("debug")),
                ("log.level.deep", Value::Switch(true)),
            ],
        ),
        flag_layer(["log.level=loud", "nonsense", "metrics.port=99999", "data.dir=relative/dir"]),
    ];
    let (error, lines) = faults(&layers, Strictness::Check);
    assert_code(&error, config::CONFIG_INVALID);
    assert_eq!(error.message(), "could not use the configuration: it has 10 faults");
    let want = [
        "/etc/rtmx/rtmx.toml:4:1: `server.lisen` is not a setting of this version; the nearest is `server.listen`",
        "/etc/rtmx/rtmx.toml:5:1: `log` is a section, with the settings `level`, `format`",
        "/etc/rtmx/rtmx.toml:6:1: `log.level` is a setting, and not a section that could hold `log.level.deep`",
        "flag --set: an assignment must be written `key=value`, such as `log.level=debug`",
        "/etc/rtmx/rtmx.toml:1:1: `server.listen` is `8080`, and must be an IP address with a port, such as `127.0.0.1:8080`",
        "/etc/rtmx/rtmx.toml:2:1: `server.body_limit` is `12 parsecs`, and must be a size from 1KiB to 1GiB, such as `64MiB`",
        "/etc/rtmx/rtmx.toml:3:1: `server.request_timeout` is the number 30, and must be a duration with its unit from 10ms to 1h, such as `30s`",
        "flag --set: `data.dir` is `relative/dir`, and must be an absolute path",
        "flag --set: `log.level` is `loud`, and must be `trace`, `debug`, `info`, `warn` or `error`",
        "flag --set: `metrics.port` is `99999`, and must be a whole number from 0 to 65535",
    ];
    assert_eq!(lines, want);
    assert_eq!(error.causes().concat(), want.join("\n"), "a reporter that walks the chain shows every fault");
}

#[test]
fn an_unknown_key_is_a_fault_in_a_check_and_a_warning_at_a_start() {
    let layers = [texts("a.toml", &[("server.colour", "red")])];
    let (error, _) = faults(&layers, Strictness::Check);
    assert_code(&error, config::CONFIG_UNKNOWN_KEY);
    let resolved = resolve(&layers, Strictness::Start).unwrap();
    assert_eq!(resolved.warnings.len(), 1);
    assert_eq!(resolved.warnings[0].about, About::UnknownKey);
    assert_eq!(resolved.warnings[0].key.as_deref(), Some("server.colour"));
}

#[test]
fn misspelt_keys_find_their_nearest() {
    let cases = [
        ("server.listn", Some("server.listen")),
        ("loglevel", Some("log.level")),
        ("log_level", Some("log.level")),
        ("level", Some("log.level")),
        ("http.body-limit", Some("server.body_limit")),
        ("database.ulr", Some("database.url")),
        ("colour.of.the.sky", None),
    ];
    for (key, want) in cases {
        let resolved = resolve(&[texts("a.toml", &[(key, "x")])], Strictness::Start).unwrap();
        assert_eq!(resolved.warnings[0].nearest.as_deref(), want, "{key}");
    }
}

#[test]
fn a_wrong_value_that_is_replaced_does_not_keep_a_server_from_starting() {
    let layers = [texts("a.toml", &[("log.level", "loud")]), flag_layer(["log.level=debug"])];
    let resolved = resolve(&layers, Strictness::Start).unwrap();
    assert_eq!(resolved.settings.log.level, LogLevel::Debug);
    assert_eq!(resolved.warnings[0].about, About::Overridden);
    let (_, lines) = faults(&layers, Strictness::Check);
    assert!(lines[0].ends_with("(replaced by a later source)"), "{lines:?}");
}

#[test]
fn metrics_and_api_need_different_ports_unless_the_system_chooses() {
    // name, listen, metrics.enabled, metrics.port, whether it is right
    let cases = [
        ("same port", "127.0.0.1:9000", "true", "9000", false),
        ("metrics off", "127.0.0.1:9000", "false", "9000", true),
        ("different", "127.0.0.1:9000", "true", "9001", true),
        ("both chosen by the system", "127.0.0.1:0", "true", "0", true),
    ];
    for (name, listen, enabled, port, right) in cases {
        let layer = texts(
            "a.toml",
            &[("server.listen", listen), ("metrics.enabled", enabled), ("metrics.port", port)],
        );
        assert_eq!(resolve(&[layer], Strictness::Check).is_ok(), right, "{name}");
    }
    let (error, lines) = faults(&[texts("a.toml", &[("server.listen", "[::1]:9090")])], Strictness::Start);
    assert_code(&error, config::CONFIG_INVALID);
    let want = "the default: `metrics.port` is 9090, the port of `server.listen` (from a.toml:1:1); \
                metrics need a port of their own";
    assert_eq!(lines, [want]);
}

#[test]
fn a_license_never_keeps_a_server_from_starting_and_a_license_mode_does() {
    let garbage = [texts("a.toml", &[("license.key", "garbage")])];
    assert!(resolve(&garbage, Strictness::Start).unwrap().settings.license.key.is_some(), "judged elsewhere");
    let unusable = [file("a.toml", &[("license.key", Value::Integer(1))])];
    let resolved = resolve(&unusable, Strictness::Start).unwrap();
    assert!(resolved.settings.license.key.is_none());
    assert_eq!(resolved.warnings[0].about, About::LeftOut);
    assert_code(faults(&unusable, Strictness::Check).0, config::CONFIG_INVALID);
    let mode = [texts("a.toml", &[("license.mode", "sometimes")])];
    assert_code(faults(&mode, Strictness::Start).0, config::CONFIG_INVALID);
}

#[test]
fn the_online_mode_without_a_server_is_a_warning() {
    let resolved = resolve(&[texts("a.toml", &[("license.mode", "online")])], Strictness::Check).unwrap();
    assert_eq!(resolved.warnings[0].about, About::Unused);
}

#[test]
fn a_url_that_cannot_be_meant_is_refused() {
    let cases = [
        ("database.url", "postgres://u:${PASSWORD}@db/x", "a URL without `${`"),
        ("database.url", "rtmx.db", "a URL, such as"),
        ("database.url", "sqlite:", "a URL, such as"),
        ("database.url", "sqlite:my file.db", "a URL without spaces"),
        ("license.server_url", "ftp://example.com", "a URL that begins with `https://` or `http://`"),
        ("license.server_url", "https://", "a URL that begins with"),
        ("license.server_url", "https://u:p@example.com", "a URL without user and password"),
    ];
    for (key, url, want) in cases {
        let (_, lines) = faults(&[texts("a.toml", &[(key, url)])], Strictness::Start);
        assert!(lines[0].contains(want), "{url}: {lines:?}");
    }
}

#[test]
fn a_secret_is_refused_on_a_command_line() {
    let (error, lines) = faults(&[flag_layer([format!("auth.admin_token={CANARY}")])], Strictness::Start);
    assert_code(&error, config::CONFIG_INVALID);
    assert!(lines[0].contains("RTMX_AUTH__ADMIN_TOKEN_FILE"), "{lines:?}");
    assert!(!lines[0].contains(CANARY));
}

#[test]
fn no_secret_shows_in_debug_errors_warnings_or_json() {
    let token = format!("{CANARY} with a space");
    let wrong = [
        texts(
            "a.toml",
            &[("database.url", CANARY), ("auth.admin_token", &token), ("database.pasword", CANARY)],
        ),
        texts("b.toml", &[("license.server_url", &format!("https://u:{CANARY}@example.com"))]),
        file("c.toml", &[("auth.admin_token", Value::List(vec![Value::text(CANARY)]))]),
        flag_layer([format!("database.url={CANARY}")]),
    ];
    let (error, lines) = faults(&wrong, Strictness::Check);
    let mut seen = format!("{error} {error:?} {:?} {lines:?} {wrong:?}", error.causes());
    seen.push_str(&serde_json::to_string(Faults::of(&error).unwrap()).unwrap());

    let url = format!("postgres://u:{CANARY}@db/x");
    let right = [
        texts("a.toml", &[("database.url", CANARY), ("databse.url", CANARY)]),
        texts("b.toml", &[("database.url", &url), ("auth.admin_token", CANARY), ("license.key", CANARY)]),
    ];
    let resolved = resolve(&right, Strictness::Start).unwrap();
    assert_eq!(resolved.settings.database.url.as_ref().unwrap().expose(), &url, "the canary is really there");
    assert_eq!(resolved.warnings.len(), 2);
    seen.push_str(&format!("{resolved:?} {:?} {:?}", resolved.settings, resolved.effective()));
    seen.push_str(&serde_json::to_string(&resolved.settings).unwrap());
    seen.push_str(&serde_json::to_string(&resolved.effective()).unwrap());
    for warning in &resolved.warnings {
        seen.push_str(&warning.to_string());
    }
    assert!(seen.contains("[secret]"));
    assert!(!seen.contains(CANARY), "{seen}");
}

#[test]
fn changed_settings_are_found_with_what_they_need() {
    let old = resolve(&[texts("a.toml", &[("auth.admin_token", CANARY)])], Strictness::Start).unwrap();
    let layer =
        texts("a.toml", &[("log.level", "debug"), ("server.connections", "9"), ("auth.admin_token", CANARY)]);
    let new = resolve(&[layer], Strictness::Start).unwrap();
    let changed: Vec<_> = new.changed_since(&old).iter().map(|spec| (spec.path, spec.reload)).collect();
    assert_eq!(changed, [("server.connections", Reload::Restart), ("log.level", Reload::Live)]);
    assert!(old.changed_since(&old).is_empty());
}

#[test]
fn every_key_of_the_table_is_documented_and_stands_in_the_template() {
    let template = template();
    let mut names = Vec::new();
    for (spec, line) in KEYS.iter().zip(reference()) {
        assert!(spec.doc.ends_with('.') && spec.doc.len() > 20, "{}: a sentence", spec.path);
        assert_eq!(spec.path.split('.').count(), 2, "{}: section and key", spec.path);
        assert!(!line.must_be.is_empty(), "{}", spec.path);
        assert!(template.contains(spec.doc), "{}", spec.path);
        if spec.secret {
            assert!(
                spec.default.is_none() || spec.path == "database.url",
                "{}: no built-in secret",
                spec.path
            );
        }
        names.push(spec.path.to_owned());
        names.extend(line.variables);
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "a path or a variable stands for one setting");
}

#[test]
fn every_default_reads_back_as_it_is_shown() {
    for line in resolve(&[] as &[Layer], Strictness::Check).unwrap().effective() {
        let default = KEYS.iter().find(|spec| spec.path == line.key).unwrap().default;
        let secret = line.value.as_deref() == Some("[secret]");
        assert!(secret || line.value.as_deref() == default, "{}: {:?}", line.key, line.value);
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<String>().prop_map(Value::text),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_map(Value::Float),
        any::<bool>().prop_map(Value::Switch),
        Just(Value::List(vec![Value::Table])),
        prop::sample::select(vec!["1", "30s", "64MiB", "true", "info", "/x", "a:b", "127.0.0.1:1"])
            .prop_map(Value::text),
    ]
}

proptest! {
    #[test]
    fn resolving_never_panics_and_later_always_wins(
        first in prop::collection::vec((prop::sample::select(KEYS).prop_map(|spec| spec.path), any_value()), 0..20),
        unknown in any::<String>(),
    ) {
        let layer = file("a.toml", &first);
        let _ = resolve([&layer], Strictness::Check);
        let stranger = file("b.toml", &[(unknown.as_str(), Value::Switch(true))]);
        let over = flag_layer(["log.level=error", "server.listen=127.0.0.1:1", "metrics.port=2"]);
        if let Ok(resolved) = resolve([&layer, &stranger, &over], Strictness::Start) {
            prop_assert_eq!(resolved.settings.log.level, LogLevel::Error);
            prop_assert_eq!(resolved.settings.metrics.port, 2);
        }
    }
}

#[test]
fn a_reload_takes_what_can_change_and_leaves_a_whole() {
    let start = |values: &[(&str, &str)]| resolve(&[texts("a.toml", values)], Strictness::Start).unwrap();
    let old = start(&[
        ("server.drain", "10s"),
        ("server.connections", "64"),
        ("database.url", "postgres://app:one@db/rtmx"),
    ]);
    let new = start(&[
        ("server.drain", "20s"),
        ("server.connections", "65"),
        ("log.level", "debug"),
        ("database.url", "postgres://app:two@db/rtmx"),
    ]);
    let reloaded = old.reload(&new).unwrap();
    assert_eq!(reloaded.taken, ["server.drain", "database.url", "log.level"]);
    assert_eq!(reloaded.waiting, ["server.connections"]);
    let settings = &reloaded.resolved.settings;
    assert_eq!(settings.server.drain, Duration::from_secs(20));
    assert_eq!(settings.server.connections, 64, "it waits for a restart");
    assert_eq!(settings.database.url.as_ref().unwrap().expose(), "postgres://app:two@db/rtmx");
    let old_line = &reloaded.resolved.origins["server.connections"].origin;
    assert_eq!(old_line, &old.origins["server.connections"].origin, "the value in force and its place agree");
    let again = reloaded.resolved.reload(&new).unwrap();
    assert_eq!((again.taken, again.waiting), (vec![], vec!["server.connections"]));

    for other in ["postgres://app:one@db2/rtmx", "postgres://root:one@db/rtmx", "sqlite:rtmx.db"] {
        let waits = old.reload(&start(&[("database.url", other)])).unwrap().waiting;
        assert!(waits.contains(&"database.url"), "{other} is another database");
    }

    // Right by itself, and not beside what stays.
    let password = [("database.password", "p")];
    let file = start(&[("database.host", "db"), ("database.password_file", "/run/password")]);
    let error = file.reload(&start(&[("database.host", "db"), password[0]])).unwrap_err();
    assert_code(error, config::CONFIG_INVALID);
}

#[test]
fn networks_are_read_from_lists_and_texts() {
    let read = |value: Value| {
        resolve(&[file("a.toml", &[("server.trusted_proxies", value)])], Strictness::Check)
            .map(|resolved| resolved.effective().into_iter().find(|it| it.key == "server.trusted_proxies"))
            .map(|line| line.unwrap().value.unwrap())
    };
    let list = |texts: &[&str]| Value::List(texts.iter().map(|text| Value::text(*text)).collect());
    let cases = [
        (Value::text("10.0.0.0/8, ::1"), Some("10.0.0.0/8, ::1/128")),
        (list(&["10.1.2.3/8", "192.0.2.1"]), Some("10.0.0.0/8, 192.0.2.1/32")),
        (Value::text("::ffff:10.0.0.1"), Some("10.0.0.1/32")),
        (list(&[]), Some("")),
        (Value::text("10.0.0.0/33"), None),
        (Value::text("proxy.example"), None),
        (Value::Integer(10), None),
        (Value::List(vec![Value::Integer(10)]), None),
    ];
    for (value, wanted) in cases {
        let shown = format!("{value:?}");
        assert_eq!(read(value).ok().as_deref(), wanted, "{shown}");
    }
}

#[test]
fn a_proxy_may_need_a_login_and_a_license_server_has_none() {
    let read = |key: &str, value: &str| resolve(&[texts("a.toml", &[(key, value)])], Strictness::Check);
    assert!(read("license.proxy", "http://operator:p%40ss@proxy.example:3128").is_ok());
    assert!(read("license.server_url", "https://operator:pass@license.example").is_err());
}
