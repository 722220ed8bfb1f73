//! The clock on the wall.
//!
//! A debug build, which nobody is given, reads from a variable how many seconds ahead it is, so that a test
//! sees the very programs on another day.

use rtmx_core::Timestamp;

/// The time.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    let ahead_s = if cfg!(debug_assertions) { std::env::var("RTMX_CLOCK_AHEAD_S").ok() } else { None };
    let moved = ahead_s.and_then(|ahead_s| {
        let ahead = std::time::Duration::from_secs(ahead_s.parse().ok()?);
        now.checked_add(ahead).ok()
    });
    moved.unwrap_or(now)
}
