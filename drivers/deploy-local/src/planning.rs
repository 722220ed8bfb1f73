//! Plans: the difference between what is and what should be, as words and as steps.

use crate::config_file::{config_text, environment, environment_text};
use crate::durable;
use crate::layout::Layout;
use crate::preflight::Listen;
use crate::ready;
use crate::remembered::{Remembered, Standing};
use crate::service::{Service, ServiceKind, ServiceStatus};
use crate::steps::{Action, ManagedFile, is_whole};
use crate::target::LocalTarget;
use crate::unit::{SYSTEM_USER, unit_text};
use rtmx_core::{Error, Result, deploy, storage};
use rtmx_deploy::{
    DataFate, Goal, Outage, Owner, Plan, PlannedChange, Release, SecretRef, SettingValue, Step, Undo,
};
use std::collections::{BTreeMap, BTreeSet};

/// How long a restart takes, about: stopping, a migration of nothing, starting.
const RESTART_ABOUT_S: u32 = 3;

impl LocalTarget {
    pub(crate) async fn make_plan(&self, goal: &Goal) -> Result<Plan> {
        let remembered = Remembered::read(&self.layout)?;
        if let Owner::Other(owner) = self.owner() {
            let message = format!("cannot change {}: it belongs to {owner}", self.layout.root().display());
            return Err(Error::new(deploy::OWNER_DIFFERS, message).with("owner", owner));
        }
        let mut plan = Plan {
            format: Plan::FORMAT,
            target: "local".into(),
            installation: self.settings.name.clone(),
            goal: goal.clone(),
            changes: Vec::new(),
            outage: None,
            steps: Vec::new(),
        };
        match goal {
            Goal::Running(release) => self.plan_running(release, remembered, &mut plan).await?,
            Goal::Removed(fate) => self.plan_removed(*fate, remembered, &mut plan).await?,
        }
        Ok(plan)
    }

    async fn plan_running(
        &self,
        release: &Release,
        before: Option<Remembered>,
        plan: &mut Plan,
    ) -> Result<()> {
        let layout = &self.layout;
        let installed = before.as_ref().filter(|it| it.standing == Standing::Installed);
        self.refuse_to_change_the_version(release, installed)?;
        self.refuse_if_the_data_is_gone(before.as_ref())?;

        let kind = self.choose_service(before.as_ref());
        let old_service = self.service(installed.map_or(kind, |it| it.service));
        let old_status = match installed {
            Some(_) => old_service.status().await?,
            None => ServiceStatus { running: false, pid: None, failures: 0, given_up: false },
        };
        let alive = old_status.running || old_status.pid.is_some();
        let wanted = Remembered {
            format: Remembered::FORMAT,
            name: self.settings.name.clone(),
            application: release.application.clone(),
            standing: Standing::Installed,
            version: release.version.clone(),
            release: release.id(),
            artifacts: release.artifacts.clone(),
            settings: kept(&release.settings),
            service: kind,
            data: None,
        };
        // What runs is asked where it listens now; a new address is a change of the files below.
        let present = self.place(installed.unwrap_or(&wanted));
        let ready = alive && ready::ask(&present).await.is_ok();
        let place = self.place(&wanted);

        let secrets: Vec<String> =
            secret_keys(&release.settings).filter(|key| !self.secret_is_kept(key)).collect();
        let files = self.changed_files(release, kind)?;
        let has_release = is_whole(&layout.release(&wanted.release), &wanted.artifacts);
        let switched = self.current_release().as_deref() == Some(wanted.release.as_str());
        let same_service = installed.is_none_or(|it| it.service == kind);
        let changed = !(has_release && switched && same_service && files.is_empty() && secrets.is_empty());
        let same_record = installed.is_some_and(|it| it.agrees_with(&wanted));
        if !changed && ready && old_status.running && same_record {
            return Ok(());
        }

        self.describe(installed, &wanted, &secrets, &files, plan);
        if alive && !(ready && old_status.running) {
            plan.changes.push(PlannedChange::changed("server", "not ready", "ready"));
        } else if !alive {
            plan.changes.push(PlannedChange::changed("server", "stopped", "ready"));
        }
        if old_status.running {
            plan.outage = Some(Outage {
                parts: vec!["server".into()],
                about_s: RESTART_ABOUT_S,
                why: "SQLite has one writer, so the server stops before the new one starts".into(),
            });
        }

        let listens = self.new_listens(release, installed.filter(|_| alive));
        let (version, artifacts) = (release.version.clone(), release.artifacts.clone());
        self.push(plan, Action::Preflight { version, artifacts: artifacts.clone(), listens });
        if kind == ServiceKind::System {
            self.push(plan, Action::CreateUser);
        }
        self.push(plan, Action::MakeFolders { service: kind });
        self.push(plan, Action::InstallRelease { release: wanted.release.clone(), artifacts });
        if alive {
            self.push(plan, Action::StopServer { service: old_service.kind });
        }
        if !same_service {
            self.push_unit_removal(plan, &old_service)?;
        }
        if !secrets.is_empty() {
            self.push(plan, Action::WriteSecrets { service: kind, keys: secrets });
        }
        for (file, text, before) in &files {
            let (file, text, before) = (*file, Some(text.clone()), before.clone());
            self.push(plan, Action::WriteFile { service: kind, file, text, before });
        }
        self.push(plan, Action::Migrate { release: wanted.release.clone() });
        if !switched {
            let (to, before) = (Some(wanted.release.clone()), self.current_release());
            self.push(plan, Action::SwitchRelease { to, before });
        }
        if kind != ServiceKind::Supervisor {
            self.push(plan, Action::Enable { service: kind });
        }
        self.push(plan, Action::StartServer { service: kind });
        self.push(plan, Action::AwaitReady { service: kind, place, within_s: self.settings.ready_within_s });
        self.push(plan, Action::Remember { what: Box::new(wanted), before: before.map(Box::new) });
        Ok(())
    }

