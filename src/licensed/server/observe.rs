//! What holds for every request: a place among the peer's, one measurement, one line of the log.

use super::{LicenseServer, body};
use crate::http::peer;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use rtmx_core::Code;
use std::net::IpAddr;
use std::time::Instant;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Probes are asked by the machine's own orchestrator, and must not be refused.
const PROBES: [&str; 2] = ["/live", "/ready"];

/// Who asks; in the request's extensions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker(pub(super) IpAddr);

/// Wraps the whole application.
pub(super) async fn observe(
    State(server): State<LicenseServer>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let address = peer::address(&request, &server.trusted_proxies);
    request.extensions_mut().insert(Asker(address));
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    // Paths that match no route are one series, or a scanner could fill the memory with series.
    let route = route.as_deref().unwrap_or("unmatched");
    let allowed = match PROBES.contains(&route) {
        true => Ok(()),
        false => server.peers.take(peer::subscriber(address), began),
    };
    let mut response = match allowed {
        Ok(()) => next.run(request).await,
        Err(wait) => body::too_often("from this address", wait),
    };
    let took = began.elapsed();
    let status = response.status();
    server.metrics.answered(method.as_str(), route, status.as_u16(), took);
    let id = uuid::Builder::from_random_bytes(super::super::random()).into_uuid().simple().to_string();
    let code = response.extensions().get::<Code>().map(|code| code.id());
    let (status_code, duration_ms) = (status.as_u16(), took.as_secs_f64() * 1e3);
    // Leases that are given are in the metrics; what is refused is worth a line.
    if status.is_success() || status.as_u16() == 429 {
        tracing::debug!(%id, %method, route, status = status_code, code, peer = %address, duration_ms, "answered");
    } else {
        tracing::info!(%id, %method, route, status = status_code, code, peer = %address, duration_ms, "answered");
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}
