//! An installation on this machine from its first deployment to its end, with the real programs.

#[path = "ctl/home.rs"]
mod home;

use home::{Home, free_port, until};
use rtmx::core::{assert_code, deploy, import, server, storage, tool};
use serde_json::Value;
use std::fs;
use std::time::SystemTime;

fn changed_at(path: &std::path::Path) -> SystemTime {
    fs::metadata(path).and_then(|found| found.modified()).expect("the file is there")
}

#[test]
fn a_deployment_answers_and_a_second_one_changes_nothing() {
    let home = Home::new();
    let first = home.deploy(&[]);
    assert_eq!(first["healthy"], true, "{first}");
    assert_eq!(first["changed"], true);
    assert!(home.is_ready());

    let status = home.json(&["status"]);
    for (name, wanted) in [("name", "rtmx"), ("target", "local"), ("version", env!("CARGO_PKG_VERSION"))] {
        assert_eq!(status[name], wanted);
    }
    assert_eq!(status["url"], format!("http://127.0.0.1:{}", home.port));
    assert_eq!(status["healthy"], true);
    let part = &status["parts"][0];
    assert_eq!((part["name"].as_str(), part["ready"].as_bool()), (Some("server"), Some(true)));
    assert!(
        part["image"].as_str().is_some_and(|image| image.starts_with("sha256:") && image.len() == 71),
        "{part}"
    );

    let files = ["installation.json", "config/rtmx.toml", "history.jsonl", "current/rtmx-server"];
    let times: Vec<SystemTime> = files.iter().map(|file| changed_at(&home.root().join(file))).collect();
    let second = home.deploy(&[]);
    assert_eq!(second["changed"], false, "{second}");
    assert_eq!(home.run(&["plan"]).code, 0, "a plan without changes");
    let again: Vec<SystemTime> = files.iter().map(|file| changed_at(&home.root().join(file))).collect();
    assert_eq!(times, again);
    assert_eq!(home.server_pid(), status["facts"]["pid"], "the server went on");
    assert_eq!(home.json(&["history"])["entries"].as_array().map(Vec::len), Some(1));

    use std::os::unix::fs::PermissionsExt;
    for (path, mode) in [("config/rtmx.toml", 0o600), ("config", 0o700), ("data", 0o700)] {
        let found = fs::metadata(home.root().join(path)).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(found, mode, "{path}");
    }
}

#[test]
fn a_plan_is_carried_out_as_it_was_reviewed_or_not_at_all() {
    let home = Home::new();
    let file = home.folder().join("plan.json");
    let file = file.to_str().expect("temporary paths are text");
    let planned = home.run(&home.with_port(&["plan", "--out", file]));
    assert_eq!(planned.code, 3, "changes are pending");
    assert!(!home.root().exists(), "a plan changes nothing");
    assert_eq!(home.result(&["deploy", "--plan", file])["healthy"], true);
    let stale = home.run(&["deploy", "--plan", file]);
    assert_code(stale.error_code(), deploy::PLAN_STALE);

    let planned = home.run(&["plan", "--set", "log.level=debug"]);
    assert_eq!(planned.code, 3);
    let plan = planned.object();
    assert_eq!(plan["outage"]["parts"][0], "server");
    let change = &plan["changes"][0];
    assert_eq!((&change["what"], &change["to"]), (&"setting log.level".into(), &"debug".into()), "{plan}");
    let before = home.server_pid();
    assert_eq!(home.deploy(&["--set", "log.level=debug"])["changed"], true);
    assert_ne!(home.server_pid(), before, "the server was started again");
    let config = fs::read_to_string(home.root().join("config/rtmx.toml")).expect("it is there");
    assert!(config.contains("level = \"debug\""), "{config}");
    // What was set stays set.
    assert_eq!(home.deploy(&[])["changed"], false);

    fs::write(home.root().join("config/rtmx.toml"), config + "# by hand\n").expect("it is ours");
    let plan = home.run(&["plan"]);
    assert_eq!(plan.code, 3);
    assert!(plan.stdout.contains("edited"), "{}", plan.stdout);

    for (content, name) in [("{}", "rtmx"), ("not a plan", "rtmx"), (&planned.stdout, "rtmx")] {
        fs::write(file, content).expect("it is writable");
        let refused = home.run(&["--name", name, "deploy", "--plan", file]);
        assert_code(refused.error_code(), tool::PLAN_INVALID);
    }
}

#[test]
fn a_server_moves_to_another_port_and_is_awaited_there() {
    let home = Home::new();
    home.deploy(&[]);
    let port = free_port().to_string();

    let planned = home.run(&["plan", "--port", &port]);
    assert_eq!(planned.code, 3);
    let plan = planned.object();
    let changes = plan["changes"].as_array().expect("a plan has changes");
    assert!(changes.iter().all(|change| change["what"] != "server"), "the server is well: {plan}");

    let moved = home.result(&["deploy", "--port", &port]);
    assert_eq!(moved["healthy"], true, "{moved}");
    assert_eq!(moved["url"], format!("http://127.0.0.1:{port}"));
    assert!(!home.is_ready(), "the old port is free");
}

