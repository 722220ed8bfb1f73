//! The simulated disk: what the files hold now, and everything that was done to them.
//!
//! The disk itself never forgets: it logs each operation, and [`crate::image`] decides afterwards
//! what of it a loss of power would have left. The driver looks at files by their names, too (their
//! inodes, whether there is a log, how long it is), so a real folder stands beside each disk and holds
//! an empty placeholder for each of its files; no content ever goes there.

use crate::failing::Failing;
use crate::locks::{FileLocks, Shared};
use crate::planted::Plant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The number of a file: a name that was deleted and made again stands for another one.
pub(crate) type Inode = usize;

/// What was done to a disk, in order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Event {
    Create {
        name: String,
        inode: Inode,
    },
    Delete {
        name: String,
    },
    Write {
        inode: Inode,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        inode: Inode,
        size: usize,
    },
    /// What the file holds is durable.
    Sync {
        inode: Inode,
    },
    /// Which names there are is durable.
    SyncFolder,
    /// A sync failed: what was not durable will never be, whatever a later sync says.
    SyncFailed {
        inode: Inode,
    },
    /// The workload's first `steps` steps have been acknowledged.
    Acknowledged {
        steps: usize,
    },
}

/// The files of a disk without power, by name.
pub(crate) type Image = BTreeMap<String, Vec<u8>>;

/// A disk, and the folder of its placeholders.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
    state: Mutex<State>,
    held: Mutex<bool>,
    released: Condvar,
}

/// What is under the disk's lock.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) names: BTreeMap<String, Inode>,
    pub(crate) files: Vec<Vec<u8>>,
    pub(crate) locks: BTreeMap<Inode, FileLocks>,
    pub(crate) shared: BTreeMap<Inode, Shared>,
    pub(crate) failing: Option<Failing>,
    pub(crate) plant: Option<Plant>,
    /// What the device claims of its writes, as SQLite's flags.
    pub(crate) claims: i32,
    /// Reads, writes and all other calls so far.
    pub(crate) calls: u64,
    /// Files that are open.
    pub(crate) open: usize,
    /// A sync that was confirmed and has not happened: only with a planted fault.
    pub(crate) owed: Option<Inode>,
    log: Option<Vec<Event>>,
    long_log: bool,
    checkpoints: u64,
    /// Whether another disk is in the folder now.
    retired: bool,
}

/// How long the driver lets a log become before it moves it into the database, in bytes.
const CHECKPOINT_BYTES: u64 = 4 * 1024 * 1024;

impl Disk {
    /// An empty disk whose placeholders are in `folder`.
    pub(crate) fn new(folder: &Path) -> Arc<Disk> {
        Arc::new(Disk {
            folder: folder.to_owned(),
            state: Mutex::default(),
            held: Mutex::new(false),
            released: Condvar::new(),
        })
    }

    /// The folder of the placeholders.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The state, for one operation.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts other files on the disk, as after a loss of power, and begins a log if `record`.
    pub(crate) fn load(&self, image: &Image, claims: i32, record: bool) {
        let mut state = self.lock();
        *state = State { claims, log: record.then(Vec::new), ..State::default() };
        for (inode, (name, bytes)) in image.iter().enumerate() {
            state.names.insert(name.clone(), inode);
            state.files.push(bytes.clone());
            self.mirror(name, u64::from(!bytes.is_empty()));
        }
    }

    /// Takes the placeholders away, for another disk in the same folder.
    pub(crate) fn retire(&self) {
        let mut state = self.lock();
        for name in std::mem::take(&mut state.names).keys() {
            self.unmirror(name);
        }
        state.retired = true;
    }

    /// What was done since the disk was loaded.
    pub(crate) fn take_log(&self) -> Vec<Event> {
        self.lock().log.take().unwrap_or_default()
    }

    /// The files as they are now, as after a stop of the process alone.
    pub(crate) fn live(&self) -> Image {
        let state = self.lock();
        state.names.iter().map(|(name, inode)| (name.clone(), state.files[*inode].clone())).collect()
    }

    /// Notes that the workload's first `steps` steps have been acknowledged.
    pub(crate) fn acknowledge(&self, steps: usize) {
        self.lock().note(Event::Acknowledged { steps });
    }

