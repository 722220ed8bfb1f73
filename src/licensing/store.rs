//! What the installation keeps of its license: its own key, the license that was installed, and the
//! memory of the clock and of what the vendor said.
//!
//! The memory is kept twice: a file moves with every check, the database only when something but the clock
//! changed, and once an hour, because each write to it stays in the history.

use crate::http::App;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rtmx_core::{
    Body, Change, ChangeSet, ChangeSetId, Cx, Error, Key, Kind, Record, Result, Revision, Secret, Setting,
    Space, storage,
};
use rtmx_license::{InstallationKey, Memory};
use rtmx_storage::StorageBackendExt;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

/// The settings that hold them.
const KEY: &str = "license/installation-key";
const INSTALLED: &str = "license/installed";
const MEMORY: &str = "license/memory";
/// The copy of the memory in the data folder.
const FILE: &str = "license-memory";

/// What was found.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) key: InstallationKey,
    /// Why the key is one that was made up for this look: licenses are judged with it, and nothing is kept,
    /// asked or told under it.
    pub(super) made_up: Option<Error>,
    pub(super) installed: Option<Secret<Vec<u8>>>,
    /// The copies of the memory, and the revision of the one in the database.
    pub(super) memory: Vec<Vec<u8>>,
    pub(super) memory_at: Option<Revision>,
}

impl Stored {
    /// The installation's own key.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(super) fn own_key(&self) -> Result<&InstallationKey> {
        match &self.made_up {
            None => Ok(&self.key),
            Some(error) => Err(Error::new(error.code(), error.message())),
        }
    }
}

/// Reads all of it; makes the installation's key if there is none.
///
/// A key that is damaged, or cannot be kept, is no reason to be without a license: another one takes its
/// place for this once.
///
/// # Errors
///
/// Those of reading.
pub(super) async fn read(app: &App, cx: &Cx) -> Result<Stored> {
    let key = match find(app, cx, KEY).await? {
        Some((value, _)) => key_of(&value),
        None => make_key(app, cx).await,
    };
    let (key, made_up) = match key {
        Ok(key) => (key, None),
        Err(error) => (InstallationKey::from_seed(&Secret::new(random_seed()?)), Some(error)),
    };
    let installed = find(app, cx, INSTALLED).await?;
    let installed = installed
        .and_then(|(value, _)| Some(Secret::new(value["document"].as_str()?.to_owned().into_bytes())));
    let memory = find(app, cx, MEMORY).await?;
    let memory_at = memory.as_ref().map(|(_, at)| *at);
    let copies = memory.and_then(|(value, _)| Some(value["sealed"].as_str()?.as_bytes().to_vec()));
    let in_file = std::fs::read(file(app)).ok();
    Ok(Stored { key, made_up, installed, memory: copies.into_iter().chain(in_file).collect(), memory_at })
}

/// Keeps the memory in the file and in the database, where that is wanted; the place in the database is the
/// revision of what is there. Where another server was faster, what it wrote and this are kept together.
///
/// # Errors
///
/// Those of the storage. A file that cannot be written is only said, because the database has the same.
pub(super) async fn remember(
    app: &App,
    cx: &Cx,
    key: &InstallationKey,
    sealed: &[u8],
    in_file: bool,
    in_database: Option<Option<Revision>>,
) -> Result<()> {
    let path = file(app);
    if in_file && let Err(error) = replace(&path, sealed) {
        tracing::debug!(path = %path.display(), %error, "the license memory could not be kept in its file");
    }
    let Some(mut before) = in_database else { return Ok(()) };
    let mut sealed = sealed.to_vec();
    for _ in 0..ATTEMPTS {
        let value = json!({ "sealed": String::from_utf8_lossy(&sealed) });
        match put(app, cx, MEMORY, value, before, "remember the license").await {
            Err(error) if is_race(&error) => {}
            outcome => return outcome,
        }
        let found = find(app, cx, MEMORY).await?;
        before = found.as_ref().map(|(_, at)| *at);
        let theirs =
            found.and_then(|(value, _)| Memory::open(value["sealed"].as_str()?.as_bytes(), key).ok());
        if let (Some(theirs), Ok(ours)) = (theirs, Memory::open(&sealed, key)) {
            sealed = ours.merged(&theirs).seal(key);
        }
    }
    Err(Error::new(storage::STALE_REVISION, "others kept writing the license memory"))
}

