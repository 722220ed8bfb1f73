//! The database file as the file system sees it, without ever opening it.
//!
//! SQLite's POSIX locks belong to the process: closing any descriptor of the file drops them all. So
//! nothing here opens, reads or copies the file; names, links, mounts and inodes come from metadata.

use crate::mounts;
use rtmx_core::{Code, Error, Result, storage};
use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The one name of a database file: its folder without symbolic links, and its own if it exists.
///
/// # Errors
///
/// `storage_unavailable` if the folder does not exist.
pub(crate) fn canonical(file: &Path) -> Result<PathBuf> {
    if let Ok(found) = file.canonicalize() {
        return Ok(found);
    }
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
        let message = format!("`{}` names no database file", file.display());
        return Err(Error::new(storage::STORAGE_SETTINGS_INVALID, message));
    };
    if file.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
        let message = format!("`{}` is a symbolic link that leads nowhere", file.display());
        return Err(Error::new(storage::STORAGE_UNAVAILABLE, message));
    }
    let found = folder.canonicalize().map_err(|source| {
        let message = format!("could not find the folder `{}` of the database", folder.display());
        Error::new(code_of(&source), message).with_source(source)
    })?;
    Ok(found.join(name))
}

/// Refuses a folder on another machine.
///
/// # Errors
///
/// `storage_network_fs` with the type of the file system.
pub(crate) fn check_mount(file: &Path) -> Result<()> {
    let Ok(mountinfo) = std::fs::read_to_string("/proc/self/mountinfo") else {
        tracing::warn!("the table of mounts cannot be read: a network file system would go unseen");
        return Ok(());
    };
    check_mount_in(&mountinfo, file)
}

fn check_mount_in(mountinfo: &str, file: &Path) -> Result<()> {
    let folder = file.parent().unwrap_or(file);
    match mounts::fs_type_of(mountinfo, folder).filter(|fs_type| mounts::is_network(fs_type)) {
        None => Ok(()),
        Some(fs_type) => {
            let message = format!("`{}` is on a network file system (`{fs_type}`)", folder.display());
            Err(Error::new(storage::STORAGE_NETWORK_FS, message).with("file_system", fs_type))
        }
    }
}

/// Whether a database is there already; refuses what cannot be one, and a second name of one.
///
/// # Errors
///
/// `storage_foreign` for a folder or device, `storage_hard_link` with the number of names.
pub(crate) fn check_links(file: &Path) -> Result<Existing> {
    let found = match file.metadata() {
        Ok(found) => found,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Existing::No),
        Err(source) => {
            let message = format!("could not look at `{}`", file.display());
            return Err(Error::new(code_of(&source), message).with_source(source));
        }
    };
    if !found.is_file() {
        let message = format!("`{}` is not a file", file.display());
        return Err(Error::new(storage::STORAGE_FOREIGN, message));
    }
    if found.nlink() > 1 {
        let message = format!("`{}` has {} names", file.display(), found.nlink());
        return Err(Error::new(storage::STORAGE_HARD_LINK, message).with("names", found.nlink()));
    }
    Ok(if found.len() == 0 { Existing::No } else { Existing::Yes })
}

/// Whether a database file with content is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    Yes,
    No,
}

/// Which files stand behind the names of a database and its write-ahead log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    main: Option<(u64, u64)>,
    log: Option<(u64, u64)>,
}

impl Identity {
    /// What stands behind the names now.
    pub(crate) fn of(file: &Path) -> Self {
        let inode = |path: &Path| path.metadata().ok().map(|found| (found.dev(), found.ino()));
        Identity { main: inode(file), log: inode(&log_of(file)) }
    }
}

/// The size of the write-ahead log in bytes.
pub(crate) fn log_bytes(file: &Path) -> u64 {
    log_of(file).metadata().map_or(0, |found| found.len())
}

/// Whether a write-ahead log or a rollback journal stands beside the database.
pub(crate) fn has_log(file: &Path) -> bool {
    log_of(file).exists() || beside(file, "-journal").exists()
}

fn log_of(file: &Path) -> PathBuf {
    beside(file, "-wal")
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The code of an error of the file system.
pub(crate) fn code_of(error: &io::Error) -> Code {
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => storage::STORAGE_READ_ONLY,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => storage::STORAGE_FULL,
        _ => storage::STORAGE_UNAVAILABLE,
    }
}

/// This process's claim to a database file: a second backend on it would share its POSIX locks.
#[derive(Debug)]
pub(crate) struct Claim {
    file: PathBuf,
}

static CLAIMED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

impl Claim {
    /// Claims a canonical path.
    ///
    /// # Errors
    ///
    /// `storage_locked` with this process's id if it is claimed.
    pub(crate) fn take(file: &Path) -> Result<Claim> {
        if claimed().insert(file.to_owned()) {
            return Ok(Claim { file: file.to_owned() });
        }
        let pid = std::process::id();
        let message = format!("`{}` is open in this process ({pid}) already", file.display());
        Err(Error::new(storage::STORAGE_LOCKED, message).with("pid", pid))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        claimed().remove(&self.file);
    }
}

fn claimed() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    CLAIMED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::assert_code;

    #[test]
    fn a_database_on_a_network_file_system_is_refused() {
        let table = "28 1 8:2 / / rw - ext4 /dev/sda2 rw\n40 28 0:35 / /srv/nfs rw - nfs4 files:/export rw";
        check_mount_in(table, Path::new("/srv/rtmx.db")).expect("ext4 is local");
        let error = check_mount_in(table, Path::new("/srv/nfs/rtmx.db")).expect_err("nfs4 is not");
        assert_code(&error, storage::STORAGE_NETWORK_FS);
        assert!(error.message().contains("nfs4"), "{error}");
    }

    #[test]
    fn a_file_is_claimed_once_and_free_again_afterwards() {
        let file = Path::new("/nowhere/claimed-once.db");
        let claim = Claim::take(file).expect("nobody has it");
        let error = Claim::take(file).expect_err("it is taken");
        assert_code(&error, storage::STORAGE_LOCKED);
        drop(claim);
        drop(Claim::take(file).expect("it is free again"));
    }
}
