//! The folder of an installation's secrets.
//!
//! `.kept/` holds what was generated, each made once; below a component's name lies what it may read. Files
//! are written beside their place and moved there, so that nobody reads half of one. Everything belongs to
//! a user who is nobody else: a container that runs as root without capabilities can read none of it, and a
//! component reads its own by a group that only it is in.

use rtmx_core::{Error, Result, Secret, deploy, tool};
use rtmx_deploy::app::{Name, VariableName};
use rtmx_deploy::secrets::Delivered;
use rustix::fs::{FlockOperation, Gid, Uid};
use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The user that everything belongs to: none that any image or machine has.
const KEEPER: u32 = 65_532;
/// No secret is longer.
const SECRET_LIMIT_BYTES: u64 = 64 * 1024;
const KEPT: &str = ".kept";

/// Who gets the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hands {
    /// The groups of components.
    Groups,
    /// The user who runs this.
    Own,
}

/// The folder, which only one process changes at a time.
pub(super) struct Store {
    dir: PathBuf,
    hands: Hands,
    _lock: File,
}

/// The content of a file; `None` if there is none.
///
/// # Errors
///
/// `file_unreadable` for a file that is no text, too long, or refused.
pub(super) fn read_text(path: &Path) -> Result<Option<Secret<String>>> {
    let unreadable =
        || Error::new(tool::FILE_UNREADABLE, format!("could not read the file {}", path.display()));
    let mut text = String::new();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable().with_source(error)),
    };
    let read = file.take(SECRET_LIMIT_BYTES + 1).read_to_string(&mut text);
    let text = Secret::new(text);
    read.map_err(|error| unreadable().with_source(error))?;
    if text.expose().len() as u64 > SECRET_LIMIT_BYTES {
        return Err(unreadable().with_source(format!("it is longer than {SECRET_LIMIT_BYTES} bytes")));
    }
    Ok(Some(text))
}

impl Store {
    /// Opens the folder, makes it if it is missing, and waits for whoever changes it.
    pub(super) fn open(dir: &Path, hands: Hands) -> Result<Store> {
        let failed = |error: io::Error| unwritten(dir, error);
        fs::create_dir_all(dir).map_err(failed)?;
        let lock = File::options().create(true).truncate(false).write(true).open(dir.join(".lock"));
        let lock = lock.map_err(failed)?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
        let store = Store { dir: dir.to_owned(), hands, _lock: lock };
        // Components have to get to their own folder.
        fs::set_permissions(dir, Permissions::from_mode(0o755)).map_err(failed)?;
        store.folder(&dir.join(KEPT), 0o700, KEEPER)?;
        Ok(store)
    }

    /// A generated secret that is kept.
    pub(super) fn kept(&self, name: &Name) -> Result<Option<Secret<String>>> {
        read_text(&self.dir.join(KEPT).join(name.as_str()))
    }

    /// Keeps a generated secret. One that is there is an error: it was read before.
    pub(super) fn keep(&self, name: &Name, value: &Secret<String>) -> Result<()> {
        let path = self.dir.join(KEPT).join(name.as_str());
        let file = self.written(&path, value.expose(), 0o400, KEEPER)?;
        file.persist_noclobber(&path).map_err(|error| unwritten(&path, error.error))?;
        synced(&path)
    }

