//! What keeps the server running: a unit of the system, a unit of the user, or RTMX's own
//! supervisor.

use crate::layout::Layout;
use crate::supervised;
use crate::systemd::Manager;
use rtmx_core::Result;
use serde::{Deserialize, Serialize};
use std::fs;
use std::os::unix::fs::MetadataExt;
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
            let usable = Manager::Machine.answers();
            return if usable { ServiceKind::System } else { ServiceKind::Supervisor };
        }
        if Manager::of_this_user().answers() { ServiceKind::User } else { ServiceKind::Supervisor }
    }

    /// What it is, for people.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            ServiceKind::System => "system unit",
            ServiceKind::User => "user unit",
            ServiceKind::Supervisor => "own supervisor",
        }
    }

    /// The service manager of an installation of this kind; `None` for the supervisor.
    ///
    /// A user's units belong to who owns the installation, also when root looks at it.
    pub(crate) fn manager(self, layout: &Layout) -> Option<Manager> {
        match self {
            ServiceKind::System => Some(Manager::Machine),
            ServiceKind::User => Some(match fs::metadata(layout.root()) {
                Ok(found) => Manager::User { uid: found.uid(), gid: found.gid() },
                Err(_) => Manager::of_this_user(),
            }),
            ServiceKind::Supervisor => None,
        }
    }

    /// What the operator should know about it.
    pub(crate) fn note(self, layout: &Layout) -> Option<String> {
        let root = layout.root();
        match self {
            ServiceKind::System => None,
            ServiceKind::User if self.manager(layout).is_some_and(Manager::outlives_sessions) => None,
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

    /// Its service manager; `None` for the supervisor.
    pub(crate) fn manager(&self) -> Option<Manager> {
        self.kind.manager(&self.layout)
    }

    pub(crate) async fn status(&self) -> Result<ServiceStatus> {
        match self.manager() {
            None => Ok(supervised::status(&self.layout)),
            Some(manager) => manager.status(&self.unit_name()).await,
        }
    }

    pub(crate) async fn start(&self) -> Result<()> {
        match self.manager() {
            None => supervised::start(&self.layout).await,
            Some(manager) => manager.run(&["start", &self.unit_name()]).await,
        }
    }

    pub(crate) async fn stop(&self) -> Result<()> {
        match self.manager() {
            None => supervised::stop(&self.layout).await,
            Some(manager) => manager.run(&["stop", &self.unit_name()]).await,
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
