//! The reference, with one flaw put in at the trait.

use super::Flaw;
use crate::storage::sample;
use async_trait::async_trait;
use rtmx_core::{Applied, ChangeSet, Code, Cx, Error, Expect, Head, Key, Result, Revision, Space, storage};
use rtmx_storage::archive::{ArchiveItem, ArchiveReader, ArchiveWriter};
use rtmx_storage::query::Items;
use rtmx_storage::{
    ArchiveReport, Feed, FeedPosition, Lease, LeaseRequest, MemoryBackend, MigrationPlan, MigrationReport,
    Page, Query, SchemaState, StorageBackend, StorageBackendExt, StorageCapability,
};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The reference with a flaw.
#[derive(Debug)]
pub(super) struct Flawed {
    flaw: Flaw,
    inner: Mutex<Arc<MemoryBackend>>,
    count: AtomicU64,
}

impl Flawed {
    pub(super) async fn new(flaw: Flaw) -> Result<Flawed> {
        let inner = match flaw {
            Flaw::RestoreKeepsTheEpoch => MemoryBackend::new(|| rtmx_core::Epoch(uuid::Uuid::from_u128(7))),
            _ => MemoryBackend::new(sample::new_epoch),
        };
        if flaw == Flaw::WorksWithoutASchema {
            inner.migrate(&Cx::new(), &MigrationPlan::Expand).await?;
        }
        Ok(Flawed { flaw, inner: Mutex::new(Arc::new(inner)), count: AtomicU64::new(1) })
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn inner(&self) -> Arc<MemoryBackend> {
        Arc::clone(&self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The change set as the flaw makes it.
    async fn bent(&self, cx: &Cx, changes: &ChangeSet) -> Result<ChangeSet> {
        let mut bent = changes.clone();
        match self.flaw {
            Flaw::DropsTheLastWrite if bent.changes.len() > 1 => {
                changes.check()?;
                bent.changes.pop();
            }
            Flaw::IgnoresExpectedRevisions => {
                for change in &mut bent.changes {
                    if let Some(found) =
                        self.stored_revision(cx, &bent.space, &change.key, change.expect).await?
                    {
                        change.expect = Expect::At(found);
                    }
                }
            }
            Flaw::IgnoresReliedOn => bent.relies_on.clear(),
            Flaw::IgnoresExpectedHead => bent.head = None,
            Flaw::ForgetsChangeSetIds => {
                let number = self.count.fetch_add(1, Ordering::Relaxed);
                bent.id.0 = uuid::Uuid::from_u64_pair(changes.id.0.as_u64_pair().1, number);
            }
            _ => {}
        }
        Ok(bent)
    }

    async fn stored_revision(
        &self,
        cx: &Cx,
        space: &Space,
        key: &Key,
        expect: Expect,
    ) -> Result<Option<Revision>> {
        if expect == Expect::Absent {
            return Ok(None);
        }
        Ok(self.inner().find(cx, space, key).await?.map(|record| record.revision))
    }
}

/// Writes an archive again, without the records of one id, as an engine would that does not see them.
fn lose_a_row(archive: &Path) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::new(storage::STORAGE_UNAVAILABLE, "could not write the archive").with_source(error)
    };
    let whole = std::fs::read(archive).map_err(failed)?;
    let mut reader = ArchiveReader::new(&whole[..])?;
    let mut writer = ArchiveWriter::new(Vec::new(), reader.header().epoch)?;
    while let Some(item) = reader.next()? {
        if !matches!(&item, ArchiveItem::Record(record) if record.id == "id 0") {
            writer.add(&item)?;
        }
    }
    let (kept, _) = writer.finish()?;
    std::fs::write(archive, kept).map_err(failed)
}

/// Gives an archive the records of an earlier one, as far as both have them.
fn mix(archive: &Path, earlier: &Path) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::new(storage::STORAGE_UNAVAILABLE, "could not read the archive").with_source(error)
    };
    let mut records = HashMap::new();
    let (mut space, whole) = (None, std::fs::read(earlier).map_err(failed)?);
    let mut reader = ArchiveReader::new(&whole[..])?;
    while let Some(item) = reader.next()? {
        match item {
            ArchiveItem::Space(found) => space = Some(found.space),
            ArchiveItem::Record(record) => {
                records.insert((space.clone(), record.body.kind(), record.id.clone()), record);
            }
            _ => {}
        }
    }
    let whole = std::fs::read(archive).map_err(failed)?;
    let mut reader = ArchiveReader::new(&whole[..])?;
    let mut writer = ArchiveWriter::new(Vec::new(), reader.header().epoch)?;
    while let Some(mut item) = reader.next()? {
        match &mut item {
            ArchiveItem::Space(found) => space = Some(found.space.clone()),
            ArchiveItem::Record(record) => {
                let earlier = records.remove(&(space.clone(), record.body.kind(), record.id.clone()));
                *record = earlier.unwrap_or_else(|| record.clone());
            }
            _ => {}
        }
        writer.add(&item)?;
    }
    let (mixed, _) = writer.finish()?;
    std::fs::write(archive, mixed).map_err(failed)
}

