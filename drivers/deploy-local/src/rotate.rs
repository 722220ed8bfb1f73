//! A log file that is put aside when it has grown, so that logs never fill a disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A log, its predecessors `.1` (the newest) to `.<kept>`, and the size at which it is put aside.
#[derive(Debug)]
pub(crate) struct RotatingLog {
    path: PathBuf,
    limit_bytes: u64,
    kept: u32,
    file: File,
    bytes: u64,
}

impl RotatingLog {
    /// The size at which a log is put aside.
    pub(crate) const LIMIT_BYTES: u64 = 10 * 1024 * 1024;
    /// How many predecessors are kept.
    pub(crate) const KEPT: u32 = 4;

    /// Opens or creates the log.
    pub(crate) fn open(path: &Path, limit_bytes: u64, kept: u32) -> io::Result<Self> {
        let file = append_to(path)?;
        let bytes = file.metadata()?.len();
        Ok(RotatingLog { path: path.to_owned(), limit_bytes, kept, file, bytes })
    }

    /// Appends whole lines. The log is put aside between calls only, so that no line is torn.
    pub(crate) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.bytes > 0 && self.bytes + lines.len() as u64 > self.limit_bytes {
            self.put_aside()?;
        }
        self.file.write_all(lines)?;
        self.bytes += lines.len() as u64;
        Ok(())
    }

    fn put_aside(&mut self) -> io::Result<()> {
        let name = |number: u32| PathBuf::from(format!("{}.{number}", self.path.display()));
        for number in (1..self.kept).rev() {
            match fs::rename(name(number), name(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.path, name(1))?;
        self.file = append_to(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_keeps_its_size_and_its_newest_lines() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("server.log");
        let mut log = RotatingLog::open(&path, 20, 2).expect("the folder is writable");
        for number in 0..10 {
            log.append(format!("line {number}\n").as_bytes()).expect("the folder is writable");
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        assert_eq!(read("server.log"), "line 8\nline 9\n");
        assert_eq!(read("server.log.1"), "line 6\nline 7\n");
        assert_eq!(read("server.log.2"), "line 4\nline 5\n");
        assert!(!folder.path().join("server.log.3").exists());
    }
}
