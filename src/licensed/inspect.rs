//! `inspect`: what a document says, and whether a known key signed it.
//!
//! No private key is needed, and nothing is believed: what was not verified is shown as such, and
//! whatever the text holds cannot act on a terminal.

use super::args::InspectArgs;
use super::{escaped, keyring, keyset};
use crate::ctl::output::{Failure, Outcome, Output};
use rtmx_core::{Error, Result, Timestamp};
use rtmx_license::{
    ActivationRequest, DocumentType, KeyRing, Keyset, Lease, License, OneSignature, Refusal, RevocationList,
    Token, carrier, open,
};
use serde_json::{Map, Value, json};

/// What one run found.
struct Found {
    document: DocumentType,
    token: Token,
    claims: Value,
    refused: Option<Refusal>,
}

pub(super) fn run(args: &InspectArgs, out: &Output) -> Outcome {
    let limit = DocumentType::RevocationList.file_limit();
    let bytes = super::read_file(&args.file, limit)?;
    let ring = keyring::ring(args.keys.as_deref(), &args.product, None)?;
    let found = look(&ring, &bytes)?;
    let Found { document, token, claims, refused } = &found;
    let shown = safe(claims);
    let report = json!({
        "type": "inspect", "document": document, "verified": refused.is_none(), "kid": token.kid(),
        "hash": token.hash().to_string(), "claims": shown,
        "refused": refused.as_ref().map(|refusal| json!({"code": refusal.code().id(), "why": escaped(&format!("{refusal}"))})),
    });
    let verified = if refused.is_none() { "yes" } else { "NO: nothing below can be believed" };
    let mut rows = vec![
        vec!["document".to_owned(), document.to_string()],
        vec!["verified".to_owned(), verified.to_owned()],
        vec!["key".to_owned(), token.kid().to_string()],
        vec!["sha256".to_owned(), token.hash().to_string()],
    ];
    rows.extend(shown.as_object().into_iter().flatten().map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        vec![name.clone(), value]
    }));
    out.rows(&rows);
    match found.refused {
        None => {
            out.object(&report);
            Ok(0)
        }
        Some(refusal) => Err(Failure { error: Error::from(refusal), report: Some(report) }),
    }
}

fn look(ring: &KeyRing, bytes: &[u8]) -> Result<Found> {
    let found = DocumentType::ALL.into_iter().find_map(|document| {
        // A keyset has a token a line; the others one in a carrier.
        let lines = std::str::from_utf8(bytes).ok().filter(|_| document == DocumentType::Keyset);
        let first = lines.and_then(|text| text.lines().find(|line| !line.trim().is_empty()));
        let token = match first {
            Some(line) => Token::parse(line.trim().as_bytes(), document).ok(),
            None => carrier::token_of(bytes, document).ok(),
        };
        let token = token?;
        let payload: Map<String, Value> = serde_json::from_slice(&keyset::payload_of(&token)?).ok()?;
        (payload.get("typ")?.as_str()? == document.name()).then_some((
            document,
            token,
            Value::Object(payload),
        ))
    });
    let Some((document, token, claims)) = found else {
        // Its own words for what is wrong, as a license: what people have most.
        carrier::token_of(bytes, DocumentType::License)?;
        return Err(Refusal::Malformed { part: "document", why: "its type is not known".to_owned() }.into());
    };
    let refused = match document {
        DocumentType::License => opened::<License>(ring, bytes),
        DocumentType::Lease => opened::<Lease>(ring, bytes),
        DocumentType::RevocationList => opened::<RevocationList>(ring, bytes),
        DocumentType::ActivationRequest => opened::<ActivationRequest>(ring, bytes),
        DocumentType::Keyset => {
            let keyset: Option<Keyset> =
                std::str::from_utf8(bytes).ok().and_then(|text| keyset::claims_of(text).ok());
            match keyset {
                Some(_) => ring.advance(&[bytes], Timestamp::now()).err(),
                None => Some(Refusal::KeysetInvalid { why: "its lines cannot be read".to_owned() }),
            }
        }
    };
    Ok(Found { document, token, claims, refused })
}

fn opened<D: OneSignature>(ring: &KeyRing, bytes: &[u8]) -> Option<Refusal> {
    open::<D>(ring, bytes).err()
}

/// The same value with all text escaped.
fn safe(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(escaped(text)),
        Value::Array(items) => items.iter().map(safe).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (escaped(name), safe(value))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}
