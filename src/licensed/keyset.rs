//! `keyset`: the keys from now on, signed by enough root keys of both sides.
//!
//! Root keys are held by different people in different places, so a keyset may be signed in several
//! sittings: each adds a line, and all lines hold the same payload. `--current` says whether what came
//! out is what the keys in use would accept, with the product's own code.

use super::args::{KeysetArgs, PassphraseArgs};
use super::{claims, keyfile::HeldKey, keyring, passphrase, write_document};
use crate::ctl::output::{Outcome, Output};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rtmx_core::{Error, Result, Timestamp, tool};
use rtmx_license::{DocumentType, Keyset, Refusal, Token, sign_keyset};
use serde_json::json;
use std::path::Path;

const FILE_LIMIT_BYTES: usize = 32 * 1024;

pub(super) fn run(args: &KeysetArgs, out: &Output) -> Outcome {
    let (keyset, before) = match &args.document {
        Some(path) => {
            let text = text_of(path)?;
            (claims_of(&text)?, text)
        }
        None => (fresh(args)?, String::new()),
    };
    let keys = open_all(args)?;
    let signers: Vec<_> = keys.iter().map(|held| (&held.kid, &held.key)).collect();
    let signed = sign_keyset(&keyset, &signers)?;
    let document = join(&before, &signed);
    if claims_of(&document)? != keyset {
        return Err(
            Refusal::KeysetInvalid { why: "its signatures are of different contents".to_owned() }.into()
        );
    }
    let accepted = match &args.current {
        Some(current) => {
            let ring = keyring::ring(Some(current), &keyset.product, args.current_threshold)?;
            let mut chain: Vec<Vec<u8>> = args
                .since
                .iter()
                .map(|path| super::read_file(path, FILE_LIMIT_BYTES))
                .collect::<Result<_>>()?;
            chain.push(document.clone().into_bytes());
            Some(ring.advance(&chain, Timestamp::now())?)
        }
        None => None,
    };
    write_document(args.out.as_deref(), &document, out)?;
    let signatures = document.lines().count();
    out.note(format!(
        "keyset {} of {}: {} keys, {signatures} signatures, {} needed; until {}",
        keyset.version,
        super::escaped(&keyset.product),
        keyset.keys.len(),
        keyset.threshold,
        keyset.expires_at,
    ));
    if accepted.is_none() {
        out.note("Not compared with the keys in use: `--current FILE` does.");
    }
    out.object(&json!({
        "type": "keyset", "product": keyset.product, "version": keyset.version, "threshold": keyset.threshold,
        "expires_at": keyset.expires_at, "keys": keyset.keys, "signatures": signatures,
        "accepted": accepted.is_some(), "file": args.out, "document": document,
    }));
    Ok(0)
}

/// A keyset of the file of keys.
fn fresh(args: &KeysetArgs) -> Result<Keyset> {
    let needed = |flag: &str| Error::new(tool::USAGE, format!("`{flag}` is missing"));
    let path = args.keys.as_deref().ok_or_else(|| needed("--keys"))?;
    Ok(Keyset {
        product: args.product.clone(),
        version: args.version.ok_or_else(|| needed("--version"))?,
        issued_at: claims::whole(Timestamp::now()),
        expires_at: claims::end_of(args.expires.as_deref().ok_or_else(|| needed("--expires"))?)?,
        threshold: args.threshold.ok_or_else(|| needed("--threshold"))?,
        keys: keyring::read(path)?,
    })
}

fn open_all(args: &KeysetArgs) -> Result<Vec<HeldKey>> {
    let given = args.passphrase_files.len().max(args.passphrase_env.len());
    if given > 1 && given != args.sign.len() {
        let message = format!(
            "{given} passphrases were given for {} keys: one for each, or one for all",
            args.sign.len()
        );
        return Err(Error::new(tool::USAGE, message));
    }
    let at = |index: usize| if given == 1 { 0 } else { index };
    let open = |(index, path): (usize, &std::path::PathBuf)| {
        let from = PassphraseArgs {
            passphrase_file: args.passphrase_files.get(at(index)).cloned(),
            passphrase_env: args.passphrase_env.get(at(index)).cloned(),
        };
        passphrase::open_key(path, &from, DocumentType::Keyset)
    };
    args.sign.iter().enumerate().map(open).collect()
}

fn text_of(path: &Path) -> Result<String> {
    let unreadable = |_| Error::new(tool::FILE_UNREADABLE, format!("{} is no text", path.display()));
    String::from_utf8(super::read_file(path, FILE_LIMIT_BYTES)?).map_err(unreadable)
}

/// What was signed before and now, each key once; the newer signature of a key stays.
fn join(before: &str, signed: &str) -> String {
    let kid = |line: &str| {
        Token::parse(line.as_bytes(), DocumentType::Keyset).ok().map(|token| token.kid().clone())
    };
    let new: Vec<_> = signed.lines().map(kid).collect();
    let kept = before.lines().map(str::trim).filter(|line| !line.is_empty() && !new.contains(&kid(line)));
    kept.chain(signed.lines()).map(|line| format!("{line}\n")).collect()
}

/// What a keyset says, by its first line; and that all lines say the same.
///
/// # Errors
///
/// `keyset_invalid` for lines that differ; what is wrong with the form.
pub(super) fn claims_of(document: &str) -> Result<Keyset> {
    let invalid = |why: &str| Refusal::KeysetInvalid { why: why.to_owned() };
    let mut payloads = Vec::new();
    for line in document.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let token = Token::parse(line.as_bytes(), DocumentType::Keyset)?;
        payloads.push(payload_of(&token).ok_or_else(|| invalid("a line is cut short"))?);
    }
    let first = payloads.first().ok_or(Refusal::Empty)?;
    if payloads.iter().any(|payload| payload != first) {
        return Err(invalid("its signatures are of different contents").into());
    }
    let mut members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(first).map_err(|_| invalid("it is not JSON"))?;
    if members.remove("typ") != Some(json!("keyset")) || members.remove("v") != Some(json!(1)) {
        return Err(invalid("it is another type of document, or of another version").into());
    }
    serde_json::from_value(members.into()).map_err(|_| invalid("it has other members than a keyset").into())
}

/// The payload of a token, which nobody has verified.
pub(super) fn payload_of(token: &Token) -> Option<Vec<u8>> {
    let body = token.as_str().strip_prefix("v4.public.")?.split('.').next()?;
    let mut body = BASE64_URL_SAFE_NO_PAD.decode(body).ok()?;
    body.truncate(body.len().checked_sub(64)?);
    Some(body)
}
