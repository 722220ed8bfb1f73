//! Faults of a spec or a lock: each with its code, file, line and key, all of a run together.

use super::tree::Place;
use rtmx_core::{Code, Error, app};
use serde::{Serialize, Serializer};
use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Its stable code.
    #[serde(serialize_with = "id_of")]
    pub code: Code,
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1; 0 where it is no line's.
    pub line: u64,
    /// The column, from 1; 0 where it is no column's.
    pub column: u64,
    /// The key, with dots between its parts.
    pub key: String,
    /// What is the matter, as one phrase.
    pub text: String,
    /// What was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

fn id_of<S: Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.id())
}

impl Fault {
    pub(crate) fn at(code: Code, place: Place, key: impl Into<String>, text: impl Into<String>) -> Fault {
        Fault {
            code,
            file: String::new(),
            line: place.line,
            column: place.column,
            key: key.into(),
            text: text.into(),
            nearest: None,
        }
    }

    #[must_use]
    pub(crate) fn with_nearest<'a>(mut self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Fault {
        self.nearest = rtmx_core::nearest(word, known).map(ToOwned::to_owned);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { file, line, column, text, code, .. } = self;
        f.write_str(file)?;
        if *line > 0 {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {text}")?;
        if let Some(nearest) = &self.nearest {
            write!(f, "; the nearest is `{nearest}`")?;
        }
        write!(f, " [{code}]")
    }
}

/// All faults of what was read: the source of the [`Error`] that reading and resolving return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AppFaults(Vec<Fault>);

impl AppFaults {
    /// The faults, in the order of their places.
    pub fn list(&self) -> &[Fault] {
        &self.0
    }

    /// The faults behind an error, if it is about an application.
    pub fn of(error: &Error) -> Option<&AppFaults> {
        std::error::Error::source(error).and_then(|source| source.downcast_ref())
    }

    /// One error for all of them. Its code is the one that all faults share, else `app_invalid`.
    pub(crate) fn into_error(mut faults: Vec<Fault>) -> Error {
        faults.sort_by(|a, b| (&a.file, a.line, a.column, &a.key).cmp(&(&b.file, b.line, b.column, &b.key)));
        faults.dedup();
        let first = faults.first().map_or(app::APP_INVALID, |fault| fault.code);
        let shared = faults.iter().all(|fault| fault.code == first);
        let code = if shared { first } else { app::APP_INVALID };
        let message = match faults.len() {
            1 => "could not use the application: it has 1 fault".to_owned(),
            count => format!("could not use the application: it has {count} faults"),
        };
        Error::new(code, message).with("faults", faults.len()).with_source(AppFaults(faults))
    }
}

impl fmt::Display for AppFaults {
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

impl std::error::Error for AppFaults {}
