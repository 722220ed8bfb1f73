//! What accompanies every call: a deadline, a way to cancel, and the request's id.

use crate::{Error, Result, storage};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The context of a call. Cheap to clone; clones share the cancellation.
#[derive(Debug, Clone, Default)]
pub struct Cx {
    deadline: Option<Instant>,
    cancelled: Arc<AtomicBool>,
    request_id: Option<Arc<str>>,
}

impl Cx {
    /// A context without deadline, never cancelled by itself.
    pub fn new() -> Self {
        Cx::default()
    }

    /// The same context with a deadline; an earlier one wins.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
        self
    }

    /// The same context with the id under which logs mention the request.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// The deadline, if there is one.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The time left at `now`; `None` without a deadline, zero when it has passed.
    pub fn remaining(&self, now: Instant) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(now))
    }

    /// The request's id, if there is one.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Cancels this context and all its clones.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether somebody cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Fails when the deadline has passed at `now` or somebody cancelled.
    ///
    /// # Errors
    ///
    /// `storage_busy`; nothing was done.
    pub fn check(&self, now: Instant) -> Result<()> {
        if self.is_cancelled() || self.deadline.is_some_and(|deadline| deadline <= now) {
            return Err(Error::new(
                storage::STORAGE_BUSY,
                "the request ended before the operation could start",
            ));
        }
        Ok(())
    }
}
