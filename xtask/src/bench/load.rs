//! The program that asks, of the release build: its figures, read back.

use crate::process;
use crate::{Result, bench::Release};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::Path;

/// What one measurement says; `rtmx-load` prints it, and describes each member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Figures {
    pub(super) count: usize,
    pub(super) median_ms: f64,
    pub(super) p95_ms: f64,
    pub(super) slowest_ms: f64,
    pub(super) wall_seconds: f64,
    pub(super) cpu_us: Option<f64>,
    pub(super) body_bytes: usize,
}

/// How a server is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking {
    /// Connections at once.
    pub(super) clients: usize,
    /// How often in all.
    pub(super) requests: usize,
    /// After so many seconds nothing new is asked.
    pub(super) seconds: f64,
    pub(super) method: Method,
    /// The process whose processor time is counted.
    pub(super) watch: Option<u32>,
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    /// The page behind that of the answer before.
    Walk,
    /// One answer, the first one counted.
    GetCold,
    /// The same of a page for people, compressed as for a browser.
    Browse,
    /// An edit on the entity tag of the answer before.
    Edit,
    /// An edit without a tag.
    BareEdit,
}

impl Asking {
    /// One client who reads so often, or for so long.
    pub(super) fn times(requests: usize, seconds: f64) -> Asking {
        Asking { clients: 1, requests, seconds, method: Method::Get, watch: None }
    }
}

/// Asks a server.
///
/// # Errors
///
/// If an answer is not a success.
pub(super) fn http(release: &Release, to: SocketAddr, path: &str, asking: Asking) -> Result<Figures> {
    let mut load = process::command(&release.load, Path::new("/"));
    load.args(["--clients", &asking.clients.to_string(), "--requests", &asking.requests.to_string(), "http"]);
    load.args([&to.to_string(), path, "--limit-seconds", &asking.seconds.to_string()]);
    match asking.method {
        Method::Get => {}
        Method::Walk => drop(load.args(["--method", "walk"])),
        Method::GetCold => drop(load.arg("--cold")),
        Method::Browse => drop(load.args(["--method", "browse", "--cold"])),
        Method::Edit => drop(load.args(["--method", "edit"])),
        Method::BareEdit => drop(load.args(["--method", "bare-edit"])),
    }
    if let Some(pid) = asking.watch {
        load.args(["--watch", &pid.to_string()]);
    }
    read(&mut load)
}

/// Runs `rtmx-load` and reads the figures.
pub(super) fn read(load: &mut std::process::Command) -> Result<Figures> {
    let line = process::quiet(load)?;
    serde_json::from_str(&line).map_err(|error| format!("could not read the figures `{line}`: {error}"))
}
