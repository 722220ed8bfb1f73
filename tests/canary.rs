//! No secret leaves the places that are made for it.
//!
//! Every secret setting gets a value that occurs nowhere else, in every way in which it can be given, and
//! everything that is made meanwhile (output, errors, logs, plans, files, argument lists, answers) is
//! searched for it, as it stands and in five encodings.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

#[path = "ctl/home.rs"]
mod home;
mod support;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use home::Home;
use rtmx::config::KEYS;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::TestServer;

/// The secret settings, each with a value in which its canary stands. A setting that becomes secret has to
/// be added here before the test passes.
const PLANTED: [(&str, &str); 8] = [
    ("auth.admin_token", "CANARY-of-thirty-two-characters"),
    ("database.direct_url", "postgres://app:CANARY@127.0.0.1:1/rtmx"),
    ("database.password", "CANARY"),
    ("database.url", "postgres://app:CANARY@127.0.0.1:1/rtmx"),
    ("license.key", "v4.public.CANARY"),
    ("license.proxy", "http://operator:CANARY@127.0.0.1:1"),
    ("vault.secret_id", "CANARY"),
    ("vault.token", "CANARY"),
];

/// The canary of a setting: letters that every encoding changes, and that a URL and a token can hold.
fn canary(key: &str) -> String {
    format!("cA7~{}+/x=Kq9", key.replace(['.', '_'], "-"))
}

fn value(key: &str) -> String {
    let (_, template) = PLANTED.iter().find(|(known, _)| *known == key).expect("it is planted");
    let url = template.contains("://");
    let canary = canary(key);
    // In a URL the canary stands as an operator has to write it there.
    template.replace("CANARY", &if url { percent(&canary) } else { canary })
}

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A canary as it may show: as it stands, percent-encoded, in JSON, in hexadecimal and in base64, whatever
/// stands before it there.
fn disguises(canary: &str) -> Vec<String> {
    let hex: String = canary.bytes().map(|byte| format!("{byte:02x}")).collect();
    let json = serde_json::to_string(canary).expect("text is JSON").trim_matches('"').replace('/', "\\/");
    let mut all = vec![canary.to_owned(), percent(canary), json, hex.to_uppercase(), hex];
    for before in 0..3 {
        let encoded = BASE64_STANDARD.encode([vec![b' '; before].as_slice(), canary.as_bytes()].concat());
        // What depends on the neighbours is left out.
        let inner = encoded.trim_end_matches('=');
        let inner = inner[(before * 4).div_ceil(3)..inner.len() - 2].to_owned();
        all.push(inner.replace('+', "-").replace('/', "_"));
        all.push(inner);
    }
    all
}

/// Everything that was made, by where it was found.
#[derive(Default, Clone)]
struct Made(Arc<Mutex<BTreeMap<String, String>>>);

impl Made {
    fn add(&self, place: impl Into<String>, text: &str) {
        self.0.lock().unwrap().entry(place.into()).or_default().push_str(text);
    }

