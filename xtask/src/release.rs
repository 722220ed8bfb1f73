//! The release build: one way to build the programs, for this machine, for measurements and for images.
//!
//! The same sources give the same files, whoever builds them and wherever: what a compiler would write down
//! of the place (the checkout, the target folder, the folder of the crates) is replaced by fixed names. There
//! is no second set of flags, so what a deployment from a checkout runs is the file that an image carries.
//! Cargo is always told the target, even the machine's own: this keeps what is linked into a program apart
//! from what only built it, and a build for this machine is built as one for another.
//! Cargo's own `trim-paths`, which would do this, is not stable.

use crate::workspace::Workspace;
use crate::{Result, process};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is built for: the name of a platform as image indexes have it, and that of the compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    /// Such as `amd64`.
    pub(crate) architecture: &'static str,
    /// Such as `x86_64-unknown-linux-gnu`.
    pub(crate) triple: &'static str,
    /// The folder of the distribution's libraries, and the start of the names of its cross compilers.
    pub(crate) multiarch: &'static str,
    /// The architecture in the compiler's terms.
    machine: &'static str,
}

/// The platforms that can be named.
pub(crate) const TARGETS: [Target; 2] = [
    Target {
        architecture: "amd64",
        triple: "x86_64-unknown-linux-gnu",
        multiarch: "x86_64-linux-gnu",
        machine: "x86_64",
    },
    Target {
        architecture: "arm64",
        triple: "aarch64-unknown-linux-gnu",
        multiarch: "aarch64-linux-gnu",
        machine: "aarch64",
    },
];

impl Target {
    /// The one of this machine.
    ///
    /// # Errors
    ///
    /// If nothing is built for such machines.
    pub(crate) fn of_this_machine() -> Result<Target> {
        let here = std::env::consts::ARCH;
        let found = TARGETS.into_iter().find(|target| target.machine == here);
        found.ok_or_else(|| format!("nothing is built for {here} machines; images are for {}", known()))
    }

    /// The one of a platform such as `linux/amd64`.
    ///
    /// # Errors
    ///
    /// If it is not known; the message names those that are.
    pub(crate) fn of_platform(platform: &str) -> Result<Target> {
        let found = TARGETS.into_iter().find(|target| target.platform() == platform);
        found.ok_or_else(|| format!("there is no platform `{platform}`; images are for {}", known()))
    }

    /// The platform, such as `linux/amd64`.
    pub(crate) fn platform(self) -> String {
        format!("linux/{}", self.architecture)
    }

    fn is_foreign(self) -> bool {
        self.machine != std::env::consts::ARCH
    }
}

fn known() -> String {
    TARGETS.map(|target| format!("`{}`", target.platform())).join(" and ")
}

/// The programs of the release build, and what is in them.
#[derive(Debug)]
pub(crate) struct Release {
    /// The server.
    pub(crate) server: PathBuf,
    /// The operator's tool.
    pub(crate) tool: PathBuf,
    /// The crates that were compiled for the target, as cargo's ids, each with its features.
    pub(crate) linked: Linked,
    /// The compiler, such as `rustc 1.95.0 (59807616e 2026-04-14)`.
    pub(crate) compiler: String,
}

/// What was linked into programs: ids of crates, each with its features.
pub(crate) type Linked = BTreeMap<String, BTreeSet<String>>;

/// Builds the server and the operator's tool, or finds them built.
///
/// # Errors
///
/// If something does not compile.
pub(crate) fn build(workspace: &Workspace, target: Target) -> Result<Release> {
    let (programs, linked) = programs(workspace, target, "rtmx", &["rtmx-server", "rtmxctl"])?;
    let [server, tool] = programs.try_into().map_err(|_| "two programs were asked for")?;
    let compiler = process::read(process::command("rustc", &workspace.root).arg("--version"))?;
    Ok(Release { server, tool, linked, compiler: compiler.trim().to_owned() })
}

/// Builds programs of one crate as every release is built; answers where they are, and what is linked into
/// them.
///
/// # Errors
///
/// If something does not compile.
pub(crate) fn programs(
    workspace: &Workspace,
    target: Target,
    package: &str,
    programs: &[&str],
) -> Result<(Vec<PathBuf>, Linked)> {
    let mut build = cargo(workspace, target, "build", package)?;
    build.args(["--message-format", "json-render-diagnostics"]);
    build.args(programs.iter().flat_map(|program| ["--bin", program]));
    let messages = process::read(&mut build)?;
    let built = folder(workspace, target);
    Ok((programs.iter().map(|program| built.join(program)).collect(), linked(&messages, &built)))
}

/// Links the operator's tool once more, with the C library inside, so that it needs nothing of the machine
/// that it is brought to. What it is made of is what is built anyway: only the last step differs. The file
/// takes the place of the other until the next build.
///
/// # Errors
///
/// If it cannot be linked: the C library's own archive may be missing.
pub(crate) fn whole_tool(workspace: &Workspace, target: Target) -> Result<PathBuf> {
    let mut link = cargo(workspace, target, "rustc", "rtmx")?;
    process::succeed(link.args(["--bin", "rtmxctl", "--", "-C", "target-feature=+crt-static"]))?;
    Ok(folder(workspace, target).join("rtmxctl"))
}

fn folder(workspace: &Workspace, target: Target) -> PathBuf {
    workspace.target.join(target.triple).join("release")
}

