//! `config check`: everything that is wrong with a configuration, at once.

use super::super::args::Global;
use super::super::output::{BOLD, Failure, Outcome, Output};
use super::document::{format_of, toml_layer, variables_layer};
use super::subject::Subject;
use crate::Drivers;
use rtmx_config::{
    About, Entry, Faults, FileFormat, Finding, KEYS, Kind, Layer, Origin, Provenance, Resolved, Strictness,
    Value as ConfigValue, resolve,
};
use rtmx_core::{Error, Result};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Where the configuration is to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Here,
    /// On a machine whose paths are not here.
    Elsewhere,
}

/// Checks files, or what this machine has.
pub(super) async fn run_check(
    drivers: &Drivers,
    global: &Global,
    files: &[PathBuf],
    env_files: &[PathBuf],
    place: Place,
    out: &Output,
) -> Outcome {
    let of_files = !files.is_empty() || !env_files.is_empty();
    let (what, mut layers) = if of_files {
        let mut layers = Vec::new();
        for file in files {
            layers.push(match format_of(file) {
                FileFormat::Toml => toml_layer(drivers, file).await?,
                FileFormat::Environment => variables(file),
            });
        }
        layers.extend(env_files.iter().map(|file| variables(file)));
        let names: Vec<String> = files.iter().chain(env_files).map(|f| f.display().to_string()).collect();
        (names.join(", "), layers)
    } else {
        let subject = Subject::find(drivers, global, None).await?;
        (format!("the configuration of {}", subject.whose), subject.layers)
    };
    for layer in &mut layers {
        match place {
            Place::Elsewhere => layer.faults.retain(|fault| !is_about_a_named_file(fault)),
            Place::Here => layer.faults.extend(absent_files(&layer.entries)),
        }
    }
    let resolved = resolve(&layers, Strictness::Check).map_err(reported)?;
    let warnings = warnings(&resolved, drivers);
    let set = resolved.origins.values().filter(|trace| trace.origin != Origin::Default).count();
    out.object(&json!({
        "type": "config",
        "checked": what,
        "settings": set,
        "faults": [],
        "warnings": warnings,
    }));
    out.line(format!("Nothing is wrong with {what}: it sets {set} of {} settings.", KEYS.len()));
    for warning in &warnings {
        out.line(format!("{BOLD}warning{BOLD:#}: {warning}"));
    }
    Ok(0)
}

fn warnings(resolved: &Resolved, drivers: &Drivers) -> Vec<Finding> {
    let mut warnings = resolved.warnings.clone();
    warnings.extend(crate::database::idle(resolved, drivers));
    warnings
}

/// The error with its faults as data beside it.
fn reported(error: Error) -> Failure {
    let report = Faults::of(&error).map(|faults| json!({ "faults": faults }));
    Failure { error, report }
}

/// A file of variables as a layer; that it cannot be read is a fault of it.
fn variables(file: &Path) -> Layer {
    let unread = |error: Error| {
        let mut layer = Layer::new(Provenance::new("env", file.display().to_string()));
        let origin = Origin::File { path: file.to_owned(), line: 0, column: 0 };
        let why = error.causes().first().cloned().unwrap_or_else(|| error.message().to_owned());
        let text = format!("could not read the file of variables: {why}");
        layer.faults.push(Finding::new(About::Unreadable, origin, text));
        layer
    };
    variables_layer(file).unwrap_or_else(unread)
}

/// Whether a fault is about a file that a setting names, and not about a configuration file itself.
fn is_about_a_named_file(fault: &Finding) -> bool {
    fault.about == About::Unreadable && fault.key.is_some()
}

/// The files that settings name and that are not here. The folder of the data is made by the server.
fn absent_files(entries: &[Entry]) -> Vec<Finding> {
    let names_a_file = |key: &str, path: &str| {
        let of_a_path = KEYS.iter().any(|spec| spec.path == key && spec.kind == Kind::Path);
        (of_a_path && key != "data.dir") || (key == "database.sslrootcert" && path != "system")
    };
    let mut found = Vec::new();
    for entry in entries {
        let ConfigValue::Text(text) = &entry.value else { continue };
        let path = text.expose().trim();
        if !names_a_file(&entry.key, path) || !Path::new(path).has_root() {
            continue;
        }
        if let Err(why) = can_be_read(Path::new(path)) {
            let text = format!("`{}` names the file {path}, which cannot be read: {why}", entry.key);
            found.push(Finding::new(About::Unreadable, entry.origin.clone(), text).with_key(&entry.key));
        }
    }
    found
}

fn can_be_read(path: &Path) -> Result<(), std::io::Error> {
    // A pipe would hold up whoever opens it.
    if std::fs::metadata(path)?.is_file() { std::fs::File::open(path).map(|_| ()) } else { Ok(()) }
}
