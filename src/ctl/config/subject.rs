//! Whose configuration is meant: that of an installation's server, or of one that is started here.

use super::super::args::Global;
use super::super::installation::open_existing;
use super::super::places::Places;
use crate::Drivers;
use crate::settings::{self, MACHINE_DIR, MACHINE_FILE, Sources};
use rtmx_config::{Layer, Resolved, Strictness, environment_layer, resolve};
use rtmx_core::{Cx, Result, Secret, tool};
use rtmx_deploy::Installed;
use serde_json::json;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The installation that is meant where none is named; it need not be there.
const USUAL_NAME: &str = "rtmx";

/// A configuration with its layers as they stand.
#[derive(Debug)]
pub(super) struct Subject {
    /// Whose it is, as the end of a sentence.
    pub(super) whose: String,
    /// The name of the installation, if it is one's.
    pub(super) installation: Option<String>,
    /// The folder of the installations.
    pub(super) home: PathBuf,
    pub(super) layers: Vec<Layer>,
}

impl Subject {
    /// The installation, unless a file is named; what a server started here has, where there is none and
    /// none was asked for.
    ///
    /// # Errors
    ///
    /// Those of finding and opening an installation, but for its absence, and those of reading sources.
    pub(super) async fn find(drivers: &Drivers, global: &Global, file: Option<&Path>) -> Result<Subject> {
        let places = Places::here(global.home.as_deref());
        let home = places.find(&global.name)?.unwrap_or_else(|| places.for_new());
        if file.is_none() {
            match open_existing(drivers, global).await {
                Ok((_, installed)) => {
                    let layers = layers_of(drivers, &installed).await?;
                    let whose = format!("the installation `{}`", global.name);
                    return Ok(Subject { whose, installation: Some(global.name.clone()), home, layers });
                }
                Err(error) if error.code() == tool::INSTALLATION_NOT_FOUND && global.name == USUAL_NAME => {}
                Err(error) => return Err(error),
            }
        }
        let secrets = std::env::var_os("RTMX_SECRETS_DIR").filter(|dir| !dir.is_empty());
        let places = settings::Places { file, secrets: secrets.as_deref().map(Path::new) };
        let layers = Sources::open(drivers, places, &[]).await?.layers().await?;
        let with = file.map(|file| format!(" with {}", file.display())).unwrap_or_default();
        let whose = format!("a server that is started here{with} in this environment");
        Ok(Subject { whose, installation: None, home, layers })
    }

    /// Its settings.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, together.
    pub(super) fn resolve(&self, drivers: &Drivers, strictness: Strictness) -> Result<Resolved> {
        let mut resolved = resolve(&self.layers, strictness)?;
        let idle = crate::database::idle(&resolved, drivers);
        resolved.warnings.extend(idle);
        Ok(resolved)
    }
}

/// The configuration that an installation's own server has.
///
/// # Errors
///
/// Everything that is wrong with it, together.
pub(in crate::ctl) async fn resolved_of(drivers: &Drivers, installed: &Installed) -> Result<Resolved> {
    resolve(&layers_of(drivers, installed).await?, Strictness::Start)
}

/// The machine's files, the installation's own, and the environment that its server is started with.
async fn layers_of(drivers: &Drivers, installed: &Installed) -> Result<Vec<Layer>> {
    let cx = Cx::new();
    let config = installed.facts.get("config").cloned().unwrap_or_default();
    let files = drivers.config.get("file")?;
    let mut layers = Vec::new();
    for place in [
        json!({"file": MACHINE_FILE, "required": false}),
        json!({"dir": MACHINE_DIR, "required": false}),
        json!({"file": config}),
    ] {
        layers.push(files.open(&cx, place).await?.load(&cx).await?);
    }
    let folder = Path::new(&config).parent().unwrap_or(Path::new("/"));
    let environment = std::fs::read_to_string(folder.join("server.env")).unwrap_or_default();
    let pairs = environment.lines().filter_map(|line| line.split_once('='));
    let pairs = pairs.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    layers.push(environment_layer(pairs, &mut read_secret));
    Ok(layers)
}

/// The text of a file that a `..._FILE` variable names.
pub(super) fn read_secret(path: &Path) -> std::result::Result<Secret<String>, String> {
    std::fs::read_to_string(path)
        .map(Secret::new)
        .map_err(|error| format!("could not read {}: {error}", path.display()))
}
