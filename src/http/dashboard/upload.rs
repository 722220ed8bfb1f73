//! The import form as it is sent: a file with a few words (RFC 7578).
//!
//! The parts are told apart by `multer`; the body was read whole before, under the server's limits of
//! size and time.

use super::files::not_checked;
use bytes::Bytes;
use http::{HeaderMap, header};
use rtmx_core::{Error, Result, server};
use rtmx_storage::csv::Duplicates;
use rtmx_storage::import::ImportMode;
use sha2::{Digest, Sha256};
use std::convert::Infallible;

/// A file, and what is to be done with it.
pub(super) struct Upload {
    pub(super) file: Bytes,
    /// What the file was called where it came from.
    pub(super) name: String,
    pub(super) mode: ImportMode,
    pub(super) duplicates: Duplicates,
    /// For an import, what the report of the check carried.
    pub(super) seal: Option<String>,
}

impl Upload {
    /// Reads the form.
    ///
    /// # Errors
    ///
    /// `content_type_invalid`, `body_invalid`.
    pub(super) async fn read(headers: &HeaderMap, body: Bytes) -> Result<Upload> {
        let given =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(given).map_err(|_| {
            let message = "could not read a body without parts: `multipart/form-data` is needed";
            Error::new(server::CONTENT_TYPE_INVALID, message)
        })?;
        let whole = futures_util::stream::iter([Ok::<_, Infallible>(body)]);
        let mut parts = multer::Multipart::new(whole, boundary);
        let mut upload = Upload {
            file: Bytes::new(),
            name: String::new(),
            mode: ImportMode::Merge,
            duplicates: Duplicates::Refuse,
            seal: None,
        };
        let (mut is_import, mut seal) = (false, None);
        while let Some(part) = parts.next_field().await.map_err(broken)? {
            let name = part.name().unwrap_or_default().to_owned();
            if name == "file" {
                upload.name = part.file_name().unwrap_or_default().to_owned();
                upload.file = part.bytes().await.map_err(broken)?;
                continue;
            }
            let value = part.text().await.map_err(broken)?;
            match (name.as_str(), value.as_str()) {
                ("mode", "merge") => upload.mode = ImportMode::Merge,
                ("mode", "replace") => upload.mode = ImportMode::Replace,
                ("duplicates", "refuse") => upload.duplicates = Duplicates::Refuse,
                ("duplicates", "merge") => upload.duplicates = Duplicates::Merge,
                ("act", act @ ("check" | "import")) => is_import = act == "import",
                ("checked", _) => seal = Some(value),
                _ => {
                    let message = "the form has a field, or a value of one, that this page does not know";
                    return Err(Error::new(server::BODY_INVALID, message).with("field", shown(&name)));
                }
            }
        }
        if upload.name.is_empty() && upload.file.is_empty() {
            return Err(Error::new(server::BODY_INVALID, "no file was chosen"));
        }
        if is_import {
            upload.seal = Some(seal.unwrap_or_default());
        }
        Ok(upload)
    }

    /// What the report of a check at this head carries.
    pub(super) fn sealed(&self, head: &str) -> String {
        format!("{head}.{}", self.print())
    }

    /// The head at which this file was checked; `None` if this is a check.
    ///
    /// # Errors
    ///
    /// `import_not_checked` if another file was, or this one in another way, or none.
    pub(super) fn checked_at(&self) -> Result<Option<&str>> {
        let Some(seal) = &self.seal else { return Ok(None) };
        let Some((head, print)) = seal.split_once('.') else {
            return Err(not_checked("could not import: no file was checked before"));
        };
        let (file, way) = print.split_once('.').unwrap_or_default();
        if file != self.digest() {
            return Err(not_checked("could not import: this is another file than the one that was checked"));
        }
        if way != self.way() {
            return Err(not_checked("could not import: the file was checked with other choices than these"));
        }
        Ok(Some(head))
    }

    fn print(&self) -> String {
        format!("{}.{}", self.digest(), self.way())
    }

    fn digest(&self) -> String {
        Sha256::digest(&self.file).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn way(&self) -> String {
        format!("{:?}-{:?}", self.mode, self.duplicates).to_lowercase()
    }
}

fn shown(name: &str) -> String {
    crate::http::api::params::shown(name)
}

fn broken(error: multer::Error) -> Error {
    Error::new(server::BODY_INVALID, "could not read the parts of the form").with_source(error)
}
