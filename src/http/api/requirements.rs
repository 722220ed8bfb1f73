//! Requirements: listed, read, made, edited, deleted.

use super::commit::{ClosingCycles, Commit, Committed, not_found, requirement_of, take_cycles};
use super::conditions::{Basis, Conditions};
use super::documents::{not_modified, path_segment};
use super::edit::{Mode, edited, new_id};
use super::list::{Filters, ListQuery};
use super::params::Params;
use super::problems::{Editing as EditProblems, Paging, ReadingOne};
use super::scope::{Editing, Id, Scope, Viewing};
use super::shape::{RequirementView, json_text, to_json};
use crate::http::{Answer, App, JsonBody};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, StatusCode, header};
use rtmx_core::{Body, Key, Kind, Record, Requirement};
use rtmx_storage::query::HistoryEntry;
use rtmx_storage::{Query, StorageBackendExt};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What a requirement usually takes in an answer.
const ROW_BYTES: usize = 1_024;
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_requirements, create_requirement)).routes(routes!(
        get_requirement,
        put_requirement,
        patch_requirement,
        delete_requirement
    ))
}

/// A page of requirements.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct RequirementPage {
    /// The requirements.
    requirements: Vec<RequirementView>,
    /// Give this as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    next: Option<String>,
    /// All that match, if `count=true` was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    total: Option<u64>,
    /// The project's revision that the page shows.
    revision: u64,
}

/// What is written of a requirement: the columns by name. Columns that an answer shows and that are
/// not here (`blocks`, `as_given`, `revision`, `updated_at`, `updated_by`) are derived; `PUT` ignores
/// them, so that an answer can be edited and sent back.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "describes the body, which is read as JSON, to tell `null` from absent")]
struct RequirementEdit {
    /// Needed for a new requirement; else it may be given, and must be the one in the path.
    req_id: Option<String>,
    category: Option<String>,
    subcategory: Option<String>,
    requirement_text: Option<String>,
    target_value: Option<String>,
    test_module: Option<String>,
    test_function: Option<String>,
    validation_method: Option<String>,
    /// `COMPLETE`, `PARTIAL`, `MISSING` or `NOT_STARTED`.
    status: Option<String>,
    /// `P0`, `HIGH`, `MEDIUM` or `LOW`.
    priority: Option<String>,
    phase: Option<u32>,
    notes: Option<String>,
    effort_weeks: Option<f64>,
    dependencies: Option<Vec<String>>,
    /// The column `blocks` of the file.
    blocks_given: Option<Vec<String>>,
    assignee: Option<String>,
    sprint: Option<String>,
    /// Year, month and day, as in `2026-01-31`.
    started_date: Option<String>,
    completed_date: Option<String>,
    requirement_file: Option<String>,
    external_id: Option<String>,
    /// Columns beyond the 21, by name; in a `PATCH`, `null` removes one.
    extra: Option<std::collections::BTreeMap<String, Option<String>>>,
}

/// Lists requirements, filtered, searched and sorted, in pages.
///
/// Every column is a filter under its name, and a column beyond the 21 under `extra.<name>`. A
/// filter that is repeated matches any of its values; different filters must all match. An empty
/// value matches an empty column. Case is ignored, but in ids.
#[utoipa::path(get, path = "/api/v1/projects/{project}/requirements", tag = "requirements",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("search" = Option<String>, Query, description = "Words that must all occur; the last counts as the beginning of one."),
        ("sort" = Option<String>, Query, description = "Up to four columns, separated by commas, each with a leading `-` for descending: `-priority,phase`. Then by id."),
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 1000; 100 if not given."),
        ("cursor" = Option<String>, Query, description = "`next` of the page before, with the same filters, search and sort."),
        ("count" = Option<bool>, Query, description = "Whether to count all that match."),
        Filters,
    ),
    responses((status = 200, body = RequirementPage), Paging))]
