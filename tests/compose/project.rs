//! A copy of a committed folder under a project name of its own; all of it is gone when it is dropped.

use crate::Ground;
use crate::asking::Asked;
use rtmx_containers::{Flavour, Postgres};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// An installation that is not healthy by then never will be.
const UP_LIMIT_S: &str = "180";

/// An installation by Compose.
pub(crate) struct Project {
    folder: TempDir,
    name: String,
    variables: BTreeMap<String, String>,
    /// Where the server answers.
    address: SocketAddr,
}

impl Project {
    /// A copy of `deploy/APPLICATION/compose/ENVIRONMENT`; nothing is started.
    pub(crate) fn of(ground: &Ground, application: &str, environment: &str) -> Project {
        let committed = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("deploy")
            .join(application)
            .join("compose")
            .join(environment);
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let copied = Command::new("cp").arg("-r").arg(committed.join(".")).arg(folder.path()).status();
        assert!(copied.expect("cp runs").success(), "{} is copied", committed.display());
        Project::in_folder(ground, folder)
    }

    /// What was rendered into a folder; nothing is started.
    pub(crate) fn in_folder(ground: &Ground, folder: TempDir) -> Project {
        let port = free_port();
        let name = format!("rtmx-compose-{}-{port}", std::process::id());
        let mut project = Project {
            folder,
            name,
            variables: BTreeMap::new(),
            address: SocketAddr::from(([127, 0, 0, 1], port)),
        };
        project.set("RTMX_HTTP_PORT", &port.to_string());
        project.set("RTMX_METRICS_PORT", &free_port().to_string());
        let kept = ground.engine.keeps_digests();
        project
            .set("RTMX_IMAGE", &if kept { ground.given.by_digest() } else { ground.given.reference.clone() });
        project
    }

    /// With the image of this PostgreSQL; the error says why it cannot be had.
    pub(crate) fn with_postgres(mut self, version: u16, flavour: Flavour) -> Result<Project, String> {
        let image = Postgres::image(version, flavour).map_err(|error| error.to_string())?;
        self.set("POSTGRES_IMAGE", &image);
        Ok(self)
    }

    /// Sets a variable of the Compose files.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Writes a file beside the Compose files.
    pub(crate) fn write(&self, path: &str, content: &str) {
        std::fs::write(self.path().join(path), content).expect("the copy is writable");
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn compose(&self, arguments: &[&str]) -> Command {
        let mut compose = Command::new("docker");
        compose.arg("compose").args(arguments).current_dir(self.path()).stdin(Stdio::null());
        let kept = ["PATH", "HOME", "DOCKER_HOST"].map(|name| (name, std::env::var_os(name)));
        let kept = kept.into_iter().filter_map(|(name, value)| Some((name, value?)));
        compose.env_clear().envs(kept).env("COMPOSE_PROJECT_NAME", &self.name).envs(&self.variables);
        compose
    }

    /// Runs Compose, whatever comes of it.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Output {
        self.compose(arguments).output().expect("docker is there")
    }

    /// What Compose prints, which must succeed.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let ended = self.ask(arguments);
        let complaint = String::from_utf8_lossy(&ended.stderr);
        if !ended.status.success() {
            let log = self.ask(&["logs", "--no-color", "--tail", "40"]);
            panic!("{arguments:?}: {complaint}\n{}", String::from_utf8_lossy(&log.stdout));
        }
        String::from_utf8_lossy(&ended.stdout).trim().to_owned()
    }

    /// Starts all and waits until all is healthy.
    pub(crate) fn up(&self) {
        self.run(&["up", "--detach", "--wait", "--wait-timeout", UP_LIMIT_S, "--pull", "never"]);
    }

    /// The names of the containers that run, by service.
    pub(crate) fn containers(&self) -> BTreeMap<String, String> {
        let format = "{{.Service}} {{.Name}}";
        let lines = self.run(&["ps", "--format", format]);
        let pairs = lines.lines().filter_map(|line| line.split_once(' '));
        pairs.map(|(service, name)| (service.to_owned(), name.to_owned())).collect()
    }

    /// The first admin token, from the server's volume.
    pub(crate) fn token(&self) -> String {
        let file = self.path().join("token");
        self.run(&["cp", "rtmx-server:/data/first-token", &file.display().to_string()]);
        std::fs::read_to_string(file).expect("it was copied").trim().to_owned()
    }
}

impl Asked for Project {
    fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        self.variables.insert("COMPOSE_PROFILES".to_owned(), "*".to_owned());
        let _ = self.ask(&["down", "--volumes", "--remove-orphans", "--timeout", "5"]);
    }
}

/// A port that was free just now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}
