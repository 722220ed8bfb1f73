//! Where secrets come from, and what composed ones are made of.

use super::Found;
use crate::app::spec::{App, Secret};
use crate::app::units::Name;
use rtmx_core::app as codes;

/// A piece of a composed secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A text as it stands.
    Text(String),
    /// A secret as it is.
    Plain(String),
    /// A secret as a part of a URL.
    InUrl(String),
}

impl Piece {
    /// The name of the secret, if it is one.
    pub(crate) fn secret(&self) -> Option<&str> {
        match self {
            Piece::Plain(name) | Piece::InUrl(name) => Some(name),
            Piece::Text(_) => None,
        }
    }
}

/// The pieces of a composed secret, or why it cannot be read. `{{` and `}}` stand for braces.
pub(crate) fn pieces(template: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
            continue;
        }
        let end = after.find('}').filter(|_| brace == "{");
        let Some(end) = end else { return Err(format!("`{brace}` at {at} stands alone; write it twice")) };
        let word = &after[..end];
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        pieces.push(match word.split_once(':') {
            None => Piece::Plain(word.to_owned()),
            Some((name, "url")) => Piece::InUrl(name.to_owned()),
            Some((_, form)) => return Err(format!("there is no form `{form}`; the only one is `url`")),
        });
        rest = &after[end + 1..];
    }
    text.push_str(rest);
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

/// The names of the secrets that a composed one is made of.
pub(super) fn parts(secret: &Secret) -> Vec<String> {
    let pieces = secret.composed.as_deref().map(pieces).and_then(Result::ok).unwrap_or_default();
    pieces.iter().filter_map(Piece::secret).map(str::to_owned).collect()
}

pub(super) fn check(app: &App, found: &mut Found<'_>) {
    for (name, secret) in &app.secrets {
        let path = ["secrets", name.as_str()];
        let ways = usize::from(secret.generated.is_some())
            + usize::from(secret.given.is_some())
            + usize::from(secret.composed.is_some());
        if ways != 1 {
            let text = format!("`{name}` needs exactly one of `generated`, `given` and `composed`");
            found.add(codes::APP_INVALID_VALUE, &path, text);
        }
        let path = ["secrets", name.as_str(), "composed"];
        if let Some(Err(why)) = secret.composed.as_deref().map(pieces) {
            found.add(codes::APP_INVALID_VALUE, &path, format!("`{name}` cannot be composed: {why}"));
        }
        for part in parts(secret).iter().filter(|part| !app.secrets.contains_key(part.as_str())) {
            let text = format!("`{name}` is composed from the secret `{part}`, which does not exist");
            let known = app.secrets.keys().filter(|known| *known != name).map(Name::as_str);
            found.add_near(codes::APP_SECRET_UNKNOWN, &path, text, part, known);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_falls_into_its_pieces() {
        let text = |text: &str| Piece::Text(text.to_owned());
        let cases = [
            ("a", Ok(vec![text("a")])),
            ("", Ok(vec![])),
            ("x{a}y", Ok(vec![text("x"), Piece::Plain("a".into()), text("y")])),
            ("{a:url}@", Ok(vec![Piece::InUrl("a".into()), text("@")])),
            ("{{a}}", Ok(vec![text("{a}")])),
            ("{a", Err(())),
            ("a}", Err(())),
            ("{a:hex}", Err(())),
        ];
        for (template, want) in cases {
            assert_eq!(pieces(template).map_err(|_| ()), want, "{template}");
        }
    }
}
