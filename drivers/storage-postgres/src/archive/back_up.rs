//! The database into an archive.

use super::{PORTION, PORTIONS_AHEAD, Portion, panicked, take_any_time};
use crate::connect::Connector;
use crate::error::{Fault, Outcome};
use crate::query::{body, read_key, read_time};
use crate::session::{Session, Statement};
use crate::{heads, rows};
use futures_util::TryStreamExt;
use rtmx_core::{ChangeSetId, Epoch, Error, Kind, Result, Space, storage};
use rtmx_storage::ArchiveReport;
use rtmx_storage::archive::{
    self, ArchiveItem, ArchiveWriter, ArchivedChangeSet, ArchivedSpace, ArchivedWrite,
};
use sqlx::Row;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Writes the snapshot of the session's transaction into a new file, durably.
pub(crate) async fn back_up(
    session: &mut Session,
    connector: &Arc<Connector>,
    to: &Path,
) -> Outcome<ArchiveReport> {
    take_any_time(session, connector).await?;
    let epoch = heads::epoch(session).await?;
    let (portions, given) = mpsc::channel(PORTIONS_AHEAD);
    let path = to.to_owned();
    let writing = tokio::task::spawn_blocking(move || write_file(&path, epoch, given));
    let mut out = Out { portions, portion: Vec::with_capacity(PORTION) };
    let sent = send_everything(session, &mut out).await;
    let sent = match sent {
        Ok(()) => out.end().await,
        // What was written is not an archive without its end; the thread removes it.
        Err(fault) => {
            drop(out);
            Err(fault)
        }
    };
    // Where the file could not be written, that is why nothing could be sent.
    let written = writing.await.map_err(panicked)?;
    match (sent, written) {
        (Ok(()), written) => Ok(written?),
        (Err(Fault::Decided(_)), Err(error)) => Err(error.into()),
        (Err(fault), _) => Err(fault),
    }
}

/// The way of items to the thread that writes.
struct Out {
    portions: mpsc::Sender<Option<Portion>>,
    portion: Portion,
}

impl Out {
    async fn add(&mut self, item: ArchiveItem) -> Outcome<()> {
        self.portion.push(item);
        if self.portion.len() < PORTION {
            return Ok(());
        }
        let portion = std::mem::replace(&mut self.portion, Vec::with_capacity(PORTION));
        self.send(Some(portion)).await
    }

    async fn end(mut self) -> Outcome<()> {
        let last = std::mem::take(&mut self.portion);
        self.send(Some(last)).await?;
        self.send(None).await
    }

    async fn send(&self, portion: Option<Portion>) -> Outcome<()> {
        self.portions.send(portion).await.map_err(|_| {
            Error::new(storage::STORAGE_UNAVAILABLE, "the archive is not being written any more").into()
        })
    }
}

async fn send_everything(session: &mut Session, out: &mut Out) -> Outcome<()> {
    let spaces = "SELECT id, name, revision FROM space WHERE revision > 0 ORDER BY name";
    let spaces = session.rows(session.statement(spaces)).await?;
    for row in spaces {
        let (id, name): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        let space = Space::parse(&name).ok_or_else(|| Fault::Row {
            what: "space",
            column: "name",
            source: format!("`{name}` is not a space").into(),
        })?;
        out.add(ArchiveItem::Space(ArchivedSpace { space, head: heads::revision(row.try_get(2)?) })).await?;
        send_history(session, id, out).await?;
        for kind in Kind::ALL {
            let text = format!("SELECT {} FROM {kind} WHERE space = $1 ORDER BY id", rows::selection(kind)?);
            let statement: Statement<'_> = session.composed(text).bind(id);
            let mut found = session.stream(statement);
            while let Some(row) = found.try_next().await? {
                out.add(ArchiveItem::Record(rows::read(kind, &row)?)).await?;
            }
        }
    }
    Ok(())
}

async fn send_history(session: &mut Session, space: i64, out: &mut Out) -> Outcome<()> {
    const WRITES: &str = "SELECT history.kind, history.id, ordinal, body::text, change_set.revision, change_set.id, \
         fingerprint, actor, at, note FROM change_set \
         JOIN history ON history.space = change_set.space AND history.revision = change_set.revision \
         WHERE change_set.space = $1 ORDER BY change_set.revision, ordinal";
    let mut begun = None;
    let statement = session.statement(WRITES).bind(space);
    let mut found = session.stream(statement);
    while let Some(row) = found.try_next().await? {
        let revision = heads::revision(row.try_get(4)?);
        if begun != Some(revision) {
            begun = Some(revision);
            let set = ArchivedChangeSet {
                id: ChangeSetId(row.try_get(5)?),
                revision,
                fingerprint: row.try_get(6)?,
                actor: row.try_get(7)?,
                at: read_time(&row, 8)?,
                note: row.try_get(9)?,
            };
            out.add(ArchiveItem::ChangeSet(set)).await?;
        }
        let ordinal = u32::try_from(row.try_get::<i64, _>(2)?).unwrap_or(u32::MAX);
        let write = ArchivedWrite { ordinal, key: read_key(&row, 0)?, body: body(&row, 3)? };
        out.add(ArchiveItem::Write(write)).await?;
    }
    Ok(())
}

/// Writes what is given until the end is.
fn write_file(to: &Path, epoch: Epoch, mut given: mpsc::Receiver<Option<Portion>>) -> Result<ArchiveReport> {
    archive::create(to, |out| {
        let mut archive = ArchiveWriter::new(out, epoch)?;
        while let Some(portion) = given.blocking_recv() {
            let Some(portion) = portion else { return archive.finish() };
            for item in portion {
                archive.add(&item)?;
            }
        }
        Err(Error::new(storage::STORAGE_UNAVAILABLE, "the database did not give all of its content"))
    })
}