    /// Lets a component have these files and no others; answers with those that changed.
    pub(super) fn deliver(&self, component: &Name, delivered: &Delivered) -> Result<Vec<String>> {
        let dir = self.dir.join(component.as_str());
        self.folder(&dir, 0o750, delivered.group)?;
        let mut changed = Vec::new();
        for (name, value) in &delivered.files {
            let path = dir.join(name);
            let there = read_text(&path)?.is_some_and(|text| text.expose() == value.expose());
            if there && self.is_as(&path, 0o440, delivered.group)? {
                continue;
            }
            let file = self.written(&path, value.expose(), 0o440, delivered.group)?;
            file.persist(&path).map_err(|error| unwritten(&path, error.error))?;
            synced(&path)?;
            changed.push(name.clone());
        }
        let failed = |error: io::Error| unwritten(&dir, error);
        for entry in fs::read_dir(&dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let known = entry.file_name().to_str().is_some_and(|name| delivered.files.contains_key(name));
            if !known {
                fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        Ok(changed)
    }

    /// Takes back what a component had; whether there was something.
    pub(super) fn withdraw(&self, component: &Name) -> Result<bool> {
        let dir = self.dir.join(component.as_str());
        match fs::remove_dir_all(&dir) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(unwritten(&dir, error)),
        }
    }

    /// Writes a component's variables for whoever owns that folder; whether the file changed.
    pub(super) fn write_variables(
        &self,
        dir: &Path,
        component: &Name,
        variables: &BTreeMap<VariableName, Secret<String>>,
    ) -> Result<bool> {
        let path = dir.join(format!("{component}.env"));
        let failed = |error: io::Error| unwritten(&path, error);
        let mut text = format!("# Secrets of {component}, made beside it. Not for a repository.\n");
        for (name, value) in variables {
            let value = value.expose().replace('\\', "\\\\").replace('\'', "\\'");
            text.push_str(&format!("{name}='{value}'\n"));
        }
        let text = Secret::new(text);
        if read_text(&path)?.is_some_and(|there| there.expose() == text.expose()) {
            return Ok(false);
        }
        let mut file = beside(&path).map_err(failed)?;
        file.write_all(text.expose().as_bytes()).map_err(failed)?;
        file.as_file().set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
        if self.hands == Hands::Groups {
            let owner = fs::metadata(dir).map_err(failed)?;
            chown(file.as_file(), owner.uid(), owner.gid()).map_err(failed)?;
        }
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        synced(&path)?;
        Ok(true)
    }

    fn folder(&self, dir: &Path, mode: u32, group: u32) -> Result<()> {
        let failed = |error: io::Error| unwritten(dir, error);
        match fs::DirBuilder::new().mode(0o700).create(dir) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        if !self.is_as(dir, mode, group)? {
            let opened = File::open(dir).map_err(failed)?;
            // The mode first: it is the owner's to change, and afterwards the owner is another one.
            if opened.metadata().map_err(failed)?.mode() & 0o7777 != mode {
                opened.set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
            }
            if self.hands == Hands::Groups {
                chown(&opened, KEEPER, group).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Whether a file or folder has this mode and belongs to the keeper and this group.
    fn is_as(&self, path: &Path, mode: u32, group: u32) -> Result<bool> {
        let facts = fs::symlink_metadata(path).map_err(|error| unwritten(path, error))?;
        let owned = self.hands == Hands::Own || (facts.uid() == KEEPER && facts.gid() == group);
        Ok(owned && facts.mode() & 0o7777 == mode)
    }

    /// A finished file beside its place.
    fn written(&self, path: &Path, text: &str, mode: u32, group: u32) -> Result<NamedTempFile> {
        let failed = |error: io::Error| unwritten(path, error);
        let mut file = beside(path).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
        if self.hands == Hands::Groups {
            chown(file.as_file(), KEEPER, group).map_err(failed)?;
        }
        file.as_file().sync_all().map_err(failed)?;
        Ok(file)
    }
}

fn beside(path: &Path) -> io::Result<NamedTempFile> {
    NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))
}

fn chown(file: &File, user: u32, group: u32) -> io::Result<()> {
    Ok(rustix::fs::fchown(file, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))?)
}

/// Makes the name of a file durable.
fn synced(path: &Path) -> Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| unwritten(path, error))
}

fn unwritten(path: &Path, error: io::Error) -> Error {
    let message = format!("could not write the secrets in {}", path.display());
    let error_of = Error::new(deploy::DEPLOY_IO, message);
    if error.kind() == io::ErrorKind::PermissionDenied {
        let next = "Run it as root with the capabilities CHOWN and DAC_OVERRIDE, or with `--own`.";
        return error_of.with_source(error).with_next(next);
    }
    error_of.with_source(error)
}
