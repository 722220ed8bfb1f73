//! Real folders: what is read, what is a fault, and what is noticed when it changes.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

use rtmx_config::{About, Config, ConfigSource, Layer, Strictness, resolve};
use rtmx_config_mount::{MountSettings, MountSource, register};
use rtmx_core::{Cx, Registry, assert_code, config, storage};
use std::fs;
use std::future::Future;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(30);

fn source(dir: &Path) -> MountSource {
    let mut settings = MountSettings::new(dir);
    settings.poll = Duration::from_millis(10);
    MountSource::new(settings)
}

async fn load(source: &dyn ConfigSource) -> Layer {
    source.load(&Cx::new()).await.expect("faults stand in the layer")
}

/// The `server.drain` that holds.
fn drain(layer: &Layer) -> String {
    let resolved = resolve([layer], Strictness::Start).expect("the layer is right");
    let mut shown = resolved.effective().into_iter();
    shown.find(|line| line.key == "server.drain").and_then(|line| line.value).expect("it has a default")
}

async fn soon<T>(waited: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, waited).await.expect("the change is noticed before the deadline")
}

/// A folder as a kubelet fills it: values are links into `..data`, itself a link to a version.
fn mount(dir: &Path, version: &str, values: &[(&str, &str)]) {
    let folder = dir.join(version);
    fs::create_dir_all(&folder).unwrap();
    for (name, text) in values {
        fs::write(folder.join(name), text).unwrap();
        let _ = symlink(Path::new("..data").join(name), dir.join(name));
    }
    symlink(version, dir.join("..data_tmp")).unwrap();
    fs::rename(dir.join("..data_tmp"), dir.join("..data")).unwrap();
}

#[tokio::test]
async fn a_mounted_secret_is_read_by_name_and_shows_nowhere() {
    let root = tempfile::tempdir().unwrap();
    let values = [
        ("DATABASE_URL", "postgres://app:canary-pw@db/rtmx\n"),
        ("auth.admin_token", "canary-token-of-mounts-and-letters\r\n"),
        ("RTMX_SERVER__DRAIN", "7s"),
    ];
    mount(root.path(), "..2026_11_22_10_00_00.1", &values);
    fs::create_dir(root.path().join("kubernetes.io")).unwrap();
    let source = source(root.path());
    let layer = load(&source).await;
    let resolved = resolve([&layer], Strictness::Check).unwrap();
    assert_eq!(resolved.warnings, [], "neither hidden names nor the folders of others");
    assert_eq!(drain(&layer), "7s");
    assert_eq!(
        resolved.settings.auth.admin_token.as_ref().unwrap().expose(),
        "canary-token-of-mounts-and-letters"
    );
    assert_eq!(resolved.settings.database.url_file, Some(root.path().join("DATABASE_URL")));
    assert!(!format!("{source:?} {layer:?} {resolved:?}").contains("canary"));
}

#[tokio::test]
async fn what_cannot_be_a_value_is_a_fault_with_its_reason_and_its_place() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    fs::write(path("database.url"), b"canary\xFF").unwrap();
    fs::write(path("license.proxy"), vec![b'x'; (128 << 10) + 1]).unwrap();
    fs::create_dir(path("log.level")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(path("log.format")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(path("auth.admin_token")).status().unwrap();
    assert!(made.success());
    symlink(path("nowhere"), path("data.dir")).unwrap();
    let layer = soon(load(&source(root.path()))).await;
    let error = resolve([&layer], Strictness::Start).unwrap_err();
    assert_code(&error, config::CONFIG_UNREADABLE);
    let faults: Vec<_> = error.causes()[0].lines().map(ToOwned::to_owned).collect();
    // name, reason
    let cases = [
        ("auth.admin_token", "it is not a regular file"),
        ("data.dir", "it does not exist"),
        ("database.url", "it is not UTF-8 text"),
        ("license.proxy", "it is larger than 128 KiB"),
        ("log.format", "it is not a regular file"),
        ("log.level", "it is not a regular file"),
    ];
    assert_eq!(faults.len(), cases.len(), "{faults:?}");
    for ((name, why), fault) in cases.iter().zip(&faults) {
        let want = format!("{}: could not read the value of `{name}`: {why}", path(name).display());
        assert!(fault.ends_with(&want) && !fault.contains("canary"), "{fault}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_settings_is_not_opened_and_is_named_once() {
    let root = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(root.path().join("database_url")).status().unwrap();
    assert!(made.success());
    let layer = soon(load(&source(root.path()))).await;
    assert_eq!(layer.warnings.len(), 1, "{:?}", layer.warnings);
    assert_eq!(layer.warnings[0].about, About::UnknownName);
    assert_eq!(layer.warnings[0].nearest.as_deref(), Some("DATABASE_URL"));
    assert!(layer.faults.is_empty());
}

#[tokio::test]
async fn a_folder_that_must_exist_is_missed_and_another_is_not() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "").unwrap();
    for (name, why) in [("absent", "it does not exist"), ("file", "it is not a folder")] {
        let layer = load(&source(&root.path().join(name))).await;
        let error = resolve([&layer], Strictness::Start).unwrap_err();
        assert_code(&error, config::CONFIG_UNREADABLE);
        let want = format!("{name}: could not read the folder of mounted secrets: {why}");
        assert!(error.causes()[0].ends_with(&want), "{error:?}");
    }
    let mut settings = MountSettings::new(root.path().join("absent"));
    settings.required = false;
    let layer = load(&MountSource::new(settings)).await;
    assert!(layer.entries.is_empty() && layer.faults.is_empty() && layer.warnings.is_empty());
}

#[tokio::test]
async fn a_swapped_mount_is_noticed_and_read_whole() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    mount(dir, "..v1", &[("server.drain", "1s"), ("server.request_timeout", "1s")]);
    let source = source(dir);
    assert_eq!(drain(&load(&source).await), "1s");
    mount(dir, "..v2", &[("server.drain", "2s"), ("server.request_timeout", "2s")]);
    fs::remove_dir_all(dir.join("..v1")).unwrap();
    soon(source.changed(&Cx::new())).await.unwrap();
    let resolved = resolve([&load(&source).await], Strictness::Check).unwrap();
    assert_eq!(resolved.settings.server.drain, Duration::from_secs(2));
    assert_eq!(resolved.settings.server.request_timeout, Duration::from_secs(2));
    assert_eq!(resolved.warnings, []);
}

