//! Connections: how long one is waited for, and a shutdown that is prompt, held up by nobody, and loses
//! nothing that was acknowledged.

mod support;

use http::Method;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use support::TestServer;

/// Five times the second that an idle connection may keep flushing.
const PROMPT: Duration = Duration::from_secs(5);

#[test]
fn half_sent_requests_do_not_hold_up_a_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = TestServer::start(folder.path(), &["server.drain=60s"]);
    let mut half_head = TcpStream::connect(server.address).unwrap();
    half_head.write_all(b"GET /live HTTP/1.1\r\nHost: loc").unwrap();
    let mut idle = TcpStream::connect(server.address).unwrap();
    idle.write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = [0; 512];
    assert!(idle.read(&mut answer).unwrap() > 0, "the idle connection was served once");
    let began = Instant::now();
    assert!(server.terminate().success());
    assert!(began.elapsed() < PROMPT, "the shutdown took {:?}", began.elapsed());
}

#[test]
fn a_subscriber_does_not_hold_up_a_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = TestServer::start(folder.path(), &["server.drain=60s"]);
    let mut subscriber = TcpStream::connect(server.address).unwrap();
    let request = "GET /api/v1/projects/default/changes HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";
    subscriber.write_all(request.as_bytes()).unwrap();
    let mut answer = [0; 512];
    assert!(subscriber.read(&mut answer).unwrap() > 0, "the stream began");
    let began = Instant::now();
    assert!(server.terminate().success());
    assert!(began.elapsed() < PROMPT, "the shutdown took {:?}", began.elapsed());
}

#[test]
fn a_server_that_was_asked_to_stop_takes_connections_for_as_long_as_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = TestServer::start(folder.path(), &["server.drain_delay=3s"]);
    let address = server.address;
    let asking = std::thread::spawn(move || {
        // Each on a connection of its own; ends when none is taken any more.
        let mut answers = Vec::new();
        while let Ok(mut stream) = TcpStream::connect(address) {
            let asked = stream
                .write_all(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                .and_then(|()| {
                    let mut answer = String::new();
                    stream.read_to_string(&mut answer).map(|_| answer)
                });
            answers.extend(asked.ok().filter(|answer| !answer.is_empty()));
            std::thread::sleep(Duration::from_millis(50));
        }
        answers
    });
    let began = Instant::now();
    assert!(server.terminate().success());
    assert!(began.elapsed() >= Duration::from_secs(3), "it ended after {:?}", began.elapsed());
    let answers = asking.join().unwrap();
    let draining = answers.iter().filter(|it| it.starts_with("HTTP/1.1 503") && it.contains("draining"));
    assert!(draining.count() > 10, "new connections were told: {answers:?}");
}

#[test]
fn a_request_whose_body_never_ends_is_cut_at_the_drain_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = TestServer::start(folder.path(), &["server.drain=1s"]);
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = "POST /api/v1/projects/default/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\nreq_id,";
    stream.write_all(head.as_bytes()).unwrap();
    // The server has the head once it has answered a later request of another connection.
    let mut other = TcpStream::connect(server.address).unwrap();
    other.write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert!(other.read(&mut [0; 512]).unwrap() > 0);
    let began = Instant::now();
    assert!(server.terminate().success());
    assert!(began.elapsed() < PROMPT + Duration::from_secs(1), "the shutdown took {:?}", began.elapsed());
}

#[test]
fn every_write_acknowledged_during_a_shutdown_is_there_afterwards() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut server = TestServer::start(folder.path(), &[]);
    let acknowledged: Vec<String> = runtime.block_on(async {
        let mut writers = Vec::new();
        for writer in 0..4 {
            let mut client = server.connect().await.unwrap();
            writers.push(tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for number in 0.. {
                    let id = format!("REQ-S{writer}-{number:05}");
                    let body = serde_json::json!({"req_id": id, "category": "STOP", "requirement_text": "x"})
                        .to_string();
                    let headers = [("content-type", "application/json")];
                    let path = "/api/v1/projects/default/requirements";
                    match client.send(Method::POST, path, &headers, body).await {
                        Some(reply) if reply.status == 201 => acknowledged.push(id),
                        _ => break,
                    }
                }
                acknowledged
            }));
        }
        // Let them write for a while: the wait is for load, not for a result.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let ended = tokio::task::spawn_blocking(move || server.terminate());
        let mut acknowledged = Vec::new();
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
        assert!(ended.await.unwrap().success());
        acknowledged
    });
    assert!(!acknowledged.is_empty());
    let server = TestServer::start(folder.path(), &[]);
    runtime.block_on(async {
        let mut client = server.connect().await.unwrap();
        for id in &acknowledged {
            let reply = client.get(&format!("/api/v1/projects/default/requirements/{id}")).await;
            assert_eq!(reply.status, 200, "{id} was acknowledged");
        }
    });
}

#[test]
fn a_head_must_come_in_time_and_an_idle_connection_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path(), &[]);
    let request = b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let served = || {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(50))).unwrap();
        stream.write_all(request).unwrap();
        assert!(stream.read(&mut [0; 512]).unwrap() > 0, "it is served");
        stream
    };
    let mut idle = served();
    let mut silent = TcpStream::connect(server.address).unwrap();
    let mut slow = served();
    slow.write_all(b"GET /live HTTP/1.1\r\nHost: loc").unwrap();
    for stream in [&mut silent, &mut slow] {
        stream.set_read_timeout(Some(Duration::from_secs(50))).unwrap();
        // Closed, with an answer or without one.
        let _ = stream.read_to_end(&mut Vec::new()).map_err(|error| {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
        });
    }
    idle.write_all(request).unwrap();
    assert!(idle.read(&mut [0; 512]).unwrap() > 0, "it outlives those that say half of something");
}
