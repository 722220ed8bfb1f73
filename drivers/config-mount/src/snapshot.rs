//! What a folder of values holds at one moment.

use rtmx_config::named_key;
use rtmx_core::Secret;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

/// The most that one value may hold: far more than any password, key or license.
pub(crate) const VALUE_LIMIT_BYTES: u64 = 128 << 10;
/// The most names of one folder.
pub(crate) const DIR_LIMIT_NAMES: usize = 256;

/// What stands under a name.
#[derive(Clone)]
pub(crate) enum Content {
    /// A setting's value.
    Value(Secret<String>),
    /// A setting's name that is a link to nothing.
    Gone,
    /// A setting's name whose value cannot be used, for this reason.
    Unusable(String),
    /// No setting has this name; the file was not opened.
    Foreign,
}

/// What stands under each name, or why the folder cannot be read.
#[derive(Clone)]
pub(crate) enum Snapshot {
    Read(BTreeMap<String, Content>),
    /// It does not exist.
    Gone,
    Unusable(String),
}

impl Snapshot {
    /// Reads until two readings in a row are equal, so that a swap of all values at once is not seen
    /// half; gives up after five, which a file that never rests can cause.
    pub(crate) fn take(dir: &Path) -> Snapshot {
        const READINGS: usize = 5;
        let mut last = Snapshot::read(dir);
        for _ in 1..READINGS {
            let next = Snapshot::read(dir);
            if next.digest() == last.digest() {
                break;
            }
            last = next;
        }
        last
    }

    fn read(dir: &Path) -> Snapshot {
        match list(dir) {
            Ok(names) => Snapshot::Read(names),
            Err(error) if error.kind() == ErrorKind::NotFound => Snapshot::Gone,
            Err(error) => Snapshot::Unusable(reason(&error)),
        }
    }

    /// Stands for the content: equal digests, equal content.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut part = |tag: u8, bytes: &[u8]| {
            hash.update([tag]);
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        match self {
            Snapshot::Gone => part(0, &[]),
            Snapshot::Unusable(why) => part(1, why.as_bytes()),
            Snapshot::Read(names) => {
                for (name, content) in names {
                    part(2, name.as_bytes());
                    match content {
                        Content::Value(text) => part(3, text.expose().as_bytes()),
                        Content::Gone => part(4, &[]),
                        Content::Unusable(why) => part(5, why.as_bytes()),
                        Content::Foreign => part(6, &[]),
                    }
                }
            }
        }
        hash.finalize().into()
    }
}

/// Everything in the folder but what begins with a dot, which is Kubernetes' and editors' own, and folders
/// that are no value of ours.
fn list(dir: &Path) -> Result<BTreeMap<String, Content>, Error> {
    let mut names = BTreeMap::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        // A name that is not UTF-8 is no setting's, and is shown as well as it can be.
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let content = if named_key(&name).is_some() {
            read_value(&entry.path())
        } else if entry.path().is_dir() {
            continue;
        } else {
            Content::Foreign
        };
        if names.len() == DIR_LIMIT_NAMES {
            return Err(Error::other(format!("it holds more than {DIR_LIMIT_NAMES} names")));
        }
        names.insert(name, content);
    }
    Ok(names)
}

fn read_value(path: &Path) -> Content {
    match read_text(path) {
        Ok(Ok(text)) => Content::Value(Secret::new(text)),
        Ok(Err(why)) => Content::Unusable(why),
        Err(error) if error.kind() == ErrorKind::NotFound => Content::Gone,
        Err(error) => Content::Unusable(reason(&error)),
    }
}

/// The text of a small regular file, or what is wrong with it.
fn read_text(path: &Path) -> Result<Result<String, String>, Error> {
    // A pipe would hold the reader up for ever, so it is not even opened.
    if !std::fs::metadata(path)?.is_file() {
        return Ok(Err("it is not a regular file".into()));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(VALUE_LIMIT_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > VALUE_LIMIT_BYTES {
        return Ok(Err(format!("it is larger than {} KiB", VALUE_LIMIT_BYTES >> 10)));
    }
    Ok(String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".into()))
}

fn reason(error: &Error) -> String {
    match error.kind() {
        ErrorKind::PermissionDenied => "this user may not read it".into(),
        ErrorKind::NotADirectory => "it is not a folder".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_follows_names_and_values_and_not_the_content_of_strangers() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let digest = || Snapshot::take(dir.path()).digest();
        write("log.level", "info");
        write("tls.key", "one");
        let first = digest();
        write("log.level", "info");
        write("tls.key", "two");
        write("..data", "three");
        std::fs::create_dir(dir.path().join("kubernetes.io")).unwrap();
        assert_eq!(digest(), first, "written again, and what does not count");
        let mut seen = vec![first];
        write("log.level", "debug");
        seen.push(digest());
        write("LOG_LEVEL", "debug");
        seen.push(digest());
        write("tls.crt", "");
        seen.push(digest());
        std::fs::remove_dir_all(dir.path()).unwrap();
        seen.push(digest());
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count, "each step has a digest of its own");
    }

    #[test]
    fn a_folder_is_read_up_to_a_number_of_names() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..=DIR_LIMIT_NAMES {
            std::fs::write(dir.path().join(number.to_string()), "").unwrap();
        }
        assert!(matches!(Snapshot::take(dir.path()), Snapshot::Unusable(why) if why.contains("256")));
        std::fs::remove_file(dir.path().join("0")).unwrap();
        assert!(
            matches!(Snapshot::take(dir.path()), Snapshot::Read(names) if names.len() == DIR_LIMIT_NAMES)
        );
    }
}
