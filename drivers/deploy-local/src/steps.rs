//! The steps of this target: what each does, how it is probed, and how it is taken back.

use crate::artifacts::Hash;
use crate::durable;
use crate::layout::Layout;
use crate::logs::last_lines;
use crate::preflight::{self, Listen};
use crate::ready::{self, Place};
use crate::remembered::{Remembered, Standing};
use crate::service::{Service, ServiceKind};
use crate::target::LocalTarget;
use crate::unit::SYSTEM_USER;
use rtmx_core::{Cx, Error, Result, deploy};
use rtmx_deploy::{Artifact, DeployTarget, Progress, ProgressEvent, Step, StepState, Task};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A server that ended so often while it was waited for will not become ready.
const HOPELESS_FAILURES: u32 = 5;

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "args", rename_all = "snake_case")]
pub(crate) enum Action {
    Preflight { version: String, artifacts: Vec<Artifact>, listens: Vec<Listen> },
    CreateUser,
    MakeFolders { service: ServiceKind },
    InstallRelease { release: String, artifacts: Vec<Artifact> },
    StopServer { service: ServiceKind },
    WriteSecrets { service: ServiceKind, keys: Vec<String> },
    WriteFile { service: ServiceKind, file: ManagedFile, text: Option<String>, before: Option<String> },
    Migrate { release: String },
    SwitchRelease { to: Option<String>, before: Option<String> },
    Enable { service: ServiceKind },
    Disable { service: ServiceKind },
    StartServer { service: ServiceKind },
    AwaitReady { service: ServiceKind, place: Place, within_s: u32 },
    Remember { what: Box<Remembered>, before: Option<Box<Remembered>> },
    RemoveReleases,
    RemoveAll,
}

/// A file whose whole content the target decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ManagedFile {
    Config,
    Environment,
    Unit,
}

impl Action {
    /// Reads the action of a step.
    ///
    /// # Errors
    ///
    /// `step_unknown`.
    pub(crate) fn of(step: &Step) -> Result<Action> {
        serde_json::from_value(json!({"kind": step.kind, "args": step.args})).map_err(|error| {
            let message = format!("cannot do the step `{}`: the target `local` does not know it", step.id);
            Error::new(deploy::STEP_UNKNOWN, message).with_source(error)
        })
    }
}

impl LocalTarget {
    pub(crate) async fn run_action(&self, cx: &Cx, action: &Action, progress: &dyn Progress) -> Result<()> {
        let layout = &self.layout;
        match action {
            Action::Preflight { version, artifacts, listens } => {
                preflight::check_room(layout, artifacts)?;
                preflight::check_programs(&self.settings.binaries, version, artifacts)?;
                preflight::check_listens(listens)
            }
            Action::CreateUser => create_user().await,
            Action::MakeFolders { service } => self.make_folders(*service),
            Action::InstallRelease { release, artifacts } => self.install_release(release, artifacts),
            Action::StopServer { service } => self.service(*service).stop().await,
            Action::WriteSecrets { service, keys } => self.write_secrets(*service, keys),
            Action::WriteFile { service, file, text, .. } => {
                self.put_file(*service, *file, text.as_deref()).await
            }
            Action::Migrate { release } => self.migrate(cx, release).await,
            Action::SwitchRelease { to, .. } => self.switch_release(to.as_deref()),
            Action::Enable { service } => self.systemctl(*service, "enable").await,
            Action::Disable { service } => self.systemctl(*service, "disable").await,
            Action::StartServer { service } => self.service(*service).start().await,
            Action::AwaitReady { service, place, within_s } => {
                let limit = Duration::from_secs(u64::from(*within_s));
                await_ready(cx, &self.service(*service), place, limit, progress).await
            }
            Action::Remember { what, .. } => {
                let mut what = (**what).clone();
                if what.standing == Standing::Installed {
                    what.data = Some(Remembered::mark(&what.settings, layout));
                    self.remove_old_releases(&what.release)?;
                }
                what.write(layout)
            }
            Action::RemoveReleases => durable::remove_folder(&layout.releases()),
            Action::RemoveAll => durable::remove_folder(layout.root()),
        }
    }

