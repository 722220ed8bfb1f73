//! What is in the image, as facts: the crates that cargo compiled for this very server, what C these crates
//! carry, the standard library, and the packages of the distribution.
//!
//! The crates come from the build itself, not from the workspace's list of dependencies: that one also has
//! what tests, macros and build scripts use, and features that this build has not.

use super::pins::Pin;
use crate::release::{Linked, Release, Target};
use crate::workspace::{Resolve, Workspace};
use crate::{Result, process};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A part of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// An id that no other part has, of letters, digits, dots and dashes.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
    /// Its version.
    pub(super) version: String,
    /// Where scanners look it up: a package URL.
    pub(super) purl: String,
    /// Its terms as an SPDX expression, where they are known.
    pub(super) license: Option<String>,
    /// The SHA-256 of the archive that it came in.
    pub(super) sha256: Option<String>,
    /// Where that archive is.
    pub(super) location: Option<String>,
    /// What of it is compiled in, for crates.
    pub(super) features: BTreeSet<String>,
    /// The ids of the parts that it uses.
    pub(super) uses: BTreeSet<String>,
}

/// C code that a crate brings: the crate, what it is called, where its version stands and after which word,
/// its terms.
struct Carried {
    carrier: &'static str,
    name: &'static str,
    /// The file, which may depend on the crate's features.
    header: fn(&BTreeSet<String>) -> &'static str,
    word: &'static str,
    license: &'static str,
}

/// A crate of which the manifest says that it links something, and which is not here, fails the inventory.
const CARRIED: [Carried; 2] = [
    Carried {
        carrier: "libsqlite3-sys",
        name: "sqlite",
        header: |_| "sqlite3/sqlite3.h",
        word: "#define SQLITE_VERSION ",
        license: "blessing",
    },
    Carried {
        carrier: "libmimalloc-sys",
        name: "mimalloc",
        header: |features| match features.contains("v2") {
            true => "c_src/mimalloc/v2/include/mimalloc.h",
            false => "c_src/mimalloc/v3/include/mimalloc.h",
        },
        word: "#define MI_MALLOC_VERSION ",
        license: "MIT",
    },
];
/// It links code that is its own: changed from BoringSSL, without a version of it.
const ITS_OWN: [&str; 1] = ["ring"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    links: Option<String>,
    manifest_path: PathBuf,
}

/// The parts of the server of this release; the first is the server's own crate.
///
/// # Errors
///
/// If cargo cannot say what the crates are, or one links C code that nobody has named here.
pub(super) fn server(workspace: &Workspace, release: &Release, target: Target) -> Result<Vec<Part>> {
    let mut metadata = process::cargo(&workspace.root);
    metadata.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", target.triple]);
    let metadata: Metadata = serde_json::from_str(&process::read(&mut metadata)?)
        .map_err(|error| format!("could not read cargo metadata: {error}"))?;
    let lock = std::fs::read_to_string(workspace.root.join("Cargo.lock"));
    let lock = lock.map_err(|error| format!("could not read Cargo.lock: {error}"))?;
    let mut parts = crates(&metadata, &release.linked, &checksums(&lock))?;
    parts.push(standard_library(&release.compiler));
    parts.sort_by_key(|part| (part.name != "rtmx", part.id.clone()));
    Ok(parts)
}

fn crates(
    metadata: &Metadata,
    linked: &Linked,
    checksums: &BTreeMap<(String, String), String>,
) -> Result<Vec<Part>> {
    let by_id: BTreeMap<_, _> = metadata.packages.iter().map(|package| (&package.id, package)).collect();
    let edges: BTreeMap<_, _> = metadata.resolve.nodes.iter().map(|node| (&node.id, &node.deps)).collect();
    let mut parts = Vec::new();
    for (id, features) in linked {
        let package = by_id.get(id).ok_or_else(|| format!("cargo built `{id}` and does not know it"))?;
        let normal = edges.get(id).into_iter().flat_map(|deps| deps.iter());
        let normal = normal.filter(|edge| edge.dep_kinds.iter().any(|kind| kind.kind.is_none()));
        let mut uses: BTreeSet<_> = normal
            .filter(|edge| linked.contains_key(&edge.pkg))
            .filter_map(|edge| by_id.get(&edge.pkg).map(|it| crate_id(&it.name, &it.version)))
            .collect();
        if package.links.is_some() && !ITS_OWN.contains(&package.name.as_str()) {
            let carried = carried(package, features)?;
            uses.insert(carried.id.clone());
            parts.push(carried);
        }
        let (name, version) = (&package.name, &package.version);
        let of_registry = package.source.is_some();
        parts.push(Part {
            id: crate_id(name, version),
            purl: format!("pkg:cargo/{name}@{version}"),
            license: package.license.as_deref().map(expression),
            sha256: checksums.get(&(name.clone(), version.clone())).cloned(),
            location: of_registry
                .then(|| format!("https://static.crates.io/crates/{name}/{name}-{version}.crate")),
            features: features.clone(),
            uses,
            name: name.clone(),
            version: version.clone(),
        });
    }
    Ok(parts)
}

fn crate_id(name: &str, version: &str) -> String {
    plain(&format!("crate-{name}-{version}"))
}

/// Only characters that ids may have in every format.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect()
}

/// Old manifests separate alternatives by a slash.
fn expression(license: &str) -> String {
    license.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ")
}

