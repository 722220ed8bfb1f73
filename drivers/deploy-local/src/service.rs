//! What keeps the server running: a unit of the system, a unit of the user, or RTMX's own
//! supervisor.

use crate::layout::Layout;
use crate::{supervised, systemd};
use rtmx_core::Result;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What keeps the server running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    /// A systemd unit of the machine; starts with it.
    System,
    /// A systemd unit of the user; starts when the user logs in, or with the machine if lingering.
    User,
    /// RTMX's own supervisor; ends with the machine.
    Supervisor,
}

/// The service of one installation.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) kind: ServiceKind,
    pub(crate) name: String,
    pub(crate) layout: Layout,
    pub(crate) user_units: Option<PathBuf>,
}

/// How a service is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceStatus {
    /// Whether it is meant to run, also while it waits to start the server again.
    pub(crate) running: bool,
    /// The server's process, if one lives.
    pub(crate) pid: Option<i32>,
    /// How often the server ended without being asked to, since the service was started.
    pub(crate) failures: u32,
    /// Whether it has given up.
    pub(crate) given_up: bool,
}

impl ServiceKind {
    /// The best that this machine and this user have.
    pub(crate) fn found() -> ServiceKind {
        if !Path::new("/run/systemd/system").is_dir() {
            return ServiceKind::Supervisor;
        }
        if rustix::process::geteuid().is_root() {
            let usable = systemd::answers(ServiceKind::System);
            return if usable { ServiceKind::System } else { ServiceKind::Supervisor };
        }
        if systemd::answers(ServiceKind::User) { ServiceKind::User } else { ServiceKind::Supervisor }
    }

    /// What it is, for people.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            ServiceKind::System => "system unit",
            ServiceKind::User => "user unit",
            ServiceKind::Supervisor => "own supervisor",
        }
    }

    /// What the operator should know about it.
    pub(crate) fn note(self, root: &Path) -> Option<String> {
        match self {
            ServiceKind::System => None,
            ServiceKind::User => Some(
                "it starts when this user logs in; to start it with the machine, run `loginctl enable-linger`".into(),
            ),
            ServiceKind::Supervisor => Some(format!(
                "it does not survive a reboot, because no service manager runs here; to start it with the machine, \
                 let the machine run `{} supervise {}` at its start",
                root.join("current").join(Layout::TOOL).display(),
                root.display()
            )),
        }
    }
}

impl Service {
    /// The unit's file; `None` for the supervisor.
    pub(crate) fn unit_path(&self) -> Option<PathBuf> {
        let folder = match self.kind {
            ServiceKind::System => Path::new("/etc/systemd/system"),
            ServiceKind::User => self.user_units.as_deref()?,
            ServiceKind::Supervisor => return None,
        };
        Some(folder.join(self.unit_name()))
    }

    /// The unit's name.
    pub(crate) fn unit_name(&self) -> String {
        if self.name == "rtmx" { "rtmx.service".into() } else { format!("rtmx-{}.service", self.name) }
    }

    pub(crate) async fn status(&self) -> Result<ServiceStatus> {
        match self.kind {
            ServiceKind::Supervisor => Ok(supervised::status(&self.layout)),
            kind => systemd::status(kind, &self.unit_name()).await,
        }
    }

    pub(crate) async fn start(&self) -> Result<()> {
        match self.kind {
            ServiceKind::Supervisor => supervised::start(&self.layout).await,
            kind => systemd::run(kind, &["start", &self.unit_name()]).await,
        }
    }

    pub(crate) async fn stop(&self) -> Result<()> {
        match self.kind {
            ServiceKind::Supervisor => supervised::stop(&self.layout).await,
            kind => systemd::run(kind, &["stop", &self.unit_name()]).await,
        }
    }

    /// What a person would type to do `verb`.
    pub(crate) fn command(&self, verb: &str) -> String {
        match (self.kind, verb) {
            (ServiceKind::System, _) => format!("systemctl {verb} {}", self.unit_name()),
            (ServiceKind::User, _) => format!("systemctl --user {verb} {}", self.unit_name()),
            (ServiceKind::Supervisor, "stop") => {
                format!(
                    "kill $(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/' {}/supervisor.json)",
                    self.layout.run().display()
                )
            }
            (ServiceKind::Supervisor, _) => {
                let tool = self.layout.current().join(Layout::TOOL);
                let root = self.layout.root().display();
                format!("setsid {} supervise {root} </dev/null >/dev/null 2>&1 &", tool.display())
            }
        }
    }
}
