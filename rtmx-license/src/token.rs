//! Tokens: the PASETO v4.public wire form, and its signature.
//!
//! `v4.public.<base64url(payload || signature)>.<base64url(footer)>`. The prefix decides the
//! algorithm and the type of document decides the keys; nothing inside a token chooses code. Sizes
//! are checked before anything is decoded, and the footer is exactly `{"kid":"..."}`.

use crate::{DocumentType, KeyId, PublicKey, Refusal, SigningKey};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt;

pub(crate) const PREFIX: &str = "v4.public.";
const SIGNATURE_BYTES: usize = 64;
/// `{"kid":"` and `"}` around 64 characters, in base64.
const FOOTER_LIMIT_CHARS: usize = 100;

/// A token that was taken apart, and not verified. `Debug` shows its key and hash only.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    text: String,
    /// Payload and signature.
    body: Vec<u8>,
    footer: Vec<u8>,
    kid: KeyId,
}

impl Token {
    /// Takes a bare token apart; the text must be the token and nothing else.
    ///
    /// # Errors
    ///
    /// `license_empty`, `license_too_large`, `license_malformed`.
    pub fn parse(bytes: &[u8], document: DocumentType) -> Result<Token, Refusal> {
        let limit = document.token_limit();
        if bytes.len() > limit {
            return Err(Refusal::TooLarge { part: "token", limit });
        }
        if bytes.is_empty() || bytes == PREFIX.as_bytes() || bytes == b"v4.public" {
            return Err(Refusal::Empty);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8 text"))?;
        let rest =
            text.strip_prefix(PREFIX).ok_or_else(|| malformed("it does not begin with `v4.public.`"))?;
        let (body, footer) = rest.split_once('.').ok_or_else(|| malformed("it has no footer"))?;
        if footer.contains('.') {
            return Err(malformed("it has more than four parts"));
        }
        if footer.len() > FOOTER_LIMIT_CHARS {
            return Err(Refusal::TooLarge { part: "footer of the token", limit: FOOTER_LIMIT_CHARS });
        }
        let footer = decode(footer)?;
        let kid = key_of(&footer).ok_or_else(|| malformed("its footer is not exactly {\"kid\":\"...\"}"))?;
        let body = decode(body)?;
        let payload = body.len().checked_sub(SIGNATURE_BYTES).ok_or_else(|| malformed("it is cut short"))?;
        if payload == 0 {
            return Err(malformed("it holds a signature of nothing"));
        }
        let limit = document.payload_limit();
        if payload > limit {
            return Err(Refusal::TooLarge { part: "payload of the token", limit });
        }
        Ok(Token { text: text.to_owned(), body, footer, kid })
    }

    /// Signs a payload; the caller has checked it.
    pub(crate) fn sign(key: &SigningKey, kid: &KeyId, document: DocumentType, payload: &[u8]) -> Token {
        let footer = footer_of(kid);
        let signature = key.sign_bytes(&framed(payload, &footer, document.assertion()));
        let body = [payload, &signature].concat();
        let text = format!("{PREFIX}{}.{}", encode(&body), encode(&footer));
        Token { text, body, footer, kid: kid.clone() }
    }

    /// The payload, if the key signed it as this type of document.
    pub(crate) fn payload(&self, key: &PublicKey, document: DocumentType) -> Option<&[u8]> {
        let (payload, signature) =
            self.body.split_at_checked(self.body.len().checked_sub(SIGNATURE_BYTES)?)?;
        let signature = signature.try_into().ok()?;
        key.verify_bytes(&framed(payload, &self.footer, document.assertion()), signature).then_some(payload)
    }

    /// The payload, which nobody has verified: for a better message, and nothing else.
    pub(crate) fn unverified_payload(&self) -> &[u8] {
        &self.body[..self.body.len().saturating_sub(SIGNATURE_BYTES)]
    }

    /// The token's text. It is what a customer paid for: show it to its owner only.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The key that it names.
    pub fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// Its SHA-256.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(&self.text).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}, {})", self.kid, self.hash().short())
    }
}

