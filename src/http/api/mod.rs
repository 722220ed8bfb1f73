//! The REST API: projects, requirements, import and export, analyses, changes, baselines, history.
//!
//! The decision to know: each handler is registered together with its description, so the OpenAPI
//! document is made of the handlers that run. Edits name what they are based on (`If-Match`), name
//! themselves if they may be repeated (`Idempotency-Key`), and become one change set. Parameters
//! that are not known are refused. Deliberately absent: sign-in, limits and compression, which lie
//! around these routes.

pub mod projects;

pub(in crate::http) mod analysis;
pub(in crate::http) mod baselines;
pub(in crate::http) mod change_sets;
mod changes;
pub(in crate::http) mod commit;
pub(in crate::http) mod conditions;
mod document_in;
mod document_out;
pub(in crate::http) mod documents;
mod edit;
mod export;
pub(in crate::http) mod gaps;
pub(in crate::http) mod graph;
pub(in crate::http) mod history;
pub(in crate::http) mod import;
pub(in crate::http) mod list;
mod nearest;
pub(in crate::http) mod params;
mod past;
mod problems;
mod requirements;
mod requirements_csv;
pub(in crate::http) mod scope;
pub(in crate::http) mod shape;
pub(in crate::http) mod status;
mod stream;
pub(in crate::http) mod test_links;
pub(in crate::http) mod texts;
mod upstream;
mod write;

use super::App;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "RTMX",
        description = "Requirements traceability: requirements with dependencies, what is missing, what blocks what, and what changed.\n\n\
            Every error is a problem document (RFC 9457) with a stable `code`; `/api/v1/errors` explains each. \
            A requirement's `ETag` is sent back in `If-Match` with an edit. \
            An `Idempotency-Key` (a UUID) makes it safe to repeat a write whose answer was lost. \
            Ids with special characters are percent-encoded in paths."
    ),
    tags(
        (name = "projects", description = "Matrices, one each."),
        (name = "requirements", description = "The rows of a matrix, their documents and test links."),
        (name = "files", description = "Import and export of the CSV files that the `rtmx` command line uses, and import of requirement documents."),
        (name = "analysis", description = "What the matrix as a whole says."),
        (name = "changes", description = "What happened: feed, history, baselines."),
        (name = "upstream", description = "The read-only shapes of the `rtmx` web server, for the project `default`."),
        (name = "tokens", description = "Access tokens."),
        (name = "license", description = "What the license allows."),
    )
)]
struct Description;

/// The routes, with their description.
pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(projects::router())
        .merge(requirements::router())
        .merge(requirements_csv::router())
        .merge(texts::router())
        .merge(document_out::router())
        .merge(test_links::router())
        .merge(import::router())
        .merge(document_in::router())
        .merge(export::router())
        .merge(status::router())
        .merge(gaps::router())
        .merge(graph::router())
        .merge(analysis::router())
        .merge(changes::router())
        .merge(change_sets::router())
        .merge(baselines::router())
        .merge(history::router())
        .merge(upstream::router())
}
