//! What must hold before the first change: programs that run here, room on the disk, free ports.

use crate::artifacts::read_artifact;
use crate::durable;
use crate::holder::holder_of;
use crate::layout::Layout;
use rtmx_core::{Error, Result, deploy};
use rtmx_deploy::Artifact;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

/// What the data of a new installation may need at once, beside the programs.
const ROOM_BYTES: u64 = 64 * 1024 * 1024;

/// An address that the release listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listen {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
}

/// Checks that the programs are those of the plan and run on this machine.
pub(crate) fn check_programs(folder: &Path, version: &str, artifacts: &[Artifact]) -> Result<()> {
    for wanted in artifacts {
        if read_artifact(folder, &wanted.name)? != *wanted {
            let path = folder.join(&wanted.name);
            let message = format!("{} is not the file that the plan names", path.display());
            return Err(Error::new(deploy::PLAN_STALE, message).with("path", path.display()));
        }
    }
    let path = folder.join(Layout::SERVER);
    let unusable = |why: String| {
        let message = format!("could not use {}", path.display());
        Error::new(deploy::ARTIFACT_UNUSABLE, message).with_source(why).with("path", path.display())
    };
    let output = Command::new(&path).arg("--version").env_clear().stdin(Stdio::null()).output();
    let output = output.map_err(|error| unusable(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && said.split_whitespace().any(|word| word == version) {
        return Ok(());
    }
    Err(unusable(format!("it should be version {version}, and says `{said}` ({})", output.status)))
}

/// Checks that the installation's folder can be made and written, and that there is room.
pub(crate) fn check_room(layout: &Layout, artifacts: &[Artifact]) -> Result<()> {
    let root = layout.root();
    let probe = root.join(".writable");
    let tried =
        fs::create_dir_all(root).and_then(|()| fs::write(&probe, b"")).and_then(|()| fs::remove_file(&probe));
    tried.map_err(|error| {
        let message = format!("could not write to {}", root.display());
        Error::new(deploy::HOME_NOT_WRITABLE, message).with_source(error)
    })?;
    let space = rustix::fs::statvfs(root).map_err(|error| durable::failed("look at", root, error.into()))?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let needed = artifacts.iter().map(|artifact| artifact.bytes).fold(ROOM_BYTES, u64::saturating_add);
    if free >= needed {
        return Ok(());
    }
    let message = format!("there are {free} bytes free at {}, and {needed} are needed", root.display());
    Err(Error::new(deploy::DISK_TOO_SMALL, message))
}

/// Checks that nobody listens where the release will.
pub(crate) fn check_listens(listens: &[Listen]) -> Result<()> {
    for Listen { name, address } in listens {
        let Err(error) = TcpListener::bind(address) else { continue };
        if error.kind() != io::ErrorKind::AddrInUse {
            let message = format!("cannot listen on {address} for {name}");
            return Err(Error::new(deploy::ADDRESS_UNUSABLE, message).with_source(error));
        }
        let holder = holder_of(*address);
        let by = match &holder {
            Some(process) => format!("`{}` (process {})", process.command(), process.pid),
            None => "a program that this user cannot see".to_owned(),
        };
        let message = format!("cannot listen on {address} for {name}: the port is taken by {by}");
        let error = Error::new(deploy::PORT_IN_USE, message).with("port", address.port());
        return Err(match holder {
            Some(process) => error.with("pid", process.pid),
            None => error,
        });
    }
    Ok(())
}
