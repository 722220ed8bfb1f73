//! Words that many rows share: categories, assignees, versions, folders of tests.
//!
//! Each is kept once. Words that no row uses any more are swept out when the set has doubled, so
//! an index that is moved forward for months does not grow with what it has forgotten.

use std::collections::HashSet;
use std::sync::Arc;

/// Below this size a sweep is not worth its time.
const SWEEP_AT_LEAST: usize = 1_024;

#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    known: HashSet<Arc<str>>,
    after_sweep: usize,
}

impl Words {
    /// The one shared copy of `word`.
    pub(super) fn share(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.known.get(word) {
            return Arc::clone(known);
        }
        if self.known.len() >= SWEEP_AT_LEAST.max(2 * self.after_sweep) {
            self.known.retain(|word| Arc::strong_count(word) > 1);
            self.after_sweep = self.known.len();
        }
        let word: Arc<str> = Arc::from(word);
        self.known.insert(Arc::clone(&word));
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_kept_once_and_forgotten_words_are_swept_out() {
        let mut words = Words::default();
        let kept = words.share("AUTH");
        assert!(Arc::ptr_eq(&kept, &words.share("AUTH")));
        for n in 0..10 * SWEEP_AT_LEAST {
            drop(words.share(&format!("word {n}")));
            assert!(words.known.len() <= SWEEP_AT_LEAST, "{n}");
        }
        assert!(Arc::ptr_eq(&kept, &words.share("AUTH")), "a word in use survives every sweep");
    }
}
