//! Gaps: the requirements of which something is wrong or left to do, and why.
//!
//! The decision to know: a gap has reasons, each a rule that can be read beside it, and a requirement
//! may have several. What is said to be complete and may not be comes before what is known to be open,
//! because nobody looks there. The reasons of one requirement and those of a list come from the same
//! code. Deliberately absent: rules about how a row is written, which are [`Matrix::health`]'s.
//!
//! [`Matrix::health`]: super::Matrix::health

mod cause;
mod list;
mod reason;

pub use cause::Cause;
pub use list::{Gap, GapQuery, Gaps, ReasonCount};
pub use reason::{Grade, Reason};
