//! One requirement: its page, its form, its document, and what happens when two people edit at once.
//!
//! The decision to know: a form says what it is based on, as an edit over the API does, and goes
//! through the same commit. When somebody else was faster nothing is lost and nothing is overwritten:
//! both edits are brought together column by column, and a person decides what both changed.

mod columns;
mod conflict;
mod delete;
mod document;
mod edit;
mod fields;
mod new;
mod past;
mod show;
mod standing;
mod stored;
mod typed;

use crate::http::App;
use axum::Router;
use axum::routing::get;

pub(super) use columns::label_of;
pub(super) use past::Moment;
pub(super) use standing::StatusWord;

/// The pages of requirements, each under its id.
pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/projects/{project}/requirements/new", get(new::form).post(new::create))
        .route("/projects/{project}/requirements/{id}", get(show::show))
        .route("/projects/{project}/requirements/{id}/edit", get(edit::form).post(edit::save))
        .route("/projects/{project}/requirements/{id}/document", get(document::form).post(document::save))
        .route("/projects/{project}/requirements/{id}/delete", get(delete::ask).post(delete::delete))
}
