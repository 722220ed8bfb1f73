//! What a form sent: names and texts, as a browser encodes them.

use crate::http::body::read_form;
use crate::http::{App, Problem};
use axum::extract::{FromRequest, Request};

/// The fields of a form, in their order. An extractor.
#[derive(Debug, Default)]
pub(super) struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    /// The text of a field; of several with one name the last.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.fields.iter().rev().find(|(given, _)| given == name).map(|(_, text)| text.as_str())
    }

    /// Whether a box was ticked or a button was pressed.
    pub(super) fn has(&self, name: &str, value: &str) -> bool {
        self.text(name) == Some(value)
    }

    /// Every field.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }
}

impl FromRequest<App> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        Ok(Form { fields: read_form(request, app.settings().server.body_limit).await? })
    }
}

/// A text with the line ends that a browser shows, which are all the same.
pub(super) fn plain_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// What a browser sent back for a text, with the line ends that the text had; `None` if nothing was typed.
pub(super) fn typed(before: &str, sent: &str) -> Option<String> {
    let sent = plain_lines(sent);
    if sent == plain_lines(before) {
        return None;
    }
    let carriage = before.contains("\r\n");
    Some(if carriage { sent.replace('\n', "\r\n") } else { sent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_that_a_browser_changed_are_nothing_typed() {
        // before, sent, what was typed
        let cases = [
            ("a\nb", "a\r\nb", None),
            ("a\r\nb", "a\r\nb", None),
            ("a\rb", "a\r\nb", None),
            ("a\nb", "a\r\nc", Some("a\nc")),
            ("a\r\nb", "a\r\nc", Some("a\r\nc")),
            ("", "x\r\ny", Some("x\ny")),
            ("x", "", Some("")),
        ];
        for (before, sent, want) in cases {
            assert_eq!(typed(before, sent).as_deref(), want, "{before:?} {sent:?}");
        }
    }
}
