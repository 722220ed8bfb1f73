//! Heads that were read, good until the next commit.
//!
//! Nearly every request asks for a head, and a hand-over to a reader's thread costs more than the
//! answer. One process has the file (`lock.rs`) and one thread of it writes, so a head stands until
//! that thread announces a commit, which it does before it answers any of the writes in it. Nothing
//! else is remembered here: what a head stands for is read from the file.

use rtmx_core::{Head, Space};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most heads that are kept; beyond, all are forgotten.
const SPACES_LIMIT: usize = 1_024;

/// Heads by space, as of a number of commits.
#[derive(Debug, Default)]
pub(crate) struct KnownHeads {
    inner: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    commits: u64,
    heads: HashMap<Space, Head>,
    closed: bool,
}

impl KnownHeads {
    /// The head, if nothing was committed since it was read.
    pub(crate) fn get(&self, commits: u64, space: &Space) -> Option<Head> {
        let known = self.lock();
        if known.commits == commits { known.heads.get(space).copied() } else { None }
    }

    /// Keeps a head. `commits` was counted before the head was read, so that one which is newer than
    /// its count is only forgotten early.
    pub(crate) fn put(&self, commits: u64, space: Space, head: Head) {
        let mut known = self.lock();
        if known.closed || commits < known.commits {
            return;
        }
        if commits > known.commits || known.heads.len() >= SPACES_LIMIT {
            known.heads.clear();
        }
        known.commits = commits;
        known.heads.insert(space, head);
    }

    /// Forgets all, and keeps nothing from now on.
    pub(crate) fn close(&self) {
        let mut known = self.lock();
        known.closed = true;
        known.heads.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::{Epoch, Revision};

    fn head(revision: u64) -> Head {
        Head { epoch: Epoch(uuid::Uuid::nil()), revision: Revision(revision) }
    }

    #[test]
    fn a_head_is_known_until_the_next_commit_and_not_after_the_end() {
        let known = KnownHeads::default();
        known.put(3, Space::System, head(7));
        assert_eq!(known.get(3, &Space::System), Some(head(7)));
        assert_eq!(known.get(3, &Space::Project("default".into())), None);
        assert_eq!(known.get(4, &Space::System), None);
        known.put(4, Space::System, head(8));
        // A read that was counted before the commit comes late.
        known.put(3, Space::System, head(7));
        assert_eq!(known.get(4, &Space::System), Some(head(8)));
        known.close();
        known.put(4, Space::System, head(8));
        assert_eq!(known.get(4, &Space::System), None);
    }

    #[test]
    fn the_number_of_heads_is_bounded() {
        let known = KnownHeads::default();
        for number in 0..3 * SPACES_LIMIT {
            known.put(0, Space::Project(format!("p{number}")), head(1));
        }
        assert!(known.lock().heads.len() <= SPACES_LIMIT);
    }
}
