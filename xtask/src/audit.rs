//! `audit`: the dependencies against a dated copy of the RustSec advisories.

use crate::workspace::Workspace;
use crate::{Result, process, tools};
use std::path::PathBuf;

/// What the audit found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Audit {
    /// No advisory of the database applies; the text says which database.
    Clean(String),
    /// There is no database on this machine.
    NoDatabase(PathBuf),
}

/// Runs the audit and prints its result.
///
/// # Errors
///
/// If an advisory applies.
pub(crate) fn run() -> Result<()> {
    match check(&Workspace::read()?)? {
        Audit::Clean(database) => println!("no advisory applies ({database})"),
        Audit::NoDatabase(place) => println!("skipped: there is no advisory database at {}", place.display()),
    }
    Ok(())
}

/// Audits the lock files of the workspace and of the workspaces that stand beside it.
///
/// # Errors
///
/// If an advisory applies.
pub(crate) fn check(workspace: &Workspace) -> Result<Audit> {
    let database = workspace.shared().join("data/advisory-db");
    if !database.join("crates").is_dir() {
        return Ok(Audit::NoDatabase(database));
    }
    let readme = std::fs::read_to_string(database.join("README.md")).unwrap_or_default();
    let described = dated(&readme).unwrap_or("of an unknown date");
    println!("advisory database {described}");
    let program = tools::AUDIT.path(workspace)?;
    // An old SQLite is what that workspace is there for.
    let beside = workspace.beside().filter(|dir| !dir.ends_with("tests/sqlite-3.35"));
    for dir in std::iter::once(workspace.root.clone()).chain(beside) {
        let mut audit = process::command(&program, &dir);
        audit.args(["audit", "--no-fetch", "--stale", "--deny", "warnings", "--file", "Cargo.lock", "--db"]);
        process::succeed(audit.arg(&database))?;
    }
    Ok(Audit::Clean(format!("advisory database {described}")))
}

/// The commit and date in the database's own description: `at COMMIT (DATE)`.
fn dated(readme: &str) -> Option<&str> {
    let from = readme.find(" at ")? + 1;
    let to = from + readme[from..].find(')')?;
    Some(&readme[from..=to])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_the_database_is_shown() {
        let readme = "The RustSec advisory database at bf5c0d (21 August 2026), data only.";
        assert_eq!(dated(readme), Some("at bf5c0d (21 August 2026)"));
        assert_eq!(dated("no date here"), None);
    }
}
