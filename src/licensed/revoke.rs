//! `revoke`: the next revocation list.
//!
//! A list holds everything that was ever revoked, because an installation sees only the newest one; its
//! number grows with each, and the register makes sure that no number is signed twice.

use super::args::RevokeArgs;
use super::issue::ACTOR;
use super::register::{self, AuditEntry, Register, RevocationRecord};
use super::{claims, passphrase, write_document};
use crate::Drivers;
use crate::ctl::output::{Outcome, Output};
use rtmx_core::{Cx, Error, Result, Timestamp, storage, tool};
use rtmx_license::{DocumentType, RevocationList, TokenHash, sign};
use serde_json::json;
use std::time::Duration;

pub(super) async fn run(drivers: &Drivers, args: &RevokeArgs, out: &Output) -> Outcome {
    let asked = !(args.ids.is_empty() && args.tokens.is_empty() && args.below.is_empty());
    if !asked && !args.refresh {
        let message = "nothing to revoke was named; `--refresh` signs the same list anew";
        return Err(Error::new(tool::USAGE, message).into());
    }
    let register = Register::open(drivers, &args.register).await?;
    let revoked = revoke(&register, args).await;
    register.close().await?;
    let RevocationRecord { list, token } = revoked?;
    write_document(args.out.as_deref(), &format!("{token}\n"), out)
        .map_err(|error| error.with_state("the list was recorded, and not written"))?;
    out.note(format!(
        "revocation list {} of {}: {} licenses, {} tokens; the next is due {}",
        list.seq,
        super::escaped(&list.product),
        list.licenses.len(),
        list.tokens.len(),
        list.next_update,
    ));
    out.object(&json!({
        "type": "revoke", "product": list.product, "seq": list.seq, "licenses": list.licenses, "tokens": list.tokens,
        "min_seq": list.min_seq, "next_update": list.next_update, "file": args.out, "list": token,
    }));
    Ok(0)
}

async fn revoke(register: &Register, args: &RevokeArgs) -> Result<RevocationRecord> {
    let cx = Cx::new();
    let now = Timestamp::now();
    let before = register.revocations(&cx, &args.product).await?;
    let mut list = match &before {
        Some((record, _)) => record.list.clone(),
        None => empty(&args.product, now),
    };
    for id in &args.ids {
        // Whoever mistypes an id must not believe that something was revoked.
        register.license(&cx, id).await?;
        insert(&mut list.licenses, id.clone());
    }
    for hash in &args.tokens {
        let hash = TokenHash::parse(hash)
            .ok_or_else(|| Error::new(tool::USAGE, "`--token-hash` takes 64 small hexadecimal digits"))?;
        insert(&mut list.tokens, hash.to_string());
    }
    for text in &args.below {
        let split = text.split_once('=').and_then(|(id, seq)| Some((id, seq.parse::<u64>().ok()?)));
        let (id, seq) = split.ok_or_else(|| Error::new(tool::USAGE, "`--below` takes LICENSE_ID=NUMBER"))?;
        register.license(&cx, id).await?;
        let least = list.min_seq.entry(id.to_owned()).or_default();
        *least = (*least).max(seq);
    }
    list.seq += 1;
    list.issued_at = claims::whole(now);
    let span = Duration::from_secs(u64::from(args.next_update_days) * 86_400);
    list.next_update = list
        .issued_at
        .checked_add(span)
        .map_err(|_| Error::new(tool::USAGE, "`--next-update-days` is too far"))?;
    let key = passphrase::open_key(&args.key, &args.passphrase, DocumentType::RevocationList)?;
    let token = sign(&key.key, &key.kid, &list)?;
    let record = RevocationRecord { list, token: token.as_str().to_owned() };
    let revision = before.map(|(_, revision)| revision);
    let mut writes = vec![register::put(&register::revocations_key(&args.product), &record, revision)];
    let named = args
        .ids
        .iter()
        .map(String::as_str)
        .chain(args.below.iter().map(|text| text.split('=').next().unwrap_or_default()));
    for id in named {
        writes.push(register::audit(&line(now, args, record.list.seq).of(id)));
    }
    for hash in &args.tokens {
        let mut entry = line(now, args, record.list.seq);
        entry.detail.push_str(&format!("; token {hash}"));
        writes.push(register::audit(&entry));
    }
    register.apply(&cx, ACTOR, "revoke", writes).await.map_err(|error| match error.code() {
        storage::RECORD_EXISTS | storage::STALE_REVISION => error
            .with_state("no list was handed out")
            .with_next("Somebody else revoked at the same time; run the command again."),
        _ => error,
    })?;
    Ok(record)
}

fn line(now: Timestamp, args: &RevokeArgs, seq: u64) -> AuditEntry {
    let reason = if args.reason.is_empty() { String::new() } else { format!("; {}", args.reason) };
    AuditEntry::new(now, "revoked", ACTOR).saying(format!("list {seq}{reason}"))
}

fn empty(product: &str, now: Timestamp) -> RevocationList {
    RevocationList {
        product: product.to_owned(),
        seq: 0,
        issued_at: now,
        next_update: now,
        licenses: Vec::new(),
        tokens: Vec::new(),
        min_seq: std::collections::BTreeMap::new(),
    }
}

/// Keeps a list sorted, each entry once.
fn insert(list: &mut Vec<String>, entry: String) {
    if let Err(at) = list.binary_search(&entry) {
        list.insert(at, entry);
    }
}
