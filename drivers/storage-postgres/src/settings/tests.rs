//! Settings as JSON: what is taken, what is refused, and that no secret is ever shown.

use super::*;
use proptest::prelude::*;
use rtmx_core::{assert_code, storage};

fn refused(json: Value) -> String {
    let shown = json.to_string();
    let error = PostgresSettings::from_json(json).expect_err(&shown);
    assert_code(&error, storage::STORAGE_SETTINGS_INVALID);
    error.message().to_owned()
}

#[test]
fn a_url_or_single_settings_name_the_same_address() {
    let places = [
        json!({"url": "postgres://app:pw@db:5433/rtmx"}),
        json!({"host": "db", "port": 5433, "user": "app", "database": "rtmx", "password": "pw"}),
        json!({"host": "db:5433", "user": "app", "database": "rtmx", "password": "pw"}),
        json!({"url": "postgres://app@db/rtmx", "port": 5433, "password": "pw"}),
        json!({"url": "postgres://app:pw@db:5433/rtmx", "user": "app", "port": 5433}),
    ];
    for json in places {
        let shown = json.to_string();
        let settings = PostgresSettings::from_json(json).expect(&shown);
        let address = Address::new(&settings.parameters(settings.url.as_ref()).expect("they agree"), None)
            .expect("an address");
        assert_eq!(address.place(), "database `rtmx` on `db:5433`", "{shown}");
        assert_eq!((settings.schema.as_str(), settings.connections, settings.pooler), ("rtmx", 10, false));
        assert_eq!((settings.statement_timeout_ms, settings.lock_timeout_ms), (60_000, 10_000));
        assert_eq!(address.connect_timeout, Duration::from_secs(5));
        assert_eq!(address.application_name, "rtmx");
    }
}

#[test]
fn settings_that_cannot_be_meant_are_refused_by_name() {
    let url = "postgres://app:hunter2@db/rtmx";
    // settings, a part of the message
    let cases = [
        (json!({}), "no setting names a host"),
        (json!([]), "not a JSON object"),
        (json!({"url": "postgres://db/rtmx"}), "no setting names a user"),
        (json!({"url": url, "sslmod": "x"}), "`sslmod` that is not known: did you mean `sslmode`?"),
        (json!({"url": url, "sslmode": "hunter2"}), "`sslmode` must be one of disable"),
        (json!({"url": url, "port": url}), "`port` is of the JSON type string"),
        (json!({"url": url, "port": 0}), "`port` is 0, and it must be 1 to 65535"),
        (json!({"url": [url]}), "`url` is of the JSON type array"),
        (json!({"url": ""}), "`url` is empty"),
        (json!({"url": url, "user": "other"}), "the setting `user` another"),
        (json!({"url": url, "password": "other"}), "the setting `password` another"),
        (json!({"url": url, "database": "other"}), "says one thing for `dbname`"),
        (json!({"url": url, "password_file": "/pw"}), "`password_file` is set"),
        (json!({"url": url, "direct_url_file": "/direct"}), "and `pooler` is not"),
        (
            json!({"url": url, "pooler": true, "direct_url": url, "direct_url_file": "/direct"}),
            "`direct_url` and `direct_url_file` are both set",
        ),
        (
            json!({"url": "postgres://app@db/rtmx", "password_file": "pw"}),
            "`password_file` is a relative path",
        ),
        (json!({"url": url, "connections": 1}), "must be 2 to 200"),
        (json!({"url": url, "connections": 201}), "must be 2 to 200"),
        (json!({"url": url, "connections": 2.5}), "JSON type number"),
        (json!({"url": url, "connections": null}), "JSON type null"),
        (json!({"url": url, "connect_timeout_ms": 0}), "must be 1 to 600000"),
        (json!({"url": url, "statement_timeout_ms": 99}), "must be 100 to 3600000"),
        (json!({"url": url, "schema": "pg_rtmx"}), "keeps that name for itself"),
        (json!({"url": url, "schema": "information_schema"}), "keeps that name for itself"),
        (json!({"url": url, "schema": ""}), "not a plain name"),
        (json!({"url": url, "schema": "Rtmx"}), "not a plain name"),
        (json!({"url": url, "schema": "a;b"}), "not a plain name"),
        (json!({"url": url, "schema": "1a"}), "not a plain name"),
        (json!({"url": url, "schema": "a".repeat(64)}), "not a plain name"),
        (json!({"url": url, "direct_url": url}), "`pooler` is not"),
        (json!({"url": url, "pooler": true, "direct_url": "postgres://app:hunter2@db:x/y"}), "`direct_url`"),
        (json!({"url": url, "load_balance_hosts": "all"}), "must be one of disable, random"),
        (json!({"url": url, "target_session_attrs": "master"}), "must be one of any"),
    ];
    for (json, part) in cases {
        let message = refused(json.clone());
        assert!(message.contains(part), "{json}: {message}");
        assert!(!message.contains("hunter2"), "{json}: {message}");
    }
}

#[test]
fn every_setting_is_in_the_schema_and_every_default_is_true() {
    let schema = PostgresSettings::json_schema();
    let settings = PostgresSettings::from_json(json!({"url": "postgres://app@db"})).expect("settings");
    let shown = format!("{settings:?}");
    for (name, property) in schema["properties"].as_object().expect("an object") {
        assert!(shown.contains(&format!("{name}: ")), "{name}");
        assert!(property["description"].as_str().is_some_and(|text| text.ends_with('.')), "{name}");
    }
    assert_eq!(shown.matches(": ").count(), schema["properties"].as_object().map_or(0, Map::len));
    assert_eq!(schema["properties"]["connections"]["default"], settings.connections);
    assert_eq!(schema["properties"]["lock_timeout_ms"]["default"], settings.lock_timeout_ms);
}

#[test]
fn a_service_says_what_is_given_nowhere_else() {
    let json = json!({"service": "rtmx", "service_file": "/etc/pg_service.conf", "password": "pw"});
    PostgresSettings::from_json(json).expect("the file is read later");
}

proptest! {
    #[test]
    fn no_secret_is_shown_by_settings_or_by_an_error(
        secret in "[a-z0-9@:/?#&=%, é\\\\]{8,24}",
        place in 0..7_usize,
    ) {
        // A mark that no message has by itself.
        let secret = format!("Zq{secret}Zq");
        let json = match place {
            0 => json!({"url": format!("postgres://app:{secret}@db/rtmx")}),
            1 => json!({"url": format!("postgres://app@db/rtmx?password={secret}&x=1")}),
            2 => json!({"url": "postgres://app@db/rtmx", "password": secret}),
            3 => json!({"url": "postgres://app:other@db/rtmx", "password": secret}),
            4 => json!({"url": "postgres://app@db", "port": secret}),
            5 => json!({"url": "postgres://app@db", "sslmode": secret}),
            _ => json!({"url": "postgres://app@db", "pooler": true,
                        "direct_url": format!("postgres://app:{secret}@db/rtmx?x={secret}")}),
        };
        let shown = match PostgresSettings::from_json(json) {
            Ok(settings) => {
                let parameters = settings.parameters(settings.url.as_ref()).expect("they were read before");
                format!("{settings:?} {parameters:?} {:?}", Address::new(&parameters, None))
            }
            Err(error) => format!("{error:?} {error} {} {:?}", error.next(), error.context()),
        };
        prop_assert!(!shown.contains("Zq"), "{}", shown);
    }
}
