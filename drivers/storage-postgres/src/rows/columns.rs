//! The columns of a record's table: their names, their types, and values for many rows at once.
//!
//! Rows are written a portion at a time, each column as one array that the server takes apart
//! (`unnest`), so that a portion is one statement of one shape whatever its size.

use crate::session::Statement;
use std::borrow::Cow;

/// What a column's values are sent as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    Text,
    Integer,
    Float,
    Boolean,
}

/// A column that a record's table has beside `space`, `id` and `revision`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) sent: Sent,
    /// How the value that was sent becomes the column's, around `{}`.
    made: &'static str,
    /// How it is read, around `{}`; `None` where only filters and indexes need it.
    read: Option<&'static str>,
}

impl Column {
    /// A column of text, read as it is.
    pub(super) const fn text(name: &'static str) -> Self {
        Column { name, sent: Sent::Text, made: "{}", read: Some("{}") }
    }

    /// A column of integers.
    pub(super) const fn integer(name: &'static str) -> Self {
        Column { name, sent: Sent::Integer, made: "{}", read: Some("{}") }
    }

    /// A column of small integers. It is read under another name, or `ORDER BY` would mean what was
    /// read and not the column that an index has.
    pub(super) const fn small(name: &'static str) -> Self {
        Column { name, sent: Sent::Integer, made: "{}::smallint", read: Some("{}::bigint AS {}_number") }
    }

    /// A column of numbers.
    pub(super) const fn float(name: &'static str) -> Self {
        Column { name, sent: Sent::Float, made: "{}", read: Some("{}") }
    }

    /// A column of truth values.
    pub(super) const fn boolean(name: &'static str) -> Self {
        Column { name, sent: Sent::Boolean, made: "{}", read: Some("{}") }
    }

    /// A column of JSON, sent and read as text.
    pub(super) const fn json(name: &'static str) -> Self {
        Column { name, sent: Sent::Text, made: "{}::json", read: Some("{}::text") }
    }

    /// A column of text arrays, sent as [`array_text`].
    pub(super) const fn texts(name: &'static str) -> Self {
        Column { name, sent: Sent::Text, made: "{}::text[]", read: Some("{}") }
    }

    /// A column that is only searched in, sent as terms with spaces between them.
    pub(super) const fn terms(name: &'static str) -> Self {
        let made = "array_to_tsvector(string_to_array({}, ' '))";
        Column { name, sent: Sent::Text, made, read: None }
    }

    /// The same column, never read.
    pub(super) const fn unread(mut self) -> Self {
        self.read = None;
        self
    }

    /// The expression that the column is written from, for a sent value of this name.
    pub(crate) fn made_from(&self, sent: &str) -> String {
        self.made.replace("{}", sent)
    }

    /// The expression that it is read by, if it is read.
    pub(crate) fn read(&self) -> Option<String> {
        self.read.map(|read| read.replace("{}", self.name))
    }
}

impl Sent {
    /// The type of the array.
    pub(crate) fn array(self) -> &'static str {
        match self {
            Sent::Text => "text[]",
            Sent::Integer => "bigint[]",
            Sent::Float => "double precision[]",
            Sent::Boolean => "boolean[]",
        }
    }
}

/// One value on its way into a column.
#[derive(Debug, Clone)]
pub(crate) enum Cell<'b> {
    Text(Option<Cow<'b, str>>),
    Integer(Option<i64>),
    Float(Option<f64>),
    Boolean(bool),
}

impl<'b> From<&'b String> for Cell<'b> {
    fn from(text: &'b String) -> Self {
        Cell::Text(Some(Cow::Borrowed(text)))
    }
}

impl<'b> From<&'b Option<String>> for Cell<'b> {
    fn from(text: &'b Option<String>) -> Self {
        Cell::Text(text.as_deref().map(Cow::Borrowed))
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Cell::Text(Some(Cow::Owned(text)))
    }
}

impl From<Option<String>> for Cell<'_> {
    fn from(text: Option<String>) -> Self {
        Cell::Text(text.map(Cow::Owned))
    }
}

impl<'b> From<&'b str> for Cell<'b> {
    fn from(text: &'b str) -> Self {
        Cell::Text(Some(Cow::Borrowed(text)))
    }
}

impl From<i64> for Cell<'_> {
    fn from(number: i64) -> Self {
        Cell::Integer(Some(number))
    }
}

impl From<Option<i64>> for Cell<'_> {
    fn from(number: Option<i64>) -> Self {
        Cell::Integer(number)
    }
}

impl From<Option<f64>> for Cell<'_> {
    fn from(number: Option<f64>) -> Self {
        Cell::Float(number)
    }
}

impl From<bool> for Cell<'_> {
    fn from(truth: bool) -> Self {
        Cell::Boolean(truth)
    }
}

/// The values of one column for many rows.
#[derive(Debug)]
pub(crate) enum Values<'b> {
    Text(Vec<Option<Cow<'b, str>>>),
    Integer(Vec<Option<i64>>),
    Float(Vec<Option<f64>>),
    Boolean(Vec<bool>),
}

impl<'b> Values<'b> {
    pub(crate) fn of(sent: Sent) -> Self {
        match sent {
            Sent::Text => Values::Text(Vec::new()),
            Sent::Integer => Values::Integer(Vec::new()),
            Sent::Float => Values::Float(Vec::new()),
            Sent::Boolean => Values::Boolean(Vec::new()),
        }
    }

    /// Adds the value of the next row, which is of the column's type.
    pub(crate) fn push(&mut self, cell: Cell<'b>) {
        match (self, cell) {
            (Values::Text(values), Cell::Text(value)) => values.push(value),
            (Values::Integer(values), Cell::Integer(value)) => values.push(value),
            (Values::Float(values), Cell::Float(value)) => values.push(value),
            (Values::Boolean(values), Cell::Boolean(value)) => values.push(value),
            (values, cell) => unreachable!("{cell:?} is not a value of {values:?}"),
        }
    }

    /// Binds the array to the statement's next place.
    pub(crate) fn bind(self, to: Statement<'b>) -> Statement<'b> {
        match self {
            Values::Text(values) => to.bind(values),
            Values::Integer(values) => to.bind(values),
            Values::Float(values) => to.bind(values),
            Values::Boolean(values) => to.bind(values),
        }
    }
}

/// Texts as the text of an array.
///
/// Source: PostgreSQL manual, "Arrays", section on input and output syntax.
pub(super) fn array_text<'t>(texts: impl IntoIterator<Item = &'t String>) -> String {
    let mut array = String::from("{");
    for text in texts {
        array.push_str(if array.len() == 1 { "\"" } else { ",\"" });
        for letter in text.chars() {
            if matches!(letter, '"' | '\\') {
                array.push('\\');
            }
            array.push(letter);
        }
        array.push('"');
    }
    array.push('}');
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_the_text_of_an_array() {
        let cases: [(&[&str], &str); 4] = [
            (&[], "{}"),
            (&["REQ-1"], r#"{"REQ-1"}"#),
            (&["", "NULL", "a,b"], r#"{"","NULL","a,b"}"#),
            (&[r#"a"b\c{}"#], r#"{"a\"b\\c{}"}"#),
        ];
        for (texts, wanted) in cases {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(array_text(&texts), wanted);
        }
    }
}
