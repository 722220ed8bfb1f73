//! Errors as RFC 9457 problem documents.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use rtmx_core::Error;
use serde::{Deserialize, Serialize};

/// An error on its way to a client.
#[derive(Debug)]
pub struct Problem(pub Error);

/// The result of a handler.
pub type Answer<T> = Result<T, Problem>;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Problem(error)
    }
}

/// The problem document (`application/problem+json`).
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProblemDocument {
    /// Where the code is explained: `/api/v1/errors/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, in general.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, in this case.
    pub detail: String,
    /// The stable code.
    pub code: String,
    /// What state things are in now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// What to do next.
    pub next: String,
    /// Facts of this case, by name.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty", default)]
    #[schema(value_type = Object)]
    pub facts: serde_json::Map<String, serde_json::Value>,
}

impl ProblemDocument {
    /// The document for an error. Causes stay in the log: they may speak of paths and addresses.
    pub fn of(error: &Error) -> Self {
        let entry = error.code().entry();
        let fact = |(name, value): &(&'static str, String)| ((*name).to_owned(), value.clone().into());
        ProblemDocument {
            kind: format!("/api/v1/errors/{}", entry.id),
            title: entry.summary.to_owned(),
            status: entry.status,
            detail: error.message().to_owned(),
            code: entry.id.to_owned(),
            state: error.state().map(str::to_owned),
            next: error.next().to_owned(),
            facts: error.context().iter().map(fact).collect(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Problem(error) = self;
        let status =
            StatusCode::from_u16(error.code().entry().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            tracing::error!(code = %error.code(), causes = ?error.causes(), "{}", error.message());
        } else {
            tracing::debug!(code = %error.code(), causes = ?error.causes(), "{}", error.message());
        }
        let body = serde_json::to_vec(&ProblemDocument::of(&error)).expect("a problem is plain data");
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"rtmx\""));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response.extensions_mut().insert(error.code());
        response
    }
}
