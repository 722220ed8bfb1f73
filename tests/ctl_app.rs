//! `rtmxctl app` and `rtmxctl render`, as an author and an operator meet them.

#[path = "ctl/home.rs"]
mod home;

use home::Home;
use rtmx::core::{app as codes, assert_code, tool};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("it can be listed") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dir).expect("it is below").display().to_string();
                found.insert(name, fs::read(&path).expect("it can be read"));
            }
        }
    }
    found
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are text")
}

#[test]
fn a_check_says_what_there_is_or_every_fault_with_its_line() {
    let home = Home::new();
    let object = home.run(&["app", "check", "apps/hyyve.yaml"]).object();
    assert_eq!(object["components"].as_array().map(Vec::len), Some(10), "{object}");
    assert_eq!(object["faults"], Value::Array(Vec::new()));

    let spec = fs::read_to_string("apps/rtmx.yaml").expect("it is there");
    let broken = spec
        .replace("secrets_directory:", "secrets_directry:")
        .replace("{volume: rtmx-data, path: /data}", "{volume: rtmx-dta, path: data}");
    let file = home.folder().join("broken.yaml");
    fs::write(&file, broken).expect("it can be written");
    let ran = home.run(&["app", "check", text(&file)]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let error = ran.error();
    assert_code(error["code"].as_str().unwrap_or_default(), codes::APP_INVALID);
    let faults = error["report"]["faults"].as_array().cloned().unwrap_or_default();
    let found: Vec<&str> = faults.iter().filter_map(|fault| fault["code"].as_str()).collect();
    assert_eq!(found, ["app_unknown_key", "app_invalid_value"], "{faults:?}");
    assert_eq!(faults[0]["nearest"], "secrets_directory");
    assert!(faults[0]["line"].as_u64() > Some(10), "{faults:?}");
    let plain = home.run_plainly(&["app", "check", text(&file)]);
    let place = format!("{}:{}:", text(&file), faults[0]["line"]);
    assert!(plain.stderr.contains(&place), "{}", plain.stderr);
    assert!(
        plain.stderr.contains("the nearest is `secrets_directory` [app_unknown_key]"),
        "{}",
        plain.stderr
    );

    let ran = home.run(&["app", "check", "no-such.yaml"]);
    assert_code(ran.error()["code"].as_str().unwrap_or_default(), tool::FILE_UNREADABLE);
}

#[test]
fn what_is_rendered_is_what_is_committed_and_a_second_time_changes_nothing() {
    let home = Home::new();
    for (application, environment) in [("rtmx", "prod"), ("rtmx", "dev"), ("hyyve", "airgap")] {
        let to = home.folder().join(format!("{application}-{environment}"));
        let spec = format!("apps/{application}.yaml");
        let mut arguments = vec!["render", "--target", "compose", "--env", environment, "--to", text(&to)];
        // RTMX's own is built in.
        if application != "rtmx" {
            arguments.extend(["--app", &spec]);
        }
        let first = home.run(&arguments).object();
        let committed = format!("deploy/{application}/compose/{environment}");
        assert_eq!(files(&to), files(Path::new(&committed)), "{committed}");
        let mode = fs::metadata(to.join("install.sh")).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        let changes = |object: &Value| -> Vec<String> {
            let files = object["files"].as_array().cloned().unwrap_or_default();
            files.iter().filter_map(|file| Some(file["change"].as_str()?.to_owned())).collect()
        };
        assert!(changes(&first).iter().all(|change| change == "written"), "{first}");
        let second = home.run(&arguments).object();
        assert!(changes(&second).iter().all(|change| change == "unchanged"), "{second}");
    }
}

#[test]
fn only_what_was_rendered_and_not_edited_is_replaced() {
    let home = Home::new();
    let to = home.folder().join("rtmx");
    let render = |more: &[&str]| {
        let base = ["render", "--target", "compose", "--to", text(&to)];
        home.run(&base.iter().chain(more).copied().collect::<Vec<_>>())
    };
    fs::create_dir(&to).expect("it can be made");
    fs::write(to.join("compose.yaml"), "mine").expect("it can be written");
    let ran = render(&[]);
    assert_code(ran.error()["code"].as_str().unwrap_or_default(), codes::RENDER_OCCUPIED);
    assert_eq!(files(&to).len(), 1, "nothing else was written");

    fs::remove_file(to.join("compose.yaml")).expect("it can be removed");
    render(&[]).object();
    fs::write(to.join("compose.override.yml"), "services: {}\n").expect("it can be written");
    fs::write(to.join(".env"), "COMPOSE_PROFILES=sqlite\n").expect("it can be written");
    let changed = render(&["--env", "dev"]).object();
    let of = |path: &str| {
        let files = changed["files"].as_array().cloned().unwrap_or_default();
        files.iter().find(|file| file["path"] == path).map(|file| file["change"].clone())
    };
    assert_eq!(of("compose.yaml"), Some("written".into()));
    assert_eq!(of(".env"), Some("kept".into()));
    assert_eq!(fs::read_to_string(to.join(".env")).ok().as_deref(), Some("COMPOSE_PROFILES=sqlite\n"));
    assert_eq!(fs::read_to_string(to.join("compose.override.yml")).ok().as_deref(), Some("services: {}\n"));

    let edited = fs::read_to_string(to.join("compose.yaml")).expect("it is there") + "# mine\n";
    fs::write(to.join("compose.yaml"), &edited).expect("it can be written");
    let ran = render(&["--size", "medium"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.error()["message"].as_str().is_some_and(|it| it.contains("compose.yaml")), "{ran:?}");
    assert_eq!(fs::read_to_string(to.join("compose.yaml")).ok(), Some(edited));
}

#[test]
fn what_an_application_no_longer_has_is_removed_unless_it_was_edited() {
    let home = Home::new();
    let to = home.folder().join("x");
    let render = |app: &str| {
        home.run(&["render", "--target", "compose", "--app", app, "--to", text(&to)]).object();
    };
    render("apps/hyyve.yaml");
    assert!(to.join("files/hyyve/init.sql").is_file());
    fs::write(to.join("certificates/site.conf"), "mine").expect("it can be written");
    render("apps/rtmx.yaml");
    assert!(!to.join("files/hyyve/init.sql").exists());
    assert!(to.join("files/rtmx/nginx.conf").is_file() && to.join("certificates/site.conf").is_file());
}

#[test]
fn a_choice_that_there_is_not_is_refused_with_the_nearest() {
    let home = Home::new();
    let to = home.folder().join("x");
    let base = ["render", "--target", "compose", "--to", text(&to)];
    // arguments, a part of the message
    let cases: [(&[&str], &str); 4] = [
        (&["--env", "prd"], "`prod`"),
        (&["--size", "smal"], "`small`"),
        (&["--set", "rtmx-servr.replicas=1"], "`rtmx-server`"),
        (&["--set", "nonsense"], "key=value"),
    ];
    for (more, part) in cases {
        let ran = home.run(&base.iter().chain(more).copied().collect::<Vec<_>>());
        let error = ran.error();
        assert_eq!(ran.code, 2, "{more:?}: {error}");
        assert!(error.to_string().contains(part), "{more:?}: {error}");
        assert!(!to.exists(), "{more:?}");
    }
}

#[test]
fn digests_are_written_into_the_lock_and_rendered() {
    let home = Home::new();
    let spec = home.folder().join("rtmx.yaml");
    fs::create_dir(home.folder().join("rtmx")).expect("it can be made");
    fs::copy("apps/rtmx.yaml", &spec).expect("it is there");
    fs::copy("apps/rtmx/nginx.conf", home.folder().join("rtmx/nginx.conf")).expect("it is there");
    let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
    let pin = |image: &str, digit: &str| format!("{image}@{}", digest(digit));
    let lock = |images: &[String]| {
        let images: Vec<&str> = images.iter().map(String::as_str).collect();
        home.run(&[&["app", "lock", text(&spec)], &images[..]].concat())
    };
    // What is wrong is told together, and nothing is written.
    let refused = lock(&[pin("postgres:16-alpin", "a"), "nginx:alpine@latest".into()]);
    assert_eq!(refused.code, 2, "{refused:?}");
    let faults = refused.error()["report"]["faults"].clone();
    assert_eq!(faults.as_array().map(Vec::len), Some(2), "{faults}");
    assert!(faults.to_string().contains("\"postgres:16-alpine\""), "the nearest is named: {faults}");
    assert!(!home.folder().join("rtmx.lock").exists());

    let first = lock(&[pin("postgres:16-alpine", "a"), pin("nginx:alpine", "b")]).object();
    assert_eq!(first["not_pinned"].as_array().map(Vec::len), Some(1), "{first}");
    let second = lock(&[pin("ghcr.io/iotactical/rtmx:v0.1.0", "c"), pin("nginx:alpine", "d")]).object();
    assert_eq!(second["not_pinned"].as_array().map(Vec::len), Some(0), "{second}");
    assert_eq!(second["images"]["postgres:16-alpine"], digest("a"), "what was there stays");
    assert_eq!(second["images"]["nginx:alpine"], digest("d"), "what is given again is replaced");
    let to = home.folder().join("rendered");
    let rendered = home.run(&["render", "--target", "compose", "--app", text(&spec), "--to", text(&to)]);
    assert_eq!(rendered.code, 0, "{rendered:?}");
    let compose = fs::read_to_string(to.join("compose.yaml")).expect("it was rendered");
    for (image, digit) in [("postgres", "a"), ("nginx", "d"), ("ghcr.io/iotactical/rtmx", "c")] {
        assert!(compose.contains(&format!("{image}@{}", digest(digit))), "{compose}");
    }
    assert!(!compose.contains("not pinned"), "{compose}");

    // Those of another version are of no use.
    let newer = fs::read_to_string(&spec).expect("it is there").replace("version: 0.1.0", "version: 0.2.0");
    fs::write(&spec, newer).expect("it can be written");
    let third = lock(&[pin("ghcr.io/iotactical/rtmx:v0.2.0", "e")]).object();
    assert_eq!(third["version"], "0.2.0");
    assert_eq!(third["images"].as_object().map(serde_json::Map::len), Some(1), "{third}");
}
