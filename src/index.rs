//! The matrix of each project, in memory, for the questions that walk the graph.
//!
//! The decision to know: a request reads the head of its project first and gets a snapshot at that
//! head or a newer one, so no answer is stale, whoever wrote. A snapshot is moved forward by the
//! change feed, with the bodies as they were at exactly its head; it is built anew after a restore
//! or when it is far behind. However many requests wait for it, it is built once. Deliberately
//! absent: any write path. The storage is the truth, and this is a reading of it.

mod build;
mod gate;
mod snapshot;
mod watch;

pub use gate::{LinkGuard, PlainGuard};
pub use snapshot::Snapshot;
pub use watch::{Part, Watches};

use rtmx_core::{Cx, Error, Head, Result, Space, storage};
use rtmx_storage::StorageBackend;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The indexes of all projects that were asked about.
#[derive(Debug)]
pub struct Indexes {
    storage: Arc<dyn StorageBackend>,
    projects: Mutex<HashMap<String, Arc<ProjectIndex>>>,
    /// Who watches the projects' changes.
    pub watches: Watches,
}

#[derive(Debug, Default)]
struct ProjectIndex {
    current: RwLock<Option<Arc<Snapshot>>>,
    /// Held by whoever builds; the others wait and find the result.
    building: Arc<tokio::sync::Mutex<()>>,
    /// Shared by plain edits, exclusive for edits of links.
    gate: Arc<tokio::sync::RwLock<()>>,
}

impl Indexes {
    /// No index yet; each is built when it is first asked for.
    pub fn new(storage: Arc<dyn StorageBackend>) -> Self {
        Indexes { storage, projects: Mutex::default(), watches: Watches::default() }
    }

    /// The project's matrix at its head, or at a newer one.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub async fn at_head(&self, cx: &Cx, project: &str) -> Result<Arc<Snapshot>> {
        let head = self.storage.head(cx, &Space::Project(project.to_owned())).await?;
        self.reaching(cx, project, head).await
    }

    /// The project's matrix at this head, which the caller has just read, or at a newer one.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub async fn reaching(&self, cx: &Cx, project: &str, head: Head) -> Result<Arc<Snapshot>> {
        let index = self.project(project);
        if let Some(snapshot) = index.reaching(head) {
            return Ok(snapshot);
        }
        let guard = Arc::clone(&index.building).lock_owned().await;
        if let Some(snapshot) = index.reaching(head) {
            return Ok(snapshot);
        }
        // A task of its own, so that a client that goes away does not throw the others' work away.
        let (storage, cx) = (Arc::clone(&self.storage), cx.clone());
        let space = Space::Project(project.to_owned());
        let built = tokio::spawn(async move {
            let _guard = guard;
            build::bring_forward(&*storage, &cx, &space, &index.current, head).await
        });
        built.await.map_err(|panic| {
            Error::new(storage::INTERNAL, "the index could not be built").with_source(panic)
        })?
    }

    /// Waits for the right to edit without touching a link. Held while the edit is applied.
    pub async fn edit_plainly(&self, project: &str) -> PlainGuard {
        PlainGuard::new(Arc::clone(&self.project(project).gate)).await
    }

    /// Waits for the right to add links, alone within this process. Held while cycles are looked
    /// for and the edit is applied; other processes are kept out by the expected head.
    pub async fn edit_links(&self, project: &str) -> LinkGuard {
        LinkGuard::new(Arc::clone(&self.project(project).gate)).await
    }

    fn project(&self, project: &str) -> Arc<ProjectIndex> {
        let mut projects = self.projects.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = projects.get(project) {
            return Arc::clone(index);
        }
        let index = Arc::new(ProjectIndex::default());
        projects.insert(project.to_owned(), Arc::clone(&index));
        index
    }
}

impl ProjectIndex {
    /// The snapshot, if it is of this head or a newer one of the same epoch.
    fn reaching(&self, head: Head) -> Option<Arc<Snapshot>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let reaches =
            |found: &&Arc<Snapshot>| found.head.epoch == head.epoch && found.head.revision >= head.revision;
        current.as_ref().filter(reaches).cloned()
    }
}
