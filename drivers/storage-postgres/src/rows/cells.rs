//! Reading a row's columns in their order, each into the type that the record has there.

use crate::error::{Fault, Outcome};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row, Type};
use std::str::FromStr;

/// The columns of one row, read from left to right.
pub(crate) struct Cells<'r> {
    what: &'static str,
    row: &'r PgRow,
    names: &'r [&'static str],
    at: usize,
}

impl<'r> Cells<'r> {
    /// The place of the first column behind `id` and `revision`.
    const FIRST: usize = 2;

    /// A row of a record's table.
    pub(super) fn new(what: &'static str, row: &'r PgRow, names: &'r [&'static str]) -> Self {
        Cells { what, row, names, at: 0 }
    }

    fn fault(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
        let column = self.names.get(self.at.saturating_sub(1)).copied().unwrap_or("id");
        Fault::Row { what: self.what, column, source: source.into() }
    }

    /// A value that PostgreSQL keeps as it is.
    pub(super) fn value<T: Decode<'r, Postgres> + Type<Postgres>>(&mut self) -> Outcome<T> {
        self.at += 1;
        self.row.try_get(Self::FIRST + self.at - 1).map_err(|error| self.fault(error))
    }

    /// JSON text.
    pub(super) fn json<T: DeserializeOwned>(&mut self) -> Outcome<T> {
        let text: &str = self.value()?;
        serde_json::from_str(text).map_err(|error| self.fault(error))
    }

    /// JSON text, or the default for null.
    pub(super) fn json_or_default<T: DeserializeOwned + Default>(&mut self) -> Outcome<T> {
        let text: Option<&str> = self.value()?;
        text.map_or(Ok(T::default()), |text| serde_json::from_str(text).map_err(|error| self.fault(error)))
    }

    /// A list of texts.
    pub(super) fn texts<C: FromIterator<String>>(&mut self) -> Outcome<C> {
        Ok(self.value::<Vec<String>>()?.into_iter().collect())
    }

    /// Text that a type parses.
    pub(super) fn parsed<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        &mut self,
    ) -> Outcome<T> {
        let text: &str = self.value()?;
        text.parse().map_err(|error: T::Err| self.fault(error))
    }

    /// Text that a type parses, or null.
    pub(super) fn parsed_or_none<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        &mut self,
    ) -> Outcome<Option<T>> {
        let text: Option<&str> = self.value()?;
        text.map(|text| text.parse().map_err(|error: T::Err| self.fault(error))).transpose()
    }

    /// A value that a type is made from.
    pub(super) fn decoded<N: Decode<'r, Postgres> + Type<Postgres>, T>(
        &mut self,
        decode: impl FnOnce(N) -> Option<T>,
    ) -> Outcome<T> {
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
