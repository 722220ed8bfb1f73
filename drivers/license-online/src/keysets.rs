//! Which of the server's keysets lead on from the keys that are known.

use rtmx_core::Timestamp;
use rtmx_license::KeyRing;

/// The most keysets that are looked at; a ring goes through no more at once.
const LIMIT: usize = 64;

/// Those of the server's keysets (a JSON array of documents as strings, oldest first) that follow the
/// ring, and the ring after them. The server gives out all that there are, so most are known, and
/// those do not follow; whether the last has expired is judged where the others are.
pub(crate) fn successors(ring: &KeyRing, answer: &[u8]) -> (Vec<Vec<u8>>, KeyRing) {
    let documents: Vec<String> = serde_json::from_slice(answer).unwrap_or_default();
    let (mut chain, mut ring) = (Vec::new(), ring.clone());
    for document in documents.into_iter().take(LIMIT) {
        if let Ok(next) = ring.advance(&[&document], Timestamp::MIN) {
            ring = next;
            chain.push(document.into_bytes());
        }
    }
    (chain, ring)
}
