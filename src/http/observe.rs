//! One log line and one measurement for each request, under an id that the answer carries too.

use super::peer::Sender;
use super::{App, RequestId};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use rtmx_core::Code;
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps the whole application.
pub(super) async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id: Arc<str> = given_id(&request).unwrap_or_else(random_id).into();
    request.extensions_mut().insert(RequestId(Arc::clone(&id)));
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let client = request.extensions().get::<Sender>().and_then(|sender| sender.address);
    let client = client.map(tracing::field::display);
    let in_flight = InFlight::enter(&app);
    let span = tracing::info_span!("request", id = %id);
    let mut response = next.run(request).instrument(span.clone()).await;
    drop(in_flight);
    let took = began.elapsed();
    let status = response.status().as_u16();
    // Paths that match no route are one series, or a scanner could fill the memory with series.
    let route = route.as_deref().unwrap_or("unmatched");
    app.metrics.answered(method.as_str(), route, status, took);
    let code = response.extensions().get::<Code>().map(|code| code.id());
    let duration_ms = took.as_secs_f64() * 1e3;
    let _entered = span.enter();
    if matches!(route, "/live" | "/ready" | "/health") && response.status().is_success() {
        tracing::debug!(%method, path, status, client, duration_ms, "answered");
    } else {
        tracing::info!(%method, path, status, code, client, duration_ms, "answered");
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The caller's own id, if it can stand in a log line.
fn given_id(request: &Request) -> Option<String> {
    let id = request.headers().get(&REQUEST_ID)?.to_str().ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    ((1..=64).contains(&id.len()) && id.chars().all(plain)).then(|| id.to_owned())
}

fn random_id() -> String {
    super::start::random_uuid().simple().to_string()
}

/// Counts a request for as long as it is being answered, whichever way it ends.
struct InFlight(metrics::Gauge);

impl InFlight {
    fn enter(app: &App) -> Self {
        let gauge = app.metrics.gauge("http_requests_in_flight");
        gauge.increment(1.0);
        InFlight(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
