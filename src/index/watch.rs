//! Live changes: one poller for each project that somebody watches, fanned out to all of them.
//!
//! The decision to know: a watcher reads the feed itself until it has caught up, and then takes what
//! the poller sends, leaving out what it has seen. The head is read before the poller can begin, so
//! the poller never begins after the point where a watcher stops reading by itself, and there is no
//! gap. A watcher that is too slow is told so and dropped; the position of the last event that it
//! got is where it resumes.

use bytes::Bytes;
use rtmx_core::{Cx, Error, Head, Result, Space, storage};
use rtmx_storage::{Feed, FeedPosition, StorageBackend};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::{self, Receiver, Sender};

/// How many parts of a feed a watcher may be behind before it is dropped.
const BEHIND_LIMIT: usize = 64;
/// How many events a part holds.
const PART_LIMIT: usize = 1_000;
/// How long the storage is asked to wait for news; also how long a poller outlives its last watcher.
const WAIT: Duration = Duration::from_secs(5);
/// How long a poller waits after the storage failed.
const PAUSE: Duration = Duration::from_secs(1);

type Senders = Arc<Mutex<HashMap<String, Sender<Arc<Part>>>>>;

/// A part of a feed, as it is sent to all who watch.
#[derive(Debug)]
pub struct Part {
    /// What happened.
    pub feed: Feed,
    text: OnceLock<Bytes>,
}

impl Part {
    /// The part written out, which is done once, however many ask. All must write alike.
    pub fn written(&self, write: impl FnOnce(&Feed) -> Bytes) -> Bytes {
        self.text.get_or_init(|| write(&self.feed)).clone()
    }
}

/// The pollers that run.
#[derive(Debug, Default)]
pub struct Watches {
    senders: Senders,
}

impl Watches {
    /// Begins to watch a project. What was written before is read from the feed by the caller, after this.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub async fn subscribe(
        &self,
        backend: &Arc<dyn StorageBackend>,
        cx: &Cx,
        project: &str,
    ) -> Result<Receiver<Arc<Part>>> {
        let space = Space::Project(project.to_owned());
        let head = backend.head(cx, &space).await?;
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = senders.get(project) {
            return Ok(sender.subscribe());
        }
        let (sender, receiver) = broadcast::channel(BEHIND_LIMIT);
        senders.insert(project.to_owned(), sender.clone());
        let poller = Poller { backend: Arc::clone(backend), project: project.to_owned(), space, sender };
        tokio::spawn(poller.run(head, Arc::clone(&self.senders)));
        Ok(receiver)
    }

    /// How many pollers run.
    pub fn pollers(&self) -> usize {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

struct Poller {
    backend: Arc<dyn StorageBackend>,
    project: String,
    space: Space,
    sender: Sender<Arc<Part>>,
}

impl Poller {
    async fn run(self, head: Head, senders: Senders) {
        let mut position = FeedPosition::after(head);
        let mut fails = false;
        while !self.is_over(&senders) {
            match self
                .backend
                .changes(&Cx::new(), &self.space, position.clone(), PART_LIMIT, Some(WAIT))
                .await
            {
                Ok(feed) if feed.events.is_empty() => fails = false,
                Ok(feed) => {
                    fails = false;
                    position = feed.next.clone();
                    // Without a watcher there is nobody to miss it: the next one catches up by itself.
                    let _ = self.sender.send(Arc::new(Part { feed, text: OnceLock::new() }));
                }
                Err(error) if ends_watching(&error) => {
                    senders.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.project);
                    return;
                }
                Err(error) => {
                    if !fails {
                        tracing::warn!(project = %self.project, code = %error.code(), "could not read the change feed");
                    }
                    fails = true;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Whether nobody watches any more; then the poller is forgotten, so that the next watcher makes one.
    fn is_over(&self, senders: &Senders) -> bool {
        let mut senders = senders.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = self.sender.receiver_count() == 0;
        if is_over {
            senders.remove(&self.project);
        }
        is_over
    }
}

/// A restore ends every position. A database that is away comes back, and who watches misses nothing.
fn ends_watching(error: &Error) -> bool {
    error.code() == storage::EPOCH_CHANGED
}
