//! Where a license may come from, and which of several is used.

use rtmx_config::Settings;
use rtmx_core::{Error, Secret, license};
use rtmx_license::{Checked, DocumentType, files};
use serde::{Deserialize, Serialize};

/// Where a license came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// `license.key`.
    Setting,
    /// `license.file`.
    File,
    /// It was uploaded, or kept from one of the others while that was right.
    Installed,
}

impl Origin {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Origin::Setting => "license.key",
            Origin::File => "license.file",
            Origin::Installed => "installed",
        }
    }
}

/// A license that was found, or why one that should be there could not be read.
pub(super) struct Candidate {
    pub(super) origin: Origin,
    pub(super) document: Result<Secret<Vec<u8>>, Error>,
}

/// What configuration and database hold, in the order in which they are asked.
///
/// The file is read anew each time: a secret that is mounted changes by a link that moves.
pub(super) fn candidates(settings: &Settings, installed: Option<Secret<Vec<u8>>>) -> Vec<Candidate> {
    let set = settings.license.key.as_ref().map(|key| key.expose().clone().into_bytes());
    let set = set.filter(|key| !key.trim_ascii().is_empty()).map(Secret::new);
    let read = |path| match files::read(path, DocumentType::License.file_limit()) {
        Ok(bytes) => Ok(Secret::new(bytes)),
        Err(refusal) => Err(Error::from(refusal)),
    };
    // A secret that is not there yet is no license; it is looked for again.
    let is_missing = |error: &Error| error.code() == license::LICENSE_UNREADABLE;
    let file =
        settings.license.file.as_deref().map(read).filter(|file| !file.as_ref().is_err_and(is_missing));
    let found =
        [(Origin::Setting, set.map(Ok)), (Origin::File, file), (Origin::Installed, installed.map(Ok))];
    let candidate = |(origin, document)| Some(Candidate { origin, document: document? });
    found.into_iter().filter_map(candidate).collect()
}

/// How good a license is: one in force before one that is not, a verified one before a refused one, and of
/// two the one that was issued later.
pub(super) fn rank(checked: &Checked) -> impl Ord {
    let issued = checked.license.as_ref().map(|license| (license.issued_at, license.seq));
    (checked.verdict.is_in_force(), checked.verdict.strict().is_ok(), issued)
}