    pub(crate) async fn probe_action(&self, action: &Action) -> Result<StepState> {
        let layout = &self.layout;
        let done = match action {
            // Checks and tasks leave no trace that proves them.
            Action::Preflight { .. } | Action::Migrate { .. } => false,
            Action::CreateUser => system_user().is_some(),
            Action::MakeFolders { service } => self.folders_are_made(*service),
            Action::InstallRelease { release, artifacts } => {
                let partly = beside(&layout.release(release)).exists();
                return Ok(match (is_whole(&layout.release(release), artifacts), partly) {
                    (true, _) => StepState::Done,
                    (false, true) => StepState::Partly,
                    (false, false) => StepState::NotDone,
                });
            }
            Action::StopServer { service } => {
                let status = self.service(*service).status().await?;
                !status.running && status.pid.is_none()
            }
            Action::WriteSecrets { keys, .. } => keys.iter().all(|key| self.secret_is_kept(key)),
            Action::WriteFile { service, file, text, .. } => {
                durable::read_text(&self.path_of(*service, *file)?)? == *text
            }
            Action::SwitchRelease { to, .. } => self.current_release() == *to,
            Action::Enable { service } => self.systemctl(*service, "is-enabled").await.is_ok(),
            Action::Disable { service } => self.systemctl(*service, "is-enabled").await.is_err(),
            Action::StartServer { service } => self.service(*service).status().await?.running,
            Action::AwaitReady { place, .. } => ready::ask(place).await.is_ok(),
            Action::Remember { what, .. } => {
                Remembered::read(layout)?.is_some_and(|found| found.agrees_with(what))
            }
            Action::RemoveReleases => !layout.releases().exists(),
            Action::RemoveAll => !layout.root().exists(),
        };
        Ok(if done { StepState::Done } else { StepState::NotDone })
    }

    pub(crate) async fn undo_action(&self, action: &Action) -> Result<()> {
        match action {
            Action::InstallRelease { release, .. } => {
                durable::remove_folder(&beside(&self.layout.release(release)))?;
                durable::remove_folder(&self.layout.release(release))
            }
            Action::StopServer { service } => self.service(*service).start().await,
            Action::WriteSecrets { service, keys } => self.restore_secrets(*service, keys),
            Action::WriteFile { service, file, before, .. } => {
                self.put_file(*service, *file, before.as_deref()).await
            }
            Action::SwitchRelease { before, .. } => self.switch_release(before.as_deref()),
            Action::Enable { service } => self.systemctl(*service, "disable").await,
            Action::Disable { service } => self.systemctl(*service, "enable").await,
            Action::StartServer { service } => self.service(*service).stop().await,
            Action::Remember { before: Some(before), .. } => before.write(&self.layout),
            Action::Remember { before: None, .. } => durable::remove(&self.layout.record()),
            Action::Preflight { .. }
            | Action::CreateUser
            | Action::MakeFolders { .. }
            | Action::Migrate { .. }
            | Action::AwaitReady { .. }
            | Action::RemoveReleases
            | Action::RemoveAll => Ok(()),
        }
    }

    fn make_folders(&self, service: ServiceKind) -> Result<()> {
        for (folder, mode) in self.folders(service) {
            durable::make_folder(&folder, mode)?;
        }
        if service == ServiceKind::System {
            let (uid, gid) = needed_system_user()?;
            for folder in [self.layout.data(), self.layout.run()] {
                give(&folder, uid, gid)?;
            }
            own_group(&self.layout.config(), gid)?;
            own_group(&self.layout.secrets(), gid)?;
        }
        Ok(())
    }

    fn folders_are_made(&self, service: ServiceKind) -> bool {
        let owner = |path: &Path| {
            use std::os::unix::fs::MetadataExt;
            fs::metadata(path).map(|found| found.uid()).ok()
        };
        let made = self.folders(service).iter().all(|(folder, _)| folder.is_dir());
        let given =
            service != ServiceKind::System || owner(&self.layout.data()) == system_user().map(|(uid, _)| uid);
        made && given
    }

    fn folders(&self, service: ServiceKind) -> Vec<(PathBuf, u32)> {
        let private = if service == ServiceKind::System { 0o750 } else { 0o700 };
        let layout = &self.layout;
        vec![
            (layout.root().to_owned(), 0o755),
            (layout.releases(), 0o755),
            (layout.config(), private),
            (layout.secrets(), private),
            (layout.data(), 0o700),
            (layout.logs(), 0o750),
            (layout.run(), 0o755),
        ]
    }