    fn add_files(&self, folder: &Path, allowed: &[PathBuf]) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().map_while(Result::ok) {
            let path = entry.path();
            let kind = entry.file_type().unwrap();
            if allowed.iter().any(|allowed| path.starts_with(allowed)) {
                continue;
            } else if kind.is_dir() {
                self.add_files(&path, allowed);
            } else if kind.is_file() && entry.metadata().unwrap().len() < 8 << 20 {
                let bytes = std::fs::read(&path).unwrap_or_default();
                self.add(path.display().to_string(), &String::from_utf8_lossy(&bytes));
            }
        }
    }

    /// Argument lists of all processes, until the flag is set.
    fn watch_processes(&self, done: Arc<AtomicBool>) -> std::thread::JoinHandle<usize> {
        let made = self.clone();
        std::thread::spawn(move || {
            let mut seen = 0;
            while !done.load(Ordering::Relaxed) {
                for entry in std::fs::read_dir("/proc").unwrap().map_while(Result::ok) {
                    let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                    let line = String::from_utf8_lossy(&line).into_owned();
                    if line.contains("rtmx") {
                        seen += 1;
                        made.0.lock().unwrap().insert(format!("argument list {line}"), line);
                    }
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            seen
        })
    }

    #[track_caller]
    fn is_clean(&self) {
        let made = self.0.lock().unwrap();
        assert!(made.len() > 20, "little was made: {:?}", made.keys());
        for (key, _) in PLANTED {
            for disguise in disguises(&canary(key)) {
                for (place, text) in made.iter() {
                    assert!(!text.contains(&disguise), "`{key}` shows in {place} as {disguise}:\n{text}");
                }
            }
        }
    }
}

#[test]
fn no_secret_shows_in_what_the_programs_make() {
    let secret: Vec<_> = KEYS.iter().filter(|spec| spec.secret).map(|spec| spec.path).collect();
    let mut planted = PLANTED.map(|(key, _)| key).to_vec();
    planted.sort_by_key(|key| secret.iter().position(|it| it == key));
    assert_eq!(planted, secret, "every secret setting is planted");

    let (made, done) = (Made::default(), Arc::new(AtomicBool::new(false)));
    let watching = made.watch_processes(Arc::clone(&done));
    let inputs = tempfile::tempdir().unwrap();
    for (key, _) in PLANTED {
        std::fs::write(inputs.path().join(key), value(key)).unwrap();
    }
    deployed(&made, inputs.path());
    served(&made, inputs.path());
    refused(&made, inputs.path());
    explained(&made);
    done.store(true, Ordering::Relaxed);
    assert!(watching.join().unwrap() > 0, "processes were looked at");
    made.is_clean();
}

/// An installation with what can be given to it, and every command that tells something of it.
fn deployed(made: &Made, inputs: &Path) {
    let home = Home::new();
    let file = |key: &str| format!("{key}={}", inputs.join(key).display());
    let (token, license, proxy) = (file("auth.admin_token"), file("license.key"), file("license.proxy"));
    let plan_file = home.folder().join("plan.json");
    let wanted =
        ["--set-file", &token, "--set-file", &license, "--set-file", &proxy, "--set", "log.level=trace"];
    let plan = [&["plan", "--out", plan_file.to_str().unwrap()], &wanted[..]].concat();
    let deploy = [&["deploy"], &wanted[..]].concat();
    // What is no license keeps nothing new from being installed, and stops nothing that is.
    let unlicensed = ["deploy", "--set-file", &token, "--set-file", &proxy];
    let backup = home.folder().join("backup.rtmx").display().to_string();
    let commands: [&[&str]; 18] = [
        &home.with_port(&plan),
        &home.with_port(&[&deploy[..], &["--print-commands"]].concat()),
        &home.with_port(&deploy),
        &home.with_port(&unlicensed),
        &home.with_port(&deploy),
        &["status"],
        &["history"],
        &["license", "status"],
        &["license", "fingerprint"],
        &["token", "list"],
        &["token", "reset"],
        &["backup", "create", "--to", &backup],
        &["export"],
        &["config", "show", "--origin"],
        &["config", "check"],
        &["plan", "--set", "license.key=oops"],
        &["plan", "--set", "log.level=loud"],
        &["logs", "-n", "10000"],
    ];
    for command in commands {
        for ran in [home.run_plainly(command), home.run(command)] {
            made.add(format!("output of {}", command.join(" ")), &format!("{}{}", ran.stdout, ran.stderr));
        }
    }
    assert!(home.is_ready(), "it was deployed");
    for path in ["/ready", "/metrics", "/api/v1/errors", "/sign-in"] {
        let port = home.port;
        made.add(
            path,
            &home.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n")),
        );
    }
    // The one place that is made for secrets, closed to others.
    let kept = home.root().join("config/secrets");
    let held: Vec<_> = std::fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(held.len() >= 3, "the secrets are kept: {held:?}");
    made.add_files(home.folder(), &[kept]);
}

/// Servers that are given secrets in every way, and a database that is not there.
fn served(made: &Made, inputs: &Path) {
    let all = |suffix: &str, value: &dyn Fn(&str) -> String| -> Vec<(String, String)> {
        let named = |key: &str| format!("RTMX_{}{suffix}", key.replace('.', "__").to_uppercase());
        PLANTED.iter().map(|(key, _)| (named(key), value(key))).collect()
    };
    let ways = [all("", &|key| value(key)), all("_FILE", &|key| inputs.join(key).display().to_string())];
    for (number, mut variables) in ways.into_iter().enumerate() {
        // One of the two ways to give a password, and no Vault: it would have to be there.
        let elsewhere = ["RTMX_DATABASE__PASSWORD", "RTMX_VAULT__"];
        variables.retain(|(name, _)| !elsewhere.iter().any(|other| name.starts_with(other)));
        let data = tempfile::tempdir().unwrap();
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let sets = ["log.level=trace", "database.pooler=true"];
        let mut server = TestServer::start_in(data.path(), &sets, &variables);
        made.add(format!("log of server {number}"), &server.started);
        made.add(format!("log of server {number}"), &server.said("waiting for the database").to_string());
        server.reload();
        made.add(format!("log of server {number}"), &server.said("nothing changed").to_string());
        server.terminate();
        let rest: String = server.log.iter().collect::<Vec<_>>().join("\n");
        made.add(format!("log of server {number}"), &rest);
        made.add_files(data.path(), &[]);
    }
}

/// What is wrong in every way in which a hurried operator gets it wrong.
fn refused(made: &Made, inputs: &Path) {
    let all = |line: &dyn Fn(&str) -> String| -> String {
        PLANTED.iter().map(|(key, _)| line(key) + "\n").collect()
    };
    let files = [
        ("wrong-kinds", all(&|key| format!("{key} = [{:?}]", value(key)))),
        ("misspelt", all(&|key| format!("{key}x = {:?}", value(key)))),
        ("no-quotes", all(&|key| format!("{key} = {}", value(key)))),
        ("half-a-line", all(&|key| format!("{key} = \"{}", value(key)))),
        ("as-a-key", format!("{:?} = 1", value("database.url"))),
        (
            "both",
            format!(
                "database.password = {:?}\ndatabase.password_file = \"/x\"\n",
                value("database.password")
            ),
        ),
        ("another-host", format!("database.url = {:?}\ndatabase.host = \"other\"\n", value("database.url"))),
        ("in-another-key", format!("server.listen = {:?}", value("license.proxy"))),
    ];
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtmx-server"));
        let data = format!("data.dir={}", folder.path().join("data").display());
        command.args(["--set", &data, "--set", "log.level=trace"]).args(arguments);
        command.env_clear().envs(variables.iter().copied()).stdin(Stdio::null());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // An unknown setting is a warning where something starts.
        let wanted = if said.contains("is not a setting of this version") { "WARN" } else { "error[" };
        assert!(said.contains(wanted) || said.contains("ERROR"), "{name} is wrong: {said}");
        made.add(format!("refusal of {name}"), &said);
    };
    for (name, text) in &files {
        let path = folder.path().join(name).with_extension("toml");
        std::fs::write(&path, text).unwrap();
        run(name, &["--config", path.to_str().unwrap(), "migrate"], &[]);
    }
    let text = |key: &str| value(key);
    let url = text("database.url");
    run("a database that is not there", &["migrate"], &[("DATABASE_URL", &url)]);
    run("a scheme nobody has", &["migrate"], &[("DATABASE_URL", &url.replace("postgres", "oracle"))]);
    run("a variable twice", &["migrate"], &[("DATABASE_URL", &url), ("DATABASE_URL_FILE", "/x")]);
    run("a URL that is none", &["migrate"], &[("DATABASE_URL", &url.replace("://", ":/ /"))]);
    run("a token that is short", &["migrate"], &[("RTMX_AUTH__ADMIN_TOKEN", "short")]);
    let vault = [
        ("RTMX_VAULT__ADDRESS", "http://127.0.0.1:1"),
        ("RTMX_VAULT__PATHS", "rtmx"),
        ("RTMX_VAULT__TOKEN", &text("vault.token")),
    ];
    run("a Vault that is not there", &["migrate"], &vault);
    let folder_of_secret = inputs.display().to_string();
    run("a folder for a file", &["migrate"], &[("DATABASE_URL_FILE", &folder_of_secret)]);
}

