//! The workspace as cargo sees it.

use crate::image::About;
use crate::{Result, process};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The workspace: where it is, and which crates are in it.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// Where cargo builds.
    pub(crate) target: PathBuf,
    /// The crates of the workspace.
    pub(crate) members: Vec<Member>,
    /// The folders that hold the crates of registries, one for each registry.
    pub(crate) crates: BTreeSet<PathBuf>,
    /// What the product says of itself.
    pub(crate) facade: About,
}

/// One crate of the workspace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Member {
    /// The crate's name.
    pub(crate) name: String,
    /// Its folder from the root, with `/`; empty for the facade.
    pub(crate) dir: String,
    /// What the manifest says it is.
    pub(crate) description: String,
    /// The crates that it names, with the kind of dependency.
    pub(crate) dependencies: Vec<(String, Kind)>,
    /// Every crate that its normal dependencies reach.
    pub(crate) reaches: BTreeSet<String>,
    /// The names of its features.
    pub(crate) features: Vec<String>,
}

/// When a dependency is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In the crate itself.
    Normal,
    /// In its build script.
    Build,
    /// In its tests.
    Dev,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
    resolve: Option<Resolve>,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: PathBuf,
    source: Option<String>,
    #[serde(default)]
    version: String,
    license: Option<String>,
    repository: Option<String>,
    description: Option<String>,
    dependencies: Vec<Dependency>,
    features: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

/// Which crate needs which, as `cargo metadata` tells it.
#[derive(Deserialize)]
pub(crate) struct Resolve {
    pub(crate) nodes: Vec<Node>,
}

/// A crate and what it needs.
#[derive(Deserialize)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) deps: Vec<Edge>,
}

/// A crate that is needed.
#[derive(Deserialize)]
pub(crate) struct Edge {
    pub(crate) pkg: String,
    pub(crate) dep_kinds: Vec<EdgeKind>,
}

/// For what: `None` for the library itself, else `build` or `dev`.
#[derive(Deserialize)]
pub(crate) struct EdgeKind {
    pub(crate) kind: Option<String>,
}

impl Workspace {
    /// Reads the workspace around this crate.
    ///
    /// # Errors
    ///
    /// If cargo cannot read it.
    pub(crate) fn read() -> Result<Workspace> {
        // What cargo says now, because a target folder shared by checkouts keeps the program of another.
        let crate_dir = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
        let here = Path::new(&crate_dir).parent().ok_or("the xtask crate has no parent folder")?;
        let json =
            process::read(process::cargo(here).args(["metadata", "--format-version", "1", "--locked"]))?;
        let metadata =
            serde_json::from_str(&json).map_err(|error| format!("could not read cargo metadata: {error}"))?;
        Workspace::from_metadata(metadata)
    }

    fn from_metadata(metadata: Metadata) -> Result<Workspace> {
        let Metadata { packages, workspace_members, workspace_root: root, target_directory: target, resolve } =
            metadata;
        let names: BTreeMap<_, _> = packages.iter().map(|package| (&package.id, &package.name)).collect();
        let normal = |edge: &&Edge| edge.dep_kinds.iter().any(|kind| kind.kind.is_none());
        let nodes = resolve.map(|resolve| resolve.nodes).unwrap_or_default();
        let graph: BTreeMap<_, Vec<_>> = nodes
            .iter()
            .map(|node| (&node.id, node.deps.iter().filter(normal).map(|edge| &edge.pkg).collect()))
            .collect();
        let reached_from = |id: &String| {
            let (mut seen, mut open) = (BTreeSet::new(), vec![id]);
            while let Some(next) = open.pop() {
                for dependency in graph.get(next).into_iter().flatten() {
                    if seen.insert(*dependency) {
                        open.push(dependency);
                    }
                }
            }
            seen.into_iter().filter_map(|id| names.get(id).map(|name| (*name).clone())).collect()
        };
        let members =
            packages.iter().filter(|package| workspace_members.contains(&package.id)).map(|package| {
                let dir = package.manifest_path.parent().unwrap_or(&root);
                Member {
                    name: package.name.clone(),
                    dir: relative(&root, dir),
                    description: package.description.clone().unwrap_or_default(),
                    dependencies: package
                        .dependencies
                        .iter()
                        .map(|d| (d.name.clone(), kind_of(d.kind.as_deref())))
                        .collect(),
                    reaches: reached_from(&package.id),
                    features: package.features.keys().cloned().collect(),
                }
            });
        let members = members.collect();
        let from_a_registry = packages.iter().filter(|package| package.source.is_some());
        let folder = |package: &Package| Some(package.manifest_path.parent()?.parent()?.to_owned());
        let crates = from_a_registry.filter_map(folder).collect();
        let facade = packages.iter().find(|package| package.manifest_path == root.join("Cargo.toml"));
        let facade = facade.ok_or("the workspace has no root package")?;
        let facade = About {
            version: facade.version.clone(),
            license: facade.license.clone().unwrap_or_default(),
            source: facade.repository.clone().unwrap_or_default(),
            description: facade.description.clone().unwrap_or_default(),
        };
        Ok(Workspace { root, target, members, crates, facade })
    }

    /// The folders of the workspaces that stand beside this one, each with a lock file of its own.
    pub(crate) fn beside(&self) -> impl Iterator<Item = PathBuf> {
        const BESIDE: [&str; 4] = ["fuzz", "tests/browser", "tests/crash-lab", "tests/sqlite-3.35"];
        BESIDE.into_iter().map(|dir| self.root.join(dir))
    }

    /// The files that come from outside the repository for tests and audits.
    pub(crate) fn shared(&self) -> PathBuf {
        self.root.join("../shared")
    }

    /// The folder for what outlives a checkout: `RTMX_CACHE`, else `~/.cache/rtmx`.
    pub(crate) fn cache(&self) -> PathBuf {
        if let Some(dir) = std::env::var_os("RTMX_CACHE") {
            return PathBuf::from(dir);
        }
        match std::env::var_os("HOME") {
            Some(home) => Path::new(&home).join(".cache/rtmx"),
            None => self.target.join("cache"),
        }
    }
}

fn kind_of(kind: Option<&str>) -> Kind {
    match kind {
        Some("dev") => Kind::Dev,
        Some("build") => Kind::Build,
        _ => Kind::Normal,
    }
}

/// A path from the root, with `/`; the path itself when it is elsewhere.
pub(crate) fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workspace_that_the_root_excludes_is_known() {
        let workspace = Workspace::read().expect("cargo reads this workspace");
        let manifest = std::fs::read_to_string(workspace.root.join("Cargo.toml")).expect("the root manifest");
        let excluded = manifest.lines().find(|line| line.starts_with("exclude = ")).expect("a list");
        let known: Vec<_> =
            workspace.beside().map(|dir| format!("{:?}", relative(&workspace.root, &dir))).collect();
        assert_eq!(excluded, format!("exclude = [{}]", known.join(", ")));
    }

    #[test]
    fn the_workspace_knows_its_facade_and_what_the_core_reaches() {
        let workspace = Workspace::read().expect("cargo reads this workspace");
        let facade =
            workspace.members.iter().find(|member| member.name == "rtmx").expect("the facade is a member");
        assert_eq!(facade.dir, "");
        let core =
            workspace.members.iter().find(|member| member.name == "rtmx-core").expect("the core is a member");
        assert!(core.reaches.contains("serde_core"), "a dependency of a dependency: {:?}", core.reaches);
    }
}
