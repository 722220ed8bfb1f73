//! What a case works with: a database of its own, and short words for what cases do all the time.

use rtmx_core::{
    Applied, Body, Change, ChangeSet, ChangeSetId, Cx, Error, Head, Key, Kind, Record, Result, Space,
    Timestamp,
};
use rtmx_storage::{Feed, FeedPosition, MigrationPlan, Page, Query, StorageBackend, StorageBackendExt};
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

type Opening<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;
type Open<T> = Arc<dyn Fn() -> Opening<T> + Send + Sync>;

/// An empty database that belongs to one case.
pub struct Instance {
    backend: Arc<dyn StorageBackend>,
    reopen: Option<Open<Arc<dyn StorageBackend>>>,
    guard: Option<Box<dyn Any + Send>>,
}

impl Instance {
    /// A database that vanishes with its backend.
    pub fn new(backend: Arc<dyn StorageBackend>) -> Self {
        Instance { backend, reopen: None, guard: None }
    }

    /// Says how to open the same database again, after it was closed. A durable backend needs it.
    #[must_use]
    pub fn reopened_by<F, Reopening>(mut self, reopen: F) -> Self
    where
        F: Fn() -> Reopening + Send + Sync + 'static,
        Reopening: Future<Output = Result<Arc<dyn StorageBackend>>> + Send + 'static,
    {
        self.reopen = Some(Arc::new(move || Box::pin(reopen())));
        self
    }

    /// Keeps something for as long as the database is used: what its drop removes, such as a folder.
    #[must_use]
    pub fn guarded_by(mut self, guard: impl Any + Send) -> Self {
        self.guard = Some(Box::new(guard));
        self
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("backend", &self.backend).finish_non_exhaustive()
    }
}

/// Makes instances.
#[derive(Clone)]
pub(crate) struct Factory(Open<Instance>);

impl Factory {
    pub(crate) fn new<F, Fresh>(fresh: F) -> Self
    where
        F: Fn() -> Fresh + Send + Sync + 'static,
        Fresh: Future<Output = Result<Instance>> + Send + 'static,
    {
        Factory(Arc::new(move || Box::pin(fresh())))
    }
}

/// One case's place of work.
pub(crate) struct Bench {
    pub(crate) cx: Cx,
    instance: Instance,
    factory: Factory,
    scratch: TempDir,
}

impl Bench {
    pub(crate) async fn unmigrated(factory: &Factory) -> Result<Bench> {
        let instance = (factory.0)().await?;
        let scratch = TempDir::new().expect("a temporary folder can be made");
        Ok(Bench { cx: Cx::new(), instance, factory: factory.clone(), scratch })
    }

    pub(crate) async fn migrated(factory: &Factory) -> Result<Bench> {
        let bench = Bench::unmigrated(factory).await?;
        bench.db().migrate(&bench.cx, &MigrationPlan::Expand).await?;
        Ok(bench)
    }

    /// Another empty database of the same engine.
    pub(crate) async fn another(&self) -> Bench {
        Bench::migrated(&self.factory).await.expect("a second fresh database can be made")
    }

    /// Closes the database and opens it again.
    pub(crate) async fn reopen(&mut self) {
        let reopen =
            self.instance.reopen.clone().expect("a durable backend comes with a way to open it again");
        self.db().close(&self.cx).await.expect("an open database can be closed");
        self.instance.backend = reopen().await.expect("a closed database can be opened again");
    }

    pub(crate) fn db(&self) -> &dyn StorageBackend {
        &*self.instance.backend
    }

    /// The database for a task of its own.
    pub(crate) fn share(&self) -> Arc<dyn StorageBackend> {
        Arc::clone(&self.instance.backend)
    }

    /// A path in a folder that is removed with the bench.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    pub(crate) async fn head(&self) -> Head {
        self.db().head(&self.cx, &project()).await.expect("the head can be read")
    }

    /// Applies changes that must be accepted.
    #[track_caller]
    pub(crate) fn put(&self, changes: Vec<Change>) -> impl Future<Output = Applied> + Send {
        let at = std::panic::Location::caller();
        let (db, cx, set) = (self.share(), self.cx.clone(), set(changes));
        async move { db.apply(&cx, &set).await.unwrap_or_else(|error| panic!("{at}: not applied: {error:?}")) }
    }

    pub(crate) async fn apply(&self, set: &ChangeSet) -> Result<Applied> {
        self.db().apply(&self.cx, set).await
    }

    /// Applies a change set that must be refused.
    pub(crate) async fn refused(&self, set: &ChangeSet) -> Error {
        self.apply(set).await.expect_err("the change set was to be refused")
    }

    pub(crate) async fn fetch(&self, query: &Query) -> Page {
        self.db().fetch(&self.cx, query).await.unwrap_or_else(|error| panic!("{query:?}: {error:?}"))
    }

    /// A query that must be refused.
    pub(crate) async fn unanswered(&self, query: &Query) -> Error {
        let answer = self.db().fetch(&self.cx, query).await;
        answer.err().unwrap_or_else(|| panic!("{query:?} was to be refused"))
    }

    pub(crate) async fn find(&self, kind: Kind, id: &str) -> Option<Record> {
        self.db().find(&self.cx, &project(), &Key::new(kind, id)).await.expect("a record can be looked for")
    }

    /// The feed of the project from its beginning.
    pub(crate) async fn feed(&self) -> Feed {
        feed_after(self.db(), FeedPosition::START).await
    }
}

/// The feed of the project after a position.
pub(crate) async fn feed_after(db: &dyn StorageBackend, after: FeedPosition) -> Feed {
    db.changes(&Cx::new(), &project(), after, 1_000, None).await.expect("the feed can be read")
}

/// The project that the cases write to.
pub(crate) fn project() -> Space {
    Space::Project("kit".into())
}

/// An id that this run has not used.
pub(crate) fn new_id() -> ChangeSetId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    ChangeSetId(uuid::Uuid::from_u64_pair(0x7274_6d78, NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// A time that every engine must keep to the nanosecond.
pub(crate) fn some_time() -> Timestamp {
    Timestamp::new(1_750_000_000, 123_456_789).expect("the time is in range")
}

/// A change set of the project.
pub(crate) fn set(changes: Vec<Change>) -> ChangeSet {
    let mut set = ChangeSet::new(new_id(), project(), "kit", some_time());
    set.changes = changes;
    set
}

/// Creates a requirement's text: the smallest record.
pub(crate) fn create(id: &str, markdown: &str) -> Change {
    Change::create(id, text(markdown))
}

pub(crate) fn text(markdown: &str) -> Body {
    Body::RequirementText(rtmx_core::RequirementText { markdown: markdown.into() })
}

pub(crate) fn text_key(id: &str) -> Key {
    Key::new(Kind::RequirementText, id)
}
