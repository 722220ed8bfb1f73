//! Where everything of one installation lies.

use std::path::{Path, PathBuf};

/// The paths of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The server's program file.
    pub const SERVER: &'static str = "rtmx-server";
    /// The tool's program file.
    pub const TOOL: &'static str = "rtmxctl";

    /// The installation `name` under `home`.
    pub fn new(home: &Path, name: &str) -> Self {
        Layout { root: home.join("installations").join(name) }
    }

    /// The installation that lives in this folder.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Layout { root: root.into() }
    }

    /// The installation's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of all releases.
    pub fn releases(&self) -> PathBuf {
        self.root.join("releases")
    }

    /// The folder of one release.
    pub fn release(&self, id: &str) -> PathBuf {
        self.releases().join(id)
    }

    /// The link to the release that runs.
    pub fn current(&self) -> PathBuf {
        self.root.join("current")
    }

    /// The folder of the configuration.
    pub fn config(&self) -> PathBuf {
        self.root.join("config")
    }

    /// The server's configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.config().join("rtmx.toml")
    }

    /// The server's environment: where its secrets are, by name.
    pub fn environment_file(&self) -> PathBuf {
        self.config().join("server.env")
    }

    /// The folder of secret values, a file for each.
    pub fn secrets(&self) -> PathBuf {
        self.config().join("secrets")
    }

    /// The file of one secret value.
    pub fn secret(&self, key: &str) -> PathBuf {
        self.secrets().join(key)
    }

    /// The folder of the data.
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The folder of the logs.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The server's log, where no service manager keeps it.
    pub fn server_log(&self) -> PathBuf {
        self.logs().join("server.log")
    }

    /// The folder of what is only true while something runs.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// What the installation is, outside its data.
    pub fn record(&self) -> PathBuf {
        self.root.join("installation.json")
    }

    /// What was done to it, a line each.
    pub fn history(&self) -> PathBuf {
        self.root.join("history.jsonl")
    }
}
