//! The revocation list: which licenses no longer count.

use crate::document::{Document, DocumentType, sealed::Sealed};
use crate::text::{check_id, check_integer, check_text};
use crate::{Refusal, TokenHash, Verified, moment};
use rtmx_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most entries of each part.
const ENTRY_LIMIT: usize = 4096;

/// Claims of a revocation list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevocationList {
    /// The product whose licenses are meant.
    pub product: String,
    /// Grows with each list; a lower one never replaces a higher one.
    pub seq: u64,
    /// When it was signed.
    #[serde(with = "moment")]
    pub issued_at: Timestamp,
    /// When to look for the next; a list that is older is used, and a warning.
    #[serde(with = "moment")]
    pub next_update: Timestamp,
    /// Ids of revoked licenses, sorted.
    pub licenses: Vec<String>,
    /// SHA-256 of revoked tokens, in small hexadecimal digits, sorted.
    pub tokens: Vec<String>,
    /// The lowest number of a license that counts, by id.
    pub min_seq: BTreeMap<String, u64>,
}

impl RevocationList {
    /// Whether the list revokes a license.
    pub fn revokes(&self, license: &Verified<crate::License>) -> bool {
        let listed =
            |list: &[String], text: &str| list.binary_search_by(|one| one.as_str().cmp(text)).is_ok();
        self.product == license.product
            && (listed(&self.licenses, &license.license_id)
                || listed(&self.tokens, &license.hash().to_string())
                || self.min_seq.get(&license.license_id).is_some_and(|least| license.seq < *least))
    }

    /// Whether a newer list should be there at this time.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        now >= self.next_update
    }
}

/// The list to use when one is in force and another arrives.
///
/// # Errors
///
/// `revocations_rolled_back` for a lower number, or for the same number with another content.
pub fn newer_revocations(
    standing: Option<&Verified<RevocationList>>,
    arrived: Verified<RevocationList>,
) -> Result<Verified<RevocationList>, Refusal> {
    match standing {
        Some(known)
            if arrived.seq < known.seq
                || (arrived.seq == known.seq && arrived.claims() != known.claims()) =>
        {
            Err(Refusal::RevocationsRolledBack { seq: arrived.seq, known: known.seq })
        }
        _ => Ok(arrived),
    }
}

impl Sealed for RevocationList {}

impl Document for RevocationList {
    const TYPE: DocumentType = DocumentType::RevocationList;

    fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    fn validate(&self) -> Result<(), Refusal> {
        check_text("product", &self.product)?;
        check_integer("seq", self.seq)?;
        for (claim, at) in [("issued_at", self.issued_at), ("next_update", self.next_update)] {
            if !moment::is_in_range(at) {
                return Err(Refusal::claim(claim, "a moment has whole seconds, in the years 2020 to 2199"));
            }
        }
        if self.next_update <= self.issued_at {
            return Err(Refusal::claim("next_update", "it is not after `issued_at`"));
        }
        let sizes = [self.licenses.len(), self.tokens.len(), self.min_seq.len()];
        if sizes.into_iter().any(|size| size > ENTRY_LIMIT) {
            return Err(Refusal::claim("licenses", "each part has at most 4096 entries"));
        }
        for (claim, list) in [("licenses", &self.licenses), ("tokens", &self.tokens)] {
            if !list.is_sorted_by(|one, next| one < next) {
                return Err(Refusal::claim(claim, "it is sorted, and each entry is there once"));
            }
        }
        self.licenses.iter().try_for_each(|id| check_id("licenses", id))?;
        if self.tokens.iter().any(|hash| TokenHash::parse(hash).is_none()) {
            return Err(Refusal::claim("tokens", "a hash has 64 small hexadecimal digits"));
        }
        self.min_seq.iter().try_for_each(|(id, seq)| {
            check_id("min_seq", id)?;
            check_integer("min_seq", *seq)
        })
    }
}
