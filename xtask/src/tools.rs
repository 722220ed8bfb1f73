//! Cargo tools of pinned versions, built once and kept outside the checkout.

use crate::workspace::Workspace;
use crate::{Result, process};
use std::path::PathBuf;

/// A tool from the registry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    /// The crate and the program, such as `cargo-deny`.
    pub(crate) name: &'static str,
    /// The exact version.
    pub(crate) version: &'static str,
}

/// Licenses, bans and sources.
pub(crate) const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
/// Advisories.
pub(crate) const AUDIT: Tool = Tool { name: "cargo-audit", version: "0.22.2" };
/// Fuzzing.
pub(crate) const FUZZ: Tool = Tool { name: "cargo-fuzz", version: "0.13.2" };

impl Tool {
    /// The program; installs it when it is missing or of another version.
    ///
    /// # Errors
    ///
    /// If it cannot be built.
    pub(crate) fn path(self, workspace: &Workspace) -> Result<PathBuf> {
        let root = workspace.cache().join("tools");
        let program = root.join("bin").join(self.name);
        let wanted = format!("{} {}", self.name, self.version);
        // `cargo install` itself records the versions beside the programs.
        let record = std::fs::read_to_string(root.join(".crates.toml")).unwrap_or_default();
        if program.is_file() && record.contains(&format!("\"{wanted} ")) {
            return Ok(program);
        }
        println!("building {wanted}, once");
        let mut cargo = process::cargo(&workspace.root);
        // The tool is not part of the workspace: it gets a target folder of its own, removed afterwards.
        cargo.env_remove("CARGO_TARGET_DIR").args(["install", "--locked", "--quiet", self.name]);
        process::succeed(cargo.args(["--version", self.version, "--root"]).arg(&root))?;
        Ok(program)
    }
}
