//! The file system layer that SQLite uses in this program, in place of the one for Unix.
//!
//! It is registered as the default, so the driver opens its connections as it always does, and has
//! no setting for it. It does what SQLite's own layer does to the disk: the first sync of a journal or
//! a write-ahead log that may be new syncs the folder, too, and no other call does.
//!
//! Source: `unixOpen`, `unixSync` and `unixDelete` in SQLite's `os_unix.c`.

use crate::disk::{Disk, Event, Inode, State};
use crate::failing::Call;
use crate::locks::Level;
use crate::planted::Plant;
use sqlite_plugin::flags::{AccessFlags, CreateMode, LockLevel, OpenKind, OpenMode, OpenOpts, ShmLockMode};
use sqlite_plugin::vars;
use sqlite_plugin::vfs::{RegisterOpts, Vfs, VfsHandle, VfsResult, register_static};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The size of what a device writes as one, in bytes; what SQLite's layer for Unix reports.
pub(crate) const SECTOR: usize = 4096;

/// What the layer for Unix claims by default: a write changes no byte beside it.
///
/// Source: `setDeviceCharacteristics` in SQLite's `os_unix.c`.
pub(crate) const CLAIMS_OF_UNIX: i32 = vars::SQLITE_IOCAP_POWERSAFE_OVERWRITE;
/// Nothing is claimed: what shares a sector with a torn write may be ruined.
pub(crate) const CLAIMS_NOTHING: i32 = 0;
/// The claims of a device that does far more than it does: planted.
pub(crate) const CLAIMS_EVERYTHING: i32 = vars::SQLITE_IOCAP_ATOMIC
    | vars::SQLITE_IOCAP_SAFE_APPEND
    | vars::SQLITE_IOCAP_SEQUENTIAL
    | vars::SQLITE_IOCAP_POWERSAFE_OVERWRITE;

/// The lock that a connection takes to write into the log.
///
/// Source: `WAL_WRITE_LOCK` in SQLite's `wal.c`.
const WRITE_LOCK: u32 = 0;

static DISKS: Mutex<BTreeMap<PathBuf, Arc<Disk>>> = Mutex::new(BTreeMap::new());
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

/// Makes the layer SQLite's default, once in a process.
pub(crate) fn install() {
    let options = RegisterOpts { make_default: true };
    let registered = register_static(c"rtmx-crash-lab".to_owned(), Layer, options);
    registered.map(drop).expect("SQLite takes another layer before its first connection");
}

/// Puts a disk in the place of its folder.
pub(crate) fn mount(disk: &Arc<Disk>) {
    let mut disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
    disks.insert(disk.folder().to_owned(), Arc::clone(disk));
}

struct Layer;

/// An open file.
pub(crate) struct Handle {
    disk: Arc<Disk>,
    connection: u64,
    inode: Inode,
    kind: OpenKind,
    read_only: bool,
    level: Level,
    syncs_folder: bool,
    delete_on_close: Option<String>,
}

impl VfsHandle for Handle {
    fn readonly(&self) -> bool {
        self.read_only
    }

    fn in_memory(&self) -> bool {
        false
    }
}

/// The disk that holds a path, and the file's name there.
fn place(path: &str) -> VfsResult<(Arc<Disk>, String)> {
    let path = Path::new(path);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(vars::SQLITE_CANTOPEN);
    };
    let disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
    let disk = disks.get(folder).cloned().ok_or(vars::SQLITE_CANTOPEN)?;
    Ok((disk, name.to_string_lossy().into_owned()))
}

/// Counts a call, and fails it if it is to fail.
fn attempt(state: &mut State, call: Call) -> VfsResult<()> {
    state.calls += 1;
    let number = state.calls;
    state.failing.as_mut().and_then(|failing| failing.verdict(number, call)).map_or(Ok(()), Err)
}

impl Vfs for Layer {
    type Handle = Handle;