/// The runtime's clock stands still but for waits, so the hour passes at once.
#[tokio::test(start_paused = true)]
async fn content_that_stays_the_same_is_no_change() {
    let root = tempfile::tempdir().unwrap();
    mount(root.path(), "..v1", &[("server.drain", "1s")]);
    let mut settings = MountSettings::new(root.path());
    settings.poll = Duration::from_secs(600);
    let source = MountSource::new(settings);
    load(&source).await;
    mount(root.path(), "..v2", &[("server.drain", "1s")]);
    let hour = Duration::from_secs(3_600);
    let noticed = tokio::time::timeout(hour, source.changed(&Cx::new())).await;
    assert!(noticed.is_err(), "another version with the same content");
    mount(root.path(), "..v3", &[("server.drain", "2s")]);
    tokio::time::timeout(hour, source.changed(&Cx::new())).await.expect("a change is noticed").unwrap();
}

#[tokio::test]
async fn what_vanishes_keeps_its_last_content_with_a_warning() {
    type Vanish = fn(&Path);
    // name, how it vanishes
    let cases: [(&str, Vanish); 3] = [
        ("the folder is gone", |dir| fs::remove_dir_all(dir).unwrap()),
        ("the volume is unmounted", |dir| {
            fs::remove_dir_all(dir).unwrap();
            fs::create_dir(dir).unwrap();
        }),
        ("the link leads nowhere", |dir| fs::remove_file(dir.join("..data")).unwrap()),
    ];
    for (name, vanish) in cases {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("secrets");
        mount(&dir, "..v1", &[("server.drain", "1s")]);
        let source = source(&dir);
        load(&source).await;
        vanish(&dir);
        soon(source.changed(&Cx::new())).await.unwrap();
        for _ in 0..2 {
            let layer = load(&source).await;
            assert_eq!(drain(&layer), "1s", "{name}");
            assert_eq!(layer.warnings[0].about, About::Kept, "{name}");
        }
        mount(&dir, "..v2", &[("server.drain", "2s")]);
        soon(source.changed(&Cx::new())).await.unwrap();
        let layer = load(&source).await;
        assert_eq!(drain(&layer), "2s", "{name}");
        assert_eq!(layer.warnings, [], "{name}");
    }
}

#[tokio::test]
async fn a_value_that_is_removed_beside_others_is_gone() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("server.drain"), "1s").unwrap();
    fs::write(root.path().join("log.level"), "info").unwrap();
    let source = source(root.path());
    assert_eq!(drain(&load(&source).await), "1s");
    fs::remove_file(root.path().join("server.drain")).unwrap();
    soon(source.changed(&Cx::new())).await.unwrap();
    let layer = load(&source).await;
    assert_eq!(drain(&layer), "10s", "the default");
    assert_eq!(layer.warnings, []);
}

#[tokio::test]
async fn the_driver_opens_by_name_and_checks_its_settings() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("server.drain"), "5s").unwrap();
    let mut registry = Registry::<Config>::new();
    register(&mut registry).unwrap();
    assert_code(register(&mut registry).unwrap_err(), storage::RECORD_EXISTS);
    let driver = registry.get("mount").unwrap();
    assert_eq!(driver.settings_schema()["required"][0], "dir");
    let settings = serde_json::json!({ "dir": root.path(), "poll": "50ms", "required": false });
    let source = driver.open(&Cx::new(), settings).await.unwrap();
    assert!(source.capability().watch && source.capability().secrets);
    assert_eq!(source.provenance().to_string(), format!("mount {}", root.path().display()));
    assert_eq!(drain(&load(&*source).await), "5s");
    let wrong = [
        serde_json::json!({}),
        serde_json::json!({ "dir": "a", "poll": "1" }),
        serde_json::json!({ "dir": "a", "poll": "1ms" }),
        serde_json::json!({ "dir": "a", "file": "b" }),
        serde_json::json!([]),
    ];
    for settings in wrong {
        assert_code(driver.open(&Cx::new(), settings).await.unwrap_err(), config::CONFIG_INVALID);
    }
}
