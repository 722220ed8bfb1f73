//! Key files: a private key, encrypted under a passphrase.
//!
//! A file is one JSON object. The name, usage and public half stand in clear and are bound to the
//! sealed seed as associated data, so that a lease key cannot be renamed into a license key. The
//! passphrase is made slow by Argon2id, whose cost is written in the file and bounded when it is read.
//! Deliberately absent: changing a passphrase in place, and any way to print a private key.

use super::random;
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use rtmx_core::{Error, Result, Secret, tool, vendor};
use rtmx_license::{KeyId, PublicKey, SigningKey, Usage};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

const FORMAT: &str = "rtmx-key/1";
/// A key file has about 500 bytes.
const FILE_LIMIT_BYTES: usize = 16 * 1024;
/// The cost of a guess: 64 MiB and three passes, the second choice of RFC 9106, section 4.
const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 1 };
/// The highest cost that a file may ask for: opening it must not take the machine down.
const COST_LIMIT: Cost = Cost { memory_kib: 1024 * 1024, passes: 16, lanes: 16 };

/// A private key with its name and usage.
#[derive(Debug, Clone)]
pub(super) struct HeldKey {
    pub(super) kid: KeyId,
    pub(super) usage: Usage,
    pub(super) key: SigningKey,
}

/// How a new key file protects its key.
pub(super) enum Protection {
    /// Under this passphrase.
    Passphrase(Secret<String>),
    /// Not at all: for keys that live in a store of their own.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    format: String,
    kid: KeyId,
    usage: Usage,
    public: PublicKey,
    sealed: Sealed,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "cipher", deny_unknown_fields)]
enum Sealed {
    #[serde(rename = "argon2id-xchacha20poly1305")]
    Passphrase { cost: Cost, salt: String, nonce: String, seed: String },
    #[serde(rename = "none")]
    Plain { seed: String },
}

impl HeldKey {
    /// A new key.
    pub(super) fn generate(kid: KeyId, usage: Usage) -> HeldKey {
        HeldKey { kid, usage, key: SigningKey::from_seed(&Secret::new(random())) }
    }

    /// The line for a file of public keys.
    pub(super) fn public_line(&self) -> String {
        format!("{} {} {}", super::keyring::word(self.usage), self.kid, self.key.public())
    }
}

/// Opens a key file. The passphrase is asked for only where there is one.
///
/// # Errors
///
/// `file_unreadable`, `key_file_invalid`, `passphrase_wrong`, and what `passphrase` meets.
pub(super) fn open(path: &Path, passphrase: impl FnOnce() -> Result<Secret<String>>) -> Result<HeldKey> {
    let file = read(path)?;
    let seed = match &file.sealed {
        Sealed::Plain { seed } => bytes::<32>(path, "seed", seed)?,
        Sealed::Passphrase { cost, salt, nonce, seed } => {
            let (salt, nonce) = (bytes::<16>(path, "salt", salt)?, bytes::<24>(path, "nonce", nonce)?);
            if !cost.is_within(COST_LIMIT) {
                return Err(invalid(path, "it asks for more memory or time than any key of this tool"));
            }
            let key = stretched(&passphrase()?, salt.expose(), *cost)?;
            let sealed = BASE64_URL_SAFE_NO_PAD
                .decode(seed)
                .map_err(|_| invalid(path, "its member `seed` is not base64url"))?;
            let cipher = XChaCha20Poly1305::new(&Key::from(*key.expose()));
            let payload = Payload { msg: &sealed, aad: &file.bound() };
            let opened =
                cipher.decrypt(&XNonce::from(*nonce.expose()), payload).map(Secret::new).map_err(|_| {
                    let message = format!("the passphrase does not open the key {}", path.display());
                    Error::new(vendor::PASSPHRASE_WRONG, message).with("key", &file.kid)
                })?;
            let seed = opened.expose().as_slice().try_into();
            Secret::new(seed.map_err(|_| invalid(path, "its seed does not have 32 bytes"))?)
        }
    };
    let key = SigningKey::from_seed(&seed);
    if key.public() != file.public {
        return Err(invalid(path, "its public half is not that of its private half"));
    }
    Ok(HeldKey { kid: file.kid, usage: file.usage, key })
}

