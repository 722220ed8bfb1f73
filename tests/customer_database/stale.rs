//! What a client knows from before: of a requirement that was made anew, and of a database that was
//! restored under two running servers.

use crate::Claim;
use crate::postgres::Customer;
use crate::replicas::{Pair, REQUIREMENTS};
use http::Method;
use rtmx_containers::DEFAULT_VERSION;
use rtmx_core::storage;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub(crate) const CLAIMS: &[Claim] = &[
    ("a_tag_of_a_requirement_that_was_made_anew_is_stale_on_both_servers", made_anew),
    ("after_a_restore_nothing_from_before_is_taken_by_either_server", restored),
];

/// Edits a requirement through a server, based on a tag; the status and the code of a refusal.
fn edit(pair: &Pair, server: usize, path: &str, tag: &str) -> (u16, String) {
    let reply = pair.send(server, Method::PATCH, path, &[("if-match", tag)], &json!({"notes": "late"}));
    (reply.status.as_u16(), reply.code())
}

fn tag(pair: &Pair, server: usize, path: &str) -> String {
    let found = pair.read(server, path);
    assert_eq!(found.status, 200, "{path}");
    found.headers["etag"].to_str().unwrap().to_owned()
}

/// What a stream is answered that resumes at a position, as far as it came at once.
fn resumed(pair: &Pair, server: usize, position: &str) -> String {
    let mut stream = TcpStream::connect(pair.servers[server].address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let request = format!(
        "GET /api/v1/projects/default/changes HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\
         Authorization: Bearer {}\r\nLast-Event-ID: {position}\r\nConnection: close\r\n\r\n",
        pair.token
    );
    stream.write_all(request.as_bytes()).unwrap();
    let (mut answer, mut part) = (Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&answer).contains("\"code\"") {
        match stream.read(&mut part).expect("the answer comes in time") {
            0 => break,
            read => answer.extend(&part[..read]),
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn made_anew() {
    let customer = Customer::start(DEFAULT_VERSION);
    let pair = Pair::start(&customer);
    let path = format!("{REQUIREMENTS}/REQ-A-1");
    for deleter in [0, 1] {
        let make = || pair.send(deleter, Method::POST, REQUIREMENTS, &[], &json!({"req_id": "REQ-A-1"}));
        assert_eq!(make().status, 201);
        let old = tag(&pair, 1 - deleter, &path);
        let gone = pair.send(deleter, Method::DELETE, &path, &[("if-match", &old)], &Value::Null);
        assert_eq!(gone.status, 204);
        assert_eq!(make().status, 201);
        for server in [0, 1] {
            assert_eq!(edit(&pair, server, &path, &old), (412, storage::STALE_REVISION.id().into()));
        }
        let new = tag(&pair, deleter, &path);
        assert_eq!(pair.send(0, Method::DELETE, &path, &[("if-match", &new)], &Value::Null).status, 204);
    }
}

/// Runs the tool, which must succeed.
fn ctl(folder: &Path, arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtmxctl"));
    command.arg("--home").arg(folder.join("home")).arg("--json").args(arguments).env_clear();
    let ran = command.output().expect("the tool starts");
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_str(text.lines().last().unwrap_or_default()).expect("every line is JSON")
}

fn restored() {
    let customer = Customer::start(DEFAULT_VERSION);
    let pair = Pair::start(&customer);
    let path = |id: &str| format!("{REQUIREMENTS}/{id}");
    let make = |id: &str| {
        let made = pair.send(0, Method::POST, REQUIREMENTS, &[], &json!({"req_id": id}));
        assert_eq!(made.status, 201, "{id}");
    };
    ["REQ-A-1", "REQ-A-2", "REQ-A-3"].iter().for_each(|id| make(id));
    // The backup has it as it is, at the same revision.
    let old = tag(&pair, 0, &path("REQ-A-1"));
    let folder = tempfile::tempdir().unwrap();
    let (url, archive) = (folder.path().join("url"), folder.path().join("archive"));
    std::fs::write(&url, customer.url()).unwrap();
    let (url, archive) = (url.to_str().unwrap(), archive.to_str().unwrap());
    ctl(folder.path(), &["backup", "create", "--url-file", url, "--to", archive]);

    make("REQ-B-1");
    let list = pair.read(1, &format!("{REQUIREMENTS}?limit=1")).json();
    let cursor = list["next"].as_str().expect("there is more").to_owned();
    let changes = pair.read(1, "/api/v1/projects/default/changes?limit=1").json();
    let position = changes["changes"][0]["position"].as_str().expect("there is a change").to_owned();
    let resume = |server: usize| resumed(&pair, server, &position);

    let words = [
        "backup",
        "restore",
        archive,
        "--url-file",
        url,
        "--replace",
        "--confirm",
        crate::postgres::DATABASE,
    ];
    ctl(folder.path(), &words);
    for server in [0, 1] {
        assert_eq!(pair.read(server, &path("REQ-B-1")).status, 404, "{server}: it is of before");
        let stale = (412, storage::STALE_REVISION.id().to_owned());
        assert_eq!(edit(&pair, server, &path("REQ-A-1"), &old), stale, "{server}");
        let list = pair.read(server, &format!("{REQUIREMENTS}?limit=1&cursor={cursor}"));
        assert_eq!(list.code(), storage::EPOCH_CHANGED.id(), "{server}: {:?}", list.json());
        let page = pair.read(server, &format!("/api/v1/projects/default/changes?cursor={position}"));
        assert_eq!(page.code(), storage::EPOCH_CHANGED.id(), "{server}: {:?}", page.json());
        let stream = resume(server);
        assert!(stream.contains(storage::EPOCH_CHANGED.id()), "{server}: {stream}");
    }
    // And life goes on, on both.
    for server in [0, 1] {
        let id = format!("REQ-A-{}", server + 1);
        let new = tag(&pair, 1 - server, &path(&id));
        assert_ne!(new, old);
        assert_eq!(edit(&pair, server, &path(&id), &new).0, 200, "{id}");
    }
}
