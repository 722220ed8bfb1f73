//! `app`: reads descriptions of applications, and says everything that is wrong with one.

use super::args::AppCommand;
use super::output::{BOLD, Failure, Outcome, Output};
use super::render::{unwritable, write_whole};
use rtmx_core::{Error, Result, tool};
use rtmx_deploy::app::{App, AppFaults, Beside, Name, app_schema, read_app};
use rtmx_deploy::{AppFiles, Choice, Lock, Release, chart_files_of, render_chart};
use serde_json::json;
use std::path::{Path, PathBuf};

/// RTMX's own description, so that the tool needs no other file to render it.
const OWN: &str = include_str!("../../apps/rtmx.yaml");
const OWN_LOCK: &str = include_str!("../../apps/rtmx.lock");
const OWN_FILES: &[(&str, &str)] = &[
    ("rtmx/nginx.conf", include_str!("../../apps/rtmx/nginx.conf")),
    ("rtmx/chart/_rtmx.tpl", include_str!("../../apps/rtmx/chart/_rtmx.tpl")),
    ("rtmx/chart/backup.yaml", include_str!("../../apps/rtmx/chart/backup.yaml")),
];

/// A description with its lock, and where its files are.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) app: App,
    pub(super) lock: Option<Lock>,
    /// The folder of its files; `None` for the one that is built in.
    dir: Option<PathBuf>,
}

impl Described {
    /// Reads a description and its lock; without a file, RTMX's own.
    ///
    /// # Errors
    ///
    /// All faults of the two together; `file_unreadable`.
    pub(super) fn read(file: Option<&Path>, lock: Option<&Path>) -> Result<Described> {
        let Some(file) = file else {
            let app = read_app(OWN, "rtmx.yaml")?;
            let lock = Some(Lock::read(OWN_LOCK, "rtmx.lock", &app)?);
            return Ok(Described { app, lock, dir: None });
        };
        let app = read_app(&read(file)?, &file.display().to_string())?;
        let dir = file.parent().unwrap_or(Path::new("")).to_owned();
        let beside = dir.join(format!("{}.lock", app.application));
        let path = lock.map(Path::to_owned).or_else(|| beside.is_file().then_some(beside));
        let lock = match path {
            Some(path) => Some(Lock::read(&read(&path)?, &path.display().to_string(), &app)?),
            None => None,
        };
        Ok(Described { app, lock, dir: Some(dir) })
    }

    /// The application's own files.
    ///
    /// # Errors
    ///
    /// `file_unreadable`.
    pub(super) fn files(&self, wanted: &[Beside]) -> Result<AppFiles> {
        let content = |path: &Beside| match &self.dir {
            Some(dir) => read(&dir.join(path.as_str())),
            None => {
                let own = OWN_FILES.iter().find(|(name, _)| *name == path.as_str());
                own.map(|(_, content)| (*content).to_owned()).ok_or_else(|| {
                    Error::new(tool::FILE_UNREADABLE, format!("the file {path} is not part of this program"))
                })
            }
        };
        wanted.iter().map(|path| Ok((path.clone(), content(path)?))).collect()
    }
}

/// Runs a command of `app`.
pub(super) fn run_app(command: &AppCommand, out: &Output) -> Outcome {
    match command {
        AppCommand::Check { file, lock } => run_check(file, lock.as_deref(), out),
        AppCommand::Lock { file, images } => run_lock(file, images, out),
        AppCommand::Schema => {
            let schema = app_schema();
            match out.is_json() {
                true => out.object(&json!({"type": "app", "schema": schema})),
                false => out.bytes(format!("{schema:#}\n").as_bytes()),
            }
            Ok(0)
        }
    }
}

fn run_check(file: &Path, lock: Option<&Path>, out: &Output) -> Outcome {
    let described = Described::read(Some(file), lock).map_err(with_faults)?;
    let app = &described.app;
    let mut warnings = Vec::new();
    for environment in app.environments.keys() {
        let choice = Choice::of(environment.as_str());
        let resolved = Release::resolve(app, described.lock.as_ref(), &choice).map_err(with_faults)?;
        if let Some(topology) = &resolved.release.topology {
            described.files(&rtmx_deploy::files_of(topology))?;
        }
        let new = resolved.warnings.into_iter().map(|warning| format!("{environment}: {warning}"));
        warnings.extend(new);
    }
    let files = described.files(&chart_files_of(app))?;
    let chart = render_chart(app, described.lock.as_ref(), &files).map_err(with_faults)?;
    // Images are the business of environments.
    let other = chart.warnings.into_iter().filter(|warning| !warning.starts_with("the image "));
    warnings.extend(other.map(|warning| format!("chart: {warning}")));
    let names = |names: Vec<&str>| names.join(", ");
    let (environments, sizes) = (
        names(app.environments.keys().map(Name::as_str).collect()),
        names(app.sizes.keys().map(Name::as_str).collect()),
    );
    out.object(&json!({
        "type": "app",
        "checked": file,
        "application": app.application,
        "version": app.version,
        "components": app.components.keys().collect::<Vec<_>>(),
        "environments": app.environments.keys().collect::<Vec<_>>(),
        "sizes": app.sizes.keys().collect::<Vec<_>>(),
        "faults": [],
        "warnings": warnings,
    }));
    out.line(format!(
        "Nothing is wrong with {}: {BOLD}{}{BOLD:#} {} has {} components.",
        file.display(),
        app.application,
        app.version,
        app.components.len()
    ));
    out.line(format!("  environments: {environments}"));
    out.line(format!("  sizes:        {sizes}"));
    warnings.iter().for_each(|warning| out.line(format!("{BOLD}warning{BOLD:#}: {warning}")));
    Ok(0)
}

fn run_lock(file: &Path, images: &[String], out: &Output) -> Outcome {
    let app = read_app(&read(file)?, &file.display().to_string()).map_err(with_faults)?;
    let path = file.parent().unwrap_or(Path::new("")).join(format!("{}.lock", app.application));
    let before = match path.is_file() {
        true => match Lock::read(&read(&path)?, &path.display().to_string(), &app) {
            Ok(before) => Some(before),
            // That of another version names images that nobody runs any more.
            Err(error) if is_of_another_version(&error) => None,
            Err(error) => return Err(with_faults(error)),
        },
        false => None,
    };
    let lock = Lock::pinned(&app, before, images).map_err(with_faults)?;
    write_whole(&path, lock.to_text().as_bytes(), 0o644).map_err(|error| unwritable(&path, error))?;
    let unpinned = lock.missing(&app);
    out.object(&json!({
        "type": "app",
        "lock": path,
        "application": lock.application,
        "version": lock.version,
        "images": lock.images,
        "not_pinned": unpinned,
    }));
    out.line(format!("{} has the digests of {} images.", path.display(), lock.images.len()));
    unpinned.iter().for_each(|image| out.line(format!("{BOLD}not pinned{BOLD:#}: {image}")));
    Ok(0)
}

fn is_of_another_version(error: &Error) -> bool {
    error.code() == rtmx_core::app::LOCK_MISMATCH
        || AppFaults::of(error)
            .is_some_and(|all| all.list().iter().any(|fault| fault.code == rtmx_core::app::LOCK_MISMATCH))
}

/// The error with its faults as data beside it.
pub(super) fn with_faults(error: Error) -> Failure {
    let report = AppFaults::of(&error).map(|faults| json!({"faults": faults}));
    Failure { error, report }
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).map_err(|error| {
        Error::new(tool::FILE_UNREADABLE, format!("could not read {}", file.display())).with_source(error)
    })
}
