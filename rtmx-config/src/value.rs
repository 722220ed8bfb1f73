//! Values as a source found them, before anybody knows what they should be.
//!
//! A layer does not know which of its values are secret, and a misspelt key may hold one, so a value
//! shows its shape and never its content; the content comes out only through the key's own kind.

use rtmx_core::Secret;
use std::fmt;

/// A value as it stands in a source.
#[derive(Clone)]
pub enum Value {
    /// Text; everything in the environment is text.
    Text(Secret<String>),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// `true` or `false`.
    Switch(bool),
    /// A list.
    List(Vec<Value>),
    /// A table where a plain value could stand, such as an item of a list.
    Table,
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(Secret::new(text.into()))
    }

    /// What the value is, without its content.
    pub fn shape(&self) -> &'static str {
        match self {
            Value::Text(text) if text.expose().trim().is_empty() => "an empty text",
            Value::Text(_) => "a text",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a number with a fraction",
            Value::Switch(_) => "a switch",
            Value::List(_) => "a list",
            Value::Table => "a table",
        }
    }

    /// The content in backticks where it is short and plain, else its shape. Only for values of keys
    /// that are known not to be secret.
    pub(crate) fn quoted(&self) -> String {
        match self {
            Value::Text(text) if text.expose().trim().is_empty() => self.shape().into(),
            Value::Text(text) => format!("`{}`", plain(text.expose())),
            Value::Integer(number) => format!("the number {number}"),
            Value::Float(number) => format!("the number {number}"),
            Value::Switch(on) => format!("`{on}`"),
            Value::List(_) | Value::Table => self.shape().into(),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.shape())
    }
}

/// A text on one line, without control characters, cut after 60 characters. A URL with a login is not
/// shown: whoever put it in the wrong place would read the password in the log.
pub(crate) fn plain(text: &str) -> String {
    if text.split_once("://").is_some_and(|(_, rest)| rest.contains('@')) {
        return "(a URL with a login)".into();
    }
    const LIMIT_CHARS: usize = 60;
    let mut plain: String = text.chars().take(LIMIT_CHARS).flat_map(escape).collect();
    if text.chars().nth(LIMIT_CHARS).is_some() {
        plain.push('…');
    }
    plain
}

fn escape(c: char) -> Vec<char> {
    if c.is_control() || c == '`' { c.escape_default().collect() } else { vec![c] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_shape_and_not_the_content() {
        let values =
            vec![Value::text("hunter2"), Value::Integer(4711), Value::List(vec![Value::text("hunter2")])];
        assert_eq!(format!("{values:?}"), "[[a text], [a whole number], [a list]]");
    }

    #[test]
    fn a_login_is_not_quoted() {
        assert_eq!(Value::text("postgres://app:hunter2@db/x").quoted(), "`(a URL with a login)`");
        assert_eq!(Value::text("https://example.com").quoted(), "`https://example.com`");
    }

    #[test]
    fn a_quoted_value_stays_on_one_short_line() {
        assert_eq!(Value::text("a\nb\u{1b}[31m").quoted(), "`a\\nb\\u{1b}[31m`");
        assert!(Value::text("x".repeat(1_000)).quoted().chars().count() < 70);
    }
}
