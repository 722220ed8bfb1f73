//! What the matrix as a whole says but its gaps: backlog, next, health, cycles, critical path, impact, layers.
//!
//! Each answer is computed once for a head and remembered with it. The formulas are those of
//! [`rtmx_core::trace`].

use super::commit::not_found;
use super::conditions::{Conditions, head_tag};
use super::documents::{json_bytes, not_modified};
use super::params::Params;
use super::problems::{Reading, ReadingOne};
use super::scope::{Id, Scope, Viewing};
use crate::http::{Answer, App};
use crate::index::Snapshot;
use axum::extract::State;
use axum::response::Response;
use rtmx_core::Result;
use rtmx_core::trace::{
    Backlog, BacklogQuery, BacklogView, CriticalPath, Cycles, Formula, Health, Impact, Layers, Next,
};
use serde::Serialize;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The most entries that an answer may be asked for.
const MOST: usize = 100_000;
/// How many entries `next` lists if the request does not say.
const NEXT_DEFAULT: usize = 10;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_backlog))
        .routes(routes!(get_next))
        .routes(routes!(get_health))
        .routes(routes!(get_cycles))
        .routes(routes!(get_critical_path))
        .routes(routes!(get_impact))
        .routes(routes!(get_layers))
}

/// Answers what is left to do, in the order in which to look at it.
#[utoipa::path(get, path = "/api/v1/projects/{project}/backlog", tag = "analysis",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("view" = Option<String>, Query, description = "`all` (the default), `critical`, `quick-wins`, `blockers`, `blocked` or `list`."),
        ("formula" = Option<String>, Query, description = "`tool` (the default) counts as the command line does, `web` as its web server does."),
        ("phase" = Option<u32>, Query, description = "Only this phase."),
        ("category" = Option<String>, Query, description = "Only this category, ignoring case."),
        ("version" = Option<String>, Query, description = "Only what is planned for this version: the column `sprint`."),
        ("limit" = Option<usize>, Query, description = "At most so many items over all sections; all if not given."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that the client has."),
    ),
    responses((status = 200, body = Backlog), (status = 304, description = "The client has it already."), Reading))]
async fn get_backlog(
    State(app): State<App>,
    Viewing(scope): Viewing,
    conditions: Conditions,
    mut params: Params,
) -> Answer<Response> {
    let limit = Some(params.take_limit(MOST, MOST)?);
    let query = BacklogQuery { limit, ..read_backlog(&mut params)? };
    params.finish()?;
    let question = format!("backlog {query:?}");
    answer(&app, &scope, &conditions, question, move |snapshot| snapshot.matrix.backlog(&query)).await
}

/// The view, formula and filters of a backlog, without its limits.
///
/// # Errors
///
/// `parameter_invalid`.
pub(in crate::http) fn read_backlog(params: &mut Params) -> Result<BacklogQuery> {
    let views = BacklogView::ALL.map(|view| (view.name(), view));
    let formulas = [("tool", Formula::Tool), ("web", Formula::Web)];
    Ok(BacklogQuery {
        view: params.take_word("view", &views)?.unwrap_or_default(),
        formula: params.take_word("formula", &formulas)?.unwrap_or_default(),
        phase: params.take_as("phase", "a phase")?,
        category: params.take("category")?,
        version: params.take("version")?,
        ..BacklogQuery::default()
    })
}

/// Answers what to take up next: the most urgent requirements that wait for nothing, and the groups
/// of requirements that can be worked on independently.
#[utoipa::path(get, path = "/api/v1/projects/{project}/next", tag = "analysis",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("limit" = Option<usize>, Query, description = "At most so many entries in each list; 10 if not given."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that the client has."),
    ),
    responses((status = 200, body = Next), (status = 304, description = "The client has it already."), Reading))]
async fn get_next(
    State(app): State<App>,
    Viewing(scope): Viewing,
    conditions: Conditions,
    mut params: Params,
) -> Answer<Response> {
    let limit = params.take_limit(NEXT_DEFAULT, 1_000)?;
    params.finish()?;
    answer(&app, &scope, &conditions, format!("next {limit}"), move |snapshot| snapshot.matrix.next(limit))
        .await
}

