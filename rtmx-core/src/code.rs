//! Stable error codes.
//!
//! A code is a promise: its `id` never changes meaning, and scripts, the handbook and
//! `rtmxctl explain` all read the one registry in [`crate::all_codes`]. A code is declared next to
//! its area in `codes/`, never built at run time.

use crate::ErrorKind;
use std::fmt;

/// One entry of the registry of error codes.
#[derive(Debug, PartialEq, Eq)]
pub struct CodeEntry {
    /// Stable name in snake case, such as `stale_revision`.
    pub id: &'static str,
    /// What the caller can do about it.
    pub kind: ErrorKind,
    /// The HTTP status that the API answers with (RFC 9110).
    pub status: u16,
    /// The exit code of `rtmxctl`.
    pub exit: u8,
    /// One sentence: what happened.
    pub summary: &'static str,
    /// Why it happens, in sentences.
    pub detail: &'static str,
    /// What to do next, in sentences, with a command where there is one.
    pub next: &'static str,
}

/// A stable error code; compares and hashes by its id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code(pub(crate) &'static CodeEntry);

impl Code {
    /// The code's stable name.
    pub fn id(self) -> &'static str {
        self.0.id
    }

    /// The registry entry behind the code.
    pub fn entry(self) -> &'static CodeEntry {
        self.0
    }

    /// Looks a code up by its id.
    pub fn find(id: &str) -> Option<Code> {
        crate::all_codes().find(|code| code.id() == id)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.id)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.id)
    }
}

/// Declares the codes of one area as constants, and the slice that the registry chains together.
macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident = $id:literal, $kind:ident, $status:literal, exit $exit:literal,
        $summary:literal, $detail:literal, $next:literal;)*) => {
        $(
            #[doc = $summary]
            $(#[$meta])*
            pub const $name: $crate::Code = $crate::Code(&$crate::CodeEntry {
                id: $id, kind: $crate::ErrorKind::$kind, status: $status, exit: $exit,
                summary: $summary, detail: $detail, next: $next,
            });
        )*
        pub(crate) const ALL: &[$crate::Code] = &[$($name),*];
    };
}
pub(crate) use codes;

/// For tests: asserts that an error has this code.
///
/// `cargo xtask tidy` asks for at least one call for every code of the registry, so that each is
/// provoked by a test. `found` is the id that came back, from an [`crate::Error`] or a problem document.
///
/// # Panics
///
/// If the codes differ.
#[track_caller]
pub fn assert_code(found: impl AsRef<str>, wanted: Code) {
    assert_eq!(found.as_ref(), wanted.id(), "another error than `{wanted}` came back");
}

impl AsRef<str> for crate::Error {
    fn as_ref(&self) -> &str {
        self.code().id()
    }
}
