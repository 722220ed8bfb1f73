//! From a signed question to a signed answer, and what the register keeps of both.
//!
//! The decision is made under the license's lock, and what it changes is on its way to the writer before
//! the lock is given back, so that the register sees the states in their order. A new place is durable
//! before it is told; when it cannot be recorded, it is taken back and nobody was told.

use super::super::register::{AuditEntry, activation_key, audit_key};
use super::LicenseServer;
use super::books::{Shared, lock};
use super::seats::{Finding, Keep, Member};
use super::writer::{Recording, Writer};
use rtmx_core::{Error, Result, Timestamp, server, vendor};
use rtmx_license::{
    ActivationPurpose, ActivationRequest, KeyId, Lease, LeaseStatus, Refusal, Token, Verified, open, sign,
};
use std::time::{Duration, Instant};

/// What is answered.
pub(super) enum Given {
    /// A signed lease.
    Lease { token: Token, status: LeaseStatus, seq: u64 },
    /// The installation is forgotten.
    Released { seq: u64 },
    /// Not now.
    TooOften(Duration),
}

/// Answers a question, and audits its refusal.
///
/// # Errors
///
/// What is wrong with the question; `license_unknown`, `license_wrong_product`, `license_limit_reached`,
/// `license_binding_mismatch`, `license_binding_unreadable`; `installation_unknown` and
/// `request_outdated` for a release; `not_ready`.
pub(super) async fn answer(
    server: &LicenseServer,
    body: &[u8],
    peer: &str,
    purposes: &[ActivationPurpose],
) -> Result<(Verified<ActivationRequest>, Given)> {
    server.check_turn()?;
    let now = server.now();
    let opened = open::<ActivationRequest>(&server.ring, body.trim_ascii()).map_err(Error::from);
    let outcome = match &opened {
        Ok(request) => answer_verified(server, request, peer, purposes, now).await,
        Err(_) => Ok(None),
    };
    match (opened, outcome) {
        (Ok(request), Ok(Some(given))) => Ok((request, given)),
        (Ok(request), Err(error)) => {
            refuse(server, now, peer, Some(&request), &error).await;
            Err(error)
        }
        (Ok(request), Ok(None)) => {
            let error = wrong_purpose();
            refuse(server, now, peer, Some(&request), &error).await;
            Err(error)
        }
        (Err(error), _) => {
            refuse(server, now, peer, None, &error).await;
            Err(error)
        }
    }
}

/// `None` for another purpose than the path is for.
async fn answer_verified(
    server: &LicenseServer,
    request: &Verified<ActivationRequest>,
    peer: &str,
    purposes: &[ActivationPurpose],
    now: Timestamp,
) -> Result<Option<Given>> {
    if !purposes.contains(&request.purpose) {
        return Ok(None);
    }
    if request.product != server.product {
        let (found, wanted) = (request.product.clone(), server.product.clone());
        return Err(Refusal::WrongProduct { member: "product", found, wanted }.into());
    }
    let seats = server.books.seats(&server.cx(), &request.license_id).await?;
    if let Err(wait) = server.licenses.take(bucket(&seats, request), Instant::now()) {
        return Ok(Some(Given::TooOften(wait)));
    }
    let writer = server.writer()?;
    match request.purpose {
        ActivationPurpose::Release => release(&writer, &seats, request, peer, now).await.map(Some),
        ActivationPurpose::Activate | ActivationPurpose::Lease => {
            lease(server, &writer, &seats, request, peer, now).await.map(Some)
        }
    }
}

/// A known installation has its own bucket, so that strangers cannot take it away.
fn bucket(seats: &Shared, request: &ActivationRequest) -> String {
    let known = lock(seats).members.contains_key(&request.installation_id);
    if known {
        format!("{}/{}", request.license_id, request.installation_id)
    } else {
        request.license_id.clone()
    }
}

