//! Fingerprints of change sets: how a store tells a retry from a second change under a used id.
//!
//! The writer's clock is left out: whoever repeats a request after a lost answer may stamp it anew,
//! and it is the same change all the same.

use rtmx_core::ChangeSet;
use sha2::{Digest, Sha256};

/// The SHA-256 of everything that a change set says but its id and its time, in hexadecimal.
///
/// A store keeps it beside the change set's id, and answers `change_set_reused` when the id comes
/// again with another fingerprint.
pub fn fingerprint(changes: &ChangeSet) -> String {
    let said = (
        &changes.space,
        &changes.actor,
        &changes.note,
        &changes.epoch,
        &changes.head,
        &changes.relies_on,
        &changes.changes,
    );
    let mut hash = HashWriter(Sha256::new());
    serde_json::to_writer(&mut hash, &said).expect("a change set is plain data");
    hex(&hash.0.finalize())
}

/// Bytes in lower case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hashes what is written to it, so that nothing large is held.
struct HashWriter(Sha256);

impl std::io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::{Body, Change, ChangeSetId, RequirementText, Space, Timestamp};

    #[test]
    fn the_time_of_a_retry_does_not_count_and_every_word_does() {
        let text = |markdown: &str| Body::RequirementText(RequirementText { markdown: markdown.into() });
        let set = |second, markdown: &str| {
            let at = Timestamp::from_second(second).expect("seconds of these tests are in range");
            let id = ChangeSetId(uuid::Uuid::from_u128(1));
            let mut set = ChangeSet::new(id, Space::Project("p".into()), "ann", at);
            set.changes.push(Change::create("A", text(markdown)));
            set
        };
        assert_eq!(fingerprint(&set(1, "x")), fingerprint(&set(2, "x")));
        assert_ne!(fingerprint(&set(1, "x")), fingerprint(&set(1, "y")));
        let mut noted = set(1, "x");
        noted.note = "why".into();
        assert_ne!(fingerprint(&set(1, "x")), fingerprint(&noted));
    }
}
