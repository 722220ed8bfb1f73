//! What a license costs beside the bare signature: a benchmark of its own.

use super::beside::{Beside, run};
use crate::Result;
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct License {
    pub(super) beside: Vec<Beside>,
    /// One question whether something is allowed, in nanoseconds.
    pub(super) entitled_ns: f64,
    /// What was not measured, and why.
    pub(super) left_out: Option<String>,
}

/// Runs the benchmark.
///
/// # Errors
///
/// If it does not compile, or ends with an error.
pub(super) fn measure(workspace: &Workspace, dir: &Path) -> Result<License> {
    let figures = run(workspace, dir, "license", &[])?;
    serde_json::from_value(figures).map_err(|error| format!("the benchmark of licenses: {error}"))
}