    async fn plan_removed(&self, fate: DataFate, before: Option<Remembered>, plan: &mut Plan) -> Result<()> {
        let Some(before) = before else {
            if fate == DataFate::Purge && self.layout.root().exists() {
                let root = self.layout.root().display().to_string();
                plan.changes.push(PlannedChange::removed("what is left of an installation", root));
                self.push(plan, Action::RemoveAll);
            }
            return Ok(());
        };
        let service = self.service(before.service);
        if before.standing == Standing::Installed {
            let status = service.status().await?;
            if status.running {
                plan.outage = Some(Outage {
                    parts: vec!["server".into()],
                    about_s: 0,
                    why: "it is removed and does not come back by itself".into(),
                });
            }
            plan.changes.push(PlannedChange::removed("release", &before.release));
            plan.changes.push(PlannedChange::removed("service", before.service.in_words()));
            if status.running || status.pid.is_some() {
                self.push(plan, Action::StopServer { service: before.service });
            }
            self.push_unit_removal(plan, &service)?;
        }
        match fate {
            DataFate::Purge => {
                let data = self.layout.data().display().to_string();
                plan.changes.push(PlannedChange::removed("data, configuration, logs and history", data));
                self.push(plan, Action::RemoveAll);
            }
            DataFate::Keep if before.standing == Standing::Installed => {
                let what = Remembered { standing: Standing::Removed, ..before.clone() };
                let current = self.current_release();
                self.push(plan, Action::Remember { what: Box::new(what), before: Some(Box::new(before)) });
                self.push(plan, Action::SwitchRelease { to: None, before: current });
                self.push(plan, Action::RemoveReleases);
            }
            DataFate::Keep => {}
        }
        Ok(())
    }

    fn refuse_to_change_the_version(&self, release: &Release, installed: Option<&Remembered>) -> Result<()> {
        let Some(installed) = installed.filter(|it| it.version != release.version) else { return Ok(()) };
        let (old, new) = (&installed.version, &release.version);
        let message = format!("cannot deploy version {new} over version {old} of `{}`", installed.name);
        Err(Error::new(deploy::VERSION_DIFFERS, message).with("installed", old).with("version", new))
    }

    /// An installation that had data must not come up empty and look like new.
    fn refuse_if_the_data_is_gone(&self, before: Option<&Remembered>) -> Result<()> {
        let mark = before.and_then(|it| Some((&it.name, it.data.as_ref()?)));
        let Some((name, file)) = mark.and_then(|(name, mark)| Some((name, mark.file.as_ref()?))) else {
            return Ok(());
        };
        if file.exists() {
            return Ok(());
        }
        let message = format!("`{name}` had data in {}, and the file is gone", file.display());
        let next = format!(
            "Put the data back: `rtmxctl --name {name} backup list`, then `backup restore FILE`. Or give it \
             up and begin anew: `rtmxctl --name {name} remove --purge --confirm {name}`, then deploy again."
        );
        Err(Error::new(storage::DATA_GONE, message).with_state("nothing was changed").with_next(next))
    }

    fn choose_service(&self, before: Option<&Remembered>) -> ServiceKind {
        let found = ServiceKind::found();
        let usable = |kind: &ServiceKind| *kind == ServiceKind::Supervisor || *kind == found;
        self.settings.service.or(before.map(|it| it.service).filter(usable)).unwrap_or(found)
    }

