//! Licenses, and the installations that use them.

use super::super::LicenseServer;
use super::super::answers::unknown_installation;
use super::super::body::Document;
use super::super::books::lock;
use super::{ACTOR, Answer, Named, check_product, named};
use crate::http::{Problem, ProblemDocument, read_body};
use crate::licensed::register::{self, AuditEntry, LicenseRecord, Standing, activation_key, audit_key};
use axum::Json;
use axum::extract::{Request, State};
use http::StatusCode;
use rtmx_core::{Error, Timestamp, server as codes, vendor};
use rtmx_license::{DocumentType, KeyId, License, Limit, carrier, verify};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The largest amendment.
const AMENDMENT_LIMIT_BYTES: u64 = 16 * 1024;

/// A license and who uses it.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct LicenseView {
    /// Its id.
    license_id: String,
    /// The highest number that is recorded.
    seq: u64,
    /// The customer.
    organization: String,
    /// The edition.
    edition: String,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// When its grace ends.
    #[schema(value_type = String, format = DateTime)]
    grace_until: Timestamp,
    /// The key that signed it.
    kid: String,
    /// The SHA-256 of its token.
    hash: String,
    /// `active`, `suspended` or `revoked`.
    status: &'static str,
    /// Limits in place of the license's.
    limits: BTreeMap<String, u64>,
    /// Live servers.
    nodes: Usage,
    /// Installations that hold a place.
    seats: Vec<SeatView>,
    /// Installations that were there once.
    lapsed: usize,
}

/// How many, of how many.
#[derive(Serialize, utoipa::ToSchema)]
struct Usage {
    /// How many there are.
    used: u64,
    /// How many there may be; none for any number.
    allowed: Option<u64>,
}

/// An installation that holds a place.
#[derive(Serialize, utoipa::ToSchema)]
struct SeatView {
    /// Its id.
    installation_id: String,
    /// Its version.
    version: String,
    /// Its live servers.
    nodes: u64,
    /// What it says is in use.
    counts: BTreeMap<String, u64>,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// When it was heard of last.
    #[schema(value_type = String, format = DateTime)]
    seen_at: Timestamp,
    /// Until when it holds its place.
    #[schema(value_type = String, format = DateTime)]
    lease_until: Timestamp,
    /// Whether it is beyond the limit, while it replaces another.
    surge: bool,
    /// When it was reported that two seem to use its identity.
    #[schema(value_type = Option<String>, format = DateTime)]
    clone_reported_at: Option<Timestamp>,
}

/// A license, its seats and its nodes.
#[utoipa::path(get, path = "/v1/licenses/{id}", tag = "staff", params(("id" = String, Path, description = "the license's id")), responses(
    (status = 200, body = LicenseView), (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"), (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn license(
    State(server): State<LicenseServer>,
    id: Named<String>,
) -> Answer<Json<LicenseView>> {
    view(&server, &named(id)?).await
}

async fn view(server: &LicenseServer, id: &str) -> Answer<Json<LicenseView>> {
    let seats = server.books.seats(&server.cx(), id).await?;
    let list = server.books.revocations();
    let now = server.now();
    let seats = lock(&seats);
    let LicenseRecord { claims, kid, hash, standing, limits, .. } = &seats.license;
    let revoked = list.is_some_and(|record| {
        let list = &record.list;
        list.licenses.binary_search(&claims.license_id).is_ok()
            || list.tokens.binary_search(hash).is_ok()
            || list.min_seq.get(&claims.license_id).is_some_and(|least| claims.seq < *least)
    });
    let status = match standing {
        _ if revoked => "revoked",
        Standing::Active => "active",
        Standing::Suspended => "suspended",
    };
    let allowed = match seats.node_limit() {
        Limit::AtMost(most) => Some(most),
        Limit::Unlimited => None,
    };
    let held: Vec<SeatView> = seats
        .live(now)
        .map(|(id, activation)| SeatView {
            installation_id: id.to_string(),
            version: activation.version.clone(),
            nodes: activation.nodes,
            counts: activation.counts.clone(),
            since: activation.since,
            seen_at: activation.seen_at,
            lease_until: activation.lease_until,
            surge: activation.surge_until.is_some(),
            clone_reported_at: activation.clone_reported_at,
        })
        .collect();
    Ok(Json(LicenseView {
        license_id: claims.license_id.clone(),
        seq: claims.seq,
        organization: claims.organization.clone(),
        edition: claims.edition.clone(),
        expires_at: claims.expires_at,
        grace_until: claims.grace_until(),
        kid: kid.to_string(),
        hash: hash.clone(),
        status,
        limits: limits.clone(),
        nodes: Usage { used: seats.nodes(now), allowed },
        lapsed: seats.members.len() - held.len(),
        seats: held,
    }))
}

