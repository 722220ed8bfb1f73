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
            self.at += 1;
            return Ok(T::default());
        }
        self.json()
    }

    /// JSON text that is a list of texts, as the ids of dependencies are.
    pub(crate) fn texts<C: FromIterator<String> + DeserializeOwned>(&mut self) -> Outcome<C> {
        let text = self.row.get_ref(Self::FIRST + self.at)?.as_str().unwrap_or_default();
        // Without an escape each quote is the edge of a text, so they can be told apart at a glance.
        let plain = text.strip_prefix("[\"").and_then(|text| text.strip_suffix("\"]"));
        let joints = |text: &&str| text.split('"').skip(1).step_by(2).all(|joint| joint == ",");
        match plain.filter(|text| !text.contains('\\')).filter(joints) {
            Some(texts) => {
                self.at += 1;
                Ok(texts.split('"').step_by(2).map(str::to_owned).collect())
            }
            None if text == "[]" => {
                self.at += 1;
                Ok(C::from_iter([]))
            }
            None => self.json(),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;
    use std::collections::BTreeSet;

    #[test]
    fn a_list_of_texts_is_read_as_json_says_whatever_is_in_them() {
        let conn = Connection::open_in_memory().expect("memory");
        let lists: [&[&str]; 7] = [
            &[],
            &[""],
            &["REQ-1"],
            &["REQ-1", "REQ-2"],
            &["a\",\"b", "c"],
            &["back\\slash", "line\nend", "größe \u{1F600}"],
            &["[", "]", ",", "\""],
        ];
        for list in lists {
            let wanted: BTreeSet<String> = list.iter().map(|text| (*text).to_owned()).collect();
            let text = to_json(&wanted).expect("texts are JSON");
            let read = conn.query_row("SELECT 'id', 1, ?1", [&text], |row| {
                Ok(Cells::new("requirement", row, &["dependencies"]).texts::<BTreeSet<String>>())
            });
            assert_eq!(read.expect("a row").expect("a list"), wanted, "{text}");
        }
        for broken in ["", "[", "[\"a", "{}", "[1]", "[\"a\",1,\"b\"]", "[\"a\" \"b\"]", "[\"a\"b\"]"] {
            let read = conn.query_row("SELECT 'id', 1, ?1", [broken], |row| {
                Ok(Cells::new("requirement", row, &["dependencies"]).texts::<BTreeSet<String>>())
            });
            assert!(read.expect("a row").is_err(), "{broken}");
        }
    }
}
