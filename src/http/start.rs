//! From settings to a running application: open the storage, bring the schema forward, know the
//! installation again, and make what a first start makes.

use super::{App, api, tokens};
use crate::{Drivers, database};
use rtmx_config::Settings;
use rtmx_core::{
    Body, Change, ChangeSet, ChangeSetId, Cx, Driver, Error, Key, Kind, Record, Result, Secret, Setting,
    Space, storage,
};
use rtmx_storage::{
    LeaseCall, LeaseRequest, MigrationPlan, Standing, Storage, StorageBackend, StorageBackendExt,
};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The setting that holds the installation's id, and the name of its marker in the data folder.
const INSTALLATION: &str = "installation";
/// Where the first admin token is put, in the data folder.
const FIRST_TOKEN: &str = "first-token";
/// How long the steps of a start may take together, migrations aside.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long another server that starts at the same time, and ended in the middle of it, holds this one up.
const TURN_LIMIT: Duration = Duration::from_secs(15);
/// How often it is looked whether it is this server's turn.
const TURN_PAUSE: Duration = Duration::from_millis(50);
/// How long migrations may take.
const MIGRATE_LIMIT: Duration = Duration::from_secs(3600);

/// An open storage and its engine's name.
#[derive(Debug)]
pub struct Opened {
    /// The storage.
    pub storage: Arc<dyn StorageBackend>,
    /// The engine's name, as `/ready` shows it.
    pub name: &'static str,
}

/// Opens the storage that the section `database` names.
///
/// # Errors
///
/// `driver_unknown`, `driver_absent`, and what the driver's `open` meets.
pub async fn open_storage(settings: &Settings, drivers: &Drivers) -> Result<Opened> {
    open_with(settings, &*database::driver(settings, drivers)?).await
}

/// Opens the storage by this driver.
pub(super) async fn open_with(settings: &Settings, driver: &dyn Driver<Storage>) -> Result<Opened> {
    ensure_folder(&settings.data.dir)?;
    let cx = Cx::new().with_deadline(Instant::now() + START_LIMIT);
    let storage = driver.open(&cx, database::options(settings, driver)).await?;
    Ok(Opened { storage, name: database::engine(driver) })
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
    match prepare_whole(app, loopback).await {
        Err(error) if [storage::SCHEMA_BEHIND, storage::SCHEMA_AHEAD].contains(&error.code()) => {
            tracing::warn!(code = %error.code(), next = error.next(), "not ready: {}", error.message());
            Ok(())
        }
        outcome => outcome,
    }
}

/// [`prepare`], for which a schema that does not fit is an error.
///
/// # Errors
///
/// `schema_behind`, `schema_ahead`, and those of [`prepare`].
pub(super) async fn prepare_whole(app: &App, loopback: bool) -> Result<()> {
    let cx = app.cx(MIGRATE_LIMIT);
    let state = app.storage.schema(&cx).await?;
    let fresh = state.standing == Standing::Fresh;
    let settings = app.settings();
    let marker = settings.data.dir.join(INSTALLATION);
    if fresh && let Some(id) = read_marker(&marker)? {
        return Err(gone(&marker, &id));
    }
    if !state.standing.is_ready() {
        if !settings.database.migrate || state.standing == Standing::Incompatible {
            // The storage says it in its own words, with the place.
            app.storage.head(&cx, &Space::System).await?;
        }
        let report = app.storage.migrate(&cx, &MigrationPlan::Expand).await?;
        tracing::info!(applied = ?report.applied, schema = report.state.version, "migrated the database");
    }
    let cx = app.cx(START_LIMIT);
    let token = !loopback || settings.auth.admin_token.is_some();
    if !is_complete(app, &cx, &marker, token).await? {
        let turn = Turn::take(app, &cx).await?;
        let made = complete(app, &cx, &marker, token).await;
        turn.give_back(app, &cx).await;
        made?;
    }
    Ok(())
}

/// Whether this start has nothing to make or to compare.
async fn is_complete(app: &App, cx: &Cx, marker: &Path, token: bool) -> Result<bool> {
    let stored = stored_installation(app, cx).await?;
    let known = stored.is_some() && stored == read_marker(marker)?;
    Ok(known
        && api::projects::exists(app, cx, api::projects::DEFAULT).await?
        && (!token || tokens::any(app, cx).await?))
}

