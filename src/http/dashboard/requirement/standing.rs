//! The state of a requirement in words: its status, and why it is as it is.

use super::super::frame::Frame;
use rtmx_core::Status;
use rtmx_core::trace::{Cause, Matrix, Reason};

/// The most ids that a reason names; the others are counted.
const NAMED: usize = 10;

/// A status as pages show it: a shape by its class, and a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http::dashboard) struct StatusWord(pub(in crate::http::dashboard) Status);

impl StatusWord {
    /// The class that gives it its shape and colour.
    pub(in crate::http::dashboard) fn class(self) -> &'static str {
        match self.0 {
            Status::Complete => "complete",
            Status::Partial => "partial",
            Status::Missing => "missing",
            Status::NotStarted => "not-started",
        }
    }

    /// The word for it.
    pub(in crate::http::dashboard) fn word(self) -> &'static str {
        match self.0 {
            Status::Complete => "Complete",
            Status::Partial => "Partial",
            Status::Missing => "Missing",
            Status::NotStarted => "Not started",
        }
    }
}

/// Why a requirement is a gap.
pub(super) struct Why {
    pub(super) text: String,
    /// Whether the ids are a way around a cycle, each waiting for the next.
    pub(super) is_way: bool,
    /// The ids that it is about, each with its address; no address for one that does not exist.
    pub(super) others: Vec<(String, Option<String>)>,
    /// How many more it is about.
    pub(super) more: usize,
}

/// The reasons of a requirement's state, the gravest first; empty if nothing is the matter.
pub(super) fn reasons(frame: &Frame, id: &str, matrix: &Matrix) -> Vec<Why> {
    let address = |id: &String| (id.clone(), matrix.contains(id).then(|| frame.requirement(id)));
    let why = |cause: Cause| {
        let is_way = cause.reason == Reason::InCycle;
        let count = if is_way { cause.others.len() } else { cause.count };
        let others: Vec<_> = cause.others.iter().take(NAMED).map(address).collect();
        Why { text: sentence(&cause.message), is_way, more: count.saturating_sub(others.len()), others }
    };
    matrix.reasons(id).unwrap_or_default().into_iter().map(why).collect()
}

fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).chain(['.']).collect()).unwrap_or_default()
}
