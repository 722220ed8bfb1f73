//! What is rendered for Compose: compared with what is committed under `deploy/`, and with promises that
//! hold for every application.
//!
//! `RTMX_UPDATE_GOLDENS=1 cargo test -p rtmx-deploy --test compose` writes the files; a person reads the
//! difference.

#![allow(clippy::disallowed_methods, reason = "reads the specs, and writes what is made of them on demand")]

use proptest::prelude::*;
use rtmx_core::{app as codes, assert_code};
use rtmx_deploy::app::{App, AppFaults, Beside, Name, read_app};
use rtmx_deploy::{
    AppFiles, CHECKSUMS, Choice, Composition, FileKind, Lock, Release, files_of, render_compose, sha256,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

mod random;

const APPS: [&str; 2] = ["rtmx", "hyyve"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn app(name: &str) -> App {
    read_app(&read(&format!("apps/{name}.yaml")), name).expect("the shipped spec has no fault")
}

fn lock(app: &App) -> Lock {
    let name = format!("apps/{}.lock", app.application);
    Lock::read(&read(&name), &name, app).expect("the shipped lock has no fault")
}

fn render(app: &App, lock: Option<&Lock>, choice: &Choice) -> Composition {
    let release = Release::resolve(app, lock, choice).expect("the choice has no fault").release;
    let topology = release.topology.as_deref().expect("it was resolved");
    let files = files_of(topology).into_iter().map(|path: Beside| {
        let content = read(&format!("apps/{path}"));
        (path, content)
    });
    render_compose(&release, &files.collect::<AppFiles>()).expect("the files are there")
}

fn file<'c>(composition: &'c Composition, path: &str) -> &'c str {
    let found = composition.rendered.files.iter().find(|file| file.path == path);
    &found.unwrap_or_else(|| panic!("{path} is not rendered")).content
}

fn parsed(composition: &Composition) -> Value {
    serde_saphyr::from_str(file(composition, "compose.yaml")).expect("what is rendered is YAML")
}

#[test]
fn what_is_committed_is_what_is_rendered() {
    let update = std::env::var_os("RTMX_UPDATE_GOLDENS").is_some();
    let mut differing = Vec::new();
    for name in APPS {
        let app = app(name);
        let lock = lock(&app);
        for environment in app.environments.keys() {
            let composition = render(&app, Some(&lock), &Choice::of(environment.as_str()));
            let folder = root().join("deploy").join(name).join("compose").join(environment.as_str());
            for file in &composition.rendered.files {
                let path = folder.join(&file.path);
                if update {
                    std::fs::create_dir_all(path.parent().expect("it is in a folder"))
                        .expect("it can be made");
                    std::fs::write(&path, &file.content).expect("it can be written");
                    if file.kind == FileKind::Program {
                        use std::os::unix::fs::PermissionsExt;
                        let mode = std::fs::Permissions::from_mode(0o755);
                        std::fs::set_permissions(&path, mode).expect("its mode can be set");
                    }
                }
                let there = std::fs::read_to_string(&path).unwrap_or_default();
                if there != file.content {
                    differing.push(format!("deploy/{name}/compose/{environment}/{}", file.path));
                }
            }
        }
    }
    assert!(differing.is_empty(), "run the test with RTMX_UPDATE_GOLDENS=1, and read: {differing:#?}");
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    for name in APPS {
        let app = app(name);
        for environment in app.environments.keys() {
            let choice = Choice::of(environment.as_str());
            assert_eq!(render(&app, None, &choice), render(&app, None, &choice), "{name} {environment}");
        }
    }
}