/// Makes what is lacking.
async fn complete(app: &App, cx: &Cx, marker: &Path, token: bool) -> Result<()> {
    know_installation(app, cx, marker).await?;
    api::projects::ensure_default(app, cx).await?;
    if token {
        let settings = app.settings();
        let given = settings.auth.admin_token.as_ref();
        let path = settings.data.dir.join(FIRST_TOKEN);
        tokens::ensure_first(app, cx, given, |token| hand_over(&path, token)).await?;
    }
    Ok(())
}

/// The turn of one server among several that start at once, so that only the one that makes the first
/// token leaves a file with it.
struct Turn {
    request: LeaseRequest,
}

impl Turn {
    async fn take(app: &App, cx: &Cx) -> Result<Turn> {
        let holder = random_uuid().to_string();
        let (name, call, ttl) = ("first-start".to_owned(), LeaseCall::Acquire, TURN_LIMIT);
        let mut request = LeaseRequest { name, holder, call, ttl, now: app.clock.now() };
        loop {
            match app.storage.lease(cx, &request).await {
                Err(error) if error.code() == storage::LEASE_HELD && cx.check(Instant::now()).is_ok() => {
                    tokio::time::sleep(TURN_PAUSE).await;
                    request.now = app.clock.now();
                }
                outcome => return outcome.map(|_| Turn { request }),
            }
        }
    }

    /// The next in turn need not wait for the end of the lease; if this fails, it does.
    async fn give_back(mut self, app: &App, cx: &Cx) {
        self.request.call = LeaseCall::Release;
        self.request.now = app.clock.now();
        if let Err(error) = app.storage.lease(cx, &self.request).await {
            tracing::debug!(code = %error.code(), "the turn of the first start was not given back");
        }
    }
}

/// A random (version 4) UUID.
pub(crate) fn random_uuid() -> uuid::Uuid {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// Compares the database's installation id with the one kept beside it (no silent fresh install).
async fn know_installation(app: &App, cx: &Cx, marker: &Path) -> Result<()> {
    let known = read_marker(marker)?;
    let id = match (stored_installation(app, cx).await?, &known) {
        (Some(id), _) => id,
        (None, Some(id)) => return Err(gone(marker, id)),
        (None, None) => make_installation(app, cx).await?,
    };
    match known {
        Some(known) if known != id => Err(gone(marker, &known)),
        Some(_) => Ok(()),
        None => write_private(marker, format!("{id}\n").as_bytes()),
    }
}

/// The installation's id in the database.
async fn stored_installation(app: &App, cx: &Cx) -> Result<Option<String>> {
    let key = Key::new(Kind::Setting, INSTALLATION);
    Ok(match app.storage.find(cx, &Space::System, &key).await? {
        Some(Record { body: Body::Setting(setting), .. }) => {
            Some(setting.value.as_str().unwrap_or_default().to_owned())
        }
        _ => None,
    })
}

async fn make_installation(app: &App, cx: &Cx) -> Result<String> {
    let id = random_uuid().to_string();
    let mut set = ChangeSet::new(ChangeSetId(random_uuid()), Space::System, "server", app.clock.now());
    set.note = "first start".into();
    let setting = Setting { value: id.clone().into() };
    set.changes = vec![Change::create(INSTALLATION, Body::Setting(setting))];
    match app.storage.apply(cx, &set).await {
        // Another server made it between the look and the write.
        Err(error) if error.code() == storage::RECORD_EXISTS => {
            Ok(stored_installation(app, cx).await?.unwrap_or_default())
        }
        outcome => outcome.map(|_| id),
    }
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
pub(crate) fn ensure_folder(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| unusable(path, error))
}

fn unusable(path: &Path, error: io::Error) -> Error {
    let code = match error.kind() {
        io::ErrorKind::StorageFull => storage::STORAGE_FULL,
        _ => storage::STORAGE_READ_ONLY,
    };
    Error::new(code, format!("could not use {}", path.display())).with_source(error)
}