    /// The files whose text differs from what it should be, with the text they have.
    fn changed_files(
        &self,
        release: &Release,
        kind: ServiceKind,
    ) -> Result<Vec<(ManagedFile, String, Option<String>)>> {
        let layout = &self.layout;
        let low_port = release.ports.iter().any(|port| port.port < 1024);
        let mut wanted = vec![
            (ManagedFile::Config, config_text(&release.settings, &layout.data())),
            (ManagedFile::Environment, environment_text(&environment(&release.settings, layout))),
        ];
        if kind != ServiceKind::Supervisor {
            wanted.push((ManagedFile::Unit, unit_text(kind, &self.settings.name, layout, low_port)));
        }
        let mut changed = Vec::new();
        for (file, text) in wanted {
            let before = durable::read_text(&self.path_of(kind, file)?)?;
            if before.as_deref() != Some(text.as_str()) {
                changed.push((file, text, before));
            }
        }
        Ok(changed)
    }

    /// The addresses that the release listens on, without those that the running server holds.
    fn new_listens(&self, release: &Release, running: Option<&Remembered>) -> Vec<Listen> {
        let old_metrics = running.and_then(|it| it.settings.get("metrics.port"));
        let is_old = |name: &str, address: &std::net::SocketAddr| match name {
            "metrics" => old_metrics == Some(&SettingValue::Plain(address.port().into())),
            _ => running.is_some_and(|it| LocalTarget::address(it).port() == address.port()),
        };
        let listen = |port: &rtmx_deploy::Port| {
            let address = format_address(&port.address, port.port).parse().ok()?;
            (!is_old(&port.name, &address)).then(|| Listen { name: port.name.clone(), address })
        };
        release.ports.iter().filter_map(listen).collect()
    }

    fn describe(
        &self,
        before: Option<&Remembered>,
        wanted: &Remembered,
        secrets: &[String],
        files: &[(ManagedFile, String, Option<String>)],
        plan: &mut Plan,
    ) {
        let changes = &mut plan.changes;
        let mut compare = |what: String, from: Option<String>, to: Option<String>| {
            if from != to {
                changes.push(PlannedChange { what, from, to });
            }
        };
        compare("release".into(), before.map(|it| it.release.clone()), Some(wanted.release.clone()));
        let service = |it: &Remembered| it.service.in_words().to_owned();
        compare("service".into(), before.map(service), Some(service(wanted)));
        let none = BTreeMap::new();
        let old = before.map_or(&none, |it| &it.settings);
        let keys: BTreeSet<&String> = old.keys().chain(wanted.settings.keys()).collect();
        let mut settings_changed = !secrets.is_empty();
        for key in keys {
            let (from, to) = (old.get(key).map(in_words), wanted.settings.get(key).map(in_words));
            settings_changed |= from != to;
            compare(format!("setting {key}"), from, to);
        }
        for key in secrets.iter().filter(|key| old.contains_key(*key)) {
            compare(format!("secret {key}"), Some("the value it had".into()), Some("the given value".into()));
        }
        for (file, _, text) in files {
            let path = self.path_of(wanted.service, *file).unwrap_or_default().display().to_string();
            if text.is_none() && before.is_some() {
                compare(format!("file {path}"), None, Some("written again".into()));
            } else if text.is_some() && !settings_changed && before.is_some() {
                compare(format!("file {path}"), Some("edited".into()), Some("as deployed".into()));
            }
        }
    }

    fn push_unit_removal(&self, plan: &mut Plan, service: &Service) -> Result<()> {
        let Some(path) = service.unit_path() else { return Ok(()) };
        let before = durable::read_text(&path)?;
        if before.is_some() {
            let (service, file) = (service.kind, ManagedFile::Unit);
            self.push(plan, Action::Disable { service });
            self.push(plan, Action::WriteFile { service, file, text: None, before });
        }
        Ok(())
    }

    #[expect(clippy::needless_pass_by_value, reason = "an action is made for its step and used up by it")]
    fn push(&self, plan: &mut Plan, action: Action) {
        let (title, undo, commands) = self.wording(&action);
        let value = serde_json::to_value(&action).expect("it holds only strings and numbers");
        let kind = value["kind"].as_str().unwrap_or_default().to_owned();
        let args = value.get("args").cloned().unwrap_or_default();
        let undo = match undo {
            Ok(restores) => Undo::Restores(restores.into()),
            Err(why) => Undo::Nothing(why.into()),
        };
        let id = format!("{:02}-{}", plan.steps.len() + 1, kind.replace('_', "-"));
        plan.steps.push(Step { id, kind, title, args, undo, commands });
    }

