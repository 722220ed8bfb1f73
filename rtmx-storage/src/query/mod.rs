//! Queries: everything that can be asked of a backend.
//!
//! What a filter, a sort key, a search term and a cursor mean is decided here, and every engine
//! answers alike. The in-memory backend is the reference.

use rtmx_core::{ChangeSetId, Head, Key, Kind, Priority, Record, Revision, Space, Status, Timestamp};
use serde::{Deserialize, Serialize};

mod check;
mod cursor;
mod eval;
mod field;
mod terms;

pub use cursor::Cursor;
pub use eval::{Order, Selection, SortPlace, TallyKey};
pub use field::{Field, SortValue};
pub use terms::{SearchTerms, document_terms, document_text};

/// The most records in one page.
pub const PAGE_LIMIT: usize = 1_000;

/// A question to a backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Query {
    /// Present records of one kind, filtered, searched, sorted, in pages.
    Records(RecordQuery),
    /// Present records with these ids, in the order of the ids; missing ones are left out.
    /// At most [`PAGE_LIMIT`] ids.
    Ids {
        /// Where.
        space: Space,
        /// Which kind.
        kind: Kind,
        /// Which ids.
        ids: Vec<String>,
    },
    /// What records of one kind were at a revision, by id.
    AsOf {
        /// Where.
        space: Space,
        /// Which kind.
        kind: Kind,
        /// The revision.
        at: Revision,
        /// Only these ids; `None` for all.
        ids: Option<Vec<String>>,
        /// Ids after this one.
        after: Option<String>,
        /// At most so many, 1 to [`PAGE_LIMIT`].
        limit: usize,
    },
    /// Everything that was written to one record, or to a space, the newest first.
    History {
        /// Where.
        space: Space,
        /// Only this record; `None` for the whole space.
        key: Option<Key>,
        /// Entries before this place (revision, ordinal); `None` from the newest.
        before: Option<(Revision, u32)>,
        /// At most so many, 1 to [`PAGE_LIMIT`].
        limit: usize,
    },
    /// How many requirements there are of each status, phase, category and priority. The counts are
    /// rows written in the same transaction as the requirements.
    Tally {
        /// Where.
        space: Space,
    },
}

/// Present records of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordQuery {
    /// Where.
    pub space: Space,
    /// Which kind. Filters, search and sort keys other than `req_id` work for requirements only.
    pub kind: Kind,
    /// All must hold.
    pub filters: Vec<Filter>,
    /// All terms must occur; `None` for no search. Same rules on every engine: see [`SearchTerms`].
    pub search: Option<String>,
    /// Sort keys, the first most significant; at most 5. The id always follows as the last.
    pub sort: Vec<Sort>,
    /// At most so many, 1 to [`PAGE_LIMIT`].
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Whether to count all matches.
    pub count: bool,
}

impl RecordQuery {
    /// All records of a kind, by id, in pages of [`PAGE_LIMIT`].
    pub fn all(space: Space, kind: Kind) -> Self {
        RecordQuery {
            space,
            kind,
            filters: Vec::new(),
            search: None,
            sort: Vec::new(),
            limit: PAGE_LIMIT,
            cursor: None,
            count: false,
        }
    }
}

/// A condition on one column: its value is one of `any_of`.
///
/// Text is compared ignoring case (Unicode simple folding by `char::to_lowercase`). For `status` and
/// `priority` the value is compared, not the text of the file; `dependencies` and `blocks` match a
/// requirement that names the id. An empty string matches an empty column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// The column.
    pub field: Field,
    /// The values, at least one, at most 100.
    pub any_of: Vec<String>,
}

/// A sort key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// The column. Text sorts by its bytes; status by completion, priority by urgency; a missing phase or
    /// effort comes last in ascending order.
    pub field: Field,
    /// Largest first.
    pub descending: bool,
}

/// The answer to a [`Query`], from one snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// The head of the space in that snapshot.
    pub head: Head,
    /// What was found.
    pub items: Items,
    /// Where to go on; `None` at the end. For [`Query::Records`] the next page's `cursor`, for
    /// [`Query::AsOf`] its `after`; for [`Query::History`] the place for `before`, written
    /// `<revision>-<ordinal>`.
    pub next: Option<String>,
    /// All matches, if they were to be counted.
    pub total: Option<u64>,
}

/// What a page holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Items {
    /// For [`Query::Records`], [`Query::Ids`] and [`Query::AsOf`].
    Records(Vec<Record>),
    /// For [`Query::History`].
    History(Vec<HistoryEntry>),
    /// For [`Query::Tally`].
    Tally(Vec<TallyRow>),
}

/// One write to one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The record.
    pub key: Key,
    /// The head that the write made.
    pub revision: Revision,
    /// The place within its change set.
    pub ordinal: u32,
    /// The content afterwards; `None` for a deletion.
    pub body: Option<rtmx_core::Body>,
    /// The change set.
    pub change_set: ChangeSetId,
    /// Who wrote.
    pub actor: String,
    /// When, by the writer's clock.
    pub at: Timestamp,
    /// What the change was, in the writer's words.
    pub note: String,
}

/// How many requirements share status, phase, category and priority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyRow {
    /// The status.
    pub status: Status,
    /// The phase; `None` for requirements without one.
    pub phase: Option<u32>,
    /// The category.
    pub category: String,
    /// The priority.
    pub priority: Priority,
    /// How many.
    pub count: u64,
}

impl Query {
    /// Present records with these ids.
    pub fn ids(space: Space, kind: Kind, ids: impl IntoIterator<Item = String>) -> Query {
        Query::Ids { space, kind, ids: ids.into_iter().collect() }
    }

    /// The space that the query is about.
    pub fn space(&self) -> &Space {
        match self {
            Query::Records(query) => &query.space,
            Query::Ids { space, .. }
            | Query::AsOf { space, .. }
            | Query::History { space, .. }
            | Query::Tally { space } => space,
        }
    }
}

impl Page {
    /// The records, for a query that answers with records.
    pub fn into_records(self) -> Vec<Record> {
        match self.items {
            Items::Records(records) => records,
            _ => Vec::new(),
        }
    }

    /// The history, for a query that answers with history.
    pub fn into_history(self) -> Vec<HistoryEntry> {
        match self.items {
            Items::History(entries) => entries,
            _ => Vec::new(),
        }
    }

    /// The counts, for a query that answers with counts.
    pub fn into_tally(self) -> Vec<TallyRow> {
        match self.items {
            Items::Tally(rows) => rows,
            _ => Vec::new(),
        }
    }
}