    fn install_release(&self, release: &str, artifacts: &[Artifact]) -> Result<()> {
        let folder = self.layout.release(release);
        let beside = beside(&folder);
        durable::remove_folder(&beside)?;
        durable::make_folder(&beside, 0o755)?;
        for wanted in artifacts {
            let from = self.settings.binaries.join(&wanted.name);
            let mut hash = Hash::default();
            durable::copy_program(&from, &beside.join(&wanted.name), |piece| hash.add(piece))?;
            if hash.into_artifact(&wanted.name) != *wanted {
                let message = format!("{} changed while it was copied", from.display());
                return Err(Error::new(deploy::PLAN_STALE, message));
            }
        }
        durable::sync_folder_of(&beside.join(Layout::SERVER))?;
        durable::remove_folder(&folder)?;
        durable::rename(&beside, &folder)
    }

    /// Keeps the release that runs now, and none else.
    fn remove_old_releases(&self, kept: &str) -> Result<()> {
        let releases = self.layout.releases();
        let entries = fs::read_dir(&releases).map_err(|error| durable::failed("read", &releases, error))?;
        for entry in entries.flatten().filter(|entry| entry.file_name() != kept) {
            durable::remove_folder(&entry.path())?;
        }
        Ok(())
    }

    async fn put_file(&self, service: ServiceKind, file: ManagedFile, text: Option<&str>) -> Result<()> {
        let path = self.path_of(service, file)?;
        match text {
            None => durable::remove(&path)?,
            Some(text) if file == ManagedFile::Unit => {
                if let Some(folder) = path.parent() {
                    durable::make_folder(folder, 0o755)?;
                }
                durable::write(&path, text.as_bytes(), 0o644)?;
            }
            Some(text) => self.write_private(service, &path, text.as_bytes())?,
        }
        match service.manager(&self.layout) {
            Some(manager) if file == ManagedFile::Unit => manager.run(&["daemon-reload"]).await,
            _ => Ok(()),
        }
    }

    /// Writes what only the server, and who installs it, may read.
    fn write_private(&self, service: ServiceKind, path: &Path, content: &[u8]) -> Result<()> {
        if service != ServiceKind::System {
            return durable::write(path, content, 0o600);
        }
        durable::write(path, content, 0o640)?;
        own_group(path, needed_system_user()?.1)
    }

    fn write_secrets(&self, service: ServiceKind, keys: &[String]) -> Result<()> {
        for key in keys.iter().filter(|key| !self.secret_is_kept(key)) {
            let path = self.layout.secret(key);
            if path.exists() {
                durable::rename(&path, &previous(&path))?;
            }
            if let Some(value) = self.settings.secrets.get(key) {
                self.write_private(service, &path, value.expose().as_bytes())?;
            }
        }
        Ok(())
    }

    fn restore_secrets(&self, _: ServiceKind, keys: &[String]) -> Result<()> {
        for key in keys {
            let path = self.layout.secret(key);
            if previous(&path).exists() {
                durable::rename(&previous(&path), &path)?;
            } else {
                durable::remove(&path)?;
            }
        }
        Ok(())
    }

    /// Whether the installation holds the given value of a secret already.
    pub(crate) fn secret_is_kept(&self, key: &str) -> bool {
        let given = self.settings.secrets.get(key);
        let kept = fs::read(self.layout.secret(key)).ok();
        given.is_none_or(|given| kept.as_deref() == Some(given.expose().as_bytes()))
    }

    async fn migrate(&self, cx: &Cx, release: &str) -> Result<()> {
        let task =
            Task { name: "migrate".into(), release: release.into(), arguments: vec!["migrate".into()] };
        let output = self.run_task(cx, &task).await?;
        if output.status == Some(0) {
            return Ok(());
        }
        let how = output.status.map_or("a signal".to_owned(), |status| format!("status {status}"));
        let message = format!("the task `migrate` ended with {how}");
        Err(Error::new(deploy::TASK_FAILED, message).with_source(output.output))
    }

    fn switch_release(&self, to: Option<&str>) -> Result<()> {
        match to {
            Some(release) => durable::relink(&self.layout.current(), &Path::new("releases").join(release)),
            None => durable::remove(&self.layout.current()),
        }
    }

