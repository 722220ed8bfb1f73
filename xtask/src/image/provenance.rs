//! Where an image comes from: an in-toto statement with SLSA provenance, version 1.
//!
//! It names the commit, which the image itself cannot: a commit that records the image's digest would
//! change it. It claims nothing about the builder but what was said on the command line. It is not signed
//! here; whoever releases an image signs it.

use super::config::About;
use super::hash::sha256;
use super::layout::NAME;
use super::pins::Pins;
use crate::release::{Release, Target};
use crate::workspace::{Workspace, relative};
use crate::{Result, process};
use serde_json::{Value, json};
use std::path::Path;

/// The media type of a statement.
pub(super) const IN_TOTO: &str = "application/vnd.in-toto+json";
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://slsa.dev/provenance/v1";

/// The sources of a build.
#[derive(Debug, Clone)]
pub(super) struct Sources {
    /// The commit; empty where there is no repository.
    pub(super) commit: String,
    /// When it was made, such as `2026-01-02T03:04:05Z`.
    pub(super) committed: String,
    /// Whether the files differ from it.
    pub(super) changed: bool,
}

impl Sources {
    /// Asks git. An archive of the sources has no repository, and is built all the same.
    pub(super) fn read(workspace: &Workspace) -> Sources {
        let git = |arguments: &[&str]| {
            let mut git = process::command("git", &workspace.root);
            git.args(arguments).env("TZ", "UTC");
            let ended = process::capture(&mut git, std::time::Duration::from_secs(60)).ok()?;
            ended.success.then(|| ended.output.trim().to_owned())
        };
        let time = ["log", "-1", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%cd"];
        Sources {
            commit: git(&["rev-parse", "HEAD"]).unwrap_or_default(),
            committed: git(&time).unwrap_or_else(|| "1970-01-01T00:00:00Z".into()),
            changed: git(&["status", "--porcelain"]).is_none_or(|changes| !changes.is_empty()),
        }
    }
}

/// What a statement is made from.
#[derive(Debug)]
pub(super) struct Build<'a> {
    /// The image's digest.
    pub(super) digest: &'a str,
    /// What the image says of itself.
    pub(super) about: &'a About,
    /// Who built it: an address that those who read the statement know.
    pub(super) builder: &'a str,
    /// What it was built for.
    pub(super) target: Target,
    /// The programs.
    pub(super) release: &'a Release,
    /// The distribution's packages.
    pub(super) pins: &'a Pins,
    /// Where the pins were read.
    pub(super) pin_file: &'a Path,
    /// The sources.
    pub(super) sources: &'a Sources,
}

/// The statement.
///
/// # Errors
///
/// If a file that the image was made from cannot be read.
pub(super) fn statement(workspace: &Workspace, build: &Build<'_>) -> Result<Value> {
    let Build { digest, about, builder, target, release, pins, pin_file, sources } = build;
    let source = format!("git+{}", about.source);
    let of_file = |path: &Path| {
        let bytes =
            std::fs::read(path).map_err(|error| format!("could not read {}: {error}", path.display()))?;
        let name = relative(&workspace.root, path);
        Ok::<_, String>(
            json!({"uri": format!("{source}#{name}"), "name": name, "digest": {"sha256": sha256(&bytes)}}),
        )
    };
    let mut materials = vec![json!({"uri": source, "digest": {"gitCommit": sources.commit}})];
    materials.push(of_file(&workspace.root.join("Cargo.lock"))?);
    materials.push(of_file(&workspace.root.join("rust-toolchain.toml"))?);
    materials.push(of_file(pin_file)?);
    for pin in &pins.packages {
        materials.push(json!({"name": pin.path, "digest": {"sha256": pin.sha256}}));
    }
    let hex = digest.trim_start_matches("sha256:");
    Ok(json!({
        "_type": STATEMENT,
        "subject": [{"name": NAME, "digest": {"sha256": hex}}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": format!("{}/docs/handbook/image.md", about.source),
                "externalParameters": {"platform": target.platform(), "source": source},
                "internalParameters": {"compiler": release.compiler, "uncommittedChanges": sources.changed},
                "resolvedDependencies": materials,
            },
            "runDetails": {"builder": {"id": builder}},
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::pins;

    #[test]
    fn a_statement_names_image_commit_lock_file_and_every_pinned_package() {
        let workspace = Workspace::read().expect("cargo reads this workspace");
        let target = Target::of_platform("linux/amd64").expect("it is known");
        let pin_file = pins::file(&workspace, target);
        let pins = Pins::read(&pin_file).expect("pins are committed");
        let sources =
            Sources { commit: "c".repeat(40), committed: "2026-01-02T03:04:05Z".into(), changed: false };
        let release = Release {
            server: "/x".into(),
            tool: "/y".into(),
            linked: std::collections::BTreeMap::new(),
            compiler: "rustc 1.95.0".into(),
        };
        let about = About {
            version: "1.2.3".into(),
            license: "Apache-2.0".into(),
            source: "https://example.com/rtmx".into(),
            description: "an example".into(),
        };
        let build = Build {
            digest: "sha256:abc",
            about: &about,
            builder: "https://example.com/builder",
            target,
            release: &release,
            pins: &pins,
            pin_file: &pin_file,
            sources: &sources,
        };
        let statement = statement(&workspace, &build).expect("its files are here");
        assert_eq!(statement["subject"][0]["digest"]["sha256"], "abc");
        assert_eq!(statement["predicate"]["runDetails"]["builder"]["id"], "https://example.com/builder");
        let materials = statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array();
        let materials = materials.expect("a list");
        assert_eq!(materials[0]["digest"]["gitCommit"], "c".repeat(40));
        let lock = std::fs::read(workspace.root.join("Cargo.lock")).expect("it is committed");
        assert_eq!(materials[1]["digest"]["sha256"], sha256(&lock));
        assert_eq!(materials.len(), 4 + pins.packages.len());
    }
}