#[test]
fn a_taken_port_is_explained_and_nothing_is_left_half_done() {
    let home = Home::new();
    let listener = std::net::TcpListener::bind(("127.0.0.1", home.port)).expect("nobody else took it");
    let refused = home.run(&home.with_port(&["deploy"]));
    assert_code(refused.error_code(), deploy::PORT_IN_USE);
    assert_eq!(refused.code, 5);
    assert!(refused.stderr.contains(&std::process::id().to_string()), "{}", refused.stderr);
    assert_code(home.run(&["status"]).error_code(), tool::INSTALLATION_NOT_FOUND);
    drop(listener);
    assert_eq!(home.deploy(&[])["healthy"], true);
}

#[test]
fn a_killed_server_comes_back_and_a_killed_supervisor_leaves_none_behind() {
    let home = Home::new();
    home.deploy(&[]);
    let before = home.server_pid();
    home.signal(&before, "KILL");
    until("the server runs again", || home.server_pid() != before && home.is_ready());
    let status = home.json(&["status"]);
    assert_eq!(status["facts"]["restarts"], "1");
    assert!(home.run_plainly(&["logs"]).stdout.contains("the server ended (signal: 9"), "the log says so");

    let orphan = home.server_pid();
    home.signal(&home.supervisor_pid(), "KILL");
    until("the supervisor is gone", || home.json(&["status"])["healthy"] == false);
    assert_eq!(home.deploy(&[])["changed"], true);
    assert_ne!(home.server_pid(), orphan);
    assert!(!home::lives(&orphan), "two servers must not run");
    assert!(home.is_ready());
}

#[test]
fn tokens_and_matrices_are_reached_whether_the_server_runs_or_not() {
    let home = Home::new();
    home.deploy(&[]);
    let matrix = home.folder().join("matrix.csv");
    let text = "req_id,category,requirement_text,status\nREQ-A-1,A,Shall work,MISSING\nREQ-A-2,A,Shall last,COMPLETE\n";
    fs::write(&matrix, text).expect("it is writable");
    let matrix = matrix.to_str().expect("temporary paths are text");
    let export = home.folder().join("export.csv");
    let export = export.to_str().expect("temporary paths are text");

    let dry = home.result(&["import", matrix, "--dry-run"]);
    assert_eq!(dry["applied"], false, "{dry}");
    assert_eq!(home.result(&["import", matrix])["applied"], true);
    home.result(&["export", "--to", export]);
    assert_eq!(fs::read_to_string(export).expect("it was written"), text);
    let made = home.result(&["token", "create", "ci", "--role", "editor"]);
    assert!(made["token"].as_str().is_some_and(|token| token.len() > 32), "{made}");

    home.signal(&home.supervisor_pid(), "TERM");
    until("the server has ended", || home.json(&["status"])["facts"]["pid"].is_null());
    assert_eq!(home.json(&["status"])["healthy"], false);
    let tokens = home.result(&["token", "list"]);
    assert_eq!(tokens["tokens"][0]["name"], "ci", "{tokens}");
    let id = tokens["tokens"][0]["id"].as_str().expect("a token has an id").to_owned();
    assert!(!home.result(&["token", "revoke", &id])["revoked_at"].is_null());
    assert_eq!(home.run_plainly(&["export"]).stdout, text);
    assert!(home.result(&["token", "reset"])["token"].is_string());

    let unknown = home.run(&["export", "--project", "no such", "--to", export]);
    assert_code(unknown.error_code(), server::PROJECT_NOT_FOUND);
    assert_eq!(home.deploy(&[])["changed"], true, "a stopped server is started");
    assert_eq!(home.result(&["import", matrix])["unchanged"], 2);
}

#[test]
fn requirement_documents_go_in_with_a_matrix_and_come_out_in_both_styles() {
    let home = Home::new();
    home.deploy(&[]);
    let file = |name: &str, text: &str| {
        let path = home.folder().join(name);
        fs::write(&path, text).expect("it is writable");
        path.to_str().expect("temporary paths are text").to_owned()
    };
    let matrix = file("matrix.csv", "req_id,status,priority\nREQ-A-1,COMPLETE,LOW\n");
    let document = file(
        "REQ-A-1.md",
        "# REQ-A-1: Work\n\n## Status: MISSING\n## Priority: HIGH\n\n## Rationale\nNeeded.\n",
    );
    let words = file("notes.md", "# Just words\n");

    let dry = home.result(&["import", &document, "--dry-run"]);
    assert_eq!((&dry["requirement"], &dry["applied"]), (&"created".into(), &false.into()), "{dry}");
    let both = home.result(&["import", &matrix, &document]);
    assert_eq!((&both["files"], &both["applied"]), (&2.into(), &2.into()), "{both}");
    assert_eq!(home.result(&["import", &document])["applied"], false);
    let plain = home.run_plainly(&["import", &document, "--status", "--dry-run"]).stdout;
    assert_eq!(
        plain,
        "REQ-A-1: requirement would be updated (status), document unchanged, 0 test links new.\n"
    );

    let stored = home.result(&["export", "--requirement", "REQ-A-1"])["document"].clone();
    assert!(stored.as_str().is_some_and(|text| text.contains("## Status: COMPLETE\n")), "{stored}");
    let listed = home.run_plainly(&["export", "--requirement", "REQ-A-1", "--style", "metadata"]).stdout;
    assert!(listed.contains("- **Priority**: HIGH\n") && listed.contains("Needed."), "{listed}");

    let refused = home.run(&["import", &document, &words]);
    assert_code(refused.error_code(), import::MARKDOWN_INVALID);
    let state = refused.error()["state"].clone();
    assert!(state.as_str().is_some_and(|state| state.starts_with("1 of 2 files")), "{state}");
    let missing = home.run(&["export", "--requirement", "REQ-A-9"]);
    assert_code(missing.error_code(), server::REQUIREMENT_NOT_FOUND);
    assert_code(home.run(&["import", &matrix, "--status"]).error_code(), tool::USAGE);
    assert_code(home.run(&["import", &document, "--mode", "replace"]).error_code(), tool::USAGE);
}