/// Records a license that was issued elsewhere.
///
/// The body is the license in any form. The same again changes nothing; one with a lower number than
/// the newest is recorded, and does not replace it.
#[utoipa::path(post, path = "/v1/licenses", tag = "staff", request_body(content = String, content_type = "text/plain"), responses(
    (status = 200, body = LicenseView), (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"), (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn record_license(
    State(server): State<LicenseServer>,
    Document(body): Document,
) -> Answer<Json<LicenseView>> {
    let verified = verify(&server.ring(), &body).map_err(Error::from)?;
    check_product(&server, &verified.product)?;
    let license: &License = &verified;
    let token = carrier::token_of(&body, DocumentType::License).map_err(Error::from)?;
    let cx = server.cx();
    let now = server.now();
    let register = server.books.register();
    let before = match register.license(&cx, &license.license_id).await {
        Ok(found) => Some(found),
        Err(error) if error.code() == vendor::LICENSE_UNKNOWN => None,
        Err(error) => return Err(error.into()),
    };
    let key = register::issue_key(&license.license_id, license.seq);
    let same = register.find::<register::Issued>(&cx, &key).await?;
    match same {
        Some((issued, _)) if issued.hash == verified.hash().to_string() => {}
        Some(_) => {
            let (id, seq) = (&license.license_id, license.seq);
            let message = format!("another license `{id}` with the number {seq} was recorded before");
            return Err(Error::new(vendor::LICENSE_ISSUED, message).into());
        }
        None => {
            let standing = before.as_ref().map(|(record, revision)| (record, *revision));
            let mut writes = register::record_license(license, &token, standing, now);
            if before.as_ref().is_some_and(|(record, _)| record.claims.seq > license.seq) {
                writes.remove(0);
            }
            let entry = AuditEntry::new(now, "recorded", ACTOR).of(&license.license_id);
            writes.push(register::audit(&entry.saying(format!("number {}", license.seq))));
            register.apply(&cx, ACTOR, "record a license", writes).await?;
        }
    }
    server.books.refresh(&cx, &license.license_id).await?;
    view(&server, &license.license_id).await
}

/// What changes about a license without a new one.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Amendment {
    /// `active` or `suspended`; left out for no change.
    standing: Option<Standing>,
    /// Limits in place of the license's, all of them; left out for no change.
    limits: Option<BTreeMap<String, u64>>,
    /// Why; for the audit.
    #[serde(default)]
    reason: String,
}

/// Suspends a license, takes it up again, or sets limits in place of its own.
#[utoipa::path(patch, path = "/v1/licenses/{id}", tag = "staff", request_body = Amendment, params(("id" = String, Path, description = "the license's id")), responses(
    (status = 200, body = LicenseView), (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"), (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn amend(
    State(server): State<LicenseServer>,
    id: Named<String>,
    request: Request,
) -> Answer<Json<LicenseView>> {
    let id = named(id)?;
    let body = read_body(request, AMENDMENT_LIMIT_BYTES).await?;
    let invalid = |why: String| {
        Problem(Error::new(codes::BODY_INVALID, format!("could not read the body as JSON: {why}")))
    };
    let amendment: Amendment = serde_json::from_slice(&body).map_err(|error| invalid(error.to_string()))?;
    let names = amendment.limits.iter().flat_map(BTreeMap::iter);
    for (name, most) in names {
        let plain = name.len() <= 64 && name.starts_with(|c: char| c.is_ascii_lowercase());
        let plain = plain && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !plain || *most >= 1 << 53 || amendment.limits.as_ref().is_some_and(|limits| limits.len() > 64) {
            return Err(invalid(
                "a limit has a name of a-z 0-9 _, and a number below 2^53; 64 at most".to_owned(),
            ));
        }
    }
    let cx = server.cx();
    let now = server.now();
    let register = server.books.register();
    let (mut record, revision) = register.license(&cx, &id).await?;
    let mut said = Vec::new();
    if let Some(standing) = amendment.standing {
        record.standing = standing;
        said.push(format!("standing {}", serde_json::json!(standing).as_str().unwrap_or_default()));
    }
    if let Some(limits) = amendment.limits {
        said.push(format!("limits {}", serde_json::json!(limits)));
        record.limits = limits;
    }
    if !amendment.reason.is_empty() {
        said.push(amendment.reason);
    }
    let entry = AuditEntry::new(now, "amended", ACTOR).of(&id).saying(said.join("; "));
    let writes =
        vec![register::put(&register::license_key(&id), &record, Some(revision)), register::audit(&entry)];
    register.apply(&cx, ACTOR, "amend a license", writes).await?;
    server.books.refresh(&cx, &id).await?;
    view(&server, &id).await
}

/// Forgets an installation, so that another may take its place.
#[utoipa::path(delete, path = "/v1/licenses/{id}/installations/{installation}", tag = "staff",
    params(("id" = String, Path, description = "the license's id"), ("installation" = String, Path, description = "the installation's id")),
    responses((status = 204, description = "it is forgotten"), (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"), (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn forget(
    State(server): State<LicenseServer>,
    path: Named<(String, String)>,
) -> Answer<StatusCode> {
    let (id, installation) = named(path)?;
    let seats = server.books.seats(&server.cx(), &id).await?;
    let kid = KeyId::parse(&installation)
        .ok_or_else(|| Error::new(vendor::INSTALLATION_UNKNOWN, "this is not the id of an installation"))?;
    let writer = server.writer()?;
    let (before, recording) = {
        let mut seats = lock(&seats);
        let before = seats.members.remove(&kid).ok_or_else(|| unknown_installation(&kid))?;
        (before, writer.begin::<()>(activation_key(&id, kid.as_str()), None))
    };
    if let Err(error) = recording.durable().await {
        lock(&seats).members.entry(kid).or_insert(before);
        return Err(error.into());
    }
    let mut entry = AuditEntry::new(server.now(), "released", ACTOR).of(&id);
    entry.installation = installation;
    writer.record(audit_key(entry.at), Some(&entry)).await?;
    Ok(StatusCode::NO_CONTENT)
}
