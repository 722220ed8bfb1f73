//! The supervisor as seen from outside: started, stopped, asked.

use crate::durable;
use crate::layout::Layout;
use crate::process::Process;
use crate::service::ServiceStatus;
use crate::unit::STOP_LIMIT_S;
use rtmx_core::{Error, Result, deploy};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long the supervisor may take to say that it lives.
const START_LIMIT: Duration = Duration::from_secs(10);

/// What the supervisor keeps about the server while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Supervision {
    /// The server's process; `None` while it waits to start it again.
    pub(crate) server: Option<Process>,
    /// How often the server ended without being asked to.
    pub(crate) failures: u32,
}

/// The file in which the supervisor names itself.
pub(crate) fn supervisor_file(layout: &Layout) -> PathBuf {
    layout.run().join("supervisor.json")
}

/// The file in which the supervisor keeps its [`Supervision`].
pub(crate) fn supervision_file(layout: &Layout) -> PathBuf {
    layout.run().join("server.json")
}

pub(crate) fn supervision(layout: &Layout) -> Option<Supervision> {
    serde_json::from_slice(&fs::read(supervision_file(layout)).ok()?).ok()
}

pub(crate) fn status(layout: &Layout) -> ServiceStatus {
    let running = Process::living(&supervisor_file(layout)).is_some();
    let supervision = supervision(layout);
    let server = supervision.as_ref().and_then(|it| it.server.clone()).filter(Process::lives);
    let failures = supervision.map_or(0, |it| it.failures);
    ServiceStatus { running, pid: server.map(|server| server.pid), failures, given_up: false }
}

/// Starts the supervisor in the background; it outlives this process.
pub(crate) async fn start(layout: &Layout) -> Result<()> {
    if Process::living(&supervisor_file(layout)).is_some() {
        return Ok(());
    }
    let tool = layout.current().join(Layout::TOOL);
    let refused = |source: io::Error| {
        let message = format!("could not start the supervisor {}", tool.display());
        Error::new(deploy::SERVICE_FAILED, message).with_source(source)
    };
    let log_path = layout.logs().join("supervisor.log");
    let log = OpenOptions::new().create(true).write(true).truncate(true).open(&log_path);
    let log = log.map_err(|error| durable::failed("write", &log_path, error))?;
    let mut command = Command::new(&tool);
    command.arg("supervise").arg(layout.root()).current_dir(layout.root());
    // What the operator's shell holds must not reach the server, now or after a restart.
    command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    command.stdin(Stdio::null()).stdout(log.try_clone().map_err(refused)?).stderr(log);
    let mut child = command.spawn().map_err(refused)?;
    let deadline = Instant::now() + START_LIMIT;
    while Process::living(&supervisor_file(layout)).is_none() {
        if let Some(status) = child.try_wait().map_err(refused)? {
            let said = fs::read_to_string(&log_path).unwrap_or_default();
            return Err(refused(io::Error::other(format!("it ended with {status}: {}", said.trim()))));
        }
        if Instant::now() >= deadline {
            return Err(refused(io::Error::other("it does not say that it lives")));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Reaped by a thread of its own, so that a host that lives on is left no zombie.
    std::thread::spawn(move || child.wait());
    Ok(())
}

/// Stops the supervisor, which stops the server; then a server that a dead supervisor left.
pub(crate) async fn stop(layout: &Layout) -> Result<()> {
    let limit = Duration::from_secs(u64::from(STOP_LIMIT_S) + 5);
    if let Some(supervisor) = Process::living(&supervisor_file(layout)) {
        end(&supervisor, limit).await?;
    }
    if let Some(server) = supervision(layout).and_then(|it| it.server).filter(Process::lives) {
        end(&server, limit).await?;
    }
    durable::remove(&supervisor_file(layout))?;
    durable::remove(&supervision_file(layout))
}

/// Asks a process to end, and ends it when it does not within the limit.
pub(crate) async fn end(process: &Process, limit: Duration) -> Result<()> {
    let refused = |source: io::Error| {
        let message = format!("could not stop the process {}", process.pid);
        Error::new(deploy::SERVICE_FAILED, message).with_source(source)
    };
    process.signal(Signal::TERM).map_err(refused)?;
    if process.ends_within(limit).await {
        return Ok(());
    }
    process.signal(Signal::KILL).map_err(refused)?;
    if process.ends_within(Duration::from_secs(5)).await {
        return Ok(());
    }
    Err(refused(io::Error::other("it lives on after SIGKILL")))
}
