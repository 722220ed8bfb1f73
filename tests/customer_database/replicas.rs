//! Two server processes on one database: nothing that one writes is missed by the other.

use crate::Claim;
use crate::postgres::Customer;
use crate::process::{call, get, until_ready};
use crate::support::{Reply, TestServer};
use http::Method;
use rtmx_containers::DEFAULT_VERSION;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const CLAIMS: &[Claim] = &[
    ("two_servers_that_start_at_once_make_one_first_token", one_first_token),
    ("a_write_through_one_server_is_seen_through_the_other", a_write_is_seen),
    ("a_stream_of_one_server_tells_what_another_writes", a_stream_tells),
];

pub(crate) const REQUIREMENTS: &str = "/api/v1/projects/default/requirements";

/// Two servers over one database, each with a data folder of its own.
pub(crate) struct Pair {
    pub(crate) servers: [TestServer; 2],
    folders: [TempDir; 2],
    pub(crate) token: String,
}

impl Pair {
    /// Starts both at the same time, reachable from elsewhere, over an empty database.
    pub(crate) fn start(customer: &Customer) -> Pair {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let url = customer.url();
        let start = |folder: &TempDir| {
            TestServer::start_in(folder.path(), &["server.listen=0.0.0.0:0"], &[("DATABASE_URL", &url)])
        };
        let servers = std::thread::scope(|scope| {
            let [one, other] = [&folders[0], &folders[1]].map(|folder| scope.spawn(move || start(folder)));
            [one.join().unwrap(), other.join().unwrap()]
        });
        servers.iter().for_each(|server| _ = until_ready(server, 200, Duration::from_secs(60)));
        let tokens: Vec<String> = Self::tokens(&folders)
            .iter()
            .filter_map(|path| std::fs::read_to_string(path).ok())
            .map(|text| text.trim().to_owned())
            .collect();
        assert_eq!(tokens.len(), 1, "one server made the first token");
        Pair { servers, token: tokens[0].clone(), folders }
    }

    fn tokens(folders: &[TempDir; 2]) -> [PathBuf; 2] {
        [0, 1].map(|number| folders[number].path().join("first-token"))
    }

    pub(crate) fn send(
        &self,
        server: usize,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Reply {
        let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        let headers = [headers, &[("content-type", kind)]].concat();
        let server = &self.servers[server];
        let reply = call(server, Some(&self.token), method, path, &headers, &body.to_string());
        reply.expect("the server answers")
    }

    pub(crate) fn read(&self, server: usize, path: &str) -> Reply {
        get(&self.servers[server], Some(&self.token), path)
    }
}

fn one_first_token() {
    let customer = Customer::start(DEFAULT_VERSION);
    for round in 0..3 {
        customer.admin("rtmx", "DROP SCHEMA IF EXISTS rtmx CASCADE");
        let pair = Pair::start(&customer);
        let ids = [0, 1]
            .map(|number| std::fs::read_to_string(pair.folders[number].path().join("installation")).unwrap());
        assert_eq!(ids[0], ids[1], "round {round}: both know the installation");
        for server in [0, 1] {
            let list = pair.read(server, "/api/v1/tokens");
            assert_eq!(list.status, 200, "round {round}: the token is good on both");
            assert_eq!(list.json()["tokens"].as_array().map(Vec::len), Some(1), "round {round}");
        }
    }
}

fn a_write_is_seen() {
    let customer = Customer::start(DEFAULT_VERSION);
    let pair = Pair::start(&customer);
    for number in 0..20 {
        let (writer, reader) = (number % 2, (number + 1) % 2);
        let id = format!("REQ-A-{number}");
        let made = pair.send(writer, Method::POST, REQUIREMENTS, &[], &json!({"req_id": id}));
        assert_eq!(made.status, 201, "{:?}", made.json());
        let path = format!("{REQUIREMENTS}/{id}");
        let found = pair.read(reader, &path);
        assert_eq!(found.status, 200, "{id}");
        let status = pair.read(reader, "/api/v1/projects/default/status").json();
        assert_eq!(status["total"], number + 1, "{id}: from what is remembered too");

        let tag = found.headers["etag"].to_str().unwrap().to_owned();
        let known = call(
            &pair.servers[writer],
            Some(&pair.token),
            Method::GET,
            &path,
            &[("if-none-match", &tag)],
            "",
        );
        assert_eq!(known.expect("it answers").status, 304, "{id}: one server's tag is the other's");
        let edit = |server: usize, text: &str| {
            let body = json!({"requirement_text": text});
            pair.send(server, Method::PATCH, &path, &[("if-match", &tag)], &body)
        };
        let edited = edit(writer, "first");
        assert_eq!(edited.status, 200, "{id}: {:?}", edited.json());
        assert_eq!(pair.read(reader, &path).json()["requirement_text"], "first", "{id}");
        assert_eq!(edit(reader, "late").status, 412, "{id}: the tag is stale on both");
    }
    let made = pair.send(0, Method::POST, "/api/v1/tokens", &[], &json!({"name": "ci", "role": "viewer"}));
    let (text, id) = (made.json()["token"].clone(), made.json()["id"].clone());
    let text = text.as_str();
    assert_eq!(get(&pair.servers[1], text, "/api/v1/projects").status, 200);
    let revoke = format!("/api/v1/tokens/{}/revoke", id.as_str().unwrap());
    assert_eq!(pair.send(0, Method::POST, &revoke, &[], &json!({})).status, 200);
    assert_eq!(get(&pair.servers[1], text, "/api/v1/projects").status, 401, "at once");
}

/// The lines of a server's stream of changes.
pub(crate) fn listen(pair: &Pair, server: usize) -> mpsc::Receiver<String> {
    let mut stream = TcpStream::connect(pair.servers[server].address).unwrap();
    let request = format!(
        "GET /api/v1/projects/default/changes HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer {}\r\n\r\n",
        pair.token
    );
    stream.write_all(request.as_bytes()).unwrap();
    let (send, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    until_line(&lines, "event: head", Duration::from_secs(10));
    lines
}

/// Waits for a line that holds this; says how long it took.
pub(crate) fn until_line(lines: &mpsc::Receiver<String>, part: &str, limit: Duration) -> Duration {
    let began = Instant::now();
    let mut seen = String::new();
    while let Ok(line) = lines.recv_timeout(limit.saturating_sub(began.elapsed())) {
        if line.contains(part) {
            return began.elapsed();
        }
        seen.push_str(&line);
        seen.push('\n');
    }
    panic!("no `{part}` within {limit:?}:\n{seen}");
}

fn a_stream_tells() {
    let customer = Customer::start(DEFAULT_VERSION);
    let pair = Pair::start(&customer);
    let streams = [listen(&pair, 0), listen(&pair, 1)];
    let mut slowest = Duration::ZERO;
    for number in 0..20 {
        let writer = number % 2;
        let id = format!("REQ-S-{number:03}");
        let made = pair.send(writer, Method::POST, REQUIREMENTS, &[], &json!({"req_id": id}));
        assert_eq!(made.status, 201);
        for stream in &streams {
            slowest = slowest.max(until_line(stream, &id, Duration::from_secs(5)));
        }
    }
    println!("a change was told on the other server after {slowest:?} at most");
}
