//! Why there is no news. None of it is an error of the mode: it goes into the answer, in words.

use http::StatusCode;
use rtmx_https::{Trouble, in_words};
use rtmx_license::Refusal;
use std::time::Duration;

/// Why the license server gave no answer that counts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Outage {
    #[error(transparent)]
    Way(#[from] Trouble),
    #[error("it answered {status}, which is not 200, so nothing of it counts")]
    Status { status: StatusCode, retry_after: Option<Duration> },
    #[error("its answer is not a lease for this question")]
    Refused {
        #[source]
        source: Refusal,
    },
    #[error("the host passed no random numbers, and a question without them could be answered by a replay")]
    NoRandomness,
}

impl Outage {
    /// How long the server asked to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Outage::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The outage and its causes on one line.
    pub(crate) fn in_words(&self, server: &str) -> String {
        in_words(&format!("the license server `{server}` gave no news"), self)
    }
}
