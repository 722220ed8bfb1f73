//! Probes: `/live`, `/health`, `/ready`. They need no token and tell names and states only.

use super::{App, RequestCx};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use rtmx_core::Space;
use rtmx_storage::Standing;
use serde_json::{Map, Value, json};

/// The process runs and answers.
pub(super) async fn live() -> Json<Value> {
    Json(json!({"status": "alive"}))
}

/// The server answers.
pub(super) async fn health() -> Json<Value> {
    Json(json!({"status": "healthy", "service": "rtmx"}))
}

/// Every dependency answers and fits; 503 with the reasons otherwise.
pub(super) async fn ready(State(app): State<App>, RequestCx(cx): RequestCx) -> Response {
    let mut checks = Map::new();
    let schema = match app.storage.schema(&cx).await {
        Ok(state) => match state.standing {
            Standing::Current | Standing::Ahead => "ok",
            Standing::Fresh | Standing::Behind => "behind",
            Standing::Incompatible => "incompatible",
        },
        Err(_) => "unknown",
    };
    // A schema that does not fit refuses every read, and says nothing against the storage itself.
    let answers = schema != "ok" || app.storage.head(&cx, &Space::System).await.is_ok();
    let storage = if schema != "unknown" && answers { "ok" } else { "unavailable" };
    checks.insert(app.storage_name.into(), storage.into());
    checks.insert("schema".into(), schema.into());
    let ready = !app.is_draining() && storage == "ok" && schema == "ok";
    let status = match (ready, app.is_draining()) {
        (true, _) => "ready",
        (false, true) => "draining",
        (false, false) => "not_ready",
    };
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(json!({"status": status, "checks": checks}))).into_response()
}
