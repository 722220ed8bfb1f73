//! One project's matrix at one head, and the answers that were computed from it.

use bytes::Bytes;
use rtmx_core::trace::Matrix;
use rtmx_core::{Body, Error, Head, Key, Kind, Result, storage};
use serde::Serialize;
use std::any::{Any, type_name};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The most answers that one snapshot remembers; beyond it they are computed each time.
const ANSWER_LIMIT: usize = 128;

/// The most pages of lists that one snapshot remembers, and the largest that it does, its question
/// included: 4 MiB in all.
const PAGE_LIMIT: usize = 64;
const PAGE_BYTES: usize = 64 * 1024;

/// One project's matrix at one head. Never changes while anybody holds it.
#[derive(Debug)]
pub struct Snapshot {
    /// The head that the matrix is of.
    pub head: Head,
    /// The graph.
    pub matrix: Matrix,
    /// The test links by their record ids.
    links: BTreeMap<String, Link>,
    /// Answers by their type and the question.
    answers: Mutex<HashMap<String, Arc<Answer>>>,
    /// Pages of lists by the question.
    pages: Mutex<HashMap<String, Bytes>>,
}

/// An answer once it is known.
type Answer = OnceLock<Arc<dyn Any + Send + Sync>>;

/// What is kept of a test link.
#[derive(Debug, Clone)]
struct Link {
    requirement: String,
    names_test: bool,
}

impl Snapshot {
    pub(super) fn empty(head: Head) -> Self {
        Snapshot {
            head,
            matrix: Matrix::new(),
            links: BTreeMap::new(),
            answers: Mutex::default(),
            pages: Mutex::default(),
        }
    }

    /// The same matrix for somebody else to move forward; answers are not taken along.
    pub(super) fn copy(&self) -> Self {
        let (head, matrix, links) = (self.head, self.matrix.clone(), self.links.clone());
        Snapshot { head, matrix, links, answers: Mutex::default(), pages: Mutex::default() }
    }

    /// The record ids of a requirement's test links, in order.
    pub fn test_links(&self, requirement: &str) -> Vec<String> {
        // A link's record id begins with the requirement's id and `|`; an id may itself hold a `|`.
        let prefix = format!("{requirement}|");
        let from = self.links.range(prefix.clone()..).take_while(|(record, _)| record.starts_with(&prefix));
        from.filter(|(_, link)| link.requirement == requirement).map(|(record, _)| record.clone()).collect()
    }

    /// Takes note of a record; `None` when it is gone.
    pub(super) fn put(&mut self, key: &Key, body: Option<&Body>) {
        match (key.kind, body) {
            (Kind::Requirement, Some(Body::Requirement(requirement))) => {
                self.matrix.upsert(&key.id, requirement);
            }
            (Kind::Requirement, _) => self.matrix.remove(&key.id),
            (Kind::TestLink, Some(Body::TestLink(link))) => {
                let link = Link { requirement: link.req_id.clone(), names_test: link.names_test() };
                if link.names_test {
                    self.matrix.add_test(&link.requirement);
                }
                let replaced = self.links.insert(key.id.clone(), link);
                self.forget_test(replaced);
            }
            (Kind::TestLink, _) => {
                let gone = self.links.remove(&key.id);
                self.forget_test(gone);
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

    fn forget_test(&mut self, link: Option<Link>) {
        if let Some(link) = link.filter(|link| link.names_test) {
            self.matrix.remove_test(&link.requirement);
        }
    }

    pub(super) fn move_to(&mut self, head: Head) {
        self.head = head;
        self.answers = Mutex::default();
        self.pages = Mutex::default();
    }

    /// The page of a list that [`Snapshot::keep_page`] was given for this question.
    pub fn page(&self, question: &str) -> Option<Bytes> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).get(question).cloned()
    }

    /// Remembers a page of a list at this head, which somebody else will ask for: the first of a table,
    /// or one that a script looks at again and again. Large ones are not kept, and of many the last.
    pub fn keep_page(&self, question: String, page: &Bytes) {
        if question.len() + page.len() > PAGE_BYTES {
            return;
        }
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.len() >= PAGE_LIMIT {
            pages.clear();
        }
        pages.insert(question, page.clone());
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
        let json = self.remember(question, |snapshot| to_json(&compute(snapshot))).await?;
        Ok(Bytes::clone(&json))
    }

    /// The answer to a question as a value, computed once for this head, off the async threads.
    /// `question` must name everything that the computation depends on but the answer's type.
    ///
    /// # Errors
    ///
    /// `internal` if the computation panics.
    pub async fn remember<T: Send + Sync + 'static>(
        self: Arc<Self>,
        question: String,
        compute: impl FnOnce(&Snapshot) -> T + Send + 'static,
    ) -> Result<Arc<T>> {
        let cell = self.cell(format!("{}: {question}", type_name::<T>()));
        let known = match cell.get() {
            Some(known) => Arc::clone(known),
            None => {
                let work = move || Arc::clone(cell.get_or_init(|| Arc::new(compute(&self))));
                tokio::task::spawn_blocking(work).await.map_err(|panic| {
                    Error::new(storage::INTERNAL, "the analysis ended early").with_source(panic)
                })?
            }
        };
        Ok(known.downcast().expect("the key of an answer holds its type"))
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

    fn cell(&self, question: String) -> Arc<Answer> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::{Epoch, Revision};

    #[test]
    fn pages_are_kept_until_the_head_moves_and_take_a_bounded_room() {
        let head = |revision| Head { epoch: Epoch(uuid::Uuid::from_u128(1)), revision: Revision(revision) };
        let mut snapshot = Snapshot::empty(head(1));
        let page = Bytes::from_static(b"[]");
        snapshot.keep_page("one".to_owned(), &page);
        assert_eq!(snapshot.page("one"), Some(page.clone()));
        assert_eq!(snapshot.page("two"), None);
        snapshot.keep_page("large".to_owned(), &vec![b' '; PAGE_BYTES + 1].into());
        assert_eq!(snapshot.page("large"), None);
        let long = "?".repeat(PAGE_BYTES);
        snapshot.keep_page(long.clone(), &page);
        assert_eq!(snapshot.page(&long), None);
        for number in 0..10 * PAGE_LIMIT {
            snapshot.keep_page(number.to_string(), &page);
            assert!(snapshot.page(&number.to_string()).is_some());
            assert!(snapshot.pages.lock().expect("nobody else").len() <= PAGE_LIMIT);
        }
        snapshot.move_to(head(2));
        assert_eq!(snapshot.pages.lock().expect("nobody else").len(), 0);
    }
}
