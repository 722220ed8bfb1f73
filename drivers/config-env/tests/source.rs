//! The environment with real files behind it. The process's own environment is never changed.

use rtmx_config::{Config, ConfigSource, Strictness, resolve};
use rtmx_config_env::{EnvSource, register};
use rtmx_core::{Cx, Registry, assert_code, config};
use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;

async fn load(variables: &[(&str, &Path)]) -> rtmx_config::Layer {
    EnvSource::new(variables.iter().copied()).load(&Cx::new()).await.expect("the environment always answers")
}

#[tokio::test]
async fn a_mounted_secret_reaches_its_setting_and_shows_nowhere() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("token");
    fs::write(&path, "canary-hunter2-token-of-32-letters\n").unwrap();
    let source = EnvSource::new([("RTMX_ADMIN_TOKEN_FILE", path.as_os_str())]);
    let layer = source.load(&Cx::new()).await.unwrap();
    let resolved = resolve([&layer], Strictness::Check).unwrap();
    let token = resolved.settings.auth.admin_token.as_ref().unwrap();
    assert_eq!(token.expose(), "canary-hunter2-token-of-32-letters");
    assert!(!format!("{source:?} {layer:?} {resolved:?}").contains("canary"));

    fs::write(&path, "rotated-hunter2-token-of-32-letters").unwrap();
    let again = resolve([&source.load(&Cx::new()).await.unwrap()], Strictness::Check).unwrap();
    assert_eq!(
        again.settings.auth.admin_token.as_ref().unwrap().expose(),
        "rotated-hunter2-token-of-32-letters"
    );
    assert_eq!(again.changed_since(&resolved).len(), 1);
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_a_fault_with_its_reason() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    fs::write(path("large"), vec![b'x'; (128 << 10) + 1]).unwrap();
    fs::write(path("binary"), b"canary\xFF").unwrap();
    let _listener = UnixListener::bind(path("socket")).unwrap();
    let cases = [
        (path("absent"), "it does not exist"),
        (root.path().to_owned(), "it is not a regular file"),
        (path("socket"), "it is not a regular file"),
        (path("large"), "it is larger than 128 KiB"),
        (path("binary"), "it is not UTF-8 text"),
    ];
    for (path, want) in cases {
        let layer = load(&[("DATABASE_URL_FILE", &path)]).await;
        let error = resolve([&layer], Strictness::Start).unwrap_err();
        assert_code(&error, config::CONFIG_UNREADABLE);
        let cause = &error.causes()[0];
        assert!(cause.ends_with(want) && cause.contains("DATABASE_URL_FILE"), "{cause}");
        assert!(!cause.contains("canary"));
    }
}

#[tokio::test]
async fn a_file_of_a_stranger_is_not_opened() {
    let absent = Path::new("/nonexistent/file");
    let layer = load(&[("SSL_CERT_FILE", absent), ("OTHER_PASSWORD_FILE", absent)]).await;
    assert!(layer.entries.is_empty() && layer.faults.is_empty() && layer.warnings.is_empty());
}

#[tokio::test]
async fn the_driver_opens_the_environment_of_this_process() {
    let mut registry = Registry::<Config>::new();
    register(&mut registry).unwrap();
    let driver = registry.get("env").unwrap();
    assert_eq!(driver.settings_schema()["additionalProperties"], false);
    let source = driver.open(&Cx::new(), serde_json::json!({})).await.unwrap();
    assert!(source.capability().secrets && !source.capability().watch);
    assert_eq!(source.provenance().to_string(), "env");
    // Cargo gives every test variables of its own: they are in the environment, and not ours.
    assert!(format!("{source:?}").contains("variables: "), "{source:?}");
    assert!(source.load(&Cx::new()).await.unwrap().faults.is_empty());
    let refused = driver.open(&Cx::new(), serde_json::json!({ "prefix": "X" })).await;
    assert_code(refused.unwrap_err(), config::CONFIG_INVALID);
}
