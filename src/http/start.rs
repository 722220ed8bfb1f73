//! From settings to a running application: open the storage, bring the schema forward, know the
//! installation again, and make what a first start makes.

use super::{App, api, tokens};
use crate::Drivers;
use rtmx_config::Settings;
use rtmx_core::{
    Body, Change, ChangeSet, ChangeSetId, Cx, Error, Key, Kind, Record, Result, Secret, Setting, Space,
    storage,
};
use rtmx_storage::{MigrationPlan, Standing, StorageBackend, StorageBackendExt};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The setting that holds the installation's id, and the name of its marker in the data folder.
const INSTALLATION: &str = "installation";
/// Where the first admin token is put, in the data folder.
const FIRST_TOKEN: &str = "first-token";
/// How long the steps of a start may take together, migrations aside.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long migrations may take.
const MIGRATE_LIMIT: Duration = Duration::from_secs(3600);

/// An open storage and its driver's name.
#[derive(Debug)]
pub struct Opened {
    /// The storage.
    pub storage: Arc<dyn StorageBackend>,
    /// The driver's name.
    pub name: &'static str,
}

/// Opens the storage that `database.url` names, by the driver of its scheme.
///
/// # Errors
///
/// `driver_unknown`, `driver_absent`, and what the driver's `open` meets.
pub async fn open_storage(settings: &Settings, drivers: &Drivers) -> Result<Opened> {
    ensure_folder(&settings.data.dir)?;
    let url = settings.database.url.expose();
    let scheme = url.split(':').next().unwrap_or_default();
    let driver = drivers.storage.by_scheme(scheme)?;
    let cx = Cx::new().with_deadline(std::time::Instant::now() + START_LIMIT);
    let options = serde_json::json!({"url": url, "base": settings.data.dir});
    let storage = driver.open(&cx, options).await?;
    Ok(Opened { storage, name: driver.info().name })
}

/// Does what a start does before the first request: migrates if the settings say so, compares the
/// installation with its marker, and makes the default project and, where the listener is open to
/// others, the first token. `loopback` says that only this machine reaches the listener.
///
/// An incompatible schema, or one that is behind while `database.migrate` is off, is no error here: the
/// server starts, and `/ready` says why it is not ready.
///
/// # Errors
///
/// `data_gone`, `migration_failed`, and what storage and files meet.
pub async fn prepare(app: &App, loopback: bool) -> Result<()> {
    let cx = app.cx(MIGRATE_LIMIT);
    let state = app.storage.schema(&cx).await?;
    let fresh = state.standing == Standing::Fresh;
    let marker = app.settings.data.dir.join(INSTALLATION);
    if fresh && let Some(id) = read_marker(&marker)? {
        return Err(gone(&marker, &id));
    }
    if !state.standing.is_ready() {
        if !app.settings.database.migrate || state.standing == Standing::Incompatible {
            tracing::warn!(
                schema = state.version,
                known = state.known,
                "the database's schema does not fit this version"
            );
            return Ok(());
        }
        let report = app.storage.migrate(&cx, &MigrationPlan::Expand).await?;
        tracing::info!(applied = ?report.applied, schema = report.state.version, "migrated the database");
    }
    let cx = app.cx(START_LIMIT);
    know_installation(app, &cx, &marker).await?;
    api::projects::ensure_default(app, &cx).await?;
    let given = app.settings.auth.admin_token.as_ref();
    if !loopback || given.is_some() {
        let path = app.settings.data.dir.join(FIRST_TOKEN);
        tokens::ensure_first(app, &cx, given, |token| hand_over(&path, token)).await?;
    }
    Ok(())
}

/// A random (version 4) UUID.
pub(super) fn random_uuid() -> uuid::Uuid {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// Compares the database's installation id with the one kept beside it (no silent fresh install).
async fn know_installation(app: &App, cx: &Cx, marker: &Path) -> Result<()> {
    let key = Key::new(Kind::Setting, INSTALLATION);
    let known = read_marker(marker)?;
    let stored = app.storage.find(cx, &Space::System, &key).await?;
    let id = match (stored, &known) {
        (Some(Record { body: Body::Setting(setting), .. }), _) => {
            setting.value.as_str().unwrap_or_default().to_owned()
        }
        (_, Some(id)) => return Err(gone(marker, id)),
        (_, None) => make_installation(app, cx).await?,
    };
    match known {
        Some(known) if known != id => Err(gone(marker, &known)),
        Some(_) => Ok(()),
        None => write_private(marker, format!("{id}\n").as_bytes()),
    }
}

async fn make_installation(app: &App, cx: &Cx) -> Result<String> {
    let id = random_uuid().to_string();
    let mut set = ChangeSet::new(ChangeSetId(random_uuid()), Space::System, "server", app.clock.now());
    set.note = "first start".into();
    let setting = Setting { value: id.clone().into() };
    set.changes = vec![Change::create(INSTALLATION, Body::Setting(setting))];
    app.storage.apply(cx, &set).await?;
    Ok(id)
}

fn gone(marker: &Path, id: &str) -> Error {
    let message =
        format!("{} names the installation {id}, and the database does not hold it", marker.display());
    Error::new(storage::DATA_GONE, message).with("installation", id)
}

fn read_marker(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(path, error)),
    }
}

/// Puts the first token where the operator finds it; its path is logged, never its value.
fn hand_over(path: &Path, token: &Secret<String>) -> Result<()> {
    write_private(path, format!("{}\n", token.expose()).as_bytes())?;
    tracing::warn!(path = %path.display(), "made the first admin token: read it from this file, then remove the file");
    Ok(())
}

/// Writes a file of mode 0600 durably, through a temporary name.
fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let mut temporary = PathBuf::from(path);
    temporary.add_extension("new");
    let write = || {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(|error| unusable(path, error))
}

/// Makes the data folder, closed to others, if it is missing.
fn ensure_folder(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| unusable(path, error))
}

fn unusable(path: &Path, error: io::Error) -> Error {
    let code = match error.kind() {
        io::ErrorKind::StorageFull => storage::STORAGE_FULL,
        _ => storage::STORAGE_READ_ONLY,
    };
    Error::new(code, format!("could not use {}", path.display())).with_source(error)
}
