//! The one writer of the register: what many requests want recorded becomes one change set.
//!
//! While one change set is on its way to the disk, the next gathers, so that the disk's pace decides
//! how many go together and nobody waits for a timer. Who must not be answered before it is durable
//! waits; a renewal does not, and its newest state replaces one that is still on the way. When the
//! register cannot be written, waiters are told so at once, renewals are kept up to a limit and tried
//! again, and customers are served all the while.

use super::super::register::{self, Register};
use rtmx_core::{Change, Cx, Error, Expect, Key, Kind, Result, Retry, Revision, server, storage};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Records in one change set, as many as one look at their revisions can have.
const BATCH: usize = 1_000;
/// Entries on their way to the writer.
const QUEUE: usize = 16_384;
/// Records that wait for a register that cannot be written.
const WAITING_LIMIT: usize = 65_536;
/// How long one change set may take.
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// How soon a failed write is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a change set is made anew because somebody else wrote in between.
const ATTEMPTS: usize = 5;
/// Who writes, for the history.
const ACTOR: &str = "license-server";

/// A record to be written, or deleted without a value.
#[derive(Debug)]
struct Entry {
    key: String,
    value: Option<Value>,
    done: Option<oneshot::Sender<bool>>,
}

/// The way to the writer.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Entry>,
    facts: Arc<Facts>,
}

/// How the writer is doing.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) failing: AtomicBool,
    /// Renewals that were not recorded because too many waited.
    pub(super) dropped: AtomicU64,
    pub(super) change_sets: AtomicU64,
    pub(super) records: AtomicU64,
}

impl Writer {
    /// Starts the writer; it ends when all ways to it are gone, after it has written everything.
    pub(super) fn start(register: Register) -> (Writer, JoinHandle<()>) {
        let (queue, entries) = mpsc::channel(QUEUE);
        let facts = Arc::<Facts>::default();
        let task = tokio::spawn(run(register, entries, Arc::clone(&facts)));
        (Writer { queue, facts }, task)
    }

    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Records, and answers when it is durable.
    ///
    /// # Errors
    ///
    /// `not_ready`; nothing was recorded.
    pub(super) async fn record<T: Serialize>(&self, key: String, value: Option<&T>) -> Result<()> {
        let (done, answer) = oneshot::channel();
        let entry = Entry { key, value: value.map(plain), done: Some(done) };
        self.queue.send(entry).await.map_err(|_| unwritable())?;
        Recording(Some(answer)).durable().await
    }

    /// Begins to record, in the order of the calls. With [`Recording::durable`] it is awaited.
    pub(super) fn begin<T: Serialize>(&self, key: String, value: Option<&T>) -> Recording {
        let (done, answer) = oneshot::channel();
        let entry = Entry { key, value: value.map(plain), done: Some(done) };
        Recording(self.queue.try_send(entry).is_ok().then_some(answer))
    }

