//! What stands in the files at one moment.

use crate::Place;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The most that one file may hold.
pub(crate) const FILE_LIMIT_BYTES: u64 = 1 << 20;
/// The most files of one folder.
pub(crate) const DIR_LIMIT_FILES: usize = 256;

/// Why a file gives no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It does not exist, or is a link to nothing.
    Gone,
    /// It exists and cannot be used, for this reason.
    Unusable(String),
}

/// Every file of a place with its text, by path.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Whether and how the place itself could be read; files only where it could.
    pub(crate) files: Result<BTreeMap<PathBuf, Result<String, Missing>>, Missing>,
}

impl Snapshot {
    /// Reads until two readings in a row are equal, so that a swap of all files at once is not seen
    /// half; gives up after five, which a file that never rests can cause.
    pub(crate) fn take(place: &Place) -> Snapshot {
        const READINGS: usize = 5;
        let mut last = Snapshot::read(place);
        for _ in 1..READINGS {
            let next = Snapshot::read(place);
            if next == last {
                break;
            }
            last = next;
        }
        last
    }

    fn read(place: &Place) -> Snapshot {
        let files = match place {
            Place::File(path) => Ok(BTreeMap::from([(path.clone(), read_file(path))])),
            Place::Dir(path) => list(path)
                .map(|paths| paths.into_iter().map(|path| (path.clone(), read_file(&path))).collect()),
        };
        Snapshot { files }
    }

    /// Stands for the content: equal digests, equal content.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut part = |tag: u8, bytes: &[u8]| {
            hash.update([tag]);
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        match &self.files {
            Err(missing) => part(0, format!("{missing:?}").as_bytes()),
            Ok(files) => {
                for (path, content) in files {
                    part(1, path.as_os_str().as_encoded_bytes());
                    match content {
                        Ok(text) => part(2, text.as_bytes()),
                        Err(missing) => part(3, format!("{missing:?}").as_bytes()),
                    }
                }
            }
        }
        hash.finalize().into()
    }
}

/// The `*.toml` files of a folder. Names that begin with a dot are editors' and Kubernetes' own.
fn list(dir: &Path) -> Result<Vec<PathBuf>, Missing> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|error| missing(&error))? {
        let path = entry.map_err(|error| missing(&error))?.path();
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension() == Some(OsStr::new("toml")) {
            if paths.len() == DIR_LIMIT_FILES {
                return Err(Missing::Unusable(format!("it holds more than {DIR_LIMIT_FILES} files")));
            }
            paths.push(path);
        }
    }
    Ok(paths)
}

fn read_file(path: &Path) -> Result<String, Missing> {
    let unusable = |why: String| Err(Missing::Unusable(why));
    // A pipe would hold the reader up for ever, so it is not even opened.
    let known = std::fs::metadata(path).map_err(|error| missing(&error))?;
    if !known.is_file() {
        return unusable("it is not a regular file".into());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| missing(&error))?;
    file.take(FILE_LIMIT_BYTES + 1).read_to_end(&mut bytes).map_err(|error| missing(&error))?;
    if bytes.len() as u64 > FILE_LIMIT_BYTES {
        return unusable(format!("it is larger than {} MiB", FILE_LIMIT_BYTES >> 20));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => {
            let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
                .iter()
                .filter(|b| **b == b'\n')
                .count();
            unusable(format!("line {line} is not UTF-8 text"))
        }
    }
}

fn missing(error: &std::io::Error) -> Missing {
    match error.kind() {
        ErrorKind::NotFound => Missing::Gone,
        ErrorKind::PermissionDenied => Missing::Unusable("this user may not read it".into()),
        ErrorKind::NotADirectory => Missing::Unusable("it is not a folder".into()),
        _ => Missing::Unusable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_follows_the_content_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::Dir(dir.path().to_owned());
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("a.toml", "a = 1\n");
        let first = Snapshot::take(&place).digest();
        write("a.toml", "a = 1\n");
        write(".b.toml", "b = 1\n");
        write("readme", "c = 1\n");
        assert_eq!(Snapshot::take(&place).digest(), first, "written again, and files that do not count");
        let mut seen = vec![first];
        write("a.toml", "a = 2\n");
        seen.push(Snapshot::take(&place).digest());
        write("b.toml", "");
        seen.push(Snapshot::take(&place).digest());
        write("b.toml", "\u{0}");
        seen.push(Snapshot::take(&place).digest());
        std::fs::remove_dir_all(dir.path()).unwrap();
        seen.push(Snapshot::take(&place).digest());
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count, "each step has a digest of its own");
    }

    #[test]
    fn a_folder_is_read_up_to_a_number_of_files() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..=DIR_LIMIT_FILES {
            std::fs::write(dir.path().join(format!("{number}.toml")), "").unwrap();
        }
        let full = Snapshot::take(&Place::Dir(dir.path().to_owned()));
        assert!(matches!(full.files, Err(Missing::Unusable(_))));
        std::fs::remove_file(dir.path().join("0.toml")).unwrap();
        let fits = Snapshot::take(&Place::Dir(dir.path().to_owned()));
        assert_eq!(fits.files.map(|files| files.len()), Ok(DIR_LIMIT_FILES));
    }
}
