//! All talk with systemd, through its own programs.

use crate::service::ServiceStatus;
use rtmx_core::{Error, Result, deploy};
use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Output, Stdio};
use tokio::process::Command;

/// A service manager: the machine's, or a user's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manager {
    Machine,
    User { uid: u32, gid: u32 },
}

impl Manager {
    /// That of the user who runs this.
    pub(crate) fn of_this_user() -> Manager {
        Manager::User { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() }
    }

    /// Prepares `systemctl` or `journalctl` to talk to this manager.
    pub(crate) fn command(self, program: &str) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        command.stdin(Stdio::null());
        let Manager::User { uid, gid } = self else { return command };
        command.arg("--user");
        let own = rustix::process::geteuid();
        if own.is_root() && uid != 0 {
            // A user's manager talks to that user only.
            command.uid(uid).gid(gid).env_remove("DBUS_SESSION_BUS_ADDRESS");
        }
        // `su` and `sudo -u` open no session, and so do not say where the manager listens.
        let runtime = format!("/run/user/{uid}");
        if Path::new(&runtime).is_dir() {
            command.env("XDG_RUNTIME_DIR", runtime);
        }
        command
    }

    /// Whether it can be used.
    pub(crate) fn answers(self) -> bool {
        let mut command = self.command("systemctl");
        command.args(["show", "--property=Version"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// Whether it runs from the start of the machine to its end.
    pub(crate) fn outlives_sessions(self) -> bool {
        let Manager::User { uid, .. } = self else { return true };
        let mut command = std::process::Command::new("loginctl");
        command.args(["show-user", "--property=Linger", &uid.to_string()]).stdin(Stdio::null());
        command.output().is_ok_and(|output| output.stdout.trim_ascii() == b"Linger=yes")
    }

    /// Runs `systemctl` and fails with what it says.
    pub(crate) async fn run(self, arguments: &[&str]) -> Result<()> {
        let output = self.call(arguments).await?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let message = format!("`systemctl {}` failed", arguments.join(" "));
        Err(Error::new(deploy::SERVICE_FAILED, message).with_source(said))
    }

    /// How a unit is doing.
    pub(crate) async fn status(self, unit: &str) -> Result<ServiceStatus> {
        let output = self.call(&["show", "--property=ActiveState,MainPID,NRestarts", unit]).await?;
        Ok(parse_show(&String::from_utf8_lossy(&output.stdout)))
    }

    async fn call(self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::from(self.command("systemctl"));
        let output = command.arg("--no-pager").args(arguments).kill_on_drop(true).output().await;
        output.map_err(|error| {
            Error::new(deploy::SERVICE_FAILED, "could not run `systemctl`").with_source(error)
        })
    }
}

fn parse_show(text: &str) -> ServiceStatus {
    let properties: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let state = properties.get("ActiveState").copied().unwrap_or_default();
    let pid = properties.get("MainPID").and_then(|pid| pid.parse().ok()).filter(|pid| *pid > 0);
    let failures = properties.get("NRestarts").and_then(|count| count.parse().ok()).unwrap_or(0);
    ServiceStatus {
        running: matches!(state, "active" | "activating" | "reloading"),
        pid,
        failures,
        given_up: state == "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_show_is_understood() {
        // answer, running, pid, failures, given up
        let cases = [
            ("ActiveState=active\nMainPID=41\nNRestarts=2\n", true, Some(41), 2, false),
            ("ActiveState=activating\nMainPID=0\nNRestarts=3\n", true, None, 3, false),
            ("ActiveState=failed\nMainPID=0\nNRestarts=10\n", false, None, 10, true),
            ("ActiveState=inactive\nMainPID=0\nNRestarts=0\n", false, None, 0, false),
            ("", false, None, 0, false),
        ];
        for (answer, running, pid, failures, given_up) in cases {
            assert_eq!(parse_show(answer), ServiceStatus { running, pid, failures, given_up }, "{answer}");
        }
    }
}
