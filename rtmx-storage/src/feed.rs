//! The change feed: what happened in a space, in order, without a gap.

use rtmx_core::{ChangeSetId, Epoch, Error, Head, Key, Result, Revision, Timestamp, storage};
use serde::{Deserialize, Serialize};

/// A place in a feed. The text form is `<epoch>-<revision>-<ordinal>`, the epoch by its first 8 digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedPosition {
    /// The epoch the position belongs to, by its first 8 digits; `None` accepts any.
    pub epoch: Option<String>,
    /// The revision of the last event that was seen.
    pub revision: Revision,
    /// The ordinal of the last event that was seen within its revision; `u32::MAX` for all of it.
    pub ordinal: u32,
}

impl FeedPosition {
    /// Before the first event, in any epoch.
    pub const START: FeedPosition = FeedPosition { epoch: None, revision: Revision::ZERO, ordinal: u32::MAX };

    /// After everything up to and including the head.
    pub fn after(head: Head) -> Self {
        FeedPosition { epoch: Some(head.epoch.short()), revision: head.revision, ordinal: u32::MAX }
    }

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// `cursor_invalid`.
    pub fn parse(text: &str) -> Result<FeedPosition> {
        let read = || {
            let mut parts = text.split('-');
            let epoch =
                parts.next().filter(|part| part.len() == 8 && part.bytes().all(|b| b.is_ascii_hexdigit()))?;
            let revision = Revision(parts.next()?.parse().ok()?);
            let ordinal = parts.next().map_or(Some(u32::MAX), |part| part.parse().ok())?;
            parts.next().is_none().then(|| FeedPosition { epoch: Some(epoch.to_owned()), revision, ordinal })
        };
        read().ok_or_else(|| {
            Error::new(storage::CURSOR_INVALID, "the feed cursor is not one that this server gave out")
        })
    }

    /// Fails if the position was given out in another epoch.
    ///
    /// # Errors
    ///
    /// `epoch_changed`.
    pub fn check(&self, epoch: Epoch) -> Result<()> {
        match &self.epoch {
            Some(expected) if *expected != epoch.short() => {
                Err(Error::new(storage::EPOCH_CHANGED, "the feed cursor is from before a restore"))
            }
            _ => Ok(()),
        }
    }
}

impl std::fmt::Display for FeedPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.epoch.as_deref().unwrap_or("00000000"), self.revision)?;
        if self.ordinal == u32::MAX { Ok(()) } else { write!(f, "-{}", self.ordinal) }
    }
}

/// One record's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeEvent {
    /// The head that the change made.
    pub revision: Revision,
    /// The place within the change set, from 0.
    pub ordinal: u32,
    /// The record.
    pub key: Key,
    /// Whether the record is gone.
    pub deleted: bool,
    /// The change set.
    pub change_set: ChangeSetId,
    /// Who wrote.
    pub actor: String,
    /// When, by the writer's clock.
    pub at: Timestamp,
}

/// A part of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// The head of the space in the snapshot that was read.
    pub head: Head,
    /// The events, in order.
    pub events: Vec<ChangeEvent>,
    /// Where to go on: after the last event, or the position asked from if there was none.
    pub next: FeedPosition,
}
