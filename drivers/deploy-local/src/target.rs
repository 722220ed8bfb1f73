//! The target: each method of the family's trait, handed on to where its work is done.

use crate::config_file::{config_text, environment, environment_text, parse_environment};
use crate::durable;
use crate::layout::Layout;
use crate::logs;
use crate::ready::{self, Place};
use crate::remembered::{Remembered, Standing};
use crate::service::{Service, ServiceKind};
use crate::settings::LocalSettings;
use crate::steps::{Action, system_user};
use crate::unit::unit_text;
use async_trait::async_trait;
use rtmx_core::{Cx, Error, Result, deploy};
use rtmx_deploy::{
    DeployCapability, DeployTarget, FileKind, Goal, HistoryEntry, Inspection, Installed, LogRequest, LogSink,
    Owner, Part, Plan, Progress, RecordAnswer, RecordCall, Release, Rendered, RenderedFile, Step, StepState,
    Task, TaskOutput, Writers,
};
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

/// The setting with which a server speaks TLS.
const TLS: &str = "server.tls_cert";

/// How much of a task's output is kept.
const OUTPUT_LIMIT_BYTES: usize = 64 * 1024;

/// One installation on this machine.
#[derive(Debug)]
pub(crate) struct LocalTarget {
    pub(crate) settings: LocalSettings,
    pub(crate) layout: Layout,
}

impl LocalTarget {
    pub(crate) fn new(settings: LocalSettings) -> Self {
        let layout = Layout::new(&settings.home, &settings.name);
        LocalTarget { settings, layout }
    }

    pub(crate) fn service(&self, kind: ServiceKind) -> Service {
        Service {
            kind,
            name: self.settings.name.clone(),
            layout: self.layout.clone(),
            user_units: self.settings.user_units.clone(),
        }
    }

    /// Who owns the installation's folder.
    pub(crate) fn owner(&self) -> Owner {
        let Ok(found) = fs::metadata(self.layout.root()) else { return Owner::Nobody };
        let own = rustix::process::geteuid().as_raw();
        if found.uid() == own {
            return Owner::Engine;
        }
        Owner::Other(if found.uid() == 0 {
            "root".into()
        } else {
            format!("the user with id {}", found.uid())
        })
    }

    /// Where a release of these settings answers.
    pub(crate) fn address(remembered: &Remembered) -> SocketAddr {
        let listen = remembered.settings.get("server.listen");
        let plain = listen.and_then(|value| match value {
            rtmx_deploy::SettingValue::Plain(value) => value.as_str()?.parse().ok(),
            rtmx_deploy::SettingValue::Secret(_) => None,
        });
        plain.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)))
    }

    /// Where a release of these settings is asked whether it is ready.
    pub(crate) fn place(&self, remembered: &Remembered) -> Place {
        match remembered.settings.contains_key(TLS) {
            true => Place::Socket(self.layout.data().join("admin.sock")),
            false => Place::Address(Self::address(remembered)),
        }
    }

    async fn installed(&self, remembered: Remembered) -> Result<Installed> {
        let service = self.service(remembered.service);
        let status = service.status().await?;
        let address = ready::reachable(Self::address(&remembered));
        let answer = ready::ask(&self.place(&remembered)).await;
        let state = match (&answer, status.running) {
            // Somebody else answers there.
            (Ok(()), false) => "stopped".to_owned(),
            (Ok(()), true) => "ready".to_owned(),
            (Err(reason), true) => reason.clone(),
            (Err(_), false) => "stopped".to_owned(),
        };
        let scheme = if remembered.settings.contains_key(TLS) { "https" } else { "http" };
        let digest = remembered.artifacts.iter().find(|artifact| artifact.name == Layout::SERVER);
        let part = Part {
            name: "server".into(),
            ready: answer.is_ok() && status.running,
            image: digest.map(|artifact| artifact.digest.clone()).unwrap_or_default(),
            state,
        };
        let mut facts = BTreeMap::from([
            ("data".to_owned(), self.layout.data().display().to_string()),
            ("config".to_owned(), self.layout.config_file().display().to_string()),
            ("service".to_owned(), remembered.service.in_words().to_owned()),
        ]);
        if let Some(pid) = status.pid {
            facts.insert("pid".into(), pid.to_string());
        }
        if status.failures > 0 {
            facts.insert("restarts".into(), status.failures.to_string());
        }
        Ok(Installed {
            name: remembered.name,
            target: "local".into(),
            application: remembered.application,
            version: remembered.version,
            release: remembered.release,
            url: format!("{scheme}://{address}"),
            settings: remembered.settings,
            parts: vec![part],
            facts,
            notes: remembered.service.note(&self.layout).into_iter().collect(),
        })
    }

    fn read_history(&self, limit: usize) -> Result<Vec<HistoryEntry>> {
        let path = self.layout.history();
        let text = durable::read_text(&path)?.unwrap_or_default();
        let mut entries = Vec::new();
        for (number, line) in text.lines().enumerate() {
            match serde_json::from_str(line) {
                Ok(entry) => entries.push(entry),
                // The last line was being written when the machine stopped.
                Err(_) if !text.ends_with('\n') && number + 1 == text.lines().count() => {}
                Err(error) => {
                    let message = format!("could not understand line {} of {}", number + 1, path.display());
                    return Err(Error::new(deploy::INSTALLATION_DAMAGED, message).with_source(error));
                }
            }
        }
        entries.reverse();
        entries.truncate(limit);
        Ok(entries)
    }

    fn append_history(&self, entry: &HistoryEntry) -> Result<()> {
        if !self.layout.root().is_dir() {
            // Nothing was installed, so there is nothing to have a history.
            return Ok(());
        }
        let line = serde_json::to_string(entry).expect("it holds only strings and numbers");
        let path = self.layout.history();
        // A line that was being written when the machine stopped says nothing.
        if let Some(text) = durable::read_text(&path)?.filter(|text| !text.ends_with('\n')) {
            let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
            durable::write(&path, whole.as_bytes(), 0o644)?;
        }
        durable::append_line(&path, &line)
    }
}

