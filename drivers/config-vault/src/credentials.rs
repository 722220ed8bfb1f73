//! What a login needs, as it is now: files are read at each use, because agents and Kubernetes replace them.

use crate::failure::Failure;
use crate::settings::Given;
use rtmx_core::Secret;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Far more than any token; a service account's has a thousand bytes or two.
const FILE_LIMIT_BYTES: u64 = 16 << 10;

/// The secret, which `what` names in messages.
pub(crate) async fn current(what: &'static str, given: &Given) -> Result<Secret<String>, Failure> {
    match given {
        Given::Value(secret) => Ok(secret.clone()),
        Given::File(path) => from_file(what, path).await,
    }
}

/// The secret in a file, without spaces and line ends around it.
pub(crate) async fn from_file(what: &'static str, path: &Path) -> Result<Secret<String>, Failure> {
    let there = path.to_owned();
    let read = tokio::task::spawn_blocking(move || read(&there)).await;
    let read = read.map_err(|error| error.to_string()).and_then(|read| read);
    read.map_err(|why| Failure::Credential { what, path: path.to_owned(), why })
}

fn read(path: &Path) -> Result<Secret<String>, String> {
    let reason = |error: std::io::Error| error.to_string();
    // A pipe would hold the reader up for ever, so it is not even opened.
    if !std::fs::metadata(path).map_err(reason)?.is_file() {
        return Err("it is not a regular file".into());
    }
    let mut text = String::new();
    let mut file = File::open(path).map_err(reason)?.take(FILE_LIMIT_BYTES + 1);
    let read = file.read_to_string(&mut text).map(|_| Secret::new(text)).map_err(reason)?;
    if read.expose().len() as u64 > FILE_LIMIT_BYTES {
        return Err(format!("it is larger than {} KiB", FILE_LIMIT_BYTES >> 10));
    }
    let text = read.expose().trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it holds no token".into());
    }
    Ok(Secret::new(text.to_owned()))
}
