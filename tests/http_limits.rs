//! Bodies that are too large or too slow, and what the server answers on every address.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

mod support;

use http::Method;
use rtmx_core::{assert_code, server};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use support::{Client, TestServer};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Sends raw bytes, then reads until the server closes or the answer's JSON is whole.
fn raw(server: &TestServer, parts: &[&[u8]]) -> (u16, String) {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    for part in parts {
        // The server may have answered and closed already: what counts is its answer.
        let _ = stream.write_all(part);
    }
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&answer);
        if text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.ends_with('}')) {
            break;
        }
    }
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    let code = serde_json::from_str::<serde_json::Value>(&body).unwrap_or_default()["code"]
        .as_str()
        .map(str::to_owned);
    (status, code.unwrap_or(body))
}

#[test]
fn a_ten_gigabyte_body_is_refused_before_it_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path(), &[]);
    let head = b"POST /api/v1/projects/default/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: 10737418240\r\n\r\n";
    let (status, code) = raw(&server, &[head]);
    assert_eq!(status, 413);
    assert_code(code, server::BODY_TOO_LARGE);
}

#[test]
fn a_body_that_hides_its_length_is_refused_when_it_passes_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path(), &["server.body_limit=64KiB"]);
    let head = b"POST /api/v1/projects/default/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut chunk = b"8000\r\n".to_vec();
    chunk.extend(std::iter::repeat_n(b'a', 0x8000));
    chunk.extend(b"\r\n");
    let (status, code) = raw(&server, &[head, &chunk, &chunk, &chunk]);
    assert_eq!(status, 413);
    assert_code(code, server::BODY_TOO_LARGE);
}

#[test]
fn a_body_that_stops_coming_is_refused_and_nothing_is_applied() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path(), &[]);
    let head = b"POST /api/v1/projects/default/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\nreq_id,category,requirement_text\r\nREQ-A-1,A,x\r\n";
    let (status, code) = raw(&server, &[head]);
    assert_eq!(status, 408);
    assert_code(code, server::BODY_TOO_SLOW);
    runtime().block_on(async {
        let status = server.connect().await.unwrap().get("/api/v1/projects/default/status").await.json();
        assert_eq!(status["total"], 0);
    });
}

#[test]
fn unknown_paths_and_methods_are_problems_with_codes() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path(), &[]);
    runtime().block_on(async {
        let mut client = server.connect().await.unwrap();
        let reply = client.get("/api/v1/nothing").await;
        assert_eq!(reply.status, 404);
        assert_code(reply.code(), server::ROUTE_NOT_FOUND);
        let reply = client.send(Method::DELETE, "/ready", &[], "").await.unwrap();
        assert_eq!(reply.status, 405);
        assert_code(reply.code(), server::METHOD_NOT_ALLOWED);
        let explained = client.get("/api/v1/errors/stale_revision").await.json();
        assert_eq!(explained["status"], 412);
    });
}

#[test]
fn probes_say_what_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path(), &[]);
    runtime().block_on(async {
        let mut client = server.connect().await.unwrap();
        assert_eq!(client.get("/live").await.json(), serde_json::json!({"status": "alive"}));
        assert_eq!(
            client.get("/health").await.json(),
            serde_json::json!({"status": "healthy", "service": "rtmx"})
        );
        let ready = serde_json::json!({"status": "ready", "checks": {"sqlite": "ok", "schema": "ok"}});
        assert_eq!(client.get("/ready").await.json(), ready);
    });
}

#[test]
fn metrics_have_their_own_listener_and_answers_carry_the_request_id() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let port = format!("metrics.port={}", free.port());
    let server = TestServer::start(folder.path(), &["metrics.enabled=true", &port]);
    runtime().block_on(async {
        let mut client = server.connect().await.unwrap();
        let reply = client.send(Method::GET, "/health", &[("x-request-id", "abc-1")], "").await.unwrap();
        assert_eq!(reply.headers["x-request-id"], "abc-1");
        assert_eq!(client.get("/metrics").await.status, 404);
        let mut client = Client::connect(free).await.expect("the metrics listener answers");
        let text = String::from_utf8(client.get("/metrics").await.body.to_vec()).unwrap();
        for line in [
            "http_requests_total{method=\"GET\",route=\"/health\",status=\"200\"} 1",
            "process_resident_memory_bytes",
        ] {
            assert!(text.contains(line), "`{line}` is not in:\n{text}");
        }
    });
}

#[test]
fn a_server_that_is_not_there_is_not_ready() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = runtime().block_on(rtmx::http::probe(free, "/ready")).unwrap_err();
    assert_code(&error, server::NOT_READY);
}
