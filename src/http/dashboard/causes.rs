//! The reasons of a gap as words with links.

use super::frame::Frame;
use rtmx_core::trace::{Cause, Reason};

/// The most ids that a reason is shown with in a line of a list.
const NAMED: usize = 3;

/// A reason in a line of a list.
pub(super) struct Mark {
    pub(super) title: &'static str,
    /// The list of everything with this reason.
    pub(super) list: String,
    /// What is the matter, in a sentence.
    pub(super) message: String,
    /// What it is about: ids, each with its address if it is a requirement.
    pub(super) others: Vec<(String, Option<String>)>,
    /// How many more it is about.
    pub(super) more: usize,
    /// Whether the ids are a way along dependencies.
    pub(super) is_way: bool,
    pub(super) is_grave: bool,
}

impl Mark {
    /// The reasons, without those that another one says already.
    pub(super) fn all(frame: &Frame, causes: &[Cause]) -> Vec<Mark> {
        let has = |reason: Reason| causes.iter().any(|cause| cause.reason == reason);
        let said = |cause: &&Cause| !(cause.reason == Reason::Untested && has(Reason::CompleteUntested));
        causes.iter().filter(said).map(|cause| Mark::of(frame, cause)).collect()
    }

    fn of(frame: &Frame, cause: &Cause) -> Mark {
        let exists = cause.reason != Reason::OrphanedDependency;
        let is_way = cause.reason == Reason::InCycle;
        let other = |id: &String| (id.clone(), exists.then(|| frame.requirement(id)));
        // A way ends where it began, so it is shown whole or not at all.
        let shown = match is_way {
            true if cause.others.len() > NAMED || cause.others.len() <= 1 => 0,
            true => cause.others.len(),
            false => cause.others.len().min(NAMED),
        };
        Mark {
            title: cause.reason.title(),
            list: format!("{}?reason={}", frame.at("gaps"), cause.reason.name()),
            message: cause.message.clone(),
            others: cause.others.iter().take(shown).map(other).collect(),
            more: if is_way { 0 } else { cause.count - shown },
            is_way,
            is_grave: cause.reason.grade() != rtmx_core::trace::Grade::Open,
        }
    }
}
