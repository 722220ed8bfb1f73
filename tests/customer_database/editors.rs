//! Many editors at once over two servers: whoever comes late is told so, and what was acknowledged stays.

use crate::Claim;
use crate::postgres::Customer;
use crate::replicas::{Pair, REQUIREMENTS};
use crate::support::{Client, Reply};
use bytes::Bytes;
use http::Method;
use rtmx_containers::DEFAULT_VERSION;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub(crate) const CLAIMS: &[Claim] =
    &[("fifty_editors_on_two_servers_lose_nothing_and_agree", lose_nothing_and_agree)];

const EDITORS: usize = 50;
/// So few that editors meet.
const EDITED: usize = 10;
/// How long they edit unless the environment says otherwise, and until so many edits were acknowledged and
/// refused, which takes a busy machine longer.
const SECONDS: u64 = 3;
const ENOUGH: usize = 2 * EDITORS;
/// How long a request may be answered with 503 on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An edit that a server acknowledged.
#[derive(Debug, PartialEq, Eq)]
struct Edit {
    id: String,
    notes: String,
    change_set: String,
}

/// What came of an editor's work.
#[derive(Debug, Default)]
struct Work {
    /// By revision.
    acknowledged: BTreeMap<u64, Edit>,
    conflicts: usize,
}

fn seconds() -> Duration {
    let asked = std::env::var("RTMX_EDITORS_S").ok();
    let asked = asked.map(|text| text.parse().expect("RTMX_EDITORS_S is a number of seconds"));
    Duration::from_secs(asked.unwrap_or(SECONDS))
}

/// The revision in an entity tag.
fn revision(tag: &str) -> u64 {
    let text = tag.trim_matches('"').rsplit('-').next().unwrap_or_default();
    text.parse().unwrap_or_else(|_| panic!("{tag} ends with a revision"))
}

/// A way to one server.
struct Line {
    address: SocketAddr,
    token: String,
    client: Option<Client>,
}

impl Line {
    /// Sends a request; again, under the name that it has, for as long as a busy machine keeps the server
    /// from its database, and over another connection where the server has ended this one.
    async fn send(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: Bytes) -> Reply {
        let begun = Instant::now();
        loop {
            if self.client.is_none() {
                let mut client = Client::connect(self.address).await.expect("it listens");
                client.token = Some(self.token.clone());
                self.client = Some(client);
            }
            let client = self.client.as_mut().expect("it was just made");
            let reply = client.send(method.clone(), path, headers, body.clone()).await;
            let is_late = begun.elapsed() > PATIENCE;
            match reply {
                Some(reply) if reply.status != 503 || is_late => return reply,
                Some(_) => {}
                None => {
                    assert!(!is_late, "{path}: the server answers");
                    self.client = None;
                }
            }
        }
    }
}

/// Reads from one server and writes through the other, in turn, until the time is over.
async fn edit(
    editor: usize,
    addresses: [SocketAddr; 2],
    token: String,
    until: Instant,
    done: Arc<[AtomicUsize; 2]>,
) -> Work {
    let mut lines = addresses.map(|address| Line { address, token: token.clone(), client: None });
    let mut work = Work::default();
    for turn in 0.. {
        let enough = done.iter().all(|count| count.load(Ordering::Relaxed) >= ENOUGH);
        if Instant::now() > until && (enough || Instant::now() > until + PATIENCE) {
            break;
        }
        let id = format!("REQ-E-{}", (editor * 7 + turn * 3) % EDITED);
        let path = format!("{REQUIREMENTS}/{id}");
        let (reader, writer) = ((editor + turn) % 2, (editor + turn + turn / 2) % 2);
        let found = lines[reader].send(Method::GET, &path, &[], Bytes::new()).await;
        assert_eq!(found.status, 200, "{id}: {:?}", found.json());
        let tag = found.headers["etag"].to_str().unwrap().to_owned();
        let change_set = uuid::Uuid::from_u64_pair(editor as u64 + 1, turn as u64 + 1).to_string();
        let notes = format!("editor {editor}, turn {turn}");
        let headers = [
            ("content-type", "application/merge-patch+json"),
            ("if-match", tag.as_str()),
            ("idempotency-key", change_set.as_str()),
        ];
        let body = Bytes::from(json!({ "notes": notes }).to_string());
        let reply = lines[writer].send(Method::PATCH, &path, &headers, body).await;
        match reply.status.as_u16() {
            200 => {
                done[0].fetch_add(1, Ordering::Relaxed);
                let made = revision(reply.headers["etag"].to_str().unwrap());
                assert!(made > revision(&tag), "{id}: {made} after {tag}");
                let other = work.acknowledged.insert(made, Edit { id, notes, change_set });
                assert_eq!(other, None, "one revision was given out twice");
            }
            412 => {
                done[1].fetch_add(1, Ordering::Relaxed);
                work.conflicts += 1;
            }
            status => panic!("{id}: {status} {:?}", reply.json()),
        }
    }
    work
}

