//! Pins: which distribution packages are in the image, each by its SHA-256.
//!
//! A pin says where a package is below any mirror's root, never on which mirror: it is fetched by the
//! machine's own package manager, from the mirrors that it was told, and compared with the pin. What was
//! fetched is kept in the cache by its SHA-256. Distributions drop packages when newer ones come; then
//! `--repin` asks the mirrors what they have now.

use super::deb::field;
use super::hash::sha256;
use crate::release::Target;
use crate::workspace::Workspace;
use crate::{Result, process};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What is wanted of the distribution: the C library, the one that unwinds panics, authorities, time zones.
const WANTED: [&str; 4] = ["libc6", "libgcc-s1", "ca-certificates", "tzdata"];
/// The package manager's own program that fetches a file with its settings for mirrors and proxies.
const FETCHER: &str = "/usr/lib/apt/apt-helper";
/// A mirror that is slower cannot be had.
const FETCH_LIMIT: Duration = Duration::from_secs(300);

/// The pins of one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pins {
    /// The distribution, such as `debian-12`.
    pub(super) distribution: String,
    /// The packages by name.
    pub(super) packages: Vec<Pin>,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pin {
    /// Its name.
    pub(super) name: String,
    /// Its version.
    pub(super) version: String,
    /// The architecture it says it is for; `all` for those that are for every one.
    pub(super) architecture: String,
    /// The source package that it is built from.
    pub(super) source: String,
    /// Where it is below a mirror's root.
    pub(super) path: String,
    /// The SHA-256 of the file.
    pub(super) sha256: String,
    /// Its size in bytes.
    pub(super) size: u64,
}

/// The file with the pins of a platform.
pub(crate) fn file(workspace: &Workspace, target: Target) -> PathBuf {
    workspace.root.join(format!("xtask/pins/linux-{}.json", target.architecture))
}

impl Pins {
    /// Reads a file of pins.
    ///
    /// # Errors
    ///
    /// If it is missing or not in the form; the message names the command that writes it.
    pub(crate) fn read(file: &Path) -> Result<Pins> {
        let advice = "`cargo xtask image --repin` writes it";
        let text = std::fs::read_to_string(file);
        let text = text.map_err(|error| format!("could not read {}: {error}; {advice}", file.display()))?;
        serde_json::from_str(&text)
            .map_err(|error| format!("{} cannot be read: {error}; {advice}", file.display()))
    }

    /// Writes them.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let told = |error: std::io::Error| format!("could not write {}: {error}", file.display());
        let text =
            serde_json::to_string_pretty(self).map_err(|error| format!("could not write pins: {error}"))?;
        file.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(told)?;
        std::fs::write(file, text + "\n").map_err(told)
    }

    /// Asks the mirrors of this machine what they have now.
    ///
    /// The package manager keeps its lists for this in a folder of the cache, so another architecture can be
    /// asked for and the machine's own state stays as it is.
    ///
    /// # Errors
    ///
    /// If this machine has no such package manager, or its mirrors lack a package.
    pub(crate) fn of_the_mirrors(workspace: &Workspace, target: Target) -> Result<Pins> {
        let state = workspace.cache().join("debian").join(format!("lists-{}", target.architecture));
        let told = |error: std::io::Error| format!("could not make {}: {error}", state.display());
        std::fs::create_dir_all(state.join("lists/partial")).map_err(told)?;
        std::fs::create_dir_all(state.join("archives/partial")).map_err(told)?;
        std::fs::write(state.join("status"), "").map_err(told)?;
        let command = |program: &str| {
            let mut command = process::command(program, Path::new("/"));
            let set = |command: &mut Command, name: &str, value: &str| {
                command.args(["-o", &format!("{name}={value}")]);
            };
            set(&mut command, "Dir::State", &state.display().to_string());
            set(&mut command, "Dir::State::status", &state.join("status").display().to_string());
            set(&mut command, "Dir::Cache", &state.display().to_string());
            set(&mut command, "APT::Architecture", target.architecture);
            set(&mut command, "APT::Architectures", target.architecture);
            command
        };
        process::quiet(command("apt-get").arg("update"))?;
        let of = |name: &str| {
            let shown = process::read(command("apt-cache").args(["show", "--no-all-versions", name]))?;
            Ok::<_, String>((pin(&shown).ok_or(format!("the mirrors have no `{name}`"))?, shown))
        };
        let mut packages = Vec::new();
        for name in WANTED {
            let (pin, shown) = of(name)?;
            // The terms of the library that unwinds are in a package that it depends on.
            let base = field(&shown, "Depends").unwrap_or_default().split([',', ' ']);
            for base in base.filter(|name| name.starts_with("gcc-") && name.ends_with("-base")) {
                packages.push(of(base)?.0);
            }
            packages.push(pin);
        }
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Pins { distribution: distribution()?, packages })
    }
}

/// The pin of what the package manager shows of a package.
fn pin(shown: &str) -> Option<Pin> {
    let of = |name| field(shown, name).map(ToOwned::to_owned);
    let name = of("Package")?;
    let source =
        of("Source").map_or(name.clone(), |source| source.split(' ').next().unwrap_or_default().to_owned());
    Some(Pin {
        version: of("Version")?,
        architecture: of("Architecture")?,
        source,
        path: of("Filename")?,
        sha256: of("SHA256")?,
        size: of("Size")?.parse().ok()?,
        name,
    })
}

