//! What a machine must have besides a Rust toolchain, and how it gets it.

use crate::{Result, process};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

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

/// To make the image of a machine that runs systemd.
pub(crate) const MMDEBSTRAP: Need =
    Need { program: "mmdebstrap", packages: &["mmdebstrap"], why: "units are tested on a small Debian" };

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
    println!("installing {}", packages.join(" "));
    let apt = || {
        let mut apt = process::command("apt-get", Path::new("/"));
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    process::quiet(apt().arg("update"))?;
    process::quiet(apt().args(["install", "-y", "--no-install-recommends"]).args(&packages))?;
    let missing = self::missing(needs, &path);
    if missing.is_empty() { Ok(()) } else { Err(advice(&missing)) }
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
}
