//! What the tool says: help, codes, JSON, and what it refuses before it begins.

#[path = "ctl/home.rs"]
mod home;

use home::Home;
use rtmx::core::{Code, all_codes, assert_code, config, deploy, tool};
use serde_json::Value;
use std::process::{Command, Stdio};

/// Every command, so that none is forgotten.
const COMMANDS: &[&str] = &[
    "deploy",
    "plan",
    "render",
    "status",
    "logs",
    "history",
    "remove",
    "token",
    "license",
    "config",
    "import",
    "export",
    "backup",
    "transfer",
    "app",
    "explain",
    "driver",
    "completions",
    "man",
    "help",
    "version",
];

#[test]
fn every_command_has_help_that_the_tests_know() {
    let home = Home::new();
    let help = home.run_plainly(&["help"]).stdout;
    assert!(help.starts_with("Examples:"), "examples lead: {help}");
    let listed =
        help.split("Commands:").nth(1).and_then(|rest| rest.split("Options:").next()).unwrap_or_default();
    let listed: Vec<&str> = listed
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(listed, COMMANDS);
    for command in COMMANDS {
        let asked = home.run_plainly(&["help", command]);
        assert!(asked.code == 0 && asked.stdout.contains("Usage:"), "{command}: {asked:?}");
    }
    for topic in ["environment", "exit-codes", "json", "files", "offline"] {
        let asked = home.run_plainly(&["help", topic]);
        assert!(asked.code == 0 && asked.stdout.lines().count() >= 3, "{topic}: {asked:?}");
    }
}

#[test]
fn commands_that_need_no_installation_print_json() {
    let home = Home::new();
    let man = home.folder().join("man");
    let man = man.to_str().expect("temporary paths are text");
    for (arguments, kind) in [
        (&["explain"][..], "explain"),
        (&["explain", "port_in_use"], "explain"),
        (&["driver", "list"], "driver"),
        (&["completions", "bash"], "completions"),
        (&["man", "--to", man], "man"),
        (&["help"], "help"),
        (&["help", "token", "create"], "help"),
        (&["help", "exit-codes"], "help"),
        (&["version"], "version"),
        (&["config", "show"], "config"),
        (&["config", "check"], "config"),
        (&["config", "reference"], "config"),
        (&["config", "template"], "config"),
        (&["app", "schema"], "app"),
        (&["app", "check", "apps/rtmx.yaml"], "app"),
        (&["remove", "--name", "x"], "error"),
    ] {
        let ran = home.run(arguments);
        let object = if kind == "error" { ran.error() } else { ran.object() };
        assert_eq!(object["type"], kind, "{arguments:?}: {ran:?}");
    }
    assert!(home.folder().join("man/rtmxctl-token-create.1").exists());
    assert!(home.folder().join("man/rtmxctl-exit-codes.7").exists());
    assert!(home.folder().join("man/rtmxctl-config-show.1").exists());
    let drivers = home.json(&["driver", "list"]);
    let present = |name: &str| {
        let list = drivers["drivers"].as_array().cloned().unwrap_or_default();
        list.iter().any(|driver| driver["name"] == name && driver["present"] == true)
    };
    assert!(present("sqlite") && present("local") && present("file") && present("env"), "{drivers}");
}

