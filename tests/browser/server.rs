//! A real `rtmx-server` over a data folder of its own, on a port that the kernel chose.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a server may take to say where it listens: five times what a busy machine needs.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running server; dropping it ends it.
pub(crate) struct Server {
    child: Child,
    _data: tempfile::TempDir,
    /// `http://127.0.0.1:<port>`.
    pub(crate) address: String,
}

impl Server {
    /// Starts a server with these variables of its environment.
    pub(crate) fn start(program: &Path, variables: &[(&str, &str)]) -> Server {
        let data = tempfile::tempdir().expect("the system has a folder for temporary files");
        let mut command = Command::new(program);
        command.env_clear().envs(variables.iter().copied());
        command.arg("--set").arg(format!("data.dir={}", data.path().display()));
        command.args(["--set", "server.listen=127.0.0.1:0", "--set", "metrics.enabled=false"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn();
        let child = child.unwrap_or_else(|error| panic!("could not start {}: {error}", program.display()));
        // From here on a panic ends the child.
        let mut server = Server { child, _data: data, address: String::new() };
        server.address = server.listening();
        server
    }

    fn listening(&mut self) -> String {
        let stderr = self.child.stderr.take().expect("stderr is piped");
        let (send, log) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                // Read on when nobody listens any more: a full pipe would stop the server.
                let _ = send.send(line);
            }
        });
        let deadline = Instant::now() + START_LIMIT;
        let mut seen = String::new();
        while let Ok(line) = log.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "listening" {
                return format!("http://{}", event["address"].as_str().expect("the line names the address"));
            }
            seen.push_str(&line);
            seen.push('\n');
        }
        panic!("the server did not start:\n{seen}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
