//! The one error that crosses driver boundaries.
//!
//! It says what the caller can do next (`kind`), whether to try again (`retry`), and carries a
//! stable code, the object, and the cause as a chain. A source is never printed inside its parent:
//! whoever reports an error walks the chain.

use crate::Code;
use std::error::Error as StdError;
use std::fmt;

/// What the caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The object does not exist.
    NotFound,
    /// The object exists already.
    AlreadyExists,
    /// Somebody else was faster; read again and merge.
    Conflict,
    /// The request is wrong and stays wrong.
    InvalidInput,
    /// The configuration is wrong.
    InvalidConfig,
    /// The driver or build does not offer the operation.
    Unsupported,
    /// The caller may not do this.
    Denied,
    /// Something needed does not answer now.
    Unavailable,
    /// The deadline passed first.
    Timeout,
    /// The caller gave up.
    Cancelled,
    /// Stored data contradicts itself.
    Corrupt,
    /// Two versions do not fit together.
    Incompatible,
    /// A defect.
    Internal,
}

/// Whether the same call may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// The same call fails again.
    Never,
    /// The same call may succeed later, and repeating it is safe.
    Later,
}

/// The result of everything that crosses a driver boundary.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync>;

/// An error with a stable code.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    code: Code,
    retry: Retry,
    message: String,
    context: Vec<(&'static str, String)>,
    state: Option<String>,
    next: Option<String>,
    source: Option<Source>,
}

impl Error {
    /// An error with this code; `message` says what was attempted on which thing, in lower case,
    /// without a full stop and without the cause.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let retry = match code.entry().kind {
            ErrorKind::Unavailable | ErrorKind::Timeout => Retry::Later,
            _ => Retry::Never,
        };
        let inner = Inner {
            code,
            retry,
            message: message.into(),
            context: Vec::new(),
            state: None,
            next: None,
            source: None,
        };
        Error { inner: Box::new(inner) }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Adds a fact for logs and `--json`, such as `("requirement", "REQ-A-1")`. Never a secret.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.inner.context.push((name, value.to_string()));
        self
    }

    /// Says what state things are in now, when the code's own text cannot know it.
    #[must_use]
    pub fn with_state(mut self, state: impl Into<String>) -> Self {
        self.inner.state = Some(state.into());
        self
    }

    /// Replaces the code's general advice by one for this case.
    #[must_use]
    pub fn with_next(mut self, next: impl Into<String>) -> Self {
        self.inner.next = Some(next.into());
        self
    }

    /// Overrides whether to try again.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.inner.retry = retry;
        self
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.inner.code
    }

    /// What the caller can do next.
    pub fn kind(&self) -> ErrorKind {
        self.inner.code.entry().kind
    }

    /// Whether to try again.
    pub fn retry(&self) -> Retry {
        self.inner.retry
    }

    /// The message alone, without code and cause.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// The facts added with [`Error::with`], in order.
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.inner.context
    }

    /// What state things are in now, if it was said.
    pub fn state(&self) -> Option<&str> {
        self.inner.state.as_deref()
    }

    /// What to do next: for this case if it was said, else the code's advice.
    pub fn next(&self) -> &str {
        self.inner.next.as_deref().unwrap_or(self.inner.code.entry().next)
    }

    /// The causes, outermost first, as text.
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut source = StdError::source(self);
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        causes
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.inner.code, self.inner.message)?;
        for (name, value) in &self.inner.context {
            write!(f, " {name}={value}")?;
        }
        for cause in self.causes() {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage;

    #[test]
    fn a_cause_is_in_the_chain_and_not_in_the_message() {
        let io = std::io::Error::other("no space left");
        let error = Error::new(storage::STORAGE_FULL, "could not write `x`").with_source(io);
        assert_eq!(error.to_string(), "could not write `x`");
        assert_eq!(error.causes(), ["no space left"]);
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.retry(), Retry::Later);
    }
}
