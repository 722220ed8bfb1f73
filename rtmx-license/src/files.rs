//! Small files: the one place of this crate that opens any.
//!
//! A license path may name anything: a pipe without a writer, `/dev/zero`, a folder, a sparse file of
//! a gigabyte, a circle of links. So the file is opened without waiting, asked what it is, and read
//! up to a limit. Links are followed, because secrets are mounted as links that move.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "see above")]

use crate::Refusal;
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The content of a regular file of at most `limit` bytes.
///
/// # Errors
///
/// `license_unreadable`, `license_not_a_file`, `license_too_large`.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Refusal> {
    let unreadable =
        |error: std::io::Error| Refusal::Unreadable { path: path.to_owned(), why: error.kind().to_string() };
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::empty());
    let mut file = match opened {
        Ok(descriptor) => File::from(descriptor),
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO) => {
            return Err(Refusal::NotAFile { path: path.to_owned() });
        }
        Err(error) => return Err(unreadable(error.into())),
    };
    let facts = file.metadata().map_err(unreadable)?;
    if !facts.is_file() {
        return Err(Refusal::NotAFile { path: path.to_owned() });
    }
    let too_large = Refusal::TooLarge { part: "file", limit };
    if facts.len() > limit as u64 {
        return Err(too_large);
    }
    // Files of `/sys` say a length that they do not have, and others grow meanwhile.
    let mut bytes = Vec::new();
    let read = file.by_ref().take(limit as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if read > limit { Err(too_large) } else { Ok(bytes) }
}
