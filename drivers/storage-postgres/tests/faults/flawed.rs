//! Backends with a flaw, to see that the cells find it.

use crate::cells::Cell;
use crate::operation::Operation;
use crate::support::proxy::{Fault, Plan, Point};
use async_trait::async_trait;
use rtmx_core::{Applied, ChangeSet, ChangeSetId, Cx, Expect, Head, Result, Revision, Space, storage};
use rtmx_storage::{
    ArchiveReport, Condition, Feed, FeedPosition, Lease, LeaseRequest, MigrationPlan, MigrationReport, Page,
    Query, SchemaState, StorageBackend, StorageBackendExt, StorageCapability,
};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What is wrong with a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// After a lost answer the change is made anew, under another id and on what is there now.
    MadeAnew,
    /// A lost answer to a commit is taken for a yes.
    TakenForYes,
    /// A lost answer to a commit is taken for a no.
    TakenForNo,
    /// The deadline is not looked at.
    Hangs,
    /// After a lost answer a restore is tried again.
    RestoresAgain,
}

impl Flaw {
    pub(crate) const ALL: [Flaw; 5] =
        [Flaw::MadeAnew, Flaw::TakenForYes, Flaw::TakenForNo, Flaw::Hangs, Flaw::RestoresAgain];

    /// The test's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Flaw::MadeAnew => "a_change_that_is_made_anew_is_found",
            Flaw::TakenForYes => "a_lost_answer_that_is_taken_for_yes_is_found",
            Flaw::TakenForNo => "a_lost_answer_that_is_taken_for_no_is_found",
            Flaw::Hangs => "a_deadline_that_is_not_kept_is_found",
            Flaw::RestoresAgain => "a_restore_that_is_tried_again_is_found",
        }
    }

    /// What the violation says.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Flaw::MadeAnew => "applied twice",
            Flaw::TakenForYes => "lost write",
            Flaw::TakenForNo => "does not say that it may have been",
            Flaw::Hangs => "a call took",
            Flaw::RestoresAgain => "somebody else's",
        }
    }

    /// Cells in which it shows.
    pub(crate) fn cells(self) -> impl Iterator<Item = Cell> {
        let (operations, away) = match self {
            Flaw::RestoresAgain => ([Operation::Restore; 2], false),
            _ => ([Operation::Create, Operation::Replace], true),
        };
        let faults = [(Point::Commit, Fault::CutBefore), (Point::CommitReply(1), Fault::CutBefore)];
        operations.into_iter().flat_map(move |operation| {
            faults.map(|(point, fault)| Cell {
                operation,
                plan: Plan { point, fault, away },
                cold: false,
                server: 0,
            })
        })
    }
}

/// A backend with a flaw.
#[derive(Debug)]
pub(crate) struct Flawed {
    inner: Arc<dyn StorageBackend>,
    flaw: Flaw,
    lost: Mutex<BTreeSet<ChangeSetId>>,
}

impl Flawed {
    pub(crate) fn new(inner: Arc<dyn StorageBackend>, flaw: Flaw) -> Flawed {
        Flawed { inner, flaw, lost: Mutex::default() }
    }

    /// The same change on what is there now.
    async fn anew(&self, cx: &Cx, changes: &ChangeSet) -> Result<ChangeSet> {
        let mut anew = changes.clone();
        anew.id = crate::bench::new_id();
        for change in &mut anew.changes {
            let found = self.inner.find(cx, &changes.space, &change.key).await?;
            change.expect = found.map_or(Expect::Absent, |record| Expect::At(record.revision));
        }
        Ok(anew)
    }
}

#[async_trait]
impl StorageBackend for Flawed {
    async fn apply(&self, cx: &Cx, changes: &ChangeSet) -> Result<Applied> {
        let was_lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner).contains(&changes.id);
        if was_lost && self.flaw == Flaw::MadeAnew {
            let anew = self.anew(cx, changes).await?;
            return self.inner.apply(cx, &anew).await;
        }
        let error = match self.inner.apply(cx, changes).await {
            Ok(applied) => return Ok(applied),
            Err(error) => error,
        };
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).insert(changes.id);
        match self.flaw {
            Flaw::MadeAnew => Err(error),
            Flaw::TakenForYes => {
                let epoch = rtmx_core::Epoch(uuid::Uuid::nil());
                Ok(Applied { revision: Revision(2), epoch, replayed: false })
            }
            Flaw::RestoresAgain => Err(error),
            Flaw::TakenForNo => Err(rtmx_core::Error::new(storage::STORAGE_UNAVAILABLE, "it was lost")),
            Flaw::Hangs => {
                tokio::time::sleep(Duration::from_secs(4)).await;
                Err(error)
            }
        }
    }

    fn capability(&self) -> StorageCapability {
        self.inner.capability()
    }

    fn condition(&self) -> Condition {
        self.inner.condition()
    }

    async fn head(&self, cx: &Cx, space: &Space) -> Result<Head> {
        self.inner.head(cx, space).await
    }

    async fn fetch(&self, cx: &Cx, query: &Query) -> Result<Page> {
        self.inner.fetch(cx, query).await
    }

    async fn changes(
        &self,
        cx: &Cx,
        space: &Space,
        after: FeedPosition,
        limit: usize,
        wait: Option<Duration>,
    ) -> Result<Feed> {
        self.inner.changes(cx, space, after, limit, wait).await
    }

    async fn lease(&self, cx: &Cx, request: &LeaseRequest) -> Result<Lease> {
        self.inner.lease(cx, request).await
    }

    async fn schema(&self, cx: &Cx) -> Result<SchemaState> {
        self.inner.schema(cx).await
    }

    async fn migrate(&self, cx: &Cx, plan: &MigrationPlan) -> Result<MigrationReport> {
        self.inner.migrate(cx, plan).await
    }

    async fn back_up(&self, cx: &Cx, to: &Path) -> Result<ArchiveReport> {
        self.inner.back_up(cx, to).await
    }

    async fn restore(&self, cx: &Cx, from: &Path) -> Result<ArchiveReport> {
        match self.inner.restore(cx, from).await {
            Err(_) if self.flaw == Flaw::RestoresAgain => self.inner.restore(cx, from).await,
            answer => answer,
        }
    }

    async fn close(&self, cx: &Cx) -> Result<()> {
        self.inner.close(cx).await
    }
}