/// Answers what is wrong with the matrix, rule by rule.
#[utoipa::path(get, path = "/api/v1/projects/{project}/health", tag = "analysis",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that the client has."),
    ),
    responses((status = 200, body = Health), (status = 304, description = "The client has it already."), Reading))]
async fn get_health(
    State(app): State<App>,
    Viewing(scope): Viewing,
    conditions: Conditions,
    params: Params,
) -> Answer<Response> {
    params.finish()?;
    answer(&app, &scope, &conditions, "health".into(), |snapshot| snapshot.matrix.health()).await
}

/// Answers every circular dependency.
#[utoipa::path(get, path = "/api/v1/projects/{project}/cycles", tag = "analysis",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that the client has."),
    ),
    responses((status = 200, body = Cycles), (status = 304, description = "The client has it already."), Reading))]
async fn get_cycles(
    State(app): State<App>,
    Viewing(scope): Viewing,
    conditions: Conditions,
    params: Params,
) -> Answer<Response> {
    params.finish()?;
    answer(&app, &scope, &conditions, "cycles".into(), |snapshot| snapshot.matrix.cycles()).await
}

/// Answers which incomplete requirements hold up the most others.
#[utoipa::path(get, path = "/api/v1/projects/{project}/critical-path", tag = "analysis",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("limit" = Option<usize>, Query, description = "At most so many; all if not given."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that the client has."),
    ),
    responses((status = 200, body = CriticalPath), (status = 304, description = "The client has it already."), Reading))]
async fn get_critical_path(
    State(app): State<App>,
    Viewing(scope): Viewing,
    conditions: Conditions,
    mut params: Params,
) -> Answer<Response> {
    let limit = params.take_limit(MOST, MOST)?;
    params.finish()?;
    let compute = move |snapshot: &Snapshot| {
        let mut path = snapshot.matrix.critical_path();
        path.requirements.truncate(limit);
        path
    };
    answer(&app, &scope, &conditions, format!("critical path {limit}"), compute).await
}

/// Answers what a requirement stands on and what stands on it, directly and through others.
#[utoipa::path(get, path = "/api/v1/projects/{project}/impact/{id}", tag = "analysis",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("id" = String, Path, description = "The requirement's id, percent-encoded."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that the client has."),
    ),
    responses((status = 200, body = Impact), (status = 304, description = "The client has it already."), ReadingOne))]
async fn get_impact(
    State(app): State<App>,
    Viewing(scope): Viewing,
    Id(id): Id,
    conditions: Conditions,
    params: Params,
) -> Answer<Response> {
    params.finish()?;
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    if !snapshot.matrix.contains(&id) {
        return Err(not_found(&id).into());
    }
    let compute = move |snapshot: &Snapshot| snapshot.matrix.impact(&id);
    // One for each requirement is too much to remember.
    let tag = head_tag(snapshot.head);
    if conditions.knows(&tag) {
        return Ok(not_modified(tag));
    }
    let impact = Arc::clone(&snapshot).compute(compute).await?;
    let json = serde_json::to_vec(&impact).expect("an analysis is plain data");
    Ok(json_bytes(tag, json.into()))
}

/// Answers the requirements by how many others must be done one after another before each.
#[utoipa::path(get, path = "/api/v1/projects/{project}/layers", tag = "analysis",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that the client has."),
    ),
    responses((status = 200, body = Layers), (status = 304, description = "The client has it already."), Reading))]
async fn get_layers(
    State(app): State<App>,
    Viewing(scope): Viewing,
    conditions: Conditions,
    params: Params,
) -> Answer<Response> {
    params.finish()?;
    answer(&app, &scope, &conditions, "layers".into(), |snapshot| snapshot.matrix.layers()).await
}

/// An analysis at the project's head, remembered with it.
pub(super) async fn answer<T: Serialize>(
    app: &App,
    scope: &Scope,
    conditions: &Conditions,
    question: String,
    compute: impl FnOnce(&Snapshot) -> T + Send + 'static,
) -> Answer<Response> {
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let tag = head_tag(snapshot.head);
    if conditions.knows(&tag) {
        return Ok(not_modified(tag));
    }
    let json: Result<_> = snapshot.answer(question, compute).await;
    Ok(json_bytes(tag, json?))
}
