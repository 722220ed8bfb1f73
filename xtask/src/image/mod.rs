//! `image`: the container image as an OCI layout, made from files without a container engine.
//!
//! The same sources and pins make the same image, whoever makes it and wherever: the server is the file that
//! a deployment from a checkout runs, libraries come from packages that are pinned by their SHA-256, and no
//! time or place is written down. Nothing runs as root and nothing that was fetched is executed.
//! Deliberately absent: pushing to a registry and signing, which other tools do with a layout.

mod config;
mod deb;
mod elf;
mod hash;
mod inventory;
mod layout;
mod pins;
mod provenance;
mod reproduce;
mod sbom;
mod system;
mod tree;

use crate::release::{self, Release, Target};
use crate::workspace::Workspace;
use crate::{Result, needs};
use config::canonical;
use deb::Package;
use hash::sha256;
use layout::Attachment;
use provenance::{Build, Sources};
use std::path::{Path, PathBuf};

pub(crate) use config::About;
pub(crate) use layout::Layout;
pub(crate) use pins::{Pins, file as pin_file};
pub(crate) use reproduce::elsewhere;

/// Whoever builds on a machine of their own claims nothing about it.
pub(crate) const BUILDER: &str = "https://github.com/iotactical/rtmx-self-hosted/local";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The folder of the layout; an older layout in it is replaced
    #[arg(long, value_name = "DIR", required_unless_present = "repin")]
    out: Option<PathBuf>,
    /// What the image is for: linux/amd64 or linux/arm64 [default: this machine's]
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// Also write the image into one file, for `docker load`
    #[arg(long, value_name = "FILE", requires = "out")]
    tar: Option<PathBuf>,
    /// Also link `rtmxctl` into one file that needs no library of the machine
    #[arg(long, value_name = "FILE", requires = "out")]
    tool: Option<PathBuf>,
    /// Who builds, for the provenance: an address that its readers know
    #[arg(long, value_name = "URI", default_value = BUILDER)]
    builder: String,
    /// Pin the packages that the mirrors of this machine have now, and write them into xtask/pins/
    #[arg(long)]
    repin: bool,
}

/// Builds the server and makes the image of it; with `--repin`, moves the pins first.
///
/// # Errors
///
/// If something does not compile, a package cannot be had, or the layout cannot be written.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::read()?;
    let target = match &arguments.platform {
        Some(platform) => Target::of_platform(platform)?,
        None => Target::of_this_machine()?,
    };
    let pin_file = pins::file(&workspace, target);
    if arguments.repin {
        let moved = Pins::of_the_mirrors(&workspace, target)?;
        moved.write(&pin_file)?;
        println!("{} packages are pinned in {}", moved.packages.len(), pin_file.display());
    }
    let Some(out) = &arguments.out else { return Ok(()) };
    needs::ensure(&[needs::C_COMPILER])?;
    let release = release::build(&workspace, target)?;
    let made = make(&workspace, target, &release, &pin_file, &arguments.builder)?;
    made.layout.write(out)?;
    if let Some(tar) = &arguments.tar {
        let archive = made.layout.archive()?;
        std::fs::write(tar, archive)
            .map_err(|error| format!("could not write {}: {error}", tar.display()))?;
    }
    print!("{}", made.summary(out));
    if let Some(file) = &arguments.tool {
        whole_tool(&workspace, target, file)?;
        println!("rtmxctl   {}", file.display());
    }
    Ok(())
}

/// Links the operator's tool without any library, and puts it into a file.
///
/// # Errors
///
/// If it cannot be linked, or names a library or a loader all the same.
pub(crate) fn whole_tool(workspace: &Workspace, target: Target, file: &Path) -> Result<()> {
    let linked = release::whole_tool(workspace, target)?;
    let needs =
        std::fs::read(&linked).map_err(|error| format!("could not read {}: {error}", linked.display()))?;
    let needs = elf::Needs::read(&needs)?;
    if let Some(needed) = needs.loader.iter().chain(&needs.libraries).next() {
        return Err(format!("{} needs `{needed}`: it was not linked whole", linked.display()));
    }
    let copied = std::fs::copy(&linked, file).map(drop);
    copied.map_err(|error| format!("could not write {}: {error}", file.display()))
}

/// An image and what is worth telling about it.
#[derive(Debug)]
pub(crate) struct Made {
    /// The image with its attachments.
    pub(crate) layout: Layout,
    /// The SHA-256 of the server's file.
    pub(crate) server: String,
    parts: usize,
    platform: String,
}

impl Made {
    fn summary(&self, out: &Path) -> String {
        let Made { layout, server, parts, platform } = self;
        let (digest, config, out) = (layout.digest(), layout.config_digest(), out.display());
        let megabytes = layout.compressed_bytes() as f64 / 1e6;
        format!(
            "image     {digest} ({platform}, {megabytes:.1} MB compressed)\n\
             id        {config} (what Docker before 25 calls it)\n\
             server    sha256:{server}\n\
             attached  SBOM of {parts} parts in SPDX and CycloneDX, provenance\n\
             layout    {out}\n"
        )
    }
}

/// Makes the image of a server that was built, from the pins of a file.
///
/// # Errors
///
/// If a package cannot be had, or does not fit the server.
pub(crate) fn make(
    workspace: &Workspace,
    target: Target,
    release: &Release,
    pin_file: &Path,
    builder: &str,
) -> Result<Made> {
    let pins = Pins::read(pin_file)?;
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| format!("could not read {}: {error}", path.display()))
    };
    let server = read(&release.server)?;
    let license = read(&workspace.root.join("LICENSE"))?;
    let packages = packages(workspace, &pins)?;
    let about = workspace.facade.clone();
    let layers = [
        ("libraries, authorities, time zones", system::base(&pins, &packages, &server, target)?),
        ("rtmx-server", system::server(&server, &license)),
    ];
    let mut layout = Layout::new(&about, target, &layers)?;
    let mut parts = inventory::server(workspace, release, target)?;
    parts.extend(inventory::packages(&pins.distribution, &pins.packages));
    let sources = Sources::read(workspace);
    let (digest, server) = (layout.digest(), sha256(&server));
    let subject = sbom::Subject {
        digest: &digest,
        about: &about,
        architecture: target.architecture,
        committed: &sources.committed,
        server: &server,
        parts: &parts,
    };
    let build = Build {
        digest: &digest,
        about: &about,
        builder,
        target,
        release,
        pins: &pins,
        pin_file,
        sources: &sources,
    };
    for (kind, document) in [
        (sbom::SPDX, sbom::spdx(&subject)),
        (sbom::CYCLONEDX, sbom::cyclonedx(&subject)),
        (provenance::IN_TOTO, provenance::statement(workspace, &build)?),
    ] {
        layout.attach(Attachment { kind, content: canonical(&document)? })?;
    }
    Ok(Made { layout, server, parts: parts.len(), platform: target.platform() })
}

/// Sees to it that every pinned package is in the cache.
///
/// # Errors
///
/// If one cannot be had.
pub(crate) fn fetch(workspace: &Workspace, pin_file: &Path) -> Result<()> {
    packages(workspace, &Pins::read(pin_file)?).map(drop)
}

fn packages(workspace: &Workspace, pins: &Pins) -> Result<system::Packages> {
    let mut packages = system::Packages::new();
    for pin in &pins.packages {
        let package = Package::read(&pin.fetch(workspace)?);
        let package = package.map_err(|error| format!("{} {}: {error}", pin.name, pin.version))?;
        packages.insert(pin.name.clone(), package);
    }
    Ok(packages)
}
