//! The change feed as server-sent events.
//!
//! Readers of all changes get the same bytes, written once for all of them. Readers of heads get the newest
//! only: however much was written since they last listened, it is one event.
//!
//! Source of the wire format: WHATWG HTML, "Server-sent events".

use super::changes::{ChangeView, position_of};
use super::scope::Scope;
use crate::http::streams::Place;
use crate::http::{Answer, App};
use crate::index::Part;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header};
use rtmx_core::{Epoch, Error, Head, Revision, Space};
use rtmx_storage::{ChangeEvent, Feed, FeedPosition};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, sleep_until};

/// How many events are read at once while a stream catches up.
const CATCH_UP: usize = 500;
/// How long one such read may take.
const READ_LIMIT: Duration = Duration::from_secs(30);
/// How often a comment is sent, so that proxies keep the connection and a dead one is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a stream lasts. The reader resumes by itself, and a token that was revoked meanwhile is noticed.
const LIFE: Duration = Duration::from_secs(600);
/// How long a reader waits before it resumes, in milliseconds.
const RETRY_MS: u64 = 2_000;
/// Streams that were opened together end and resume one after another: each by so much more, up to a limit.
const SPREAD: Duration = Duration::from_millis(37);
const SPREAD_STEPS: u64 = 64;

/// What a stream tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Telling {
    /// Each change.
    #[default]
    Changes,
    /// Which revision the project has reached.
    Heads,
}

