//! How a reader of the feed waits for a change without a runtime.
//!
//! Each wait is one thread that sleeps on a condition variable until its space changes or the time is
//! over, and then wakes the future; dropping the future ends the thread at once. That is right for a
//! reference that serves a handful of readers, and needs neither a timer nor an executor.

use rtmx_core::Space;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Rung at every change.
#[derive(Debug)]
pub(super) struct Bell {
    tower: Arc<Tower>,
}

#[derive(Debug, Default)]
struct Tower {
    rings: Mutex<Rings>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct Rings {
    by_space: BTreeMap<Space, u64>,
    everywhere: u64,
}

impl Rings {
    fn heard_in(&self, space: &Space) -> u64 {
        self.everywhere + self.by_space.get(space).copied().unwrap_or(0)
    }
}

impl Bell {
    pub(super) fn new() -> Self {
        Bell { tower: Arc::default() }
    }

    /// Says that a space changed.
    pub(super) fn ring(&self, space: &Space) {
        let mut rings = self.tower.rings.lock().unwrap_or_else(PoisonError::into_inner);
        *rings.by_space.entry(space.clone()).or_default() += 1;
        self.tower.rung.notify_all();
    }

    /// Says that everything changed.
    pub(super) fn ring_all(&self) {
        let mut rings = self.tower.rings.lock().unwrap_or_else(PoisonError::into_inner);
        rings.everywhere += 1;
        self.tower.rung.notify_all();
    }

    /// Starts to listen: rings from now on are heard, also those before the wait begins.
    pub(super) fn listen(&self, space: &Space) -> Listening {
        let rings = self.tower.rings.lock().unwrap_or_else(PoisonError::into_inner);
        Listening { tower: Arc::clone(&self.tower), space: space.clone(), heard: rings.heard_in(space) }
    }
}

/// Somebody who listens.
#[derive(Debug)]
pub(super) struct Listening {
    tower: Arc<Tower>,
    space: Space,
    heard: u64,
}

impl Listening {
    /// Ends at the next ring in the space, or after `wait`.
    pub(super) fn rung_or_over(self, wait: Duration) -> impl Future<Output = ()> + Send {
        Waiting { listening: Arc::new(self), wait: Some(wait), end: Arc::default() }
    }

    fn sleep(&self, wait: Duration, end: &Mutex<End>) {
        let quiet = |rings: &mut Rings| {
            rings.heard_in(&self.space) == self.heard
                && !end.lock().unwrap_or_else(PoisonError::into_inner).abandoned
        };
        let rings = self.tower.rings.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.tower.rung.wait_timeout_while(rings, wait, quiet));
        let mut end = end.lock().unwrap_or_else(PoisonError::into_inner);
        end.reached = true;
        if let Some(waker) = end.waker.take() {
            waker.wake();
        }
    }
}

#[derive(Debug, Default)]
struct End {
    reached: bool,
    abandoned: bool,
    waker: Option<Waker>,
}

struct Waiting {
    listening: Arc<Listening>,
    /// Taken by the thread that waits.
    wait: Option<Duration>,
    end: Arc<Mutex<End>>,
}

impl Future for Waiting {
    type Output = ();

    #[allow(
        clippy::disallowed_methods,
        reason = "the reference has no runtime to wait on; one thread a wait"
    )]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if end.reached {
            return Poll::Ready(());
        }
        end.waker = Some(context.waker().clone());
        drop(end);
        if let Some(wait) = self.wait.take() {
            let (listening, end) = (Arc::clone(&self.listening), Arc::clone(&self.end));
            std::thread::spawn(move || listening.sleep(wait, &end));
        }
        Poll::Pending
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).abandoned = true;
        // Taken so that the thread is either before its look at `abandoned`, or asleep and woken.
        let _rings = self.listening.tower.rings.lock().unwrap_or_else(PoisonError::into_inner);
        self.listening.tower.rung.notify_all();
    }
}