#[test]
fn names_and_mounts_are_those_of_the_requirements() {
    // application, service, its part of the document, what has to be there
    let cases = [
        ("rtmx", "rtmx-server", "/environment/DATABASE_URL", "${DATABASE_URL:-}"),
        ("rtmx", "rtmx-server", "/environment/RTMX_LICENSE_KEY", "${RTMX_LICENSE_KEY:-}"),
        ("rtmx", "rtmx-server", "/volumes/0", "rtmx-data:/data"),
        ("rtmx", "rtmx-server", "/image", "${RTMX_IMAGE:-ghcr.io/iotactical/rtmx:v0.1.0}"),
        ("rtmx", "postgres", "/image", "${POSTGRES_IMAGE:-postgres:16-alpine}"),
        ("rtmx", "postgres", "/volumes/0", "postgres-data:/var/lib/postgresql/data"),
        ("hyyve", "api", "/deploy/replicas", "2"),
        ("hyyve", "worker", "/deploy/replicas", "2"),
        ("hyyve", "worker_beat", "/deploy/replicas", "1"),
        ("hyyve", "weaviate", "/deploy/resources/limits/memory", "8192M"),
        ("hyyve", "weaviate", "/deploy/resources/reservations/cpus", "2"),
        ("hyyve", "db", "/healthcheck/retries", "5"),
        ("hyyve", "db", "/volumes/0", "postgres_data:/var/lib/postgresql/data"),
        ("hyyve", "redis", "/volumes/0", "redis_data:/data"),
        ("hyyve", "weaviate", "/volumes/0", "weaviate_data:/var/lib/weaviate"),
        (
            "hyyve",
            "api",
            "/image",
            "${HYYVE_API_IMAGE:-${REGISTRY:-registry.example.com/hyyve}/hyyve-api:${VERSION:-1.0.0}}",
        ),
        ("hyyve", "nginx", "/ports/0", "${HTTP_PORT:-80}:80"),
        ("hyyve", "web", "/restart", "always"),
        ("rtmx", "secrets", "/entrypoint/0", "rtmx-server"),
        ("rtmx", "migrate", "/command/0", "migrate"),
    ];
    for (name, service, path, want) in cases {
        let document = parsed(&render(&app(name), None, &Choice::of("prod")));
        let found = document.pointer(&format!("/services/{service}{path}")).unwrap_or(&Value::Null);
        let found = found.as_str().map_or_else(|| found.to_string(), ToOwned::to_owned);
        assert_eq!(found, want, "{name} {service} {path}");
    }
    let hyyve = parsed(&render(&app("hyyve"), None, &Choice::of("prod")));
    let range = hyyve.pointer("/networks/hyyve-network/ipam/config/0/subnet").and_then(Value::as_str);
    assert_eq!(range, Some("${HYYVE_SUBNET:-172.28.0.0/16}"));
}

