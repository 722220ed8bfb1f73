//! The Go tool, which is in no registry: a binary that somebody built by hand.

use super::tool::{Kind, Tool};
use crate::{Result, process};
use std::path::Path;

/// The tool of this path.
///
/// # Errors
///
/// If it does not say its version.
pub(in crate::bench) fn tool(program: &Path) -> Result<Tool> {
    let program = program
        .canonicalize()
        .map_err(|error| format!("could not find the Go tool {}: {error}", program.display()))?;
    let said = process::quiet(process::command(&program, Path::new("/")).arg("--version"))?;
    let version = said.lines().next().unwrap_or_default().trim().to_owned();
    Ok(Tool { kind: Kind::Go, version, program })
}
