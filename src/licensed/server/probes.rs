//! `/live`, `/ready`, and what Prometheus reads on a listener of its own.

use super::LicenseServer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use rtmx_core::Space;
use serde::Serialize;
use std::sync::atomic::Ordering;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<LicenseServer> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready))
}

/// How the server is.
#[derive(Serialize, utoipa::ToSchema)]
struct Health {
    /// `alive`, `ready`, `not_ready`, `standing_by` or `draining`.
    status: &'static str,
}

/// The process runs and answers.
#[utoipa::path(get, path = "/live", tag = "probes", responses((status = 200, body = Health)))]
async fn live() -> Json<Health> {
    Json(Health { status: "alive" })
}

/// The register answers, can be written, and is this server's.
#[utoipa::path(get, path = "/ready", tag = "probes", responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn ready(State(server): State<LicenseServer>) -> Response {
    let failing = server.writer().map_or(true, |writer| writer.facts().failing.load(Ordering::Relaxed));
    let status = if server.draining.load(Ordering::Relaxed) {
        "draining"
    } else if server.standing_by.load(Ordering::Relaxed) {
        "standing_by"
    } else if failing
        || server.books.register().storage().head(&server.cx(), &Space::Licensing).await.is_err()
    {
        "not_ready"
    } else {
        "ready"
    };
    let code = if status == "ready" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(Health { status })).into_response()
}

/// What Prometheus reads.
pub(super) fn metrics_router(server: LicenseServer) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(server)
}

async fn metrics(State(server): State<LicenseServer>) -> String {
    if let Ok(writer) = server.writer() {
        let facts = writer.facts();
        let gauges = [
            ("licensed_register_change_sets", facts.change_sets.load(Ordering::Relaxed)),
            ("licensed_register_records", facts.records.load(Ordering::Relaxed)),
            ("licensed_renewals_not_recorded", facts.dropped.load(Ordering::Relaxed)),
            ("licensed_register_failing", u64::from(facts.failing.load(Ordering::Relaxed))),
        ];
        for (name, value) in gauges {
            server.metrics.gauge(name).set(value as f64);
        }
    }
    let list = server.books.revocations();
    server.metrics.gauge("licensed_revocation_seq").set(list.map_or(0, |record| record.list.seq) as f64);
    server.metrics.render()
}
