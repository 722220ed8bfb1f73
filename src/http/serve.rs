//! The accept loop: connections with limits, and a shutdown that nobody can hold up.
//!
//! The decision to know: `axum::serve` has no limit on how slowly a request head may come, so one
//! half-sent request would hold a graceful shutdown for ever. Here every connection has a header
//! limit (which is also its idle limit), and at shutdown a connection without a request in flight is
//! closed at once, one with a request at the drain deadline.

use super::listen::AdminSocket;
use super::stalled::Stalled;
use super::{App, Arrival, Listeners, metrics_router, router};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use rtmx_core::Result;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tower::ServiceExt;

/// A request head must be whole within this time; a connection without a request is closed after it.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// The largest request head; also the read buffer of a connection.
const HEAD_LIMIT_BYTES: usize = 64 * 1024;
/// At shutdown, how long a connection without a request in flight may still flush.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);
/// Connections at once on the admin socket, and on the metrics listener.
const SIDE_CONNECTIONS: usize = 64;

/// What a server did, once it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Connections that were cut at the drain deadline, a request still in flight.
    pub cut: usize,
}

/// Serves until `shutdown` completes, then drains and returns.
///
/// # Errors
///
/// None of its own: what fails is one connection, and is logged.
pub async fn serve(app: App, listeners: Listeners, shutdown: impl Future<Output = ()>) -> Result<Served> {
    let drain = app.settings.server.drain;
    let arrival = listeners.arrival();
    let application = router(app.clone());
    let (stop, stopped) = watch::channel(false);
    let cut = Arc::new(AtomicUsize::new(0));
    let limits = |connections| Limits {
        connections: Arc::new(Semaphore::new(connections)),
        gauge: app.metrics.gauge("http_connections"),
        drain,
        stopped: stopped.clone(),
        cut: Arc::clone(&cut),
    };
    let mut loops = JoinSet::new();
    let api = application.clone().layer(axum::Extension(arrival));
    loops.spawn(accept_tcp(listeners.api, api, limits(app.settings.server.connections)));
    if let Some(listener) = listeners.metrics {
        loops.spawn(accept_tcp(listener, metrics_router(app.clone()), limits(SIDE_CONNECTIONS)));
    }
    let admin = listeners.admin;
    if let Some(socket) = admin {
        let owner = application.layer(axum::Extension(Arrival::Owner));
        loops.spawn(accept_admin(socket, owner, limits(SIDE_CONNECTIONS)));
    }
    shutdown.await;
    tracing::info!(drain_seconds = drain.as_secs_f64(), "shutting down");
    app.start_draining();
    stop.send_replace(true);
    while loops.join_next().await.is_some() {}
    let cut = cut.load(Ordering::Relaxed);
    tracing::info!(cut, "shut down");
    Ok(Served { cut })
}

#[derive(Clone)]
struct Limits {
    connections: Arc<Semaphore>,
    gauge: metrics::Gauge,
    drain: Duration,
    stopped: watch::Receiver<bool>,
    cut: Arc<AtomicUsize>,
}

async fn accept_tcp(listener: TcpListener, router: Router, limits: Limits) {
    let next = || async {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(Some(stream))
    };
    accept(next, router, limits).await;
}

async fn accept_admin(socket: AdminSocket, router: Router, limits: Limits) {
    let listener: &UnixListener = &socket.listener;
    let next = || async {
        let (stream, _) = listener.accept().await?;
        let admitted = AdminSocket::admits(&stream);
        if !admitted {
            tracing::warn!("refused a connection to the admin socket from another user");
        }
        Ok(admitted.then_some(stream))
    };
    accept(next, router, limits).await;
}

async fn accept<S, F>(mut next: impl FnMut() -> F, router: Router, limits: Limits)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = std::io::Result<Option<S>>>,
{
    let mut stopped = limits.stopped.clone();
    let mut connections = JoinSet::new();
    loop {
        // A free place first: at the limit, new connections wait in the kernel's queue.
        let place = tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => break,
            place = Arc::clone(&limits.connections).acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => break,
            accepted = next() => accepted,
        };
        match accepted {
            Ok(Some(stream)) => {
                let (router, limits) = (router.clone(), limits.clone());
                connections.spawn(async move {
                    limits.gauge.increment(1.0);
                    let gauge = limits.gauge.clone();
                    connection(stream, router, limits).await;
                    gauge.decrement(1.0);
                    drop(place);
                });
            }
            Ok(None) => {}
            // Out of file descriptors, or the peer was gone already: neither is worth a busy loop.
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                sleep(Duration::from_millis(50)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    while connections.join_next().await.is_some() {}
}

async fn connection<S>(stream: S, router: Router, limits: Limits)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let busy = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&busy);
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let (router, guard) = (router.clone(), Busy::enter(&counted));
        async move {
            let response = router.oneshot(request.map(Body::new)).await?;
            Ok::<_, Infallible>(response.map(|body| InFlight { body, _guard: guard }))
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT).max_buf_size(HEAD_LIMIT_BYTES);
    let connection = builder.serve_connection(TokioIo::new(Stalled::new(stream)), service);
    tokio::pin!(connection);
    let mut stopped = limits.stopped.clone();
    tokio::select! {
        biased;
        _ = stopped.wait_for(|stopped| *stopped) => {}
        outcome = connection.as_mut() => return ended(outcome),
    }
    connection.as_mut().graceful_shutdown();
    let deadline = Instant::now() + limits.drain;
    while busy.load(Ordering::Acquire) > 0 {
        tokio::select! {
            biased;
            outcome = connection.as_mut() => return ended(outcome),
            () = sleep_until(deadline) => {
                limits.cut.fetch_add(1, Ordering::Relaxed);
                return;
            }
            () = sleep(Duration::from_millis(20)) => {}
        }
    }
    // Nothing is being answered: what is left is flushing, or a peer that never finishes its request.
    if let Ok(outcome) = timeout(FLUSH_LIMIT, connection).await {
        ended(outcome);
    }
}

fn ended(outcome: hyper::Result<()>) {
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended with an error");
    }
}

/// Counts a request from its head to the last byte of its answer.
struct Busy(Arc<AtomicUsize>);

impl Busy {
    fn enter(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Busy(Arc::clone(count))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An answer's body that keeps its request counted.
struct InFlight {
    body: Body,
    _guard: Busy,
}

impl http_body::Body for InFlight {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