async fn list_requirements(
    State(app): State<App>,
    Viewing(scope): Viewing,
    params: Params,
) -> Answer<Response> {
    let question = params.as_text();
    let query = ListQuery::read(params, &scope.space)?;
    // Not held while the storage is asked: an index that nobody holds moves forward in place.
    let known = app.indexes.at_head(&scope.cx, &scope.project).await?.page(&question);
    if let Some(known) = known {
        return Ok(json_text(known));
    }
    let mut page = app.storage.fetch(&scope.cx, &Query::Records(query)).await?;
    let (next, total, head) = (page.next.take(), page.total, page.head);
    let snapshot = app.indexes.reaching(&scope.cx, &scope.project, head).await?;
    let show = |record: Record| match record.body {
        Body::Requirement(requirement) => {
            Some(RequirementView::of(record.id, record.revision, requirement, &snapshot.matrix))
        }
        _ => None,
    };
    let requirements: Vec<_> = page.into_records().into_iter().filter_map(show).collect();
    let expected_bytes = ROW_BYTES * (1 + requirements.len());
    let page = RequirementPage { requirements, next, total, revision: head.revision.0 };
    let text = to_json(&page, expected_bytes);
    if snapshot.head == head {
        snapshot.keep_page(question, &text);
    }
    Ok(json_text(text))
}

/// Makes a requirement.
#[utoipa::path(post, path = "/api/v1/projects/{project}/requirements", tag = "requirements",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("allow_cycles" = Option<bool>, Query, description = "Whether dependencies may close a cycle."),
        ("Idempotency-Key" = Option<String>, Header, description = "A UUID that names this change, so that it may be repeated."),
    ),
    request_body = RequirementEdit,
    responses((status = 201, body = RequirementView, description = "It was made; `Location` and `ETag` are in the headers."), EditProblems))]
async fn create_requirement(
    State(app): State<App>,
    Editing(scope): Editing,
    mut conditions: Conditions,
    mut params: Params,
    JsonBody(given): JsonBody<Map<String, Value>>,
) -> Answer<Response> {
    let cycles = take_cycles(&mut params)?;
    params.finish()?;
    let id = new_id(&given)?;
    conditions.basis = Basis::Absent;
    let commit = Commit {
        app: &app,
        scope: &scope,
        conditions: &conditions,
        id,
        cycles,
        note: "create a requirement",
    };
    let done = commit.run(|_| edited(id, &Requirement::default(), &given, Mode::New)).await?;
    show_committed(&app, &scope, id, done).await
}

/// Answers one requirement. Its `ETag` goes into `If-Match` of an edit.
#[utoipa::path(get, path = "/api/v1/projects/{project}/requirements/{id}", tag = "requirements",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("id" = String, Path, description = "The requirement's id, percent-encoded."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that the client has."),
    ),
    responses((status = 200, body = RequirementView), (status = 304, description = "The client has it already."), ReadingOne))]
async fn get_requirement(
    State(app): State<App>,
    Viewing(scope): Viewing,
    Id(id): Id,
    conditions: Conditions,
    params: Params,
) -> Answer<Response> {
    params.finish()?;
    let key = Key::new(Kind::Requirement, id.clone());
    let found = app.storage.find(&scope.cx, &scope.space, &key).await?;
    let record = found.ok_or_else(|| not_found(&id))?;
    let requirement = requirement_of(&record).ok_or_else(|| not_found(&id))?;
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let mut view = RequirementView::new(&id, record.revision, requirement, &snapshot.matrix);
    let tag = view.tag(snapshot.head.epoch);
    if conditions.knows(&tag) {
        return Ok(not_modified(tag));
    }
    let query = Query::History { space: scope.space.clone(), key: Some(key), before: None, limit: 2 };
    let history = app.storage.fetch(&scope.cx, &query).await?.into_history();
    // A write may have come between the two reads; only the entry of the shown revision will do.
    let of_shown = |entry: &HistoryEntry| entry.revision == record.revision;
    if let Some(entry) = history.into_iter().find(of_shown) {
        (view.updated_at, view.updated_by) = (Some(entry.at), Some(entry.actor));
    }
    Ok(([(header::ETAG, tag)], Json(view)).into_response())
}

/// Replaces a requirement as a whole: columns that are not named become empty.
///
/// With `If-None-Match: *` it makes one that must not exist.
#[utoipa::path(put, path = "/api/v1/projects/{project}/requirements/{id}", tag = "requirements",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("id" = String, Path, description = "The requirement's id, percent-encoded."),
        ("allow_cycles" = Option<bool>, Query, description = "Whether dependencies may close a cycle."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the requirement that the edit is based on."),
        ("If-None-Match" = Option<String>, Header, description = "`*` to make a new one."),
        ("Idempotency-Key" = Option<String>, Header, description = "A UUID that names this change, so that it may be repeated."),
    ),
    request_body = RequirementEdit,
    responses((status = 200, body = RequirementView), (status = 201, body = RequirementView, description = "It was made."), EditProblems))]
