//! What the files of an address hold at this moment.
//!
//! They are read for every connection, so that a rotated password or certificate is used by the next
//! one without a restart. They are checked here rather than by sqlx, whose errors would not name
//! them. A file with a private key or with passwords of other databases must be closed to others, as
//! libpq asks; a password file is not asked for that, since a mounted secret often belongs to root
//! and is read through its group.

use super::hosts::Host;
use super::{Address, Password, invalid, passfile};
use rtmx_core::{Error, Result, Secret, storage};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The most that such a file may hold: a bundle of every public authority is a quarter of it.
const FILE_LIMIT_BYTES: u64 = 1 << 20;

/// The content of the files.
#[derive(Debug)]
pub(crate) struct Secrets {
    password: Held,
    /// The customer's authorities as PEM; empty where none are checked.
    pub(crate) root: Vec<u8>,
    /// The client's certificate and key as PEM.
    pub(crate) identity: Option<(Vec<u8>, Secret<Vec<u8>>)>,
}

#[derive(Debug)]
enum Held {
    Nothing,
    Password(Secret<String>),
    Passfile(Secret<String>),
}

/// Who may read a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Readers {
    Anybody,
    /// Its owner, and its group if root owns it.
    OwnerOrRootsGroup,
    Owner,
}

impl Secrets {
    /// Reads the files of the address. Blocks.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid`, naming the setting and the file.
    pub(crate) fn read(address: &Address) -> Result<Self> {
        let password = match &address.password {
            Password::None => Held::Nothing,
            Password::Given(password) => Held::Password(password.clone()),
            Password::File(file) => {
                let text = read_text("password_file", file, Readers::Anybody)?;
                let password = without_line_end(text.expose());
                if password.is_empty() || password.contains('\0') {
                    let message = format!("`password_file` `{}` holds no password", file.display());
                    return Err(invalid(message).with_retry(rtmx_core::Retry::Later));
                }
                Held::Password(Secret::new(password.to_owned()))
            }
            Password::Passfile(file) => Held::Passfile(read_text("passfile", file, Readers::Owner)?),
        };
        let root = match address.trust.root_file() {
            None => Vec::new(),
            Some(file) => certificates("sslrootcert", file)?,
        };
        let identity = match &address.trust.identity {
            None => None,
            Some((cert, key)) => Some((certificates("sslcert", cert)?, private_key(key)?)),
        };
        Ok(Secrets { password, root, identity })
    }

    /// The password for this host, if there is one.
    pub(crate) fn password(&self, address: &Address, host: &Host) -> Option<Secret<String>> {
        match &self.password {
            Held::Nothing => None,
            Held::Password(password) => Some(password.clone()),
            Held::Passfile(text) => passfile::find(text.expose(), host, &address.database, &address.user),
        }
    }
}

/// A service file's text.
///
/// # Errors
///
/// `storage_settings_invalid`.
pub(crate) fn service_file(file: &Path) -> Result<Secret<String>> {
    read_text("service_file", file, Readers::Anybody)
}

/// The URL that the file of the setting `name` holds.
///
/// # Errors
///
/// `storage_settings_invalid`; an empty file may be one that is being replaced.
pub(crate) fn url_file(name: &str, file: &Path) -> Result<Secret<String>> {
    let text = read_text(name, file, Readers::Anybody)?;
    let url = text.expose().trim();
    if url.is_empty() {
        let message = format!("`{name}` `{}` holds no URL", file.display());
        return Err(invalid(message).with_retry(rtmx_core::Retry::Later));
    }
    Ok(Secret::new(url.to_owned()))
}

fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

fn certificates(setting: &str, file: &Path) -> Result<Vec<u8>> {
    let pem = read_bytes(setting, file, Readers::Anybody)?;
    let whole = CertificateDer::pem_slice_iter(pem.expose()).collect::<Result<Vec<_>, _>>();
    if whole.map_or(true, |found| found.is_empty()) {
        let message = format!("`{setting}` `{}` holds no certificate in PEM form", file.display());
        return Err(invalid(message));
    }
    Ok(pem.expose().clone())
}

fn private_key(file: &Path) -> Result<Secret<Vec<u8>>> {
    let pem = read_bytes("sslkey", file, Readers::OwnerOrRootsGroup)?;
    if PrivateKeyDer::from_pem_slice(pem.expose()).is_ok() {
        return Ok(pem);
    }
    let is_locked = String::from_utf8_lossy(pem.expose()).contains("ENCRYPTED");
    let file = file.display();
    Err(match is_locked {
        true => invalid(format!("`sslkey` `{file}` is protected by a passphrase"))
            .with_next("Give a key without a passphrase, in a file that only the server's user can read."),
        false => invalid(format!("`sslkey` `{file}` holds no private key in PEM form")),
    })
}

fn read_text(setting: &str, file: &Path, readers: Readers) -> Result<Secret<String>> {
    let bytes = read_bytes(setting, file, readers)?;
    match std::str::from_utf8(bytes.expose()) {
        Ok(text) => Ok(Secret::new(text.to_owned())),
        Err(_) => Err(invalid(format!("`{setting}` `{}` is not UTF-8 text", file.display()))),
    }
}

