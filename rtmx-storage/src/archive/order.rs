//! The order that items of an archive come in; writer and reader both walk it.

use super::{ArchiveItem, Footer};
use crate::fingerprint::hex;
use rtmx_core::{Kind, Revision, Space};
use sha2::{Digest, Sha256};

/// Where an archive is, what it held so far, and the hash of its content.
#[derive(Debug, Default)]
pub(super) struct Progress {
    space: Option<(Space, Revision)>,
    revision: Revision,
    writes: u32,
    record: Option<(usize, String)>,
    spaces: u64,
    pub(super) records: u64,
    pub(super) history: u64,
    pub(super) change_sets: u64,
    content: Sha256,
}

impl Progress {
    /// Hashes an item's line.
    pub(super) fn line(&mut self, line: &[u8]) {
        self.content.update(line);
    }

    /// Checks that an item may come next.
    pub(super) fn accept(&mut self, item: &ArchiveItem) -> Result<(), String> {
        match item {
            ArchiveItem::Space(next) => {
                self.end_of_space()?;
                if self.space.as_ref().is_some_and(|(last, _)| last.to_string() >= next.space.to_string()) {
                    return Err(format!("the space `{}` is out of order", next.space));
                }
                if next.head == Revision::ZERO {
                    return Err(format!("the space `{}` is there and was never written", next.space));
                }
                self.space = Some((next.space.clone(), next.head));
                (self.revision, self.writes, self.record) = (Revision::ZERO, 0, None);
                self.spaces += 1;
            }
            ArchiveItem::ChangeSet(next) => {
                let head = self.head()?;
                self.end_of_change_set()?;
                if self.record.is_some() || next.revision != self.revision.next() || next.revision > head {
                    return Err(format!("the change set of revision {} is out of order", next.revision));
                }
                (self.revision, self.writes) = (next.revision, 0);
                self.change_sets += 1;
            }
            ArchiveItem::Write(next) => {
                self.head()?;
                if self.record.is_some() || self.revision == Revision::ZERO || next.ordinal != self.writes {
                    return Err(format!("the write to {} is out of order", next.key));
                }
                if next.body.as_ref().is_some_and(|body| body.kind() != next.key.kind) {
                    return Err(format!("the write to {} holds another kind", next.key));
                }
                self.kind(next.key.kind)?;
                self.writes += 1;
                self.history += 1;
            }
            ArchiveItem::Record(next) => {
                let head = self.head()?;
                self.end_of_change_set()?;
                let key = next.key();
                let kind = self.kind(key.kind)?;
                let place = (kind, key.id.clone());
                if self.revision != head || self.record.as_ref().is_some_and(|last| *last >= place) {
                    return Err(format!("the record {key} is out of order"));
                }
                if next.revision == Revision::ZERO || next.revision > head {
                    return Err(format!("the record {key} has a revision that was never made"));
                }
                self.record = Some(place);
                self.records += 1;
            }
        }
        Ok(())
    }

    /// Checks that the archive may end here.
    pub(super) fn end(&mut self) -> Result<(), String> {
        self.end_of_space()
    }

    /// What the footer has to say, after bytes of this hash.
    pub(super) fn footer(&self, file_hash: String) -> Footer {
        Footer {
            spaces: self.spaces,
            records: self.records,
            history: self.history,
            change_sets: self.change_sets,
            content_hash: hex(&self.content.clone().finalize()),
            file_hash,
        }
    }

    fn head(&self) -> Result<Revision, String> {
        self.space.as_ref().map(|(_, head)| *head).ok_or_else(|| "it does not begin with a space".to_owned())
    }

    fn kind(&self, kind: Kind) -> Result<usize, String> {
        let fits = self.space.as_ref().is_some_and(|(space, _)| kind.belongs_in(space));
        let place = Kind::ALL.iter().position(|known| *known == kind).filter(|_| fits);
        place.ok_or_else(|| format!("a {kind} does not belong there"))
    }

    fn end_of_change_set(&self) -> Result<(), String> {
        if self.revision != Revision::ZERO && self.writes == 0 {
            return Err(format!("the change set of revision {} wrote nothing", self.revision));
        }
        Ok(())
    }

    fn end_of_space(&self) -> Result<(), String> {
        let Some((space, head)) = &self.space else { return Ok(()) };
        self.end_of_change_set()?;
        if self.revision != *head {
            return Err(format!("`{space}` ends at revision {} and its head is {head}", self.revision));
        }
        Ok(())
    }
}
