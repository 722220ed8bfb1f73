//! Values with names: mounted files and the entries of a remote secret.

use rtmx_config::{
    About, Layer, Named, Origin, Provenance, Strictness, Value, named_key, named_layer, resolve,
};
use rtmx_core::{Secret, assert_code, config};
use std::path::Path;

fn mounted(values: &[(&str, &str)]) -> Layer {
    let named = values.iter().map(|(name, text)| Named {
        name: (*name).to_owned(),
        text: Ok(Secret::new((*text).to_owned())),
        origin: Origin::Mounted { path: Path::new("/mnt").join(name) },
    });
    named_layer(Provenance::new("mount", "/mnt"), named)
}

#[test]
fn a_setting_is_known_by_its_key_its_variable_and_its_other_names() {
    for name in ["database.url", "RTMX_DATABASE__URL", "DATABASE_URL"] {
        let found = resolve([&mounted(&[(name, "postgres://u@db/x\n")])], Strictness::Check).unwrap();
        assert_eq!(found.settings.database.url.unwrap().expose(), "postgres://u@db/x", "{name}");
        assert_eq!(found.origins["database.url"].origin.to_string(), format!("mounted file /mnt/{name}"));
        assert_eq!(named_key(name), Some("database.url"));
    }
    for name in ["DATABASE_URL_FILE", "database_url", "database", "..data", ""] {
        assert_eq!(named_key(name), None, "{name}");
    }
}

#[test]
fn a_name_that_sets_nothing_is_a_warning_with_the_nearest() {
    let layer = mounted(&[("database_url", "postgres://u:canary@db/x"), ("tls.crt", "canary")]);
    let found = resolve([&layer], Strictness::Check).unwrap();
    let warnings: Vec<_> = found.warnings.iter().map(ToString::to_string).collect();
    let why = "no setting of this version has this name, so it has no effect";
    let nearest = format!("mounted file /mnt/database_url: {why}; the nearest is `DATABASE_URL`");
    assert_eq!(warnings, [nearest, format!("mounted file /mnt/tls.crt: {why}")]);
    assert_eq!(found.warnings[0].about, About::UnknownName);
}

#[test]
fn an_empty_value_and_one_given_twice_are_faults() {
    // values, the fault
    let cases: [(&[(&str, &str)], &str); 3] = [
        (&[("database.url", "\n")], "mounted file /mnt/database.url: the value of `database.url` is empty"),
        (
            &[("log.level", "info"), ("RTMX_LOG__LEVEL", "info")],
            "`log.level` stands here and in mounted file /mnt/log.level, and only one may be",
        ),
        (&[("log.level", "loud")], "`log.level` is `loud`, and must be "),
    ];
    for (values, want) in cases {
        let error = resolve([&mounted(values)], Strictness::Start).unwrap_err();
        assert_code(&error, config::CONFIG_INVALID);
        assert!(error.causes()[0].contains(want), "{want}: {error:?}");
    }
    // A license never keeps a server from starting.
    let found = resolve([&mounted(&[("license.key", "")])], Strictness::Start).unwrap();
    assert_eq!(found.warnings[0].about, About::LeftOut);
}

#[test]
fn names_go_before_one_another_as_in_the_environment() {
    let layer = mounted(&[("LOG_LEVEL", "warn"), ("log.level", "debug")]);
    let found = resolve([&layer], Strictness::Check).unwrap();
    assert_eq!(found.origins["log.level"].origin.to_string(), "mounted file /mnt/log.level");
    assert_eq!(found.warnings[0].about, About::Disagreement);
}

#[test]
fn what_can_be_rotated_reaches_the_driver_as_a_file() {
    let url = "postgres://u@db/x";
    let found = |values: &[(&str, &str)]| resolve([&mounted(values)], Strictness::Check).unwrap().settings;
    let database = found(&[("database.url", url), ("database.password", "pw\n")]).database;
    assert_eq!(database.url_file.as_deref(), Some(Path::new("/mnt/database.url")));
    assert_eq!(database.password_read_from.as_deref(), Some(Path::new("/mnt/database.password")));
    assert_eq!(database.password.unwrap().expose(), "pw");
    // Beside a URL with the same password, the URL is what is rotated.
    let database = found(&[("database.url", "postgres://u:pw@db/x"), ("database.password", "pw")]).database;
    assert_eq!(database.password_read_from, None);
    // The names of the PostgreSQL image.
    let database = found(&[("POSTGRES_HOST", "db"), ("POSTGRES_PASSWORD", "pw")]).database;
    assert_eq!(database.password_file.as_deref(), Some(Path::new("/mnt/POSTGRES_PASSWORD")));
    assert!(!database.url.unwrap().expose().contains("pw"));
    let database = found(&[("POSTGRES_HOST", "db"), ("database.password", "pw")]).database;
    assert_eq!(database.password_read_from.as_deref(), Some(Path::new("/mnt/database.password")));
    assert!(!database.url.unwrap().expose().contains("pw"));
    // A later source that gives the value itself is no file.
    let mut later = Layer::new(Provenance::new("env", ""));
    later.push("database.url", Value::text(url), Origin::Variable { name: "DATABASE_URL".into() });
    let found =
        resolve([&mounted(&[("database.url", "postgres://old/x")]), &later], Strictness::Check).unwrap();
    assert_eq!(found.settings.database.url_file, None);
}

#[test]
fn the_entry_of_a_remote_secret_is_named_with_its_place() {
    let origin = Origin::Remote { place: "vault v:8200 secret/rtmx".into(), name: Some("log.level".into()) };
    let named = Named { name: "log.level".into(), text: Err("it is a table".into()), origin };
    let error =
        resolve([&named_layer(Provenance::new("vault", "v"), [named])], Strictness::Start).unwrap_err();
    assert_code(&error, config::CONFIG_UNREADABLE);
    let want =
        "entry log.level of vault v:8200 secret/rtmx: could not read the value of `log.level`: it is a table";
    assert_eq!(error.causes(), [want]);
}

#[test]
fn settings_of_a_vault_have_no_effect_without_its_address() {
    let found = resolve([&mounted(&[("vault.paths", "a, b ,")])], Strictness::Check).unwrap();
    assert_eq!(found.settings.vault.paths, ["a", "b"]);
    assert_eq!(found.warnings.len(), 1);
    assert!(found.warnings[0].text.contains("`vault.address` names no server"), "{:?}", found.warnings);
    let both = mounted(&[("vault.paths", "a"), ("vault.address", "https://vault.example")]);
    assert_eq!(resolve([&both], Strictness::Check).unwrap().warnings, []);
}
