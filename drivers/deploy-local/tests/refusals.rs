//! What the target refuses, and what it leaves behind then. The programs that are deployed here
//! are scripts, so that they can be made to fail.

use rtmx_core::{Cx, Registry, Result, Timestamp, assert_code, deploy, storage};
use rtmx_deploy::{
    DataFate, Deploy, DeployTarget, Goal, HistoryResult, Plan, Port, RecordAnswer, RecordCall, Release,
    SettingValue, Silent, Step, Undo, apply,
};
use rtmx_deploy_local::{Layout, read_artifacts, register};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const VERSION: &str = "1.0.0";

/// A home, a folder with programs, and a free port.
struct Place {
    folder: TempDir,
    port: u16,
}

impl Place {
    /// `server` and `tool` are what the programs do when they are not asked for their version.
    fn new(server: &str, tool: &str) -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let place = Place { folder, port };
        std::fs::create_dir(place.programs()).expect("the folder is writable");
        place.program("rtmx-server", server);
        place.program("rtmxctl", tool);
        place
    }

    fn home(&self) -> std::path::PathBuf {
        self.folder.path().join("home")
    }

    fn programs(&self) -> std::path::PathBuf {
        self.folder.path().join("programs")
    }

    fn layout(&self) -> Layout {
        Layout::new(&self.home(), "rtmx")
    }

    fn program(&self, name: &str, does: &str) {
        let path = self.programs().join(name);
        let script =
            format!("#!/bin/sh\nif [ \"$1\" = --version ]; then echo {name} {VERSION}; exit 0; fi\n{does}\n");
        std::fs::write(&path, script).expect("the folder is writable");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("the file is ours");
    }

    fn release(&self) -> Release {
        let listen = format!("127.0.0.1:{}", self.port);
        Release {
            application: "rtmx".into(),
            version: VERSION.into(),
            settings: BTreeMap::from([("server.listen".into(), SettingValue::Plain(listen.into()))]),
            artifacts: read_artifacts(&self.programs()).expect("the programs are there"),
            ports: vec![Port { name: "http".into(), address: "127.0.0.1".into(), port: self.port }],
            topology: None,
        }
    }

    fn open(&self) -> Arc<dyn DeployTarget> {
        open(json!({
            "home": self.home(), "name": "rtmx", "binaries": self.programs(), "service": "supervisor", "ready_within_s": 5,
        }))
        .expect("the settings are fine")
    }

    /// Plans and carries out.
    fn deploy(&self, release: Release) -> Result<()> {
        let target = self.open();
        let plan = block_on(target.plan(&Cx::new(), &Goal::Running(release)))?;
        block_on(apply(&Cx::new(), &*target, &plan, Timestamp::UNIX_EPOCH, "test", &Silent)).map(|_| ())
    }

    /// An installation as a deployment leaves it, as far as its record tells.
    fn remember(&self, version: &str) {
        let root = self.layout().root().to_owned();
        std::fs::create_dir_all(root.join("data")).expect("the folder is writable");
        let record = json!({
            "format": 1, "name": "rtmx", "application": "rtmx", "standing": "installed", "version": version,
            "release": "1.0.0-000000000000", "artifacts": [], "settings": {}, "service": "supervisor",
            "data": {"file": root.join("data/rtmx.db"), "id": null},
        });
        std::fs::write(self.layout().record(), record.to_string()).expect("the folder is writable");
    }
}

fn open(settings: serde_json::Value) -> Result<Arc<dyn DeployTarget>> {
    let mut registry: Registry<Deploy> = Registry::new();
    register(&mut registry)?;
    block_on(registry.get("local")?.open(&Cx::new(), settings))
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be built").block_on(work)
}

const FAILS: &str = "echo the database is not to be had >&2; exit 3";
const SUCCEEDS: &str = "exit 0";

