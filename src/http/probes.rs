//! Probes: `/live`, `/health`, `/ready`. They need no token and tell names and states only.

use super::{App, awaited};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use rtmx_core::{Code, Error, Space, storage};
use rtmx_storage::Standing;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long the storage may take to say that it is there: orchestrators ask with 3 to 5 s of patience.
const ANSWER_LIMIT: Duration = Duration::from_millis(1_500);

/// The process runs and answers.
pub(super) async fn live() -> Json<Value> {
    Json(json!({"status": "alive"}))
}

/// The server answers.
pub(super) async fn health() -> Json<Value> {
    Json(json!({"status": "healthy", "service": "rtmx"}))
}

/// Every dependency answers and fits; 503 with the reasons otherwise.
pub(super) async fn ready(State(app): State<App>) -> Response {
    let cx = app.cx(app.settings().server.request_timeout.min(ANSWER_LIMIT));
    let (storage, schema) = match app.storage.schema(&cx).await {
        // A schema that does not fit refuses every read, and says nothing against the storage itself.
        Ok(state) => match state.standing {
            Standing::Fresh | Standing::Behind => ("ok", "behind"),
            Standing::Incompatible => ("ok", "incompatible"),
            Standing::Current | Standing::Ahead => match app.storage.head(&cx, &Space::System).await {
                Ok(_) => ("ok", "ok"),
                Err(error) => (states_of(&error).0, "ok"),
            },
        },
        Err(error) => states_of(&error),
    };
    let mut checks = Map::new();
    checks.insert(app.storage_name.into(), storage.into());
    checks.insert("schema".into(), schema.into());
    let condition = app.storage.condition();
    if condition.limited_support {
        checks.insert(format!("{}_support", app.storage_name), "limited".into());
    }
    // Reads go on, so the server stays in service.
    if condition.read_only {
        checks.insert(format!("{}_writes", app.storage_name), "refused".into());
    }
    let ready = !app.is_draining() && storage == "ok" && schema == "ok";
    let status = match (ready, app.is_draining()) {
        (true, _) => "ready",
        (false, true) => "draining",
        (false, false) => "not_ready",
    };
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(json!({"status": status, "checks": checks}))).into_response()
}

/// The states of storage and schema that an error stands for.
fn states_of(error: &Error) -> (&'static str, &'static str) {
    let reason = error.context().iter().find(|(name, _)| *name == awaited::REASON);
    let reason = reason.and_then(|(_, code)| Code::find(code)).unwrap_or(error.code());
    match reason {
        storage::STORAGE_DENIED => ("denied", "unknown"),
        storage::STORAGE_BUSY => ("busy", "unknown"),
        storage::MIGRATION_LOCKED => ("ok", "migrating"),
        storage::SCHEMA_BEHIND => ("ok", "behind"),
        storage::SCHEMA_AHEAD => ("ok", "incompatible"),
        _ => ("unavailable", "unknown"),
    }
}
