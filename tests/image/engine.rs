//! The container engine, which is shared with others: only what was made here is removed.

use crate::given::Given;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// An engine that answers.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    host: Option<String>,
    major: u32,
}

impl Engine {
    /// The engine of this machine; the error says that there is none.
    pub(crate) fn find() -> Result<Engine, String> {
        Engine::at(None)
    }

    /// The engine behind a socket.
    pub(crate) fn at(host: Option<String>) -> Result<Engine, String> {
        let mut docker = command(host.as_deref());
        docker.args(["version", "--format", "{{.Server.Version}}"]).stdin(Stdio::null());
        let said = docker.output().ok().filter(|ended| ended.status.success());
        let said = said.ok_or("no container engine answers `docker version`")?;
        let version = String::from_utf8_lossy(&said.stdout).into_owned();
        let major = version.split('.').next().and_then(|major| major.trim().parse().ok());
        Ok(Engine { host, major: major.ok_or_else(|| format!("`{version}` is no version"))? })
    }

    /// Whether it knows an image by its manifest's digest after a load.
    pub(crate) fn keeps_digests(&self) -> bool {
        self.major >= 29
    }

    /// What it calls the image whatever its tag: others on this engine may move that.
    pub(crate) fn id(&self, given: &Given) -> String {
        if self.keeps_digests() { given.digest.clone() } else { given.config.clone() }
    }

    /// What the engine's command prints, which must succeed.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        must(command(self.host.as_deref()).args(arguments))
    }

    /// Loads the image, once in this process and engine, and answers what the engine said.
    pub(crate) fn load(&self, given: &Given) -> String {
        static SAID: OnceLock<String> = OnceLock::new();
        let load = || self.run(&["load", "--input", &given.tar.display().to_string()]);
        if self.host.is_some() { load() } else { SAID.get_or_init(load).clone() }
    }

    /// A fact of an image.
    pub(crate) fn inspected(&self, image: &str, format: &str) -> String {
        self.run(&["image", "inspect", "--format", format, image])
    }
}

fn command(host: Option<&str>) -> Command {
    let mut docker = Command::new("docker");
    if let Some(host) = host {
        docker.args(["--host", host]);
    }
    docker
}

/// What a command printed, without white space around it. It must succeed.
pub(crate) fn must(command: &mut Command) -> String {
    let ended = command.stdin(Stdio::null()).output().expect("the program is there");
    let complaint = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{command:?} ended with {}: {complaint}", ended.status);
    String::from_utf8_lossy(&ended.stdout).trim().to_owned()
}

/// Whether a program is on this machine; the error says that it is not.
pub(crate) fn has(program: &str) -> Result<(), String> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let found = std::env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file());
    if found { Ok(()) } else { Err(format!("this machine lacks `{program}`")) }
}