/// Prepares cargo with the flags of every release. Flags of the environment do not count.
fn cargo(workspace: &Workspace, target: Target, verb: &str, package: &str) -> Result<Command> {
    let mut build = process::cargo(&workspace.root);
    build.args([verb, "--release", "--locked", "--package", package, "--target", target.triple]);
    let flags = flags(workspace)?.join("\u{1f}");
    build.env("CARGO_ENCODED_RUSTFLAGS", flags).env_remove("RUSTFLAGS");
    if target.is_foreign() {
        let variable = target.triple.to_uppercase().replace('-', "_");
        build.env(format!("CARGO_TARGET_{variable}_LINKER"), format!("{}-gcc", target.multiarch));
    }
    Ok(build)
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    package_id: Option<String>,
    target: Option<BuiltTarget>,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct BuiltTarget {
    kind: Vec<String>,
}

/// The crates among what cargo says it built, or found built, whose files are below the target's folder: what
/// only ran during the build (macros, build scripts and what these use) is elsewhere.
fn linked(messages: &str, built: &Path) -> Linked {
    let mut linked = Linked::new();
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    for message in messages.filter(|message| message.reason == "compiler-artifact") {
        let is_script =
            message.target.is_none_or(|target| target.kind.iter().any(|kind| kind == "custom-build"));
        let is_inside = message.filenames.iter().any(|file| file.starts_with(built));
        if let (Some(id), false, true) = (message.package_id, is_script, is_inside) {
            linked.entry(id).or_default().extend(message.features);
        }
    }
    linked
}

/// The folders of this machine that a program names, none of which it should: elsewhere it would be another
/// file.
///
/// # Errors
///
/// If the program cannot be read.
pub(crate) fn places_in(workspace: &Workspace, program: &Path) -> Result<Vec<String>> {
    let bytes =
        std::fs::read(program).map_err(|error| format!("could not read {}: {error}", program.display()))?;
    let foreign = names(workspace)?.into_iter().map(|(from, _)| from);
    let places = foreign.chain([workspace.root.clone()]).map(|place| place.display().to_string());
    Ok(places.filter(|place| holds(&bytes, place.as_bytes())).collect())
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    wanted.first().is_some_and(|first| {
        let starts = bytes.iter().enumerate().filter(|(_, byte)| *byte == first);
        starts.map(|(at, _)| at).any(|at| bytes[at..].starts_with(wanted))
    })
}

/// The flags of every release.
fn flags(workspace: &Workspace) -> Result<Vec<String>> {
    let flag = |(from, to): (PathBuf, String)| format!("--remap-path-prefix={}={to}", from.display());
    Ok(names(workspace)?.into_iter().map(flag).collect())
}

/// Each folder of this machine that a compiler would write down, with the name that stands for it. Files of the
/// checkout are named from its root, and it is not among the flags: another checkout has no crate to build anew
/// for its sake.
fn names(workspace: &Workspace) -> Result<Vec<(PathBuf, String)>> {
    let sysroot = process::read(process::command("rustc", &workspace.root).args(["--print", "sysroot"]))?;
    let version = process::read(process::command("rustc", &workspace.root).arg("-vV"))?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "));
    let commit = commit.ok_or("`rustc -vV` names no commit")?;
    // The last that fits counts, so what may be inside of another comes after it.
    let crates = workspace.crates.iter().map(|folder| (folder.clone(), "/crates".to_owned()));
    let mut names: Vec<_> = crates.collect();
    names.push((workspace.target.clone(), "/target".to_owned()));
    let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
    names.push((library, format!("/rustc/{commit}")));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_built_a_program_is_not_in_it() {
        let line = |id: &str, kind: &str, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"{id}","target":{{"kind":["{kind}"]}},"features":["std"],"filenames":["{file}"]}}"#
            )
        };
        let messages = [
            line("a", "lib", "/t/triple/release/deps/liba.rlib"),
            line("macros", "proc-macro", "/t/release/deps/libmacros.so"),
            line("a-of-the-build", "lib", "/t/release/deps/liba.rlib"),
            line("script", "custom-build", "/t/triple/release/build/script"),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ];
        let found = linked(&messages.join("\n"), Path::new("/t/triple/release"));
        assert_eq!(found.keys().collect::<Vec<_>>(), ["a"]);
        assert!(found["a"].contains("std"));
    }

    #[test]
    fn a_folder_of_the_machine_is_found_in_a_program() {
        let workspace = Workspace::read().expect("cargo reads this workspace");
        let file = tempfile::NamedTempFile::new().expect("a file");
        // what the program names, whether that is a place of this machine
        let inside = workspace.root.join("src/lib.rs").display().to_string();
        for (text, found) in [("/rtmx/src/lib.rs".to_owned(), false), (inside, true)] {
            std::fs::write(file.path(), format!("\0/{text}\0")).expect("it is ours");
            let places = places_in(&workspace, file.path()).expect("it can be read");
            assert_eq!(!places.is_empty(), found, "{text}: {places:?}");
        }
    }

    #[test]
    fn a_platform_that_is_not_known_is_refused_with_those_that_are() {
        let error = Target::of_platform("windows/amd64").expect_err("there is none");
        assert!(error.contains("`linux/amd64` and `linux/arm64`"), "{error}");
        assert_eq!(Target::of_platform("linux/arm64").map(|target| target.machine), Ok("aarch64"));
    }
}
