//! Rules for the manifests of the workspace's crates.

use super::Fault;
use super::tree::Tree;

/// The manifests of the crates, the root one included.
fn manifests(tree: &Tree) -> impl Iterator<Item = (String, &str)> {
    tree.members.iter().filter_map(|member| {
        let path = if member.dir.is_empty() {
            "Cargo.toml".to_owned()
        } else {
            format!("{}/Cargo.toml", member.dir)
        };
        let text = tree.text(&path)?;
        Some((path, text))
    })
}

/// The lines of a manifest with the table that each stands in, from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    text.lines().enumerate().scan("", |table, (at, line)| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            *table = name.trim_matches(|c| c == '[' || c == ']');
        }
        Some((at + 1, *table, line))
    })
}

/// Every crate inherits the workspace's lints, `unsafe_code` among them, and none lifts that one.
pub(super) fn lints_are_inherited(tree: &Tree) -> Vec<Fault> {
    let lifted = |line: &str| line.split('=').next().is_some_and(|key| key.trim() == "unsafe_code");
    let mut faults = Vec::new();
    for (path, text) in manifests(tree) {
        let inherits = lines(text).any(|(_, table, line)| table == "lints" && line == "workspace = true");
        if !inherits {
            faults.push(Fault::new(
                &path,
                "does not inherit the workspace's lints: add `[lints]` and `workspace = true`",
            ));
        }
        for (at, table, line) in lines(text) {
            let fine =
                table == "workspace.lints.rust" && (line.contains("\"deny\"") || line.contains("\"forbid\""));
            if lifted(line) && !fine {
                faults.push(Fault::new(
                    format!("{path}:{at}"),
                    "`unsafe_code` is denied for the whole workspace",
                ));
            }
        }
    }
    faults
}

/// Versions stand in the root manifest only.
pub(super) fn versions_come_from_the_workspace(tree: &Tree) -> Vec<Fault> {
    const PACKAGE: [&str; 6] = ["version", "edition", "rust-version", "license", "repository", "publish"];
    let mut faults = Vec::new();
    for (path, text) in manifests(tree) {
        for key in PACKAGE {
            let inherited = format!("{key}.workspace = true");
            if !lines(text).any(|(_, table, line)| table == "package" && line == inherited) {
                faults.push(Fault::new(&path, format!("lacks `{inherited}`")));
            }
        }
        for (at, table, line) in lines(text) {
            let dependencies = table.ends_with("dependencies") && table != "workspace.dependencies";
            let names_one = dependencies && line.contains('=') && !line.starts_with('#');
            if names_one && !line.contains("workspace = true") {
                let message =
                    "takes a version of its own: name it in [workspace.dependencies] and inherit it";
                faults.push(Fault::new(format!("{path}:{at}"), message));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nversion.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
        license.workspace = true\nrepository.workspace = true\npublish.workspace = true\n[dependencies]\n\
        serde.workspace = true\nhttp = { workspace = true, optional = true }\n[lints]\nworkspace = true\n";

    fn tree(text: &str) -> Tree {
        Tree::of(&[("rtmx-x/Cargo.toml", text)]).with_member("rtmx-x", "rtmx-x", &[])
    }

    #[test]
    fn a_crate_without_the_workspaces_lints_is_found() {
        assert_eq!(lints_are_inherited(&tree(GOOD)), []);
        assert_eq!(lints_are_inherited(&tree(&GOOD.replace("[lints]\nworkspace = true\n", ""))).len(), 1);
        let lifted = format!("{GOOD}[lints.rust]\nunsafe_code = \"allow\"\n");
        assert_eq!(lints_are_inherited(&tree(&lifted)).len(), 1);
    }

    #[test]
    fn a_version_outside_the_root_manifest_is_found() {
        assert_eq!(versions_come_from_the_workspace(&tree(GOOD)), []);
        let own = GOOD.replace("serde.workspace = true", "serde = \"1\"");
        assert_eq!(versions_come_from_the_workspace(&tree(&own)).len(), 1);
        let dev = format!("{GOOD}[dev-dependencies]\ntempfile = {{ version = \"3\" }}\n");
        assert_eq!(versions_come_from_the_workspace(&tree(&dev)).len(), 1);
        let package = GOOD.replace("edition.workspace = true", "edition = \"2021\"");
        assert_eq!(versions_come_from_the_workspace(&tree(&package)).len(), 1);
    }
}
