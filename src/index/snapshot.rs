//! One project's matrix at one head, and the answers that were computed from it.

use bytes::Bytes;
use rtmx_core::trace::Matrix;
use rtmx_core::{Body, Error, Head, Key, Kind, Result, storage};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The most answers that one snapshot remembers; beyond it they are computed each time.
const ANSWER_LIMIT: usize = 128;

/// One project's matrix at one head. Never changes while anybody holds it.
#[derive(Debug)]
pub struct Snapshot {
    /// The head that the matrix is of.
    pub head: Head,
    /// The graph.
    pub matrix: Matrix,
    /// The record ids of the test links, each with its requirement's id.
    links: BTreeMap<String, String>,
    /// Answers as JSON, by the question.
    answers: Mutex<HashMap<String, Arc<OnceLock<Bytes>>>>,
}

impl Snapshot {
    pub(super) fn empty(head: Head) -> Self {
        Snapshot { head, matrix: Matrix::new(), links: BTreeMap::new(), answers: Mutex::default() }
    }

    /// The same matrix for somebody else to move forward; answers are not taken along.
    pub(super) fn copy(&self) -> Self {
        let (head, matrix, links) = (self.head, self.matrix.clone(), self.links.clone());
        Snapshot { head, matrix, links, answers: Mutex::default() }
    }

    /// The record ids of a requirement's test links, in order.
    pub fn test_links(&self, requirement: &str) -> Vec<String> {
        // A link's record id begins with the requirement's id and `|`; an id may itself hold a `|`.
        let prefix = format!("{requirement}|");
        let from = self.links.range(prefix.clone()..).take_while(|(record, _)| record.starts_with(&prefix));
        from.filter(|(_, owner)| owner.as_str() == requirement).map(|(record, _)| record.clone()).collect()
    }

    /// Takes note of a record; `None` when it is gone.
    pub(super) fn put(&mut self, key: &Key, body: Option<&Body>) {
        match (key.kind, body) {
            (Kind::Requirement, Some(Body::Requirement(requirement))) => {
                self.matrix.upsert(&key.id, requirement);
            }
            (Kind::Requirement, _) => self.matrix.remove(&key.id),
            (Kind::TestLink, Some(Body::TestLink(link))) => {
                self.links.insert(key.id.clone(), link.req_id.clone());
            }
            (Kind::TestLink, _) => {
                self.links.remove(&key.id);
            }
            (Kind::RequirementText, Some(Body::RequirementText(text))) => {
                self.matrix.set_document(&key.id, Some(text));
            }
            (Kind::RequirementText, _) => self.matrix.set_document(&key.id, None),
            (Kind::Layout, Some(Body::Layout(layout))) => self.matrix.set_layout(Some(layout)),
            (Kind::Layout, _) => self.matrix.set_layout(None),
            _ => {}
        }
    }

    pub(super) fn move_to(&mut self, head: Head) {
        self.head = head;
        self.answers = Mutex::default();
    }

    /// The answer to a question as JSON, computed once for this head, off the async threads.
    /// `question` must name everything that the computation depends on.
    ///
    /// # Errors
    ///
    /// `internal` if the computation panics.
    pub async fn answer<T: Serialize>(
        self: Arc<Self>,
        question: String,
        compute: impl FnOnce(&Snapshot) -> T + Send + 'static,
    ) -> Result<Bytes> {
        let cell = self.cell(question);
        if let Some(known) = cell.get() {
            return Ok(known.clone());
        }
        let work = move || cell.get_or_init(|| to_json(&compute(&self))).clone();
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|panic| Error::new(storage::INTERNAL, "the analysis ended early").with_source(panic))
    }

    /// Computes something off the async threads without remembering it.
    ///
    /// # Errors
    ///
    /// `internal` if the computation panics.
    pub async fn compute<T: Send + 'static>(
        self: Arc<Self>,
        compute: impl FnOnce(&Snapshot) -> T + Send + 'static,
    ) -> Result<T> {
        let done = tokio::task::spawn_blocking(move || compute(&self)).await;
        done.map_err(|panic| Error::new(storage::INTERNAL, "the analysis ended early").with_source(panic))
    }

    fn cell(&self, question: String) -> Arc<OnceLock<Bytes>> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = answers.get(&question) {
            return Arc::clone(cell);
        }
        let cell = Arc::new(OnceLock::new());
        if answers.len() < ANSWER_LIMIT {
            answers.insert(question, Arc::clone(&cell));
        }
        cell
    }
}

fn to_json<T: Serialize>(value: &T) -> Bytes {
    serde_json::to_vec(value).expect("an analysis is plain data").into()
}
