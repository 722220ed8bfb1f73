//! From environment variables to a layer: names, aliases and their precedence, `..._FILE`.
//!
//! The environment is shared with orchestrators, sidecars and other programs, so only two things are
//! ours: the names in the table, and what begins with `RTMX_`. A Kubernetes service named `rtmx`,
//! `postgres` or `prometheus` puts `RTMX_PORT=tcp://10.0.0.1:80` and the like beside them; those are
//! recognized and left alone. An empty variable counts as not set, because that is what
//! `${NAME:-}` in a Compose file leaves behind.

use crate::table::Composed;
use crate::{About, Finding, Layer, Origin, Provenance, Table, Value, postgres};
use rtmx_core::Secret;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Variables that begin with `RTMX_` and are read by other parts of the product than the settings.
pub const FOREIGN_VARIABLES: &[(&str, &str)] = &[
    ("RTMX_HOME", "Where `rtmxctl` keeps its installations."),
    ("RTMX_IMAGE", "The image that the Compose file starts."),
    ("RTMX_HTTP_ADDRESS", "The machine's address in the Compose file."),
    ("RTMX_HTTP_PORT", "The machine's port of the API in the Compose file."),
    ("RTMX_HTTPS_PORT", "The machine's port of the proxy with TLS in the Compose file."),
    ("RTMX_METRICS_PORT", "The machine's port of the metrics in the Compose file."),
    ("RTMX_SECRETS_DIR", "The folder of mounted secrets that the server reads."),
    ("RTMX_CACHE", "Where the developer tasks keep what outlives a checkout."),
];

/// The variables that were given, by name.
pub(crate) type Given = BTreeMap<String, (Secret<String>, Origin)>;

/// Makes a layer from environment variables.
///
/// `read` gives the text of a file that a `..._FILE` variable names, or says why it cannot; the file's
/// trailing line end is cut off here.
pub fn environment_layer(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    read: &mut dyn FnMut(&Path) -> Result<Secret<String>, String>,
) -> Layer {
    layer_of(&Table::RTMX, variables, read)
}

/// Makes a layer by any table.
pub(crate) fn layer_of(
    table: &Table,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    read: &mut dyn FnMut(&Path) -> Result<Secret<String>, String>,
) -> Layer {
    let mut layer = Layer::new(Provenance::new("env", ""));
    let given = collect(table, variables, read, &mut layer);
    combine(table, &given, &mut layer);
    layer
}

/// Adds the value of each setting that was given, by the name that goes first.
pub(crate) fn combine(table: &Table, given: &Given, layer: &mut Layer) {
    for spec in table.keys() {
        let composed = table.composed == Composed::DatabaseUrl && spec.path == "database.url";
        let mut present = table.names(spec).into_iter().filter_map(|name| given.get_key_value(&name));
        if let Some((winner, (text, origin))) = present.next() {
            for (name, (other, place)) in present {
                let alike = if composed {
                    postgres::same_database(text.expose(), other.expose())
                } else {
                    let read = |text: &Secret<String>| spec.kind.read(&Value::Text(text.clone()));
                    match (read(text), read(other)) {
                        (Ok(a), Ok(b)) => a.shown() == b.shown(),
                        _ => text.expose() == other.expose(),
                    }
                };
                if !alike {
                    layer.warnings.push(disagreement(spec.path, place, name, winner));
                }
            }
            if composed {
                for (name, place) in postgres::disagreeing_parts(text.expose(), given) {
                    layer.warnings.push(disagreement(spec.path, &place, &name, winner));
                }
            }
            layer.push(spec.path, Value::Text(text.clone()), origin.clone());
        } else if composed {
            postgres::compose(given, layer);
        }
    }
}

/// Every name that sets something, with the key.
pub(crate) fn known_names(table: &Table) -> BTreeMap<String, &'static str> {
    let mut known = BTreeMap::new();
    for spec in table.keys() {
        known.extend(table.names(spec).into_iter().map(|name| (name, spec.path)));
    }
    if table.composed == Composed::DatabaseUrl {
        known.extend(postgres::POSTGRES_PARTS.iter().map(|(name, _)| ((*name).to_owned(), "database.url")));
    }
    known
}

