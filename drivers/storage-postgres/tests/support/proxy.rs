//! A network between the driver and PostgreSQL that fails on purpose.
//!
//! It reads the frames of the protocol in both directions, so that a failure happens before, inside or
//! after a message that was chosen. One failure is planned at a time; what follows it, be it that the
//! database is back at once or stays away, is part of the plan. The connection that listens for
//! notifications passes untouched: it is no part of any operation. Deliberately absent: TLS, which would
//! hide the messages.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long the server may take to read what it was sent before the line was cut.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);
/// How long a stalled message is held back.
pub(crate) const STALL: Duration = Duration::from_millis(300);
/// How many bytes of a message go alone.
const SINGLE_BYTES: usize = 600;
/// The code in the first message that asks for TLS.
const TLS_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();

/// What happens to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The connection ends, and the message is not passed on.
    CutBefore,
    /// The connection ends after half of the message.
    CutInside,
    /// The message is passed on, and the connection ends.
    CutAfter,
    /// The connection is reset, and the message is not passed on.
    Reset,
    /// From this message on nothing is passed on, and nobody is told.
    HalfOpen,
    /// The message is held back for [`STALL`].
    Stall,
    /// The message arrives byte by byte.
    SingleBytes,
}

impl Fault {
    /// All of them.
    pub(crate) const ALL: [Fault; 7] = [
        Fault::CutBefore,
        Fault::CutInside,
        Fault::CutAfter,
        Fault::Reset,
        Fault::HalfOpen,
        Fault::Stall,
        Fault::SingleBytes,
    ];

    /// Whether the connection is of no more use.
    pub(crate) fn ends(self) -> bool {
        !matches!(self, Fault::Stall | Fault::SingleBytes)
    }
}

/// Which message, counted from the moment the plan was made, on all connections together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Point {
    /// The so-manieth message of the client.
    Front(usize),
    /// The so-manieth message of the server.
    Back(usize),
    /// The first `COMMIT`.
    Commit,
    /// The so-manieth message that follows a `COMMIT`.
    CommitReply(usize),
}

/// One failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) point: Point,
    pub(crate) fault: Fault,
    /// Whether no connection works any more until [`Proxy::heal`].
    pub(crate) away: bool,
}

/// How many messages passed since the counts were set to nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) front: usize,
    pub(crate) back: usize,
}

/// A proxy in front of a server on this machine. It ends with this value.
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    to: u16,
    state: Mutex<State>,
    /// Changes when the failure is over.
    healed: watch::Sender<()>,
    /// Changes when all connections are to end.
    ended: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    plan: Option<Plan>,
    fired: bool,
    away: bool,
    counts: Counts,
}

impl Proxy {
    /// Begins to listen.
    pub(crate) async fn start(to: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (healed, ended) = (watch::Sender::new(()), watch::Sender::new(()));
        let shared = Arc::new(Shared { to, state: Mutex::default(), healed, ended });
        let serving = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            loop {
                if let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(carry(Arc::clone(&serving), client));
                }
            }
        });
        Proxy { port, shared, accepting }
    }

    /// The port that leads to the server.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Plans a failure and counts from nothing.
    pub(crate) fn plan(&self, plan: Option<Plan>) {
        let mut state = self.shared.state();
        *state = State { plan, away: state.away, ..State::default() };
    }

    /// What has passed since the plan was made.
    pub(crate) fn counts(&self) -> Counts {
        self.shared.state().counts
    }

    /// Whether the planned failure has happened.
    pub(crate) fn has_fired(&self) -> bool {
        self.shared.state().fired
    }

    /// Lets no connection work until [`Proxy::heal`].
    pub(crate) fn take_away(&self) {
        self.shared.state().away = true;
        self.end_all();
    }

    /// Ends the failure: what hung is told that its connection has ended, and new ones work.
    pub(crate) fn heal(&self) {
        let mut state = self.shared.state();
        (state.plan, state.away) = (None, false);
        drop(state);
        self.shared.healed.send_replace(());
    }

    /// Ends all connections. New ones work.
    pub(crate) fn end_all(&self) {
        self.shared.ended.send_replace(());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.healed.send_replace(());
        self.shared.ended.send_replace(());
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a message, and says what is planned for it.
    fn judge(&self, side: Side, link: &Link, frame: &[u8]) -> Option<Fault> {
        let is_query = side == Side::Front && matches!(frame.first(), Some(b'Q' | b'P'));
        let says = |word: &[u8]| is_query && frame.windows(word.len()).any(|part| part == word);
        let is_commit = side == Side::Front && frame.get(5..) == Some(b"COMMIT\0");
        if says(b"LISTEN ") {
            link.listens.store(true, Ordering::Relaxed);
        }
        if link.listens.load(Ordering::Relaxed) {
            return None;
        }
        let mut state = self.state();
        let replied = match side {
            Side::Front => {
                state.counts.front += 1;
                if is_commit {
                    link.replied.store(0, Ordering::Relaxed);
                }
                usize::MAX
            }
            Side::Back => {
                state.counts.back += 1;
                let before = link.replied.load(Ordering::Relaxed);
                link.replied.store(before.saturating_add(1), Ordering::Relaxed);
                before.saturating_add(1)
            }
        };
        let plan = state.plan?;
        let is_there = match plan.point {
            Point::Front(number) => side == Side::Front && state.counts.front == number,
            Point::Back(number) => side == Side::Back && state.counts.back == number,
            Point::Commit => is_commit,
            Point::CommitReply(number) => side == Side::Back && replied == number,
        };
        if !is_there {
            return None;
        }
        (state.plan, state.fired) = (None, true);
        state.away |= plan.away;
        Some(plan.fault)
    }
}