fn carried(package: &Package, features: &BTreeSet<String>) -> Result<Part> {
    let carrier = &package.name;
    let known = CARRIED.iter().find(|carried| carried.carrier == carrier);
    let known = known.ok_or_else(|| {
        format!("`{carrier}` links C code that the inventory does not know: add it in xtask/src/image/inventory.rs")
    })?;
    let header = package.manifest_path.parent().unwrap_or(Path::new("/")).join((known.header)(features));
    let text = std::fs::read_to_string(&header);
    let text = text.map_err(|error| format!("could not read {}: {error}", header.display()))?;
    let version =
        version(&text, known.word).ok_or_else(|| format!("{} says no version", header.display()))?;
    Ok(Part {
        id: plain(&format!("c-{}-{version}", known.name)),
        name: known.name.to_owned(),
        purl: format!("pkg:generic/{}@{version}", known.name),
        license: Some(known.license.to_owned()),
        sha256: None,
        location: None,
        features: BTreeSet::new(),
        uses: BTreeSet::new(),
        version,
    })
}

/// The version after a word: text in quotes, or a number with two digits for each lesser part.
fn version(header: &str, word: &str) -> Option<String> {
    let value = header.lines().find_map(|line| line.strip_prefix(word))?.split_whitespace().next()?;
    match value.parse::<u32>() {
        Ok(number) => Some(format!("{}.{}.{}", number / 10_000, number / 100 % 100, number % 100)),
        Err(_) => Some(value.trim_matches('"').to_owned()),
    }
}

fn standard_library(compiler: &str) -> Part {
    let version = compiler.split(' ').nth(1).unwrap_or_default().to_owned();
    Part {
        id: plain(&format!("rust-std-{version}")),
        name: "rust-std".into(),
        purl: format!("pkg:generic/rust-std@{version}"),
        license: Some("MIT OR Apache-2.0".into()),
        sha256: None,
        location: None,
        features: BTreeSet::new(),
        uses: BTreeSet::new(),
        version,
    }
}

/// The checksums in a lock file, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let of = |entry: &str, name: &str| {
        let value =
            |line: &str| Some(line.strip_prefix(name)?.strip_prefix(" = ")?.trim_matches('"').to_owned());
        entry.lines().find_map(value)
    };
    let entry = |entry: &str| Some(((of(entry, "name")?, of(entry, "version")?), of(entry, "checksum")?));
    lock.split("[[package]]").filter_map(entry).collect()
}

/// The parts that came as packages of the distribution.
pub(super) fn packages(distribution: &str, pins: &[Pin]) -> Vec<Part> {
    let vendor = distribution.split('-').next().unwrap_or(distribution);
    let part = |pin: &Pin| {
        let Pin { name, version, architecture, .. } = pin;
        Part {
            id: plain(&format!("package-{name}-{version}")),
            purl: format!(
                "pkg:deb/{vendor}/{name}@{}?arch={architecture}&distro={distribution}&upstream={}",
                version.replace('+', "%2B").replace('~', "%7E").replace(':', "%3A"),
                pin.source
            ),
            name: name.clone(),
            version: version.clone(),
            license: None,
            sha256: Some(pin.sha256.clone()),
            location: None,
            features: BTreeSet::new(),
            uses: BTreeSet::new(),
        }
    };
    pins.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_linked_is_in_the_inventory_with_its_terms_and_checksum() {
        let package = |name: &str, license: &str| {
            serde_json::json!({"id": name, "name": name, "version": "1.0.0", "license": license,
                "source": "registry+x", "links": null, "manifest_path": "/x/Cargo.toml"})
        };
        let metadata = serde_json::json!({
            "packages": [package("server", "Apache-2.0"), package("used", "MIT/Apache-2.0"), package("in-tests", "MIT")],
            "resolve": {"nodes": [{"id": "server", "deps": [
                {"pkg": "used", "dep_kinds": [{"kind": null}]}, {"pkg": "in-tests", "dep_kinds": [{"kind": null}]}]}]}
        });
        let metadata: Metadata = serde_json::from_value(metadata).expect("it is in the form");
        let features = BTreeSet::from(["std".to_owned()]);
        let linked = Linked::from([("server".into(), BTreeSet::new()), ("used".into(), features.clone())]);
        let lock = "[[package]]\nname = \"used\"\nversion = \"1.0.0\"\nsource = \"x\"\nchecksum = \"abc\"\n";
        let parts = crates(&metadata, &linked, &checksums(lock)).expect("both are known");
        assert_eq!(parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["server", "used"]);
        assert_eq!(parts[0].uses, BTreeSet::from(["crate-used-1.0.0".to_owned()]));
        assert_eq!(parts[1].license.as_deref(), Some("MIT OR Apache-2.0"));
        assert_eq!((parts[1].sha256.as_deref(), &parts[1].features), (Some("abc"), &features));
    }

    #[test]
    fn c_code_that_nobody_named_fails_the_inventory() {
        let package = Package {
            id: "x".into(),
            name: "libexample-sys".into(),
            version: "1.0.0".into(),
            license: None,
            source: None,
            links: Some("example".into()),
            manifest_path: "/x/Cargo.toml".into(),
        };
        let error = carried(&package, &BTreeSet::new()).expect_err("nobody named it");
        assert!(error.contains("libexample-sys") && error.contains("inventory.rs"), "{error}");
    }

    #[test]
    fn versions_are_read_in_both_forms() {
        assert_eq!(version("#define V \"3.51.3\"\n", "#define V ").as_deref(), Some("3.51.3"));
        assert_eq!(version("// x\n#define V 20302  // words\n", "#define V ").as_deref(), Some("2.3.2"));
    }
}