#[async_trait]
impl DeployTarget for LocalTarget {
    fn capability(&self) -> DeployCapability {
        let mut capability = DeployCapability::NONE;
        capability.tasks = true;
        capability.follow_logs = true;
        capability
    }

    fn render(&self, release: &Release) -> Result<Rendered> {
        let layout = &self.layout;
        let kind = self.settings.service.unwrap_or(ServiceKind::System);
        let low = release.ports.iter().any(|port| port.port < 1024);
        let environment = environment(&release.settings, layout);
        let mut files = vec![
            RenderedFile {
                path: "rtmx.toml".into(),
                content: config_text(&release.settings, &layout.data()),
                kind: FileKind::Ours,
            },
            RenderedFile {
                path: "server.env".into(),
                content: environment_text(&environment),
                kind: FileKind::Ours,
            },
        ];
        if kind != ServiceKind::Supervisor {
            let content = unit_text(kind, &self.settings.name, layout, low);
            files.push(RenderedFile { path: self.service(kind).unit_name(), content, kind: FileKind::Ours });
        }
        Ok(Rendered { files })
    }

    async fn inspect(&self, _: &Cx) -> Result<Inspection> {
        let remembered = Remembered::read(&self.layout)?;
        let remembered_settings = remembered.as_ref().map(|it| it.settings.clone()).unwrap_or_default();
        let installed = match remembered.filter(|it| it.standing == Standing::Installed) {
            Some(remembered) => Some(self.installed(remembered).await?),
            None => None,
        };
        let owner = if installed.is_some() { self.owner() } else { Owner::Nobody };
        Ok(Inspection { owner, installed, remembered_settings })
    }

    async fn plan(&self, _: &Cx, goal: &Goal) -> Result<Plan> {
        self.make_plan(goal).await
    }

    async fn run(&self, cx: &Cx, step: &Step, progress: &dyn Progress) -> Result<()> {
        self.run_action(cx, &Action::of(step)?, progress).await
    }

    async fn probe(&self, _: &Cx, step: &Step) -> Result<StepState> {
        self.probe_action(&Action::of(step)?).await
    }

    async fn undo(&self, _: &Cx, step: &Step) -> Result<()> {
        self.undo_action(&Action::of(step)?).await
    }

    async fn run_task(&self, _: &Cx, task: &Task) -> Result<TaskOutput> {
        let program = self.layout.release(&task.release).join(Layout::SERVER);
        let environment = durable::read_text(&self.layout.environment_file())?.unwrap_or_default();
        let mut command = tokio::process::Command::new(&program);
        command.arg("--config").arg(self.layout.config_file()).args(&task.arguments);
        command.current_dir(self.layout.root()).env_clear().envs(parse_environment(&environment));
        command.stdin(Stdio::null()).kill_on_drop(true);
        let kind = Remembered::read(&self.layout)?.map(|it| it.service);
        let kind = kind.or(self.settings.service).unwrap_or_else(ServiceKind::found);
        if let Some((uid, gid)) = system_user().filter(|_| kind == ServiceKind::System) {
            command.uid(uid).gid(gid);
        }
        let output = command.output().await.map_err(|error| {
            let message = format!("could not start {} for the task `{}`", program.display(), task.name);
            Error::new(deploy::TASK_FAILED, message).with_source(error)
        })?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said[said.len().saturating_sub(OUTPUT_LIMIT_BYTES)..]);
        Ok(TaskOutput { status: output.status.code(), output: said.trim().to_owned() })
    }

    async fn writers(&self, _: &Cx, want: Writers) -> Result<()> {
        let Some(remembered) = Remembered::read(&self.layout)? else { return Ok(()) };
        let service = self.service(remembered.service);
        match want {
            Writers::Stop => service.stop().await,
            Writers::Start => service.start().await,
        }
    }

    async fn record(&self, _: &Cx, call: &RecordCall) -> Result<RecordAnswer> {
        match call {
            RecordCall::Append(entry) => self.append_history(entry).map(|()| RecordAnswer::Written),
            RecordCall::History { limit } => self.read_history(*limit).map(RecordAnswer::History),
            _ => {
                let message = "the target `local` does not keep this record";
                Err(Error::new(rtmx_core::storage::NOT_SUPPORTED, message))
            }
        }
    }

    async fn logs(&self, cx: &Cx, request: LogRequest, sink: &mut dyn LogSink) -> Result<()> {
        let Some(remembered) = Remembered::read(&self.layout)? else { return Ok(()) };
        logs::hand_over(cx, &self.service(remembered.service), request, sink).await
    }
}
