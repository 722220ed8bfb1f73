//! The dashboard: pages that the server renders, for people with a browser.
//!
//! The decision to know: a page is the same data as the API's, asked for with the same functions, and
//! everything that a page shows or changes has an address. Scripts make it pleasant (live updates,
//! filters without a button, keys) and are never needed to read or to write. Deliberately absent:
//! styles and scripts inside pages, which the content security policy forbids, anything from another
//! host, and any computation that the API does not have.

mod address;
mod assets;
mod backlog;
mod causes;
mod choices;
mod diff;
mod errors;
mod files;
mod form;
mod frame;
mod gaps;
mod graph;
mod health;
mod history;
mod items;
mod license;
mod list;
mod next;
mod overview;
mod progress;
mod prose;
mod requirement;
mod requirements;
mod sign_in;
mod trace;
mod upload;

use super::App;
use axum::Router;
use axum::extract::State;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderName, HeaderValue, header};

pub(super) use errors::as_pages;
pub(super) use sign_in::form as sign_in_form;

/// What a page may load, and from where: this server alone. No inline script, no inline style.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages that need somebody who may see them.
pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/", get(home))
        .route(license::ADDRESS, get(license::show).post(license::receive))
        .route("/projects/{project}", get(overview::show))
        .route("/projects/{project}/requirements", get(requirements::show))
        .route("/projects/{project}/trace", get(trace::show))
        .route("/projects/{project}/files", get(files::show).post(files::receive))
        .route("/projects/{project}/gaps", get(gaps::show))
        .route("/projects/{project}/backlog", get(backlog::show))
        .route("/projects/{project}/next", get(next::show))
        .route("/projects/{project}/health", get(health::show))
        .merge(requirement::router())
        .route("/projects/{project}/history", get(history::show))
        .route("/projects/{project}/compare", get(history::compare))
        .route("/projects/{project}/baselines", get(history::baselines).post(history::take_baseline))
        .route("/projects/{project}/graph", get(graph::show))
        .layer(map_response(guarded))
}

/// What every page loads, which tells nothing and needs nobody.
pub(super) fn assets() -> Router<App> {
    assets::router().layer(map_response(guarded))
}

/// Where a visit begins: at the project, where there is but one.
async fn home(State(app): State<App>, visit: frame::Visit) -> super::Answer<Response> {
    let projects = visit.projects(&app).await?;
    match projects.as_slice() {
        [only] => Ok(Redirect::to(&only.address()).into_response()),
        _ => overview::list(visit.into_frame("Projects", projects)),
    }
}

/// Adds the headers of [`guard`] to an answer.
pub(super) async fn guarded(mut response: Response) -> Response {
    guard(response.headers_mut());
    response
}

/// Adds the headers that keep a page to itself.
fn guard(headers: &mut HeaderMap) {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
}
