//! Findings: what is wrong or remarkable in a configuration, each with its place.
//!
//! The same type serves faults and warnings, because the same finding is one or the other depending on
//! [`crate::Strictness`]. A finding's text never holds a secret's content.

use crate::Origin;
use rtmx_core::{Code, Error, config};
use serde::Serialize;
use std::fmt;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum About {
    /// A value that the setting cannot have.
    Value,
    /// A value given twice in one place, such as a variable and its `_FILE` form.
    GivenTwice,
    /// Two settings that contradict each other.
    Contradiction,
    /// A file that is not TOML.
    Syntax,
    /// A file that cannot be read.
    Unreadable,
    /// A key that this version does not know.
    UnknownKey,
    /// A variable that looks like ours and is not.
    UnknownVariable,
    /// A mounted file, or an entry of a remote secret, that is named like no setting.
    UnknownName,
    /// Two variables for one setting that say different things.
    Disagreement,
    /// A value that is wrong, and that a later layer replaces.
    Overridden,
    /// A value that cannot be used, and is left out.
    LeftOut,
    /// A value that is right, and has no effect.
    Unused,
    /// A key that has a new name.
    Renamed,
    /// A file or a source that vanished, and whose last content is kept.
    Kept,
}

impl About {
    fn code(self) -> Code {
        match self {
            About::Syntax => config::CONFIG_SYNTAX,
            About::Unreadable => config::CONFIG_UNREADABLE,
            About::UnknownKey | About::UnknownVariable => config::CONFIG_UNKNOWN_KEY,
            _ => config::CONFIG_INVALID,
        }
    }
}

/// One thing that is wrong or remarkable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub about: About,
    /// Where it is.
    pub origin: Origin,
    /// The key, as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What is the matter and what is wanted, as one phrase.
    pub text: String,
    /// The known key or variable that is most like an unknown one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

impl Finding {
    /// A finding; `text` is a phrase without the place, in lower case and without a full stop.
    pub fn new(about: About, origin: Origin, text: impl Into<String>) -> Finding {
        Finding { about, origin, key: None, text: text.into(), nearest: None }
    }

    /// Names the key.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Finding {
        self.key = Some(key.into());
        self
    }

    /// Names what was probably meant.
    #[must_use]
    pub fn with_nearest(mut self, nearest: Option<String>) -> Finding {
        self.nearest = nearest;
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.text)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; the nearest is `{nearest}`"),
            None => Ok(()),
        }
    }
}

/// All faults of a configuration: the source of the [`Error`] that [`crate::resolve`] returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Faults(Vec<Finding>);

impl Faults {
    /// The faults, in the order of the layers.
    pub fn list(&self) -> &[Finding] {
        &self.0
    }

    /// The faults behind an error, if it is about a configuration.
    pub fn of(error: &Error) -> Option<&Faults> {
        std::error::Error::source(error).and_then(|source| source.downcast_ref())
    }

    /// One error for all of them. Its code is the one that all faults share, else `config_invalid`.
    pub fn into_error(faults: Vec<Finding>) -> Error {
        let first = faults.first().map_or(config::CONFIG_INVALID, |fault| fault.about.code());
        let shared = faults.iter().all(|fault| fault.about.code() == first);
        let code = if shared { first } else { config::CONFIG_INVALID };
        let count = faults.len();
        let message = match count {
            1 => "could not use the configuration: it has 1 fault".to_owned(),
            _ => format!("could not use the configuration: it has {count} faults"),
        };
        Error::new(code, message).with("faults", count).with_source(Faults(faults))
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
