//! The accept loop: connections with limits, and a shutdown that nobody can hold up.
//!
//! The decision to know: `axum::serve` has no limit on how slowly a request head may come, so one
//! half-sent request would hold a graceful shutdown for ever. Here every connection has a limit for a
//! head and one for idleness, and at shutdown a connection without a request in flight is closed at
//! once, one with a request at the drain deadline.

use super::listen::AdminSocket;
use super::peer::OverTls;
use super::stalled::{Requests, Stalled};
use super::{App, Arrival, Certificate, Listeners, Peer, metrics_router, redirect, router, streams};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http::{HeaderValue, header};
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
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tower::ServiceExt;

/// How long a TLS handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// A connection without a request is closed after this time. Longer than proxies keep theirs (60 s: the
/// default of nginx's upstreams and of AWS's load balancers), or a proxy sends a request into a connection
/// that is just being closed, and its user sees 502.
const IDLE_LIMIT: Duration = Duration::from_secs(75);
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
    let settings = app.settings();
    let arrival = listeners.arrival();
    let application = router(app.clone());
    let (stop, stopped) = watch::channel(None);
    let cut = Arc::new(AtomicUsize::new(0));
    let limits = |connections| Limits {
        connections: Arc::new(Semaphore::new(connections)),
        scarce: streams::left_to_others(connections),
        gauge: app.metrics.gauge("http_connections"),
        stopped: stopped.clone(),
        cut: Arc::clone(&cut),
    };
    let mut loops = JoinSet::new();
    let api = application.clone().layer(axum::Extension(arrival));
    let connections = limits(settings.server.connections);
    if let Some(listener) = listeners.redirect {
        let port = listeners.api.local_addr().map_or(443, |address| address.port());
        let router = redirect::router(app.clone(), port);
        loops.spawn(accept_tcp(listener, router, limits(SIDE_CONNECTIONS), None));
    }
    let api = if listeners.certificate.is_some() { api.layer(axum::Extension(OverTls)) } else { api };
    let mut watching = JoinSet::new();
    if let Some(certificate) = &listeners.certificate {
        app.metrics.watch_certificate(Arc::clone(certificate));
        watching.spawn(Arc::clone(certificate).watch());
    }
    loops.spawn(accept_tcp(listeners.api, api, connections, listeners.certificate));
    if let Some(listener) = listeners.metrics {
        loops.spawn(accept_tcp(listener, metrics_router(app.clone()), limits(SIDE_CONNECTIONS), None));
    }
    let admin = listeners.admin;
    if let Some(socket) = admin {
        let owner = application.layer(axum::Extension(Arrival::Owner));
        loops.spawn(accept_admin(socket, owner, limits(SIDE_CONNECTIONS)));
    }
    shutdown.await;
    let settings = app.settings();
    let (drain, delay) = (settings.server.drain, settings.server.drain_delay);
    tracing::info!(drain_seconds = drain.as_secs_f64(), delay_seconds = delay.as_secs_f64(), "shutting down");
    app.start_draining();
    // `/ready` says so from now on; balancers that have not asked yet still send requests.
    tokio::time::sleep(delay).await;
    stop.send_replace(Some(drain));
    while loops.join_next().await.is_some() {}
    let cut = cut.load(Ordering::Relaxed);
    tracing::info!(cut, "shut down");
    Ok(Served { cut })
}

/// A router on a listener of its own.
pub(crate) struct Endpoint {
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
    /// Connections at once.
    pub(crate) connections: usize,
}

/// Serves other applications than RTMX's with the same limits, until `shutdown` completes.
pub(crate) async fn serve_endpoints(
    endpoints: Vec<Endpoint>,
    gauge: metrics::Gauge,
    drain: Duration,
    shutdown: impl Future<Output = ()>,
) -> Served {
    let (stop, stopped) = watch::channel(None);
    let cut = Arc::new(AtomicUsize::new(0));
    let mut loops = JoinSet::new();
    for Endpoint { listener, router, connections } in endpoints {
        let limits = Limits {
            connections: Arc::new(Semaphore::new(connections)),
            scarce: streams::left_to_others(connections),
            gauge: gauge.clone(),
            stopped: stopped.clone(),
            cut: Arc::clone(&cut),
        };
        loops.spawn(accept_tcp(listener, router, limits, None));
    }
    shutdown.await;
    tracing::info!(drain_seconds = drain.as_secs_f64(), "shutting down");
    stop.send_replace(Some(drain));
    while loops.join_next().await.is_some() {}
    let cut = cut.load(Ordering::Relaxed);
    tracing::info!(cut, "shut down");
    Served { cut }
}