#[test]
fn settings_that_are_no_settings_are_refused() {
    for settings in [
        json!({"home": "/tmp", "name": "..", "binaries": "/tmp"}),
        json!({"home": "relative", "name": "rtmx", "binaries": "/tmp"}),
        json!({"home": "/tmp/a\nb", "name": "rtmx", "binaries": "/tmp"}),
        json!({"home": "/tmp", "name": "rtmx", "binaries": "/tmp", "colour": "red"}),
    ] {
        let error = open(settings).expect_err("it is no setting");
        assert_code(&error, deploy::TARGET_SETTINGS_INVALID);
    }
}

#[test]
fn a_taken_port_is_refused_and_its_holder_named() {
    let place = Place::new(SUCCEEDS, SUCCEEDS);
    // Somebody else may take a port after it was found to be free.
    let (place, listener) = std::iter::once(place)
        .chain(std::iter::repeat_with(|| Place::new(SUCCEEDS, SUCCEEDS)).take(20))
        .find_map(|place| TcpListener::bind(("127.0.0.1", place.port)).ok().map(|taken| (place, taken)))
        .expect("some port is free");
    let error = place.deploy(place.release()).expect_err("the port is taken");
    assert_code(&error, deploy::PORT_IN_USE);
    assert!(error.message().contains(&format!("(process {})", std::process::id())), "{error}");
    assert!(error.message().contains("refusals"), "{error}");
    assert!(error.state().is_some());
    drop(listener);
}

#[test]
fn an_address_of_another_machine_is_refused() {
    let place = Place::new(SUCCEEDS, SUCCEEDS);
    let mut release = place.release();
    // TEST-NET-1 (RFC 5737) is nobody's.
    release.ports[0].address = "192.0.2.1".into();
    let error = place.deploy(release).expect_err("the address is not ours");
    assert_code(&error, deploy::ADDRESS_UNUSABLE);
}

#[test]
fn a_home_that_cannot_be_written_is_refused() {
    let place = Place::new(SUCCEEDS, SUCCEEDS);
    std::fs::write(place.home(), "a file").expect("the folder is writable");
    let target = place.open();
    // What is read first may say so, too; planning finds nothing there.
    let error = place.deploy(place.release()).expect_err("the home is a file");
    assert!([deploy::HOME_NOT_WRITABLE, deploy::DEPLOY_IO].contains(&error.code()), "{error:?}");
    drop(target);
    std::fs::remove_file(place.home()).expect("the file is ours");
    std::fs::create_dir(place.home()).expect("the folder is writable");
    symlink("/proc/self/no-such-folder", place.home().join("installations")).expect("the folder is writable");
    let error = place.deploy(place.release()).expect_err("nothing can be made in /proc");
    assert_code(&error, deploy::HOME_NOT_WRITABLE);
}

#[test]
fn a_disk_without_room_is_refused_before_anything_is_copied() {
    let place = Place::new(SUCCEEDS, SUCCEEDS);
    let mut release = place.release();
    release.artifacts[0].bytes = u64::MAX / 2;
    let error = place.deploy(release).expect_err("no disk is that large");
    assert_code(&error, deploy::DISK_TOO_SMALL);
    assert!(!place.layout().releases().exists());
}

#[test]
fn programs_that_are_missing_or_of_another_version_are_refused() {
    let place = Place::new(SUCCEEDS, SUCCEEDS);
    let mut release = place.release();
    release.version = "2.0.0".into();
    let error = place.deploy(release).expect_err("the program says another version");
    assert_code(&error, deploy::ARTIFACT_UNUSABLE);
    assert!(error.causes()[0].contains("rtmx-server 1.0.0"), "{error:?}");
    let release = place.release();
    std::fs::remove_file(place.programs().join("rtmx-server")).expect("the file is ours");
    let error = place.deploy(release).expect_err("the program is missing");
    assert_code(&error, deploy::ARTIFACT_UNUSABLE);
}

