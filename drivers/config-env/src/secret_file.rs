//! Reading a file that a variable names: small, regular, text.

use rtmx_core::Secret;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// The most that such a file may hold: far more than any password, key or license.
pub(crate) const FILE_LIMIT_BYTES: u64 = 128 << 10;

/// The text of a file that a variable names, or why there is none, as a phrase that holds nothing of its
/// content. At most 128 KiB are read.
///
/// # Errors
///
/// The reason, if it is no small regular file of UTF-8 text that this user may read.
pub fn read(path: &Path) -> Result<Secret<String>, String> {
    // A pipe would hold the start up for ever, so it is not even opened.
    let known = std::fs::metadata(path).map_err(|error| reason(&error))?;
    if !known.is_file() {
        return Err("it is not a regular file".into());
    }
    let file = File::open(path).map_err(|error| reason(&error))?;
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT_BYTES + 1).read_to_end(&mut bytes).map_err(|error| reason(&error))?;
    if bytes.len() as u64 > FILE_LIMIT_BYTES {
        return Err(format!("it is larger than {} KiB", FILE_LIMIT_BYTES >> 10));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Secret::new(text)),
        Err(_) => Err("it is not UTF-8 text".into()),
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "it does not exist".into(),
        ErrorKind::PermissionDenied => "this user may not read it".into(),
        _ => error.to_string(),
    }
}
