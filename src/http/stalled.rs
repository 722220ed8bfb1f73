//! A connection whose peer must send a request's head in time, and must keep reading.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A request's head must be whole within this time of its first byte, the first one within it of the
/// connection.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// How long a peer may leave what was written unread before the connection is given up.
const STALL_LIMIT: Duration = Duration::from_secs(30);

/// Ends with `TimedOut` when a head is not whole within [`HEAD_LIMIT`], or a write makes no progress for
/// [`STALL_LIMIT`].
pub(super) struct Stalled<T> {
    inner: T,
    requests: Arc<Requests>,
    head: Option<Head>,
    waiting: Option<Pin<Box<Sleep>>>,
}

/// The requests of a connection.
#[derive(Default)]
pub(super) struct Requests {
    /// Heads that were whole.
    pub(super) begun: AtomicUsize,
    /// Those whose answer has not left yet.
    pub(super) in_flight: AtomicUsize,
}

/// A head that is on its way.
struct Head {
    /// How many had come before it.
    after: usize,
    limit: Pin<Box<Sleep>>,
}

impl Head {
    fn after(count: usize) -> Self {
        Head { after: count, limit: Box::pin(sleep(HEAD_LIMIT)) }
    }
}

impl<T> Stalled<T> {
    pub(super) fn new(inner: T, requests: Arc<Requests>) -> Self {
        Stalled { inner, requests, head: Some(Head::after(0)), waiting: None }
    }

    /// Drops the limit of a head that is whole by now.
    fn settle(&mut self) -> usize {
        let begun = self.requests.begun.load(Ordering::Acquire);
        self.head.take_if(|head| head.after != begun);
        begun
    }

    fn judge<R>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(STALL_LIMIT)));
        match waiting.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stalled<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let begun = self.settle();
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.inner).poll_read(cx, buf);
        let between = self.requests.in_flight.load(Ordering::Acquire) == 0;
        if between && self.head.is_none() && buf.filled().len() > before {
            self.head = Some(Head::after(begun));
        }
        if let (Poll::Pending, Some(head)) = (&outcome, &mut self.head) {
            ready!(head.limit.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        outcome
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Stalled<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(cx, data);
        self.judge(cx, outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_flush(cx);
        self.judge(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.judge(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(cx, data);
        self.judge(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
