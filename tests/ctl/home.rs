//! A temporary home for installations, and the tool run on it. What runs there ends with it.

#![allow(unreachable_pub, reason = "a module of each test binary that uses it")]
#![allow(dead_code, reason = "each test binary uses its part")]

use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A home, and a port that nobody uses.
pub struct Home {
    folder: TempDir,
    pub port: u16,
}

/// What a run of the tool came to.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Home {
    pub fn new() -> Home {
        Home { folder: tempfile::tempdir().expect("a temporary folder can be made"), port: free_port() }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The installation's folder.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("home/installations/rtmx")
    }

    /// The tool with these arguments; prints JSON.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtmxctl"));
        command.arg("--home").arg(self.folder.path().join("home")).arg("--json").args(arguments);
        command.env_remove("RTMX_HOME").env_remove("RTMX_NAME");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the tool, and checks what holds for every run.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let ran = finish(self.command(arguments));
        ran.check(&arguments.join(" "));
        ran
    }

    /// As [`Home::run`], with these variables.
    pub fn run_in(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        finish(command)
    }

    /// Runs the tool for people.
    pub fn run_plainly(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtmxctl"));
        command.arg("--home").arg(self.folder.path().join("home")).args(arguments).stdin(Stdio::null());
        command.env_remove("RTMX_HOME").env_remove("RTMX_NAME");
        finish(command)
    }

    /// The result of a run that must succeed.
    #[track_caller]
    pub fn result(&self, arguments: &[&str]) -> Value {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
        ran.object()
    }

    /// As [`Home::result`], for a command that only looks.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        self.result(arguments)
    }

    pub fn with_port<'a>(&self, arguments: &[&'a str]) -> Vec<&'a str> {
        let port: &'static str = Box::leak(self.port.to_string().into_boxed_str());
        arguments.iter().copied().chain(["--port", port]).collect()
    }

    #[track_caller]
    pub fn deploy(&self, arguments: &[&str]) -> Value {
        let words: Vec<&str> = ["deploy"].iter().chain(arguments).copied().collect();
        self.result(&self.with_port(&words))
    }

    pub fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let request =
            format!("GET /ready HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", self.port);
        let mut answer = String::new();
        stream.write_all(request.as_bytes()).is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.starts_with("HTTP/1.1 200")
    }

    /// Sends a request as it stands, and reads the answer to its end.
    pub fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server listens");
        stream.write_all(request.as_bytes()).expect("the server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the server answers");
        answer
    }

    /// The server's process, as `status` shows it.
    pub fn server_pid(&self) -> Value {
        self.json(&["status"])["facts"]["pid"].clone()
    }

    pub fn supervisor_pid(&self) -> Value {
        let text = fs::read(self.root().join("run/supervisor.json")).expect("the supervisor runs");
        serde_json::from_slice::<Value>(&text).expect("it is JSON")["pid"].clone()
    }

    pub fn signal(&self, pid: &Value, signal: &str) {
        let pid = number(pid).to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status().expect("`kill` can be run");
        assert!(sent.success(), "the process {pid} is there");
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Whatever the test came to, no process may outlive it.
        let ran = self.run_plainly(&["remove", "--purge", "--confirm", "rtmx"]);
        for name in ["supervisor.json", "server.json"] {
            let Ok(text) = fs::read(self.root().join("run").join(name)) else { continue };
            let value: Value = serde_json::from_slice(&text).unwrap_or_default();
            for pid in [&value["pid"], &value["server"]["pid"]].into_iter().filter(|pid| pid.is_number()) {
                let _ = Command::new("kill").args(["-s", "KILL", &pid.to_string()]).status();
            }
        }
        drop(ran);
    }
}

impl Ran {
    /// The error's code; panics if the run did not fail.
    #[track_caller]
    pub fn error_code(&self) -> String {
        self.error()["code"].as_str().unwrap_or_else(|| panic!("no error: {self:?}")).to_owned()
    }

    /// The error object.
    pub fn error(&self) -> Value {
        serde_json::from_str(self.stderr.trim()).unwrap_or_default()
    }

    /// The last object of standard output.
    #[track_caller]
    pub fn object(&self) -> Value {
        let line =
            self.stdout.lines().last().unwrap_or_else(|| panic!("nothing was printed: {}", self.stderr));
        serde_json::from_str(line).expect("every line is JSON")
    }

    /// What `--json` promises for every command, whether it succeeded or failed.
    #[track_caller]
    pub fn check(&self, what: &str) {
        let lines: Vec<Value> = self
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{what}: {error}: {line}")))
            .collect();
        if let Some(first) = lines.first() {
            assert_eq!(*first, serde_json::json!({"type": "version", "format": "1.0"}), "{what}");
            assert!(lines.last().is_some_and(|last| last["type"].is_string()), "{what}");
        }
        let failed = !matches!(self.code, 0 | 3);
        assert_eq!(self.stderr.lines().count(), usize::from(failed), "{what}: {}", self.stderr);
        if failed {
            let error = self.error();
            for member in ["type", "code", "message", "next"] {
                assert!(
                    error[member].as_str().is_some_and(|text| !text.is_empty()),
                    "{what}: {member} in {error}"
                );
            }
            assert!(error["causes"].is_array(), "{what}");
            assert_eq!(error["exit"], self.code, "{what}");
        } else {
            assert!(lines.len() >= 2, "{what}: a version and a result");
        }
    }
}

fn finish(mut command: Command) -> Ran {
    let output = command.output().expect("the tool can be started");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the tool prints text");
    let code = output.status.code().expect("the tool ends by itself");
    Ran { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Waits for a condition, for at most 30 s.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a process lives; a zombie does not.
pub fn lives(pid: &Value) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", number(pid))).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn number(pid: &Value) -> u64 {
    pid.as_u64().or_else(|| pid.as_str()?.parse().ok()).expect("a process has a number")
}

/// A port that is free together with the one of its metrics.
pub fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let metrics = port.checked_add(1010).unwrap_or(port - 1010);
        if TcpListener::bind(("127.0.0.1", metrics)).is_ok() {
            return port;
        }
    }
}
