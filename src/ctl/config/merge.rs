//! `config merge`: appends what a file does not mention.
//!
//! The file is opened for appending and nothing else, so what was in it, its owner and its mode stay
//! whatever happens.

use super::super::output::{Outcome, Output};
use super::document::{Document, read_reference};
use crate::Drivers;
use rtmx_config::{FileFormat, KeySpec, Table};
use rtmx_core::{Error, tool};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writes {
    File,
    Nothing,
}

/// Appends, or shows what would be appended.
pub(super) async fn run_merge(
    drivers: &Drivers,
    path: &Path,
    since: Option<&Path>,
    writes: Writes,
    out: &Output,
) -> Outcome {
    let older = since.map(read_reference).transpose()?.unwrap_or_default();
    let document = Document::read(drivers, path).await?;
    let (table, format, text) = (Table::RTMX, document.format, document.text.expose());
    // A file of variables is searched for names: its layer has those that are set alone.
    let set = if format == FileFormat::Toml { document.keys() } else { Vec::new() };
    let mut new: Vec<&'static KeySpec> = table.not_mentioned(format, text, &set);
    new.retain(|spec| {
        let known = |key: &str| older.iter().any(|old| old.key == key);
        !known(spec.path) && !spec.formerly.iter().any(|former| known(former))
    });
    let appendix = table.appendix(format, text, &new, concat!("RTMX ", env!("CARGO_PKG_VERSION")));
    let writes_now = writes == Writes::File && !appendix.is_empty();
    if writes_now {
        let file = OpenOptions::new().append(true).open(path);
        file.and_then(|mut file| file.write_all(appendix.as_bytes()).and_then(|()| file.sync_all()))
            .map_err(|error| {
                Error::new(tool::FILE_UNWRITABLE, format!("could not write {}", path.display()))
                    .with_source(error)
            })?;
    }
    let added: Vec<&str> = new.iter().map(|spec| spec.path).collect();
    out.object(
        &json!({"type": "config", "file": path, "added": added, "changed": writes_now, "text": appendix}),
    );
    match (new.len(), writes) {
        (0, _) => out.line(format!("Nothing to do: {} mentions every setting.", path.display())),
        (count, Writes::File) => {
            out.line(format!("{count} settings appended to {}, commented out.", path.display()));
        }
        (_, Writes::Nothing) => out.line(appendix.trim_end()),
    }
    Ok(0)
}
