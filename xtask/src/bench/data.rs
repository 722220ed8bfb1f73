//! The matrices: of the sizes, and with the defects, that the other tools were once measured with.

use crate::workspace::Workspace;
use crate::{Result, needs, process};
use std::path::{Path, PathBuf};

/// Where the matrix of a size lies, as the command-line tools want it: `.rtmx/database.csv` in a folder.
#[derive(Debug, Clone)]
pub(super) struct Matrix {
    pub(super) rows: usize,
    pub(super) file: PathBuf,
}

/// Makes the matrix of a size; the same bytes each time.
///
/// # Errors
///
/// If the generator fails.
pub(super) fn matrix(workspace: &Workspace, bench: &Path, rows: usize) -> Result<Matrix> {
    needs::ensure(&[needs::PYTHON])?;
    let generator = workspace.shared().join("tools/gen_rtm.py");
    let tree = bench.join(format!("matrix-{rows}"));
    let file = tree.join(".rtmx/database.csv");
    let told = |error: std::io::Error| format!("could not prepare {}: {error}", tree.display());
    std::fs::create_dir_all(&tree).map_err(told)?;
    let mut python = process::command("python3", &workspace.root);
    python.arg(&generator).arg(rows.to_string()).args(["--seed", "1", "--cycles", "3", "--orphans", "2"]);
    process::quiet(python.arg("--tree").arg(&tree))?;
    Ok(Matrix { rows, file })
}

/// Whether the generator is here.
pub(super) fn is_here(workspace: &Workspace) -> bool {
    workspace.shared().join("tools/gen_rtm.py").is_file()
}

impl Matrix {
    /// A copy in a folder of its own, for a tool that writes into its file.
    ///
    /// # Errors
    ///
    /// If it cannot be copied.
    pub(super) fn copy_to(&self, tree: &Path) -> Result<()> {
        let told = |error: std::io::Error| format!("could not prepare {}: {error}", tree.display());
        let from = self.file.parent().and_then(Path::parent).unwrap_or(&self.file);
        let _ = std::fs::remove_dir_all(tree);
        std::fs::create_dir_all(tree.join(".rtmx")).map_err(told)?;
        for name in [".rtmx/database.csv", "rtmx.yaml"] {
            if from.join(name).is_file() {
                std::fs::copy(from.join(name), tree.join(name)).map_err(told)?;
            }
        }
        Ok(())
    }

    /// The file's content.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub(super) fn content(&self) -> Result<Vec<u8>> {
        std::fs::read(&self.file).map_err(|error| format!("could not read {}: {error}", self.file.display()))
    }
}
