//! Files that are whole or absent, also after a power failure: written beside their place, synced,
//! renamed, and the folder synced.

use rtmx_core::{Error, Result, deploy};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The error for a file operation that the system refused.
pub(crate) fn failed(doing: &str, path: &Path, source: io::Error) -> Error {
    Error::new(deploy::DEPLOY_IO, format!("could not {doing} {}", path.display())).with_source(source)
}

/// The content of a text file; `None` if there is none.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, error)),
    }
}

/// Puts a file in its place at once, with these permissions.
pub(crate) fn write(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let beside = beside(path);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    written.map_err(|error| failed("write", path, error))?;
    sync_folder_of(path)
}

/// Removes a file; none is fine.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder_of(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("remove", path, error)),
    }
}

/// Removes a folder and all in it; none is fine.
pub(crate) fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Ok(()) => sync_folder_of(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("remove", path, error)),
    }
}

/// Makes a folder and those above it, with these permissions for the last.
pub(crate) fn make_folder(path: &Path, mode: u32) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o755).create(path);
    let made = made.and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)));
    made.map_err(|error| failed("make the folder", path, error))
}

/// Copies a program file, handing every piece to `seen`. The copy is synced, but not yet its folder.
pub(crate) fn copy_program(from: &Path, to: &Path, mut seen: impl FnMut(&[u8])) -> Result<()> {
    let mut source = File::open(from).map_err(|error| failed("read", from, error))?;
    let create = OpenOptions::new().write(true).create(true).truncate(true).mode(0o755).open(to);
    let mut copy = create.map_err(|error| failed("write", to, error))?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = source.read(&mut buffer).map_err(|error| failed("read", from, error))?;
        if count == 0 {
            break;
        }
        seen(&buffer[..count]);
        copy.write_all(&buffer[..count]).map_err(|error| failed("write", to, error))?;
    }
    let finish = copy.set_permissions(Permissions::from_mode(0o755)).and_then(|()| copy.sync_all());
    finish.map_err(|error| failed("write", to, error))
}

/// Renames, and makes the new name durable.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| failed("put in place", to, error))?;
    sync_folder_of(to)
}

/// Points a link at something else at once.
pub(crate) fn relink(link: &Path, to: &Path) -> Result<()> {
    let beside = beside(link);
    remove(&beside)?;
    std::os::unix::fs::symlink(to, &beside).map_err(|error| failed("make the link", link, error))?;
    rename(&beside, link)
}

/// Appends a line and makes it durable.
pub(crate) fn append_line(path: &Path, line: &str) -> Result<()> {
    let appended = (|| {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o644).open(path)?;
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_all()
    })();
    appended.map_err(|error| failed("write", path, error))
}

/// Makes the names in the folder of `path` durable.
pub(crate) fn sync_folder_of(path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| failed("sync the folder", folder, error))
}

/// A name for what is not finished yet, in the same folder.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}
