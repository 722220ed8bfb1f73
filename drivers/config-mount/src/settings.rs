//! The driver's own settings.

use rtmx_config::units;
use rtmx_core::{Error, Result, config};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

const POLL_MIN: Duration = Duration::from_millis(10);
const POLL_MAX: Duration = Duration::from_secs(3_600);

/// The settings of a mounted source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountSettings {
    /// The folder.
    pub dir: PathBuf,
    /// Whether it is a fault when it does not exist.
    pub required: bool,
    /// How often its content is looked at; from 10 ms to 1 h.
    pub poll: Duration,
}

impl MountSettings {
    /// A folder that must exist, looked at every second.
    pub fn new(dir: impl Into<PathBuf>) -> MountSettings {
        MountSettings { dir: dir.into(), required: true, poll: Duration::from_secs(1) }
    }

    /// Reads the settings that a registry hands over.
    ///
    /// # Errors
    ///
    /// `config_invalid`.
    pub(crate) fn from_json(settings: serde_json::Value) -> Result<MountSettings> {
        let refused = || Error::new(config::CONFIG_INVALID, "could not open the config driver `mount`");
        let given: Given = serde_json::from_value(settings).map_err(|cause| refused().with_source(cause))?;
        let mut settings = MountSettings::new(given.dir);
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
    dir: PathBuf,
    required: Option<bool>,
    poll: Option<String>,
}