/// Files and variables that are shown, checked, compared and completed.
fn explained(made: &Made) {
    let home = Home::new();
    let write = |name: &str, except: &[&str], ending: &str| {
        let planted = PLANTED.iter().filter(|(key, _)| !except.contains(key));
        let lines: String = planted.map(|(key, _)| format!("{key} = {:?}\n", value(key) + ending)).collect();
        let file = home.folder().join(name);
        std::fs::write(&file, lines).unwrap();
        file
    };
    let one = write("one.toml", &["database.password"], "");
    let other = write("other.toml", &["database.url", "database.direct_url"], "2");
    let (one_path, other_path) = (one.to_str().unwrap(), other.to_str().unwrap());
    let commands: [&[&str]; 6] = [
        &["config", "show", "--origin", "--config", one_path],
        &["config", "show", "--origin", "--config", other_path],
        &["config", "check", one_path],
        &["config", "check", "--machine-free", one_path, other_path],
        &["config", "diff", one_path, other_path],
        &["config", "merge", "--dry-run", one_path],
    ];
    for command in commands {
        for ran in [home.run_plainly(command), home.run(command)] {
            assert_ne!(ran.code, 2, "{command:?}: {}", ran.stderr);
            made.add(format!("output of {}", command.join(" ")), &format!("{}{}", ran.stdout, ran.stderr));
        }
    }
    let variables =
        PLANTED.map(|(key, _)| (format!("RTMX_{}", key.replace('.', "__").to_uppercase()), value(key)));
    let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let ran = home.run_in(&["config", "show", "--origin"], &variables);
    made.add("output of config show with variables", &format!("{}{}", ran.stdout, ran.stderr));
    made.add_files(home.folder(), &[one, other]);
}
