//! Leases: what must happen once happens under one, and a lease ends by itself.

use rtmx_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What to do with a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseCall {
    /// Take it if it is free, has expired, or is the holder's own.
    Acquire,
    /// Extend it; fails if it was lost.
    Renew,
    /// Give it back; no error if it was lost.
    Release,
}

/// A request about a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRequest {
    /// What is guarded, such as `migrate`.
    pub name: String,
    /// Who asks; unique for each process.
    pub holder: String,
    /// What to do.
    pub call: LeaseCall,
    /// How long it is held from `now`.
    pub ttl: Duration,
    /// The caller's clock.
    pub now: Timestamp,
}

/// A lease as it stands after the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// What is guarded.
    pub name: String,
    /// Who holds it; empty after a release.
    pub holder: String,
    /// Grows by one with every change of holder: an effect that carries an older number is refused.
    pub fence: u64,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}
