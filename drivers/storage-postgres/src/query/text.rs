//! A statement in the making: its text and what is bound to it.

use crate::session::{Session, Statement};

/// A value to bind.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Texts(Vec<String>),
    Integer(i64),
    Integers(Vec<i64>),
    Float(f64),
    Floats(Vec<f64>),
}

/// The text of a statement with its values.
#[derive(Debug, Default)]
pub(super) struct Text {
    text: String,
    values: Vec<Value>,
}

impl Text {
    /// Adds text without values.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds the mark of a value.
    pub(super) fn bind(&mut self, value: Value) {
        self.values.push(value);
        self.text.push_str(&format!("${}", self.values.len()));
    }

    /// Adds ` AND <expression> = ...` for one value and `= ANY (...)` for several: an index gives its
    /// order only for one.
    pub(super) fn push_any(&mut self, expression: &str, mut values: Vec<Value>, cast: &str) {
        if values.is_empty() {
            self.push(" AND false");
            return;
        }
        self.push(&format!(" AND {expression} = "));
        if values.len() == 1 {
            self.bind(values.remove(0));
            return;
        }
        self.push("ANY (");
        self.bind(Value::list(values));
        self.push(&format!("::{cast}[])"));
    }

    /// The statement, planned once for all values.
    pub(super) fn composed<'q>(self, session: &Session) -> Statement<'q> {
        bound(session.composed(self.text), self.values)
    }

    /// The statement, planned for its values.
    pub(super) fn planned<'q>(self, session: &Session) -> Statement<'q> {
        bound(session.planned(self.text), self.values)
    }
}

fn bound<'q>(statement: Statement<'q>, values: Vec<Value>) -> Statement<'q> {
    values.into_iter().fold(statement, |statement, value| match value {
        Value::Text(text) => statement.bind(text),
        Value::Texts(texts) => statement.bind(texts),
        Value::Integer(number) => statement.bind(number),
        Value::Integers(numbers) => statement.bind(numbers),
        Value::Float(number) => statement.bind(number),
        Value::Floats(numbers) => statement.bind(numbers),
    })
}

impl Value {
    /// Values of one type as one array.
    fn list(values: Vec<Value>) -> Value {
        let (mut texts, mut integers, mut floats) = (Vec::new(), Vec::new(), Vec::new());
        for value in values {
            match value {
                Value::Text(text) => texts.push(text),
                Value::Integer(number) => integers.push(number),
                Value::Float(number) => floats.push(number),
                Value::Texts(_) | Value::Integers(_) | Value::Floats(_) => {}
            }
        }
        if !floats.is_empty() {
            Value::Floats(floats)
        } else if !integers.is_empty() {
            Value::Integers(integers)
        } else {
            Value::Texts(texts)
        }
    }
}
