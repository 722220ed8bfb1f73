//! Why a test has no database: the machine cannot have one, or something broke.

use std::path::PathBuf;

/// What keeps a database from starting.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// This machine cannot have it; a test reports itself ignored with this reason.
    #[error("{0}")]
    Unavailable(String),
    /// It should be there, and something broke; a test fails.
    #[error("{0}")]
    Failed(String),
}

/// What this crate answers.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// What went wrong with a file or folder.
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |error| Error::Failed(format!("could not {what} {}: {error}", path.display()))
    }

    /// What went wrong with a database or an engine.
    pub(crate) fn failed<E: std::error::Error>(what: impl std::fmt::Display) -> impl FnOnce(E) -> Error {
        move |error| Error::Failed(format!("could not {what}: {}", chain(&error)))
    }
}

/// An error with its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
