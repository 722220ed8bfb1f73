//! Which of several servers is wanted: `target_session_attrs`.
//!
//! The values and their meaning are libpq's. One default is not: with several hosts it is
//! `read-write`, since RTMX writes, and the first host of the list may be a standby today.

use super::invalid;
use rtmx_core::Result;

/// What is wanted of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Session {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

/// What a server said about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// It replays another server's changes.
    pub(crate) is_standby: bool,
    /// A new transaction there can only read.
    pub(crate) is_read_only: bool,
}

impl Session {
    /// Each value as it is written.
    pub(crate) const NAMES: [(&'static str, Session); 6] = [
        ("any", Session::Any),
        ("read-write", Session::ReadWrite),
        ("read-only", Session::ReadOnly),
        ("primary", Session::Primary),
        ("standby", Session::Standby),
        ("prefer-standby", Session::PreferStandby),
    ];

    /// The value of the setting, or the default for this number of hosts.
    ///
    /// # Errors
    ///
    /// `storage_settings_invalid`.
    pub(crate) fn new(given: Option<&str>, hosts: usize) -> Result<Self> {
        let Some(given) = given else {
            return Ok(if hosts > 1 { Session::ReadWrite } else { Session::Any });
        };
        match Self::NAMES.iter().find(|(name, _)| *name == given) {
            Some((_, session)) => Ok(*session),
            None => {
                let names: Vec<&str> = Self::NAMES.iter().map(|(name, _)| *name).collect();
                Err(invalid(format!("`target_session_attrs` must be one of {}", names.join(", "))))
            }
        }
    }

    /// What to look for, one pass over all hosts after the other.
    pub(crate) fn passes(self) -> &'static [Session] {
        match self {
            Session::Any => &[Session::Any],
            Session::ReadWrite => &[Session::ReadWrite],
            Session::ReadOnly => &[Session::ReadOnly],
            Session::Primary => &[Session::Primary],
            Session::Standby => &[Session::Standby],
            Session::PreferStandby => &[Session::Standby, Session::Any],
        }
    }

    /// Whether this server will do.
    pub(crate) fn accepts(self, standing: Standing) -> bool {
        match self {
            Session::Any | Session::PreferStandby => true,
            Session::ReadWrite => !standing.is_read_only,
            Session::ReadOnly => standing.is_read_only,
            Session::Primary => !standing.is_standby,
            Session::Standby => standing.is_standby,
        }
    }

    /// The value as it is written.
    pub(crate) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, session)| *session == self).expect("every value has a name").0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_takes_the_servers_that_libpq_takes() {
        let primary = Standing { is_standby: false, is_read_only: false };
        let standby = Standing { is_standby: true, is_read_only: true };
        let frozen = Standing { is_standby: false, is_read_only: true };
        // value, a primary, a standby, a primary whose transactions only read
        let cases = [
            ("any", true, true, true),
            ("read-write", true, false, false),
            ("read-only", false, true, true),
            ("primary", true, false, true),
            ("standby", false, true, false),
        ];
        for (name, takes_primary, takes_standby, takes_frozen) in cases {
            let session = Session::new(Some(name), 1).expect(name);
            assert_eq!(session.name(), name);
            assert_eq!(session.accepts(primary), takes_primary, "{name}");
            assert_eq!(session.accepts(standby), takes_standby, "{name}");
            assert_eq!(session.accepts(frozen), takes_frozen, "{name}");
        }
    }

    #[test]
    fn several_hosts_are_searched_for_one_that_writes() {
        assert_eq!(Session::new(None, 1).expect("a default"), Session::Any);
        assert_eq!(Session::new(None, 2).expect("a default"), Session::ReadWrite);
        assert!(Session::new(Some("master"), 1).is_err());
    }
}
