//! The portable archive: everything that a database holds, in a form that any engine can restore.
//!
//! A line of JSON for each item: a header, then for each space its head, its change sets in order
//! with their writes, and its present records; then a footer with counts and hashes. There is one
//! encoding for one content, so the content hash is the same whichever engine wrote it, and a
//! reader refuses what a writer would not have written. Both sides hold one line at a time.
//!
//! Header and footer are text in the file; the lines between are one raw DEFLATE stream (RFC 1951),
//! so that the first line of any archive can be read without a tool. In version 1 they were text, too,
//! and such archives are still read. Deliberately absent: the new epoch of a restore, which the engine
//! brings.

mod file;
mod hashed;
mod order;
mod reader;
mod writer;

pub use file::{create, open};
pub use reader::ArchiveReader;
pub use writer::ArchiveWriter;

use rtmx_core::{Body, ChangeSetId, Epoch, Key, Record, Revision, Space, Timestamp};
use serde::{Deserialize, Serialize};

/// The version of the format that is written, and the newest that is read.
pub const ARCHIVE_VERSION: u32 = 2;

/// The version whose lines are not compressed; it is read and no longer written.
const PLAIN_VERSION: u32 = 1;

/// What the header names the format.
const FORMAT: &str = "rtmx-archive";

/// The longest line in bytes that a reader takes: a change set of 64 MiB, escaped. Compressed input
/// that grows without an end meets it, too.
const LINE_LIMIT_BYTES: u64 = 256 * 1024 * 1024;

/// The longest header or footer in bytes: each has a few short members.
const EDGE_LIMIT_BYTES: u64 = 4096;

/// The first line of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveHeader {
    /// Always `rtmx-archive`.
    pub format: String,
    /// The version of the format.
    pub version: u32,
    /// The epoch that the archive was taken in. A restore starts another.
    pub epoch: Epoch,
}

/// One line between header and footer.
///
/// The order is fixed: spaces ascending by their text; in each, first its change sets from revision 1
/// to its head without a gap, each followed by its writes by ordinal from 0; then its present records,
/// kinds in the order of [`rtmx_core::Kind::ALL`], ids ascending by bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(clippy::large_enum_variant, reason = "one item lives at a time")]
pub enum ArchiveItem {
    /// A space begins. Spaces that were never written are left out.
    Space(ArchivedSpace),
    /// A change set begins.
    ChangeSet(ArchivedChangeSet),
    /// One write of the change set that began last.
    Write(ArchivedWrite),
    /// A present record of the space that began last.
    Record(Record),
}

/// A space in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedSpace {
    /// The space.
    pub space: Space,
    /// Its newest revision.
    pub head: Revision,
}

/// A change set in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedChangeSet {
    /// The change set's id, so that a retry after a restore is still recognized.
    pub id: ChangeSetId,
    /// The revision that it made.
    pub revision: Revision,
    /// Its [`crate::fingerprint`].
    pub fingerprint: String,
    /// Who wrote.
    pub actor: String,
    /// When, by the writer's clock.
    pub at: Timestamp,
    /// What the change was, in the writer's words.
    pub note: String,
}

/// One write of a change set in an archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedWrite {
    /// The place within the change set.
    pub ordinal: u32,
    /// The record.
    pub key: Key,
    /// The content afterwards; `None` for a deletion.
    pub body: Option<Body>,
}

/// The last line of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Footer {
    spaces: u64,
    records: u64,
    history: u64,
    change_sets: u64,
    /// SHA-256 of the lines between header and footer before they are compressed, line ends included.
    content_hash: String,
    /// SHA-256 of every byte of the file before the footer's line, as it is in the file.
    file_hash: String,
}

/// The footer's line: `{"footer":{...}}`, so that it can be told from an item.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FooterLine {
    footer: Footer,
}
