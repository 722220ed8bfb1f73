//! `issue`, `renew` and `list`: licenses, signed and recorded.
//!
//! A license is recorded before it is handed out, in one change set with its line of the audit: one
//! that exists and is not in the register could not be renewed, and not be revoked by its number.

use super::args::{FormWord, IssueArgs, OutArgs, RegisterArgs, RenewArgs};
use super::register::{self, AuditEntry, LicenseRecord, Register};
use super::{claims, escaped, passphrase, write_document};
use crate::Drivers;
use crate::ctl::output::{Outcome, Output};
use rtmx_core::{Cx, Error, Result, Revision, Timestamp, storage, vendor};
use rtmx_license::{DocumentType, License, Token, carrier, sign};
use serde_json::{Value, json};

/// Who writes, for history and audit.
pub(super) const ACTOR: &str = "rtmx-licensed";

pub(super) async fn run_issue(drivers: &Drivers, args: &IssueArgs, out: &Output) -> Outcome {
    let license = claims::new_license(&args.claims, args.id.as_deref(), Timestamp::now())?;
    let key = passphrase::open_key(&args.key, &args.passphrase, DocumentType::License)?;
    let token = sign(&key.key, &key.kid, &license)?;
    let register = Register::open(drivers, &args.register).await?;
    let recorded = record(&register, &license, &token, None, "issued").await;
    register.close().await?;
    recorded?;
    hand_out("issue", &license, &token, &args.out, out)
}

pub(super) async fn run_renew(drivers: &Drivers, args: &RenewArgs, out: &Output) -> Outcome {
    let register = Register::open(drivers, &args.register).await?;
    let renewed = renew(&register, args).await;
    register.close().await?;
    let (license, token) = renewed?;
    hand_out("renew", &license, &token, &args.out, out)
}

async fn renew(register: &Register, args: &RenewArgs) -> Result<(License, Token)> {
    let (before, revision) = register.license(&Cx::new(), &args.id).await?;
    let license = claims::renewed(&before.claims, &args.claims, Timestamp::now())?;
    let key = passphrase::open_key(&args.key, &args.passphrase, DocumentType::License)?;
    let token = sign(&key.key, &key.kid, &license)?;
    record(register, &license, &token, Some((&before, revision)), "renewed").await?;
    Ok((license, token))
}

/// Records a license with its line of the audit.
///
/// # Errors
///
/// `license_issued` where the id or the number is there already.
async fn record(
    register: &Register,
    license: &License,
    token: &Token,
    before: Option<(&LicenseRecord, Revision)>,
    act: &str,
) -> Result<()> {
    let now = Timestamp::now();
    let mut writes = register::record_license(license, token, before, now);
    let detail = format!("number {}, until {}, signed by {}", license.seq, license.expires_at, token.kid());
    writes.push(register::audit(&AuditEntry::new(now, act, ACTOR).of(&license.license_id).saying(detail)));
    register.apply(&Cx::new(), ACTOR, act, writes).await.map_err(|error| match error.code() {
        storage::RECORD_EXISTS | storage::STALE_REVISION => {
            let (id, seq) = (&license.license_id, license.seq);
            Error::new(
                vendor::LICENSE_ISSUED,
                format!("license `{id}` number {seq} or a later one is there already"),
            )
            .with_state("nothing was recorded or handed out")
            .with_source(error)
        }
        _ => error,
    })
}

fn hand_out(kind: &str, license: &License, token: &Token, to: &OutArgs, out: &Output) -> Outcome {
    let text = match to.form {
        FormWord::Bare => format!("{}\n", token.as_str()),
        FormWord::Armoured => carrier::armoured(token, DocumentType::License),
        FormWord::Document => carrier::json_document(token)?,
    };
    write_document(to.out.as_deref(), &text, out).map_err(|error| {
        let next = "Correct the cause; the license is in the register, and `rtmx-licensed renew` makes its next number.";
        error.with_state("the license was recorded, and not written").with_next(next)
    })?;
    out.note(format!(
        "license {} number {} for {}: until {}, then {} days of grace",
        license.license_id,
        license.seq,
        escaped(&license.organization),
        license.expires_at,
        license.grace_days,
    ));
    out.object(&json!({
        "type": kind, "license_id": license.license_id, "seq": license.seq, "expires_at": license.expires_at,
        "grace_until": license.grace_until(), "kid": token.kid(), "hash": token.hash().to_string(),
        "bound_to": license.binding.components, "file": to.out, "license": text,
    }));
    Ok(0)
}

pub(super) async fn run_list(drivers: &Drivers, args: &RegisterArgs, out: &Output) -> Outcome {
    let register = Register::open(drivers, args).await?;
    let found = register.scan::<LicenseRecord>(&Cx::new(), "license/", None, usize::MAX).await;
    register.close().await?;
    let found = found?;
    let mut rows =
        vec![["ID", "NUMBER", "EDITION", "EXPIRES", "STANDING", "ORGANIZATION"].map(str::to_owned).to_vec()];
    let mut listed: Vec<Value> = Vec::with_capacity(found.len());
    for (_, LicenseRecord { claims, standing, hash, kid, .. }) in &found {
        let standing = json!(standing);
        rows.push(vec![
            claims.license_id.clone(),
            claims.seq.to_string(),
            claims.edition.clone(),
            claims.expires_at.to_string(),
            standing.as_str().unwrap_or_default().to_owned(),
            escaped(&claims.organization),
        ]);
        listed.push(json!({
            "license_id": claims.license_id, "seq": claims.seq, "edition": claims.edition, "hash": hash,
            "kid": kid, "expires_at": claims.expires_at, "standing": standing, "organization": claims.organization,
        }));
    }
    out.rows(&rows);
    out.object(&json!({"type": "list", "licenses": listed}));
    Ok(0)
}