/// Installs a license, in place of the one that was installed before.
///
/// # Errors
///
/// Those of the storage.
pub(crate) async fn install(app: &App, cx: &Cx, document: &[u8], actor: &str) -> Result<()> {
    let text = String::from_utf8_lossy(document).into_owned();
    for _ in 0..ATTEMPTS {
        let before = find(app, cx, INSTALLED).await?.map(|(_, at)| at);
        let set = change_set(app, INSTALLED, json!({ "document": text }), before, "install a license", actor);
        match app.storage.apply(cx, &set).await {
            Err(error) if is_race(&error) => {}
            outcome => return outcome.map(|_| ()),
        }
    }
    Err(Error::new(storage::STALE_REVISION, "others kept installing licenses"))
}

/// Forgets the license that was installed; whether there was one.
///
/// # Errors
///
/// Those of the storage.
pub(crate) async fn forget_installed(app: &App, cx: &Cx, actor: &str) -> Result<bool> {
    let Some((_, at)) = find(app, cx, INSTALLED).await? else { return Ok(false) };
    let mut set = ChangeSet::new(new_id(), Space::System, actor, app.clock.now());
    set.note = "remove the license".to_owned();
    set.changes = vec![Change::delete(Key::new(Kind::Setting, INSTALLED), at)];
    match app.storage.apply(cx, &set).await {
        Err(error) if error.code() == storage::RECORD_NOT_FOUND => Ok(false),
        outcome => outcome.map(|_| true),
    }
}

const ATTEMPTS: usize = 5;

fn is_race(error: &Error) -> bool {
    [storage::STALE_REVISION, storage::RECORD_EXISTS, storage::RECORD_NOT_FOUND].contains(&error.code())
}

async fn find(app: &App, cx: &Cx, id: &str) -> Result<Option<(Value, Revision)>> {
    let found = app.storage.find(cx, &Space::System, &Key::new(Kind::Setting, id)).await?;
    Ok(match found {
        Some(Record { body: Body::Setting(setting), revision, .. }) => Some((setting.value, revision)),
        _ => None,
    })
}

async fn put(app: &App, cx: &Cx, id: &str, value: Value, before: Option<Revision>, note: &str) -> Result<()> {
    app.storage.apply(cx, &change_set(app, id, value, before, note, "server")).await.map(|_| ())
}

fn change_set(
    app: &App,
    id: &str,
    value: Value,
    before: Option<Revision>,
    note: &str,
    actor: &str,
) -> ChangeSet {
    let body = Body::Setting(Setting { value });
    let mut set = ChangeSet::new(new_id(), Space::System, actor, app.clock.now());
    set.note = note.to_owned();
    set.changes = vec![match before {
        Some(at) => Change::replace(id, at, body),
        None => Change::create(id, body),
    }];
    set
}

fn new_id() -> ChangeSetId {
    ChangeSetId(crate::http::random_uuid())
}

fn random_seed() -> Result<[u8; 32]> {
    let mut seed = [0_u8; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| Error::new(storage::INTERNAL, format!("the system has no randomness: {error}")))?;
    Ok(seed)
}

async fn make_key(app: &App, cx: &Cx) -> Result<InstallationKey> {
    let seed = random_seed()?;
    let key = InstallationKey::from_seed(&Secret::new(seed));
    let value = json!({ "seed": BASE64_STANDARD.encode(seed) });
    match put(app, cx, KEY, value, None, "make the installation's key").await {
        Ok(()) => Ok(key),
        // Another server was faster.
        Err(error) if error.code() == storage::RECORD_EXISTS => match find(app, cx, KEY).await? {
            Some((value, _)) => key_of(&value),
            None => Err(error),
        },
        Err(error) => Err(error),
    }
}

fn key_of(value: &Value) -> Result<InstallationKey> {
    let seed = value["seed"].as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
    let seed: Option<[u8; 32]> = seed.and_then(|bytes| bytes.try_into().ok());
    match seed {
        Some(seed) => Ok(InstallationKey::from_seed(&Secret::new(seed))),
        None => Err(Error::new(storage::STORAGE_CORRUPT, format!("the setting `{KEY}` is no key"))),
    }
}

fn file(app: &App) -> PathBuf {
    app.settings().data.dir.join(FILE)
}

/// Puts a file in the place of another, closed to others.
fn replace(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| std::path::Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}