#[test]
fn every_command_fails_with_one_json_object() {
    let home = Home::new();
    for arguments in [
        &["status"][..],
        &["logs"],
        &["history"],
        &["remove"],
        &["token", "list"],
        &["token", "create", "x"],
        &["token", "revoke", "x"],
        &["token", "reset"],
        &["license", "inspect"],
        &["license", "fingerprint"],
        &["license", "request"],
        &["export", "--to", "/dev/null"],
        &["import", "/dev/null"],
    ] {
        assert_code(home.run(arguments).error_code(), tool::INSTALLATION_NOT_FOUND);
    }
    for arguments in [
        &["bogus"][..],
        &["deploy", "--port", "0"],
        &["deploy", "--port", "99999"],
        &["deploy", "--plan", "x", "--port", "1"],
        &["help", "bogus"],
        &["completions", "bogus"],
        &["man"],
        &["driver", "bogus"],
        &["version", "--bogus"],
        &["export"],
        &["config"],
        &["config", "reference", "--format", "bogus"],
    ] {
        let ran = home.run(arguments);
        assert_code(ran.error_code(), tool::USAGE);
        assert_eq!(ran.code, 2, "{arguments:?}");
    }
    for name in ["..", "a/b", "Team", ""] {
        let ran = home.run(&["--name", name, "deploy"]);
        assert_code(ran.error_code(), deploy::TARGET_SETTINGS_INVALID);
    }
    assert_code(home.run(&["explain", "port_in_us"]).error_code(), tool::CODE_UNKNOWN);
    assert!(
        home.run(&["explain", "port_in_us"]).error()["next"]
            .as_str()
            .is_some_and(|it| it.contains("port_in_use"))
    );
    assert_code(home.run(&["import", "/no/such/file"]).error_code(), tool::FILE_UNREADABLE);
    assert_code(home.run(&["deploy", "--plan", "/no/such/file"]).error_code(), tool::FILE_UNREADABLE);
    assert_code(home.run(&["man", "--to", "/dev/null/x"]).error_code(), tool::FILE_UNWRITABLE);
    assert_code(home.run(&["plan", "--out", "/dev/null/x"]).error_code(), tool::FILE_UNWRITABLE);
    assert_code(home.run(&["plan", "--set", "novalue"]).error_code(), tool::ASSIGNMENT_INVALID);
    assert_code(home.run(&["plan", "--set", "log.levle=info"]).error_code(), config::CONFIG_UNKNOWN_KEY);
    let unknown = home.run(&["plan", "--target", "moon"]);
    assert_code(unknown.error_code(), rtmx::core::storage::DRIVER_UNKNOWN);
}

#[test]
fn every_code_is_explained() {
    let home = Home::new();
    let listed = home.json(&["explain"]);
    let ids: Vec<&str> =
        listed["codes"].as_array().into_iter().flatten().filter_map(|it| it["code"].as_str()).collect();
    assert_eq!(ids, all_codes().map(Code::id).collect::<Vec<_>>());
    for code in [deploy::PORT_IN_USE, tool::USAGE] {
        let page = home.run_plainly(&["explain", code.id()]).stdout;
        for part in [code.entry().summary, code.entry().detail, code.entry().next] {
            assert!(page.contains(part), "{page}");
        }
    }
}

#[test]
fn nothing_is_coloured_where_no_terminal_is() {
    let home = Home::new();
    for arguments in [&["explain", "usage"][..], &["help"], &["plan"], &["status"]] {
        let ran = home.run_plainly(arguments);
        assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_a_failure_and_a_reader_that_left_is_none() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has /dev/full");
    let output = Command::new(env!("CARGO_BIN_EXE_rtmxctl"))
        .args(["--json", "explain"])
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .expect("the tool can be started");
    let error: Value = serde_json::from_slice(&output.stderr).expect("one object");
    assert_code(error["code"].as_str().unwrap_or_default(), tool::FILE_UNWRITABLE);

    let mut child = Command::new(env!("CARGO_BIN_EXE_rtmxctl"))
        .arg("explain")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tool can be started");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it is our child");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn printed_commands_are_what_the_plan_does_and_change_nothing() {
    let home = Home::new();
    let commands = home.run_plainly(&home.with_port(&["deploy", "--print-commands"])).stdout;
    for part in ["mkdir -p", "rtmx-server --config", "ln -sfn", "supervise", "/ready"] {
        assert!(commands.contains(part), "{part}: {commands}");
    }
    assert!(!home.root().exists());
}

#[test]
fn secrets_reach_the_server_and_nobody_else() {
    let home = Home::new();
    let secret = "0123456789abcdef0123456789abcdef-secret";
    let file = home.folder().join("token");
    std::fs::write(&file, format!("{secret}\n")).expect("it is writable");
    let setting = format!("auth.admin_token={}", file.display());
    let plan = home.run(&["plan", "--set-file", &setting]);
    assert!(!plan.stdout.contains(secret), "{}", plan.stdout);
    home.deploy(&["--set-file", &setting]);
    assert_eq!(home.deploy(&[])["changed"], false, "a kept secret is no change");
    for name in
        ["installation.json", "history.jsonl", "config/rtmx.toml", "config/server.env", "logs/server.log"]
    {
        let text = std::fs::read_to_string(home.root().join(name)).expect("it is there");
        assert!(!text.contains(secret), "{name}");
    }
    assert!(!home.run(&["status"]).stdout.contains(secret));
    let tokens = home.json(&["token", "list"]);
    assert_eq!(tokens["tokens"].as_array().map(Vec::len), Some(1), "the server took it: {tokens}");
}
