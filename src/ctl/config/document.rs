//! A file that is compared or added to: TOML, variables, or the reference of a version.

use super::subject::read_secret;
use crate::Drivers;
use rtmx_config::{FileFormat, KeyFacts, Layer, Table, environment_file};
use rtmx_core::{Cx, Error, Result, Secret, config, tool};
use serde_json::json;
use std::path::Path;

/// The most that a file may hold that is read here.
const FILE_LIMIT_BYTES: u64 = 4 << 20;

/// A configuration file.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) format: FileFormat,
    pub(super) text: Secret<String>,
    /// What it says.
    pub(super) layer: Layer,
}

/// One side of a comparison.
#[derive(Debug)]
pub(super) enum Side {
    Reference(Vec<KeyFacts>),
    File(Document),
}

impl Document {
    /// Reads a file; the format follows from its name.
    ///
    /// # Errors
    ///
    /// `file_unreadable`; `config_syntax` for a file that is not TOML.
    pub(super) async fn read(drivers: &Drivers, path: &Path) -> Result<Document> {
        let text = read_text(path)?;
        let layer = match format_of(path) {
            FileFormat::Environment => {
                // What a file holds that a variable names is not compared, and need not be here.
                let unread = &mut |path: &Path| Ok(Secret::new(path.display().to_string()));
                environment_file(&Table::RTMX, path, &text, unread)
            }
            FileFormat::Toml => {
                let layer = toml_layer(drivers, path).await?;
                if !layer.faults.is_empty() {
                    let causes: Vec<String> = layer.faults.iter().map(ToString::to_string).collect();
                    let message = format!("could not read {} as TOML", path.display());
                    let error = Error::new(config::CONFIG_SYNTAX, message).with_source(causes.join("\n"));
                    return Err(error.with_state("nothing was changed"));
                }
                layer
            }
        };
        Ok(Document { format: format_of(path), text: Secret::new(text), layer })
    }

    /// The keys that it sets.
    pub(super) fn keys(&self) -> Vec<String> {
        self.layer.entries.iter().map(|entry| entry.key.clone()).collect()
    }
}

impl Side {
    /// Reads a file of any of the three forms; a reference is an object of JSON.
    pub(super) async fn read(drivers: &Drivers, path: &Path) -> Result<Side> {
        if path.extension().is_some_and(|end| end == "json") {
            return read_reference(path).map(Side::Reference);
        }
        Document::read(drivers, path).await.map(Side::File)
    }
}

/// Reads the reference of a version.
///
/// # Errors
///
/// `file_unreadable` if it is none.
pub(super) fn read_reference(path: &Path) -> Result<Vec<KeyFacts>> {
    let schema: serde_json::Value = serde_json::from_str(&read_text(path)?).unwrap_or_default();
    let facts = KeyFacts::of_schema(&schema);
    if facts.is_empty() {
        let message = format!("{} is not the reference of a version", path.display());
        let next = "Make one with that version: `rtmxctl config reference --format json-schema`.";
        return Err(Error::new(tool::FILE_UNREADABLE, message).with_next(next));
    }
    Ok(facts)
}

/// Files whose names end in `.env` or begin with it hold variables.
pub(super) fn format_of(path: &Path) -> FileFormat {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.ends_with(".env") || name.starts_with(".env") {
        FileFormat::Environment
    } else {
        FileFormat::Toml
    }
}

/// What a TOML file says, by the driver that also the server reads it with.
pub(super) async fn toml_layer(drivers: &Drivers, path: &Path) -> Result<Layer> {
    let cx = Cx::new();
    drivers.config.get("file")?.open(&cx, json!({"file": path})).await?.load(&cx).await
}

/// What a file of variables says, files that it names included.
pub(super) fn variables_layer(path: &Path) -> Result<Layer> {
    Ok(environment_file(&Table::RTMX, path, &read_text(path)?, &mut read_secret))
}

pub(super) fn read_text(path: &Path) -> Result<String> {
    let failed = |error: std::io::Error| {
        Error::new(tool::FILE_UNREADABLE, format!("could not read {}", path.display())).with_source(error)
    };
    let known = std::fs::metadata(path).map_err(failed)?;
    if !known.is_file() || known.len() > FILE_LIMIT_BYTES {
        let message = format!(
            "could not read {}: it is no regular file of at most {} MiB",
            path.display(),
            FILE_LIMIT_BYTES >> 20
        );
        return Err(Error::new(tool::FILE_UNREADABLE, message));
    }
    std::fs::read_to_string(path).map_err(failed)
}