    /// The release that `current` points at.
    pub(crate) fn current_release(&self) -> Option<String> {
        let target = fs::read_link(self.layout.current()).ok()?;
        Some(target.file_name()?.to_str()?.to_owned())
    }

    async fn systemctl(&self, service: ServiceKind, verb: &str) -> Result<()> {
        let service = self.service(service);
        match service.manager() {
            Some(manager) => manager.run(&[verb, &service.unit_name()]).await,
            None => Ok(()),
        }
    }

    /// The path of a managed file.
    pub(crate) fn path_of(&self, service: ServiceKind, file: ManagedFile) -> Result<PathBuf> {
        match file {
            ManagedFile::Config => Ok(self.layout.config_file()),
            ManagedFile::Environment => Ok(self.layout.environment_file()),
            ManagedFile::Unit => self
                .service(service)
                .unit_path()
                .ok_or_else(|| Error::new(deploy::SERVICE_FAILED, "no folder for user units was given")),
        }
    }
}

/// Waits until the server is ready, the deadline passes, or it is clear that it will not be.
async fn await_ready(
    cx: &Cx,
    service: &Service,
    place: &Place,
    limit: Duration,
    progress: &dyn Progress,
) -> Result<()> {
    let begun = Instant::now();
    let mut told = String::new();
    loop {
        let reason = match ready::ask(place).await {
            Ok(()) => return Ok(()),
            Err(reason) => reason,
        };
        if cx.is_cancelled() {
            return Err(Error::new(deploy::INTERRUPTED, "stopped while waiting for the server to be ready"));
        }
        let status = service.status().await?;
        let why = if status.given_up || status.failures >= HOPELESS_FAILURES {
            Some(format!("it ended {} times", status.failures.max(1)))
        } else if !status.running {
            Some("it has ended".to_owned())
        } else if begun.elapsed() >= limit {
            Some(format!("not within {} s", limit.as_secs()))
        } else {
            None
        };
        if let Some(why) = why {
            let lines = last_lines(service, 20).await.join("\n");
            let source = if lines.is_empty() { reason } else { format!("{reason}\n{lines}") };
            let message = format!("the server did not become ready: {why}");
            return Err(Error::new(deploy::NOT_HEALTHY, message).with_source(source));
        }
        if reason != told {
            progress.event(ProgressEvent::Note(&reason));
            told = reason;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whether a release's folder holds these files; their content was checked when they were copied.
pub(crate) fn is_whole(folder: &Path, artifacts: &[Artifact]) -> bool {
    artifacts.iter().all(|it| fs::metadata(folder.join(&it.name)).is_ok_and(|found| found.len() == it.bytes))
}

async fn create_user() -> Result<()> {
    let arguments =
        ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER];
    let output = tokio::process::Command::new("useradd").args(arguments).output().await;
    let refused = |why: String| {
        let message = format!("could not create the system user `{SYSTEM_USER}` with `useradd`");
        Error::new(deploy::SERVICE_FAILED, message).with_source(why)
    };
    let output = output.map_err(|error| refused(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(refused(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// User and group of the server under a system unit.
pub(crate) fn system_user() -> Option<(u32, u32)> {
    let output = std::process::Command::new("getent").args(["passwd", SYSTEM_USER]).output().ok()?;
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut fields = line.trim().split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn needed_system_user() -> Result<(u32, u32)> {
    let message = format!("there is no system user `{SYSTEM_USER}`");
    system_user().ok_or_else(|| Error::new(deploy::SERVICE_FAILED, message))
}

/// Gives a folder and all in it to a user. Links are given themselves, not what they point at.
fn give(path: &Path, uid: u32, gid: u32) -> Result<()> {
    let changed = std::os::unix::fs::lchown(path, Some(uid), Some(gid));
    changed.map_err(|error| durable::failed("change the owner of", path, error))?;
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
        let entries = fs::read_dir(path).map_err(|error| durable::failed("read", path, error))?;
        for entry in entries.flatten() {
            give(&entry.path(), uid, gid)?;
        }
    }
    Ok(())
}

fn own_group(path: &Path, gid: u32) -> Result<()> {
    let changed = std::os::unix::fs::lchown(path, None, Some(gid));
    changed.map_err(|error| durable::failed("change the group of", path, error))
}

fn beside(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    folder.with_file_name(name)
}

fn previous(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".previous");
    path.with_file_name(name)
}