/// Writes a key file of mode 0600, durably; never over another file.
///
/// # Errors
///
/// `key_file_exists`, `file_unwritable`.
pub(super) fn create(path: &Path, held: &HeldKey, protection: &Protection) -> Result<()> {
    create_with(path, held, protection, COST)
}

fn create_with(path: &Path, held: &HeldKey, protection: &Protection, cost: Cost) -> Result<()> {
    let mut file = KeyFile {
        format: FORMAT.to_owned(),
        kid: held.kid.clone(),
        usage: held.usage,
        public: held.key.public(),
        sealed: Sealed::Plain { seed: String::new() },
    };
    let seed = held.key.seed();
    file.sealed = match protection {
        Protection::None => Sealed::Plain { seed: BASE64_URL_SAFE_NO_PAD.encode(seed.expose()) },
        Protection::Passphrase(passphrase) => {
            let (salt, nonce): ([u8; 16], [u8; 24]) = (random(), random());
            let key = stretched(passphrase, &salt, cost)?;
            let cipher = XChaCha20Poly1305::new(&Key::from(*key.expose()));
            let payload = Payload { msg: seed.expose(), aad: &file.bound() };
            let sealed = cipher.encrypt(&XNonce::from(nonce), payload);
            let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
            Sealed::Passphrase {
                cost,
                salt: encode(&salt),
                nonce: encode(&nonce),
                seed: encode(&sealed.expect("32 bytes are not too long for the cipher")),
            }
        }
    };
    let text = Secret::new(serde_json::to_string_pretty(&file).expect("a key file is plain data") + "\n");
    write_new(path, text.expose().as_bytes())
}

/// Writes a file that only its owner can read, durably, where there is none.
fn write_new(path: &Path, content: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |source: std::io::Error| {
        if source.kind() == std::io::ErrorKind::AlreadyExists {
            let message = format!("could not write the key to {}: a file is there", path.display());
            return Error::new(vendor::KEY_FILE_EXISTS, message).with_state("the file was not touched");
        }
        let message = format!("could not write the key to {}", path.display());
        Error::new(tool::FILE_UNWRITABLE, message).with_source(source)
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    let written = written.and_then(|()| std::fs::File::open(folder)?.sync_all());
    written.map_err(|source| {
        // Half a key is none, and its name is wanted for the next attempt.
        let _ = std::fs::remove_file(path);
        failed(source)
    })
}

impl KeyFile {
    /// What the seal also covers.
    fn bound(&self) -> Vec<u8> {
        let usage = super::keyring::word(self.usage);
        format!("{}\n{}\n{usage}\n{}", self.format, self.kid, self.public).into_bytes()
    }
}

impl Cost {
    fn is_within(self, limit: Cost) -> bool {
        self.memory_kib <= limit.memory_kib && self.passes <= limit.passes && self.lanes <= limit.lanes
    }
}

/// The key that a passphrase stands for.
fn stretched(passphrase: &Secret<String>, salt: &[u8; 16], cost: Cost) -> Result<Secret<[u8; 32]>> {
    let refused = |error: argon2::Error| {
        Error::new(vendor::KEY_FILE_INVALID, format!("the key's cost cannot be used: {error}"))
    };
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).map_err(refused)?;
    let mut key = Secret::new([0_u8; 32]);
    let mut bytes = *key.expose();
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(passphrase.expose().as_bytes(), salt, &mut bytes).map_err(refused)?;
    key = Secret::new(bytes);
    zeroize::Zeroize::zeroize(&mut bytes);
    Ok(key)
}

