//! The program files that are installed, and their digests.

use crate::durable::failed;
use crate::layout::Layout;
use rtmx_core::{Error, Result, deploy};
use rtmx_deploy::Artifact;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Reads the program files of a folder, which takes as long as reading them.
///
/// # Errors
///
/// `artifact_unusable` when one is missing.
pub fn read_artifacts(folder: &Path) -> Result<Vec<Artifact>> {
    [Layout::SERVER, Layout::TOOL].iter().map(|name| read_artifact(folder, name)).collect()
}

/// Reads one program file.
pub(crate) fn read_artifact(folder: &Path, name: &str) -> Result<Artifact> {
    let path = folder.join(name);
    if !path.is_file() {
        let message = format!("there is no `{name}` in {}", folder.display());
        return Err(Error::new(deploy::ARTIFACT_UNUSABLE, message).with("path", path.display()));
    }
    let mut file = File::open(&path).map_err(|error| failed("read", &path, error))?;
    let mut hash = Hash::default();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(|error| failed("read", &path, error))? {
            0 => return Ok(hash.into_artifact(name)),
            count => hash.add(&buffer[..count]),
        }
    }
}

/// A digest in the making.
#[derive(Default)]
pub(crate) struct Hash {
    state: Sha256,
    bytes: u64,
}

impl Hash {
    pub(crate) fn add(&mut self, piece: &[u8]) {
        self.state.update(piece);
        self.bytes += piece.len() as u64;
    }

    pub(crate) fn into_artifact(self, name: &str) -> Artifact {
        let digits: String = self.state.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Artifact { name: name.to_owned(), digest: format!("sha256:{digits}"), bytes: self.bytes }
    }
}
