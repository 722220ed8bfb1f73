//! What the vendor's staff does: documents that were signed elsewhere come in, and who uses what is seen.
//!
//! There is one role and one token, kept as a hash. Everything that comes in is verified against the
//! public keys first: whoever steals the token can suspend licenses and see them, and make none.

use super::super::keyset::claims_of;
use super::super::register::{
    self, AuditEntry, LicenseRecord, RevocationRecord, Standing, StoredKeyset, activation_key, audit_key,
};
use super::LicenseServer;
use super::answers::unknown_installation;
use super::body::Document;
use super::books::lock;
use crate::http::{Problem, ProblemDocument, read_body};
use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{StatusCode, header};
use rtmx_core::{Error, Result, Timestamp, server as codes, storage, vendor};
use rtmx_license::{
    DocumentType, KeyId, License, Limit, Refusal, RevocationList, Verified, carrier, newer_revocations, open,
    verify,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use subtle::ConstantTimeEq;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const ACTOR: &str = "staff";
/// Lines of the audit in one answer.
const AUDIT_LIMIT: usize = 500;
/// The largest amendment.
const AMENDMENT_LIMIT_BYTES: u64 = 16 * 1024;

type Answer<T> = std::result::Result<T, Problem>;

/// What stands in a path, or why it cannot be read.
type Named<T> = std::result::Result<Path<T>, PathRejection>;

fn named<T>(path: Named<T>) -> Result<T> {
    let unreadable = |rejection: PathRejection| Error::new(codes::PARAMETER_INVALID, rejection.body_text());
    path.map(|Path(named)| named).map_err(unreadable)
}

pub(super) fn router() -> OpenApiRouter<LicenseServer> {
    OpenApiRouter::new()
        .routes(routes!(record_license))
        .routes(routes!(license, amend))
        .routes(routes!(forget))
        .routes(routes!(revoke))
        .routes(routes!(add_keyset))
        .routes(routes!(audit))
}

/// Lets the vendor's staff in.
pub(super) async fn authenticate(
    State(server): State<LicenseServer>,
    request: Request,
    next: Next,
) -> Answer<Response> {
    let Some(wanted) = server.staff_hash else {
        let error = Error::new(codes::UNAUTHENTICATED, "this server has no staff");
        return Err(error.with_next("Start it with `--staff-token-file FILE`.").into());
    };
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(given) = header.and_then(|value| value.strip_prefix("Bearer ")) else {
        let error = Error::new(codes::UNAUTHENTICATED, "this path is for the vendor's staff");
        return Err(error.with_next("Send `Authorization: Bearer <token>` with the staff's token.").into());
    };
    let given: [u8; 32] = Sha256::digest(given.trim()).into();
    if !bool::from(given.ct_eq(&wanted)) {
        let error = Error::new(codes::TOKEN_INVALID, "this is not the token of the vendor's staff");
        return Err(error.with_next("Use the token of `--staff-token-file`.").into());
    }
    server.check_turn()?;
    Ok(next.run(request).await)
}

/// A license and who uses it.
#[derive(Serialize, utoipa::ToSchema)]
struct LicenseView {
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
async fn license(State(server): State<LicenseServer>, id: Named<String>) -> Answer<Json<LicenseView>> {
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
async fn record_license(
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
async fn amend(
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
async fn forget(State(server): State<LicenseServer>, path: Named<(String, String)>) -> Answer<StatusCode> {
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

/// What is known of a revocation list.
#[derive(Serialize, utoipa::ToSchema)]
struct RevocationView {
    /// Its number.
    seq: u64,
    /// Revoked licenses.
    licenses: usize,
    /// Revoked tokens.
    tokens: usize,
    /// When the next is due.
    #[schema(value_type = String, format = DateTime)]
    next_update: Timestamp,
}

/// Takes over a revocation list; it counts with the next lease.
#[utoipa::path(put, path = "/v1/revocations", tag = "staff", request_body(content = String, content_type = "text/plain"), responses(
    (status = 200, body = RevocationView), (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"), (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
async fn revoke(
    State(server): State<LicenseServer>,
    Document(body): Document,
) -> Answer<Json<RevocationView>> {
    let ring = server.ring();
    let list: Verified<RevocationList> = open(&ring, &body).map_err(Error::from)?;
    check_product(&server, &list.product)?;
    let cx = server.cx();
    let register = server.books.register();
    let standing = register.revocations(&cx, &server.product).await?;
    if let Some((standing, _)) = &standing {
        // What is recorded was verified when it came; its key may be gone since.
        match open(&ring, standing.token.as_bytes()) {
            Ok(known) => _ = newer_revocations(Some(&known), list.clone()).map_err(Error::from)?,
            Err(_) if list.seq > standing.list.seq => {}
            Err(_) => {
                return Err(Error::from(Refusal::RevocationsRolledBack {
                    seq: list.seq,
                    known: standing.list.seq,
                })
                .into());
            }
        }
    }
    let token = carrier::token_of(&body, DocumentType::RevocationList).map_err(Error::from)?;
    let record = RevocationRecord { list: list.claims().clone(), token: token.as_str().to_owned() };
    let key = register::revocations_key(&server.product);
    let entry = AuditEntry::new(server.now(), "revoked", ACTOR).saying(format!("list {}", list.seq));
    let writes =
        vec![register::put(&key, &record, standing.map(|(_, revision)| revision)), register::audit(&entry)];
    register.apply(&cx, ACTOR, "take over a revocation list", writes).await?;
    server.books.reread(&cx).await?;
    Ok(Json(RevocationView {
        seq: list.seq,
        licenses: list.licenses.len(),
        tokens: list.tokens.len(),
        next_update: list.next_update,
    }))
}

/// Adds the next keyset, if the keys of the keysets before accept it; customers are handed it from then on.
#[utoipa::path(post, path = "/v1/keysets", tag = "staff", request_body(content = String, content_type = "text/plain"), responses(
    (status = 200, body = Vec<String>), (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"), (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
async fn add_keyset(
    State(server): State<LicenseServer>,
    Document(body): Document,
) -> Answer<Json<Vec<String>>> {
    let unreadable = |_| Error::new(codes::BODY_INVALID, "the keyset is no text");
    let document = String::from_utf8(body.to_vec()).map_err(unreadable)?;
    let version = claims_of(&document)?.version;
    let mut chain: Vec<String> =
        server.books.keysets().iter().map(|keyset| keyset.document.clone()).collect();
    chain.push(document.clone());
    server.ring.advance(&chain, server.now()).map_err(Error::from)?;
    let cx = server.cx();
    let register = server.books.register();
    let stored = StoredKeyset { version, document };
    let entry = AuditEntry::new(server.now(), "keyset", ACTOR).saying(format!("version {version}"));
    let writes = vec![
        register::put(&register::keyset_key(&server.product, version), &stored, None),
        register::audit(&entry),
    ];
    register.apply(&cx, ACTOR, "add a keyset", writes).await.map_err(|error| match error.code() {
        storage::RECORD_EXISTS => Error::from(Refusal::KeysetSkips { current: version, found: version }),
        _ => error,
    })?;
    server.books.reread(&cx).await?;
    Ok(Json(chain))
}

/// Where to read the audit from.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    /// `next` of the answer before.
    after: Option<String>,
}

/// A part of the audit, the oldest first.
#[derive(Serialize, utoipa::ToSchema)]
struct AuditPage {
    /// The lines.
    entries: Vec<AuditEntry>,
    /// Where to go on; none at the end.
    next: Option<String>,
}

/// What happened, the oldest first.
#[utoipa::path(get, path = "/v1/audit", tag = "staff", params(AuditQuery), responses(
    (status = 200, body = AuditPage), (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"), (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
async fn audit(
    State(server): State<LicenseServer>,
    query: std::result::Result<Query<AuditQuery>, QueryRejection>,
) -> Answer<Json<AuditPage>> {
    let query = query.map_err(|rejection| Error::new(codes::PARAMETER_INVALID, rejection.body_text()))?;
    let after = query.after.as_deref().filter(|after| after.starts_with("audit/"));
    if query.after.is_some() != after.is_some() {
        return Err(
            Error::new(codes::PARAMETER_INVALID, "`after` is not the `next` of an answer before").into()
        );
    }
    let found =
        server.books.register().scan::<AuditEntry>(&server.cx(), "audit/", after, AUDIT_LIMIT).await?;
    let next = found.last().filter(|_| found.len() == AUDIT_LIMIT).map(|(key, _)| key.clone());
    Ok(Json(AuditPage { entries: found.into_iter().map(|(_, entry)| entry).collect(), next }))
}

fn check_product(server: &LicenseServer, product: &str) -> Result<()> {
    if product == server.product {
        return Ok(());
    }
    let (found, wanted) = (product.to_owned(), server.product.clone());
    Err(Refusal::WrongProduct { member: "product", found, wanted }.into())
}