    fn canonical_path<'a>(&self, path: Cow<'a, str>) -> VfsResult<Cow<'a, str>> {
        Ok(path)
    }

    fn open(&self, path: Option<&str>, opts: OpenOpts) -> VfsResult<Handle> {
        let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        let Some(path) = path else {
            // A temporary file; of no disk, because SQLite does not say for which database it is.
            let disk = Disk::new(Path::new(""));
            let inode = disk.lock().unnamed();
            return Ok(Handle::new(disk, connection, inode, opts, None));
        };
        let (disk, name) = place(path)?;
        let mut state = disk.lock();
        attempt(&mut state, Call::Open)?;
        let found = state.names.get(&name).copied();
        let create = match opts.mode() {
            OpenMode::ReadWrite { create } => create,
            OpenMode::ReadOnly => CreateMode::None,
        };
        let inode = match (found, create) {
            (Some(_), CreateMode::MustCreate) | (None, CreateMode::None) => {
                return Err(vars::SQLITE_CANTOPEN);
            }
            (Some(inode), _) => inode,
            (None, _) => disk.create(&mut state, &name),
        };
        state.open += 1;
        drop(state);
        Ok(Handle::new(disk, connection, inode, opts, Some(name)))
    }

    fn delete(&self, path: &str) -> VfsResult<()> {
        let (disk, name) = place(path)?;
        let mut state = disk.lock();
        attempt(&mut state, Call::Delete)?;
        if disk.delete(&mut state, &name) { Ok(()) } else { Err(vars::SQLITE_IOERR_DELETE_NOENT) }
    }

    fn access(&self, path: &str, _flags: AccessFlags) -> VfsResult<bool> {
        let (disk, name) = place(path)?;
        let found = disk.lock().names.contains_key(&name);
        Ok(found)
    }

    fn file_size(&self, handle: &mut Handle) -> VfsResult<usize> {
        Ok(handle.disk.lock().files[handle.inode].len())
    }

    fn truncate(&self, handle: &mut Handle, size: usize) -> VfsResult<()> {
        let mut state = handle.disk.lock();
        attempt(&mut state, Call::Truncate)?;
        state.files[handle.inode].resize(size, 0);
        state.note(Event::Truncate { inode: handle.inode, size });
        Ok(())
    }

    fn write(&self, handle: &mut Handle, offset: usize, data: &[u8]) -> VfsResult<usize> {
        let mut state = handle.disk.lock();
        let outcome = attempt(&mut state, Call::Write);
        // What fails may have been done in part.
        let done = if outcome.is_ok() { data } else { &data[..data.len() / 2] };
        if !done.is_empty() {
            handle.disk.write(&mut state, handle.inode, offset, done);
        }
        outcome.map(|()| data.len())
    }

    fn read(&self, handle: &mut Handle, offset: usize, data: &mut [u8]) -> VfsResult<usize> {
        let mut state = handle.disk.lock();
        let outcome = attempt(&mut state, Call::Read);
        let file = &state.files[handle.inode];
        let found = file.get(offset..).unwrap_or_default();
        let length = found.len().min(data.len());
        let length = if outcome.is_ok() { length } else { length / 2 };
        data[..length].copy_from_slice(&found[..length]);
        outcome.map(|()| length)
    }

    fn sync(&self, handle: &mut Handle) -> VfsResult<()> {
        let mut state = handle.disk.lock();
        if let Err(code) = attempt(&mut state, Call::Sync) {
            state.note(Event::SyncFailed { inode: handle.inode });
            return Err(code);
        }
        let plant = state.plant;
        match plant {
            Some(Plant::DatabaseSyncDropped) if handle.kind == OpenKind::MainDb => {}
            Some(Plant::LogSyncDropped) if handle.kind == OpenKind::Wal => {}
            Some(Plant::SyncConfirmedEarly) => {
                if let Some(inode) = state.owed.replace(handle.inode) {
                    state.note(Event::Sync { inode });
                }
            }
            _ => state.note(Event::Sync { inode: handle.inode }),
        }
        if std::mem::take(&mut handle.syncs_folder) && plant != Some(Plant::FolderSyncDropped) {
            state.note(Event::SyncFolder);
        }
        if handle.kind == OpenKind::MainDb {
            handle.disk.checkpointed(&mut state);
        }
        Ok(())
    }

    fn close(&self, handle: Handle) -> VfsResult<()> {
        let mut state = handle.disk.lock();
        if let Some(locks) = state.locks.get_mut(&handle.inode) {
            locks.lower(handle.connection, Level::Unlocked);
        }
        state.open = state.open.saturating_sub(1);
        if let Some(name) = &handle.delete_on_close {
            handle.disk.delete(&mut state, name);
        }
        Ok(())
    }

    fn lock(&self, handle: &mut Handle, level: LockLevel) -> VfsResult<()> {
        let mut state = handle.disk.lock();
        let locks = state.locks.entry(handle.inode).or_default();
        locks.raise(handle.connection, level_of(level)).map_err(|_| vars::SQLITE_BUSY)?;
        handle.level = level_of(level);
        Ok(())
    }

    fn unlock(&self, handle: &mut Handle, level: LockLevel) -> VfsResult<()> {
        let mut state = handle.disk.lock();
        state.locks.entry(handle.inode).or_default().lower(handle.connection, level_of(level));
        handle.level = level_of(level);
        Ok(())
    }

    fn check_reserved_lock(&self, handle: &mut Handle) -> VfsResult<bool> {
        Ok(handle.disk.lock().locks.entry(handle.inode).or_default().is_reserved())
    }

    fn sector_size(&self, _handle: &mut Handle) -> VfsResult<i32> {
        Ok(i32::try_from(SECTOR).expect("a sector is small"))
    }

    fn device_characteristics(&self, handle: &mut Handle) -> VfsResult<i32> {
        Ok(handle.disk.lock().claims)
    }

    fn shm_map(
        &self,
        handle: &mut Handle,
        region_idx: usize,
        region_size: usize,
        extend: bool,
    ) -> VfsResult<Option<NonNull<u8>>> {
        let mut state = handle.disk.lock();
        let shared = state.shared.entry(handle.inode).or_default();
        shared.enter(handle.connection);
        Ok(shared.region(region_idx, region_size, extend))
    }

    fn shm_lock(&self, handle: &mut Handle, offset: u32, count: u32, mode: ShmLockMode) -> VfsResult<()> {
        if offset == WRITE_LOCK && matches!(mode, ShmLockMode::LockExclusive) {
            handle.disk.wait_while_held();
        }
        let places = offset as usize..(offset + count) as usize;
        let mut state = handle.disk.lock();
        let shared = state.shared.entry(handle.inode).or_default();
        let taken = match mode {
            ShmLockMode::LockShared => shared.take(handle.connection, places, true),
            ShmLockMode::LockExclusive => shared.take(handle.connection, places, false),
            ShmLockMode::UnlockShared | ShmLockMode::UnlockExclusive => {
                shared.give(handle.connection, places);
                Ok(())
            }
        };
        taken.map_err(|_| vars::SQLITE_BUSY)
    }

    fn shm_barrier(&self, handle: &mut Handle) {
        // Every connection passes this lock, which is a barrier in itself.
        drop(handle.disk.lock());
    }

    fn shm_unmap(&self, handle: &mut Handle, _delete: bool) -> VfsResult<()> {
        let mut state = handle.disk.lock();
        if let Some(shared) = state.shared.get_mut(&handle.inode) {
            shared.leave(handle.connection);
            if shared.is_unused() {
                state.shared.remove(&handle.inode);
            }
        }
        Ok(())
    }
}

impl Handle {
    fn new(disk: Arc<Disk>, connection: u64, inode: Inode, opts: OpenOpts, name: Option<String>) -> Handle {
        let may_be_new = matches!(
            opts.mode(),
            OpenMode::ReadWrite { create: CreateMode::Create | CreateMode::MustCreate }
        );
        let kind = opts.kind();
        let is_log = matches!(kind, OpenKind::MainJournal | OpenKind::SuperJournal | OpenKind::Wal);
        Handle {
            disk,
            connection,
            inode,
            syncs_folder: may_be_new && is_log,
            kind,
            read_only: opts.mode().is_readonly(),
            level: Level::Unlocked,
            delete_on_close: name.filter(|_| opts.delete_on_close()),
        }
    }
}

fn level_of(level: LockLevel) -> Level {
    match level {
        LockLevel::Unlocked => Level::Unlocked,
        LockLevel::Shared => Level::Shared,
        LockLevel::Reserved => Level::Reserved,
        LockLevel::Pending => Level::Pending,
        LockLevel::Exclusive => Level::Exclusive,
    }
}
