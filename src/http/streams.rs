//! How many event streams may be open at once.
//!
//! The decision to know: a stream holds its connection for as long as somebody looks at a page, so
//! streams may take all connections but a few. Those are kept for whatever ends: pages, the API, and the
//! probes by which an orchestrator decides whether this server lives.

use super::metrics::Metrics;
use rtmx_core::{Error, Result, server};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many connections streams leave to others; at most a quarter of all, where there are few.
///
/// The reference of `server.connections` names the number.
const LEFT_TO_OTHERS: usize = 24;

/// The places for streams.
#[derive(Debug)]
pub(super) struct Streams {
    most: usize,
    places: Arc<Semaphore>,
    opened: AtomicU64,
    gauge: metrics::Gauge,
}

/// A place, held while a stream is open.
pub(super) struct Place {
    /// How many streams were opened before this one.
    pub(super) number: u64,
    gauge: metrics::Gauge,
    _held: OwnedSemaphorePermit,
}

/// How many of these connections are left to others than streams.
pub(super) fn left_to_others(connections: usize) -> usize {
    LEFT_TO_OTHERS.min(connections / 4)
}

impl Streams {
    /// Places for streams among this many connections.
    pub(super) fn among(connections: usize, metrics: &Metrics) -> Self {
        let most = connections.saturating_sub(left_to_others(connections));
        let gauge = metrics.gauge("http_event_streams");
        Streams { most, places: Arc::new(Semaphore::new(most)), opened: AtomicU64::new(0), gauge }
    }

    /// Takes a place.
    ///
    /// # Errors
    ///
    /// `streams_exhausted`.
    pub(super) fn enter(&self) -> Result<Place> {
        let held = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let message = format!("{} event streams are open, which is the most there may be", self.most);
            Error::new(server::STREAMS_EXHAUSTED, message)
        })?;
        self.gauge.increment(1.0);
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(Place { number, gauge: self.gauge.clone(), _held: held })
    }

    /// How many streams are open.
    pub(super) fn open(&self) -> usize {
        self.most - self.places.available_permits()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gauge.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_streams_fit_into_the_default_and_few_connections_are_shared_out() {
        // connections, streams
        for (connections, most) in [(1024, 1000), (96, 72), (8, 6), (1, 1)] {
            assert_eq!(Streams::among(connections, &Metrics::new()).most, most, "{connections}");
        }
    }
}
