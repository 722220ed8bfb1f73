//! What the vendor's staff does: documents that were signed elsewhere come in, and who uses what is seen.
//!
//! There is one role and one token, kept as a hash. Everything that comes in is verified against the
//! public keys first: whoever steals the token can suspend licenses and see them, and make none.

mod licenses;
mod published;

use super::LicenseServer;
use crate::http::{Problem, ProblemDocument};
use crate::licensed::register::AuditEntry;
use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header;
use rtmx_core::{Error, Result, server as codes};
use rtmx_license::Refusal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const ACTOR: &str = "staff";
/// Lines of the audit in one answer.
const AUDIT_LIMIT: usize = 500;

type Answer<T> = std::result::Result<T, Problem>;

/// What stands in a path, or why it cannot be read.
type Named<T> = std::result::Result<Path<T>, PathRejection>;

fn named<T>(path: Named<T>) -> Result<T> {
    let unreadable = |rejection: PathRejection| Error::new(codes::PARAMETER_INVALID, rejection.body_text());
    path.map(|Path(named)| named).map_err(unreadable)
}

pub(super) fn router() -> OpenApiRouter<LicenseServer> {
    OpenApiRouter::new()
        .routes(routes!(licenses::record_license))
        .routes(routes!(licenses::license, licenses::amend))
        .routes(routes!(licenses::forget))
        .routes(routes!(published::revoke))
        .routes(routes!(published::add_keyset))
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
