//! The sizes of the programs, and what a start costs.

use super::results::{Start, median};
use super::{Release, site};
use crate::{Result, process};
use std::path::Path;
use std::time::Instant;

/// Sizes of the programs, process start to `/ready` on an empty database, memory of the idle server.
///
/// # Errors
///
/// If the server does not become ready.
pub(super) fn measure(release: &Release, dir: &Path, rounds: usize) -> Result<Vec<Start>> {
    let mut starts = Vec::new();
    let mut add = |name: &str, value: f64, unit, wanted| {
        starts.push(Start { name: name.to_owned(), value, unit, wanted });
    };
    for (name, path) in [("server program", &release.server), ("operator's tool", &release.tool)] {
        let size =
            std::fs::metadata(path).map_err(|error| format!("could not read {}: {error}", path.display()))?;
        add(name, size.len() as f64 / 1e6, "MB", None);
    }
    let (mut bare, mut ready, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds.max(1) {
        let started = Instant::now();
        process::quiet(process::command(&release.server, dir).arg("--version"))?;
        bare.push(started.elapsed().as_secs_f64() * 1e3);
        let server = site::start(release, &dir.join("start"))?;
        ready.push(server.ready_after.as_secs_f64() * 1e3);
        idle.push(server.resident_mb()?);
    }
    add("reference: `rtmx-server --version`", median(bare), "ms", None);
    add("start to `/ready`, empty", median(ready), "ms", Some(150.0));
    add("resident memory, idle", median(idle), "MB", Some(40.0));
    Ok(starts)
}
