//! Rotation: how a ring moves to the next keyset.
//!
//! The rules are those of TUF's root role: each keyset is exactly one above the one before, signed by
//! enough root keys of both, each key counted once; what lies between may have expired, the last may
//! not; `now` is one moment for the whole update; either all is accepted or nothing changes.
//!
//! A keyset travels as one token a line, all with the same payload, so that root keys kept in
//! different places can sign on different days.
//!
//! Source: The Update Framework Specification, 5.3 "Update the root role".

use crate::document::{Document, DocumentType};
use crate::{KeyId, KeyRing, Keyset, Refusal, SigningKey, Token, Usage, canonical};
use rtmx_core::Timestamp;
use std::collections::BTreeSet;

/// The most bytes of one keyset with its signatures.
const KEYSET_LIMIT_BYTES: usize = 32 * 1024;
/// The most keysets that one update may go through.
const HOP_LIMIT: usize = 64;
/// The most signatures of one keyset.
const SIGNATURE_LIMIT: usize = 16;

impl KeyRing {
    /// The ring after these keysets, oldest first. No keysets change nothing.
    ///
    /// # Errors
    ///
    /// `keyset_skips` for one that is not the successor, `keyset_signatures`, `keyset_expired` for the
    /// last, `keyset_invalid`, `license_too_large`, and what is wrong with its form.
    pub fn advance(&self, chain: &[impl AsRef<[u8]>], now: Timestamp) -> Result<KeyRing, Refusal> {
        if chain.len() > HOP_LIMIT {
            return Err(Refusal::KeysetInvalid {
                why: format!("one update goes through at most {HOP_LIMIT}"),
            });
        }
        let mut ring = self.clone();
        let mut last = None;
        for document in chain {
            let (next, keyset) = ring.step(document.as_ref())?;
            ring = next;
            last = Some(keyset);
        }
        match last {
            Some(last) if now >= last.expires_at => {
                Err(Refusal::KeysetExpired { version: last.version, at: last.expires_at })
            }
            _ => Ok(ring),
        }
    }

    fn step(&self, document: &[u8]) -> Result<(KeyRing, Keyset), Refusal> {
        let tokens = read(document)?;
        let payload = tokens[0].unverified_payload();
        if tokens.iter().any(|token| token.unverified_payload() != payload) {
            return Err(Refusal::KeysetInvalid {
                why: "its signatures are of different contents".to_owned(),
            });
        }
        // Before a byte of the payload is read, the keys in use must stand for it.
        let found = self.votes(&tokens);
        if found < self.threshold {
            let version = self.version.saturating_add(1);
            let needed = self.threshold;
            return Err(Refusal::KeysetSignatures { version, whose: "current", found, needed });
        }
        let keyset: Keyset = canonical::decode(payload)?;
        if keyset.product != self.product {
            let (found, wanted) = (keyset.product, self.product.clone());
            return Err(Refusal::WrongProduct { member: "product", found, wanted });
        }
        if Some(keyset.version) != self.version.checked_add(1) {
            return Err(Refusal::KeysetSkips { current: self.version, found: keyset.version });
        }
        let next = self.replaced(keyset.version, keyset.threshold, keyset.keys.clone())?;
        let found = next.votes(&tokens);
        if found < keyset.threshold {
            let (version, needed) = (keyset.version, keyset.threshold);
            return Err(Refusal::KeysetSignatures { version, whose: "new", found, needed });
        }
        Ok((next, keyset))
    }

    /// How many different root keys of this ring signed.
    fn votes(&self, tokens: &[Token]) -> u64 {
        let signed = |token: &&Token| {
            let trusted =
                self.keys.get(token.kid()).filter(|one| one.key.usage == Usage::Root && !one.beside);
            trusted.is_some_and(|one| token.payload(&one.key.key, DocumentType::Keyset).is_some())
        };
        // A ring has each key under one name, so that names count keys.
        let voters: BTreeSet<&KeyId> = tokens.iter().filter(signed).map(Token::kid).collect();
        voters.len() as u64
    }
}

fn read(document: &[u8]) -> Result<Vec<Token>, Refusal> {
    if document.len() > KEYSET_LIMIT_BYTES {
        return Err(Refusal::TooLarge { part: "keyset", limit: KEYSET_LIMIT_BYTES });
    }
    let lines = document.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let tokens = lines.filter(|line| !line.is_empty()).take(SIGNATURE_LIMIT + 1);
    let tokens: Vec<Token> =
        tokens.map(|line| Token::parse(line, DocumentType::Keyset)).collect::<Result<_, _>>()?;
    match tokens.len() {
        0 => Err(Refusal::Empty),
        1..=SIGNATURE_LIMIT => Ok(tokens),
        _ => Err(Refusal::KeysetInvalid { why: format!("it has more than {SIGNATURE_LIMIT} signatures") }),
    }
}

/// Signs a keyset with some of its root keys; the lines of several ceremonies may be joined.
///
/// # Errors
///
/// `license_claims_invalid`, `keyset_invalid`.
pub fn sign_keyset(keyset: &Keyset, signers: &[(&KeyId, &SigningKey)]) -> Result<String, Refusal> {
    let payload = canonical::encode(keyset)?;
    let line = |(kid, key): &(&KeyId, &SigningKey)| {
        Token::sign(key, kid, Keyset::TYPE, &payload).as_str().to_owned() + "\n"
    };
    Ok(signers.iter().map(line).collect())
}
