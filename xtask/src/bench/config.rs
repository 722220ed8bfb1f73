//! What loading a configuration costs beside bare reading and parsing: a benchmark of its own.

use super::beside::{Beside, run};
use crate::Result;
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Config {
    pub(super) beside: Vec<Beside>,
}

impl Config {
    /// The time of one load.
    pub(super) fn load_ms(&self) -> Option<f64> {
        self.beside.first().map(|beside| beside.ours_ms)
    }
}

/// Runs the benchmark.
///
/// # Errors
///
/// If it does not compile, or ends with an error.
pub(super) fn measure(workspace: &Workspace, dir: &Path) -> Result<Config> {
    let figures = run(workspace, dir, "config", &[])?;
    serde_json::from_value(figures).map_err(|error| format!("the benchmark of configurations: {error}"))
}
