//! What a machine must have besides a Rust toolchain, and how it gets it.

use crate::{Result, process};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A program that is needed, and the Debian package that brings it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    /// The program, found through `PATH`.
    pub(crate) program: &'static str,
    /// The Debian packages that bring it.
    pub(crate) packages: &'static [&'static str],
    /// What needs it.
    pub(crate) why: &'static str,
}

/// To link anything, and to build SQLite.
pub(crate) const C_COMPILER: Need =
    Need { program: "cc", packages: &["gcc", "libc6-dev"], why: "SQLite is built from source" };
/// To build the fuzzing engine.
pub(crate) const CPP_COMPILER: Need =
    Need { program: "c++", packages: &["g++"], why: "the fuzzing engine is C++" };
/// To make large matrices.
pub(crate) const PYTHON: Need =
    Need { program: "python3", packages: &["python3"], why: "large test matrices are generated" };
/// To measure beside.
pub(crate) const SQLITE: Need =
    Need { program: "sqlite3", packages: &["sqlite3"], why: "imports are measured beside its own" };

/// To make the images of machines that run systemd, and of databases.
pub(crate) const MMDEBSTRAP: Need =
    Need { program: "mmdebstrap", packages: &["mmdebstrap"], why: "tests run on a small Debian" };

/// To look at the dashboard.
pub(crate) const CHROMIUM: Need =
    Need { program: "chromium", packages: &["chromium"], why: "the dashboard is tested in a browser" };
/// To click in it.
pub(crate) const CHROME_DRIVER: Need =
    Need { program: "chromedriver", packages: &["chromium-driver"], why: "it drives the browser" };
/// To fetch the accessibility checker and PostgreSQL.
pub(crate) const NPM: Need =
    Need { program: "npm", packages: &["npm"], why: "it fetches what tests use, once" };

/// To see that nothing is sent.
pub(crate) const STRACE: Need =
    Need { program: "strace", packages: &["strace"], why: "the calls of a silent server are counted" };
/// To give a server a network of its own.
pub(crate) const IP: Need =
    Need { program: "ip", packages: &["iproute2"], why: "a silent server runs in a network of its own" };

/// To ask the proxy of an installation.
pub(crate) const CURL: Need =
    Need { program: "curl", packages: &["curl"], why: "what speaks TLS is asked as people ask it" };

/// To ask a cluster.
pub(crate) const KUBECTL: Need =
    Need { program: "kubectl", packages: &["kubernetes-client"], why: "the chart is tested on a cluster" };

/// To look at the shell that the product comes with.
pub(crate) const SHELLCHECK: Need =
    Need { program: "shellcheck", packages: &["shellcheck"], why: "rendered installers are checked" };

/// To fetch OpenBao.
pub(crate) const PIP: Need =
    Need { program: "pip3", packages: &["python3-pip"], why: "it fetches what tests use, once" };

/// To read image layouts as others do.
pub(crate) const SKOPEO: Need =
    Need { program: "skopeo", packages: &["skopeo"], why: "it reads the image layout" };
/// To push an image somewhere.
pub(crate) const REGISTRY: Need =
    Need { program: "docker-registry", packages: &["docker-registry"], why: "it takes the image" };
/// An engine that is older than what is promised, which is started beside the one that runs. Its program is
/// named whole: the engine that runs may come before it in `PATH`.
pub(crate) const OLDER_ENGINE: Need = Need {
    program: "/usr/sbin/dockerd",
    packages: &["docker.io"],
    why: "an older engine loads the image too",
};

/// A shared library that is needed to build something, and the Debian package that brings it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Library {
    /// What its file's name begins with.
    pub(crate) name: &'static str,
    /// The Debian package that brings it.
    pub(crate) package: &'static str,
    /// What needs it.
    pub(crate) why: &'static str,
}

/// To build the crash laboratory's file system layer.
pub(crate) const LIBCLANG: Library =
    Library { name: "libclang", package: "libclang-dev", why: "the crash laboratory reads SQLite's header" };

