//! The snapshot: what is allowed now, for the paths that ask often.
//!
//! A check replaces the whole value; a reader takes no lock, waits for nobody and reads no clock. The
//! host checks again no later than the verdict's `next_change`, so that a snapshot does not outlive
//! its state.

use crate::{Entitlements, Limit, Refusal};
use arc_swap::ArcSwap;
use std::sync::Arc;

/// A shared, replaceable [`Entitlements`].
#[derive(Debug)]
pub struct Snapshot(ArcSwap<Entitlements>);

impl Snapshot {
    /// Begins with these.
    pub fn new(entitlements: Entitlements) -> Snapshot {
        Snapshot(ArcSwap::from_pointee(entitlements))
    }

    /// Replaces them.
    pub fn replace(&self, entitlements: Entitlements) {
        self.0.store(Arc::new(entitlements));
    }

    /// Whether a feature is included.
    pub fn entitled(&self, feature: &str) -> bool {
        self.0.load().has(feature)
    }

    /// How many of something are allowed.
    pub fn limit(&self, name: &str) -> Limit {
        self.0.load().limit(name)
    }

    /// As [`Entitlements::require`].
    ///
    /// # Errors
    ///
    /// `license_feature_missing`.
    pub fn require(&self, feature: &str) -> Result<(), Refusal> {
        self.0.load().require(feature)
    }

    /// As [`Entitlements::require_room`].
    ///
    /// # Errors
    ///
    /// `license_limit_reached`.
    pub fn require_room(&self, name: &str, used: u64, more: u64) -> Result<(), Refusal> {
        self.0.load().require_room(name, used, more)
    }

    /// All of them, as they are now.
    pub fn current(&self) -> Arc<Entitlements> {
        self.0.load_full()
    }
}
