//! What is signed: the claims of each type of document.
//!
//! The order of the fields is the order of the bytes, so a field is added at the end of a new
//! version and nowhere else. Validation is the same for who issues and for who reads.

mod activation;
mod keyset;
mod lease;
mod license;
mod revocation;

pub use activation::{ActivationPurpose, ActivationRequest, Nonce};
pub use keyset::{Keyset, KeysetKey};
pub use lease::{Lease, LeaseStatus};
pub use license::{Binding, BindingPolicy, Environment, GRACE_LIMIT_DAYS, License, Reach};
pub use revocation::{RevocationList, newer_revocations};