/// A file's text without the line end that editors and `echo` put behind it.
pub(crate) fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// Whether an orchestrator puts this variable beside every process: the names that Kubernetes and
/// Docker links make for a service, recognized by name, or by a name in `_PORT` whose value is a URL.
///
/// Source: Kubernetes documentation, "Discovering services", section on environment variables.
pub fn is_injected(name: &str, value: &str) -> bool {
    if name.contains("__") {
        return false;
    }
    if name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
        return true;
    }
    let protocols = ["tcp", "udp", "sctp"];
    let link =
        |value: &str| protocols.iter().any(|p| value.strip_prefix(p).is_some_and(|v| v.starts_with("://")));
    if name.ends_with("_PORT") && link(value) {
        return true;
    }
    // NAME_PORT_8080_TCP, and the same with _PROTO, _PORT or _ADDR after it.
    let stem = ["_PROTO", "_PORT", "_ADDR"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let stem = protocols.iter().find_map(|p| stem.strip_suffix(&format!("_{}", p.to_ascii_uppercase())));
    let number = stem.and_then(|stem| stem.rsplit_once("_PORT_")).map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// The known variables with their texts, files read.
fn collect(
    table: &Table,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    read: &mut dyn FnMut(&Path) -> Result<Secret<String>, String>,
    layer: &mut Layer,
) -> Given {
    let known = known_names(table);
    let ours = |name: &str| name.strip_prefix(table.prefix).is_some_and(|rest| rest.starts_with('_'));
    let mut direct: BTreeMap<String, OsString> = BTreeMap::new();
    let mut files: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (name, value) in variables {
        let Some(name) = name.to_str() else { continue };
        if value.is_empty() || is_injected(name, &value.to_string_lossy()) {
            continue;
        }
        if known.contains_key(name) {
            direct.insert(name.to_owned(), value);
        } else if let Some(stem) = name.strip_suffix("_FILE").filter(|stem| known.contains_key(*stem)) {
            files.insert(stem.to_owned(), PathBuf::from(value));
        } else if ours(name) && !table.foreign.iter().any(|(foreign, _)| *foreign == name) {
            layer.warnings.push(unknown(name, known.keys().filter(|known| ours(known))));
        }
    }

    let mut given = Given::new();
    for (name, value) in direct {
        let key = known[&name];
        let origin = Origin::Variable { name: name.clone() };
        if files.remove(&name).is_some() {
            let text = format!("`{name}` and `{name}_FILE` are both set, and only one may be");
            layer.faults.push(Finding::new(About::GivenTwice, origin, text).with_key(key));
            continue;
        }
        match to_text(&value) {
            Some(text) => _ = given.insert(name, (text, origin)),
            None => {
                let text = format!("`{key}` is not UTF-8 text");
                layer.faults.push(Finding::new(About::Value, origin, text).with_key(key));
            }
        }
    }
    for (stem, path) in files {
        let key = known[&stem];
        let origin = Origin::VariableFile { name: format!("{stem}_FILE"), path: path.clone() };
        match read(&path) {
            Ok(text) if text.expose().trim().is_empty() => {
                let text = format!("the file for `{key}` is empty");
                layer.faults.push(Finding::new(About::Value, origin, text).with_key(key));
            }
            Ok(text) => {
                let text = without_line_end(text.expose()).to_owned();
                given.insert(stem, (Secret::new(text), origin));
            }
            Err(why) => {
                let text = format!("could not read the file for `{key}`: {why}");
                layer.faults.push(Finding::new(About::Unreadable, origin, text).with_key(key));
            }
        }
    }
    given
}

fn to_text(value: &OsStr) -> Option<Secret<String>> {
    value.to_str().map(|text| Secret::new(text.to_owned()))
}

fn unknown<'a>(name: &str, ours: impl Iterator<Item = &'a String>) -> Finding {
    let origin = Origin::Variable { name: name.to_owned() };
    let (stem, end) = name.strip_suffix("_FILE").map_or((name, ""), |stem| (stem, "_FILE"));
    let nearest = rtmx_core::nearest(stem, ours.map(String::as_str)).map(|name| format!("{name}{end}"));
    let text = "no setting of this version has this variable, so it has no effect";
    Finding::new(About::UnknownVariable, origin, text).with_nearest(nearest)
}

pub(crate) fn disagreement(key: &str, place: &Origin, name: &str, winner: &str) -> Finding {
    let text = format!("`{name}` and `{winner}` disagree about `{key}`; `{winner}` goes first and is used");
    Finding::new(About::Disagreement, place.clone(), text).with_key(key)
}
