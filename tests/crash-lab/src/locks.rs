//! Locks on files and shared memory, as connections of one machine see them; a crash ends them all.
//!
//! Shared memory is made of cells whose content SQLite changes through the pointers that it is
//! given, so nothing here ever reads them.

use std::cell::UnsafeCell;
use std::collections::BTreeMap;
use std::ptr::NonNull;

/// How a connection holds a file, as SQLite's rollback journal wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Unlocked,
    Shared,
    Reserved,
    Pending,
    Exclusive,
}

/// Who holds a file, by the connection's number.
#[derive(Debug, Default)]
pub(crate) struct FileLocks(BTreeMap<u64, Level>);

/// Somebody else holds what was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Busy;

impl FileLocks {
    /// Raises a connection's lock. A refused exclusive lock stays pending, and lets no new reader in.
    pub(crate) fn raise(&mut self, who: u64, to: Level) -> Result<(), Busy> {
        let own = self.0.get(&who).copied().unwrap_or(Level::Unlocked);
        if own >= to {
            return Ok(());
        }
        let strongest = self.0.iter().filter(|(other, _)| **other != who).map(|(_, level)| *level).max();
        let strongest = strongest.unwrap_or(Level::Unlocked);
        let (granted, answer) = match to {
            Level::Unlocked => (own, Ok(())),
            Level::Shared if strongest >= Level::Pending => (own, Err(Busy)),
            Level::Reserved if strongest >= Level::Reserved => (own, Err(Busy)),
            Level::Pending | Level::Exclusive if strongest >= Level::Reserved => (own, Err(Busy)),
            Level::Exclusive if strongest == Level::Shared => (Level::Pending, Err(Busy)),
            level => (level, Ok(())),
        };
        self.0.insert(who, granted);
        answer
    }

    /// Lowers a connection's lock.
    pub(crate) fn lower(&mut self, who: u64, to: Level) {
        if to == Level::Unlocked {
            self.0.remove(&who);
        } else if let Some(level) = self.0.get_mut(&who) {
            *level = (*level).min(to);
        }
    }

    /// Whether somebody writes or is about to.
    pub(crate) fn is_reserved(&self) -> bool {
        self.0.values().any(|level| *level >= Level::Reserved)
    }
}

/// The number of locks in the shared memory of a database.
///
/// Source: `SQLITE_SHM_NLOCK` in SQLite's manual, "Maximum xShmLock index".
const LOCKS: usize = 8;

/// The shared memory of a database: its regions, and who holds which of its locks.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    regions: Vec<Vec<UnsafeCell<u64>>>,
    held: BTreeMap<u64, [Hold; LOCKS]>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Hold {
    #[default]
    None,
    Shared,
    Exclusive,
}

impl Shared {
    /// A region; `None` if it is not there and is not to be made.
    pub(crate) fn region(&mut self, number: usize, bytes: usize, make: bool) -> Option<NonNull<u8>> {
        while make && self.regions.len() <= number {
            self.regions.push((0..bytes.div_ceil(8)).map(|_| UnsafeCell::new(0)).collect());
        }
        let region = self.regions.get(number)?;
        NonNull::new(UnsafeCell::raw_get(region.as_ptr()).cast())
    }

    /// Takes locks, all or none.
    pub(crate) fn take(
        &mut self,
        who: u64,
        places: std::ops::Range<usize>,
        shared: bool,
    ) -> Result<(), Busy> {
        let others = self.held.iter().filter(|(other, _)| **other != who);
        let hinders = |hold: &Hold| *hold == Hold::Exclusive || (!shared && *hold == Hold::Shared);
        let hindered = others.flat_map(|(_, holds)| &holds[places.clone()]).any(hinders);
        if hindered {
            return Err(Busy);
        }
        let hold = if shared { Hold::Shared } else { Hold::Exclusive };
        self.held.entry(who).or_default()[places].fill(hold);
        Ok(())
    }

    /// Lets go of locks.
    pub(crate) fn give(&mut self, who: u64, places: std::ops::Range<usize>) {
        self.held.entry(who).or_default()[places].fill(Hold::None);
    }

    /// Lets go of everything that a connection holds; the memory itself ends with the last one.
    pub(crate) fn leave(&mut self, who: u64) {
        self.held.remove(&who);
    }

    /// Notes a connection that uses the memory.
    pub(crate) fn enter(&mut self, who: u64) {
        self.held.entry(who).or_default();
    }

    /// Whether nobody uses the memory any more.
    pub(crate) fn is_unused(&self) -> bool {
        self.held.is_empty()
    }
}
