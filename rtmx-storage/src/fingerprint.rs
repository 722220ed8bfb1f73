//! Fingerprints of change sets: how a store tells a retry from a second change under a used id.
//!
//! The writer's clock is left out: whoever repeats a request after a lost answer may stamp it anew,
//! and it is the same change all the same.

use rtmx_core::{Change, ChangeSet};
use sha2::{Digest, Sha256};

/// The SHA-256 of everything that a change set says but its id and its time, in hexadecimal.
///
/// A store keeps it beside the change set's id, and answers `change_set_reused` when the id comes
/// again with another fingerprint.
pub fn fingerprint(changes: &ChangeSet) -> String {
    let mut fingerprint = Fingerprint::begin(changes);
    for change in &changes.changes {
        fingerprint.add(change);
    }
    fingerprint.end()
}

/// A fingerprint in the making, for a store that goes through the changes anyway.
///
/// It is that of the JSON text of what the change set says. The bodies' own texts are parts of it and
/// are what a history keeps, so they are written once for both.
#[derive(Debug)]
pub struct Fingerprint {
    hash: Sha256,
    text: Vec<u8>,
    empty: bool,
}

impl Fingerprint {
    /// Begins with what the change set says beside its changes.
    pub fn begin(changes: &ChangeSet) -> Self {
        let said = (
            &changes.space,
            &changes.actor,
            &changes.note,
            &changes.epoch,
            &changes.head,
            &changes.relies_on,
        );
        let mut text = Vec::new();
        write(&mut text, &said);
        text.pop();
        text.extend_from_slice(b",[");
        let mut hash = Sha256::new();
        hash.update(&text);
        Fingerprint { hash, text, empty: true }
    }

    /// Adds the next change; answers the JSON text of the body that it puts.
    pub fn add(&mut self, change: &Change) -> Option<&str> {
        let text = &mut self.text;
        text.clear();
        text.extend_from_slice(if self.empty { b"{\"key\":" } else { b",{\"key\":" });
        self.empty = false;
        write(text, &change.key);
        text.extend_from_slice(b",\"expect\":");
        write(text, &change.expect);
        text.extend_from_slice(b",\"put\":");
        let body = text.len();
        write(text, &change.put);
        text.push(b'}');
        self.hash.update(&text[..]);
        change.put.as_ref()?;
        Some(std::str::from_utf8(&text[body..text.len() - 1]).expect("JSON is UTF-8"))
    }

    /// The fingerprint, after the last change.
    pub fn end(mut self) -> String {
        self.hash.update(b"]]");
        hex(&self.hash.finalize())
    }
}

fn write(to: &mut Vec<u8>, value: &impl serde::Serialize) {
    serde_json::to_writer(to, value).expect("a change set is plain data");
}

/// Bytes in lower case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::{
        Body, ChangeSetId, Epoch, Expect, Key, Kind, RequirementText, Revision, Space, Timestamp,
    };

    fn text(markdown: &str) -> Body {
        Body::RequirementText(RequirementText { markdown: markdown.into() })
    }

    fn set(second: i64, markdown: &str) -> ChangeSet {
        let at = Timestamp::from_second(second).expect("seconds of these tests are in range");
        let id = ChangeSetId(uuid::Uuid::from_u128(1));
        let mut set = ChangeSet::new(id, Space::Project("p".into()), "ann", at);
        set.changes.push(Change::create("A", text(markdown)));
        set
    }

    #[test]
    fn a_fingerprint_is_that_of_the_whole_text_however_it_is_cut() {
        let whole = |set: &ChangeSet| {
            let said =
                (&set.space, &set.actor, &set.note, &set.epoch, &set.head, &set.relies_on, &set.changes);
            let mut hash = Sha256::new();
            hash.update(serde_json::to_vec(&said).expect("a change set is plain data"));
            hex(&hash.finalize())
        };
        let mut cases = vec![set(1, "one \" two \n größe")];
        let mut many = set(1, "x");
        many.note = "why".into();
        many.epoch = Some(Epoch(uuid::Uuid::from_u128(7)));
        many.head = Some(Revision(3));
        many.relies_on = vec![(Key::new(Kind::Requirement, "R"), Expect::Absent)];
        many.changes.push(Change::replace("B,\"", Revision(2), text("y")));
        many.changes.push(Change::delete(Key::new(Kind::RequirementText, "C"), Revision(1)));
        cases.push(many);
        let mut nothing = set(1, "x");
        nothing.changes.clear();
        cases.push(nothing);
        for case in cases {
            assert_eq!(fingerprint(&case), whole(&case), "{case:?}");
            let mut fingerprint = Fingerprint::begin(&case);
            for change in &case.changes {
                let put = change.put.as_ref().map(|put| serde_json::to_string(put).expect("plain data"));
                assert_eq!(fingerprint.add(change), put.as_deref(), "{}", change.key);
            }
        }
    }

    #[test]
    fn the_time_of_a_retry_does_not_count_and_every_word_does() {
        assert_eq!(fingerprint(&set(1, "x")), fingerprint(&set(2, "x")));
        assert_ne!(fingerprint(&set(1, "x")), fingerprint(&set(1, "y")));
        let mut noted = set(1, "x");
        noted.note = "why".into();
        assert_ne!(fingerprint(&set(1, "x")), fingerprint(&noted));
    }
}