fn refused_with(error: &Error, code: Code) -> bool {
    error.code() == code
}

#[async_trait]
impl StorageBackend for Flawed {
    fn capability(&self) -> StorageCapability {
        let mut capability = self.inner().capability();
        capability.archive &= !self.is(Flaw::HidesArchives);
        capability
    }

    async fn head(&self, cx: &Cx, space: &Space) -> Result<Head> {
        self.inner().head(cx, space).await
    }

    async fn fetch(&self, cx: &Cx, query: &Query) -> Result<Page> {
        let mut query = query.clone();
        let continued = matches!(&query, Query::Records(query) if query.cursor.is_some());
        match &mut query {
            Query::Records(records) => match self.flaw {
                Flaw::SortsById => records.sort.clear(),
                Flaw::IgnoresTheSearch => records.search = None,
                Flaw::ObeysOneFilter => records.filters.truncate(1),
                Flaw::BendsLimits => records.limit = records.limit.clamp(1, 1_000),
                Flaw::AcceptsForeignCursors => {
                    let answer = self.inner().fetch(cx, &Query::Records(records.clone())).await;
                    if answer.as_ref().is_err_and(|error| refused_with(error, storage::CURSOR_INVALID)) {
                        records.cursor = None;
                        return self.inner().fetch(cx, &query).await;
                    }
                    return answer;
                }
                _ => {}
            },
            Query::AsOf { at, .. } if self.is(Flaw::AnswersAsOfWithThePresent) => *at = Revision(u64::MAX),
            _ => {}
        }
        let mut page = self.inner().fetch(cx, &query).await?;
        match &mut page.items {
            Items::Records(records) if continued && self.is(Flaw::CursorSkips) => drop(records.drain(..1)),
            Items::History(entries) if self.is(Flaw::ForgetsDeletions) => {
                entries.retain(|entry| entry.body.is_some());
            }
            Items::Tally(rows) if self.is(Flaw::CountsOneTooMany) => {
                rows.iter_mut().take(1).for_each(|row| row.count += 1);
            }
            Items::Records(_) if self.is(Flaw::NamesAnotherSnapshot) => {
                page.head.revision = Revision(page.head.revision.0.saturating_sub(1));
            }
            _ => {}
        }
        Ok(page)
    }

    async fn apply(&self, cx: &Cx, changes: &ChangeSet) -> Result<Applied> {
        let cx = if self.is(Flaw::IgnoresCancellation) { &Cx::new() } else { cx };
        let bent = self.bent(cx, changes).await?;
        let mut answer = self.inner().apply(cx, &bent).await;
        match (self.flaw, &mut answer) {
            (Flaw::AppliesHalf, Err(error)) if refused_with(error, storage::RECORD_EXISTS) => {
                let mut half = bent;
                half.changes.truncate(1);
                half.id.0 = uuid::Uuid::from_u128(!half.id.0.as_u128());
                // The flaw is that this is tried at all.
                let _ = self.inner().apply(cx, &half).await;
            }
            (Flaw::BelievesReusedIds, Err(error)) if refused_with(error, storage::CHANGE_SET_REUSED) => {
                let Head { epoch, revision } = self.inner().head(cx, &bent.space).await?;
                return Ok(Applied { revision, epoch, replayed: true });
            }
            (Flaw::AcknowledgesTheWrongRevision, Ok(applied)) => applied.revision = Revision(1),
            _ => {}
        }
        answer
    }

