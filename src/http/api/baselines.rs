//! Baselines: names for revisions, and what lies between two of them.

use super::conditions::{Basis, Conditions};
use super::documents::path_segment;
use super::params::Params;
use super::problems::{Editing as EditProblems, Paging, ReadingOne};
use super::scope::{Editing, Id, Scope, Viewing};
use super::write::Writer;
use crate::http::{Answer, App, JsonBody};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use rtmx_core::{Baseline, Body, Error, Key, Kind, Record, Result, Revision, Timestamp, server, storage};
use rtmx_storage::baseline::{self, Compared};
use rtmx_storage::query::{HistoryEntry, RecordQuery};
use rtmx_storage::{Query, StorageBackendExt};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How many differences a comparison lists if the request does not say.
const COMPARE_DEFAULT: usize = 1_000;
const COMPARE_MOST: usize = 100_000;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_baselines, create_baseline))
        .routes(routes!(get_baseline))
        .routes(routes!(compare_baselines))
}

/// A name for a revision.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(in crate::http) struct BaselineView {
    /// The name.
    pub(in crate::http) name: String,
    /// The project's revision that it stands for.
    pub(in crate::http) revision: u64,
    /// Why it was taken.
    pub(in crate::http) note: String,
    /// Who took it.
    pub(in crate::http) actor: String,
    /// When it was taken.
    #[schema(value_type = String, format = DateTime)]
    pub(in crate::http) created_at: Timestamp,
}

/// A page of baselines, by name.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct BaselinePage {
    /// The baselines.
    baselines: Vec<BaselineView>,
    /// Give this as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    next: Option<String>,
}

/// A baseline to take.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewBaseline {
    /// Up to 100 bytes without `/`; not a number and not `head`.
    name: String,
    /// Why it is taken.
    #[serde(default)]
    note: String,
    /// The revision to name; the newest if left out.
    #[serde(default)]
    revision: Option<u64>,
}

/// Lists the baselines by name.
#[utoipa::path(get, path = "/api/v1/projects/{project}/baselines", tag = "changes",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 1000; 100 if not given."),
        ("cursor" = Option<String>, Query, description = "`next` of the page before."),
    ),
    responses((status = 200, body = BaselinePage), Paging))]
async fn list_baselines(
    State(app): State<App>,
    Viewing(scope): Viewing,
    mut params: Params,
) -> Answer<Json<BaselinePage>> {
    let limit = params.take_limit(100, 1_000)?;
    let cursor = params.take("cursor")?;
    params.finish()?;
    let (baselines, next) = list(&app, &scope, limit, cursor).await?;
    Ok(Json(BaselinePage { baselines, next }))
}

/// A page of the baselines by name, and the next one's cursor.
pub(in crate::http) async fn list(
    app: &App,
    scope: &Scope,
    limit: usize,
    cursor: Option<String>,
) -> Result<(Vec<BaselineView>, Option<String>)> {
    let mut query = RecordQuery::all(scope.space.clone(), Kind::Baseline);
    (query.limit, query.cursor) = (limit, cursor);
    let mut page = app.storage.fetch(&scope.cx, &Query::Records(query)).await?;
    let next = page.next.take();
    Ok((page.into_records().into_iter().filter_map(view).collect(), next))
}

/// Takes a baseline of the newest revision.
///
/// # Errors
///
/// `change_set_invalid` for a name that cannot be one; `record_exists` for one that was given.
pub(in crate::http) async fn take(app: &App, scope: &Scope, name: &str, note: &str) -> Result<()> {
    let Scope { caller, space, cx, .. } = scope;
    let head = app.storage.head(cx, space).await?;
    let change = baseline::name_revision(name, head.revision, note, &caller.actor, app.clock.now())?;
    let conditions = Conditions::on(Basis::Absent);
    let writer = Writer::new(app, cx, caller, space.clone(), &conditions, "take a baseline");
    writer.apply(vec![change]).await?;
    Ok(())
}

/// Takes a baseline: gives the newest revision, or another one, a name for good.
#[utoipa::path(post, path = "/api/v1/projects/{project}/baselines", tag = "changes", request_body = NewBaseline,
    params(
        ("project" = String, Path, description = "The project's id."),
        ("Idempotency-Key" = Option<String>, Header, description = "A UUID that names this change, so that it may be repeated."),
    ),
    responses((status = 201, body = BaselineView, description = "It was taken."), EditProblems))]
