//! What every handler shares.

use super::metrics::Metrics;
use crate::index::Indexes;
use axum::extract::FromRequestParts;
use http::request::Parts;
use rtmx_config::Settings;
use rtmx_core::{Cx, Timestamp};
use rtmx_storage::StorageBackend;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Tells the time. A value of the application, so that tests can set it.
pub trait Clock: Debug + Send + Sync {
    /// The wall clock.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The running application: cheap to clone, shared by all handlers.
#[derive(Debug, Clone)]
pub struct App {
    /// Where everything is kept.
    pub storage: Arc<dyn StorageBackend>,
    /// The name of the storage driver, as `/ready` shows it.
    pub storage_name: &'static str,
    /// The graph of each project, in memory.
    pub indexes: Arc<Indexes>,
    /// The settings in force.
    pub settings: Arc<Settings>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Counters and histograms.
    pub metrics: Arc<Metrics>,
    draining: watch::Sender<bool>,
}

impl App {
    /// An application over an open storage.
    pub fn new(
        storage: Arc<dyn StorageBackend>,
        storage_name: &'static str,
        settings: Arc<Settings>,
    ) -> Self {
        App {
            indexes: Arc::new(Indexes::new(Arc::clone(&storage))),
            storage,
            storage_name,
            settings,
            clock: Arc::new(SystemClock),
            metrics: Arc::new(Metrics::new()),
            draining: watch::Sender::new(false),
        }
    }

    /// The same application with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes `/ready` say no, so that balancers look elsewhere while requests in flight end.
    pub fn start_draining(&self) {
        self.draining.send_replace(true);
    }

    /// Whether the server is shutting down.
    pub fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Returns when the server begins to shut down: the end of every endless answer.
    pub async fn until_draining(&self) {
        let mut draining = self.draining.subscribe();
        // The sender lives in `self`, so waiting cannot fail before it succeeds.
        let _ = draining.wait_for(|draining| *draining).await;
    }

    /// A context for work of the server's own, with this much time.
    pub fn cx(&self, limit: Duration) -> Cx {
        Cx::new().with_deadline(Instant::now() + limit)
    }
}

/// The context of a request: the configured deadline and the request's id. An extractor.
#[derive(Debug, Clone)]
pub struct RequestCx(pub Cx);

/// The id under which logs and answers mention a request; in the request's extensions.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

impl FromRequestParts<App> for RequestCx {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let mut cx = app.cx(app.settings.server.request_timeout);
        if let Some(RequestId(id)) = parts.extensions.get::<RequestId>() {
            cx = cx.with_request_id(Arc::clone(id));
        }
        Ok(RequestCx(cx))
    }
}
