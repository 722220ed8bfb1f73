//! A command-line tool that keeps its matrix in a file, and that can serve it.

use crate::bench::child::{Server, free_address, is_open_to_others};
use crate::bench::data::Matrix;
use crate::bench::load::{self, Asking, Method};
use crate::bench::questions::Ask;
use crate::bench::results::{Measured, median};
use crate::bench::{Effort, Release};
use crate::{Result, process};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A server that reads 35 MB before it answers needs its time.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// A command that takes longer is ended, and counts as having taken this long.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// Which tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bench) enum Kind {
    /// The package on PyPI.
    Python,
    /// Its successor, which is in no registry.
    Go,
}

/// A tool that is here.
#[derive(Debug, Clone)]
pub(in crate::bench) struct Tool {
    pub(in crate::bench) kind: Kind,
    pub(in crate::bench) version: String,
    pub(super) program: PathBuf,
}

/// A tool that serves a matrix, in a folder of its own.
#[derive(Debug)]
pub(in crate::bench) struct Serving {
    tool: Tool,
    tree: PathBuf,
    server: std::result::Result<Server, String>,
}

impl Kind {
    pub(in crate::bench) fn name(self) -> &'static str {
        match self {
            Kind::Python => "Python",
            Kind::Go => "Go",
        }
    }
}

impl Tool {
    /// Gives the tool a copy of a matrix and starts its server.
    ///
    /// # Errors
    ///
    /// If the copy cannot be made. A server that does not start is remembered as the reason.
    pub(in crate::bench) fn serve(&self, matrix: &Matrix, dir: &Path) -> Result<Serving> {
        let tree = dir.join(format!("{}-{}", self.kind.name().to_lowercase(), matrix.rows));
        matrix.copy_to(&tree)?;
        let address = free_address()?;
        let mut command = process::command(&self.program, &tree);
        command.args(["serve", "--port", &address.port().to_string()]);
        if self.kind == Kind::Python {
            command.args(["--host", "127.0.0.1"]);
        }
        let started = Server::start(&mut command, address, "/api/status", &tree.join("log"), READY_LIMIT);
        let server = started.and_then(|server| {
            if is_open_to_others(address.port()) {
                return Err("its server listens on every address of the machine, and was ended".to_owned());
            }
            Ok(server)
        });
        Ok(Serving { tool: self.clone(), tree, server })
    }
}

impl Serving {
    /// Which tool.
    pub(in crate::bench) fn kind(&self) -> Kind {
        self.tool.kind
    }

    /// Why the server cannot be asked.
    pub(in crate::bench) fn trouble(&self) -> Option<&str> {
        self.server.as_ref().err().map(String::as_str)
    }

    /// Asks the tool.
    ///
    /// # Errors
    ///
    /// If an answer is not a success.
    pub(in crate::bench) fn ask(
        &self,
        release: &Release,
        ask: Ask,
        one: &str,
        effort: &Effort,
    ) -> Result<Option<Measured>> {
        let served = |path: &str, method| self.served(release, &path.replace("{one}", one), method, effort);
        match ask {
            Ask::Nothing => Ok(None),
            Ask::Path(path) => served(path, Method::Get),
            Ask::Edit(path) => served(path, Method::BareEdit),
            Ask::Command(command) => self.command(command, effort).map(Some),
            Ask::Either(path, command) => {
                let (answer, printed) = (served(path, Method::Get)?, self.command(command, effort)?);
                Ok(Some(match answer {
                    Some(answer) if answer.ms <= printed.ms => answer,
                    _ => printed,
                }))
            }
        }
    }

    fn served(
        &self,
        release: &Release,
        path: &str,
        method: Method,
        effort: &Effort,
    ) -> Result<Option<Measured>> {
        let Ok(server) = &self.server else { return Ok(None) };
        let asking = Asking { method, ..Asking::times(effort.requests, effort.seconds) };
        let figures = load::http(release, server.address, path, asking)?;
        Ok(Some(Measured::new(figures.median_ms, figures.count, "serve")))
    }

    /// Three runs of a command, fewer if they are slow. Exit codes up to 2 are findings, not failures.
    fn command(&self, command: &str, effort: &Effort) -> Result<Measured> {
        let began = Instant::now();
        let mut times = Vec::new();
        while times.len() < 3 && (times.is_empty() || began.elapsed().as_secs_f64() < effort.seconds) {
            let mut run = process::command(&self.tool.program, &self.tree);
            let ended = process::capture(run.arg(command), COMMAND_LIMIT)?;
            if ended.took >= COMMAND_LIMIT {
                return Ok(Measured::new(ended.took.as_secs_f64() * 1e3, 1, "command, ended"));
            }
            if ended.output.contains("Traceback (most recent call last)") {
                return Err(format!("`{}` failed:\n{}", process::shown(&run), ended.output));
            }
            times.push(ended.took.as_secs_f64() * 1e3);
        }
        let count = times.len();
        Ok(Measured::new(median(times), count, "command"))
    }
}