async fn create_baseline(
    State(app): State<App>,
    Editing(scope): Editing,
    conditions: Conditions,
    params: Params,
    JsonBody(new): JsonBody<NewBaseline>,
) -> Answer<Response> {
    params.finish()?;
    let head = app.storage.head(&scope.cx, &scope.space).await?;
    let revision = new.revision.map_or(head.revision, Revision);
    if revision > head.revision {
        let message =
            format!("cannot take a baseline of revision {revision}: the newest is {}", head.revision);
        return Err(Error::new(server::BODY_INVALID, message).into());
    }
    let change =
        baseline::name_revision(&new.name, revision, &new.note, &scope.caller.actor, app.clock.now())?;
    let writer =
        Writer::new(&app, &scope.cx, &scope.caller, scope.space.clone(), &conditions, "take a baseline");
    let repeated = |entry: HistoryEntry| match entry.body {
        Some(Body::Baseline(made))
            if made.note == new.note && new.revision.is_none_or(|wanted| wanted == made.revision.0) =>
        {
            Ok(made)
        }
        _ => Err(writer.reused()),
    };
    let key = change.key.clone();
    let made = match writer.replayed(&key).await? {
        Some(entry) => repeated(entry)?,
        None => {
            let Some(Body::Baseline(made)) = change.put.clone() else {
                return Err(Error::new(storage::INTERNAL, "a baseline's change holds another kind").into());
            };
            match writer.apply(vec![change]).await {
                Err(error) if writer.may_have_lost_to_itself(&error) => {
                    repeated(writer.replayed(&key).await?.ok_or(error)?)?
                }
                outcome => outcome.map(|_| made)?,
            }
        }
    };
    let location = format!("/api/v1/projects/{}/baselines/{}", scope.project, path_segment(&new.name));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(shown(new.name, made))).into_response())
}

/// Answers one baseline.
#[utoipa::path(get, path = "/api/v1/projects/{project}/baselines/{id}", tag = "changes",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("id" = String, Path, description = "The baseline's name, percent-encoded."),
    ),
    responses((status = 200, body = BaselineView), ReadingOne))]
async fn get_baseline(
    State(app): State<App>,
    Viewing(scope): Viewing,
    Id(name): Id,
    params: Params,
) -> Answer<Json<BaselineView>> {
    params.finish()?;
    let record = app.storage.get(&scope.cx, &scope.space, &Key::new(Kind::Baseline, name)).await?;
    let missing = || Error::new(storage::INTERNAL, "a baseline's record holds another kind");
    Ok(Json(view(record).ok_or_else(missing)?))
}

/// Compares two revisions: requirements, their documents and test links, column by column.
#[utoipa::path(get, path = "/api/v1/projects/{project}/compare", tag = "changes",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("from" = String, Query, description = "The earlier one: a baseline's name, a revision, or `head`."),
        ("to" = Option<String>, Query, description = "The later one; `head` if not given."),
        ("limit" = Option<usize>, Query, description = "At most so many differences are listed, 1 to 100000; 1000 if not given. All are counted."),
    ),
    responses((status = 200, body = Compared), Paging))]
async fn compare_baselines(
    State(app): State<App>,
    Viewing(scope): Viewing,
    mut params: Params,
) -> Answer<Json<Compared>> {
    let from = params.take("from")?;
    let to = params.take("to")?.unwrap_or_else(|| "head".to_owned());
    let limit = params.take_limit(COMPARE_DEFAULT, COMPARE_MOST)?;
    params.finish()?;
    let from = from.ok_or_else(|| super::params::invalid("from", "it is needed"))?;
    let storage = &*app.storage;
    let from = baseline::revision_of(&scope.cx, storage, &scope.space, &from).await?;
    let to = baseline::revision_of(&scope.cx, storage, &scope.space, &to).await?;
    Ok(Json(baseline::compare(&scope.cx, storage, &scope.space, from, to, limit).await?))
}

fn view(record: Record) -> Option<BaselineView> {
    match record.body {
        Body::Baseline(baseline) => Some(shown(record.id, baseline)),
        _ => None,
    }
}

fn shown(name: String, baseline: Baseline) -> BaselineView {
    let Baseline { revision, note, actor, created_at } = baseline;
    BaselineView { name, revision: revision.0, note, actor, created_at }
}