fn read_bytes(setting: &str, file: &Path, readers: Readers) -> Result<Secret<Vec<u8>>> {
    let named = |flaw: &str| invalid(format!("`{setting}` `{}` {flaw}", file.display()));
    let failed = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound => named("does not exist"),
        ErrorKind::PermissionDenied => named("cannot be read by this user"),
        _ => unreadable(setting, file, source),
    };
    // A pipe would hold the connection up for ever, so it is not even opened.
    let found = std::fs::metadata(file).map_err(failed)?;
    if !found.is_file() {
        return Err(named("is not a regular file"));
    }
    if !is_closed(&found, readers) {
        let next = format!("Run `chmod 600 {}`, and let the server's user own the file.", file.display());
        return Err(named("can be read by others than its owner").with_next(next));
    }
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|open| open.take(FILE_LIMIT_BYTES + 1).read_to_end(&mut bytes));
    let bytes = Secret::new(bytes);
    match read.map_err(failed)? {
        read if read as u64 > FILE_LIMIT_BYTES => Err(named("is larger than 1 MiB")),
        _ => Ok(bytes),
    }
}

fn unreadable(setting: &str, file: &Path, source: std::io::Error) -> Error {
    let message = format!("could not read `{setting}` `{}`", file.display());
    Error::new(storage::STORAGE_UNAVAILABLE, message).with_source(source)
}

fn is_closed(found: &Metadata, readers: Readers) -> bool {
    let allowed = match readers {
        Readers::Anybody => return true,
        Readers::OwnerOrRootsGroup if found.uid() == 0 => 0o740,
        Readers::OwnerOrRootsGroup | Readers::Owner => 0o700,
    };
    found.mode() & 0o777 & !allowed == 0
}

#[cfg(test)]
mod tests {
    use super::super::url;
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    fn write(folder: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
        let file = folder.join(name);
        fs::write(&file, text).expect("the folder can be written");
        fs::set_permissions(&file, Permissions::from_mode(mode)).expect("the file is ours");
        file
    }

    fn address(parameters: &str, password_file: Option<&PathBuf>) -> Address {
        let url = format!("postgres://app@db/rtmx?{parameters}");
        Address::new(&url::read(&url, "`url`").expect("a URL"), password_file).expect("an address")
    }

    fn password(address: &Address) -> Option<String> {
        let secrets = Secrets::read(address).expect("the files can be read");
        secrets.password(address, &address.hosts[0]).map(|password| password.expose().clone())
    }

    #[test]
    fn a_rotated_password_is_read_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        // content, password
        let cases = [("one\n", "one"), ("two", "two"), ("three\r\n", "three"), (" f\n\n", " f\n")];
        for (content, wanted) in cases {
            let file = write(folder.path(), "password", content, 0o644);
            assert_eq!(password(&address("", Some(&file))).as_deref(), Some(wanted), "{content:?}");
        }
    }

    #[test]
    fn a_passfile_is_read_when_it_is_closed_to_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = write(folder.path(), "pgpass", "db:5432:rtmx:app:hunter2\n", 0o600);
        let address = address(&format!("passfile={}", file.display()), None);
        assert_eq!(password(&address).as_deref(), Some("hunter2"));
        for mode in [0o640, 0o604, 0o644] {
            fs::set_permissions(&file, Permissions::from_mode(mode)).expect("the file is ours");
            let error = Secrets::read(&address).expect_err("others can read it");
            assert!(error.message().ends_with("can be read by others than its owner"), "{mode:o}: {error}");
        }
    }

    #[test]
    fn a_file_that_cannot_serve_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        write(folder.path(), "text", "hunter2", 0o600);
        write(folder.path(), "locked", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nhunter2\n", 0o600);
        let tls = |what: &str, name: &str| format!("sslmode=verify-full&{what}={}", path(name));
        // parameters, a part of the message
        let cases = [
            (format!("passfile={}", path("absent")), "does not exist"),
            (format!("passfile={}", folder.path().display()), "is not a regular file"),
            (tls("sslrootcert", "text"), "holds no certificate"),
            (tls("sslrootcert", "absent"), "does not exist"),
            (tls("sslkey", "text") + &format!("&sslcert={}", path("text")), "holds no certificate"),
        ];
        for (parameters, part) in cases {
            let error = Secrets::read(&address(&parameters, None)).expect_err(&parameters);
            assert!(error.message().contains(part), "{parameters}: {error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        for (name, part) in [("locked", "passphrase"), ("text", "no private key")] {
            let error = private_key(&folder.path().join(name)).expect_err(name);
            assert!(error.message().contains(part), "{name}: {error}");
        }
        let empty = write(folder.path(), "empty", "\n", 0o600);
        let error = Secrets::read(&address("", Some(&empty))).expect_err("it is empty");
        assert!(error.message().ends_with("holds no password"), "{error}");
    }
}