/// What holds for every application, shipped or not.
fn promises(app: &App, composition: &Composition) -> Result<(), String> {
    let text = file(composition, "compose.yaml");
    let document = parsed(composition);
    let ensure = |holds: bool, what: String| if holds { Ok(()) } else { Err(format!("{what}\n{text}")) };
    ensure(document.get("version").is_none(), "it has a version".into())?;
    for word in ["container_name", "/home/", "/root/", "/tmp/rtmx", "\nx-"] {
        ensure(!text.contains(word), format!("it holds `{word}`"))?;
    }
    let services = document["services"].as_object().cloned().unwrap_or_default();
    for name in app.components.keys().map(Name::as_str).chain(app.jobs.keys().map(Name::as_str)) {
        ensure(services.contains_key(name), format!("`{name}` is not there"))?;
    }
    for (name, service) in &services {
        ensure(service["cap_drop"][0] == "ALL", format!("{name}: not every capability is dropped"))?;
        let privileges = &service["security_opt"][0];
        ensure(privileges == "no-new-privileges:true", format!("{name}: it may gain privileges"))?;
        ensure(service["logging"]["options"]["max-size"].is_string(), format!("{name}: its log grows"))?;
        ensure(service["restart"].is_string(), format!("{name}: nobody says when it is restarted"))?;
        let spec = app.components.get(name.as_str());
        let read_only = !spec.is_some_and(|spec| spec.writable_root);
        let of_a_job = app.jobs.contains_key(name.as_str());
        ensure(of_a_job || service["read_only"] == read_only, format!("{name}: its root file system"))?;
        for mount in service["volumes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let source = mount.split(':').next().unwrap_or_default();
            let volume = document["volumes"].get(source).is_some();
            ensure(volume || source.starts_with("./"), format!("{name}: {mount} is a path of the machine"))?;
        }
        for other in service["depends_on"].as_object().into_iter().flatten().map(|(name, _)| name) {
            ensure(
                services.contains_key(other),
                format!("{name}: it waits for `{other}`, which is not there"),
            )?;
        }
    }
    let sums = file(composition, CHECKSUMS);
    for rendered in
        composition.rendered.files.iter().filter(|it| it.kind != FileKind::Start && it.path != CHECKSUMS)
    {
        let line = format!("{}  {}\n", sha256(&rendered.content), rendered.path);
        ensure(sums.contains(&line), format!("{} is not in the list", rendered.path))?;
    }
    // Every line of a service that says something says where it comes from, but for what all have.
    let mut of = "";
    for line in text.lines().filter(|line| line.starts_with("    ")) {
        let key = line.trim().split(':').next().unwrap_or_default();
        if line.starts_with("    ") && !line.starts_with("     ") {
            of = key;
        }
        let common =
            ["cap_drop", "security_opt", "logging", "secrets", "read_only", "network_mode"].contains(&of);
        let opens = line.ends_with(':') || line.ends_with("- ");
        ensure(
            common || opens || line.contains("  # ") || line.contains("required: false"),
            format!("no origin: {line}"),
        )?;
    }
    Ok(())
}

#[test]
fn every_shipped_environment_and_size_keeps_the_promises() {
    let mut count = 0;
    for name in APPS {
        let app = app(name);
        for environment in app.environments.keys() {
            for size in app.sizes.keys() {
                let choice = Choice { size: Some(size.to_string()), ..Choice::of(environment.as_str()) };
                let composition = match Release::resolve(&app, None, &choice) {
                    Ok(_) => render(&app, None, &choice),
                    Err(error) => panic!("{name} {environment} {size}: {error:?}"),
                };
                promises(&app, &composition)
                    .unwrap_or_else(|why| panic!("{name} {environment} {size}: {why}"));
                count += 1;
            }
        }
    }
    assert!(count >= 36, "{count}");
}

#[test]
fn an_image_is_named_by_its_digest_once_the_lock_has_it() {
    let app = app("rtmx");
    let digest = format!("sha256:{}", "ab".repeat(32));
    let text = format!("application: rtmx\nversion: 0.1.0\nimages:\n  postgres:16-alpine: {digest}\n");
    let lock = Lock::read(&text, "rtmx.lock", &app).expect("it has no fault");
    assert_eq!(Lock::read(&lock.to_text(), "rtmx.lock", &app).expect("it is read back"), lock);
    let composition = render(&app, Some(&lock), &Choice::of("prod"));
    let text = file(&composition, "compose.yaml");
    assert!(text.contains(&format!("${{POSTGRES_IMAGE:-postgres@{digest}}}")), "{text}");
    assert!(text.contains("# components.rtmx-server.image, not pinned"), "{text}");
    let resolved = Release::resolve(&app, Some(&lock), &Choice::of("prod")).expect("it has no fault");
    assert_eq!(resolved.warnings.len(), 1, "{:?}", resolved.warnings);
    let error = resolved.release.require_pinned().expect_err("the server's image is not pinned");
    assert!(error.message().contains("ghcr.io/iotactical/rtmx:v0.1.0"), "{error}");
    assert_code(error, codes::IMAGE_UNPINNED);
    let dev = Release::resolve(&app, Some(&lock), &Choice::of("dev")).expect("it has no fault");
    dev.release.require_pinned().expect("dev may be deployed unpinned");
}

