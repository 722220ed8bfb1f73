//! The state into an archive and back.

use super::state::{Logged, SpaceState, State};
use crate::ArchiveReport;
use crate::archive::{
    ArchiveItem, ArchiveReader, ArchiveWriter, ArchivedChangeSet, ArchivedSpace, ArchivedWrite,
};
use rtmx_core::{Epoch, Error, Kind, Record, Result, Revision, Space, storage};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::Arc;

/// Writes everything.
pub(super) fn write<W: Write>(state: &State, out: W) -> Result<(W, ArchiveReport)> {
    let mut archive = ArchiveWriter::new(out, state.epoch)?;
    let by_text: BTreeMap<String, &Space> =
        state.spaces.keys().map(|space| (space.to_string(), space)).collect();
    for space in by_text.into_values() {
        let held = &state.spaces[space];
        archive.add(&ArchiveItem::Space(ArchivedSpace { space: space.clone(), head: held.head() }))?;
        for (revision, logged) in (1..).map(Revision).zip(&held.log) {
            archive.add(&ArchiveItem::ChangeSet(ArchivedChangeSet {
                id: logged.id,
                revision,
                fingerprint: logged.fingerprint.clone(),
                actor: logged.actor.clone(),
                at: logged.at,
                note: logged.note.clone(),
            }))?;
            for (ordinal, (key, body)) in (0..).zip(&logged.writes) {
                let body = body.as_deref().cloned();
                archive.add(&ArchiveItem::Write(ArchivedWrite { ordinal, key: key.clone(), body }))?;
            }
        }
        for (id, stored) in Kind::ALL.iter().filter_map(|kind| held.records.get(kind)).flatten() {
            let body = (*stored.body).clone();
            archive.add(&ArchiveItem::Record(Record { id: id.clone(), revision: stored.revision, body }))?;
        }
    }
    archive.finish()
}

/// The state that an archive makes of an empty one.
///
/// The present records follow from the writes; the archive's own must be the same ones.
pub(super) fn restored(before: &State, epoch: Epoch, input: impl BufRead) -> Result<(State, ArchiveReport)> {
    if before.spaces.values().any(|space| space.head() > Revision::ZERO) {
        return Err(Error::new(
            storage::RESTORE_NOT_EMPTY,
            "could not restore: the database holds data already",
        ));
    }
    let mut archive = ArchiveReader::new(input)?;
    let mut state = State::empty(epoch);
    state.migrations.clone_from(&before.migrations);
    let mut space: Option<Space> = None;
    let mut pending: Option<Logged> = None;
    let mut records: u64 = 0;
    while let Some(item) = archive.next()? {
        if !matches!(item, ArchiveItem::Write(_)) {
            settle(&mut state, space.as_ref(), &mut pending)?;
        }
        match item {
            ArchiveItem::Space(next) => {
                space = Some(next.space);
            }
            ArchiveItem::ChangeSet(next) => {
                let ArchivedChangeSet { id, fingerprint, actor, at, note, .. } = next;
                pending = Some(Logged { id, fingerprint, actor, at, note, writes: Vec::new() });
            }
            ArchiveItem::Write(write) => {
                let body = write.body.map(Arc::new);
                pending.iter_mut().for_each(|logged| logged.writes.push((write.key.clone(), body.clone())));
            }
            ArchiveItem::Record(record) => {
                let held = space.as_ref().and_then(|space| state.spaces.get(space)?.find(&record.key()));
                if held.is_none_or(|held| held.revision != record.revision || *held.body != record.body) {
                    return Err(contradiction(&format!("{} is not what was written last", record.key())));
                }
                records += 1;
            }
        }
    }
    settle(&mut state, space.as_ref(), &mut pending)?;
    let present: usize = state.spaces.values().map(present).sum();
    if present as u64 != records {
        return Err(contradiction(&format!("it holds {records} present records of {present}")));
    }
    Ok((state, archive.finish()?))
}

/// Adds the change set that was read last.
fn settle(state: &mut State, space: Option<&Space>, pending: &mut Option<Logged>) -> Result<()> {
    let (Some(space), Some(logged)) = (space, pending.take()) else { return Ok(()) };
    if state.change_sets.contains_key(&logged.id) {
        return Err(contradiction(&format!("the change set {} is there twice", logged.id.0)));
    }
    state.push(space, logged);
    Ok(())
}

fn present(space: &SpaceState) -> usize {
    space.records.values().map(BTreeMap::len).sum()
}

fn contradiction(why: &str) -> Error {
    Error::new(storage::ARCHIVE_INVALID, format!("could not read the archive: {why}"))
}
