//! The installation that a command is about: found, and its target opened.

use super::args::{Global, Wanted, word};
use super::places::{Places, user_units};
use super::values::Secrets;
use crate::Drivers;
use rtmx_core::{Cx, Error, Result, tool};
use rtmx_deploy::{DeployTarget, Installed};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder of the program files beside this one.
pub(super) fn own_folder() -> Result<PathBuf> {
    let own = std::env::current_exe().and_then(|own| own.canonicalize());
    let own = own.map_err(|error| {
        Error::new(tool::FILE_UNREADABLE, "could not find the folder of this program").with_source(error)
    })?;
    Ok(own.parent().unwrap_or(Path::new("/")).to_owned())
}

/// Opens the target of an installation, new or not.
///
/// # Errors
///
/// `installation_ambiguous`; `driver_unknown`; what opening meets.
pub(super) async fn open(
    drivers: &Drivers,
    global: &Global,
    wanted: Option<&Wanted>,
    secrets: &Secrets,
) -> Result<Arc<dyn DeployTarget>> {
    let places = Places::here(global.home.as_deref());
    let home = places.find(&global.name)?.unwrap_or_else(|| places.for_new());
    let mut settings = json!({
        "home": home,
        "name": global.name,
        "binaries": own_folder()?,
        "user_units": user_units(),
    });
    // Given to the open target only; nothing writes it anywhere but into the installation's secrets.
    let secrets: Map<String, Value> =
        secrets.iter().map(|(key, value)| (key.clone(), value.expose().clone().into())).collect();
    settings["secrets"] = secrets.into();
    let mut target = "local";
    if let Some(wanted) = wanted {
        target = &wanted.target;
        settings["ready_within_s"] = wanted.ready_within.into();
        if let Some(service) = wanted.service {
            settings["service"] = word(&service).into();
        }
    }
    drivers.deploy.get(target)?.open(&Cx::new(), settings).await
}

/// Opens an installation that exists.
///
/// # Errors
///
/// `installation_not_found`, and those of [`open`].
pub(super) async fn open_existing(
    drivers: &Drivers,
    global: &Global,
) -> Result<(Arc<dyn DeployTarget>, Installed)> {
    let target = open(drivers, global, None, &Secrets::new()).await?;
    let inspection = target.inspect(&Cx::new()).await?;
    match inspection.installed {
        Some(installed) => Ok((target, installed)),
        None if inspection.remembered_settings.is_empty() => Err(not_found(global)),
        None => Err(not_found(global).with_state("it was removed, and its data is kept")),
    }
}

/// The error for an installation that does not exist.
pub(super) fn not_found(global: &Global) -> Error {
    let places = Places::here(global.home.as_deref());
    let others = places.of_others(&global.name);
    let looked = places.named.map_or(places.usual, |named| vec![named]);
    let looked: Vec<String> = looked.iter().map(|home| home.display().to_string()).collect();
    let message = format!("there is no installation `{}` in {}", global.name, looked.join(" or "));
    let error = Error::new(tool::INSTALLATION_NOT_FOUND, message).with("name", &global.name);
    match others.first() {
        Some(home) => error.with_next(format!(
            "There is one in {0}; to mean it, run the command with `--home {0}`.",
            home.display()
        )),
        None => error,
    }
}
