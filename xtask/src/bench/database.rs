//! The PostgreSQL driver beside the same work without it: a benchmark of its own, on a server of its own.

use super::beside::{Beside, run};
use super::first_line;
use super::questions::Question;
use crate::Result;
use crate::matrix::Databases;
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Database {
    /// The server's version.
    pub(super) version: String,
    pub(super) rows: usize,
    pub(super) beside: Vec<Beside>,
    pub(super) pages: Vec<Page>,
}

/// A page through the driver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Page {
    pub(super) name: String,
    pub(super) ms: f64,
}

impl Database {
    /// The time of the page that answers a question; the limits are those of SQLite.
    pub(super) fn page(&self, question: Question) -> Option<f64> {
        let name = match question {
            Question::Page => "first page of 50",
            Question::Search => "search, few hits",
            Question::BroadSearch => "search, every row",
            Question::Status => "tally",
            _ => return None,
        };
        self.pages.iter().find(|page| page.name == name).map(|page| page.ms)
    }
}

/// Runs the benchmark; the reason where it cannot be.
///
/// # Errors
///
/// If it does not compile, or ends with an error.
pub(super) fn measure(
    workspace: &Workspace,
    dir: &Path,
    rows: usize,
) -> Result<std::result::Result<Database, String>> {
    let databases = Databases::ready(workspace)?;
    if !databases.is_real() {
        return Ok(Err(databases.note()));
    }
    let figures = run(workspace, dir, "postgres", &[("RTMX_BENCH_ROWS", rows.to_string())])?;
    match figures["left_out"].as_str() {
        Some(reason) => Ok(Err(first_line(reason).to_owned())),
        None => serde_json::from_value(figures).map(Ok).map_err(|error| format!("the benchmark: {error}")),
    }
}