    async fn changes(
        &self,
        cx: &Cx,
        space: &Space,
        after: FeedPosition,
        limit: usize,
        wait: Option<Duration>,
    ) -> Result<Feed> {
        let wait = wait.filter(|_| !self.is(Flaw::DoesNotWait));
        if let Some(wait) = wait.filter(|_| self.is(Flaw::NeverWakesReaders)) {
            let feed = self.inner().changes(cx, space, after, limit, None).await?;
            if feed.events.is_empty() {
                tokio::time::sleep(wait.min(Duration::from_millis(300))).await;
            }
            return Ok(feed);
        }
        let mut feed = self.inner().changes(cx, space, after, limit, wait).await?;
        if self.is(Flaw::LeavesAGapInTheFeed) {
            feed.events.retain(|event| event.ordinal != 1);
        }
        Ok(feed)
    }

    async fn lease(&self, cx: &Cx, request: &LeaseRequest) -> Result<Lease> {
        let mut request = request.clone();
        if self.is(Flaw::LeasesNeverEnd) {
            request.ttl = Duration::from_secs(1_000_000);
        }
        let mut lease = match self.inner().lease(cx, &request).await {
            Err(_) if self.is(Flaw::GivesLeasesToAll) => {
                let later = request.now.checked_add(Duration::from_secs(3_600)).unwrap_or(request.now);
                self.inner().lease(cx, &LeaseRequest { now: later, ..request.clone() }).await
            }
            answer => answer,
        }?;
        if self.is(Flaw::ForgetsTheFence) {
            lease.fence = 1;
        }
        Ok(lease)
    }

    async fn schema(&self, cx: &Cx) -> Result<SchemaState> {
        self.inner().schema(cx).await
    }

    async fn migrate(&self, cx: &Cx, plan: &MigrationPlan) -> Result<MigrationReport> {
        let mut report = self.inner().migrate(cx, plan).await?;
        if self.is(Flaw::ReportsMigrationsAgain) {
            report.applied = vec![1];
        }
        Ok(report)
    }

    async fn log_in_with(&self, settings: serde_json::Value) -> Result<()> {
        if self.is(Flaw::LogsInWithAnything) {
            return Ok(());
        }
        self.inner().log_in_with(settings).await
    }

    async fn back_up(&self, cx: &Cx, to: &Path) -> Result<ArchiveReport> {
        match self.flaw {
            Flaw::ClaimsArchives => {
                return Err(Error::new(storage::NOT_SUPPORTED, "this backend makes no backups"));
            }
            // Whether there was a file does not matter to this flaw.
            Flaw::OverwritesFiles => drop(std::fs::remove_file(to)),
            _ => {}
        }
        if self.is(Flaw::BacksUpInTwoSteps) {
            let earlier = to.with_extension("earlier");
            self.inner().back_up(cx, &earlier).await?;
            // As long as it takes others to write, if there are any.
            tokio::time::sleep(Duration::from_millis(5)).await;
            let report = self.inner().back_up(cx, to).await?;
            mix(to, &earlier)?;
            return Ok(report);
        }
        let report = self.inner().back_up(cx, to).await?;
        if self.is(Flaw::ArchiveLosesARow) {
            lose_a_row(to)?;
        }
        Ok(report)
    }

    async fn restore(&self, cx: &Cx, from: &Path) -> Result<ArchiveReport> {
        if self.is(Flaw::RestoresOverData) {
            let other = MemoryBackend::new(sample::new_epoch);
            other.migrate(cx, &MigrationPlan::Expand).await?;
            let report = other.restore(cx, from).await?;
            *self.inner.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(other);
            return Ok(report);
        }
        match self.inner().restore(cx, from).await {
            Err(error)
                if self.is(Flaw::AcceptsDamagedArchives)
                    && refused_with(&error, storage::ARCHIVE_INVALID) =>
            {
                let nothing = String::new();
                Ok(ArchiveReport { records: 0, history: 0, change_sets: 0, bytes: 0, content_hash: nothing })
            }
            answer => answer,
        }
    }

    async fn restore_over(&self, cx: &Cx, from: &Path) -> Result<ArchiveReport> {
        match self.flaw {
            Flaw::ReplacesInTwoSteps => {
                let other = MemoryBackend::new(sample::new_epoch);
                other.migrate(cx, &MigrationPlan::Expand).await?;
                *self.inner.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(other);
                self.inner().restore(cx, from).await
            }
            _ => self.inner().restore_over(cx, from).await,
        }
    }

    async fn close(&self, cx: &Cx) -> Result<()> {
        if self.is(Flaw::IgnoresClose) { Ok(()) } else { self.inner().close(cx).await }
    }
}
