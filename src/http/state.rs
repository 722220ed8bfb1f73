//! What every handler shares.

use super::metrics::Metrics;
use super::remembered::Remembered;
use super::streams::Streams;
use crate::index::Indexes;
use crate::licensing::Licensing;
use axum::extract::FromRequestParts;
use http::request::Parts;
use rtmx_config::Settings;
use rtmx_core::{Cx, Timestamp};
use rtmx_storage::StorageBackend;
use std::fmt::Debug;
use std::ops::Deref;
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
        crate::wall_clock::now()
    }
}

/// The running application: cheap to clone, shared by all handlers.
#[derive(Debug, Clone)]
pub struct App(Arc<AppParts>);

/// What the application consists of.
#[derive(Debug)]
pub struct AppParts {
    /// Where everything is kept.
    pub storage: Arc<dyn StorageBackend>,
    /// The name of the storage's engine, as `/ready` shows it.
    pub storage_name: &'static str,
    /// The graph of each project, in memory.
    pub indexes: Arc<Indexes>,
    settings: watch::Sender<Arc<Settings>>,
    /// What the license allows.
    pub licensing: Arc<Licensing>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Counters and histograms.
    pub metrics: Arc<Metrics>,
    /// The places for event streams.
    pub(super) streams: Arc<Streams>,
    /// What was read of the system space.
    pub(super) remembered: Arc<Remembered>,
    draining: watch::Sender<bool>,
}

impl App {
    /// An application over an open storage.
    pub fn new(
        storage: Arc<dyn StorageBackend>,
        storage_name: &'static str,
        settings: Arc<Settings>,
    ) -> Self {
        let metrics = Arc::new(Metrics::new());
        App(Arc::new(AppParts {
            streams: Arc::new(Streams::among(settings.server.connections, &metrics)),
            indexes: Arc::new(Indexes::new(Arc::clone(&storage))),
            storage,
            storage_name,
            settings: watch::Sender::new(settings),
            licensing: Arc::default(),
            clock: Arc::new(SystemClock),
            metrics,
            remembered: Arc::default(),
            draining: watch::Sender::new(false),
        }))
    }

    /// The same application with another clock.
    ///
    /// # Panics
    ///
    /// If somebody else holds the application already.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        let parts = Arc::get_mut(&mut self.0);
        parts.expect("the clock is set before the application is shared").clock = clock;
        self
    }

    /// The same application with licenses that are checked.
    ///
    /// # Panics
    ///
    /// If somebody else holds the application already.
    #[must_use]
    pub fn with_licensing(mut self, licensing: Licensing) -> Self {
        let parts = Arc::get_mut(&mut self.0);
        let parts = parts.expect("licensing is set before the application is shared");
        parts.licensing = Arc::new(licensing);
        self
    }

    /// An application like this one over another storage, which shares its clock, settings and metrics.
    pub(super) fn over(&self, storage: Arc<dyn StorageBackend>) -> Self {
        App(Arc::new(AppParts {
            streams: Arc::clone(&self.streams),
            indexes: Arc::new(Indexes::new(Arc::clone(&storage))),
            storage,
            storage_name: self.storage_name,
            settings: self.settings.clone(),
            licensing: Arc::clone(&self.licensing),
            clock: Arc::clone(&self.clock),
            metrics: Arc::clone(&self.metrics),
            remembered: Arc::default(),
            draining: watch::Sender::new(false),
        }))
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.borrow())
    }

    /// Puts other settings in force.
    pub(crate) fn replace_settings(&self, settings: Arc<Settings>) {
        self.settings.send_replace(settings);
    }

    /// Sees when other settings come into force.
    pub(crate) fn watch_settings(&self) -> watch::Receiver<Arc<Settings>> {
        self.settings.subscribe()
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

impl Deref for App {
    type Target = AppParts;

    fn deref(&self) -> &AppParts {
        &self.0
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
        let mut cx = app.cx(app.settings().server.request_timeout);
        if let Some(RequestId(id)) = parts.extensions.get::<RequestId>() {
            cx = cx.with_request_id(Arc::clone(id));
        }
        Ok(RequestCx(cx))
    }
}
