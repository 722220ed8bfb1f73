//! One run of `rtmx-server`, and calls of a running one.

use crate::support::{Client, Reply, TestServer};
use bytes::Bytes;
use http::Method;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What a run that ended by itself came to.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) log: String,
}

impl Ended {
    /// The line of the log that tells the error.
    pub(crate) fn error(&self) -> Value {
        let mut lines = self.log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let error = lines.rfind(|line| line["level"] == "ERROR");
        error.unwrap_or_else(|| panic!("exit {:?} without an error:\n{}", self.code, self.log))
    }
}

/// Runs `rtmx-server` with arguments and variables, to its end.
pub(crate) fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let Output { status, stderr, .. } = command(folder.path(), arguments, variables).output().unwrap();
    Ended { code: status.code(), log: String::from_utf8_lossy(&stderr).into_owned() }
}

/// `rtmx-server` on a port and a folder of its own.
pub(crate) fn command(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtmx-server"));
    let data = format!("data.dir={}", folder.display());
    for set in [data.as_str(), "server.listen=127.0.0.1:0", "metrics.enabled=false"] {
        command.arg("--set").arg(set);
    }
    command.args(arguments).env_clear().envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Sends one request over a connection of its own; `None` if there is no answer.
pub(crate) fn call(
    server: &TestServer,
    token: Option<&str>,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<Reply> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (token, body) = (token.map(str::to_owned), Bytes::from(body.to_owned()));
    runtime.block_on(async {
        let mut client = Client::connect(server.address).await?;
        client.token = token;
        client.send(method, path, headers, body).await
    })
}

/// Sends a GET that is answered.
pub(crate) fn get(server: &TestServer, token: Option<&str>, path: &str) -> Reply {
    call(server, token, Method::GET, path, &[], "").expect("the server answers")
}

/// The metrics of a server.
pub(crate) fn metrics(server: &TestServer) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let address = server.metrics.expect("the server has metrics");
    runtime.block_on(async {
        let mut client = Client::connect(address).await.expect("it listens");
        String::from_utf8_lossy(&client.get("/metrics").await.body).into_owned()
    })
}

/// Waits until `/ready` answers with this status; fails after the limit, and says how long it took.
pub(crate) fn until_ready(server: &TestServer, status: u16, limit: Duration) -> Duration {
    let began = Instant::now();
    loop {
        let reply = get(server, None, "/ready");
        if reply.status == status {
            return began.elapsed();
        }
        assert!(began.elapsed() < limit, "after {:?}: {} {:?}", began.elapsed(), reply.status, reply.json());
        std::thread::sleep(Duration::from_millis(20));
    }
}
