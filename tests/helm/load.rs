//! Users: a steady stream of requests, each on a connection of its own, so that none can hide behind a retry.

use crate::support::Client;
use bytes::Bytes;
use http::Method;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval, timeout};

const PER_SECOND: u64 = 200;
/// One request of so many writes.
const WRITES: u64 = 20;
/// Nobody waits longer for a page.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
const REQUIREMENTS: &str = "/api/v1/projects/default/requirements";

/// What came of the requests.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// How many were answered as they should be.
    pub(crate) answered: u64,
    /// The ids of requirements whose making was acknowledged.
    pub(crate) acknowledged: Vec<String>,
    /// When a request failed, and how.
    pub(crate) failed: Vec<(Duration, String)>,
}

/// A stream that runs until it is [stopped](Load::stop).
pub(crate) struct Load {
    stopped: Arc<AtomicBool>,
    thread: JoinHandle<Counted>,
    began: Instant,
}

impl Load {
    /// Begins to ask at this address.
    pub(crate) fn start(address: SocketAddr, token: &str) -> Load {
        let stopped = Arc::new(AtomicBool::new(false));
        let (token, until) = (token.to_owned(), Arc::clone(&stopped));
        let began = Instant::now();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("it starts").block_on(run(address, token, began, until))
        });
        Load { stopped, thread, began }
    }

    /// How long it runs.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Ends it, and tells what came of it.
    pub(crate) fn stop(self) -> Counted {
        self.stopped.store(true, Ordering::Relaxed);
        self.thread.join().expect("it does not panic")
    }
}

async fn run(address: SocketAddr, token: String, began: Instant, stopped: Arc<AtomicBool>) -> Counted {
    let counted = Arc::new(Mutex::new(Counted::default()));
    let next = Arc::new(AtomicU64::new(0));
    let mut ticks = interval(Duration::from_millis(1000 / PER_SECOND));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut running = tokio::task::JoinSet::new();
    while !stopped.load(Ordering::Relaxed) {
        ticks.tick().await;
        let (counted, token) = (Arc::clone(&counted), token.clone());
        let number = next.fetch_add(1, Ordering::Relaxed);
        running.spawn(async move {
            let asked = Instant::now();
            let outcome = timeout(ANSWER_LIMIT, one(address, &token, number)).await;
            let mut counted = counted.lock().expect("nobody panics");
            match outcome.unwrap_or_else(|_| Err("no answer in time".to_owned())) {
                Ok(made) => {
                    counted.answered += 1;
                    counted.acknowledged.extend(made);
                }
                Err(why) => counted.failed.push((asked - began, why)),
            }
        });
        while running.try_join_next().is_some() {}
    }
    while running.join_next().await.is_some() {}
    std::mem::take(&mut *counted.lock().expect("nobody panics"))
}

async fn one(address: SocketAddr, token: &str, number: u64) -> Result<Option<String>, String> {
    let mut client = Client::connect(address).await.ok_or("no connection")?;
    client.token = Some(token.to_owned());
    let writes = number.is_multiple_of(WRITES);
    let id = format!("REQ-LOAD-{number}");
    let (method, path, body) = match writes {
        true => (Method::POST, REQUIREMENTS.to_owned(), json!({"req_id": id}).to_string()),
        false => (Method::GET, format!("{REQUIREMENTS}?limit=1"), String::new()),
    };
    let headers = [("content-type", "application/json"), ("connection", "close")];
    let reply = client.send(method, &path, &headers, Bytes::from(body)).await;
    let reply = reply.ok_or("the connection was cut")?;
    match (reply.status.as_u16(), writes) {
        (200, false) => Ok(None),
        (201, true) => Ok(Some(id)),
        (status, _) => Err(format!("{status}: {}", String::from_utf8_lossy(&reply.body))),
    }
}