/// The SHA-256 of a token's text: it names the token and gives nothing of it away.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Parses 64 small hexadecimal digits.
    pub fn parse(text: &str) -> Option<TokenHash> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(TokenHash(bytes))
    }

    /// The first 12 digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Pre-authentication encoding of prefix, payload, footer and implicit assertion.
///
/// Source: PASETO specification, "Common implementation details", PAE; version 4, "Sign".
fn framed(payload: &[u8], footer: &[u8], assertion: &str) -> Vec<u8> {
    let pieces = [PREFIX.as_bytes(), payload, footer, assertion.as_bytes()];
    let total = pieces.iter().map(|piece| 8 + piece.len()).sum::<usize>();
    let mut bytes = Vec::with_capacity(8 + total);
    bytes.extend_from_slice(&(pieces.len() as u64).to_le_bytes());
    for piece in pieces {
        bytes.extend_from_slice(&(piece.len() as u64).to_le_bytes());
        bytes.extend_from_slice(piece);
    }
    bytes
}

fn footer_of(kid: &KeyId) -> Vec<u8> {
    format!("{{\"kid\":\"{kid}\"}}").into_bytes()
}

fn key_of(footer: &[u8]) -> Option<KeyId> {
    let text = std::str::from_utf8(footer).ok()?;
    KeyId::parse(text.strip_prefix("{\"kid\":\"")?.strip_suffix("\"}")?)
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Strict: no padding, no other alphabet, no space, and no bits left over.
fn decode(text: &str) -> Result<Vec<u8>, Refusal> {
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed("it is not canonical base64url"))
}

fn malformed(why: &str) -> Refusal {
    Refusal::malformed("token", why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::Secret;

    /// The published vectors 4-S-1 to 4-S-3 of PASETO: seed, public key, token, payload, footer, assertion.
    #[test]
    fn the_published_vectors_hold() {
        let seed = BASE64_URL_SAFE_NO_PAD.decode("tMv7Q99M4hByfZU-SnEzB_oZu32fhQQUONnhG5QqN3Q").unwrap();
        let key = SigningKey::from_seed(&Secret::new(seed.try_into().unwrap()));
        assert_eq!(key.public().to_string(), "Hrnbu7wEfAP9cGBOAHHwmH4Wsot1ciXBHwBBXQ4gsaI");
        let payload = r#"{"data":"this is a signed message","exp":"2022-01-01T00:00:00+00:00"}"#;
        let footer = r#"{"kid":"zVhMiPBP9fRf2snEcT7gFTioeA9COcNy9DfgL1W60haN"}"#;
        // footer, assertion, signature as the published token has it
        let vectors = [
            (
                "",
                "",
                "bg_XBBzds8lTZShVlwwKSgeKpLT3yukTw6JUz3W4h_ExsQV-P0V54zemZDcAxFaSeef1QlXEFtkqxT1ciiQEDA",
            ),
            (
                footer,
                "",
                "v3Jt8mx_TdM2ceTGoqwrh4yDFn0XsHvvV_D0DtwQxVrJEBMl0F2caAdgnpKlt4p7xBnx1HcO-SPo8FPp214HDw",
            ),
            (
                footer,
                r#"{"test-vector":"4-S-3"}"#,
                "NPWciuD3d0o5eXJXG5pJy-DiVEoyPYWs1YSTwWHNJq6DZD3je5gf-0M4JR9ipdUSJbIovzmBECeaWmaqcaP0DQ",
            ),
        ];
        for (footer, assertion, signature) in vectors {
            let framed = framed(payload.as_bytes(), footer.as_bytes(), assertion);
            assert_eq!(encode(&key.sign_bytes(&framed)), signature, "{footer} {assertion}");
            let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap().try_into().unwrap();
            assert!(key.public().verify_bytes(&framed, &signature));
        }
    }
}