#[test]
fn a_program_that_changed_since_the_plan_is_refused() {
    let place = Place::new(SUCCEEDS, SUCCEEDS);
    let release = place.release();
    place.program("rtmx-server", "echo another");
    let error = place.deploy(release).expect_err("the program is another");
    assert_code(&error, deploy::PLAN_STALE);
}

#[test]
fn a_failed_migration_is_told_in_its_own_words_and_leaves_nothing_installed() {
    let place = Place::new(FAILS, SUCCEEDS);
    let error = place.deploy(place.release()).expect_err("the migration fails");
    assert_code(&error, deploy::TASK_FAILED);
    assert_eq!(error.causes(), ["the database is not to be had"]);
    let layout = place.layout();
    assert!(!layout.record().exists() && !layout.config_file().exists() && !layout.current().exists());
    assert_eq!(std::fs::read_dir(layout.releases()).expect("the folder stays").count(), 0);
    let answer =
        block_on(place.open().record(&Cx::new(), &RecordCall::History { limit: 9 })).expect("it is readable");
    let RecordAnswer::History(entries) = answer else { panic!("another answer came") };
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (entries[0].result, entries[0].error.as_deref()),
        (HistoryResult::Undone, Some("task_failed"))
    );
}

#[test]
fn a_supervisor_that_ends_at_once_is_told_in_its_own_words() {
    let place = Place::new(SUCCEEDS, "echo no room for me >&2; exit 7");
    let error = place.deploy(place.release()).expect_err("the supervisor ends");
    assert_code(&error, deploy::SERVICE_FAILED);
    assert!(error.causes()[0].contains("no room for me"), "{error:?}");
    assert!(!place.layout().record().exists());
}

#[test]
fn another_version_is_never_deployed_over_what_is_installed() {
    let place = Place::new(SUCCEEDS, SUCCEEDS);
    place.remember("0.9.0");
    let error = place.deploy(place.release()).expect_err("the version differs");
    assert_code(&error, deploy::VERSION_DIFFERS);
    assert!(error.next().contains("rtmxctl upgrade"), "{}", error.next());
}

#[test]
fn an_installation_whose_data_is_gone_is_not_begun_anew() {
    let place = Place::new(SUCCEEDS, SUCCEEDS);
    place.remember(VERSION);
    let error = place.deploy(place.release()).expect_err("the data is gone");
    assert_code(&error, storage::DATA_GONE);
    assert!(
        error.next().contains("rtmxctl --name rtmx backup list")
            && error.next().contains("--purge --confirm rtmx"),
        "{}",
        error.next()
    );
}

#[test]
fn a_record_that_cannot_be_understood_is_refused() {
    for content in ["{", "{\"format\": 99}"] {
        let place = Place::new(SUCCEEDS, SUCCEEDS);
        std::fs::create_dir_all(place.layout().root()).expect("the folder is writable");
        std::fs::write(place.layout().record(), content).expect("the folder is writable");
        let error = place.deploy(place.release()).expect_err("the record is damaged");
        assert_code(&error, deploy::INSTALLATION_DAMAGED);
    }
}

#[test]
fn a_history_survives_a_torn_last_line_and_nothing_else() {
    let place = Place::new(FAILS, SUCCEEDS);
    place.deploy(place.release()).expect_err("the migration fails");
    let path = place.layout().history();
    let whole = std::fs::read_to_string(&path).expect("there is one");
    let read = || block_on(place.open().record(&Cx::new(), &RecordCall::History { limit: 9 }));
    std::fs::write(&path, format!("{whole}{{\"at\":")).expect("it is writable");
    assert_eq!(read().expect("the torn line is left out"), read().expect("reading changes nothing"));
    place.deploy(place.release()).expect_err("the migration fails again");
    let RecordAnswer::History(entries) = read().expect("the torn line is gone") else {
        panic!("another answer came")
    };
    assert_eq!(entries.len(), 2);
    std::fs::write(&path, format!("garbage\n{whole}")).expect("it is writable");
    assert_code(read().expect_err("a whole line is garbage"), deploy::INSTALLATION_DAMAGED);
}