async fn put_requirement(
    State(app): State<App>,
    Editing(scope): Editing,
    Id(id): Id,
    conditions: Conditions,
    mut params: Params,
    JsonBody(given): JsonBody<Map<String, Value>>,
) -> Answer<Response> {
    let cycles = take_cycles(&mut params)?;
    params.finish()?;
    if conditions.basis == Basis::Absent {
        rtmx_storage::csv::edit::check_id(&id)?;
    }
    let commit = Commit {
        app: &app,
        scope: &scope,
        conditions: &conditions,
        id: &id,
        cycles,
        note: "replace a requirement",
    };
    let nothing = Requirement::default();
    let done = commit.run(|base| edited(&id, base.unwrap_or(&nothing), &given, Mode::Whole)).await?;
    show_committed(&app, &scope, &id, done).await
}

/// Changes the columns that are named; `null` clears one.
#[utoipa::path(patch, path = "/api/v1/projects/{project}/requirements/{id}", tag = "requirements",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("id" = String, Path, description = "The requirement's id, percent-encoded."),
        ("allow_cycles" = Option<bool>, Query, description = "Whether dependencies may close a cycle."),
        ("If-Match" = String, Header, description = "The `ETag` of the requirement that the edit is based on."),
        ("Idempotency-Key" = Option<String>, Header, description = "A UUID that names this change, so that it may be repeated."),
    ),
    request_body(content((RequirementEdit = "application/merge-patch+json"), (RequirementEdit = "application/json"))),
    responses((status = 200, body = RequirementView), EditProblems))]
async fn patch_requirement(
    State(app): State<App>,
    Editing(scope): Editing,
    Id(id): Id,
    mut conditions: Conditions,
    mut params: Params,
    JsonBody(given): JsonBody<Map<String, Value>>,
) -> Answer<Response> {
    let cycles = take_cycles(&mut params)?;
    params.finish()?;
    conditions.never_creates();
    let commit = Commit {
        app: &app,
        scope: &scope,
        conditions: &conditions,
        id: &id,
        cycles,
        note: "edit a requirement",
    };
    let nothing = Requirement::default();
    let done = commit.run(|base| edited(&id, base.unwrap_or(&nothing), &given, Mode::Patch)).await?;
    show_committed(&app, &scope, &id, done).await
}

/// Deletes a requirement, with its document and test links. Requirements that depend on it keep
/// naming it, and `health` reports them.
#[utoipa::path(delete, path = "/api/v1/projects/{project}/requirements/{id}", tag = "requirements",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("id" = String, Path, description = "The requirement's id, percent-encoded."),
        ("If-Match" = String, Header, description = "The `ETag` of the requirement that is to be deleted."),
        ("Idempotency-Key" = Option<String>, Header, description = "A UUID that names this change, so that it may be repeated."),
    ),
    responses((status = 204, description = "It is gone."), EditProblems))]
async fn delete_requirement(
    State(app): State<App>,
    Editing(scope): Editing,
    Id(id): Id,
    mut conditions: Conditions,
    params: Params,
) -> Answer<StatusCode> {
    params.finish()?;
    conditions.never_creates();
    let cycles = ClosingCycles::Refused;
    let commit = Commit {
        app: &app,
        scope: &scope,
        conditions: &conditions,
        id: &id,
        cycles,
        note: "delete a requirement",
    };
    commit.delete().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn show_committed(app: &App, scope: &Scope, id: &str, done: Committed) -> Answer<Response> {
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let mut view = RequirementView::new(id, done.revision, &done.requirement, &snapshot.matrix);
    let tag = view.tag(done.epoch);
    if let Some((at, actor)) = done.written {
        (view.updated_at, view.updated_by) = (Some(at), Some(actor));
    }
    let status = if done.created { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = (status, [(header::ETAG, tag)], Json(view)).into_response();
    let headers = response.headers_mut();
    if done.created {
        let location = format!("/api/v1/projects/{}/requirements/{}", scope.project, path_segment(id));
        headers.insert(header::LOCATION, location.parse().expect("an encoded path is plain text"));
    }
    if done.replayed {
        headers.insert(REPLAYED, http::HeaderValue::from_static("true"));
    }
    Ok(response)
}
