//! Where and with what a run was made.

use super::peers::Tool;
use crate::workspace::Workspace;
use crate::{Result, process};
use serde::Serialize;
use std::path::Path;

/// The machine, the day, and the versions of everything that was measured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Machine {
    pub(super) processor: String,
    pub(super) cores: usize,
    pub(super) memory_gib: u64,
    pub(super) kernel: String,
    pub(super) date: String,
    pub(super) rtmx: String,
    pub(super) rustc: String,
    /// The others by name.
    pub(super) others: Vec<(String, String)>,
}

impl Machine {
    /// Looks around.
    ///
    /// # Errors
    ///
    /// If a program does not say its version.
    pub(super) fn look(
        workspace: &Workspace,
        server: &Path,
        tools: &[Tool],
        sqlite: &str,
    ) -> Result<Machine> {
        let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
        };
        let said = |program: &Path, argument: &str| {
            process::quiet(process::command(program, &workspace.root).arg(argument))
                .map(|said| said.lines().next().unwrap_or_default().trim().to_owned())
        };
        let memory = field(&file("/proc/meminfo"), "MemTotal").unwrap_or_default();
        let kib: u64 = memory.trim_end_matches("kB").trim().parse().unwrap_or_default();
        let mut others: Vec<_> =
            tools.iter().map(|tool| (tool.kind.name().into(), tool.version.clone())).collect();
        others.push(("sqlite3".into(), sqlite.to_owned()));
        Ok(Machine {
            processor: field(&file("/proc/cpuinfo"), "model name").unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: kib.div_ceil(1024 * 1024),
            // Without what a distributor or host appends.
            kernel: file("/proc/sys/kernel/osrelease")
                .split(['-', '+'])
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned(),
            date: said(Path::new("date"), "-I")?,
            rtmx: said(server, "--version")?,
            rustc: said(Path::new("rustc"), "--version")?,
            others,
        })
    }
}
