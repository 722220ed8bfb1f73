//! Users: a steady stream of requests, each on a connection of its own, so that none can hide behind a retry.

use crate::forward::Forward;
use crate::support::Client;
use bytes::Bytes;
use http::Method;
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Requests a second of a busy office.
pub(crate) const BUSY: u64 = 200;
/// Enough to notice what goes wrong beside other trials.
pub(crate) const CALM: u64 = 50;
/// One request of so many writes.
const WRITES: u64 = 20;
/// Nobody waits longer for a page.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// A thousand answers take 5 s of a busy office.
const ANSWERS_LIMIT: Duration = Duration::from_secs(120);
/// Where connections come from: none of the ports that the kernel gives to those who do not ask for one.
const PORTS: Range<u64> = 2_000..32_768;
const PORTS_TRIED: usize = 100;
/// So many connections one after another that reach a server show that none is led astray.
const IN_A_ROW: usize = 30;
const CONNECTIONS_LIMIT: Duration = Duration::from_secs(300);
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

impl Counted {
    /// Asserts that no request failed; `during` says what happened meanwhile.
    pub(crate) fn assert_none_failed(&self, during: &dyn Debug) {
        let failed = self.failed.len();
        assert!(
            failed == 0,
            "{failed} of {}: {:?}; {during:?}",
            self.answered,
            &self.failed[..failed.min(20)]
        );
    }

    /// Asserts that every write that was acknowledged is there.
    pub(crate) fn assert_kept(&self, forward: &Forward, token: &str) {
        let kept: BTreeSet<String> = forward.all_ids(token).into_iter().collect();
        let lost: Vec<_> = self.acknowledged.iter().filter(|id| !kept.contains(*id)).collect();
        assert!(!self.acknowledged.is_empty() && lost.is_empty(), "acknowledged and lost: {lost:?}");
    }
}

/// Waits until every connection leads to a server: those who pass them on hear of a change a moment later.
pub(crate) fn await_connections(address: SocketAddr) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it starts");
    let began = Instant::now();
    let mut row = 0;
    while row < IN_A_ROW {
        let connected = runtime.block_on(async {
            timeout(Duration::from_secs(2), connect(address)).await.is_ok_and(|it| it.is_ok())
        });
        row = if connected { row + 1 } else { 0 };
        assert!(began.elapsed() < CONNECTIONS_LIMIT, "connections still lead astray");
        if !connected {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// A stream that runs until it is [stopped](Load::stop).
pub(crate) struct Load {
    stopped: Arc<AtomicBool>,
    counted: Arc<Mutex<Counted>>,
    thread: JoinHandle<()>,
    began: Instant,
}

impl Load {
    /// Begins to ask at this address, so often a second, once connections lead to servers.
    pub(crate) fn start(address: SocketAddr, token: &str, per_second: u64) -> Load {
        let stopped = Arc::new(AtomicBool::new(false));
        let counted = Arc::new(Mutex::new(Counted::default()));
        let (token, until, kept) = (token.to_owned(), Arc::clone(&stopped), Arc::clone(&counted));
        await_connections(address);
        let began = Instant::now();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("it starts").block_on(run(address, token, per_second, kept, until));
        });
        Load { stopped, counted, thread, began }
    }

    /// How long it runs.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Waits until so many requests were answered.
    pub(crate) fn await_answers(&self, wanted: u64) {
        let began = Instant::now();
        loop {
            let answered = self.counted.lock().expect("nobody panics").answered;
            if answered >= wanted {
                return;
            }
            assert!(began.elapsed() < ANSWERS_LIMIT, "{answered} requests are no load");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Ends it, and tells what came of it.
    pub(crate) fn stop(self) -> Counted {
        self.stopped.store(true, Ordering::Relaxed);
        self.thread.join().expect("it does not panic");
        std::mem::take(&mut *self.counted.lock().expect("nobody panics"))
    }
}

async fn run(
    address: SocketAddr,
    token: String,
    per_second: u64,
    counted: Arc<Mutex<Counted>>,
    stopped: Arc<AtomicBool>,
) {
    // One after another may ask the same servers: an id is made once.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let began = Instant::now();
    let mut ticks = interval(Duration::from_millis(1000 / per_second));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut running = tokio::task::JoinSet::new();
    while !stopped.load(Ordering::Relaxed) {
        ticks.tick().await;
        let (counted, token) = (Arc::clone(&counted), token.clone());
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
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
}

/// Connects from a port that no user had for minutes.
///
/// A node remembers for 120 s (`nf_conntrack_tcp_timeout_syn_sent`) which server it chose for an address and port
/// that got no answer, and sends whoever has them next to the same one, be it gone or not. Users are many
/// machines, and none comes from the same port so soon; this one does, when the kernel gives it the ports that
/// are free again.
async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut tries = 0;
    loop {
        let number = PORTS.start + NEXT.fetch_add(1, Ordering::Relaxed) % (PORTS.end - PORTS.start);
        let port = u16::try_from(number).expect("the range ends before the last port");
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        let connected = match socket.bind((Ipv4Addr::UNSPECIFIED, port).into()) {
            Ok(()) => socket.connect(address).await,
            Err(error) => Err(error),
        };
        match connected {
            Err(error) if is_taken(&error) && tries < PORTS_TRIED => tries += 1,
            connected => return connected,
        }
    }
}

/// Whether somebody else has the port, or had it a moment ago.
fn is_taken(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::AddrNotAvailable)
}

async fn one(address: SocketAddr, token: &str, number: u64) -> Result<Option<String>, String> {
    let asked = Instant::now();
    let refused =
        |why: &dyn Debug| format!("no connection, after {} ms: {why:?}", asked.elapsed().as_millis());
    let stream = connect(address).await.map_err(|error| refused(&error))?;
    let client = Client::over(stream, address.to_string()).await;
    let mut client = client.ok_or_else(|| refused(&"it was closed"))?;
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
