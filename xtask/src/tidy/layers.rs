//! The dependency rule: core <- family <- driver <- facade.

use super::Fault;
use super::tree::Tree;
use crate::workspace::{Kind, Member};

/// Where a crate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer<'a> {
    Core,
    Family(&'a str),
    /// A driver of the named family.
    Driver(&'a str),
    /// What drivers of any family ask their servers with.
    Wire,
    /// A kit for tests: any family, no driver.
    Kit,
    Facade,
    /// What measures the product, shows how to use it, or stands for another release of it: anything, and named by
    /// nothing.
    Measures,
    /// Tasks of developers: nothing of ours.
    Tasks,
}

const KITS: [&str; 5] = ["conformance", "sim", "abi", "loader", "fixture"];
/// What holds an executor, a socket or a database, and so has no place below the drivers.
const RUNTIMES: [&str; 8] = ["tokio", "mio", "async-std", "smol", "hyper", "reqwest", "rusqlite", "sqlx"];

fn layer(dir: &str) -> Option<Layer<'_>> {
    match dir {
        "" => Some(Layer::Facade),
        "benches" | "benches/libraries" | "tests/releases" => Some(Layer::Measures),
        "tests/containers" => Some(Layer::Kit),
        "drivers/https" => Some(Layer::Wire),
        "xtask" => Some(Layer::Tasks),
        "rtmx-core" => Some(Layer::Core),
        _ if dir.starts_with("examples/") => Some(Layer::Measures),
        _ => match dir.strip_prefix("drivers/") {
            Some(name) if KITS.contains(&name) => Some(Layer::Kit),
            Some(name) => name.split_once('-').map(|(family, _)| Layer::Driver(family)),
            None => dir.strip_prefix("rtmx-").map(Layer::Family),
        },
    }
}

fn allowed(from: Layer<'_>, to: Layer<'_>, kind: Kind) -> bool {
    match (from, to) {
        (Layer::Tasks, _) | (_, Layer::Tasks) => false,
        (Layer::Measures, _) => true,
        (_, Layer::Facade | Layer::Measures) => false,
        (Layer::Facade, Layer::Kit) => kind == Kind::Dev,
        (Layer::Facade, Layer::Wire) => false,
        (Layer::Facade, _)
        | (Layer::Family(_) | Layer::Driver(_) | Layer::Wire | Layer::Kit, Layer::Core)
        | (Layer::Driver(_), Layer::Wire) => true,
        (Layer::Driver(own), Layer::Family(family)) => own == family,
        (Layer::Driver(_), Layer::Kit) => kind == Kind::Dev,
        (Layer::Kit, Layer::Family(_) | Layer::Kit) => true,
        _ => false,
    }
}

/// No crate names one that stands beside or above it.
pub(super) fn direction(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for member in &tree.members {
        let place = manifest(member);
        let Some(from) = layer(&member.dir) else {
            faults.push(Fault::new(
                place,
                "the folder says no layer: it is none of rtmx-<family>, drivers/<family>-<name>",
            ));
            continue;
        };
        for (dependency, kind) in &member.dependencies {
            let Some(other) = tree.members.iter().find(|other| other.name == *dependency) else { continue };
            if layer(&other.dir).is_some_and(|to| !allowed(from, to, *kind)) {
                let message = format!("names `{dependency}`; the rule is core <- family <- driver <- facade");
                faults.push(Fault::new(&place, message));
            }
        }
    }
    faults
}

/// Core and families reach no runtime, socket or database.
pub(super) fn runtime_free(tree: &Tree) -> Vec<Fault> {
    let low = |member: &&Member| matches!(layer(&member.dir), Some(Layer::Core | Layer::Family(_)));
    let reached = |member: &Member| {
        let names = RUNTIMES.iter().filter(|name| member.reaches.contains(**name));
        let message = |name| format!("reaches `{name}`; what does I/O belongs into a driver");
        names.map(|name| Fault::new(manifest(member), message(name))).collect::<Vec<_>>()
    };
    tree.members.iter().filter(low).flat_map(reached).collect()
}

