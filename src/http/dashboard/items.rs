//! Requirements as the lists of gaps, backlog and next show them: one line each.

use super::frame::Frame;
use super::list::columns::{status_class, status_word};
use rtmx_core::trace::Item;

/// A requirement in a list.
pub(super) struct Listed {
    pub(super) item: Item,
    /// The address of its page.
    pub(super) address: String,
    pub(super) effort: String,
    pub(super) phase: String,
}

impl Listed {
    pub(super) fn of(frame: &Frame, item: Item) -> Listed {
        let effort = if item.effort_weeks > 0.0 { weeks(item.effort_weeks) } else { "unknown".to_owned() };
        let phase = item.phase.map(|phase| phase.to_string()).unwrap_or_default();
        Listed { address: frame.requirement(&item.req_id), effort, phase, item }
    }

    /// The class that gives its status a shape and a colour.
    pub(super) fn class(&self) -> &'static str {
        status_class(self.item.status)
    }

    /// The word for its status.
    pub(super) fn status(&self) -> &'static str {
        status_word(self.item.status)
    }

    /// How many wait for it; nothing for none.
    pub(super) fn awaited(&self) -> String {
        match self.item.transitive_blocks_count {
            0 => String::new(),
            some => some.to_string(),
        }
    }

    /// What keeps it waiting or makes it awaited, in words.
    pub(super) fn waits(&self) -> String {
        let awaited = match self.item.transitive_blocks_count {
            0 => String::new(),
            1 => "1 waits".to_owned(),
            many => format!("{many} wait"),
        };
        match (self.item.blocked, awaited.is_empty()) {
            (false, _) => awaited,
            (true, true) => "blocked".to_owned(),
            (true, false) => format!("blocked, {awaited}"),
        }
    }
}

/// A number of weeks in words.
pub(super) fn weeks(number: f64) -> String {
    let number = (number * 100.0).round() / 100.0;
    if number == 1.0 { "1 week".to_owned() } else { format!("{number} weeks") }
}