#[derive(Clone)]
struct Limits {
    connections: Arc<Semaphore>,
    /// With so few places left, a connection ends with its answer instead of waiting for a next request.
    scarce: usize,
    gauge: metrics::Gauge,
    /// How long requests in flight may go on, once the server stops.
    stopped: watch::Receiver<Option<Duration>>,
    cut: Arc<AtomicUsize>,
}

async fn accept_tcp(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    certificate: Option<Arc<Certificate>>,
) {
    let next = || async {
        let (stream, address) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(Some((stream, Some(Peer(address)))))
    };
    match certificate {
        None => accept(next, plain, router, limits).await,
        Some(certificate) => {
            let shake = move |stream: TcpStream| {
                let acceptor = certificate.acceptor();
                async move { timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await? }
            };
            accept(next, shake, router, limits).await;
        }
    }
}

async fn accept_admin(socket: AdminSocket, router: Router, limits: Limits) {
    let listener: &UnixListener = &socket.listener;
    let next = || async {
        let (stream, _) = listener.accept().await?;
        let admitted = AdminSocket::admits(&stream);
        if !admitted {
            tracing::warn!("refused a connection to the admin socket from another user");
        }
        Ok(admitted.then_some((stream, None)))
    };
    accept(next, plain, router, limits).await;
}

/// A connection is spoken over as it comes.
async fn plain<S>(stream: S) -> std::io::Result<S> {
    Ok(stream)
}

/// Accepts until the server stops. `open` makes of each connection what is spoken over, in the
/// connection's own task.
async fn accept<S, T, F, O>(
    mut next: impl FnMut() -> F,
    open: impl Fn(S) -> O,
    router: Router,
    limits: Limits,
) where
    S: Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = std::io::Result<Option<(S, Option<Peer>)>>>,
    O: Future<Output = std::io::Result<T>> + Send + 'static,
{
    let mut stopped = limits.stopped.clone();
    let mut connections = JoinSet::new();
    loop {
        // A free place first: at the limit, new connections wait in the kernel's queue.
        let place = tokio::select! {
            biased;
            _ = stopped.wait_for(Option::is_some) => break,
            place = Arc::clone(&limits.connections).acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            biased;
            _ = stopped.wait_for(Option::is_some) => break,
            accepted = next() => accepted,
        };
        match accepted {
            Ok(Some((stream, peer))) => {
                let (router, limits, opening) = (router.clone(), limits.clone(), open(stream));
                connections.spawn(async move {
                    limits.gauge.increment(1.0);
                    let gauge = limits.gauge.clone();
                    let mut stopped = limits.stopped.clone();
                    let opened = tokio::select! {
                        biased;
                        _ = stopped.wait_for(Option::is_some) => None,
                        opened = opening => Some(opened),
                    };
                    match opened {
                        Some(Ok(stream)) => connection(stream, peer, router, limits).await,
                        Some(Err(error)) => tracing::debug!(%error, "a connection did not begin"),
                        None => {}
                    }
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

async fn connection<S>(stream: S, peer: Option<Peer>, router: Router, limits: Limits)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let requests = Arc::new(Requests::default());
    let counted = Arc::clone(&requests);
    let (places, scarce) = (Arc::clone(&limits.connections), limits.scarce);
    let service = hyper::service::service_fn(move |mut request: Request<hyper::body::Incoming>| {
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        let (router, guard, places) = (router.clone(), Busy::enter(&counted), Arc::clone(&places));
        async move {
            let mut response = router.oneshot(request.map(Body::new)).await?;
            if places.available_permits() < scarce {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response.map(|body| InFlight { body, _guard: guard }))
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(IDLE_LIMIT).max_buf_size(HEAD_LIMIT_BYTES);
    let connection =
        builder.serve_connection(TokioIo::new(Stalled::new(stream, Arc::clone(&requests))), service);
    tokio::pin!(connection);
    let mut stopped = limits.stopped.clone();
    tokio::select! {
        biased;
        _ = stopped.wait_for(Option::is_some) => {}
        outcome = connection.as_mut() => return ended(outcome),
    }
    connection.as_mut().graceful_shutdown();
    let drain = stopped.borrow().unwrap_or_default();
    let deadline = Instant::now() + drain;
    while requests.in_flight.load(Ordering::Acquire) > 0 {
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
struct Busy(Arc<Requests>);

impl Busy {
    fn enter(requests: &Arc<Requests>) -> Self {
        requests.in_flight.fetch_add(1, Ordering::AcqRel);
        requests.begun.fetch_add(1, Ordering::AcqRel);
        Busy(Arc::clone(requests))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
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
