//! What an installation remembers of itself, outside its data.
//!
//! It is what tells a first installation from one whose data has gone.

use crate::durable;
use crate::layout::Layout;
use crate::service::ServiceKind;
use rtmx_core::{Error, Result, deploy};
use rtmx_deploy::{Artifact, SettingValue};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// The content of `installation.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    /// The version of this file's format.
    pub(crate) format: u32,
    /// The installation's name.
    pub(crate) name: String,
    /// The application.
    pub(crate) application: String,
    /// Whether it is installed; a removed one keeps its settings and the memory of its data.
    pub(crate) standing: Standing,
    /// The version.
    pub(crate) version: String,
    /// The release's id.
    pub(crate) release: String,
    /// The program files.
    pub(crate) artifacts: Vec<Artifact>,
    /// The settings; secrets only by name.
    pub(crate) settings: BTreeMap<String, SettingValue>,
    /// What keeps it running.
    pub(crate) service: ServiceKind,
    /// That it had data; `None` until the server was ready once.
    pub(crate) data: Option<DataMark>,
}

/// Whether an installation is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    Installed,
    Removed,
}

/// The data that an installation had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DataMark {
    /// The database file; `None` where the database is not a file of this machine.
    pub(crate) file: Option<PathBuf>,
    /// The id that the server gave to the installation, from its marker in the data folder.
    pub(crate) id: Option<String>,
}

impl Remembered {
    /// The version of the format.
    pub(crate) const FORMAT: u32 = 1;

    /// Reads what an installation remembers; `None` if there is none.
    ///
    /// # Errors
    ///
    /// `installation_damaged`.
    pub(crate) fn read(layout: &Layout) -> Result<Option<Remembered>> {
        let path = layout.record();
        let Some(text) = durable::read_text(&path)? else { return Ok(None) };
        let damaged = || {
            let message = format!("could not understand {}", path.display());
            Error::new(deploy::INSTALLATION_DAMAGED, message).with("path", path.display())
        };
        let found: Remembered = serde_json::from_str(&text).map_err(|error| damaged().with_source(error))?;
        if found.format != Remembered::FORMAT {
            let why =
                format!("it has format {}, and this version reads {}", found.format, Remembered::FORMAT);
            return Err(damaged().with_source(why));
        }
        Ok(Some(found))
    }

    /// Writes it, durably.
    pub(crate) fn write(&self, layout: &Layout) -> Result<()> {
        let text = serde_json::to_string_pretty(self).expect("it holds only strings and numbers");
        durable::write(&layout.record(), format!("{text}\n").as_bytes(), 0o644)
    }

    /// Whether two say the same, but for what the server adds to the data's mark.
    pub(crate) fn agrees_with(&self, other: &Remembered) -> bool {
        let plain = |this: &Remembered| Remembered { data: None, ..this.clone() };
        plain(self) == plain(other)
    }

    /// The database file of these settings, where the database is one.
    pub(crate) fn database_file(
        settings: &BTreeMap<String, SettingValue>,
        layout: &Layout,
    ) -> Option<PathBuf> {
        let path = match settings.get("database.url") {
            None => "rtmx.db",
            Some(SettingValue::Plain(serde_json::Value::String(url))) => {
                let path = url.strip_prefix("sqlite:")?;
                path.strip_prefix("//").unwrap_or(path)
            }
            Some(_) => return None,
        };
        Some(layout.data().join(path.split('?').next().unwrap_or(path)))
    }

    /// The mark of the data as it is now.
    pub(crate) fn mark(settings: &BTreeMap<String, SettingValue>, layout: &Layout) -> DataMark {
        let id = fs::read_to_string(layout.data().join("installation")).ok();
        let id = id.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
        DataMark { file: Remembered::database_file(settings, layout), id }
    }
}
