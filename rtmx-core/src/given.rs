//! A typed value together with the text it came from.

use serde::{Deserialize, Serialize};

/// A value and, where it differs from the value's canonical text, the text as it was given.
///
/// Matrices in the field hold `done`, `P1` and `Phase 3`. The value is what RTMX computes with; the
/// text is kept so that an export gives back what was imported.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Given<T> {
    /// What RTMX computes with.
    pub value: T,
    /// The text as it was given; `None` when it is the canonical text of `value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
}

impl<T> Given<T> {
    /// A value in its canonical form.
    pub fn canonical(value: T) -> Self {
        Given { value, given: None }
    }

    /// A value parsed from `text`, which is kept only if it is not `canonical`.
    pub fn parsed(value: T, text: &str, canonical: &str) -> Self {
        Given { value, given: (text != canonical).then(|| text.to_owned()) }
    }
}

impl<T> From<T> for Given<T> {
    fn from(value: T) -> Self {
        Given::canonical(value)
    }
}
