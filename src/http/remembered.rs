//! What was read of the system space and of statuses, good for as long as the head that it is of.
//!
//! Each request asks who sends it and whether there is its project, and the answer seldom changes.
//! The decision to know: the head is read first, at every request, and what is kept under another
//! one is not used; so a write counts at once, whichever process made it. What is not there is
//! never kept.

use axum::body::Bytes;
use rtmx_core::{Cx, Head, Key, Record, Result, Space};
use rtmx_storage::{StorageBackend, StorageBackendExt};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most records, and the most statuses, that are kept; beyond, all of them are forgotten.
const KEPT: usize = 1_024;

/// What was read, by the head that it is of.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    system: Mutex<System>,
    statuses: Mutex<HashMap<String, (Head, Bytes)>>,
}

#[derive(Debug, Default)]
struct System {
    head: Option<Head>,
    records: HashMap<Key, Arc<Record>>,
    had_tokens: Option<bool>,
}

impl Remembered {
    /// A record of the system space.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub(super) async fn find(
        &self,
        storage: &dyn StorageBackend,
        cx: &Cx,
        key: Key,
    ) -> Result<Option<Arc<Record>>> {
        let head = storage.head(cx, &Space::System).await?;
        if let Some(known) = self.system(head).records.get(&key) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(found) = storage.find(cx, &Space::System, &key).await? else { return Ok(None) };
        let found = Arc::new(found);
        let mut system = self.system(head);
        if system.records.len() >= KEPT {
            system.records.clear();
        }
        system.records.insert(key, Arc::clone(&found));
        Ok(Some(found))
    }

    /// Whether it is known that the installation ever had a token; `ask` finds out if it is not.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub(super) async fn had_tokens(
        &self,
        storage: &dyn StorageBackend,
        cx: &Cx,
        ask: impl Future<Output = Result<bool>>,
    ) -> Result<bool> {
        let head = storage.head(cx, &Space::System).await?;
        if let Some(known) = self.system(head).had_tokens {
            return Ok(known);
        }
        let had = ask.await?;
        self.system(head).had_tokens = Some(had);
        Ok(had)
    }

    /// The status of a project at a head, as JSON.
    pub(super) fn status(&self, project: &str, head: Head) -> Option<Bytes> {
        let statuses = self.statuses();
        statuses.get(project).filter(|(of, _)| *of == head).map(|(_, status)| status.clone())
    }

    /// Keeps the status of a project in place of that of an earlier head.
    pub(super) fn keep_status(&self, project: &str, head: Head, status: Bytes) {
        let mut statuses = self.statuses();
        if statuses.len() >= KEPT {
            statuses.clear();
        }
        statuses.insert(project.to_owned(), (head, status));
    }

    /// What is kept under this head; what was kept under another one is forgotten.
    fn system(&self, head: Head) -> MutexGuard<'_, System> {
        let mut system = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        if system.head != Some(head) {
            *system = System { head: Some(head), ..System::default() };
        }
        system
    }

    fn statuses(&self) -> MutexGuard<'_, HashMap<String, (Head, Bytes)>> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
