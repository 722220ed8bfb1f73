//! Real files and folders: what is read, what is a fault, and what is noticed when it changes.

use rtmx_config::{About, Config, ConfigSource, Layer, Strictness, resolve};
use rtmx_config_file::{FileSettings, FileSource, Place, register};
use rtmx_core::{Cx, Registry, assert_code, config, storage};
use std::fs;
use std::future::Future;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(30);

fn source(place: Place, required: bool) -> FileSource {
    let mut settings = FileSettings::new(place);
    settings.required = required;
    settings.poll = Duration::from_millis(10);
    FileSource::new(settings)
}

fn file(path: &Path) -> FileSource {
    source(Place::File(path.to_owned()), true)
}

fn dir(path: &Path) -> FileSource {
    source(Place::Dir(path.to_owned()), true)
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

fn set_drain(path: &Path, value: &str) {
    fs::write(path, format!("[server]\ndrain = \"{value}\"\n")).expect("the test's folder can be written");
}

async fn soon<T>(waited: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, waited).await.expect("the change is noticed before the deadline")
}

#[tokio::test]
async fn a_folder_is_read_in_the_order_of_names_without_hidden_files() {
    let root = tempfile::tempdir().unwrap();
    set_drain(&root.path().join("20-b.toml"), "2s");
    set_drain(&root.path().join("10-a.toml"), "1s");
    set_drain(&root.path().join(".30-c.toml"), "3s");
    fs::write(root.path().join("40-d.txt"), "not TOML at all [").unwrap();
    let layer = load(&dir(root.path())).await;
    let resolved = resolve([&layer], Strictness::Check).unwrap();
    let trace = &resolved.origins["server.drain"];
    assert!(trace.origin.to_string().ends_with("20-b.toml:2:1"), "{trace:?}");
    assert!(trace.overrode[0].to_string().ends_with("10-a.toml:2:1"), "{trace:?}");
}

#[tokio::test]
async fn a_place_that_need_not_exist_gives_an_empty_layer() {
    let root = tempfile::tempdir().unwrap();
    for place in [Place::File(root.path().join("x.toml")), Place::Dir(root.path().join("conf.d"))] {
        let layer = load(&source(place, false)).await;
        assert!(layer.entries.is_empty() && layer.faults.is_empty() && layer.warnings.is_empty());
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_a_fault_with_its_reason() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    fs::write(path("latin1.toml"), b"a = 1\nb = \"\xFC\"\n").unwrap();
    fs::write(path("large.toml"), vec![b'#'; (1 << 20) + 1]).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(path("socket.toml")).unwrap();
    fs::create_dir(path("conf.d")).unwrap();
    symlink(path("nowhere"), path("conf.d/dangling.toml")).unwrap();
    // source, the end of the fault
    let cases = [
        (file(&path("absent.toml")), "absent.toml: could not read the configuration file: it does not exist"),
        (dir(&path("absent")), "absent: could not read the configuration folder: it does not exist"),
        (file(root.path()), "it is not a regular file"),
        (file(&path("socket.toml")), "it is not a regular file"),
        (dir(&path("latin1.toml")), "it is not a folder"),
        (file(&path("latin1.toml")), "line 2 is not UTF-8 text"),
        (file(&path("large.toml")), "it is larger than 1 MiB"),
        (
            source(Place::Dir(path("conf.d")), false),
            "dangling.toml: could not read the configuration file: it does not exist",
        ),
    ];
    for (source, want) in cases {
        let layer = load(&source).await;
        let error = resolve([&layer], Strictness::Start).unwrap_err();
        assert_code(&error, config::CONFIG_UNREADABLE);
        assert!(error.causes()[0].ends_with(want), "{want}: {error:?}");
    }
}

#[tokio::test]
async fn a_file_as_large_as_allowed_is_read() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a.toml");
    let mut text = String::from("[server]\ndrain = \"7s\"\n");
    text.push_str(&"#".repeat((1 << 20) - text.len()));
    fs::write(&path, text).unwrap();
    assert_eq!(drain(&load(&file(&path)).await), "7s");
}

#[tokio::test]
async fn an_edited_file_is_noticed_and_read_anew() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("rtmx.toml");
    set_drain(&path, "1s");
    let source = file(&path);
    assert_eq!(drain(&load(&source).await), "1s");
    for value in ["2s", "3s"] {
        set_drain(&path, value);
        soon(source.changed(&Cx::new())).await.unwrap();
        assert_eq!(drain(&load(&source).await), value);
    }
}

#[tokio::test]
async fn a_change_made_while_somebody_waits_is_noticed() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("rtmx.toml");
    set_drain(&path, "1s");
    let source = file(&path);
    load(&source).await;
    let cx = Cx::new();
    let mut waiting = source.changed(&cx);
    // One turn of the wait, which ends it only if it is wrong.
    let first = tokio::select! { biased; _ = &mut waiting => true, () = tokio::task::yield_now() => false };
    assert!(!first, "nothing has changed yet");
    set_drain(&path, "2s");
    soon(waiting).await.unwrap();
    assert_eq!(drain(&load(&source).await), "2s");
}