/// Opens a stream after a position, or from now on.
pub(super) async fn open(
    app: App,
    scope: Scope,
    after: Option<FeedPosition>,
    telling: Telling,
) -> Answer<Response> {
    let place = app.streams.enter()?;
    let Scope { project, space, cx, .. } = scope;
    let receiver = app.indexes.watches.subscribe(&app.storage, &cx, &project).await?;
    let head = app.storage.head(&cx, &space).await?;
    let mut position = after.unwrap_or_else(|| FeedPosition::after(head));
    // A position from before a restore is refused before the answer begins.
    position.check(head.epoch)?;
    if telling == Telling::Heads {
        position = FeedPosition::after(head);
    }
    let now = Instant::now();
    let spread = SPREAD * u32::try_from(place.number % SPREAD_STEPS).unwrap_or_default();
    let reader = Reader {
        app,
        space,
        receiver,
        epoch: head.epoch,
        seen: (position.revision, position.ordinal),
        stage: Stage::Hello(head),
        telling,
        spread,
        _place: place,
        ends: now + LIFE + spread,
        heartbeat: now + HEARTBEAT,
    };
    let chunks = stream::unfold(reader, |mut reader| async move {
        let chunk = reader.next_chunk().await?;
        Some((Ok::<_, Infallible>(chunk), reader))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

/// One reader of a stream.
struct Reader {
    app: App,
    space: Space,
    receiver: Receiver<Arc<Part>>,
    epoch: Epoch,
    /// Revision and ordinal of the last event that was sent.
    seen: (Revision, u32),
    stage: Stage,
    telling: Telling,
    spread: Duration,
    _place: Place,
    ends: Instant,
    heartbeat: Instant,
}

enum Stage {
    Hello(Head),
    CatchingUp,
    Live,
    Over,
}

impl Reader {
    /// The next bytes to send; `None` ends the stream.
    async fn next_chunk(&mut self) -> Option<Bytes> {
        loop {
            match &self.stage {
                Stage::Over => return None,
                Stage::Hello(head) => {
                    let retry = RETRY_MS + u64::try_from(self.spread.as_millis()).unwrap_or_default();
                    let hello = format!("retry: {retry}\n\n{}", self.head_event(head.revision));
                    self.stage = match self.telling {
                        Telling::Changes => Stage::CatchingUp,
                        Telling::Heads => Stage::Live,
                    };
                    return Some(hello.into());
                }
                Stage::CatchingUp => match self.catch_up().await {
                    Ok(Some(chunk)) => return Some(chunk),
                    Ok(None) => self.stage = Stage::Live,
                    Err(error) => return Some(self.end("failed", error.code().id())),
                },
                Stage::Live => {
                    if let Some(chunk) = self.live().await {
                        return Some(chunk);
                    }
                }
            }
        }
    }

    async fn catch_up(&mut self) -> Result<Option<Bytes>, Error> {
        // What the poller has sent is in the storage already, and the read below finds it: keeping
        // it would only make a reader with a long way to go look slow.
        self.receiver = self.receiver.resubscribe();
        let cx = self.app.cx(READ_LIMIT);
        let feed = self.app.storage.changes(&cx, &self.space, self.position(), CATCH_UP, None).await?;
        if feed.events.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.encode(&feed)))
    }

    /// Waits for the next event, or for the time to do something else; `None` to look again.
    async fn live(&mut self) -> Option<Bytes> {
        let now = Instant::now();
        if now >= self.ends {
            self.stage = Stage::Over;
            return None;
        }
        if now >= self.heartbeat {
            self.heartbeat = now + HEARTBEAT;
            return Some(Bytes::from_static(b": still here\n\n"));
        }
        tokio::select! {
            biased;
            () = self.app.until_draining() => {
                self.stage = Stage::Over;
                None
            }
            received = self.receiver.recv() => match received {
                Ok(part) => Some(self.part(&part)).filter(|chunk| !chunk.is_empty()),
                // What was missed is behind the newest head, which the next part tells.
                Err(RecvError::Lagged(_)) if self.telling == Telling::Heads => None,
                Err(RecvError::Lagged(_)) => Some(self.end("dropped", "reader_too_slow")),
                // The poller ended: the database was closed or restored.
                Err(RecvError::Closed) => {
                    self.stage = Stage::Over;
                    None
                }
            },
            () = sleep_until(self.heartbeat.min(self.ends)) => None,
        }
    }

    /// What a part that was sent to all readers is to this one.
    fn part(&mut self, part: &Part) -> Bytes {
        if self.telling == Telling::Heads {
            return self.newest(part.feed.next.revision);
        }
        let first = part.feed.events.first().map(|event| (event.revision, event.ordinal));
        let last = part.feed.events.last().map(|event| (event.revision, event.ordinal));
        match (first, last) {
            (Some(first), Some(last)) if first > self.seen => {
                self.seen = last;
                self.heartbeat = Instant::now() + HEARTBEAT;
                part.written(written)
            }
            _ => self.encode(&part.feed),
        }
    }

    /// The newest revision of all parts that wait, if it is a new one.
    fn newest(&mut self, mut revision: Revision) -> Bytes {
        loop {
            match self.receiver.try_recv() {
                Ok(part) => revision = part.feed.next.revision,
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if revision <= self.seen.0 {
            return Bytes::new();
        }
        self.seen = (revision, u32::MAX);
        self.heartbeat = Instant::now() + HEARTBEAT;
        self.head_event(revision).into()
    }

    /// An event that tells how far the project is, with the position to resume from.
    fn head_event(&self, revision: Revision) -> String {
        let data = serde_json::json!({"revision": revision.0, "readers": self.app.streams.open()});
        format!("id: {}\nevent: head\ndata: {data}\n\n", self.position())
    }

    /// The events of a part that were not sent yet.
    fn encode(&mut self, feed: &Feed) -> Bytes {
        let mut out = String::new();
        for event in &feed.events {
            let place = (event.revision, event.ordinal);
            if place > self.seen {
                self.seen = place;
                write_change(&mut out, feed.head.epoch, event);
            }
        }
        if !out.is_empty() {
            self.heartbeat = Instant::now() + HEARTBEAT;
        }
        out.into()
    }

    /// A last event; the reader resumes by the last `id`.
    fn end(&mut self, event: &str, reason: &str) -> Bytes {
        self.stage = Stage::Over;
        let data = serde_json::json!({"reason": reason, "resume_after": self.position().to_string()});
        format!("event: {event}\ndata: {data}\n\n").into()
    }

    fn position(&self) -> FeedPosition {
        let (revision, ordinal) = self.seen;
        FeedPosition { epoch: Some(self.epoch.short()), revision, ordinal }
    }
}

/// All events of a part.
fn written(feed: &Feed) -> Bytes {
    let mut out = String::new();
    feed.events.iter().for_each(|event| write_change(&mut out, feed.head.epoch, event));
    out.into()
}

fn write_change(out: &mut String, epoch: Epoch, event: &ChangeEvent) {
    let view = ChangeView::new(epoch, event.clone());
    let data = serde_json::to_string(&view).expect("a change is plain data");
    // JSON has no raw line ends, so one line of data is enough.
    out.push_str(&format!("id: {}\nevent: change\ndata: {data}\n\n", position_of(epoch, event)));
}