#[test]
fn a_removal_keeps_the_data_until_its_name_is_typed_out() {
    let home = Home::new();
    home.deploy(&[]);
    let matrix = home.folder().join("matrix.csv");
    fs::write(&matrix, "req_id\nREQ-A-1\n").expect("it is writable");
    home.result(&["import", matrix.to_str().expect("temporary paths are text")]);

    assert_eq!(home.result(&["remove"])["changed"], true);
    assert!(!home.is_ready() && !home.root().join("releases").exists());
    assert!(home.root().join("data/rtmx.db").exists());
    assert_eq!(home.result(&["remove"])["changed"], false);
    assert_code(home.run(&["status"]).error_code(), tool::INSTALLATION_NOT_FOUND);

    // The port, too, is remembered.
    assert_eq!(home.result(&["deploy"])["url"], format!("http://127.0.0.1:{}", home.port));
    assert_eq!(home.run_plainly(&["export"]).stdout, "req_id\nREQ-A-1\n");

    for arguments in [
        &["remove", "--purge"][..],
        &["remove", "--purge", "--yes"],
        &["remove", "--purge", "--confirm", "x"],
    ] {
        let refused = home.run(arguments);
        assert_code(refused.error_code(), tool::CONFIRMATION_NEEDED);
        assert!(home.is_ready());
    }
    let other = home.run(&["--name", "other", "remove", "--purge", "--confirm", "other"]);
    assert_code(other.error_code(), tool::INSTALLATION_NOT_FOUND);
    assert_eq!(home.result(&["remove", "--purge", "--confirm", "rtmx"])["data"], "purge");
    assert!(!home.root().exists());
}

#[test]
fn data_that_is_gone_is_never_replaced_by_an_empty_database() {
    let home = Home::new();
    home.deploy(&[]);
    home.result(&["remove"]);
    fs::remove_file(home.root().join("data/rtmx.db")).expect("it is there");
    let refused = home.run(&["deploy"]);
    assert_code(refused.error_code(), storage::DATA_GONE);
    let next = refused.error()["next"].as_str().unwrap_or_default().to_owned();
    assert!(
        next.contains("rtmxctl --name rtmx backup list") && next.contains("remove --purge --confirm rtmx"),
        "{next}"
    );
    assert!(!home.root().join("data/rtmx.db").exists());
}

/// An installation whose server starts and ends again: its marker names another installation.
fn broken() -> Home {
    let home = Home::new();
    home.deploy(&[]);
    home.result(&["remove"]);
    let marker = home.root().join("data/installation");
    fs::write(&marker, "00000000-0000-4000-8000-000000000000\n").expect("it is ours");
    home
}

#[test]
fn a_server_that_does_not_become_ready_is_told_with_its_log_and_undone() {
    let home = broken();
    let refused = home.run(&["deploy"]);
    assert_code(refused.error_code(), deploy::NOT_HEALTHY);
    assert!(
        refused.error()["causes"][0].as_str().is_some_and(|log| log.contains("data_gone")),
        "{}",
        refused.stderr
    );
    assert!(
        refused.error()["state"].as_str().is_some_and(|state| state.contains("undone")),
        "{}",
        refused.stderr
    );
    assert_code(home.run(&["status"]).error_code(), tool::INSTALLATION_NOT_FOUND);
    assert!(!home.root().join("run/supervisor.json").exists(), "nothing runs any more");
}

#[test]
fn an_interrupt_stops_and_undoes() {
    let home = broken();
    let mut child = home.command(&["deploy"]).spawn().expect("the tool can be started");
    until("the server was started", || home.root().join("run/server.json").exists());
    home.signal(&Value::from(child.id()), "INT");
    let ended = child.wait().expect("it is our child");
    assert_eq!(ended.code(), Some(i32::from(deploy::INTERRUPTED.entry().exit)));
    assert!(!home.root().join("run/supervisor.json").exists(), "nothing runs any more");
    assert!(!home.root().join("current").exists());
}
