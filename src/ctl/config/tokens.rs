//! The key of the tokens that stand in place of secrets.
//!
//! It is made once, kept in the folder of the installations and readable by its owner alone; see
//! `docs/adr/0025-tokens-of-secrets.md`.

use super::super::output::Output;
use rtmx_config::SecretTokens;
use rtmx_core::Secret;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The file of the key.
const FILE: &str = "config-tokens.key";

/// The tokens of a home. Where its key can neither be read nor made, tokens that hold for this run.
pub(super) fn tokens_of(home: &Path, out: &Output) -> SecretTokens {
    let key = kept_key(home).unwrap_or_else(|error| {
        out.note(format!(
            "The tokens of secrets differ from those of other runs: could not keep their key in {}: {error}",
            home.join(FILE).display()
        ));
        random().unwrap_or_default()
    });
    SecretTokens::new(Secret::new(key))
}

fn kept_key(home: &Path) -> io::Result<[u8; 32]> {
    let path = home.join(FILE);
    match read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        read => return read,
    }
    std::fs::create_dir_all(home)?;
    // Written beside its place and linked: whoever is first decides, and nobody sees half a key.
    let beside = home.join(format!("{FILE}.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let linked = file
        .write_all(&random()?)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::hard_link(&beside, &path));
    std::fs::remove_file(&beside)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => read(&path),
    }
}

fn read(path: &Path) -> io::Result<[u8; 32]> {
    let bytes = std::fs::read(path)?;
    bytes.try_into().map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not a key of 32 bytes"))
}

fn random() -> io::Result<[u8; 32]> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|_| io::Error::other("the system gives no random bytes"))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_and_is_its_owners_alone() {
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        let home = home.path().join("not/there/yet");
        let first = kept_key(&home).expect("it can be made");
        assert_eq!(kept_key(&home).expect("it is there"), first);
        let mode = std::fs::metadata(home.join(FILE)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&home).expect("it is a folder").count(), 1, "nothing is left beside it");
        std::fs::write(home.join(FILE), "short").expect("it is writable");
        assert!(kept_key(&home).is_err(), "half a key is not taken");
    }
}