#[test]
fn the_installation_of_another_user_is_left_alone() {
    let place = Place::new(SUCCEEDS, SUCCEEDS);
    let root = place.layout().root().to_owned();
    std::fs::create_dir_all(root.parent().expect("it has one")).expect("the folder is writable");
    // As root, somebody else's is made; as anybody else, a folder of root is at hand.
    if std::os::unix::fs::chown(place.folder.path(), Some(12345), None).is_ok() {
        std::fs::create_dir(&root).expect("the folder is writable");
        std::os::unix::fs::chown(&root, Some(12345), None).expect("root may do that");
    } else {
        symlink("/usr", &root).expect("the folder is writable");
    }
    let error = place.deploy(place.release()).expect_err("it is somebody else's");
    assert_code(&error, deploy::OWNER_DIFFERS);
}

#[test]
fn a_file_where_a_folder_must_be_is_an_error_of_the_file_system() {
    let place = Place::new(SUCCEEDS, SUCCEEDS);
    std::fs::create_dir_all(place.layout().root()).expect("the folder is writable");
    std::fs::write(place.layout().logs(), "a file").expect("the folder is writable");
    let error = place.deploy(place.release()).expect_err("the folder cannot be made");
    assert_code(&error, deploy::DEPLOY_IO);
}

#[test]
fn a_step_of_another_target_is_refused() {
    let place = Place::new(SUCCEEDS, SUCCEEDS);
    let step = Step {
        id: "01-reticulate".into(),
        kind: "reticulate".into(),
        title: "reticulate splines".into(),
        args: json!({}),
        undo: Undo::Nothing("it only looks".into()),
        commands: Vec::new(),
    };
    let target = place.open();
    for error in [
        block_on(target.run(&Cx::new(), &step, &Silent)).expect_err("it is unknown"),
        block_on(target.probe(&Cx::new(), &step)).expect_err("it is unknown"),
        block_on(target.undo(&Cx::new(), &step)).expect_err("it is unknown"),
    ] {
        assert_code(&error, deploy::STEP_UNKNOWN);
    }
}

#[test]
fn removing_nothing_is_an_empty_plan_and_planning_changes_nothing() {
    let place = Place::new(SUCCEEDS, SUCCEEDS);
    let target = place.open();
    let removal =
        block_on(target.plan(&Cx::new(), &Goal::Removed(DataFate::Keep))).expect("there is nothing");
    assert!(removal.is_empty());
    let plan = block_on(target.plan(&Cx::new(), &Goal::Running(place.release()))).expect("it can be planned");
    let again =
        block_on(target.plan(&Cx::new(), &Goal::Running(place.release()))).expect("it can be planned");
    assert_eq!(plan, again);
    assert!(!plan.is_empty() && !place.home().exists());
    let text = serde_json::to_string(&plan).expect("a plan is a plain value");
    assert_eq!(serde_json::from_str::<Plan>(&text).expect("it was just written"), plan);
}

#[test]
fn rendering_touches_nothing_and_holds_no_secret() {
    let place = Place::new(SUCCEEDS, SUCCEEDS);
    let mut release = place.release();
    let from = rtmx_deploy::SecretRef::File("/run/secrets/token".into());
    release.settings.insert("auth.admin_token".into(), SettingValue::Secret(from));
    let rendered = place.open().render(&release).expect("it is pure");
    let file =
        |path: &str| rendered.files.iter().find(|file| file.path == path).map(|file| file.content.clone());
    let config = file("rtmx.toml").expect("it is rendered");
    assert!(config.contains("listen = \"127.0.0.1:") && !config.contains("admin_token"), "{config}");
    let environment = file("server.env").expect("it is rendered");
    assert!(environment.starts_with("RTMX_AUTH__ADMIN_TOKEN_FILE="), "{environment}");
    assert!(!Path::new(&place.home()).exists());
}