async fn lease(
    server: &LicenseServer,
    writer: &Writer,
    seats: &Shared,
    request: &ActivationRequest,
    peer: &str,
    now: Timestamp,
) -> Result<Given> {
    let revocations = server.books.revocations();
    let id = &request.installation_id;
    let (decision, recording) = {
        let mut seats = lock(seats);
        let decision = seats.decide(request, revocations.as_deref().map(|record| &record.list), now)?;
        let recording = record(writer, request, decision.keep, seats.members.get(id));
        (decision, recording)
    };
    let lease = &decision.lease;
    // Signing first: what is recorded takes the disk's time, and one runs beside the other.
    let (kid, key) = &server.lease_key;
    let signed: Result<Token> = sign(key, kid, lease).map_err(Error::from);
    if let Some(recording) = recording
        && let Err(error) = recording.durable().await
    {
        put_back(seats, id, decision.before, lease);
        return Err(error);
    }
    let entry = |act: &str, detail: String| {
        let mut entry = AuditEntry::new(now, act, peer).of(&request.license_id).saying(detail);
        id.as_str().clone_into(&mut entry.installation);
        entry
    };
    for finding in &decision.findings {
        match finding {
            Finding::Activated => {
                let entry = entry("activated", format!("version {}", request.version));
                // The place is recorded; a line that cannot be written now waits for better times.
                let _ = writer.record(audit_key(entry.at), Some(&entry)).await;
            }
            Finding::OverLimit { limit, used } => {
                let entry = entry("over_limit", format!("{used} live servers, and {limit} are allowed"));
                drop(writer.begin(audit_key(entry.at), Some(&entry)));
            }
            Finding::CloneSuspected { why } => {
                tracing::warn!(license = request.license_id, installation = %id, "two seem to use one identity");
                let entry = entry("clone_suspected", why.clone());
                drop(writer.begin(audit_key(entry.at), Some(&entry)));
            }
        }
    }
    let status = match lease.status {
        LeaseStatus::Active => "active",
        LeaseStatus::Suspended => "suspended",
        LeaseStatus::Revoked => "revoked",
    };
    server.metrics.counter("licensed_leases_total", "status", status).increment(1);
    Ok(Given::Lease { token: signed?, status: lease.status, seq: lease.seq })
}

/// Begins to record what a decision changed; what is to be waited for comes back.
fn record(
    writer: &Writer,
    request: &ActivationRequest,
    keep: Keep,
    member: Option<&Member>,
) -> Option<Recording> {
    let key = || activation_key(&request.license_id, request.installation_id.as_str());
    let activation = &member?.activation;
    match keep {
        Keep::Nothing => None,
        Keep::Later => {
            writer.record_later(key(), activation);
            None
        }
        Keep::First => Some(writer.begin(key(), Some(activation))),
    }
}

/// Takes a place back that could not be recorded, unless somebody changed it since.
fn put_back(seats: &Shared, id: &KeyId, before: Option<Member>, lease: &Lease) {
    let mut seats = lock(seats);
    let ours = seats.members.get(id).is_some_and(|member| member.activation.nonce == lease.nonce);
    match before {
        Some(before) if ours => _ = seats.members.insert(id.clone(), before),
        None if ours => _ = seats.members.remove(id),
        _ => {}
    }
}

async fn release(
    writer: &Writer,
    seats: &Shared,
    request: &ActivationRequest,
    peer: &str,
    now: Timestamp,
) -> Result<Given> {
    let id = &request.installation_id;
    let (before, seq, recording) = {
        let mut seats = lock(seats);
        let member = seats.members.get(id).ok_or_else(|| unknown_installation(id))?;
        if request.issued_at <= member.activation.asked_at {
            let message = "the release is not newer than the last question of the installation";
            return Err(Error::new(vendor::REQUEST_OUTDATED, message));
        }
        let before = seats.members.remove(id);
        let key = activation_key(&request.license_id, id.as_str());
        (before, seats.license.claims.seq, writer.begin::<()>(key, None))
    };
    if let Err(error) = recording.durable().await {
        let mut seats = lock(seats);
        if let (Some(before), false) = (before, seats.members.contains_key(id)) {
            seats.members.insert(id.clone(), before);
        }
        return Err(error);
    }
    let mut entry = AuditEntry::new(now, "released", peer).of(&request.license_id);
    id.as_str().clone_into(&mut entry.installation);
    let _ = writer.record(audit_key(entry.at), Some(&entry)).await;
    Ok(Given::Released { seq })
}

/// That a license has no such installation.
pub(super) fn unknown_installation(id: &KeyId) -> Error {
    Error::new(vendor::INSTALLATION_UNKNOWN, format!("the license has no installation `{id}`"))
}

pub(super) fn wrong_purpose() -> Error {
    let message = "the question has another purpose than this path";
    let next = "Send leases to `/v1/leases`, and activations and releases to `/v1/activations`.";
    Error::new(server::BODY_INVALID, message).with_next(next)
}

/// Audits a refusal. What is the server's own trouble is no refusal.
async fn refuse(
    server: &LicenseServer,
    now: Timestamp,
    peer: &str,
    request: Option<&Verified<ActivationRequest>>,
    error: &Error,
) {
    if error.code().entry().status >= 500 {
        return;
    }
    let mut entry = AuditEntry::new(now, "refused", peer).saying(error.code().id());
    if let Some(request) = request {
        entry.license.clone_from(&request.license_id);
        request.installation_id.as_str().clone_into(&mut entry.installation);
    }
    if let Ok(writer) = server.writer() {
        server.refusals.record(&writer, entry).await;
    }
}
