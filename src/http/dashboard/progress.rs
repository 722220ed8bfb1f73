//! Completion as a bar: how many are done, half done, open.

use rtmx_core::trace::Counts;

/// A bar and the words for it.
pub(super) struct Progress {
    pub(super) counts: Counts,
}

impl Progress {
    pub(super) fn of(counts: Counts) -> Progress {
        Progress { counts }
    }

    /// Where each part of the bar begins and how wide it is, in thousandths: complete, partial.
    pub(super) fn parts(&self) -> [(u64, u64); 2] {
        let of = |count: u64| (count * 1000).checked_div(self.counts.total).unwrap_or(0);
        let complete = of(self.counts.complete);
        [(0, complete), (complete, of(self.counts.partial))]
    }

    /// How many are not complete.
    pub(super) fn open(&self) -> u64 {
        self.counts.total - self.counts.complete
    }

    /// The percentage with its decimal.
    pub(super) fn percentage(&self) -> String {
        format!("{:.1}", self.counts.percentage)
    }
}
