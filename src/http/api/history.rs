//! What was written to a project or to one requirement, the newest first.

use super::commit::not_found;
use super::params::Params;
use super::problems::Paging;
use super::scope::{Id, Scope, Viewing};
use crate::http::{Answer, App};
use axum::Json;
use axum::extract::State;
use rtmx_core::{Body, CORE_COLUMNS, Column, Key, Kind, Requirement, Result, Timestamp};
use rtmx_storage::query::HistoryEntry;
use rtmx_storage::{FeedPosition, Query};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const PAGE_DEFAULT: usize = 100;
const PAGE_MOST: usize = 500;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_history)).routes(routes!(get_requirement_history))
}

/// One write to one record.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(in crate::http) struct HistoryView {
    /// The project's revision that the write made.
    pub(in crate::http) revision: u64,
    /// What was written: `requirement`, `requirement_text`, `test_link`, `baseline` or `layout`.
    pub(in crate::http) kind: String,
    /// The id of what was written.
    pub(in crate::http) id: String,
    /// `created`, `changed` or `deleted`; in the history of a project `written` or `deleted`.
    pub(in crate::http) action: String,
    /// The columns that changed; only in the history of one requirement.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(in crate::http) changes: Option<Vec<ColumnChange>>,
    /// The change that it was part of.
    pub(in crate::http) change_set: String,
    /// Who wrote.
    pub(in crate::http) actor: String,
    /// When, by the writer's clock.
    #[schema(value_type = String, format = DateTime)]
    pub(in crate::http) at: Timestamp,
    /// What the change was.
    pub(in crate::http) note: String,
}

/// A column before and after a write, as text.
#[derive(Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub(in crate::http) struct ColumnChange {
    /// The column's name; `extra.<name>` beyond the 21.
    pub(in crate::http) column: String,
    /// Its text before.
    pub(in crate::http) before: String,
    /// Its text after.
    pub(in crate::http) after: String,
}

/// A page of history.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(in crate::http) struct HistoryPage {
    /// The writes, the newest first.
    pub(in crate::http) history: Vec<HistoryView>,
    /// Give this as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(in crate::http) next: Option<String>,
}

/// Answers what was written in the project, the newest first.
#[utoipa::path(get, path = "/api/v1/projects/{project}/history", tag = "changes",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 500; 100 if not given."),
        ("cursor" = Option<String>, Query, description = "`next` of the page before."),
    ),
    responses((status = 200, body = HistoryPage), Paging))]
async fn get_history(
    State(app): State<App>,
    Viewing(scope): Viewing,
    params: Params,
) -> Answer<Json<HistoryPage>> {
    let (limit, cursor) = take_page(params)?;
    Ok(Json(of_project(&app, &scope, limit, cursor).await?))
}

/// What was written in a project, the newest first: at most `limit` writes, from a `next` on.
pub(in crate::http) async fn of_project(
    app: &App,
    scope: &Scope,
    limit: usize,
    cursor: Option<String>,
) -> Result<HistoryPage> {
    let (entries, next) = read(app, scope, None, limit, cursor).await?;
    let describe = |entry: HistoryEntry| {
        let action = if entry.body.is_some() { "written" } else { "deleted" };
        view(entry, action, None)
    };
    let limit = entries.len() - usize::from(next.is_some());
    Ok(HistoryPage { history: entries.into_iter().take(limit).map(describe).collect(), next })
}

/// Answers what was written to one requirement, the newest first, column by column.
#[utoipa::path(get, path = "/api/v1/projects/{project}/requirements/{id}/history", tag = "changes",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("id" = String, Path, description = "The requirement's id, percent-encoded; also one that was deleted."),
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 500; 100 if not given."),
        ("cursor" = Option<String>, Query, description = "`next` of the page before."),
    ),
    responses((status = 200, body = HistoryPage), Paging))]
