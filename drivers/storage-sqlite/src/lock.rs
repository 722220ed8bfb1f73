//! The lock file beside the database: who has it open for writing, and whether the last one ended well.
//!
//! `rtmx.lock` beside `rtmx.db` is locked with `flock`, which ends with the process, and holds the
//! process id in its first line and the state in its second. It is removed when the database is
//! closed well; so a lock file that nobody holds, with the state `open`, means an unclean stop.

use crate::files::code_of;
use rtmx_core::{Error, Result, storage};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How the process that had the database open before ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastStop {
    /// It closed the database, or there was none.
    Clean,
    /// It was killed, or lost power or its disk.
    Unclean,
}

/// The held lock. Dropped without [`LockFile::end`] it stays behind and marks an unclean stop.
#[derive(Debug)]
pub(crate) struct LockFile {
    path: PathBuf,
    file: File,
    last_stop: LastStop,
}

impl LockFile {
    /// Takes the lock of a database file.
    ///
    /// # Errors
    ///
    /// `storage_locked` with the holder's process id; `storage_read_only`, `storage_full` or
    /// `storage_unavailable` if the lock file cannot be made.
    pub(crate) fn take(database: &Path) -> Result<LockFile> {
        let path = database.with_extension("lock");
        loop {
            let failed = |source: io::Error| {
                let message = format!("could not make the lock file `{}`", path.display());
                Error::new(code_of(&source), message).with_source(source)
            };
            let options = &mut File::options();
            let mut file =
                options.read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
            if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
                return Err(held(database, &mut file));
            }
            // The holder before may have removed the file between the two calls above.
            let ours = file.metadata().map_err(failed)?;
            if path.metadata().is_ok_and(|named| (named.dev(), named.ino()) == (ours.dev(), ours.ino())) {
                let last_stop = if read(&mut file).1 == "open" { LastStop::Unclean } else { LastStop::Clean };
                let mut lock = LockFile { path: path.clone(), file, last_stop };
                lock.write(last_stop).map_err(failed)?;
                return Ok(lock);
            }
        }
    }

    /// How the last holder ended.
    pub(crate) fn last_stop(&self) -> LastStop {
        self.last_stop
    }

    /// Notes durably that the database is open, before its first write.
    ///
    /// # Errors
    ///
    /// As [`LockFile::take`].
    pub(crate) fn mark_open(&mut self) -> Result<()> {
        let noted = self.write(LastStop::Unclean).and_then(|()| self.file.sync_all());
        let noted = noted.and_then(|()| self.sync_folder());
        noted.map_err(|source| {
            let message = format!("could not write the lock file `{}`", self.path.display());
            Error::new(code_of(&source), message).with_source(source)
        })
    }

    /// Lets go of the lock after the database was closed well, or not opened at all.
    pub(crate) fn end(self) {
        // While the lock is held nobody else can have come to rely on the file. If it cannot be
        // removed it stays, and the next start checks the database for nothing.
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(error = %error, "could not remove the lock file");
        }
    }

    /// Lets go of the lock after a refused start: the mark of an unclean stop stays.
    pub(crate) fn give_up(self) {
        if self.last_stop == LastStop::Clean {
            self.end();
        }
    }

    /// The name is made durable, too: without it a loss of power would leave no mark.
    fn sync_folder(&self) -> io::Result<()> {
        match self.path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }

    fn write(&mut self, state: LastStop) -> io::Result<()> {
        let state = match state {
            LastStop::Clean => "starting",
            LastStop::Unclean => "open",
        };
        let text = format!("{}\n{state}\n", std::process::id());
        self.file.rewind()?;
        self.file.set_len(0)?;
        self.file.write_all(text.as_bytes())
    }
}

fn held(database: &Path, file: &mut File) -> Error {
    let (pid, _) = read(file);
    let by = if pid.is_empty() { String::new() } else { format!(" by process {pid}") };
    let message = format!("`{}` is open for writing{by}", database.display());
    Error::new(storage::STORAGE_LOCKED, message).with("pid", pid)
}

/// Process id and state in a lock file; empty for what is not there.
fn read(file: &mut File) -> (String, String) {
    let mut bytes = Vec::new();
    // What cannot be read counts as nothing: the lock itself decides, not the text.
    let _ = file.take(256).read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines = text.lines().map(str::to_owned);
    (lines.next().unwrap_or_default(), lines.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::assert_code;

    #[test]
    fn the_lock_is_exclusive_names_its_holder_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("rtmx.db");
        let mut lock = LockFile::take(&database).expect("nobody has it");
        lock.mark_open().expect("the folder is writable");
        let error = LockFile::take(&database).expect_err("it is taken");
        assert_code(&error, storage::STORAGE_LOCKED);
        let pid = std::process::id();
        assert!(error.message().contains(&format!("process {pid}")), "{error}");
        lock.end();
        assert!(!folder.path().join("rtmx.lock").exists());
    }

    #[test]
    fn a_lock_that_was_dropped_marks_an_unclean_stop_until_somebody_ends_well() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("rtmx.db");
        let mut lock = LockFile::take(&database).expect("nobody has it");
        assert_eq!(lock.last_stop(), LastStop::Clean);
        lock.mark_open().expect("the folder is writable");
        drop(lock);
        let refused = LockFile::take(&database).expect("the holder is gone");
        assert_eq!(refused.last_stop(), LastStop::Unclean);
        refused.give_up();
        let lock = LockFile::take(&database).expect("the holder is gone");
        assert_eq!(lock.last_stop(), LastStop::Unclean);
        lock.end();
        let lock = LockFile::take(&database).expect("the holder is gone");
        assert_eq!(lock.last_stop(), LastStop::Clean);
        lock.end();
    }
}
