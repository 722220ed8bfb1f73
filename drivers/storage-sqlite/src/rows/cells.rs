//! Reading a row's columns in their order, each into the type that the record has there.

use crate::error::{Fault, Outcome};
use rusqlite::Row;
use rusqlite::types::{FromSql, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::str::FromStr;

/// The columns of one row, read from left to right.
pub(crate) struct Cells<'r, 'stmt> {
    what: &'static str,
    row: &'r Row<'stmt>,
    names: &'static [&'static str],
    at: usize,
}

impl<'r, 'stmt> Cells<'r, 'stmt> {
    /// The place of the first column behind `id` and `revision`.
    const FIRST: usize = 2;

    /// A row of a record's table.
    pub(crate) fn new(what: &'static str, row: &'r Row<'stmt>, names: &'static [&'static str]) -> Self {
        Cells { what, row, names, at: 0 }
    }

    fn step(&mut self) -> usize {
        self.at += 1;
        Self::FIRST + self.at - 1
    }

    fn fault(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
        let column = self.names.get(self.at - 1).copied().unwrap_or("id");
        Fault::Row { what: self.what, column, source: source.into() }
    }

    /// Passes over a column that repeats another one.
    pub(crate) fn skip(&mut self) {
        self.at += 1;
    }

    /// A value that SQLite keeps as it is.
    pub(crate) fn value<T: FromSql>(&mut self) -> Outcome<T> {
        let at = self.step();
        self.row.get(at).map_err(|error| self.fault(error))
    }

    /// JSON text.
    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Outcome<T> {
        let at = self.step();
        let text = self.row.get_ref(at)?.as_str().map_err(|error| self.fault(error))?;
        serde_json::from_str(text).map_err(|error| self.fault(error))
    }

    /// JSON text, or the default for NULL.
    pub(crate) fn json_or_default<T: DeserializeOwned + Default>(&mut self) -> Outcome<T> {
        if self.row.get_ref(Self::FIRST + self.at)? == ValueRef::Null {
            self.skip();
            return Ok(T::default());
        }
        self.json()
    }

    /// Text that a type parses.
    pub(crate) fn parsed<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        &mut self,
    ) -> Outcome<T> {
        let text: String = self.value()?;
        text.parse().map_err(|error: T::Err| self.fault(error))
    }

    /// Text that a type parses, or NULL.
    pub(crate) fn parsed_or_none<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        &mut self,
    ) -> Outcome<Option<T>> {
        let text: Option<String> = self.value()?;
        text.map(|text| text.parse().map_err(|error: T::Err| self.fault(error))).transpose()
    }

    /// A number that a type is made from.
    pub(crate) fn decoded<N: FromSql, T>(&mut self, decode: impl FnOnce(N) -> Option<T>) -> Outcome<T> {
        let number = self.value()?;
        decode(number).ok_or_else(|| self.fault("the value is out of range"))
    }
}

/// A value as JSON text.
pub(super) fn to_json(value: &impl Serialize) -> Outcome<String> {
    serde_json::to_string(value).map_err(|source| {
        let message = "could not write a value as JSON";
        rtmx_core::Error::new(rtmx_core::storage::INTERNAL, message).with_source(source).into()
    })
}
