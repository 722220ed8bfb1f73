//! The one encoding of a document's payload.
//!
//! `{"typ":"...","v":1,` and the claims in the order of their declaration, compact, maps by name.
//! Reading decodes strictly, encodes again and compares the bytes. That one comparison refuses
//! repeated members, spaces, escapes, another order, arrays for objects and everything else that two
//! readers could read in two ways.

use crate::document::Document;
use crate::{DocumentType, Refusal};
use serde::Deserialize;

/// The version of every type of document.
const VERSION: u64 = 1;

fn prefix(document: DocumentType) -> String {
    format!("{{\"typ\":\"{}\",\"v\":{VERSION},", document.name())
}

/// Encodes claims that were validated.
///
/// # Errors
///
/// `license_claims_invalid` if they are too large for their type.
pub(crate) fn encode<D: Document>(claims: &D) -> Result<Vec<u8>, Refusal> {
    claims.validate()?;
    let payload = written(claims)?;
    let limit = D::TYPE.payload_limit();
    if payload.len() > limit {
        let why = format!("together the claims have {} bytes, and {limit} is the most", payload.len());
        return Err(Refusal::claim("ext", why));
    }
    Ok(payload)
}

fn written<D: Document>(claims: &D) -> Result<Vec<u8>, Refusal> {
    let mut payload = prefix(D::TYPE).into_bytes();
    let open = payload.len();
    serde_json::to_writer(&mut payload, claims)
        .map_err(|_| Refusal::malformed("claims", "they cannot be written as JSON"))?;
    // The claims' own brace: what stands before it has opened the object already.
    payload.remove(open);
    Ok(payload)
}

/// Decodes a payload whose signature was checked.
///
/// # Errors
///
/// `license_wrong_document`, `license_unsupported`, `license_not_canonical`, `license_malformed`.
pub(crate) fn decode<D: Document>(payload: &[u8]) -> Result<D, Refusal> {
    let prefix = prefix(D::TYPE);
    let Some(rest) = payload.strip_prefix(prefix.as_bytes()) else {
        return Err(without_prefix::<D>(payload));
    };
    let mut object = Vec::with_capacity(rest.len() + 1);
    object.push(b'{');
    object.extend_from_slice(rest);
    let claims: D = serde_json::from_slice(&object)
        .map_err(|error| Refusal::malformed(part(D::TYPE), reason(&error, prefix.len() - 1)))?;
    if written(&claims)? != payload {
        return Err(Refusal::NotCanonical { document: D::TYPE });
    }
    claims.validate().map_err(|refusal| match refusal {
        Refusal::ClaimsInvalid { claim, why } => {
            Refusal::malformed(part(D::TYPE), format!("the claim `{claim}`: {why}"))
        }
        other => other,
    })?;
    Ok(claims)
}

/// What to say of a payload that does not begin as it must.
fn without_prefix<D: Document>(payload: &[u8]) -> Refusal {
    #[derive(Deserialize)]
    struct Start {
        typ: String,
        v: u64,
    }
    let malformed = |why: String| Refusal::malformed(part(D::TYPE), why);
    let start: Start = match serde_json::from_slice(payload) {
        Ok(start) => start,
        Err(error) => return malformed(reason(&error, 0)),
    };
    match DocumentType::ALL.into_iter().find(|known| known.name() == start.typ) {
        None => malformed("its type is not known".to_owned()),
        Some(found) if found != D::TYPE => Refusal::WrongDocument { wanted: D::TYPE, found },
        Some(document) if start.v != VERSION => {
            Refusal::Unsupported { document, why: format!("its version is {}, known is {VERSION}", start.v) }
        }
        // With another spacing, order or array around what is otherwise right.
        Some(document) => Refusal::NotCanonical { document },
    }
}

/// The type that a payload claims to have, for a better message.
pub(crate) fn claimed_type(payload: &[u8]) -> Option<DocumentType> {
    DocumentType::ALL.into_iter().find(|document| payload.starts_with(prefix(*document).as_bytes()))
}

pub(crate) fn part(document: DocumentType) -> &'static str {
    match document {
        DocumentType::License => "license",
        DocumentType::Lease => "lease",
        DocumentType::RevocationList => "revocation list",
        DocumentType::Keyset => "keyset",
        DocumentType::ActivationRequest => "activation request",
    }
}

/// Where and in what sense JSON was refused, without a word of the text: it may be a secret, or a
/// forged line of a log.
pub(crate) fn reason(error: &serde_json::Error, shift: usize) -> String {
    use serde_json::error::Category;
    let text = error.to_string();
    let what = match error.classify() {
        // Only names of members that we declared are in this one.
        Category::Data if text.starts_with("missing field `") => {
            return text
                .split(" at line")
                .next()
                .unwrap_or("a member is missing")
                .replacen("field", "member", 1);
        }
        Category::Data if text.starts_with("unknown field") => "a member that is not known",
        Category::Data if text.starts_with("duplicate field") => "a member that is there twice",
        Category::Data => "a value of the wrong type or range",
        Category::Eof => "it is cut short",
        Category::Syntax | Category::Io => "it is not JSON",
    };
    format!("{what}, at line {} column {}", error.line(), error.column() + shift)
}
