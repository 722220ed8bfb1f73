//! A thousand readers of a project's changes at once, on the default limits.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

mod support;

use http::Method;
use rtmx_core::{assert_code, server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use support::{Client, TestServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// How many streams the default of `server.connections` has room for.
const STREAMS: usize = 1_000;
/// Changes that all of them are told.
const WRITES: usize = 60;
/// How long anything may take to happen. Generous: it only bounds a failing test.
const PATIENCE: Duration = Duration::from_secs(240);

/// A reader of one stream.
struct Reader {
    stream: TcpStream,
    text: String,
    last: Option<String>,
}

/// One event.
#[derive(Debug)]
struct Event {
    name: String,
    data: serde_json::Value,
}

async fn open(address: SocketAddr, project: &str, last: Option<&str>) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // Small, so that a reader who stops reading soon stops the server's writing.
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let last = last.map(|last| format!("Last-Event-ID: {last}\r\n")).unwrap_or_default();
    let request = format!(
        "GET /api/v1/projects/{project}/changes HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n{last}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

impl Reader {
    /// Opens a stream and waits until it has begun.
    async fn begin(address: SocketAddr, last: Option<&str>) -> Reader {
        let stream = open(address, "default", last).await;
        let mut reader = Reader { stream, text: String::new(), last: None };
        let head = reader.next().await;
        assert_eq!(head.name, "head", "{head:?}");
        reader
    }

    /// The next event. The frames of chunked encoding stand on lines of their own and are passed over.
    async fn next(&mut self) -> Event {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let value = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned());
                    block.lines().find_map(value)
                };
                let event = field("event").zip(field("data"));
                let last = field("id");
                self.text = rest.to_owned();
                if let Some((name, data)) = event {
                    self.last = last.or(self.last.take());
                    return Event { name, data: serde_json::from_str(&data).unwrap() };
                }
            }
            let mut part = [0; 8192];
            let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut part)).await;
            let read = read.expect("an event comes in time").unwrap();
            assert!(read > 0, "the stream goes on: {}", self.text);
            self.text.push_str(std::str::from_utf8(&part[..read]).unwrap());
        }
    }

    /// The ids of the next changes.
    async fn changes(&mut self, count: usize) -> Vec<String> {
        let mut ids = Vec::with_capacity(count);
        while ids.len() < count {
            let event = self.next().await;
            assert_eq!(event.name, "change", "{event:?}");
            ids.push(event.data["id"].as_str().unwrap().to_owned());
        }
        ids
    }
}

/// Lets this process have as many open files as it may; answers what it had.
fn raise_open_files() -> Option<u64> {
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: before.maximum, ..before }).unwrap();
    before.current
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A gauge of the server's metrics.
async fn gauge(metrics: SocketAddr, name: &str) -> u64 {
    let mut client = Client::connect(metrics).await.unwrap();
    let text = String::from_utf8(client.get("/metrics").await.body.to_vec()).unwrap();
    let line = text.lines().find(|line| line.split(' ').next() == Some(name));
    line.unwrap_or_else(|| panic!("no `{name}` in {text}")).split(' ').next_back().unwrap().parse().unwrap()
}

/// Waits until a gauge has a value.
async fn wait_for(metrics: SocketAddr, name: &str, wanted: u64) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = gauge(metrics, name).await;
        if found == wanted {
            return;
        }
        assert!(Instant::now() < deadline, "`{name}` stays at {found}, not {wanted}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn make(client: &mut Client, id: &str) {
    let body = serde_json::json!({"req_id": id}).to_string();
    let json = [("content-type", "application/json")];
    let reply = client.send(Method::POST, "/api/v1/projects/default/requirements", &json, body).await;
    assert_eq!(reply.unwrap().status, 201);
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("R-{n:04}")).collect()
}

