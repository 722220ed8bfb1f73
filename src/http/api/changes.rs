//! The change feed of a project: in pages, or live as server-sent events.

use super::conditions::header_invalid;
use super::params::Params;
use super::problems::Paging;
use super::scope::Viewing;
use super::stream::{self, Telling};
use crate::http::{Answer, App};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, header};
use rtmx_core::{Epoch, Result, Timestamp};
use rtmx_storage::{ChangeEvent, FeedPosition};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const PAGE_DEFAULT: usize = 100;
const PAGE_MOST: usize = 1_000;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_changes))
}

/// A change of one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct ChangeView {
    /// The place of the change in the feed: what `cursor` and `Last-Event-ID` take.
    pub(super) position: String,
    /// The project's revision that the change made.
    pub(super) revision: u64,
    /// What was changed: `requirement`, `requirement_text`, `test_link`, `baseline` or `layout`.
    pub(super) kind: String,
    /// The id of what was changed.
    pub(super) id: String,
    /// Whether it is gone.
    pub(super) deleted: bool,
    /// The change that it was part of: the `Idempotency-Key`, where one was given.
    pub(super) change_set: String,
    /// Who wrote.
    pub(super) actor: String,
    /// When, by the writer's clock.
    #[schema(value_type = String, format = DateTime)]
    pub(super) at: Timestamp,
}

/// A page of the feed.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct ChangePage {
    /// The changes, the oldest first.
    changes: Vec<ChangeView>,
    /// Give this as `cursor` for what comes next, now or later.
    next: String,
    /// Whether there is more already.
    more: bool,
    /// The project's revision.
    revision: u64,
}

/// Answers what changed, the oldest first and without a gap.
///
/// With `Accept: text/event-stream` the answer does not end: past changes after the position come
/// first, then each as it happens, as an event `change` with its position as `id`. An `id` sent back in
/// `Last-Event-ID` resumes there. Without a position a stream begins now, and a page at the
/// beginning. A reader that is too slow gets an event `dropped`; it and a stream that ends resume by the last `id`.
#[utoipa::path(get, path = "/api/v1/projects/{project}/changes", tag = "changes",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("cursor" = Option<String>, Query, description = "Only what came after this position: `next` of an earlier page, or the `position` of a change."),
        ("limit" = Option<usize>, Query, description = "At most so many, 1 to 1000; 100 if not given. Not for a stream."),
        ("events" = Option<String>, Query, description = "For a stream: `changes` (the default) tells each change; `heads` only tells, in events `head`, which revision the project has reached and how many `readers` there are, for whoever then reads something else again."),
        ("Last-Event-ID" = Option<String>, Header, description = "As `cursor`, for a stream that resumes."),
    ),
    responses((status = 200, content((ChangePage = "application/json"), (String = "text/event-stream"))), Paging))]
async fn get_changes(
    State(app): State<App>,
    Viewing(scope): Viewing,
    headers: HeaderMap,
    mut params: Params,
) -> Answer<Response> {
    let after = params.take("cursor")?.map(|text| FeedPosition::parse(&text)).transpose()?;
    let limit = params.take_limit(PAGE_DEFAULT, PAGE_MOST)?;
    let words = [("changes", Telling::Changes), ("heads", Telling::Heads)];
    let telling = params.take_word("events", &words)?.unwrap_or_default();
    params.finish()?;
    let after = match last_event_id(&headers)? {
        Some(last) => Some(last),
        None => after,
    };
    if wants_stream(&headers) {
        return stream::open(app, scope, after, telling).await;
    }
    let after = after.unwrap_or(FeedPosition::START);
    let feed = app.storage.changes(&scope.cx, &scope.space, after, limit, None).await?;
    // A full page may end within a change set, so only a look behind it tells whether there is more.
    let more = feed.events.len() == limit && {
        let behind = app.storage.changes(&scope.cx, &scope.space, feed.next.clone(), 1, None).await?;
        !behind.events.is_empty()
    };
    let epoch = feed.head.epoch;
    let next = FeedPosition { epoch: Some(epoch.short()), ..feed.next };
    let changes = feed.events.into_iter().map(|event| ChangeView::new(epoch, event)).collect();
    let page = ChangePage { changes, next: next.to_string(), more, revision: feed.head.revision.0 };
    Ok(Json(page).into_response())
}

impl ChangeView {
    /// An event of a feed in this epoch.
    pub(super) fn new(epoch: Epoch, event: ChangeEvent) -> Self {
        let position = position_of(epoch, &event).to_string();
        ChangeView {
            position,
            revision: event.revision.0,
            kind: event.key.kind.name().to_owned(),
            id: event.key.id,
            deleted: event.deleted,
            change_set: event.change_set.0.to_string(),
            actor: event.actor,
            at: event.at,
        }
    }
}

/// The place right behind an event.
pub(super) fn position_of(epoch: Epoch, event: &ChangeEvent) -> FeedPosition {
    FeedPosition { epoch: Some(epoch.short()), revision: event.revision, ordinal: event.ordinal }
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<FeedPosition>> {
    let Some(value) = headers.get(&LAST_EVENT_ID) else { return Ok(None) };
    let read = value.to_str().ok().and_then(|text| FeedPosition::parse(text).ok());
    read.map(Some)
        .ok_or_else(|| header_invalid("Last-Event-ID", "it is not a position that this server gave out"))
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types =
        accepted.flat_map(|value| value.split(',')).map(|range| range.split(';').next().unwrap_or_default());
    types.any(|range| range.trim().eq_ignore_ascii_case("text/event-stream"))
}
