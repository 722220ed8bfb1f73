//! What was written in a project, one entry for each change set: an import of a thousand rows is one.

use super::params::Params;
use super::problems::Paging;
use super::scope::{Scope, Viewing};
use crate::http::{Answer, App};
use axum::Json;
use axum::extract::State;
use rtmx_core::{Result, Timestamp};
use rtmx_storage::query::HistoryEntry;
use rtmx_storage::{FeedPosition, Query};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const PAGE_DEFAULT: usize = 50;
const PAGE_MOST: usize = 200;
/// How many records a change set names.
const NAMED: usize = 10;
/// How many entries of the history are read at once, and how often for one page.
const CHUNK: usize = 200;
const CHUNKS: usize = 25;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_change_sets))
}

/// One change set.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(in crate::http) struct ChangeSetView {
    /// The project's revision that it made.
    pub(in crate::http) revision: u64,
    /// Its name: the `Idempotency-Key`, where one was given.
    pub(in crate::http) change_set: String,
    /// Who wrote.
    pub(in crate::http) actor: String,
    /// When, by the writer's clock.
    #[schema(value_type = String, format = DateTime)]
    pub(in crate::http) at: Timestamp,
    /// What the change was.
    pub(in crate::http) note: String,
    /// The first records that it wrote, at most 10.
    pub(in crate::http) records: Vec<WrittenRecord>,
    /// Whether it wrote more.
    pub(in crate::http) more: bool,
}

/// A record that a change set wrote.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(in crate::http) struct WrittenRecord {
    /// What was written: `requirement`, `requirement_text`, `test_link`, `baseline` or `layout`.
    pub(in crate::http) kind: String,
    /// Its id.
    pub(in crate::http) id: String,
    /// Whether it is gone.
    pub(in crate::http) deleted: bool,
}

/// A page of change sets.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(in crate::http) struct ChangeSetPage {
    /// The change sets, the newest first.
    pub(in crate::http) change_sets: Vec<ChangeSetView>,
    /// Give this as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(in crate::http) next: Option<String>,
}

/// Lists what was written in the project, the newest first, one entry for each change set.
///
/// With `actor` a page may hold fewer than `limit` and still have a `next`, since only so much of the
/// history is looked through for one page.
#[utoipa::path(get, path = "/api/v1/projects/{project}/change-sets", tag = "changes",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("actor" = Option<String>, Query, description = "Only what this actor wrote."),
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 200; 50 if not given."),
        ("cursor" = Option<String>, Query, description = "`next` of the page before."),
    ),
    responses((status = 200, body = ChangeSetPage), Paging))]
async fn list_change_sets(
    State(app): State<App>,
    Viewing(scope): Viewing,
    mut params: Params,
) -> Answer<Json<ChangeSetPage>> {
    let actor = params.take("actor")?;
    let limit = params.take_limit(PAGE_DEFAULT, PAGE_MOST)?;
    let cursor = params.take("cursor")?;
    params.finish()?;
    Ok(Json(read(&app, &scope, actor.as_deref(), limit, cursor).await?))
}

/// The change sets of a project, from a `next` on.
pub(in crate::http) async fn read(
    app: &App,
    scope: &Scope,
    actor: Option<&str>,
    limit: usize,
    cursor: Option<String>,
) -> Result<ChangeSetPage> {
    let position = cursor.map(|text| FeedPosition::parse(&text)).transpose()?;
    let mut before = position.as_ref().map(|position| (position.revision, 0));
    let mut change_sets: Vec<ChangeSetView> = Vec::new();
    for _ in 0..CHUNKS {
        let query = Query::History { space: scope.space.clone(), key: None, before, limit: CHUNK };
        let page = app.storage.fetch(&scope.cx, &query).await?;
        let epoch = page.head.epoch;
        if let Some(position) = &position {
            position.check(epoch)?;
        }
        let entries = page.into_history();
        let is_last = entries.len() < CHUNK;
        // The last change set of a full chunk goes on behind it: it is known to have more than are named.
        let cut = (!is_last).then(|| entries.last().map(|entry| entry.revision)).flatten();
        for entry in entries {
            if change_sets.last().is_some_and(|last| last.revision == entry.revision.0) {
                if let Some(last) = change_sets.last_mut() {
                    last.add(entry);
                }
                continue;
            }
            if change_sets.len() == limit {
                return Ok(page_until(epoch, change_sets, before));
            }
            before = Some((entry.revision, 0));
            if actor.is_none_or(|actor| actor == entry.actor) {
                let is_cut = cut == Some(entry.revision);
                change_sets.push(ChangeSetView::of(entry, is_cut));
            }
        }
        if is_last {
            return Ok(ChangeSetPage { change_sets, next: None });
        }
    }
    let epoch = app.storage.head(&scope.cx, &scope.space).await?.epoch;
    Ok(page_until(epoch, change_sets, before))
}

fn page_until(
    epoch: rtmx_core::Epoch,
    change_sets: Vec<ChangeSetView>,
    before: Option<(rtmx_core::Revision, u32)>,
) -> ChangeSetPage {
    let next = before.map(|(revision, ordinal)| {
        FeedPosition { epoch: Some(epoch.short()), revision, ordinal }.to_string()
    });
    ChangeSetPage { change_sets, next }
}

impl ChangeSetView {
    fn of(entry: HistoryEntry, is_cut: bool) -> Self {
        let mut made = ChangeSetView {
            revision: entry.revision.0,
            change_set: entry.change_set.0.to_string(),
            actor: entry.actor.clone(),
            at: entry.at,
            note: entry.note.clone(),
            records: Vec::new(),
            more: is_cut,
        };
        made.add(entry);
        made
    }

    fn add(&mut self, entry: HistoryEntry) {
        if self.records.len() == NAMED {
            self.more = true;
            return;
        }
        let deleted = entry.body.is_none();
        self.records.push(WrittenRecord {
            kind: entry.key.kind.name().to_owned(),
            id: entry.key.id,
            deleted,
        });
    }
}
