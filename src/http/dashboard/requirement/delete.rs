//! The deletion of a requirement, which is asked for twice: first what would be lost is shown.

use super::super::form::Form;
use super::super::frame::{Frame, Section, Visiting, page};
use super::standing::StatusWord;
use super::stored;
use crate::http::api::commit::{ClosingCycles, Commit, not_found};
use crate::http::api::conditions::{Basis, Conditions};
use crate::http::api::params::{Params, invalid, shown};
use crate::http::api::scope::Id;
use crate::http::{Answer, App};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use rtmx_core::storage;

/// The most dependents that are named.
const NAMED: usize = 100;

#[derive(Template)]
#[template(path = "requirement_delete.html")]
struct DeletePage {
    frame: Frame,
    id: String,
    own: String,
    basis: String,
    text: String,
    dependents: Vec<Dependent>,
    dependent_count: usize,
    has_document: bool,
    links: usize,
    /// Whether it was changed between the question and the answer.
    is_changed: bool,
}

struct Dependent {
    id: String,
    address: String,
    status: Option<StatusWord>,
    label: String,
}

/// Asks.
pub(super) async fn ask(
    State(app): State<App>,
    visiting: Visiting,
    Id(id): Id,
    params: Params,
) -> Answer<Response> {
    params.finish()?;
    visiting.must_edit()?;
    show(&app, &visiting, id, false).await
}

/// Deletes.
pub(super) async fn delete(
    State(app): State<App>,
    visiting: Visiting,
    Id(id): Id,
    params: Params,
    form: Form,
) -> Answer<Response> {
    params.finish()?;
    visiting.must_edit()?;
    let basis = form.text("basis").and_then(Basis::read);
    let basis = basis.ok_or_else(|| invalid("basis", "the form does not say what it is based on"))?;
    let commit = Commit {
        app: &app,
        scope: &visiting.scope,
        conditions: &Conditions::on(basis),
        id: &id,
        cycles: ClosingCycles::Refused,
        note: "delete a requirement",
    };
    match commit.delete().await {
        Ok(()) => {
            let head = app.storage.head(&visiting.scope.cx, &visiting.scope.space).await?;
            Ok(Redirect::to(&visiting.frame("", None, head).requirement(&id)).into_response())
        }
        Err(error) if error.code() == storage::STALE_REVISION => show(&app, &visiting, id, true).await,
        Err(error) => Err(error.into()),
    }
}

async fn show(app: &App, visiting: &Visiting, id: String, is_changed: bool) -> Answer<Response> {
    let scope = &visiting.scope;
    let (_, found) = stored::now(app, scope, &id).await?;
    let found = found.ok_or_else(|| not_found(&id))?;
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let frame = visiting.frame(&format!("Delete {}", shown(&id)), Some(Section::Requirements), snapshot.head);
    let document = stored::document_at(app, scope, &id, snapshot.head.revision).await?;
    let others: Vec<&str> =
        snapshot.matrix.dependents(&id).into_iter().filter(|other| *other != id).collect();
    let dependent = |other: &&str| {
        let brief = snapshot.matrix.brief(other);
        Dependent {
            id: (*other).to_owned(),
            address: frame.requirement(other),
            status: brief.map(|brief| StatusWord(brief.status)),
            label: brief.map_or("", |brief| brief.label).to_owned(),
        }
    };
    let question = DeletePage {
        own: frame.requirement(&id),
        basis: found.basis(),
        text: found.requirement.requirement_text,
        dependents: others.iter().take(NAMED).map(dependent).collect(),
        dependent_count: others.len(),
        has_document: document.is_some(),
        links: snapshot.test_links(&id).len(),
        is_changed,
        frame,
        id,
    };
    let status = if is_changed { StatusCode::PRECONDITION_FAILED } else { StatusCode::OK };
    Ok((status, page(&question)?).into_response())
}