fn manifest(member: &Member) -> String {
    if member.dir.is_empty() { "Cargo.toml".to_owned() } else { format!("{}/Cargo.toml", member.dir) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_forbidden_direction_is_found_and_each_allowed_one_is_not() {
        let crates = [
            ("rtmx", ""),
            ("rtmx-core", "rtmx-core"),
            ("rtmx-storage", "rtmx-storage"),
            ("rtmx-config", "rtmx-config"),
            ("rtmx-storage-sqlite", "drivers/storage-sqlite"),
            ("rtmx-config-env", "drivers/config-env"),
            ("rtmx-https", "drivers/https"),
            ("rtmx-conformance", "drivers/conformance"),
            ("rtmx-containers", "tests/containers"),
            ("rtmx-bench", "benches"),
            ("embed-config", "examples/embed-config"),
            ("embed-license", "examples/embed-license"),
            ("xtask", "xtask"),
        ];
        // from, to, kind, allowed
        let cases = [
            ("rtmx-core", "rtmx-storage", Kind::Normal, false),
            ("rtmx-storage", "rtmx-core", Kind::Normal, true),
            ("rtmx-storage", "rtmx-config", Kind::Normal, false),
            ("rtmx-storage", "rtmx-storage-sqlite", Kind::Dev, false),
            ("rtmx-storage-sqlite", "rtmx-storage", Kind::Normal, true),
            ("rtmx-storage-sqlite", "rtmx-config", Kind::Normal, false),
            ("rtmx-storage-sqlite", "rtmx-config-env", Kind::Dev, false),
            ("rtmx-storage-sqlite", "rtmx-conformance", Kind::Dev, true),
            ("rtmx-storage-sqlite", "rtmx-conformance", Kind::Normal, false),
            ("rtmx-storage-sqlite", "rtmx-containers", Kind::Dev, true),
            ("rtmx-storage-sqlite", "rtmx-containers", Kind::Normal, false),
            ("rtmx-containers", "rtmx-storage-sqlite", Kind::Dev, false),
            ("rtmx-conformance", "rtmx-storage", Kind::Normal, true),
            ("rtmx-conformance", "rtmx-storage-sqlite", Kind::Dev, false),
            ("rtmx", "rtmx-storage-sqlite", Kind::Normal, true),
            ("rtmx-config-env", "rtmx", Kind::Dev, false),
            ("rtmx-config-env", "rtmx-https", Kind::Normal, true),
            ("rtmx-storage-sqlite", "rtmx-https", Kind::Normal, true),
            ("rtmx-https", "rtmx-core", Kind::Normal, true),
            ("rtmx-https", "rtmx-config", Kind::Normal, false),
            ("rtmx-config", "rtmx-https", Kind::Normal, false),
            ("rtmx", "rtmx-https", Kind::Normal, false),
            ("rtmx-bench", "rtmx", Kind::Dev, true),
            ("rtmx", "rtmx-bench", Kind::Dev, false),
            ("embed-config", "rtmx-storage-sqlite", Kind::Normal, true),
            ("embed-license", "rtmx-storage", Kind::Normal, true),
            ("rtmx-storage", "embed-license", Kind::Dev, false),
            ("xtask", "rtmx", Kind::Normal, false),
        ];
        for (from, to, kind, fine) in cases {
            let mut tree = Tree::default();
            for (name, dir) in crates {
                let edge = [(to, kind)];
                tree = tree.with_member(name, dir, if name == from { &edge } else { &[] });
            }
            assert_eq!(direction(&tree).is_empty(), fine, "{from} -> {to} ({kind:?})");
        }
    }

    #[test]
    fn a_folder_outside_the_layout_is_found() {
        assert_eq!(direction(&Tree::default().with_member("x", "tools/x", &[])).len(), 1);
    }

    #[test]
    fn a_runtime_below_the_drivers_is_found_however_deep_it_hides() {
        for (dir, count) in [("rtmx-core", 1), ("rtmx-config", 1), ("drivers/config-file", 0), ("", 0)] {
            let mut tree = Tree::default().with_member("x", dir, &[]);
            tree.members[0].reaches.insert("tokio".to_owned());
            assert_eq!(runtime_free(&tree).len(), count, "{dir}");
        }
    }
}
