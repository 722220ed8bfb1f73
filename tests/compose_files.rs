//! The committed Compose files, as Docker Compose and a shell read them. No container runs here.
//!
//! Without Compose, or without shellcheck, the trials that need it report themselves ignored.

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn main() {
    let arguments = Arguments::from_args();
    let compose = command("docker", &["compose", "version"]).is_ok_and(|output| output.status.success());
    let shellcheck = command("shellcheck", &["--version"]).is_ok_and(|output| output.status.success());
    let compose = if compose { Ok(()) } else { Err("Docker Compose is not here") };
    let shellcheck = if shellcheck { Ok(()) } else { Err("shellcheck is not here") };
    let trials = vec![
        trial(
            "compose_takes_every_committed_variant_before_there_is_a_secret",
            compose,
            every_variant_is_taken,
        ),
        trial("an_override_of_the_operators_is_part_of_it", compose, an_override_is_used),
        trial("two_installations_share_nothing_but_the_machine", compose, two_share_nothing),
        trial("each_profile_brings_its_services_and_no_others", compose, profiles_choose),
        trial("the_installer_is_clean_shell", shellcheck, installers_are_clean),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(name: &str, needs: Result<(), &'static str>, prove: fn()) -> Trial {
    Trial::ignorable_test(name, move || -> Result<Completion, Failed> {
        match needs {
            Err(reason) => Ok(Completion::ignored_with(reason)),
            Ok(()) => {
                prove();
                Ok(Completion::Completed)
            }
        }
    })
}

fn command(program: &str, arguments: &[&str]) -> std::io::Result<Output> {
    Command::new(program).args(arguments).output()
}

/// The folders of all variants of all applications.
fn variants() -> Vec<PathBuf> {
    let folders = |dir: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(dir).expect("it can be listed");
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
        paths.retain(|path| path.is_dir());
        paths.sort();
        paths
    };
    let applications = folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy"));
    let variants: Vec<PathBuf> = applications.iter().flat_map(|dir| folders(&dir.join("compose"))).collect();
    assert!(variants.len() >= 8, "{variants:?}");
    variants
}

/// What Compose makes of a folder, with these variables and nobody else's.
fn config(dir: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut compose = Command::new("docker");
    compose.arg("compose").args(arguments).arg("config").args(["--format", "json"]).current_dir(dir);
    compose.env_clear();
    for name in ["PATH", "HOME"] {
        compose.env(name, std::env::var_os(name).unwrap_or_default());
    }
    compose.envs(variables.iter().copied()).output().expect("Compose runs")
}

fn document(dir: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> serde_json::Value {
    let output = config(dir, variables, arguments);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {told}", dir.display());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
}

fn every_variant_is_taken() {
    for dir in variants() {
        for profiles in ["*", ""] {
            let output = config(&dir, &[("COMPOSE_PROFILES", profiles)], &[]);
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && told.is_empty(), "{} `{profiles}`: {told}", dir.display());
        }
        let output = config(&dir, &[], &[]);
        assert!(output.status.success(), "{}: {output:?}", dir.display());
    }
}

fn an_override_is_used() {
    let variant = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/rtmx/compose/dev");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for name in ["compose.yaml", ".env", "secrets.yaml"] {
        fs::copy(variant.join(name), folder.path().join(name)).expect("it can be copied");
    }
    let mine =
        "services:\n  rtmx-server:\n    environment:\n      LOG_LEVEL: trace\n    labels: {mine: \"yes\"}\n";
    fs::write(folder.path().join("compose.override.yml"), mine).expect("it can be written");
    let document = document(folder.path(), &[], &[]);
    let server = &document["services"]["rtmx-server"];
    assert_eq!(server["environment"]["LOG_LEVEL"], "trace", "{server}");
    assert_eq!(server["labels"]["mine"], "yes", "{server}");
    assert_eq!(server["read_only"], true, "the rest is as it was: {server}");
}

fn two_share_nothing() {
    for dir in variants() {
        let names = |project: &str| {
            let document = document(&dir, &[], &["--project-name", project]);
            assert!(document["services"].as_object().is_some_and(|services| {
                services.values().all(|service| service.get("container_name").is_none())
            }));
            let of = |key: &str| -> Vec<String> {
                let all = document[key].as_object().cloned().unwrap_or_default();
                all.values().filter_map(|it| Some(it["name"].as_str()?.to_owned())).collect()
            };
            [of("volumes"), of("networks")].concat()
        };
        let (one, other) = (names("one"), names("other"));
        assert!(!one.is_empty() && one.iter().all(|name| !other.contains(name)), "{}", dir.display());
    }
}

/// Variables with their values.
type Variables = &'static [(&'static str, &'static str)];

fn profiles_choose() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/rtmx/compose/prod");
    // what is on, the services beside the server and the maker of secrets
    let cases: [(Variables, &[&str]); 4] = [
        (&[], &["postgres"]),
        (&[("COMPOSE_PROFILES", "")], &[]),
        (&[("COMPOSE_PROFILES", "sqlite,tls")], &["proxy"]),
        (&[("COMPOSE_PROFILES", "jobs")], &["migrate"]),
    ];
    for (variables, more) in cases {
        let document = document(&dir, variables, &[]);
        let services = document["services"].as_object().cloned().unwrap_or_default();
        let mut found: Vec<&str> = services.keys().map(String::as_str).collect();
        found.sort_unstable();
        let mut wanted = [&["rtmx-server", "secrets"], more].concat();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{variables:?}");
        let told = services["secrets"]["command"].as_array().and_then(|words| words.last()).cloned();
        let on = variables.first().map_or("postgres", |(_, profiles)| profiles);
        assert_eq!(told, Some(format!("--profiles={on}").into()), "the maker of secrets knows what is on");
    }
}

fn installers_are_clean() {
    for dir in variants() {
        let script = dir.join("install.sh");
        let mut shellcheck = Command::new("shellcheck");
        let output = shellcheck.args(["--shell", "sh", "--severity", "style"]).arg(&script).output();
        let output = output.expect("shellcheck runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