    /// Records when there is time. Must be called in the order of the states.
    pub(super) fn record_later<T: Serialize>(&self, key: String, value: &T) {
        let entry = Entry { key, value: Some(plain(value)), done: None };
        if self.queue.try_send(entry).is_err() {
            self.facts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Something that is being recorded.
#[must_use]
#[derive(Debug)]
pub(super) struct Recording(Option<oneshot::Receiver<bool>>);

impl Recording {
    /// Waits until it is durable.
    ///
    /// # Errors
    ///
    /// `not_ready`; nothing was recorded.
    pub(super) async fn durable(self) -> Result<()> {
        let Some(answer) = self.0 else { return Err(unwritable()) };
        if answer.await.unwrap_or(false) { Ok(()) } else { Err(unwritable()) }
    }
}

fn unwritable() -> Error {
    Error::new(server::NOT_READY, "the register cannot be written now").with_state("nothing was recorded")
}

fn plain<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("a record of the register is plain data")
}

async fn run(register: Register, mut entries: mpsc::Receiver<Entry>, facts: Arc<Facts>) {
    let mut waiting: BTreeMap<String, Option<Value>> = BTreeMap::new();
    let mut arrived = Vec::with_capacity(BATCH);
    loop {
        let open = if waiting.is_empty() {
            entries.recv_many(&mut arrived, BATCH).await > 0
        } else {
            let room = WAITING_LIMIT.saturating_sub(waiting.len()).min(BATCH);
            tokio::select! {
                count = entries.recv_many(&mut arrived, room), if room > 0 => count > 0,
                () = tokio::time::sleep(PAUSE) => room > 0 || !entries.is_closed(),
            }
        };
        let mut waiters = Vec::new();
        for Entry { key, value, done } in arrived.drain(..) {
            waiters.extend(done.map(|done| (key.clone(), done)));
            waiting.insert(key, value);
        }
        let written = write(&register, &mut waiting, &facts).await;
        if let Err(error) = &written
            && !facts.failing.swap(true, Ordering::Relaxed)
        {
            tracing::error!(code = %error.code(), causes = ?error.causes(), "cannot write the register: {}", error.message());
        }
        if written.is_ok() && facts.failing.swap(false, Ordering::Relaxed) {
            tracing::info!("the register is written again");
        }
        for (key, done) in waiters {
            // Whoever is told no must not find it recorded later. A line of the audit says what was.
            let failed = written.is_err() && waiting.contains_key(&key);
            if failed && !key.starts_with("audit/") {
                waiting.remove(&key);
            }
            let _ = done.send(!failed);
        }
        if !open {
            if !waiting.is_empty() {
                tracing::error!(
                    records = waiting.len(),
                    "the server ends without having recorded everything"
                );
            }
            return;
        }
    }
}

/// Writes what waits, in change sets; what was written does not wait any more.
async fn write(
    register: &Register,
    waiting: &mut BTreeMap<String, Option<Value>>,
    facts: &Facts,
) -> Result<()> {
    while !waiting.is_empty() {
        let keys: Vec<String> = waiting.keys().take(BATCH).cloned().collect();
        let mut attempt = 1;
        loop {
            let cx = Cx::new().with_deadline(Instant::now() + WRITE_LIMIT);
            match write_once(register, &cx, &keys, waiting).await {
                Err(error) if attempt < ATTEMPTS && was_moved(&error) => attempt += 1,
                outcome => break outcome?,
            }
        }
        facts.change_sets.fetch_add(1, Ordering::Relaxed);
        facts.records.fetch_add(keys.len() as u64, Ordering::Relaxed);
        keys.iter().for_each(|key| _ = waiting.remove(key));
    }
    Ok(())
}

async fn write_once(
    register: &Register,
    cx: &Cx,
    keys: &[String],
    waiting: &BTreeMap<String, Option<Value>>,
) -> Result<()> {
    // A line of the audit is written once, under a name that nobody else has.
    let changing = keys.iter().filter(|key| !key.starts_with("audit/")).cloned().collect::<Vec<_>>();
    let standing: HashMap<String, Revision> = match changing.is_empty() {
        true => HashMap::new(),
        false => register.revisions(cx, changing).await?.into_iter().collect(),
    };
    let change = |key: &String| match (waiting.get(key)?, standing.get(key)) {
        (Some(value), over) => Some(register::put(key, value, over.copied())),
        (None, Some(revision)) => {
            let key = Key::new(Kind::Setting, key.clone());
            Some(Change { key, expect: Expect::At(*revision), put: None })
        }
        (None, None) => None,
    };
    let changes: Vec<Change> = keys.iter().filter_map(change).collect();
    if changes.is_empty() {
        return Ok(());
    }
    register.apply(cx, ACTOR, "", changes).await
}

/// Whether somebody else wrote between the look and the write.
fn was_moved(error: &Error) -> bool {
    let moved =
        [storage::STALE_REVISION, storage::RECORD_EXISTS, storage::RECORD_NOT_FOUND, storage::HEAD_MOVED];
    moved.contains(&error.code()) && error.retry() == Retry::Never
}
