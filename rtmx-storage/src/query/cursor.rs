//! Cursors: where a page ended, opaque to clients.
//!
//! A cursor holds the sort values and the id of the last record, not an offset, so that writes
//! between two pages neither repeat nor skip a record that was not itself moved. It is bound to its
//! query by a hash and to the database by the epoch.

use super::{RecordQuery, SortValue};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use rtmx_core::{Epoch, Error, Result, storage};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Where a page of [`super::Query::Records`] ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(rename = "q")]
    query: String,
    #[serde(rename = "e")]
    epoch: String,
    /// The sort values of the last record, one for each sort key.
    #[serde(rename = "v")]
    pub values: Vec<SortValue>,
    /// The last record's id.
    #[serde(rename = "i")]
    pub id: String,
}

impl Cursor {
    /// The cursor behind a record.
    pub fn new(query: &RecordQuery, epoch: Epoch, values: Vec<SortValue>, id: String) -> Self {
        Cursor { query: fingerprint(query), epoch: epoch.short(), values, id }
    }

    /// The text form, safe in a URL.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("a cursor is plain data"))
    }

    /// Reads a query's cursor back, if it has one.
    ///
    /// # Errors
    ///
    /// `cursor_invalid` if it was not given out for this query; `epoch_changed` after a restore.
    pub fn of(query: &RecordQuery, epoch: Epoch) -> Result<Option<Cursor>> {
        let Some(text) = &query.cursor else { return Ok(None) };
        let invalid = || Error::new(storage::CURSOR_INVALID, "the cursor was not given out for this query");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let cursor: Cursor = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
        if cursor.query != fingerprint(query) || cursor.values.len() != query.sort.len() {
            return Err(invalid());
        }
        if cursor.epoch != epoch.short() {
            return Err(Error::new(storage::EPOCH_CHANGED, "the cursor is from before a restore"));
        }
        Ok(Some(cursor))
    }
}

/// The parts of a query that a cursor is bound to: everything but limit, cursor and count.
fn fingerprint(query: &RecordQuery) -> String {
    let bound = (&query.space, query.kind, &query.filters, &query.search, &query.sort);
    let json = serde_json::to_vec(&bound).expect("a query is plain data");
    URL_SAFE_NO_PAD.encode(&Sha256::digest(json)[..8])
}
