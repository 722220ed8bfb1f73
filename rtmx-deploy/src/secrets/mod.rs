//! Secrets that are made beside an installation: what has to be there, and what is to be written.
//!
//! The decision to know: this is a pure function from what is there to what is to be done. Whoever runs
//! it reads and writes the files, and there are two of them: a container that starts before the others,
//! and the operator's tool. A generated secret that is there is never made again, whatever else changes.

mod duties;
mod make;
mod objects;

pub use duties::{Duties, Duty};
pub use make::{Delivered, FoundSecrets, MadeSecrets, SecretValue};
pub use objects::{KeyOrigin, KeyPath, SecretObject, SecretObjects};
