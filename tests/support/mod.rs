//! A real `rtmx-server` process for tests, and a small client.
//!
//! The server listens on a port that the kernel chose, and the test reads it from the server's own
//! log line, so that no two tests meet. Dropping the server kills it.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part, as a module of its own")]

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};

/// How long a server may take to say where it listens: five times what a busy machine needs.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running server.
pub struct TestServer {
    pub child: Child,
    pub address: SocketAddr,
    pub metrics: Option<SocketAddr>,
    /// The lines of the log up to the one that says where it listens.
    pub started: String,
    /// The lines of the log so far come out of here.
    pub log: mpsc::Receiver<String>,
}

impl TestServer {
    /// Starts a server over a data folder, with more `key=value` settings.
    pub fn start(data_dir: &Path, sets: &[&str]) -> TestServer {
        TestServer::start_in(data_dir, sets, &[])
    }

    /// Starts a server with these environment variables, which may hold secrets.
    pub fn start_in(data_dir: &Path, sets: &[&str], variables: &[(&str, &str)]) -> TestServer {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtmx-server"));
        command.arg("--set").arg(format!("data.dir={}", data_dir.display()));
        let mut defaults = vec!["server.listen=127.0.0.1:0", "metrics.enabled=false"];
        defaults.retain(|default| {
            let key = default.split('=').next().unwrap_or_default();
            !sets.iter().any(|set| set.starts_with(&format!("{key}=")))
        });
        for set in defaults.iter().chain(sets) {
            command.arg("--set").arg(set);
        }
        command.env_clear().envs(variables.iter().copied());
        TestServer::listening(command)
    }

    /// Starts a server as the command says, and waits until it listens.
    #[allow(clippy::zombie_processes, reason = "a failed start is killed, and the test ends with it")]
    pub fn listening(mut command: Command) -> TestServer {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server's binary starts");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (send, log) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let deadline = Instant::now() + START_LIMIT;
        let mut seen = String::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = log.recv_timeout(left) else {
                let _ = child.kill();
                panic!("the server did not start:\n{seen}");
            };
            let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "listening" {
                let address = event["address"].as_str().and_then(|text| text.parse().ok());
                let address = address.expect("the log line names the address");
                let metrics = event["metrics"].as_str().and_then(|text| text.parse().ok());
                return TestServer { child, address, metrics, log, started: seen + &line };
            }
            seen.push_str(&line);
            seen.push('\n');
        }
    }

    /// Asks for the configuration to be read again (SIGHUP).
    pub fn reload(&self) {
        self.signal(rustix::process::Signal::HUP);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.id() as i32).expect("a child has a pid");
        rustix::process::kill_process(pid, signal).expect("the child is ours");
    }

    /// The next event of the log whose message contains this text.
    ///
    /// # Panics
    ///
    /// When there is none within a minute.
    pub fn said(&self, text: &str) -> serde_json::Value {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.log.recv_timeout(left).unwrap_or_else(|_| panic!("the log never said {text:?}"));
            let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"].as_str().is_some_and(|message| message.contains(text)) {
                return event;
            }
        }
    }

    /// Sends SIGTERM and waits for the end.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.child.wait().expect("the child is ours")
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill(&mut self) {
        self.child.kill().expect("the child is ours");
        self.child.wait().expect("the child is ours");
    }

    /// Opens a connection.
    pub async fn connect(&self) -> Option<Client> {
        Client::connect(self.address).await
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection to a server.
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    pub token: Option<String>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Option<Client> {
        let stream = tokio::net::TcpStream::connect(address).await.ok()?;
        Client::over(stream, address.to_string()).await
    }

    /// A client over a connection that is open.
    pub async fn over<S>(stream: S, host: String) -> Option<Client>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        Some(Client { sender, host, token: None })
    }

    /// Sends a request; `None` when the connection ended before the answer was whole.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Option<Reply> {
        self.sender.ready().await.ok()?;
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", &self.host);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("the test's request is well formed");
        let (head, body) = self.sender.send_request(request).await.ok()?.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Reply { status: head.status, headers: head.headers, body })
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], Bytes::new()).await.expect("the server answers")
    }
}