/// The runtime's clock stands still but for waits, so the hour passes at once.
#[tokio::test(start_paused = true)]
async fn content_that_stays_the_same_is_no_change() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("rtmx.toml");
    set_drain(&path, "1s");
    let mut settings = FileSettings::new(Place::File(path.clone()));
    settings.poll = Duration::from_secs(600);
    let source = FileSource::new(settings);
    load(&source).await;
    set_drain(&path, "1s");
    let hour = Duration::from_secs(3_600);
    let noticed = tokio::time::timeout(hour, source.changed(&Cx::new())).await;
    assert!(noticed.is_err(), "written again with the same content");
    set_drain(&path, "2s");
    tokio::time::timeout(hour, source.changed(&Cx::new())).await.expect("a change is noticed").unwrap();
}

#[tokio::test]
async fn a_swapped_mount_is_noticed_and_read_whole() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    // The way in which a kubelet updates a ConfigMap: files are links into `..data`, itself a link.
    for (version, value) in [("..v1", "1s"), ("..v2", "2s")] {
        fs::create_dir(path(version)).unwrap();
        set_drain(&path(version).join("a.toml"), value);
        fs::write(path(version).join("b.toml"), format!("[server]\nrequest_timeout = \"{value}\"\n"))
            .unwrap();
    }
    symlink("..v1", path("..data")).unwrap();
    symlink("..data/a.toml", path("a.toml")).unwrap();
    symlink("..data/b.toml", path("b.toml")).unwrap();
    let (folder, single) = (dir(root.path()), file(&path("a.toml")));
    assert_eq!(drain(&load(&folder).await), "1s");
    assert_eq!(drain(&load(&single).await), "1s");

    symlink("..v2", path("..data_tmp")).unwrap();
    fs::rename(path("..data_tmp"), path("..data")).unwrap();
    fs::remove_dir_all(path("..v1")).unwrap();
    for source in [&folder, &single] {
        soon(source.changed(&Cx::new())).await.unwrap();
        assert_eq!(drain(&load(source).await), "2s");
    }
    let resolved = resolve([&load(&folder).await], Strictness::Check).unwrap();
    assert_eq!(resolved.settings.server.request_timeout, Duration::from_secs(2));
    assert_eq!(resolved.warnings, []);
}

#[tokio::test]
async fn a_vanished_file_keeps_its_last_content_with_a_warning() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("rtmx.toml");
    set_drain(&path, "1s");
    let source = file(&path);
    load(&source).await;
    // Broken first: what is kept is the last content that was TOML.
    fs::write(&path, "[server\n").unwrap();
    soon(source.changed(&Cx::new())).await.unwrap();
    assert_code(resolve([&load(&source).await], Strictness::Start).unwrap_err(), config::CONFIG_SYNTAX);

    fs::remove_file(&path).unwrap();
    soon(source.changed(&Cx::new())).await.unwrap();
    for _ in 0..2 {
        let layer = load(&source).await;
        assert_eq!(drain(&layer), "1s");
        assert_eq!(layer.warnings[0].about, About::Kept);
    }
    set_drain(&path, "2s");
    soon(source.changed(&Cx::new())).await.unwrap();
    let layer = load(&source).await;
    assert_eq!(drain(&layer), "2s");
    assert_eq!(layer.warnings, []);
}

#[tokio::test]
async fn a_file_removed_from_a_folder_is_gone_and_a_vanished_folder_is_kept() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("conf.d");
    fs::create_dir(&folder).unwrap();
    set_drain(&folder.join("a.toml"), "1s");
    set_drain(&folder.join("b.toml"), "2s");
    let source = dir(&folder);
    assert_eq!(drain(&load(&source).await), "2s");
    fs::remove_file(folder.join("b.toml")).unwrap();
    soon(source.changed(&Cx::new())).await.unwrap();
    let layer = load(&source).await;
    assert_eq!(drain(&layer), "1s");
    assert_eq!(layer.warnings, []);
    fs::remove_dir_all(&folder).unwrap();
    soon(source.changed(&Cx::new())).await.unwrap();
    let layer = load(&source).await;
    assert_eq!(drain(&layer), "1s");
    assert_eq!(layer.warnings[0].about, About::Kept);
}

#[tokio::test]
async fn the_driver_opens_by_name_and_checks_its_settings() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("rtmx.toml");
    set_drain(&path, "5s");
    let mut registry = Registry::<Config>::new();
    register(&mut registry).unwrap();
    assert_code(register(&mut registry).unwrap_err(), storage::RECORD_EXISTS);
    let driver = registry.get("file").unwrap();
    assert_eq!(driver.settings_schema()["type"], "object");

    let settings = serde_json::json!({ "file": path, "poll": "50ms" });
    let source = driver.open(&Cx::new(), settings).await.unwrap();
    assert!(source.capability().watch && source.capability().secrets);
    assert_eq!(source.provenance().to_string(), format!("file {}", path.display()));
    assert_eq!(drain(&load(&*source).await), "5s");
    assert!(!format!("{source:?}").contains("5s"), "its content does not show");

    let wrong = [
        serde_json::json!({}),
        serde_json::json!({ "file": "a", "dir": "b" }),
        serde_json::json!({ "file": "a", "poll": "1" }),
        serde_json::json!({ "file": "a", "poll": "1ms" }),
        serde_json::json!({ "path": "a" }),
        serde_json::json!([]),
    ];
    for settings in wrong {
        assert_code(driver.open(&Cx::new(), settings).await.unwrap_err(), config::CONFIG_INVALID);
    }
}
