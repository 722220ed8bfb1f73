//! A container of the image with a volume of its own; both are gone when it is dropped.

use crate::engine::{Engine, must};
use crate::given::Given;
use crate::probe;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A server that is not ready by then never will be.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(10);

/// A container.
#[derive(Debug)]
pub(crate) struct Container {
    /// Its name.
    pub(crate) name: String,
    engine: Engine,
    volume: Option<String>,
    asked: Instant,
    engine_took: Duration,
}

impl Container {
    /// Starts one with a new volume at `/data`.
    pub(crate) fn run(engine: &Engine, given: &Given, options: &[&str]) -> Container {
        let mut container = Container::named(engine, given);
        let volume = format!("{}-data", container.name);
        let mount = format!("{volume}:/data");
        container.volume = Some(volume);
        container.start(given, &[&["--volume", &mount], options].concat());
        container
    }

    /// Starts one whose options say where the data is.
    pub(crate) fn without_a_volume(engine: &Engine, given: &Given, options: &[&str]) -> Container {
        let mut container = Container::named(engine, given);
        container.start(given, options);
        container
    }

    /// Makes one and does not start it.
    pub(crate) fn create(engine: &Engine, given: &Given, options: &[&str]) -> Container {
        let container = Container::named(engine, given);
        let arguments = ["create", "--name", &container.name];
        engine.run(&[&arguments[..], options, &[&engine.id(given)]].concat());
        container
    }

    fn named(engine: &Engine, given: &Given) -> Container {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        engine.load(given);
        let name = format!("rtmx-image-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Container {
            name,
            engine: engine.clone(),
            volume: None,
            asked: Instant::now(),
            engine_took: Duration::ZERO,
        }
    }

    fn start(&mut self, given: &Given, options: &[&str]) {
        let arguments = ["create", "--name", &self.name];
        self.engine.run(&[&arguments[..], options, &[&self.engine.id(given)]].concat());
        self.asked = Instant::now();
        self.engine.run(&["start", &self.name]);
        self.engine_took = self.asked.elapsed();
    }

    /// Waits until it is ready, and answers how long the engine took to start it, and the server after that.
    pub(crate) fn is_ready(&self) -> (Duration, Duration) {
        while !self.get("/ready", None).starts_with("HTTP/1.1 200") {
            assert!(self.asked.elapsed() < PATIENCE, "never ready: {}", self.log());
            std::thread::sleep(PAUSE);
        }
        (self.engine_took, self.asked.elapsed().saturating_sub(self.engine_took))
    }

    /// Waits until the engine calls it healthy, by the image's own check.
    pub(crate) fn is_healthy(&self) {
        let state = || self.engine.run(&["inspect", "--format", "{{.State.Health.Status}}", &self.name]);
        while state() != "healthy" {
            assert!(self.asked.elapsed() < PATIENCE, "{}: {}", state(), self.log());
            std::thread::sleep(10 * PAUSE);
        }
    }

    /// The answer to a request, as it came; empty if there is none.
    pub(crate) fn get(&self, path: &str, token: Option<&str>) -> String {
        let place = self.engine.run(&["port", &self.name, "8080/tcp"]);
        let place = place.lines().next().unwrap_or_default();
        let authorization =
            token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let ask = || {
            let mut stream = TcpStream::connect(place)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            write!(
                stream,
                "GET {path} HTTP/1.1\r\nhost: {place}\r\n{authorization}connection: close\r\n\r\n"
            )?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
        };
        ask().unwrap_or_default()
    }

    /// Everything it logged.
    pub(crate) fn log(&self) -> String {
        let mut docker = Command::new("docker");
        let ended = docker.args(["logs", &self.name]).output().expect("an engine answered");
        format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr))
    }

    /// The first token, as its owner takes it from the volume.
    pub(crate) fn first_token(&self) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token");
        self.engine.run(&["cp", &format!("{}:/data/first-token", self.name), &file.display().to_string()]);
        std::fs::read_to_string(&file).expect("it was copied").trim().to_owned()
    }

    /// The SHA-256 of a file.
    pub(crate) fn sha256_of(&self, path: &str) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        self.engine.run(&["cp", &format!("{}:{path}", self.name), &file.display().to_string()]);
        probe::sha256(&file)
    }

    /// The files as `tar` lists them, each with its mode in front.
    pub(crate) fn files(&self) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("root.tar").display().to_string();
        self.engine.run(&["export", "--output", &file, &self.name]);
        must(Command::new("tar").args(["-tvf", &file])).lines().map(ToOwned::to_owned).collect()
    }

    /// The server's process; the error says why it cannot be looked at.
    pub(crate) fn process(&self) -> Result<Process, String> {
        let id = self.engine.run(&["inspect", "--format", "{{.State.Pid}}", &self.name]);
        let process = Process { folder: PathBuf::from("/proc").join(id) };
        if process.read("cmdline").contains("rtmx-server") && process.path("usr/bin").is_dir() {
            return Ok(process);
        }
        Err("the engine's processes cannot be looked at: it runs elsewhere, or this is not root".into())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let docker = |arguments: &[&str]| Command::new("docker").args(arguments).output();
        // A trial that failed early may have made neither.
        let _ = docker(&["rm", "--force", "--volumes", &self.name]);
        if let Some(volume) = &self.volume {
            let _ = docker(&["volume", "rm", "--force", volume]);
        }
    }
}

/// A process of a container, as the kernel of this machine shows it.
#[derive(Debug)]
pub(crate) struct Process {
    folder: PathBuf,
}

impl Process {
    /// A line of its status, with single spaces.
    pub(crate) fn status(&self, field: &str) -> String {
        let text = self.read("status");
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// One of its files; empty if it cannot be read.
    pub(crate) fn read(&self, file: &str) -> String {
        std::fs::read(self.folder.join(file))
            .map_or(String::new(), |it| String::from_utf8_lossy(&it).into_owned())
    }

    /// A path in its root, as seen from here.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.join("root").join(path)
    }
}