    /// What a step is called, what its undo restores (or why there is none), and what a person would
    /// type instead.
    fn wording(
        &self,
        action: &Action,
    ) -> (String, std::result::Result<&'static str, &'static str>, Vec<String>) {
        let layout = &self.layout;
        let root = layout.root().display();
        let say = |service: &ServiceKind, verb: &str| vec![self.service(*service).command(verb)];
        match action {
            Action::Preflight { .. } => {
                ("check programs, disk and ports".into(), Err("it only looks"), vec![])
            }
            Action::CreateUser => (
                format!("create the system user `{SYSTEM_USER}`"),
                Err("the user owns nothing else and does no harm"),
                vec![format!(
                    "useradd --system --user-group --no-create-home --shell /usr/sbin/nologin {SYSTEM_USER}"
                )],
            ),
            Action::MakeFolders { .. } => (
                format!("make the folders in {root}"),
                Err("empty folders do no harm, and data stays"),
                vec![format!(
                    "mkdir -p {root}/releases {root}/config/secrets {root}/data {root}/logs {root}/run"
                )],
            ),
            Action::InstallRelease { release, artifacts } => {
                let from = self.settings.binaries.display();
                let copy = |it: &rtmx_deploy::Artifact| {
                    format!("install -D -m 755 {from}/{} {root}/releases/{release}/{0}", it.name)
                };
                (
                    format!("install release {release}"),
                    Ok("no such release"),
                    artifacts.iter().map(copy).collect(),
                )
            }
            Action::StopServer { service } => {
                ("stop the server".into(), Ok("the server running"), say(service, "stop"))
            }
            Action::WriteSecrets { keys, .. } => {
                let command =
                    |key: &String| format!("install -m 600 VALUE-FILE {}", layout.secret(key).display());
                let title = format!("write the secrets {}", keys.join(", "));
                (title, Ok("the secrets before"), keys.iter().map(command).collect())
            }
            Action::WriteFile { service, file, text, .. } => {
                let path = self.path_of(*service, *file).unwrap_or_default();
                let verb = if text.is_some() { "write" } else { "remove" };
                let command = match text {
                    Some(text) => format!("cat > {} <<'END'\n{text}END", path.display()),
                    None => format!("rm -f {}", path.display()),
                };
                (format!("{verb} {}", path.display()), Ok("the file before"), vec![command])
            }
            Action::Migrate { release } => (
                "bring the database's schema forward".into(),
                Err("schemas only expand, and the version before reads them too"),
                vec![format!(
                    "{} --config {} migrate",
                    layout.release(release).join(Layout::SERVER).display(),
                    layout.config_file().display()
                )],
            ),
            Action::SwitchRelease { to: Some(release), .. } => (
                format!("switch to release {release}"),
                Ok("the release before"),
                vec![format!("ln -sfn releases/{release} {root}/current")],
            ),
            Action::SwitchRelease { to: None, .. } => (
                "switch to no release".into(),
                Ok("the release before"),
                vec![format!("rm -f {root}/current")],
            ),
            Action::Enable { service } => (
                "let the service start by itself".into(),
                Ok("the service not starting"),
                say(service, "enable"),
            ),
            Action::Disable { service } => (
                "let the service no longer start by itself".into(),
                Ok("the service starting"),
                say(service, "disable"),
            ),
            Action::StartServer { service } => (
                format!("start the server ({})", service.in_words()),
                Ok("the server stopped"),
                say(service, "start"),
            ),
            Action::AwaitReady { place, within_s, .. } => (
                format!("wait until the server is ready (at most {within_s} s)"),
                Err("it only looks"),
                vec![ready::command(place)],
            ),
            Action::Remember { .. } => ("keep a record of it".into(), Ok("the record before"), vec![]),
            Action::RemoveReleases => (
                "remove the programs".into(),
                Err("the programs can be installed again"),
                vec![format!("rm -rf {root}/releases")],
            ),
            Action::RemoveAll => (
                "remove data, configuration, logs and history".into(),
                Err("nothing can bring them back"),
                vec![format!("rm -rf {root}")],
            ),
        }
    }
}

/// The settings as they are remembered: a secret is there, wherever it came from.
fn kept(settings: &BTreeMap<String, SettingValue>) -> BTreeMap<String, SettingValue> {
    let keep = |(key, value): (&String, &SettingValue)| match value {
        SettingValue::Secret(_) => (key.clone(), SettingValue::Secret(SecretRef::Kept)),
        plain => (key.clone(), plain.clone()),
    };
    settings.iter().map(keep).collect()
}

fn secret_keys(settings: &BTreeMap<String, SettingValue>) -> impl Iterator<Item = String> {
    let secrets = settings.iter().filter(|(_, value)| matches!(value, SettingValue::Secret(_)));
    secrets.map(|(key, _)| key.clone())
}

fn in_words(value: &SettingValue) -> String {
    match value {
        SettingValue::Plain(serde_json::Value::String(text)) => text.clone(),
        SettingValue::Plain(value) => value.to_string(),
        SettingValue::Secret(_) => "a secret".to_owned(),
    }
}

fn format_address(address: &str, port: u16) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}
