//! The HTTP server: routes, sign-in, limits and the accept loop.
//!
//! The decision to know: [`router`] is the whole application as a value. The TCP listeners, the
//! admin socket and `rtmxctl` on a stopped installation all serve the same one; they differ only in
//! the [`Arrival`] that they put into a request's extensions.

pub mod api;
mod auth;
mod awaited;
mod backups;
mod body;
mod caller;
mod client;
mod dashboard;
mod descriptors;
mod license;
mod listen;
mod logging;
mod metrics;
mod observe;
mod origin;
pub(crate) mod peer;
mod probes;
mod problem;
mod redirect;
mod remembered;
mod serve;
mod sessions;
mod sign_in;
mod stalled;
mod start;
mod state;
mod streams;
mod tls;
mod tokens;

pub use auth::Arrival;
pub(crate) use awaited::{Awaited, passes};
pub use backups::CONTENT_HASH;
#[cfg(feature = "licensed")]
pub(crate) use body::read as read_body;
pub use body::{JsonBody, RawBody};
pub use caller::Caller;
pub(crate) use client::probe_inside;
pub use client::{ApiAnswer, ApiClient, probe};
pub(crate) use descriptors::raise as raise_open_files;
pub use listen::Listeners;
pub(crate) use listen::refuse_second;
pub use logging::init as init_logging;
pub(crate) use logging::set_level as set_log_level;
pub use metrics::Metrics;
pub use peer::Peer;
pub use problem::{Answer, Problem, ProblemDocument};
#[cfg(feature = "licensed")]
pub(crate) use serve::{Endpoint, serve_endpoints};
pub use serve::{Served, serve};
pub(crate) use start::ensure_folder;
pub(crate) use start::random_uuid;
pub use start::{Opened, open_storage, prepare};
pub use state::{App, AppParts, Clock, RequestCx, RequestId, SystemClock};
pub(crate) use tls::{Certificate, tell as tell_of_certificate};
pub use tokens::{NewToken, TokenView};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware;
use axum::routing::get;
use rtmx_core::{Code, Error, server};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

/// The whole application.
pub fn router(app: App) -> Router {
    let (api, document) = api::router()
        .merge(tokens::router())
        .merge(backups::router())
        .merge(license::router())
        .split_for_parts();
    let document = std::sync::Arc::new(document);
    let signed_in = api.layer(middleware::from_fn_with_state(app.clone(), auth::authenticate));
    let pages = dashboard::router()
        .layer(middleware::from_fn_with_state(app.clone(), auth::authenticate))
        .layer(middleware::from_fn(sign_in::ask_people));
    let compressed = SizeAbove::new(1024)
        .and(NotForContentType::const_new("text/event-stream"))
        .and(NotForContentType::IMAGES);
    Router::new()
        .merge(signed_in)
        .merge(pages)
        .merge(dashboard::assets())
        .merge(sign_in::router().layer(middleware::map_response(dashboard::guarded)))
        .route("/live", get(probes::live))
        .route("/health", get(probes::health))
        .route("/ready", get(probes::ready))
        .route(
            "/api/openapi.json",
            get(|| async move {
                axum::Json(serde_json::to_value(&*document).expect("an OpenAPI document is plain data"))
            }),
        )
        .route("/api/v1/errors", get(explain_all))
        .route("/api/v1/errors/{code}", get(explain))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn(dashboard::as_pages))
        .layer(CompressionLayer::new().compress_when(compressed))
        .layer(middleware::from_fn_with_state(app.clone(), observe::observe))
        .layer(middleware::from_fn_with_state(app.clone(), peer::identify))
        .with_state(app)
}

/// What Prometheus reads, on a listener of its own.
pub fn metrics_router(app: App) -> Router {
    Router::new()
        .route(
            "/metrics",
            get(|State(app): State<App>| async move {
                app.metrics.observe_storage(app.storage_name, &app.storage.condition());
                app.metrics.observe_license(app.licensing.figures(app.clock.now()));
                app.metrics.observe_certificate(app.clock.now());
                app.metrics.render()
            }),
        )
        .with_state(app)
}

async fn no_route(request: Request) -> Problem {
    Error::new(server::ROUTE_NOT_FOUND, format!("there is nothing at `{}`", request.uri().path())).into()
}

async fn no_method(request: Request) -> Problem {
    let message = format!("`{}` does not take {}", request.uri().path(), request.method());
    Error::new(server::METHOD_NOT_ALLOWED, message).into()
}

async fn explain_all() -> axum::Json<Vec<serde_json::Value>> {
    axum::Json(rtmx_core::all_codes().map(explained).collect())
}

pub(crate) async fn explain(
    axum::extract::Path(id): axum::extract::Path<String>,
) -> Answer<axum::Json<serde_json::Value>> {
    let code = Code::find(&id);
    let missing = || Problem(Error::new(server::ROUTE_NOT_FOUND, format!("there is no error code `{id}`")));
    code.map(|code| axum::Json(explained(code))).ok_or_else(missing)
}

fn explained(code: Code) -> serde_json::Value {
    let entry = code.entry();
    serde_json::json!({
        "code": entry.id, "status": entry.status, "exit": entry.exit, "kind": entry.kind,
        "summary": entry.summary, "detail": entry.detail, "next": entry.next,
    })
}
