//! The driver's settings.

use rtmx_core::{Error, Result, storage};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the database is and how it is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqliteSettings {
    /// The database file: a path, or `sqlite:` and a path.
    pub url: String,
    /// The folder that a relative path starts from; without it such a path is refused.
    #[serde(default)]
    pub base: Option<PathBuf>,
    /// Threads that read, 1 to 64. Default 4.
    #[serde(default = "SqliteSettings::default_readers")]
    pub readers: usize,
    /// How long a statement waits for a lock of another connection, in milliseconds, at most
    /// 60,000. Default 5,000.
    #[serde(default = "SqliteSettings::default_busy_timeout_ms")]
    pub busy_timeout_ms: u64,
}

impl SqliteSettings {
    const READER_LIMIT: usize = 64;
    const BUSY_TIMEOUT_LIMIT_MS: u64 = 60_000;

    /// The defaults for a database file.
    pub fn new(path: impl AsRef<Path>) -> Self {
        SqliteSettings {
            url: path.as_ref().to_string_lossy().into_owned(),
            base: None,
            readers: Self::default_readers(),
            busy_timeout_ms: Self::default_busy_timeout_ms(),
        }
    }

    /// Reads settings from JSON and checks them.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid`.
    pub fn from_json(json: serde_json::Value) -> Result<Self> {
        let settings: SqliteSettings = serde_json::from_value(json).map_err(|source| {
            Error::new(
                storage::STORAGE_SETTINGS_INVALID,
                "could not read the settings of the storage driver `sqlite`",
            )
            .with_source(source)
        })?;
        settings.file()?;
        if !(1..=Self::READER_LIMIT).contains(&settings.readers) {
            return Err(invalid(format!("`readers` is {}, and it must be 1 to 64", settings.readers)));
        }
        if settings.busy_timeout_ms > Self::BUSY_TIMEOUT_LIMIT_MS {
            let message =
                format!("`busy_timeout_ms` is {}, and it must be at most 60000", settings.busy_timeout_ms);
            return Err(invalid(message));
        }
        Ok(settings)
    }

    /// The database file as an absolute path, symbolic links not yet followed.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid` for an empty path, a relative one without a base, one with
    /// parameters, and the names by which SQLite means memory or a URI.
    pub fn file(&self) -> Result<PathBuf> {
        let path = match self.url.strip_prefix("sqlite:") {
            Some(rest) => match rest.strip_prefix("//") {
                Some(rest) if rest.starts_with('/') => rest,
                Some(_) => return Err(invalid(format!("`{}` names a host, and SQLite has none", self.url))),
                None => rest,
            },
            None => &self.url,
        };
        if path.is_empty() || path.ends_with('/') {
            return Err(invalid(format!("`{}` names no database file", self.url)));
        }
        if path.starts_with(':') || path.starts_with("file:") || path.contains(['?', '#', '\0']) {
            let message =
                format!("`{}` is not a plain path: memory and URI parameters are not offered", self.url);
            return Err(invalid(message));
        }
        let file = match &self.base {
            Some(base) => base.join(path),
            None => PathBuf::from(path),
        };
        if !file.is_absolute() {
            return Err(invalid(format!("`{}` is relative, and there is no absolute `base`", self.url)));
        }
        Ok(file)
    }

    /// How long a statement waits for a lock of another connection.
    pub fn busy_timeout(&self) -> Duration {
        Duration::from_millis(self.busy_timeout_ms)
    }

    fn default_readers() -> usize {
        4
    }

    fn default_busy_timeout_ms() -> u64 {
        5_000
    }

    /// The JSON Schema of the settings.
    pub(crate) fn json_schema() -> serde_json::Value {
        serde_json::json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Settings of the storage driver `sqlite`",
            "type": "object",
            "additionalProperties": false,
            "required": ["url"],
            "properties": {
                "url": {
                    "type": "string",
                    "minLength": 1,
                    "description": "The database file: a path, or `sqlite:` and a path."
                },
                "base": {
                    "type": ["string", "null"],
                    "description": "The folder that a relative path starts from."
                },
                "readers": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": Self::READER_LIMIT,
                    "default": Self::default_readers(),
                    "description": "Threads that read."
                },
                "busy_timeout_ms": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": Self::BUSY_TIMEOUT_LIMIT_MS,
                    "default": Self::default_busy_timeout_ms(),
                    "description": "How long a statement waits for a lock of another connection, in milliseconds."
                }
            }
        })
    }
}

fn invalid(message: String) -> Error {
    Error::new(storage::STORAGE_SETTINGS_INVALID, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::assert_code;
    use serde_json::json;

    #[test]
    fn a_path_or_url_becomes_an_absolute_file() {
        // path, base, file
        let cases = [
            ("sqlite:rtmx.db", Some("/data"), "/data/rtmx.db"),
            ("rtmx.db", Some("/data"), "/data/rtmx.db"),
            ("sqlite:/srv/a.db", Some("/data"), "/srv/a.db"),
            ("sqlite:///srv/a.db", None, "/srv/a.db"),
            ("/srv/a.db", None, "/srv/a.db"),
        ];
        for (path, base, wanted) in cases {
            let settings = SqliteSettings::from_json(json!({"url": path, "base": base})).expect(path);
            assert_eq!(settings.file().expect(path), Path::new(wanted), "{path}");
            assert_eq!((settings.readers, settings.busy_timeout()), (4, Duration::from_secs(5)));
        }
    }

    #[test]
    fn settings_that_cannot_be_meant_are_refused() {
        let cases = [
            json!({}),
            json!({"url": ""}),
            json!({"url": "sqlite:"}),
            json!({"url": "rtmx.db"}),
            json!({"url": "rtmx.db", "base": "also/relative"}),
            json!({"url": "/data/"}),
            json!({"url": ":memory:", "base": "/data"}),
            json!({"url": "sqlite::memory:", "base": "/data"}),
            json!({"url": "file::memory:?cache=shared", "base": "/data"}),
            json!({"url": "sqlite:file:/x.db", "base": "/data"}),
            json!({"url": "sqlite:/x.db?mode=memory"}),
            json!({"url": "sqlite://host/x.db"}),
            json!({"url": "/x.db", "readers": 0}),
            json!({"url": "/x.db", "readers": 65}),
            json!({"url": "/x.db", "busy_timeout_ms": 60_001}),
            json!({"url": "/x.db", "reader": 2}),
        ];
        for json in cases {
            let error = SqliteSettings::from_json(json.clone()).expect_err(&json.to_string());
            assert_code(&error, storage::STORAGE_SETTINGS_INVALID);
        }
    }
}
