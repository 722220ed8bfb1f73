//! Completion, from counts that are written in the same transaction as the requirements.

use super::conditions::{Conditions, head_tag};
use super::documents::not_modified;
use super::params::Params;
use super::problems::Reading;
use super::scope::Viewing;
use crate::http::{Answer, App};
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use rtmx_core::trace::{CategoryCompletion, Completion, Counts, PhaseCompletion};
use rtmx_core::{Cx, Head, Priority, Result, Space};
use rtmx_storage::Query;
use rtmx_storage::query::TallyRow;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_status))
}

/// How many requirements have each status.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct CountsView {
    /// All of them.
    pub(super) total: u64,
    /// Those that are done.
    pub(super) complete: u64,
    /// Those that are half done.
    pub(super) partial: u64,
    /// Those with status MISSING.
    pub(super) missing: u64,
    /// Those with status NOT_STARTED.
    pub(super) not_started: u64,
    /// `(complete + partial / 2) / total` in percent, with one decimal.
    pub(super) percentage: f64,
}

/// The completion of a project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
struct StatusView {
    #[serde(flatten)]
    counts: CountsView,
    /// By phase in ascending order; last those without one.
    phases: Vec<PhaseStatus>,
    /// By category in alphabetical order.
    categories: Vec<CategoryStatus>,
    /// By priority, the most urgent first.
    priorities: Vec<PriorityStatus>,
    /// The project's revision.
    revision: u64,
}

/// The completion of a phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
struct PhaseStatus {
    /// The phase; `null` for requirements without one.
    phase: Option<u32>,
    #[serde(flatten)]
    counts: CountsView,
}

/// The completion of a category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
struct CategoryStatus {
    /// The category.
    category: String,
    #[serde(flatten)]
    counts: CountsView,
}

/// The completion of a priority.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
struct PriorityStatus {
    /// The priority.
    priority: Priority,
    #[serde(flatten)]
    counts: CountsView,
}

/// Answers how far the project has come.
#[utoipa::path(get, path = "/api/v1/projects/{project}/status", tag = "analysis",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that the client has."),
    ),
    responses((status = 200, body = StatusView), (status = 304, description = "The client has it already."), Reading))]
async fn get_status(
    State(app): State<App>,
    Viewing(scope): Viewing,
    conditions: Conditions,
    params: Params,
) -> Answer<Response> {
    params.finish()?;
    let head = app.storage.head(&scope.cx, &scope.space).await?;
    if conditions.knows(&head_tag(head)) {
        return Ok(not_modified(head_tag(head)));
    }
    let (head, status) = match app.remembered.status(&scope.project, head) {
        Some(status) => (head, status),
        None => {
            let (head, rows) = tally(&app, &scope.cx, &scope.space).await?;
            let status = serde_json::to_vec(&view(head, &rows)).expect("a status is plain data");
            let status = Bytes::from(status);
            app.remembered.keep_status(&scope.project, head, status.clone());
            (head, status)
        }
    };
    let headers = [(header::ETAG, head_tag(head)), (header::CONTENT_TYPE, JSON)];
    Ok((headers, status).into_response())
}

/// The counts of a project, and the head that they are of.
pub(in crate::http) async fn tally(app: &App, cx: &Cx, space: &Space) -> Result<(Head, Vec<TallyRow>)> {
    let page = app.storage.fetch(cx, &Query::Tally { space: space.clone() }).await?;
    Ok((page.head, page.into_tally()))
}

fn view(head: Head, rows: &[TallyRow]) -> StatusView {
    let counted = rows.iter().map(|row| (row.status, row.phase, row.category.as_str(), row.count));
    let Completion { counts, phases, categories } = Completion::of(counted);
    let of_priority = |priority: Priority| {
        let mut counts = Counts::default();
        let rows = rows.iter().filter(|row| row.priority == priority);
        rows.for_each(|row| counts.add(row.status, row.count));
        PriorityStatus { priority, counts: counts.into() }
    };
    let phase = |PhaseCompletion { phase, counts }| PhaseStatus { phase, counts: CountsView::from(counts) };
    let category =
        |it: CategoryCompletion| CategoryStatus { category: it.category, counts: it.counts.into() };
    StatusView {
        counts: counts.into(),
        phases: phases.into_iter().map(phase).collect(),
        categories: categories.into_iter().map(category).collect(),
        priorities: Priority::ALL.into_iter().map(of_priority).filter(|it| it.counts.total > 0).collect(),
        revision: head.revision.0,
    }
}

impl From<Counts> for CountsView {
    fn from(counts: Counts) -> Self {
        let Counts { total, complete, partial, missing, not_started, percentage } = counts;
        CountsView { total, complete, partial, missing, not_started, percentage }
    }
}
