//! The in-memory backend: the reference that every engine is compared with.
//!
//! Everything is under one lock, every answer is computed from plain maps, and a change set is
//! checked whole before anything is touched, so that the code can be read as the specification.
//! It keeps 100,000 rows comfortably and nothing across the end of the process.
//! Two things differ from an engine: it has no clock, so a deadline that passes is not noticed (a
//! cancellation is), and its epochs come from whoever made it.

mod answer;
mod bell;
mod portable;
mod schema;
mod state;

use crate::archive;
use crate::memory::bell::Bell;
use crate::memory::state::State;
use crate::{
    ArchiveReport, Feed, FeedPosition, Lease, LeaseRequest, MigrationPlan, MigrationReport, Page, Query,
    SchemaState, StorageBackend, StorageCapability,
};
use async_trait::async_trait;
use rtmx_core::{Applied, ChangeSet, Cx, Epoch, Error, Head, Result, Space, storage};
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A database in memory.
pub struct MemoryBackend {
    state: Mutex<State>,
    bell: Bell,
    new_epoch: Box<dyn Fn() -> Epoch + Send + Sync>,
}

impl MemoryBackend {
    /// An empty database without a schema: [`StorageBackend::migrate`] comes first, as everywhere.
    ///
    /// `new_epoch` is asked now and at each restore, and answers at random.
    pub fn new(new_epoch: impl Fn() -> Epoch + Send + Sync + 'static) -> Self {
        let state = Mutex::new(State::empty(new_epoch()));
        MemoryBackend { state, bell: Bell::new(), new_epoch: Box::new(new_epoch) }
    }

    /// The state, for reading and writing, whatever the schema says.
    ///
    /// No change to the state can panic half way, so a poisoned lock still guards a whole state.
    fn lock(&self, cx: &Cx) -> Result<MutexGuard<'_, State>> {
        if cx.is_cancelled() {
            return Err(Error::new(
                storage::STORAGE_BUSY,
                "the request ended before the operation could start",
            ));
        }
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(Error::new(storage::STORAGE_UNAVAILABLE, "the database was closed"));
        }
        Ok(state)
    }

    /// The state of a database whose schema is as this version wants it.
    fn ready(&self, cx: &Cx) -> Result<MutexGuard<'_, State>> {
        let state = self.lock(cx)?;
        schema::check_ready(&state.migrations)?;
        Ok(state)
    }
}

impl fmt::Debug for MemoryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBackend").finish_non_exhaustive()
    }
}

#[async_trait]
impl StorageBackend for MemoryBackend {
    fn capability(&self) -> StorageCapability {
        StorageCapability { archive: true, ..StorageCapability::NONE }
    }

    async fn head(&self, cx: &Cx, space: &Space) -> Result<Head> {
        Ok(self.ready(cx)?.head(space))
    }

    async fn fetch(&self, cx: &Cx, query: &Query) -> Result<Page> {
        query.check()?;
        answer::answer(&*self.ready(cx)?, query)
    }

    async fn apply(&self, cx: &Cx, changes: &ChangeSet) -> Result<Applied> {
        changes.check()?;
        let applied = self.ready(cx)?.apply(changes)?;
        self.bell.ring(&changes.space);
        Ok(applied)
    }

    async fn changes(
        &self,
        cx: &Cx,
        space: &Space,
        after: FeedPosition,
        limit: usize,
        wait: Option<Duration>,
    ) -> Result<Feed> {
        // Listening begins before the look, so that no change falls between the two.
        let listening = self.bell.listen(space);
        let feed = answer::feed(&*self.ready(cx)?, space, &after, limit)?;
        let Some(wait) = wait.filter(|_| feed.events.is_empty()) else { return Ok(feed) };
        listening.rung_or_over(wait).await;
        answer::feed(&*self.ready(cx)?, space, &after, limit)
    }

    async fn lease(&self, cx: &Cx, request: &LeaseRequest) -> Result<Lease> {
        self.ready(cx)?.lease(request)
    }

    async fn schema(&self, cx: &Cx) -> Result<SchemaState> {
        crate::standing(schema::MIGRATIONS, &self.lock(cx)?.migrations)
    }

    async fn migrate(&self, cx: &Cx, plan: &MigrationPlan) -> Result<MigrationReport> {
        drop(self.lock(cx)?);
        crate::migrate(&mut schema::Steps::new(self), schema::MIGRATIONS, *plan).await
    }

    async fn back_up(&self, cx: &Cx, to: &Path) -> Result<ArchiveReport> {
        let state = self.ready(cx)?;
        archive::create(to, |out| portable::write(&state, out))
    }

    async fn restore(&self, cx: &Cx, from: &Path) -> Result<ArchiveReport> {
        let mut state = self.ready(cx)?;
        let (restored, report) = portable::restored(&state, (self.new_epoch)(), archive::open(from)?)?;
        *state = restored;
        drop(state);
        self.bell.ring_all();
        Ok(report)
    }

    async fn restore_over(&self, cx: &Cx, from: &Path) -> Result<ArchiveReport> {
        let mut state = self.ready(cx)?;
        let mut empty = State::empty(state.epoch);
        empty.migrations.clone_from(&state.migrations);
        let (restored, report) = portable::restored(&empty, (self.new_epoch)(), archive::open(from)?)?;
        *state = restored;
        drop(state);
        self.bell.ring_all();
        Ok(report)
    }

    async fn close(&self, _cx: &Cx) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = state.epoch;
        *state = State::empty(epoch);
        state.closed = true;
        drop(state);
        self.bell.ring_all();
        Ok(())
    }
}
