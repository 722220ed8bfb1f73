//! The words of an address: the state of a list as parameters, from which its links are made by
//! changing one at a time.

use crate::http::api::documents::path_segment;
use std::fmt::{Display, Formatter, Result};

/// Parameters in their order. Shown as a query, with its question mark; as nothing if there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::http::dashboard) struct Words(Vec<(String, String)>);

impl Words {
    pub(in crate::http::dashboard) fn of(words: Vec<(String, String)>) -> Words {
        Words(words)
    }

    /// Every parameter.
    pub(in crate::http::dashboard) fn all(&self) -> &[(String, String)] {
        &self.0
    }

    /// The same without a parameter.
    pub(in crate::http::dashboard) fn without(&self, name: &str) -> Words {
        Words(self.0.iter().filter(|(given, _)| given != name).cloned().collect())
    }

    /// The same without one value of a parameter.
    pub(in crate::http::dashboard) fn without_value(&self, name: &str, value: &str) -> Words {
        Words(self.0.iter().filter(|(given, had)| given != name || had != value).cloned().collect())
    }

    /// The same with this value of a parameter, and no other.
    pub(in crate::http::dashboard) fn with(&self, name: &str, value: impl Into<String>) -> Words {
        let mut words = self.without(name);
        words.0.push((name.to_owned(), value.into()));
        words
    }
}

impl Display for Words {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (place, (name, value)) in self.0.iter().enumerate() {
            let mark = if place == 0 { '?' } else { '&' };
            write!(f, "{mark}{}={}", path_segment(name), path_segment(value))?;
        }
        Ok(())
    }
}
