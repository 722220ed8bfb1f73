//! A project as it was at an earlier revision, for whoever reads a whole matrix.
//!
//! An import that is sent again must be compared with what it was compared with the first time, or
//! it would take back what others wrote since. This is the little of a backend that the comparison
//! needs; everything else is not offered.

use async_trait::async_trait;
use rtmx_core::{Applied, ChangeSet, Cx, Error, Head, Result, Revision, Space, storage};
use rtmx_storage::query::Items;
use rtmx_storage::{
    ArchiveReport, Feed, FeedPosition, Lease, LeaseRequest, MigrationPlan, MigrationReport, Page, Query,
    SchemaState, StorageBackend, StorageCapability,
};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A backend that shows its projects at a revision.
#[derive(Debug)]
pub(super) struct Past {
    backend: Arc<dyn StorageBackend>,
    at: Revision,
}

impl Past {
    pub(super) fn new(backend: &Arc<dyn StorageBackend>, at: Revision) -> Self {
        Past { backend: Arc::clone(backend), at }
    }

    fn refused<T>(&self) -> Result<T> {
        Err(Error::new(storage::NOT_SUPPORTED, format!("revision {} is past and can only be read", self.at)))
    }
}

#[async_trait]
impl StorageBackend for Past {
    fn capability(&self) -> StorageCapability {
        StorageCapability::NONE
    }

    async fn head(&self, cx: &Cx, space: &Space) -> Result<Head> {
        Ok(Head { revision: self.at, ..self.backend.head(cx, space).await? })
    }

    /// Whole kinds in pages, by id, and records by their ids.
    async fn fetch(&self, cx: &Cx, query: &Query) -> Result<Page> {
        let (past, limit) = match query.clone() {
            Query::Records(all) if all.filters.is_empty() && all.search.is_none() && all.sort.is_empty() => {
                let (space, kind, limit) = (all.space, all.kind, all.limit);
                (Query::AsOf { space, kind, at: self.at, ids: None, after: all.cursor, limit }, Some(limit))
            }
            Query::Ids { space, kind, ids } => {
                let limit = ids.len().max(1);
                (Query::AsOf { space, kind, at: self.at, ids: Some(ids), after: None, limit }, None)
            }
            _ => return self.refused(),
        };
        let page = self.backend.fetch(cx, &past).await?;
        let head = Head { revision: self.at, ..page.head };
        let records = page.into_records();
        let is_full = limit.is_some_and(|limit| records.len() == limit);
        let next = records.last().filter(|_| is_full).map(|last| last.id.clone());
        Ok(Page { head, items: Items::Records(records), next, total: None })
    }

    async fn apply(&self, _cx: &Cx, _changes: &ChangeSet) -> Result<Applied> {
        self.refused()
    }

    async fn changes(
        &self,
        _: &Cx,
        _: &Space,
        _: FeedPosition,
        _: usize,
        _: Option<Duration>,
    ) -> Result<Feed> {
        self.refused()
    }

    async fn lease(&self, _cx: &Cx, _request: &LeaseRequest) -> Result<Lease> {
        self.refused()
    }

    async fn schema(&self, cx: &Cx) -> Result<SchemaState> {
        self.backend.schema(cx).await
    }

    async fn migrate(&self, _cx: &Cx, _plan: &MigrationPlan) -> Result<MigrationReport> {
        self.refused()
    }

    async fn back_up(&self, _cx: &Cx, _to: &Path) -> Result<ArchiveReport> {
        self.refused()
    }

    async fn restore(&self, _cx: &Cx, _from: &Path) -> Result<ArchiveReport> {
        self.refused()
    }

    async fn close(&self, _cx: &Cx) -> Result<()> {
        self.refused()
    }
}
