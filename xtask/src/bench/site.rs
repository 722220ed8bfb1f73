//! One size: its matrix, the product's server with that matrix in it, and the others with theirs.

use super::Release;
use super::child::{Server, free_address};
use super::data::Matrix;
use super::peers::{Serving, Tool};
use super::questions::{ONE, ONE_LARGE};
use crate::{Result, http};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const READY_LIMIT: Duration = Duration::from_secs(30);
/// Where everything of a project is.
pub(super) const PROJECT: &str = "/api/v1/projects/default";

/// What is asked at one size.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) matrix: Matrix,
    pub(super) server: Server,
    pub(super) database: PathBuf,
    pub(super) others: Vec<Serving>,
}

impl Site {
    /// Starts everything of a size.
    ///
    /// # Errors
    ///
    /// If the product does not start or does not take the matrix.
    pub(super) fn open(release: &Release, dir: &Path, matrix: Matrix, tools: &[Tool]) -> Result<Site> {
        let home = dir.join(format!("server-{}", matrix.rows));
        let server = start(release, &home)?;
        import(&server, &matrix)?;
        let others = tools.iter().map(|tool| tool.serve(&matrix, dir)).collect::<Result<_>>()?;
        Ok(Site { matrix, server, database: home.join("data/rtmx.db"), others })
    }

    /// The id of a requirement that is there.
    pub(super) fn one(&self) -> &'static str {
        // The generator gives longer numbers to larger matrices.
        if self.matrix.rows < 20_000 { ONE } else { ONE_LARGE }
    }
}

/// A server of the release build with default settings, on a folder of its own that is emptied first.
///
/// # Errors
///
/// If it does not become ready.
pub(super) fn start(release: &Release, home: &Path) -> Result<Server> {
    let told = |error: std::io::Error| format!("could not prepare {}: {error}", home.display());
    let _ = std::fs::remove_dir_all(home);
    let (data, config) = (home.join("data"), home.join("rtmx.toml"));
    std::fs::create_dir_all(&data).map_err(told)?;
    let address = free_address()?;
    let text = format!(
        "[server]\nlisten = \"{address}\"\n\n[data]\ndir = \"{}\"\n\n[metrics]\nenabled = false\n",
        data.display()
    );
    std::fs::write(&config, text).map_err(told)?;
    let mut command = Command::new(&release.server);
    command.arg("--config").arg(&config).arg("serve").current_dir(home);
    Server::start(&mut command, address, "/ready", &home.join("log"), READY_LIMIT)
}

/// The time of one import, in milliseconds.
///
/// # Errors
///
/// If it is refused.
pub(super) fn import(server: &Server, matrix: &Matrix) -> Result<f64> {
    let csv = matrix.content()?;
    let started = Instant::now();
    let path = format!("{PROJECT}/import");
    let answer = http::send(server.address, "POST", &path, "text/csv", &csv)
        .map_err(|error| format!("the import failed: {error}"))?;
    let took = started.elapsed().as_secs_f64() * 1e3;
    if answer.status / 100 != 2 {
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        return Err(format!("the import was answered with {}: {body}", answer.status));
    }
    Ok(took)
}
