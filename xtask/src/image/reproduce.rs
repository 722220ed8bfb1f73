//! The image once more, from nothing, by somebody else and elsewhere.
//!
//! A clone of the last commit is built in a folder of its own by the user `nobody`, with a copy of the
//! toolchain at another path, another home for cargo, another target folder and no variable of this
//! process. What is left the same is what is pinned or named in the provenance, and the C compiler of the
//! machine. The clone builds without a network: it gets a copy of what was fetched.

use crate::workspace::Workspace;
use crate::{Result, needs, process};
use std::path::{Path, PathBuf};
use std::time::Duration;

const USER: &str = "nobody";
/// A build from nothing on two busy cores.
const LIMIT: Duration = Duration::from_secs(2 * 3600);

/// A folder that is gone when this is dropped.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is in the folder for temporary files anyway.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The digest of the image that somebody else makes of the last commit.
///
/// The outer error is a failure; the inner one is why this machine cannot do it.
///
/// # Errors
///
/// If files differ from the last commit, or it cannot be built.
pub(crate) fn elsewhere(
    workspace: &Workspace,
    platform: &str,
) -> Result<std::result::Result<String, String>> {
    if !needs::is_root() {
        return Ok(Err("only root can build as another user".into()));
    }
    let changes = process::read(process::command("git", &workspace.root).args(["status", "--porcelain"]))?;
    if !changes.is_empty() {
        return Err(
            "files differ from the last commit, which is what is built once more: commit first".into()
        );
    }
    let scratch = Scratch(std::env::temp_dir().join(format!("rtmx-elsewhere-{}", std::process::id())));
    let at = |name: &str| scratch.0.join(name);
    prepare(workspace, &scratch.0)?;
    let mut own = process::command("chown", &scratch.0);
    process::quiet(own.args(["--recursive", &format!("{USER}:")]).arg(&scratch.0))?;
    let mut build = process::command("setpriv", &at("sources/checkout"));
    build.args(["--reuid", USER, "--regid", "nogroup", "--clear-groups", "cargo", "xtask", "image"]);
    build.args(["--platform", platform, "--out"]).arg(at("home/image"));
    build
        .env_clear()
        .env("HOME", at("home"))
        .env("CARGO_HOME", at("cargo"))
        .env("CARGO_TARGET_DIR", at("build"));
    build.env("RTMX_CACHE", at("cache")).env("CARGO_NET_OFFLINE", "true");
    build.env("PATH", format!("{}:/usr/bin:/bin", at("rust/bin").display()));
    let ended = process::capture(&mut build, LIMIT)?;
    if !ended.success {
        return Err(format!("the image cannot be made elsewhere: {}\n{}", ended.status, ended.output));
    }
    let digest = ended.output.lines().find_map(|line| line.strip_prefix("image")?.split_whitespace().next());
    let digest =
        digest.ok_or_else(|| format!("what was built elsewhere names no digest:\n{}", ended.output))?;
    println!("built elsewhere in {} s: {digest}", ended.took.as_secs());
    Ok(Ok(digest.to_owned()))
}

/// Everything that a build needs, as copies.
fn prepare(workspace: &Workspace, scratch: &Path) -> Result<()> {
    let made = |folder: &Path| {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("could not make {}: {error}", folder.display()))
    };
    for folder in ["sources", "cargo/registry", "cache", "home"] {
        made(&scratch.join(folder))?;
    }
    let mut clone = process::command("git", &workspace.root);
    clone
        .args(["clone", "--quiet", "--no-hardlinks"])
        .arg(&workspace.root)
        .arg(scratch.join("sources/checkout"));
    process::quiet(&mut clone)?;
    let sysroot = process::read(process::command("rustc", &workspace.root).args(["--print", "sysroot"]))?;
    copy(Path::new(sysroot.trim()), &scratch.join("rust"))?;
    copy(&workspace.cache().join("debian"), &scratch.join("cache/debian"))?;
    // Crates are in REGISTRY/src/NAME; beside `src` is what was fetched.
    let registry = workspace.crates.iter().next().and_then(|folder| folder.parent()?.parent());
    let registry = registry.ok_or("no crate of this workspace is from a registry")?;
    for folder in ["cache", "index"] {
        copy(&registry.join(folder), &scratch.join("cargo/registry").join(folder))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut copy = process::command("cp", Path::new("/"));
    process::quiet(copy.args(["--recursive", "--dereference"]).arg(from).arg(to)).map(drop)
}