/// Whether this runs as root.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Installs what is missing as root, or names it.
///
/// # Errors
///
/// If something is missing and this is neither root nor a Debian machine; the message is the command
/// to run.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let path = std::env::var("PATH").unwrap_or_default();
    let missing = missing(needs, &path);
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().flat_map(|need| need.packages).copied().collect();
    if !is_root() || !on_path("apt-get", &path) {
        return Err(advice(&missing));
    }
    install(&packages)?;
    let missing = self::missing(needs, &path);
    if missing.is_empty() { Ok(()) } else { Err(advice(&missing)) }
}

/// Installs a library that is missing as root, or names it.
///
/// # Errors
///
/// As [`ensure`].
pub(crate) fn ensure_library(library: &Library) -> Result<()> {
    let folders = library_folders();
    if holds(&folders, library.name) {
        return Ok(());
    }
    let Library { name, package, why } = library;
    let advice = format!(
        "this machine lacks `{name}` ({why}); on Debian run `sudo apt-get install {package}` and start again"
    );
    if !is_root() || !on_path("apt-get", &std::env::var("PATH").unwrap_or_default()) {
        return Err(advice);
    }
    install(&[package]).map_err(|error| format!("{advice}: {error}"))?;
    if holds(&library_folders(), name) { Ok(()) } else { Err(advice) }
}

/// Where shared libraries for building are: the machine's own folders, and those of each LLVM.
fn library_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::var_os("LIBCLANG_PATH").map(PathBuf::from).into_iter().collect();
    for root in ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(Path::new) {
        folders.push(root.to_owned());
        for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
            folders.push(entry.path());
            folders.push(entry.path().join("lib"));
        }
    }
    folders
}

fn holds(folders: &[PathBuf], library: &str) -> bool {
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    entries.into_iter().any(|entry| entry.file_name().to_str().is_some_and(|name| is_library(name, library)))
}

/// Whether a file is the library, of any version: `libclang.so`, `libclang-14.so.1`, not `libclang-cpp.so`.
fn is_library(name: &str, library: &str) -> bool {
    let version =
        name.strip_prefix(library).and_then(|rest| rest.split_once(".so")).map(|(version, _)| version);
    version.is_some_and(|version| version.chars().all(|c| c == '-' || c == '.' || c.is_ascii_digit()))
}

fn install(packages: &[&str]) -> Result<()> {
    println!("installing {}", packages.join(" "));
    let apt = || {
        let mut apt = process::command("apt-get", Path::new("/"));
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    process::quiet(apt().arg("update"))?;
    process::quiet(apt().args(["install", "-y", "--no-install-recommends"]).args(packages)).map(drop)
}

fn missing(needs: &[Need], path: &str) -> Vec<Need> {
    needs.iter().filter(|need| !on_path(need.program, path)).copied().collect()
}

fn on_path(program: &str, path: &str) -> bool {
    std::env::split_paths(path).any(|dir| dir.join(program).is_file())
}

fn advice(missing: &[Need]) -> String {
    let reasons: Vec<_> = missing.iter().map(|need| format!("`{}` ({})", need.program, need.why)).collect();
    let packages: Vec<_> = missing.iter().flat_map(|need| need.packages).copied().collect();
    format!(
        "this machine lacks {}; on Debian run `sudo apt-get install {}` and start again",
        reasons.join(", "),
        packages.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_the_command_that_brings_it() {
        let absent = Need { program: "no-such-program", packages: &["no-such-package"], why: "a test asks" };
        let shell = Need { program: "sh", packages: &["dash"], why: "it is there" };
        let found = missing(&[absent, shell], "/usr/bin:/bin");
        assert_eq!(found.iter().map(|need| need.program).collect::<Vec<_>>(), ["no-such-program"]);
        let advice = advice(&found);
        assert!(
            advice.contains("apt-get install no-such-package") && advice.contains("a test asks"),
            "{advice}"
        );
    }
    #[test]
    fn a_library_is_known_by_its_file_whatever_its_version() {
        // file, whether it is the library
        let cases = [
            ("libclang.so", true),
            ("libclang-14.so.1", true),
            ("libclang.so.18.1", true),
            ("libclang-cpp.so.14", false),
            ("libclang.a", false),
            ("clang.so", false),
        ];
        for (file, wanted) in cases {
            assert_eq!(is_library(file, "libclang"), wanted, "{file}");
        }
    }
}
