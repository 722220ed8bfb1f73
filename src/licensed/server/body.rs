//! Bodies of requests and answers: signed documents as text, and the problem that says to wait.

use super::LicenseServer;
use crate::http::{Problem, read_body};
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use rtmx_core::{Error, server, vendor};
use rtmx_license::DocumentType;
use std::time::Duration;

/// The largest body: a revocation list.
const LIMIT_BYTES: u64 = 1024 * 1024;
/// The largest body of whoever may be anybody: an activation request.
const QUESTION_LIMIT_BYTES: u64 = 16 * 1024;

/// A signed question. An extractor.
pub(super) struct Question(pub(super) Bytes);

/// A signed document of the vendor's. An extractor.
pub(super) struct Document(pub(super) Bytes);

impl FromRequest<LicenseServer> for Question {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &LicenseServer) -> Result<Self, Problem> {
        debug_assert_eq!(QUESTION_LIMIT_BYTES, DocumentType::ActivationRequest.token_limit() as u64);
        text(request, QUESTION_LIMIT_BYTES).await.map(Question)
    }
}

impl FromRequest<LicenseServer> for Document {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &LicenseServer) -> Result<Self, Problem> {
        text(request, LIMIT_BYTES).await.map(Document)
    }
}

async fn text(request: Request, limit: u64) -> Result<Bytes, Problem> {
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.unwrap_or("text/plain").split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("text/plain") {
        let message = "could not read the body: a signed document of type `text/plain` is needed";
        return Err(Error::new(server::CONTENT_TYPE_INVALID, message).into());
    }
    Ok(read_body(request, limit).await?)
}

/// A signed document in an answer.
pub(super) struct Signed(pub(super) String);

impl IntoResponse for Signed {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// That somebody asks too often, and how long to wait.
pub(super) fn too_often(what: &str, wait: Duration) -> Response {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let message = format!("too many requests {what}");
    let mut response =
        Problem(Error::new(vendor::RATE_LIMITED, message).with("retry_after_s", seconds)).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response
}
