//! The local target under systemd: units of the machine and of a user, on machines that are booted
//! for it.
//!
//! Every trial has a machine of its own, because each changes what a machine has only once. Without
//! a container engine all of them report themselves ignored.

#[path = "systemd/machine.rs"]
mod machine;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use machine::{Absent, Machine, until};
use rtmx::core::{assert_code, deploy, tool};
use serde_json::Value;

const ROOT: &str = "/var/lib/rtmx/installations/rtmx";
const USER_ROOT: &str = "/home/ada/.local/share/rtmx/installations/rtmx";
const MATRIX: &str = "req_id,category,requirement_text,status\nREQ-A-1,A,Shall last,MISSING\n";
/// `systemd-analyze security` gives 0.0 to what can do nothing and 9.6 to a bare service.
const EXPOSURE_LIMIT: f32 = 2.0;

/// A claim, and what proves it on a fresh machine.
type Claim = (&'static str, fn(&Machine));

fn main() {
    let arguments = Arguments::from_args();
    let claims: [Claim; 7] = [
        ("a_system_unit_serves_as_its_own_user_and_a_second_deployment_changes_nothing", deploys),
        ("a_killed_server_and_a_restarted_machine_come_back_with_the_data", comes_back),
        ("root_reaches_the_data_of_a_server_that_runs_as_another_user", is_reached_by_root),
        ("a_removed_system_unit_leaves_its_data_and_a_purged_one_leaves_nothing", is_removed),
        ("a_system_unit_writes_nowhere_but_in_its_own_folders", is_confined),
        ("a_user_unit_needs_no_root_and_comes_back_with_the_machine", runs_for_a_user),
        ("an_installation_is_found_with_sudo_and_without", is_found),
    ];
    let trials =
        claims.into_iter().map(|(name, prove)| Trial::ignorable_test(name, move || on_a_machine(prove)));
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn on_a_machine(prove: fn(&Machine)) -> Result<Completion, Failed> {
    match Machine::boot() {
        Ok(machine) => prove(&machine),
        Err(Absent::Ignored(reason)) => return Ok(Completion::ignored_with(reason)),
        Err(Absent::Failed(reason)) => return Err(reason.into()),
    }
    Ok(Completion::Completed)
}

fn deploys(machine: &Machine) {
    let first = machine.result(&["deploy"]);
    assert_eq!((&first["healthy"], &first["changed"]), (&true.into(), &true.into()), "{first}");
    for verb in ["is-active", "is-enabled"] {
        machine.text(&["systemctl", verb, "rtmx.service"]);
    }
    let status = machine.result(&["status"]);
    assert_eq!(status["facts"]["service"], "system unit", "{status}");
    assert_eq!(status["notes"], serde_json::json!([]), "it survives a restart of the machine");
    let pid = number(&status["facts"]["pid"]);
    assert_eq!(machine.text(&["ps", "-o", "user=", "-p", &pid]), "rtmx");
    assert_eq!(machine.text(&["stat", "--format=%U %a", &format!("{ROOT}/data")]), "rtmx 700");
    assert!(
        !machine.text(&["runuser", "-u", "rtmx", "--", "id", "--groups"]).contains(' '),
        "one group only"
    );
    assert!(machine.result(&["logs"])["lines"].as_u64() > Some(0), "the journal is shown");

    let invocation = ["systemctl", "show", "--property=InvocationID,NRestarts", "rtmx.service"];
    let before = machine.text(&invocation);
    let second = machine.result(&["deploy"]);
    assert_eq!((&second["healthy"], &second["changed"]), (&true.into(), &false.into()), "{second}");
    assert_eq!(machine.text(&invocation), before, "the server went on");

    let changed = machine.result(&["deploy", "--set", "log.level=debug", "--port", "80"]);
    assert_eq!(
        (&changed["healthy"], &changed["url"]),
        (&true.into(), &"http://127.0.0.1:80".into()),
        "{changed}"
    );
}

fn comes_back(machine: &Machine) {
    machine.result(&["deploy"]);
    machine.put_matrix("/root/matrix.csv", MATRIX);
    assert_eq!(machine.result(&["import", "/root/matrix.csv"])["applied"], true);
    let before = machine.result(&["status"])["facts"]["pid"].clone();
    machine.text(&["kill", "-s", "KILL", &number(&before)]);
    until("systemd has started the server again", || {
        let status = machine.result(&["status"]);
        status["healthy"] == true && status["facts"]["pid"] != before
    });
    assert_eq!(machine.result(&["status"])["facts"]["restarts"], "1");
    assert_eq!(export(machine, "root"), MATRIX);

    machine.restart();
    until("the server is back", || machine.is_healthy("root"));
    assert_eq!(export(machine, "root"), MATRIX);
    assert_eq!(machine.result(&["deploy"])["changed"], false);
}

fn is_reached_by_root(machine: &Machine) {
    machine.result(&["deploy"]);
    machine.put_matrix("/root/matrix.csv", MATRIX);
    assert_eq!(machine.result(&["import", "/root/matrix.csv"])["created"], 1);
    let token = machine.result(&["token", "create", "ci"]);
    assert!(token["token"].is_string(), "{token}");
    assert!(machine.result(&["token", "reset"])["token"].is_string());

    // Without a server the tool opens the data itself, as root; the server must find it usable again.
    machine.text(&["systemctl", "stop", "rtmx.service"]);
    machine.put_matrix("/root/matrix.csv", &MATRIX.replace("Shall last", "Shall stay"));
    assert_eq!(machine.result(&["import", "/root/matrix.csv"])["updated"], 1);
    assert!(machine.result(&["token", "reset"])["token"].is_string());
    let foreign = machine.text(&["find", &format!("{ROOT}/data"), "!", "-user", "rtmx"]);
    assert_eq!(foreign, "", "root leaves no files of its own in the data");
    machine.text(&["systemctl", "start", "rtmx.service"]);
    until("the server is ready", || machine.is_healthy("root"));
    assert_eq!(export(machine, "root"), MATRIX.replace("Shall last", "Shall stay"));
}

fn is_removed(machine: &Machine) {
    machine.result(&["deploy"]);
    machine.put_matrix("/root/matrix.csv", MATRIX);
    machine.result(&["import", "/root/matrix.csv"]);
    let gone = |machine: &Machine| {
        assert_ne!(machine.run(&["systemctl", "cat", "rtmx.service"]).code, 0, "there is no unit");
        assert_ne!(machine.run(&["pgrep", "rtmx-server"]).code, 0, "and no server");
        assert_eq!(machine.text(&["find", "/etc/systemd", "-name", "rtmx*"]), "", "nor a link to a unit");
    };
    assert_eq!(machine.result(&["remove"])["changed"], true);
    gone(machine);
    machine.text(&["test", "-s", &format!("{ROOT}/data/rtmx.db")]);
    assert_code(machine.tool("root", &["status"]).error_code(), tool::INSTALLATION_NOT_FOUND);

    assert_eq!(machine.result(&["deploy"])["healthy"], true);
    assert_eq!(export(machine, "root"), MATRIX);
    let unconfirmed = machine.tool("root", &["remove", "--purge"]);
    assert_code(unconfirmed.error_code(), tool::CONFIRMATION_NEEDED);
    assert!(machine.is_healthy("root"));
    assert_eq!(machine.result(&["remove", "--purge", "--confirm", "rtmx"])["data"], "purge");
    gone(machine);
    assert_ne!(machine.run(&["test", "-e", ROOT]).code, 0, "no data is left");
    // Another installation may run as the same user, so it stays.
    assert_eq!(machine.text(&["find", "/", "-xdev", "-user", "rtmx"]), "", "its user owns nothing");
}

fn is_confined(machine: &Machine) {
    machine.result(&["deploy"]);
    let judged = machine.text(&["systemd-analyze", "security", "--no-pager", "rtmx.service"]);
    let overall = judged.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_default();
    let exposure = overall.split_whitespace().find_map(|word| word.parse::<f32>().ok());
    assert!(exposure.is_some_and(|exposure| exposure < EXPOSURE_LIMIT), "{judged}");

    // What the server sees, tried as root: not even that may write there.
    let pid = number(&machine.result(&["status"])["facts"]["pid"]);
    let write = |path: &str| machine.run(&["nsenter", "--mount", "--target", &pid, "--", "touch", path]);
    for folder in
        ["/etc", "/usr", "/var/lib", "/var/lib/rtmx", ROOT, &format!("{ROOT}/config"), "/opt", "/dev"]
    {
        let path = format!("{folder}/probe");
        let refused = write(&path);
        assert_ne!(refused.code, 0, "{path}");
        assert_ne!(machine.run(&["test", "-e", &path]).code, 0, "{path}");
    }
    assert_eq!(write(&format!("{ROOT}/data/probe")).code, 0, "its data is writable");
    machine.text(&["touch", "/var/lib/probe", "/root/seen"]);
    assert_ne!(write("/root/probe").code, 0, "homes are hidden");
    let homes = machine.run(&["nsenter", "--mount", "--target", &pid, "--", "ls", "-A", "/root"]);
    assert_eq!(homes.stdout, "", "homes are hidden");

    let kernel = machine.text(&["cat", &format!("/proc/{pid}/status")]);
    let value = |name: &str| {
        let line = kernel.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_default().trim().to_owned()
    };
    for (name, wanted) in [
        ("NoNewPrivs", "1"),
        ("Seccomp", "2"),
        ("CapBnd", "0000000000000000"),
        ("CapEff", "0000000000000000"),
    ] {
        assert_eq!(value(name), wanted, "{name}");
    }
}

fn runs_for_a_user(machine: &Machine) {
    machine.add_user("ada");
    let first = machine.tool("ada", &["deploy"]).result();
    assert_eq!((&first["healthy"], &first["changed"]), (&true.into(), &true.into()), "{first}");
    let status = machine.tool("ada", &["status"]).result();
    assert_eq!(status["facts"]["service"], "user unit", "{status}");
    assert_eq!(status["facts"]["data"], format!("{USER_ROOT}/data"));
    assert_eq!(status["notes"], serde_json::json!([]), "the user lingers, so it starts with the machine");
    let pid = number(&status["facts"]["pid"]);
    assert_eq!(machine.text(&["ps", "-o", "user=", "-p", &pid]), "ada");
    assert!(machine.tool("ada", &["logs"]).result()["lines"].as_u64() > Some(0), "the journal is shown");
    assert_eq!(machine.tool("ada", &["deploy"]).result()["changed"], false);
    machine.put_matrix("/home/ada/matrix.csv", MATRIX);
    machine.tool("ada", &["import", "/home/ada/matrix.csv"]).result();

    machine.text(&["kill", "-s", "KILL", &pid]);
    until("the user's systemd has started the server again", || {
        let status = machine.tool("ada", &["status"]).result();
        status["healthy"] == true && status["facts"]["pid"] != pid
    });
    machine.restart();
    until("the server is back", || machine.is_healthy("ada"));
    assert_eq!(export(machine, "ada"), MATRIX);

    machine.text(&["loginctl", "disable-linger", "ada"]);
    until("the user's service manager has ended", || !machine.is_healthy("ada"));
    machine.text(&["loginctl", "enable-linger", "ada"]);
    until("the server is back", || machine.is_healthy("ada"));
    machine.tool("ada", &["remove", "--purge", "--confirm", "rtmx"]).result();
    assert_ne!(machine.run(&["test", "-e", USER_ROOT]).code, 0, "no data is left");
    assert_eq!(machine.text(&["find", "/home/ada/.config", "-name", "rtmx*"]), "", "nor a unit");
    assert_ne!(machine.run(&["pgrep", "rtmx-server"]).code, 0, "nor a server");
}

fn is_found(machine: &Machine) {
    machine.add_user("ada");
    machine.tool("ada", &["deploy"]).result();
    let own = machine.tool("ada", &["status"]).result();
    let through_sudo = machine.sudo_tool("ada", &["status"]).result();
    assert_eq!(through_sudo, own, "root sees the same");
    assert!(machine.sudo_tool("ada", &["logs"]).result()["lines"].as_u64() > Some(0), "and its log");
    let refused = machine.sudo_tool("ada", &["deploy"]);
    assert_code(refused.error_code(), deploy::OWNER_DIFFERS);

    // Root by itself has no reason to mean this one, but is told of it.
    let unknown = machine.tool("root", &["status"]);
    assert_code(unknown.error_code(), tool::INSTALLATION_NOT_FOUND);
    let next = unknown.error()["next"].as_str().unwrap_or_default().to_owned();
    assert!(next.contains("--home /home/ada/.local/share/rtmx"), "{next}");
    let named = machine.result(&["--home", "/home/ada/.local/share/rtmx", "status"]);
    assert_eq!(named["facts"], own["facts"]);
    machine.tool("ada", &["remove", "--purge", "--confirm", "rtmx"]).result();

    // The other way round: the machine's installation, seen by a user who does not use `sudo`.
    machine.sudo_tool("ada", &["deploy"]).result();
    let seen = machine.tool("ada", &["status"]).result();
    assert_eq!(
        (&seen["healthy"], &seen["facts"]["service"]),
        (&true.into(), &"system unit".into()),
        "{seen}"
    );
    let refused = machine.tool("ada", &["deploy"]);
    assert_code(refused.error_code(), deploy::OWNER_DIFFERS);
    assert_ne!(machine.run(&["test", "-e", USER_ROOT]).code, 0, "nothing new was made");
}

/// The matrix as this user exports it.
#[track_caller]
fn export(machine: &Machine, user: &str) -> String {
    machine.tool(user, &["export", "--to", "/tmp/export.csv"]).result();
    machine.text(&["cat", "/tmp/export.csv"]) + "\n"
}

/// A process number, as the tool shows it.
fn number(pid: &Value) -> String {
    pid.as_str().map_or_else(|| pid.to_string(), str::to_owned)
}