fn distribution() -> Result<String> {
    let text = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let of = |name: &str| {
        let value =
            |line: &str| Some(line.strip_prefix(name)?.strip_prefix('=')?.trim_matches('"').to_owned());
        text.lines().find_map(value)
    };
    let named = of("ID").zip(of("VERSION_ID")).map(|(id, version)| format!("{id}-{version}"));
    named.ok_or_else(|| "/etc/os-release names no distribution".into())
}

impl Pin {
    /// The package's bytes, from the cache or a mirror; compared with the pin either way.
    ///
    /// # Errors
    ///
    /// If no mirror of this machine has it any more, or what came is not what is pinned.
    pub(super) fn fetch(&self, workspace: &Workspace) -> Result<Vec<u8>> {
        let folder = workspace.cache().join("debian");
        let file = folder.join(format!("{}.deb", self.sha256));
        if let Ok(bytes) = std::fs::read(&file)
            && self.is(&bytes)
        {
            return Ok(bytes);
        }
        let told = |error: std::io::Error| format!("could not keep {}: {error}", file.display());
        std::fs::create_dir_all(&folder).map_err(told)?;
        let coming = folder.join(format!("{}.{}.coming", self.sha256, std::process::id()));
        let mut reasons = Vec::new();
        for mirror in mirrors(workspace) {
            let mut fetch = process::command(FETCHER, &folder);
            fetch.arg("download-file").arg(format!("{}/{}", mirror.trim_end_matches('/'), self.path));
            fetch.arg(&coming).arg(format!("SHA256:{}", self.sha256));
            let ended = process::capture(&mut fetch, FETCH_LIMIT)?;
            let bytes = std::fs::read(&coming).unwrap_or_default();
            if ended.success && self.is(&bytes) {
                std::fs::rename(&coming, &file).map_err(told)?;
                return Ok(bytes);
            }
            // There is none where nothing came.
            let _ = std::fs::remove_file(&coming);
            reasons.push(ended.output.lines().last().unwrap_or("no answer").trim().to_owned());
        }
        let (name, version) = (&self.name, &self.version);
        reasons.dedup();
        let reason =
            if reasons.is_empty() { "this machine names none".to_owned() } else { reasons.join("; ") };
        Err(format!(
            "no mirror of this machine gave {name} {version} ({reason}): put `{}` from any mirror or archive of the \
             distribution at {}, or run `cargo xtask image --repin` to pin what the mirrors have now",
            self.path,
            file.display()
        ))
    }

    fn is(&self, bytes: &[u8]) -> bool {
        bytes.len() as u64 == self.size && sha256(bytes) == self.sha256
    }
}

/// The roots of the mirrors that the package manager of this machine is told to use, in its order.
fn mirrors(workspace: &Workspace) -> Vec<String> {
    let mut targets = process::command("apt-get", &workspace.root);
    targets.args(["indextargets", "--format", "$(REPO_URI)", "Identifier: Packages"]);
    let said = process::capture(&mut targets, FETCH_LIMIT).map(|ended| ended.output).unwrap_or_default();
    let mut seen = BTreeSet::new();
    said.lines()
        .filter(|line| line.contains("://") && seen.insert(line.to_string()))
        .map(ToOwned::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::TARGETS;

    #[test]
    fn a_pin_is_made_from_what_the_package_manager_shows() {
        let shown = "Package: libgcc-s1\nSource: gcc-12 (12.2.0-14)\nVersion: 12.2.0-14\nArchitecture: amd64\n\
            Depends: gcc-12-base (= 12.2.0-14), libc6 (>= 2.35)\nFilename: pool/g/libgcc-s1.deb\nSize: 7\nSHA256: ab\n";
        let pin = pin(shown).expect("all fields are there");
        assert_eq!((pin.name.as_str(), pin.source.as_str(), pin.size), ("libgcc-s1", "gcc-12", 7));
        assert_eq!(super::pin("Package: x\nVersion: 1\n"), None);
    }

    #[test]
    fn committed_pins_name_every_wanted_package_and_no_mirror() {
        let workspace = Workspace::read().expect("cargo reads this workspace");
        for target in TARGETS {
            let file = file(&workspace, target);
            let pins = Pins::read(&file).expect("pins are committed");
            let text = std::fs::read_to_string(&file).expect("it was just read");
            assert!(!text.contains("://"), "{}: a mirror is named", file.display());
            for name in WANTED {
                assert!(pins.packages.iter().any(|pin| pin.name == name), "{}: {name}", file.display());
            }
            let fits = |pin: &Pin| ["all", target.architecture].contains(&pin.architecture.as_str());
            assert!(pins.packages.iter().all(|pin| fits(pin) && pin.sha256.len() == 64));
        }
    }

    #[test]
    fn what_is_not_the_pinned_file_is_not_taken_from_the_cache() {
        let bytes = b"package".to_vec();
        let pin = Pin {
            name: "x".into(),
            version: "1".into(),
            architecture: "all".into(),
            source: "x".into(),
            path: "pool/x.deb".into(),
            sha256: sha256(&bytes),
            size: bytes.len() as u64,
        };
        assert!(pin.is(&bytes));
        assert!(!pin.is(b"Package"), "another content");
        assert!(!Pin { size: 8, ..pin }.is(&bytes), "another size");
    }
}
