//! What `cargo xtask test image` made, and where.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The image.
#[derive(Debug)]
pub(crate) struct Given {
    /// The folder of the layout.
    pub(crate) layout: PathBuf,
    /// The file that an engine loads.
    pub(crate) tar: PathBuf,
    /// Its name with its tag.
    pub(crate) reference: String,
    /// Its digest.
    pub(crate) digest: String,
    /// The digest of its configuration.
    pub(crate) config: String,
    /// The SHA-256 of the server's file.
    pub(crate) server: String,
}

impl Given {
    /// Reads the variables; the error says why there is nothing to test.
    pub(crate) fn read() -> Result<Given, String> {
        let of = |name: &str| {
            std::env::var(name).map_err(|_| "`cargo xtask test image` makes the image".to_owned())
        };
        Ok(Given {
            layout: of("RTMX_IMAGE_LAYOUT")?.into(),
            tar: of("RTMX_IMAGE_TAR")?.into(),
            reference: of("RTMX_IMAGE_REFERENCE")?,
            digest: of("RTMX_IMAGE_DIGEST")?,
            config: of("RTMX_IMAGE_CONFIG")?,
            server: of("RTMX_IMAGE_SERVER")?,
        })
    }

    /// Keeps a figure for whoever reads the run: a harness reads what is printed.
    pub(crate) fn note(&self, figure: &str) {
        let Some(file) = std::env::var_os("RTMX_IMAGE_FIGURES") else { return };
        let file = OpenOptions::new().create(true).append(true).open(file);
        file.and_then(|mut file| writeln!(file, "{figure}")).expect("the figures can be written");
    }

    /// The tag.
    pub(crate) fn version(&self) -> &str {
        self.reference.rsplit(':').next().unwrap_or_default()
    }

    /// The name with the digest.
    pub(crate) fn by_digest(&self) -> String {
        let name = self.reference.rsplit_once(':').map_or(self.reference.as_str(), |(name, _)| name);
        format!("{name}@{}", self.digest)
    }

    /// What the blobs of the image are together, as the file that an engine loads has them.
    pub(crate) fn blob_bytes(&self) -> u64 {
        std::fs::metadata(&self.tar).map_or(u64::MAX, |file| file.len())
    }

    /// The operator's tool beside the server, as a checkout deploys it.
    pub(crate) fn deployer(&self) -> Result<PathBuf, String> {
        program("RTMX_IMAGE_DEPLOYER")
    }

    /// The operator's tool without a library.
    pub(crate) fn tool(&self) -> Result<PathBuf, String> {
        program("RTMX_IMAGE_TOOL")
    }
}

fn program(variable: &str) -> Result<PathBuf, String> {
    let path = std::env::var(variable).map_err(|_| format!("{variable} names no program"))?;
    if Path::new(&path).is_file() { Ok(path.into()) } else { Err(format!("there is no {path}")) }
}