    /// Lets the placeholder of the write-ahead log look so long that the driver's next look at it
    /// leads to a checkpoint. It ends with that checkpoint.
    pub(crate) fn want_checkpoint(&self) {
        let mut state = self.lock();
        state.long_log = true;
        // Longer each time: the driver asks once for each length that it sees.
        state.checkpoints += 1;
        for name in state.names.keys().filter(|name| name.ends_with("-wal")) {
            self.resize(name, CHECKPOINT_BYTES + state.checkpoints);
        }
    }

    /// Ends what [`Disk::want_checkpoint`] began.
    pub(crate) fn checkpointed(&self, state: &mut State) {
        if std::mem::take(&mut state.long_log) {
            for name in state.names.keys().filter(|name| name.ends_with("-wal")) {
                self.resize(name, 0);
            }
        }
    }

    /// Ends the fault of a trial; whether there was one. How often it was met stays known.
    pub(crate) fn lift(&self) -> bool {
        match &mut self.lock().failing {
            None => false,
            Some(failing) => {
                failing.lifted = true;
                true
            }
        }
    }

    /// Makes whoever wants to begin a write wait.
    pub(crate) fn hold_writers(&self) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Lets the writers go on.
    pub(crate) fn release_writers(&self) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.released.notify_all();
    }

    /// Waits while writers are held.
    pub(crate) fn wait_while_held(&self) {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.released.wait_while(held, |held| *held).unwrap_or_else(PoisonError::into_inner));
    }

    /// Makes a file; a name that is there already keeps its own.
    pub(crate) fn create(&self, state: &mut State, name: &str) -> Inode {
        if let Some(inode) = state.names.get(name) {
            return *inode;
        }
        let inode = state.files.len();
        state.files.push(Vec::new());
        if state.retired {
            return inode;
        }
        state.names.insert(name.to_owned(), inode);
        state.note(Event::Create { name: name.to_owned(), inode });
        let long = state.long_log && name.ends_with("-wal");
        self.mirror(name, if long { CHECKPOINT_BYTES + state.checkpoints } else { 0 });
        inode
    }

    /// Takes a name away; whether it was there.
    pub(crate) fn delete(&self, state: &mut State, name: &str) -> bool {
        let found = state.names.remove(name).is_some();
        if found {
            state.note(Event::Delete { name: name.to_owned() });
            self.unmirror(name);
        }
        found
    }

    /// Writes into a file.
    pub(crate) fn write(&self, state: &mut State, inode: Inode, at: usize, bytes: &[u8]) {
        let file = &mut state.files[inode];
        let empty = file.is_empty();
        overwrite(file, at, bytes);
        let named = state.names.iter().find(|(_, named)| **named == inode);
        if let Some((name, _)) = named {
            if empty && !name.ends_with("-wal") {
                self.resize(name, 1);
            }
            state.note(Event::Write { inode, at, bytes: bytes.to_vec() });
        }
    }

    fn mirror(&self, name: &str, size: u64) {
        let made = std::fs::File::create(self.folder.join(name)).and_then(|file| file.set_len(size));
        made.expect("the folder of placeholders is writable");
    }

    fn unmirror(&self, name: &str) {
        // Another test of the same worker may have tidied up already.
        let _ = std::fs::remove_file(self.folder.join(name));
    }

    fn resize(&self, name: &str, size: u64) {
        let file = std::fs::File::options().write(true).open(self.folder.join(name));
        file.and_then(|file| file.set_len(size)).expect("a placeholder stands for each file");
    }
}

impl State {
    /// A file without a name, whose operations nobody logs: what is temporary does not survive anyway.
    pub(crate) fn unnamed(&mut self) -> Inode {
        self.files.push(Vec::new());
        self.files.len() - 1
    }

    /// Logs an operation.
    pub(crate) fn note(&mut self, event: Event) {
        if let Some(log) = &mut self.log {
            log.push(event);
        }
    }
}

/// Writes into the bytes of a file; what lies between its end and `at` becomes zeros.
pub(crate) fn overwrite(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[at..end].copy_from_slice(bytes);
}
