//! Errors as pages: the same problem that the API answers, for people.

use super::frame::Frame;
use crate::http::ProblemDocument;
use askama::Template;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};

/// A problem document is some hundred bytes; facts may add to it.
const PROBLEM_LIMIT_BYTES: usize = 256 * 1024;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    problem: ProblemDocument,
}

/// Turns problem documents into pages for those who asked for a page.
pub(in crate::http) async fn as_pages(request: Request, next: Next) -> Response {
    let page = wants_page(request.headers()) && !request.uri().path().starts_with("/api/");
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE);
    if !page || kind.is_none_or(|kind| kind != "application/problem+json") {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let document = to_bytes(body, PROBLEM_LIMIT_BYTES).await.ok();
    let problem = document.as_ref().and_then(|bytes| serde_json::from_slice(bytes).ok());
    let rendered = problem.and_then(|problem: ProblemDocument| {
        ErrorPage { frame: Frame::bare(&problem.title), problem }.render().ok()
    });
    match rendered {
        Some(html) => {
            super::guard(&mut parts.headers);
            parts.headers.remove(header::CONTENT_LENGTH);
            parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            Response::from_parts(parts, Body::from(html))
        }
        None => Response::from_parts(parts, document.map_or_else(Body::empty, Body::from)),
    }
}

/// Whether the request comes from somebody who reads pages.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|range| range.trim().starts_with("text/html"))
}