#[test]
fn a_thousand_streams_get_every_change_once_in_order_and_one_that_never_reads_costs_nobody() {
    let folder = tempfile::tempdir().unwrap();
    // The server starts as from a shell that allows few open files, and must raise the limit itself.
    let usual = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(512), ..usual }).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let port = format!("metrics.port={}", free.port());
    let server = TestServer::start(folder.path(), &["metrics.enabled=true", &port]);
    assert_eq!(raise_open_files(), Some(512));
    let address = server.address;

    runtime().block_on(async {
        let mut client = server.connect().await.unwrap();
        let json = [("content-type", "application/json")];
        let big = client.send(Method::POST, "/api/v1/projects", &json, r#"{"id":"big","name":"Big"}"#).await;
        assert_eq!(big.unwrap().status, 201);

        // One never reads, of a project that is written to until neither side can hold more.
        let silent = open(address, "big", None).await;
        wait_for(free, "http_event_streams", 1).await;
        let mut readers = Vec::new();
        for _ in 1..STREAMS {
            readers.push(Reader::begin(address, None).await);
        }
        assert_eq!(gauge(free, "http_event_streams").await, STREAMS as u64);
        let one_more = [("accept", "text/event-stream")];
        let mut other = server.connect().await.unwrap();
        let refused =
            other.send(Method::GET, "/api/v1/projects/default/changes", &one_more, "").await.unwrap();
        assert_eq!(refused.status, 503);
        assert_code(refused.code(), server::STREAMS_EXHAUSTED);

        let mut file = "req_id\n".to_owned();
        (0..20_000).for_each(|n| file.push_str(&format!("R-{n:06}\n")));
        let csv = [("content-type", "text/csv")];
        let mut writer = server.connect().await.unwrap();
        let imported = writer.send(Method::POST, "/api/v1/projects/big/import", &csv, file).await.unwrap();
        assert_eq!(imported.status, 200);

        // Everybody else is told everything while it is stuck, and everything else is answered.
        for id in ids(0..WRITES) {
            let mut client = server.connect().await.unwrap();
            make(&mut client, &id).await;
        }
        for path in ["/live", "/ready", "/api/v1/projects/default/status", "/projects/default/requirements"] {
            let mut client = server.connect().await.unwrap();
            assert_eq!(client.get(path).await.status, 200, "{path}");
        }
        let want = ids(0..WRITES);
        for (number, reader) in readers.iter_mut().enumerate() {
            assert_eq!(reader.changes(WRITES).await, want, "stream {number}");
        }

        // The one that never read is let go; its place is free, and nobody else's stream ended.
        wait_for(free, "http_event_streams", STREAMS as u64 - 1).await;
        drop(silent);

        // A reader that comes back gets what it missed, and then goes on.
        let gone = readers.pop().unwrap();
        let last = gone.last.clone().unwrap();
        drop(gone);
        let mut client = server.connect().await.unwrap();
        make(&mut client, "R-9000").await;
        let mut back = Reader::begin(address, Some(&last)).await;
        assert_eq!(back.changes(1).await, ["R-9000"]);
        let mut client = server.connect().await.unwrap();
        make(&mut client, "R-9001").await;
        readers.push(back);
        for (number, reader) in readers.iter_mut().enumerate() {
            let missed = if number == STREAMS - 2 { 1 } else { 2 };
            let found = reader.changes(missed).await;
            assert_eq!(found.last().map(String::as_str), Some("R-9001"), "stream {number}");
        }
    });
}

#[test]
fn streams_end_at_once_when_the_server_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = TestServer::start(folder.path(), &["server.drain=60s"]);
    let address = server.address;
    let runtime = runtime();
    let mut readers: Vec<Reader> = runtime.block_on(async {
        let mut readers = Vec::new();
        for _ in 0..50 {
            readers.push(Reader::begin(address, None).await);
        }
        readers
    });
    assert!(server.terminate().success());
    let log: Vec<String> = server.log.iter().collect();
    assert!(log.iter().any(|line| line.contains("\"cut\":0")), "no answer was cut: {log:?}");
    runtime.block_on(async {
        for reader in &mut readers {
            let mut rest = String::new();
            reader.stream.read_to_string(&mut rest).await.unwrap();
            assert!(rest.ends_with("0\r\n\r\n"), "the stream has an end: {rest:?}");
        }
    });
}
