//! All talk with systemd, through `systemctl`.

use crate::service::{ServiceKind, ServiceStatus};
use rtmx_core::{Error, Result, deploy};
use std::collections::BTreeMap;
use std::process::{Output, Stdio};
use tokio::process::Command;

/// Whether the service manager of this kind can be used.
pub(crate) fn answers(kind: ServiceKind) -> bool {
    let mut command = std::process::Command::new("systemctl");
    command.args(scope(kind)).args(["show", "--property=Version"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Runs `systemctl` and fails with what it says.
pub(crate) async fn run(kind: ServiceKind, arguments: &[&str]) -> Result<()> {
    let output = call(kind, arguments).await?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let message = format!("`systemctl {}` failed", arguments.join(" "));
    Err(Error::new(deploy::SERVICE_FAILED, message).with_source(said))
}

/// How a unit is doing.
pub(crate) async fn status(kind: ServiceKind, unit: &str) -> Result<ServiceStatus> {
    let output = call(kind, &["show", "--property=ActiveState,MainPID,NRestarts", unit]).await?;
    Ok(parse_show(&String::from_utf8_lossy(&output.stdout)))
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

async fn call(kind: ServiceKind, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new("systemctl");
    command.args(scope(kind)).arg("--no-pager").args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await;
    output.map_err(|error| Error::new(deploy::SERVICE_FAILED, "could not run `systemctl`").with_source(error))
}

fn scope(kind: ServiceKind) -> &'static [&'static str] {
    if kind == ServiceKind::User { &["--user"] } else { &[] }
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