async fn get_requirement_history(
    State(app): State<App>,
    Viewing(scope): Viewing,
    Id(id): Id,
    params: Params,
) -> Answer<Json<HistoryPage>> {
    let first_page = params.is_without("cursor");
    let (limit, cursor) = take_page(params)?;
    let page = of_requirement(&app, &scope, &id, limit, cursor).await?;
    if page.history.is_empty() && first_page {
        return Err(not_found(&id).into());
    }
    Ok(Json(page))
}

/// What was written to a requirement, column by column; nothing for one that never was.
pub(in crate::http) async fn of_requirement(
    app: &App,
    scope: &Scope,
    id: &str,
    limit: usize,
    cursor: Option<String>,
) -> Result<HistoryPage> {
    let (entries, next) = read(app, scope, Some(Key::new(Kind::Requirement, id)), limit, cursor).await?;
    let shown = entries.len() - usize::from(next.is_some());
    let mut history = Vec::with_capacity(shown);
    for index in 0..shown {
        let before = entries.get(index + 1).and_then(requirement_of);
        let after = requirement_of(&entries[index]);
        let action = match (before, after) {
            (_, None) => "deleted",
            (None, Some(_)) => "created",
            (Some(_), Some(_)) => "changed",
        };
        let nothing = Requirement::default();
        let changes = after.map(|after| compare(before.unwrap_or(&nothing), after));
        history.push(view(entries[index].clone(), action, changes));
    }
    Ok(HistoryPage { history, next })
}

fn take_page(mut params: Params) -> Result<(usize, Option<String>)> {
    let page = (params.take_limit(PAGE_DEFAULT, PAGE_MOST)?, params.take("cursor")?);
    params.finish()?;
    Ok(page)
}

/// The entries of a page and, if there is a next page, one more.
async fn read(
    app: &App,
    scope: &Scope,
    key: Option<Key>,
    limit: usize,
    cursor: Option<String>,
) -> Result<(Vec<HistoryEntry>, Option<String>)> {
    let cursor = cursor.map(|text| FeedPosition::parse(&text)).transpose()?;
    let before = cursor.as_ref().map(|position| (position.revision, position.ordinal));
    let query = Query::History { space: scope.space.clone(), key, before, limit: limit + 1 };
    let page = app.storage.fetch(&scope.cx, &query).await?;
    let epoch = page.head.epoch;
    if let Some(position) = cursor {
        position.check(epoch)?;
    }
    let entries = page.into_history();
    let last = (entries.len() > limit).then(|| &entries[limit - 1]);
    let next = last.map(|last| FeedPosition {
        epoch: Some(epoch.short()),
        revision: last.revision,
        ordinal: last.ordinal,
    });
    let next = next.map(|position| position.to_string());
    Ok((entries, next))
}

fn view(entry: HistoryEntry, action: &str, changes: Option<Vec<ColumnChange>>) -> HistoryView {
    HistoryView {
        revision: entry.revision.0,
        kind: entry.key.kind.name().to_owned(),
        id: entry.key.id,
        action: action.to_owned(),
        changes,
        change_set: entry.change_set.0.to_string(),
        actor: entry.actor,
        at: entry.at,
        note: entry.note,
    }
}

fn requirement_of(entry: &HistoryEntry) -> Option<&Requirement> {
    match &entry.body {
        Some(Body::Requirement(requirement)) => Some(requirement),
        _ => None,
    }
}

/// The columns in which two states of a requirement differ.
pub(in crate::http) fn compare(before: &Requirement, after: &Requirement) -> Vec<ColumnChange> {
    let core = CORE_COLUMNS.into_iter().map(|column: Column| {
        let name = column.name().to_owned();
        ColumnChange { column: name, before: before.text_of(column), after: after.text_of(column) }
    });
    let names: BTreeSet<&String> = before.extra.keys().chain(after.extra.keys()).collect();
    let text = |of: &Requirement, name: &str| of.extra.get(name).cloned().unwrap_or_default();
    let extra = names.into_iter().map(|name| ColumnChange {
        column: format!("extra.{name}"),
        before: text(before, name),
        after: text(after, name),
    });
    core.chain(extra).filter(|change| change.before != change.after).collect()
}