#[test]
fn a_lock_of_another_version_or_application_is_refused_with_its_lines() {
    let app = app("rtmx");
    let text = "application: hyyve\nversion: 9.9.9\nimages: {}\n";
    let error = Lock::read(text, "rtmx.lock", &app).expect_err("it is another one's");
    let faults = AppFaults::of(&error).expect("they are the cause").list().to_vec();
    assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [1, 2]);
    assert_code(error, codes::LOCK_MISMATCH);
}

#[test]
fn settings_change_what_they_name_and_say_so() {
    let app = app("hyyve");
    let settings = [
        ("api.replicas", "5"),
        ("web.environment.NODE_ENV", "test $HOME"),
        ("nginx.publish.http", "8088"),
        ("registry", "registry.local:5000"),
        ("db.image", "postgres@sha256:abc"),
    ];
    let settings: BTreeMap<String, String> =
        settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let choice = Choice { settings, ..Choice::of("airgap") };
    let composition = render(&app, None, &choice);
    let text = file(&composition, "compose.yaml");
    for line in [
        "replicas: 5  # --set api.replicas",
        "NODE_ENV: \"test $$HOME\"  # --set web.environment.NODE_ENV",
        "- \"${HTTP_PORT:-8088}:80\"  # --set nginx.publish.http",
        "${REGISTRY:-registry.local:5000}/hyyve-api",
        "${POSTGRES_IMAGE:-postgres@sha256:abc}",
        "pull_policy: never  # environments.airgap.pull",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn faults_of_a_choice_are_told_together() {
    let app = app("hyyve");
    let settings = [
        ("ap.replicas", "1", codes::APP_UNKNOWN_NAME),
        ("api.replicas", "many", codes::APP_INVALID_VALUE),
        ("worker_beat.replicas", "2", codes::APP_SIZE_MISFIT),
        ("nginx.publish.htp", "1", codes::APP_UNKNOWN_NAME),
        ("nginx.publish.https", "80", codes::APP_PORT_CLASH),
    ];
    let given = settings.iter().map(|(key, value, _)| ((*key).to_owned(), (*value).to_owned())).collect();
    let choice = Choice { settings: given, ..Choice::of("prod") };
    let error = Release::resolve(&app, None, &choice).expect_err("it has faults");
    let faults = AppFaults::of(&error).expect("they are the cause").list().to_vec();
    assert_eq!(faults.len(), settings.len(), "{faults:#?}");
    for (key, _, code) in settings {
        let fault = faults.iter().find(|fault| fault.key == format!("--set {key}"));
        assert_eq!(fault.map(|fault| fault.code), Some(code), "{key}");
    }
    for (environment, size) in [("prd", None), ("prod", Some("smal"))] {
        let choice = Choice { size: size.map(ToOwned::to_owned), ..Choice::of(environment) };
        let error = Release::resolve(&app, None, &choice).expect_err("there is none");
        let faults = AppFaults::of(&error).expect("they are the cause").list().to_vec();
        assert!(faults[0].nearest.is_some(), "{faults:?}");
        assert_code(error, codes::APP_UNKNOWN_NAME);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn an_application_with_random_names_renders_and_keeps_the_promises(text in random::any_app()) {
        let app = read_app(&text, "random").map_err(|error| TestCaseError::fail(format!("{error:?}\n{text}")))?;
        for environment in ["dev", "prod"] {
            let composition = render(&app, None, &Choice::of(environment));
            promises(&app, &composition).map_err(TestCaseError::fail)?;
            let document = parsed(&composition);
            for (name, component) in &app.components {
                let service = &document["services"][name.as_str()];
                let command: Vec<String> = component.command.iter().map(|word| word.replace('$', "$$")).collect();
                if !command.is_empty() {
                    prop_assert_eq!(&service["command"], &Value::from(command));
                }
                let rtmx_deploy::app::Setting::Fixed(text) = &component.environment["A"] else { continue };
                prop_assert_eq!(&service["environment"]["A"], &Value::from(text.replace('$', "$$")));
            }
        }
    }
}