fn read(path: &Path) -> Result<KeyFile> {
    let bytes = super::read_file(path, FILE_LIMIT_BYTES)?;
    let bytes = Secret::new(bytes);
    // What the parser says may repeat the text, which may be a seed.
    let file: KeyFile =
        serde_json::from_slice(bytes.expose()).map_err(|_| invalid(path, "it has another form"))?;
    if file.format != FORMAT {
        return Err(invalid(path, "it is of another version"));
    }
    Ok(file)
}

fn bytes<const N: usize>(path: &Path, member: &str, text: &str) -> Result<Secret<[u8; N]>> {
    let wrong = || invalid(path, &format!("its member `{member}` does not have {N} bytes in base64url"));
    let decoded = Secret::new(BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?);
    decoded.expose().as_slice().try_into().map(Secret::new).map_err(|_| wrong())
}

fn invalid(path: &Path, why: &str) -> Error {
    Error::new(vendor::KEY_FILE_INVALID, format!("{} is no key of this tool: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::assert_code;
    use std::os::unix::fs::PermissionsExt;

    /// The real cost is for people who wait once.
    const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

    fn phrase(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    fn made() -> (tempfile::TempDir, std::path::PathBuf, HeldKey) {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("deep/lease.key");
        let held = HeldKey::generate(KeyId::parse("lease-1").expect("it is a name"), Usage::Lease);
        let protection = Protection::Passphrase(phrase("correct horse"));
        create_with(&path, &held, &protection, CHEAP).expect("it can be written");
        (folder, path, held)
    }

    #[test]
    fn a_key_comes_back_with_its_passphrase_only() {
        let (_folder, path, held) = made();
        let opened = open(&path, || Ok(phrase("correct horse"))).expect("it opens");
        assert_eq!((opened.key.public(), opened.kid.clone()), (held.key.public(), held.kid.clone()));
        let error = open(&path, || Ok(phrase("correct horse "))).expect_err("it is another one");
        assert_code(&error, vendor::PASSPHRASE_WRONG);
        let text = std::fs::read(&path).expect("it is there");
        let seed = held.key.seed();
        assert!(!text.windows(32).any(|part| part == seed.expose()), "the seed is in the file");
        let encoded = BASE64_URL_SAFE_NO_PAD.encode(seed.expose());
        assert!(!String::from_utf8_lossy(&text).contains(&encoded), "the seed is in the file");
        let mode = path.metadata().expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
    }

    #[test]
    fn nothing_in_the_file_can_be_changed() {
        let (_folder, path, _) = made();
        let text = std::fs::read_to_string(&path).expect("it is text");
        // what is changed, into what, the code
        let cases = [
            ("\"lease\"", "\"license\"", vendor::PASSPHRASE_WRONG),
            ("lease-1", "lease-2", vendor::PASSPHRASE_WRONG),
            ("\"passes\": 1", "\"passes\": 2", vendor::PASSPHRASE_WRONG),
            ("\"passes\": 1", "\"passes\": 17", vendor::KEY_FILE_INVALID),
            ("\"memory_kib\": 8", "\"memory_kib\": 4294967295", vendor::KEY_FILE_INVALID),
            ("rtmx-key/1", "rtmx-key/2", vendor::KEY_FILE_INVALID),
            ("\"salt\": \"", "\"salt\": \"AAAA", vendor::KEY_FILE_INVALID),
            ("{", "[", vendor::KEY_FILE_INVALID),
        ];
        for (from, to, code) in cases {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            std::fs::write(&path, changed).expect("it is writable");
            assert_code(open(&path, || Ok(phrase("correct horse"))).expect_err(to), code);
        }
    }

    #[test]
    fn a_key_is_never_written_over() {
        let (_folder, path, held) = made();
        let before = std::fs::read(&path).expect("it is there");
        let error = create_with(&path, &held, &Protection::None, CHEAP).expect_err("a file is there");
        assert_code(&error, vendor::KEY_FILE_EXISTS);
        assert_eq!(std::fs::read(&path).expect("it is there"), before);
    }
}
