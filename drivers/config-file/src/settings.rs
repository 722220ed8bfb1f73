//! The driver's own settings.

use rtmx_config::units;
use rtmx_core::{Error, Result, config};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

const POLL_MIN: Duration = Duration::from_millis(10);
const POLL_MAX: Duration = Duration::from_secs(3_600);

/// What is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// One file.
    File(PathBuf),
    /// The `*.toml` files of a folder, in the order of their names.
    Dir(PathBuf),
}

impl Place {
    /// The path of the file or folder.
    pub fn path(&self) -> &Path {
        match self {
            Place::File(path) | Place::Dir(path) => path,
        }
    }
}

/// The settings of a file source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSettings {
    /// What is read.
    pub place: Place,
    /// Whether it is a fault when it does not exist.
    pub required: bool,
    /// How often its content is looked at; from 10 ms to 1 h.
    pub poll: Duration,
}

impl FileSettings {
    /// A place that must exist, looked at every second.
    pub fn new(place: Place) -> FileSettings {
        FileSettings { place, required: true, poll: Duration::from_secs(1) }
    }

    /// Reads the settings that a registry hands over.
    ///
    /// # Errors
    ///
    /// `config_invalid`.
    pub(crate) fn from_json(settings: serde_json::Value) -> Result<FileSettings> {
        let refused = || Error::new(config::CONFIG_INVALID, "could not open the config driver `file`");
        let given: Given = serde_json::from_value(settings).map_err(|cause| refused().with_source(cause))?;
        let place = match (given.file, given.dir) {
            (Some(file), None) => Place::File(file),
            (None, Some(dir)) => Place::Dir(dir),
            _ => return Err(refused().with_source("exactly one of `file` and `dir` must be given")),
        };
        let mut settings = FileSettings::new(place);
        settings.required = given.required.unwrap_or(settings.required);
        if let Some(poll) = given.poll {
            let poll = units::parse_duration(&poll).filter(|poll| (POLL_MIN..=POLL_MAX).contains(poll));
            settings.poll = poll.ok_or_else(|| {
                refused().with_source("`poll` must be a duration from 10ms to 1h, such as `1s`")
            })?;
        }
        Ok(settings)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    file: Option<PathBuf>,
    dir: Option<PathBuf>,
    required: Option<bool>,
    poll: Option<String>,
}