/// The changes of requirements behind a position, in the order of the feed.
fn feed(pair: &Pair, server: usize, mut cursor: String) -> Vec<Value> {
    let mut seen = Vec::new();
    loop {
        let page = pair.read(server, &format!("/api/v1/projects/default/changes?limit=1000&cursor={cursor}"));
        let page = page.json();
        seen.extend(page["changes"].as_array().expect("a page has a list").clone());
        page["next"].as_str().expect("there is always a next").clone_into(&mut cursor);
        if page["more"] == false {
            return seen;
        }
    }
}

fn lose_nothing_and_agree() {
    let customer = Customer::start(DEFAULT_VERSION);
    let pair = Pair::start(&customer);
    for number in 0..EDITED {
        let made =
            pair.send(0, Method::POST, REQUIREMENTS, &[], &json!({"req_id": format!("REQ-E-{number}")}));
        assert_eq!(made.status, 201, "{:?}", made.json());
    }
    let begin = pair.read(0, "/api/v1/projects/default/changes?limit=1000").json();
    let begin = begin["next"].as_str().expect("there is always a next").to_owned();

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let addresses = [pair.servers[0].address, pair.servers[1].address];
    let until = Instant::now() + seconds();
    let done = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let work = runtime.block_on(async {
        let editors = (0..EDITORS).map(|editor| {
            tokio::spawn(edit(editor, addresses, pair.token.clone(), until, Arc::clone(&done)))
        });
        let mut sum = Work::default();
        for editor in editors.collect::<Vec<_>>() {
            let work = editor.await.expect("no panic");
            sum.conflicts += work.conflicts;
            for (made, edit) in work.acknowledged {
                let other = sum.acknowledged.insert(made, edit);
                assert_eq!(other, None, "revision {made} was given to two editors");
            }
        }
        sum
    });
    let Work { acknowledged, conflicts } = work;
    println!("{EDITORS} editors: {} edits acknowledged, {conflicts} refused as late", acknowledged.len());
    assert!(acknowledged.len() >= ENOUGH && conflicts >= ENOUGH, "they did not meet");

    for server in [0, 1] {
        let told = feed(&pair, server, begin.clone());
        let told: Vec<(u64, &str, &str)> = told
            .iter()
            .map(|it| {
                let text = |name: &str| it[name].as_str().unwrap_or_default();
                (it["revision"].as_u64().unwrap_or_default(), text("id"), text("change_set"))
            })
            .collect();
        let wanted: Vec<(u64, &str, &str)> = acknowledged
            .iter()
            .map(|(revision, edit)| (*revision, edit.id.as_str(), edit.change_set.as_str()))
            .collect();
        assert_eq!(told, wanted, "server {server} tells what was acknowledged, in order, and nothing else");
    }
    for number in 0..EDITED {
        let path = format!("{REQUIREMENTS}/REQ-E-{number}");
        let last = acknowledged.values().rfind(|edit| path.ends_with(&format!("/{}", edit.id)));
        let found = [0, 1].map(|server| pair.read(server, &path));
        assert_eq!(found[0].body, found[1].body, "{path}");
        assert_eq!(found[0].headers["etag"], found[1].headers["etag"], "{path}");
        let notes = last.map(|edit| edit.notes.as_str());
        assert_eq!(found[0].json()["notes"].as_str(), notes, "{path}: the last edit stands");
        is_its_history(&pair, number % 2, &path, &acknowledged);
    }
    let files = [0, 1].map(|server| pair.read(server, "/api/v1/projects/default/export.csv").body);
    assert_eq!(files[0], files[1], "both export the same");
}

/// The history of a requirement has every edit of it, the newest first, and its creation.
fn is_its_history(pair: &Pair, server: usize, path: &str, acknowledged: &BTreeMap<u64, Edit>) {
    let edits = acknowledged.iter().rev().filter(|(_, edit)| path.ends_with(&format!("/{}", edit.id)));
    let wanted: Vec<(u64, &str)> = edits.map(|(made, edit)| (*made, edit.notes.as_str())).collect();
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = pair.read(server, &format!("{path}/history?limit=500{cursor}")).json();
        for entry in page["history"].as_array().expect("a page has a list") {
            let notes = entry["changes"][0]["after"].as_str().unwrap_or_default().to_owned();
            found.push((entry["revision"].as_u64().unwrap_or_default(), notes));
        }
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let created = found.pop().expect("it was created");
    let found: Vec<(u64, &str)> = found.iter().map(|(made, notes)| (*made, notes.as_str())).collect();
    assert_eq!(found, wanted, "{path}, created by {created:?}");
}
