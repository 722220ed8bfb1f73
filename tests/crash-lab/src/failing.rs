//! Calls of the file system that fail: the Nth one, once or from then on.

use sqlite_plugin::vars;

/// What SQLite asks of the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Open,
    Read,
    Write,
    Truncate,
    Sync,
    Delete,
}

/// Which way a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Any call: the device answers with an error (`EIO`).
    Device,
    /// Calls that need room: there is none (`ENOSPC`).
    Full,
    /// Reads: a part comes, and then an error.
    ShortRead,
}

impl Fault {
    pub(crate) const ALL: [Fault; 3] = [Fault::Device, Fault::Full, Fault::ShortRead];

    /// The word for it on a command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Fault::Device => "eio",
            Fault::Full => "enospc",
            Fault::ShortRead => "short-read",
        }
    }

    fn code(self, call: Call) -> Option<i32> {
        match (self, call) {
            (Fault::Full, Call::Write | Call::Truncate) => Some(vars::SQLITE_FULL),
            (Fault::ShortRead, Call::Read) => Some(vars::SQLITE_IOERR_READ),
            (Fault::Device, Call::Open) => Some(vars::SQLITE_CANTOPEN),
            (Fault::Device, Call::Read) => Some(vars::SQLITE_IOERR_READ),
            (Fault::Device, Call::Write) => Some(vars::SQLITE_IOERR_WRITE),
            (Fault::Device, Call::Truncate) => Some(vars::SQLITE_IOERR_TRUNCATE),
            (Fault::Device, Call::Sync) => Some(vars::SQLITE_IOERR_FSYNC),
            (Fault::Device, Call::Delete) => Some(vars::SQLITE_IOERR_DELETE),
            _ => None,
        }
    }
}

/// Whether a fault passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasts {
    Once,
    FromThenOn,
}

/// A fault that waits for its call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failing {
    pub(crate) fault: Fault,
    pub(crate) lasts: Lasts,
    /// The number of the first call that may fail, counted from 1.
    pub(crate) from: u64,
    /// How many calls have failed.
    pub(crate) met: u64,
    /// Whether it is over.
    pub(crate) lifted: bool,
}

impl Failing {
    /// The error of this call; `None` if it succeeds.
    pub(crate) fn verdict(&mut self, number: u64, call: Call) -> Option<i32> {
        if self.lifted || number < self.from || (self.lasts == Lasts::Once && self.met > 0) {
            return None;
        }
        let code = self.fault.code(call)?;
        self.met += 1;
        Some(code)
    }
}
