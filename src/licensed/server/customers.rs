//! What installations ask: a lease, an activation, the revocation list, the keysets.

use super::LicenseServer;
use super::answers::{self, Given};
use super::body::{Question, Signed, too_often};
use super::observe::Asker;
use crate::http::{Problem, ProblemDocument};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderValue, StatusCode, header};
use rtmx_core::{Error, server as codes};
use rtmx_license::{ActivationPurpose, LeaseStatus};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<LicenseServer> {
    OpenApiRouter::new()
        .routes(routes!(lease))
        .routes(routes!(activate))
        .routes(routes!(revocations))
        .routes(routes!(keysets))
}

/// An activation that was recorded, or one that was forgotten.
#[derive(Serialize, utoipa::ToSchema)]
struct Activated {
    /// `activated`, `released`, `revoked` or `suspended`.
    state: &'static str,
    /// The license.
    license_id: String,
    /// The highest number of it that was issued.
    seq: u64,
    /// The installation.
    installation_id: String,
    /// A signed lease; none after a release.
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<String>,
}

/// Answers an installation's signed question with a signed lease.
///
/// The body is the token of an activation request with the purpose `lease`, the answer that of a lease
/// with the same nonce. A revoked or suspended license is answered with a lease that says so.
#[utoipa::path(post, path = "/v1/leases", tag = "installations", request_body(content = String, content_type = "text/plain"), responses(
    (status = 200, body = String, content_type = "text/plain", description = "the lease's token"),
    (status = 402, body = ProblemDocument, content_type = "application/problem+json", description = "no place for a further installation"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "the license is not known"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json", description = "asked too often; `Retry-After` says how long to wait"),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"), (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
async fn lease(
    State(server): State<LicenseServer>,
    Extension(Asker(peer)): Extension<Asker>,
    Question(body): Question,
) -> Response {
    match answers::answer(&server, &body, &peer.to_string(), &[ActivationPurpose::Lease]).await {
        Ok((_, Given::Lease { token, .. })) => Signed(token.as_str().to_owned()).into_response(),
        Ok((_, Given::Released { .. })) => Problem(answers::wrong_purpose()).into_response(),
        Ok((_, Given::TooOften(wait))) => too_often("for this license", wait),
        Err(error) => Problem(error).into_response(),
    }
}

/// Records an installation's activation, or its release.
///
/// The body is the token of an activation request with the purpose `activate` or `release`. Activating
/// twice is the same as once.
#[utoipa::path(post, path = "/v1/activations", tag = "installations", request_body(content = String, content_type = "text/plain"), responses(
    (status = 200, body = Activated),
    (status = 402, body = ProblemDocument, content_type = "application/problem+json", description = "no place for a further installation"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "the license or the installation is not known"),
    (status = 429, body = ProblemDocument, content_type = "application/problem+json", description = "asked too often; `Retry-After` says how long to wait"),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"), (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
async fn activate(
    State(server): State<LicenseServer>,
    Extension(Asker(peer)): Extension<Asker>,
    Question(body): Question,
) -> Response {
    let purposes = [ActivationPurpose::Activate, ActivationPurpose::Release];
    let (request, given) = match answers::answer(&server, &body, &peer.to_string(), &purposes).await {
        Ok(answered) => answered,
        Err(error) => return Problem(error).into_response(),
    };
    let (state, seq, lease) = match given {
        Given::Lease { token, status, seq } => (state_of(status), seq, Some(token.as_str().to_owned())),
        Given::Released { seq } => ("released", seq, None),
        Given::TooOften(wait) => return too_often("for this license", wait),
    };
    let (license_id, installation_id) = (request.license_id.clone(), request.installation_id.to_string());
    let activated = Activated { state, license_id, seq, installation_id, lease };
    let mut response = Json(activated).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn state_of(status: LeaseStatus) -> &'static str {
    match status {
        LeaseStatus::Active => "activated",
        LeaseStatus::Suspended => "suspended",
        LeaseStatus::Revoked => "revoked",
    }
}

/// The newest revocation list.
#[utoipa::path(get, path = "/v1/revocations", tag = "documents", responses(
    (status = 200, body = String, content_type = "text/plain", description = "the list's token"),
    (status = 304, description = "the list is the one that `If-None-Match` names"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "there is none yet"),
    (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"), (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
async fn revocations(State(server): State<LicenseServer>, request: Request) -> Response {
    let Some(record) = server.books.revocations() else {
        let error =
            Error::new(codes::ROUTE_NOT_FOUND, "nothing was revoked yet: there is no revocation list");
        return Problem(error.with_next("Nothing needs to be done.")).into_response();
    };
    let tag = format!("\"{}\"", record.list.seq);
    let known = request
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .any(|value| value.as_bytes() == tag.as_bytes());
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Signed(record.token.clone()).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::from_str(&tag).expect("digits in quotes are a header"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    response
}

/// The keysets, oldest first, each as its lines of tokens.
#[utoipa::path(get, path = "/v1/keysets", tag = "documents", responses(
    (status = 200, body = Vec<String>), (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"), (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
async fn keysets(State(server): State<LicenseServer>) -> Response {
    let keysets = server.books.keysets();
    let documents: Vec<&str> = keysets.iter().map(|keyset| keyset.document.as_str()).collect();
    let mut response = Json(documents).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    response
}
