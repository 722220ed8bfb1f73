//! Kills the server without warning, again and again, while others write.
//!
//! What must hold after every kill: each write that was acknowledged is there, at the revision that
//! was acknowledged; none is there twice, retries with the same key included; and the feed has
//! neither a gap nor a change of mind about what it said before.

mod support;

use http::Method;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use support::{Client, TestServer};

/// Kills; `RTMX_KILL_ROUNDS` overrides.
const ROUNDS: usize = 200;
const WRITERS: usize = 4;
const SEED: u64 = 0x5eed_0003;

/// A write whose answer may or may not have come.
#[derive(Clone, Debug)]
struct Write {
    id: String,
    key: String,
}

/// What one writer knows.
#[derive(Default)]
struct Writer {
    number: usize,
    made: usize,
    /// Sent, and no answer came.
    open: Option<Write>,
    /// Acknowledged: id and revision.
    acknowledged: Vec<(String, u64)>,
}

impl Writer {
    /// Writes until the server is gone, first whatever the last kill left open.
    async fn run(&mut self, mut client: Client, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let write = self.open.clone().unwrap_or_else(|| {
                self.made += 1;
                let key = format!("{:08x}-0000-4000-8000-{:012x}", self.number, self.made);
                Write { id: format!("REQ-W{}-{:06}", self.number, self.made), key }
            });
            self.open = Some(write.clone());
            let body = serde_json::json!({
                "req_id": write.id, "category": "KILL", "requirement_text": format!("written by {}", self.number),
            });
            let headers = [("content-type", "application/json"), ("idempotency-key", write.key.as_str())];
            let path = "/api/v1/projects/default/requirements";
            let Some(reply) = client.send(Method::POST, path, &headers, body.to_string()).await else {
                return;
            };
            assert_eq!(reply.status, 201, "{reply:?}");
            let revision = reply.json()["revision"].as_u64().expect("the answer names the revision");
            self.acknowledged.push((write.id, revision));
            self.open = None;
        }
    }
}

/// The whole feed: for each revision the ids that it wrote.
async fn feed(client: &mut Client) -> BTreeMap<u64, Vec<String>> {
    let mut revisions: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/projects/default/changes?limit=1000{cursor}");
        let page = client.get(&path).await.json();
        let events = page["changes"].as_array().expect("a page has changes").clone();
        for event in &events {
            let revision = event["revision"].as_u64().expect("an event has a revision");
            let id = event["id"].as_str().expect("an event names its record").to_owned();
            revisions.entry(revision).or_default().push(id);
        }
        if events.is_empty() {
            return revisions;
        }
        cursor = format!("&cursor={}", page["next"].as_str().expect("a page says where to go on"));
    }
}

#[test]
fn every_acknowledged_write_survives_kills_and_none_is_there_twice() {
    let rounds = std::env::var("RTMX_KILL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    println!("{rounds} kills, {WRITERS} writers, seed {SEED:#x}");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut random = SEED;
    let mut writers: Vec<Writer> =
        (0..WRITERS).map(|number| Writer { number, ..Writer::default() }).collect();
    let mut before: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for round in 0..rounds {
        let mut server = TestServer::start(folder.path(), &[]);
        // xorshift64 (Marsaglia 2003): the moment of the kill, 1 to 120 ms after the writers begin.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let moment = Duration::from_micros(1_000 + random % 119_000);
        writers = runtime.block_on(async {
            let stop = Arc::new(AtomicBool::new(false));
            let mut tasks = Vec::new();
            for mut writer in writers {
                let (client, stop) = (server.connect().await.expect("the server listens"), Arc::clone(&stop));
                tasks.push(tokio::spawn(async move {
                    writer.run(client, &stop).await;
                    writer
                }));
            }
            tokio::time::sleep(moment).await;
            server.kill();
            stop.store(true, Ordering::Relaxed);
            let mut writers = Vec::new();
            for task in tasks {
                writers.push(task.await.expect("a writer does not fail"));
            }
            writers
        });
        if round % 20 == 19 || round + 1 == rounds {
            let server = TestServer::start(folder.path(), &[]);
            let now = runtime
                .block_on(async { feed(&mut server.connect().await.expect("the server listens")).await });
            verify(round, &now, &before, &writers);
            before = now;
        }
    }
    let acknowledged: usize = writers.iter().map(|writer| writer.acknowledged.len()).sum();
    println!("{rounds} kills, {acknowledged} acknowledged writes, {} revisions", before.len());
    assert!(acknowledged >= rounds, "the writers hardly wrote: {acknowledged} writes in {rounds} rounds");
}

fn verify(
    round: usize,
    now: &BTreeMap<u64, Vec<String>>,
    before: &BTreeMap<u64, Vec<String>>,
    writers: &[Writer],
) {
    for (at, revision) in now.keys().enumerate() {
        assert_eq!(*revision, at as u64 + 1, "round {round}: the feed has a gap before revision {revision}");
    }
    for (revision, ids) in before {
        assert_eq!(now.get(revision), Some(ids), "round {round}: revision {revision} changed its meaning");
    }
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for id in now.values().flatten() {
        *times.entry(id.as_str()).or_default() += 1;
    }
    for writer in writers {
        for (id, revision) in &writer.acknowledged {
            assert_eq!(times.get(id.as_str()), Some(&1), "round {round}: `{id}` must be there exactly once");
            let there = now.get(revision).is_some_and(|ids| ids.contains(id));
            assert!(there, "round {round}: `{id}` was acknowledged at revision {revision} and is not there");
        }
    }
    assert!(times.values().all(|times| *times == 1), "round {round}: something was written twice");
}
