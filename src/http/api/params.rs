//! The parameters of a query string.
//!
//! Each handler takes the ones that it knows and then asks whether any is left: what is not known
//! is refused, with the nearest known name.

use super::nearest::nearest;
use crate::http::Problem;
use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use rtmx_core::{Error, Result, server};
use std::str::FromStr;

/// The parameters that were given and not taken yet. An extractor.
#[derive(Debug)]
pub(in crate::http) struct Params {
    left: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Query(left) = read.map_err(|refused| {
            let message = format!("could not read the query: {}", refused.body_text());
            Error::new(server::PARAMETER_INVALID, message)
        })?;
        Ok(Params { left, known: Vec::new() })
    }
}

impl Params {
    /// Parameters that were put together here.
    pub(in crate::http) fn of(left: Vec<(String, String)>) -> Params {
        Params { left, known: Vec::new() }
    }

    /// What was given, as a text that is the same for the same parameters in the same order.
    pub(in crate::http) fn as_text(&self) -> String {
        serde_json::to_string(&self.left).expect("parameters are texts")
    }

    /// Every value of a parameter that may be repeated.
    pub(in crate::http) fn take_all(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        let (taken, left) = std::mem::take(&mut self.left).into_iter().partition(|(given, _)| given == name);
        self.left = left;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    /// The value of a parameter that may be given once.
    pub(in crate::http) fn take(&mut self, name: &'static str) -> Result<Option<String>> {
        let mut values = self.take_all(name);
        if values.len() > 1 {
            return Err(invalid(name, "it may be given once"));
        }
        Ok(values.pop())
    }

    /// Whether a parameter was not given.
    pub(in crate::http) fn is_without(&self, name: &str) -> bool {
        self.left.iter().all(|(given, _)| given != name)
    }

    /// The value, read as a `T`.
    pub(in crate::http) fn take_as<T: FromStr>(
        &mut self,
        name: &'static str,
        expected: &str,
    ) -> Result<Option<T>> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| invalid(name, &format!("`{}` is not {expected}", shown(&text))))
    }

    /// The value of a switch: `true` or `false`, false when it is not given.
    pub(in crate::http) fn take_switch(&mut self, name: &'static str) -> Result<bool> {
        Ok(self.take_as(name, "`true` or `false`")?.unwrap_or(false))
    }

    /// A number of entries between 1 and `most`.
    pub(in crate::http) fn take_limit(&mut self, default: usize, most: usize) -> Result<usize> {
        let limit = self.take_as("limit", "a number")?.unwrap_or(default);
        if limit == 0 || limit > most {
            return Err(invalid("limit", &format!("{limit} is not between 1 and {most}")));
        }
        Ok(limit)
    }

    /// One of a few words.
    pub(in crate::http) fn take_word<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let expected = format!("`{}` is not one of {}", shown(&text), names.join(", "));
        found.map(Some).ok_or_else(|| invalid(name, &expected))
    }

    /// What is left, for a handler that takes parameters by a rule.
    pub(in crate::http) fn take_rest(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.left)
    }

    /// Fails if a parameter is left.
    ///
    /// # Errors
    ///
    /// `unknown_filter`.
    pub(in crate::http) fn finish(self) -> Result<()> {
        match self.left.first() {
            Some((name, _)) => Err(unknown(name, &self.known)),
            None => Ok(()),
        }
    }
}

/// The error for a parameter that is not one of `known`.
fn unknown(name: &str, known: &[&'static str]) -> Error {
    let name = shown(name);
    let message = match nearest(&name, known.iter().copied()) {
        Some(near) => format!("there is no parameter `{name}` here: did you mean `{near}`?"),
        None if known.is_empty() => format!("there is no parameter `{name}` here: this path takes none"),
        None => format!("there is no parameter `{name}` here: there are {}", known.join(", ")),
    };
    Error::new(server::UNKNOWN_FILTER, message).with("parameter", name)
}

/// The error for a value that a parameter cannot have.
pub(in crate::http) fn invalid(name: &'static str, why: &str) -> Error {
    Error::new(server::PARAMETER_INVALID, format!("could not take the parameter `{name}`: {why}"))
        .with("parameter", name)
}

/// A value as a message may show it.
pub(in crate::http) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}