/// Who sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Front,
    Back,
}

/// What is known of one connection.
struct Link {
    /// The client has not yet said who it is.
    begins: AtomicBool,
    /// The client asked for TLS: the next byte is the answer.
    asked_for_tls: AtomicBool,
    listens: AtomicBool,
    /// How many messages followed a `COMMIT`; the largest number before there was one.
    replied: AtomicUsize,
}

impl Link {
    fn new() -> Link {
        Link {
            begins: AtomicBool::new(true),
            asked_for_tls: AtomicBool::new(false),
            listens: AtomicBool::new(false),
            replied: AtomicUsize::new(usize::MAX),
        }
    }

    /// The length of the first message, if all of it is there.
    fn length(&self, side: Side, held: &[u8]) -> Option<usize> {
        let number = |at: usize| {
            let bytes = held.get(at..at + 4)?.try_into().ok()?;
            usize::try_from(u32::from_be_bytes(bytes)).ok()
        };
        let length = match side {
            Side::Front if self.begins.load(Ordering::Relaxed) => number(0)?,
            Side::Back if self.asked_for_tls.load(Ordering::Relaxed) => 1,
            _ => 1 + number(1)?,
        };
        (length <= held.len()).then_some(length)
    }

    /// Takes note of a message that is about to pass.
    fn note(&self, side: Side, frame: &[u8]) {
        match side {
            Side::Front if self.begins.load(Ordering::Relaxed) => {
                let tls = frame.get(4..8) == Some(&TLS_REQUEST);
                self.asked_for_tls.store(tls, Ordering::Relaxed);
                self.begins.store(tls, Ordering::Relaxed);
            }
            Side::Back => self.asked_for_tls.store(false, Ordering::Relaxed),
            Side::Front => {}
        }
    }
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// One side left, or both are told.
    Closed,
    Reset,
    HalfOpen,
}

async fn carry(shared: Arc<Shared>, mut client: TcpStream) {
    let (mut healed, mut ended) = (shared.healed.subscribe(), shared.ended.subscribe());
    if shared.state().away {
        return;
    }
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", shared.to)).await else { return };
    let quick = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    quick.expect("a socket can be told not to wait");
    let link = Link::new();
    let ending = {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        tokio::select! {
            ending = pump(&shared, &link, Side::Front, from_client, to_server) => ending,
            ending = pump(&shared, &link, Side::Back, from_server, to_client) => ending,
            _ = ended.changed() => Ending::Closed,
        }
    };
    if shared.state().away {
        shared.ended.send_replace(());
    }
    match ending {
        Ending::Closed => {
            drop(client);
            // What was passed on is read before the server learns of the end.
            let _ = server.shutdown().await;
            let _ =
                tokio::time::timeout(DRAIN_LIMIT, tokio::io::copy(&mut server, &mut tokio::io::sink())).await;
        }
        Ending::Reset => {
            for stream in [&client, &server] {
                stream.set_zero_linger().expect("a socket can be told to reset");
            }
        }
        Ending::HalfOpen => {
            let _ = healed.changed().await;
        }
    }
}

async fn pump(
    shared: &Shared,
    link: &Link,
    side: Side,
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
) -> Ending {
    let mut held = Vec::new();
    loop {
        while let Some(length) = link.length(side, &held) {
            let frame: Vec<u8> = held.drain(..length).collect();
            link.note(side, &frame);
            let fault = shared.judge(side, link, &frame);
            let passes = match fault {
                Some(Fault::CutBefore | Fault::Reset | Fault::HalfOpen) => 0,
                Some(Fault::CutInside) => frame.len() / 2,
                Some(Fault::Stall) => {
                    tokio::time::sleep(STALL).await;
                    frame.len()
                }
                Some(Fault::SingleBytes) => {
                    for byte in frame.iter().take(SINGLE_BYTES) {
                        if to.write_all(&[*byte]).await.is_err() {
                            return Ending::Closed;
                        }
                        tokio::task::yield_now().await;
                    }
                    0
                }
                Some(Fault::CutAfter) | None => frame.len(),
            };
            let rest = match fault {
                Some(Fault::SingleBytes) => &frame[frame.len().min(SINGLE_BYTES)..],
                _ => &frame[..passes],
            };
            if to.write_all(rest).await.is_err() {
                return Ending::Closed;
            }
            match fault {
                Some(Fault::CutBefore | Fault::CutInside | Fault::CutAfter) => return Ending::Closed,
                Some(Fault::Reset) => return Ending::Reset,
                Some(Fault::HalfOpen) => return Ending::HalfOpen,
                Some(Fault::Stall | Fault::SingleBytes) | None => {}
            }
        }
        match from.read_buf(&mut held).await {
            Ok(0) => return Ending::Closed,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Ending::Closed,
        }
    }
}
