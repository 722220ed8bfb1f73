//! A file of environment variables, with the line of each.
//!
//! Such a file reaches a server through Compose, `docker run --env-file` or systemd, which differ in what
//! they make of quotes. What is read here is what they agree on: a line `NAME=VALUE`, a comment line,
//! `export` before a name, and one pair of quotes around a whole value.

use crate::{About, Finding, Layer, Origin, Provenance, Table};
use rtmx_core::Secret;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// Makes a layer from a file of variables; each value, fault and warning has its line.
///
/// A variable that looks like a setting and is none is a fault: unlike the environment of a process, such
/// a file was written for this program. `read` gives the text of a file that a variable names.
pub fn environment_file(
    table: &Table,
    path: &Path,
    text: &str,
    read: &mut dyn FnMut(&Path) -> Result<Secret<String>, String>,
) -> Layer {
    let mut lines: BTreeMap<String, u32> = BTreeMap::new();
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    let mut faults = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            let origin = Origin::File { path: path.to_owned(), line: number, column: 1 };
            let text = "this line is neither `NAME=VALUE` nor a comment";
            faults.push(Finding::new(About::Syntax, origin, text));
            continue;
        };
        let name = name.strip_prefix("export ").unwrap_or(name).trim();
        lines.insert(name.to_owned(), number);
        variables.insert(name.to_owned(), unquoted(value.trim()).to_owned());
    }
    let pairs = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let mut layer = table.environment_layer(pairs, read);
    layer.provenance = Provenance::new("env", path.display().to_string());
    let place = |origin: &mut Origin| {
        if let Origin::Variable { name } | Origin::VariableFile { name, .. } = origin {
            let line = lines.get(name).copied().unwrap_or_default();
            *origin = Origin::VariableLine { path: path.to_owned(), line, name: std::mem::take(name) };
        }
    };
    layer.entries.iter_mut().for_each(|entry| place(&mut entry.origin));
    let (unknown, warnings): (Vec<_>, Vec<_>) =
        layer.warnings.drain(..).partition(|warning| warning.about == About::UnknownVariable);
    layer.warnings = warnings;
    layer.faults.extend(unknown);
    layer.faults.splice(0..0, faults);
    layer.faults.iter_mut().chain(&mut layer.warnings).for_each(|finding| place(&mut finding.origin));
    layer
}

/// A value without the quotes around it.
fn unquoted(value: &str) -> &str {
    let inner = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}
