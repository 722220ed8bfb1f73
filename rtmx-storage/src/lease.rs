//! Leases: what must happen once happens under one, and a lease ends by itself.

use rtmx_core::{Error, Result, Timestamp, storage};
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

impl LeaseRequest {
    /// Decides about the lease as it stands (`None` if the name was never used), under the store's
    /// lock; the answer is what the store keeps.
    ///
    /// The fence grows when an acquisition ends another holder's time or begins after nobody's, and
    /// at no other time. A lease that has expired is lost, even if nobody took it since.
    ///
    /// # Errors
    ///
    /// `lease_held` with holder and expiry.
    pub fn decide(&self, standing: Option<&Lease>) -> Result<Lease> {
        let nobodys =
            || Lease { name: self.name.clone(), holder: String::new(), fence: 0, expires_at: self.now };
        let standing = standing.cloned().unwrap_or_else(nobodys);
        let running = !standing.holder.is_empty() && standing.expires_at > self.now;
        let own = running && standing.holder == self.holder;
        match self.call {
            LeaseCall::Acquire if own || !running => {
                let fence = if own { standing.fence } else { standing.fence + 1 };
                Ok(Lease { holder: self.holder.clone(), fence, expires_at: self.end(), ..standing })
            }
            LeaseCall::Renew if own => Ok(Lease { expires_at: self.end(), ..standing }),
            LeaseCall::Release if standing.holder == self.holder => {
                Ok(Lease { holder: String::new(), expires_at: self.now, ..standing })
            }
            LeaseCall::Release => Ok(standing),
            LeaseCall::Acquire | LeaseCall::Renew => {
                let (name, holder) = (&self.name, &self.holder);
                let message = if running {
                    let other = &standing.holder;
                    format!(
                        "`{holder}` could not have the lease `{name}`: `{other}` holds it until {}",
                        standing.expires_at
                    )
                } else {
                    format!("`{holder}` could not renew the lease `{name}`: it has ended")
                };
                let error = Error::new(storage::LEASE_HELD, message);
                Err(error.with("holder", &standing.holder).with("expires_at", standing.expires_at))
            }
        }
    }

    fn end(&self) -> Timestamp {
        self.now.checked_add(self.ttl).unwrap_or(Timestamp::MAX)
    }
}
