//! Carriers: the forms in which one token travels.
//!
//! Bare for environment variables, armoured for files and mail, and for licenses the JSON document
//! that people can read. What the first byte is decides the form. Only spaces and line ends around a
//! bare token are passed over; everything else that is not the form is refused, with a word for what
//! usually happened.

mod armour;
mod json;

use crate::document::DocumentType;
use crate::{License, Refusal, Token, canonical};
pub(crate) use json::Shown;

/// The form in which a token travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// The token alone.
    Bare,
    /// Lines of 64 characters between a line for begin and end.
    Armoured,
    /// The JSON document of a license.
    Json,
}

/// What a carrier held.
#[derive(Debug)]
pub(crate) struct Carried {
    pub(crate) token: Token,
    /// What the JSON document shows; it is compared after the token was verified.
    pub(crate) shown: Option<Shown>,
}

impl Carrier {
    /// The form of some bytes, by their beginning.
    pub fn of(bytes: &[u8]) -> Carrier {
        match bytes.trim_ascii_start().first() {
            Some(b'{') => Carrier::Json,
            Some(b'-' | b'#') => Carrier::Armoured,
            _ => Carrier::Bare,
        }
    }
}

/// Takes the token out of a carrier; nothing is verified.
///
/// # Errors
///
/// `license_empty`, `license_too_large`, `license_malformed`.
pub fn token_of(bytes: &[u8], document: DocumentType) -> Result<Token, Refusal> {
    read(bytes, document).map(|carried| carried.token)
}

/// The type that a document says it is of. Nothing is verified: it tells who is to look at it.
pub fn kind_of(bytes: &[u8]) -> Option<DocumentType> {
    let first = bytes.trim_ascii().split(|byte| *byte == b'\n').next()?;
    DocumentType::ALL.into_iter().find(|kind| {
        // A keyset is one token a line; every other type is one document.
        let token = match kind {
            DocumentType::Keyset => Token::parse(first.trim_ascii_end(), *kind),
            _ if bytes.len() > kind.file_limit() => return false,
            _ => token_of(bytes, *kind),
        };
        let says = token.ok().and_then(|token| {
            let claims: serde_json::Value = serde_json::from_slice(token.unverified_payload()).ok()?;
            Some(claims.get("typ")?.as_str()? == kind.name())
        });
        says == Some(true)
    })
}

/// A token as an armoured file.
pub fn armoured(token: &Token, document: DocumentType) -> String {
    armour::write(token.as_str(), document)
}

/// A license's token as the JSON document: the readable members are taken from the token.
///
/// # Errors
///
/// What is wrong with the token's claims.
pub fn json_document(token: &Token) -> Result<String, Refusal> {
    let license: License = canonical::decode(token.unverified_payload())?;
    Ok(Shown::of(&license, token.as_str()).write())
}

pub(crate) fn read(bytes: &[u8], document: DocumentType) -> Result<Carried, Refusal> {
    let limit = document.file_limit();
    if bytes.len() > limit {
        return Err(Refusal::TooLarge { part: "file", limit });
    }
    let trimmed = bytes.trim_ascii();
    if trimmed.is_empty() || trimmed == b"null" {
        return Err(Refusal::Empty);
    }
    match Carrier::of(trimmed) {
        Carrier::Json if document == DocumentType::License => {
            let shown = json::read(trimmed)?;
            Ok(Carried { token: Token::parse(shown.signature.as_bytes(), document)?, shown: Some(shown) })
        }
        Carrier::Json => Err(Refusal::malformed("document", "only a license has a JSON document")),
        Carrier::Armoured => {
            Ok(Carried { token: Token::parse(&armour::read(trimmed, document)?, document)?, shown: None })
        }
        Carrier::Bare => match foreign(trimmed) {
            Some(why) => Err(Refusal::malformed("text", why)),
            None => Ok(Carried { token: Token::parse(trimmed, document)?, shown: None }),
        },
    }
}

/// What usually happened to a text that is no token.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xef, 0xbb, 0xbf, ..] => Some("it begins with a byte order mark; save it as UTF-8 without one"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("it is UTF-16; save it as UTF-8"),
        [b'"' | b'\'', ..] => Some("it is in quotes; remove them"),
        [b'/' | b'~', ..] | [b'.', b'/' | b'.', ..] => {
            Some("it is a path; give the content, or name the file")
        }
        [b'e', b'y', b'J', ..] => Some("it is a JSON web token"),
        _ => None,
    }
}
