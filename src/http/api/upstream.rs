//! The answers of the `rtmx` command line's own web server, for the project `default`.
//!
//! The shapes are those of upstream's Go server (`/api/status`, `/api/requirements`, `/api/backlog`),
//! so that what was written for it can read from here. They are read-only; editing is done under
//! `/api/v1`, where an edit says what it is based on. Deliberate differences: `blocks` is derived from
//! the dependencies of the others, a missing phase or effort sorts last in ascending order, and errors are problem
//! documents. As there, parameters that are not known are ignored.

mod list;

use self::list::List;
use super::commit::{not_found, requirement_of};
use super::params::Params;
use super::problems::{Paging, Reading, ReadingOne};
use super::scope::{Id, Scope, Viewing};
use super::shape::RequirementView;
use super::status::tally;
use crate::http::{Answer, App};
use crate::index::Snapshot;
use axum::Json;
use axum::extract::State;
use rtmx_core::trace::{Backlog, BacklogQuery, BacklogView, Formula, Matrix, Reached};
use rtmx_core::{Key, Kind, Priority, Record, Requirement, Result, Revision, Status};
use rtmx_storage::query::PAGE_LIMIT;
use rtmx_storage::{Query, StorageBackendExt};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const BACKLOG_DEFAULT: usize = 50;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(upstream_status))
        .routes(routes!(upstream_requirements))
        .routes(routes!(upstream_requirement))
        .routes(routes!(upstream_backlog))
}

/// Counts by status; NOT_STARTED counts as missing.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct UpstreamStatus {
    total: u64,
    complete: u64,
    partial: u64,
    missing: u64,
}

/// A requirement in a list.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct UpstreamRequirement {
    req_id: String,
    category: String,
    subcategory: String,
    requirement_text: String,
    status: Status,
    priority: Priority,
    /// 0 for none.
    phase: u32,
    /// 0 for unknown.
    effort_weeks: f64,
    assignee: String,
    sprint: String,
    dependencies: Vec<String>,
    blocks: Vec<String>,
    started_date: String,
    completed_date: String,
}

/// A requirement with every column.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct UpstreamRequirementDetail {
    #[serde(flatten)]
    requirement: UpstreamRequirement,
    notes: String,
    target_value: String,
    test_module: String,
    test_function: String,
    validation_method: String,
    requirement_file: String,
    external_id: String,
}

/// A page of requirements.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct UpstreamRequirements {
    requirements: Vec<UpstreamRequirement>,
    pagination: UpstreamPagination,
    filters_applied: UpstreamFilters,
}

/// Which page it is.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct UpstreamPagination {
    page: u64,
    per_page: u64,
    total: u64,
    total_pages: u64,
}

/// The filters that were given.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
struct UpstreamFilters {
    category: Option<String>,
    status: Option<String>,
    priority: Option<String>,
    version: Option<String>,
    assignee: Option<String>,
    search: Option<String>,
}

/// A requirement and what it is connected with.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct UpstreamAnswer {
    requirement: UpstreamRequirementDetail,
    dependency_detail: UpstreamDependencies,
}

/// What a requirement is connected with.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct UpstreamDependencies {
    upstream: Vec<UpstreamSummary>,
    downstream: Vec<UpstreamSummary>,
    transitive_upstream_count: usize,
    transitive_downstream_count: usize,
    all_upstream_complete: bool,
}

/// A requirement in short.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct UpstreamSummary {
    req_id: String,
    status: Status,
    requirement_text: String,
}

/// What is left to do.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct UpstreamBacklog {
    view: String,
    sections: Vec<UpstreamSection>,
    summary: UpstreamBacklogSummary,
}

/// A part of the backlog.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct UpstreamSection {
    name: String,
    items: Vec<UpstreamItem>,
}

/// A requirement in the backlog.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct UpstreamItem {
    req_id: String,
    requirement_text: String,
    priority: Priority,
    status: Status,
    effort_weeks: f64,
    blocked: bool,
    blocks_count: usize,
    transitive_blocks_count: usize,
    category: String,
    assignee: String,
    sprint: String,
}

/// The backlog in numbers.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct UpstreamBacklogSummary {
    total_incomplete: usize,
    total_effort_weeks: f64,
    unblocked_count: usize,
    blocked_count: usize,
}

/// Counts by status, as the `rtmx` web server answers them.
#[utoipa::path(get, path = "/api/status", tag = "upstream", responses((status = 200, body = UpstreamStatus), Reading))]
async fn upstream_status(State(app): State<App>, Viewing(scope): Viewing) -> Answer<Json<UpstreamStatus>> {
    let (_, rows) = tally(&app, &scope.cx, &scope.space).await?;
    let count =
        |wanted: &[Status]| rows.iter().filter(|row| wanted.contains(&row.status)).map(|row| row.count).sum();
    Ok(Json(UpstreamStatus {
        total: count(&Status::ALL),
        complete: count(&[Status::Complete]),
        partial: count(&[Status::Partial]),
        missing: count(&[Status::Missing, Status::NotStarted]),
    }))
}

/// Requirements in numbered pages, as the `rtmx` web server answers them.
#[utoipa::path(get, path = "/api/requirements", tag = "upstream",
    params(
        ("category" = Option<String>, Query, description = "Only this category, exactly."),
        ("status" = Option<String>, Query, description = "Only this status."),
        ("priority" = Option<String>, Query, description = "Only this priority."),
        ("version" = Option<String>, Query, description = "Only what is planned for this version: the column `sprint`."),
        ("assignee" = Option<String>, Query, description = "Only this assignee."),
        ("search" = Option<String>, Query, description = "Only with this text in id, requirement text or notes, ignoring case."),
        ("sort" = Option<String>, Query, description = "`req_id` (the default), `category`, `priority`, `status`, `effort_weeks` or `phase`."),
        ("order" = Option<String>, Query, description = "`asc` (the default) or `desc`."),
        ("page" = Option<u64>, Query, description = "From 1."),
        ("per_page" = Option<u64>, Query, description = "50 if not given; at most 200."),
    ),
    responses((status = 200, body = UpstreamRequirements), Paging))]
async fn upstream_requirements(
    State(app): State<App>,
    Viewing(scope): Viewing,
    mut params: Params,
) -> Answer<Json<UpstreamRequirements>> {
    let list = List::read(&mut params, &scope)?;
    let (records, total) = list.fetch(&app, &scope).await?;
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let describe = |record: &Record| {
        let requirement = requirement_of(record)?;
        Some(in_list(&record.id, requirement, &snapshot.matrix))
    };
    let List { page, per_page, filters, .. } = list;
    let total_pages = total.div_ceil(per_page).max(1);
    Ok(Json(UpstreamRequirements {
        requirements: records.iter().filter_map(describe).collect(),
        pagination: UpstreamPagination { page, per_page, total, total_pages },
        filters_applied: filters,
    }))
}

/// One requirement, as the `rtmx` web server answers it.
#[utoipa::path(get, path = "/api/requirements/{id}", tag = "upstream",
    params(("id" = String, Path, description = "The requirement's id, percent-encoded.")),
    responses((status = 200, body = UpstreamAnswer), ReadingOne))]
async fn upstream_requirement(
    State(app): State<App>,
    Viewing(scope): Viewing,
    Id(id): Id,
) -> Answer<Json<UpstreamAnswer>> {
    let found = app.storage.find(&scope.cx, &scope.space, &Key::new(Kind::Requirement, id.clone())).await?;
    let record = found.ok_or_else(|| not_found(&id))?;
    let requirement = requirement_of(&record).ok_or_else(|| not_found(&id))?;
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let of = id.clone();
    let impact = std::sync::Arc::clone(&snapshot)
        .compute(move |snapshot: &Snapshot| snapshot.matrix.impact(&of))
        .await?;
    let impact = impact.ok_or_else(|| not_found(&id))?;
    let direct = |reached: &[Reached]| -> Vec<String> {
        reached
            .iter()
            .take_while(|reached| reached.distance == 1)
            .map(|reached| reached.req_id.clone())
            .collect()
    };
    let (upstream, downstream) = (direct(&impact.upstream), direct(&impact.downstream));
    let texts = texts_of(&app, &scope, upstream.iter().chain(&downstream)).await?;
    let summaries = |ids: Vec<String>| ids.into_iter().filter_map(|id| summary(id, &texts)).collect();
    Ok(Json(UpstreamAnswer {
        requirement: detail(&id, requirement, &snapshot.matrix),
        dependency_detail: UpstreamDependencies {
            upstream: summaries(upstream),
            downstream: summaries(downstream),
            transitive_upstream_count: impact.transitive_upstream_count,
            transitive_downstream_count: impact.transitive_downstream_count,
            all_upstream_complete: impact.all_upstream_complete,
        },
    }))
}

/// The backlog, as the `rtmx` web server answers it.
#[utoipa::path(get, path = "/api/backlog", tag = "upstream",
    params(
        ("view" = Option<String>, Query, description = "`all` (the default), `critical`, `quick-wins` or `blockers`."),
        ("category" = Option<String>, Query, description = "Only this category."),
        ("version" = Option<String>, Query, description = "Only what is planned for this version: the column `sprint`."),
        ("limit" = Option<usize>, Query, description = "At most so many items; 50 if not given."),
    ),
    responses((status = 200, body = UpstreamBacklog), Reading))]
async fn upstream_backlog(
    State(app): State<App>,
    Viewing(scope): Viewing,
    mut params: Params,
) -> Answer<Json<UpstreamBacklog>> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let view = given(params.take("view")?).unwrap_or_else(|| "all".to_owned());
    let limit = params.take("limit")?.and_then(|text| text.parse().ok()).filter(|limit| *limit > 0);
    let query = BacklogQuery {
        view: BacklogView::parse(&view).unwrap_or_default(),
        formula: Formula::Web,
        phase: None,
        category: given(params.take("category")?),
        version: given(params.take("version")?),
        limit: Some(limit.unwrap_or(BACKLOG_DEFAULT).min(PAGE_LIMIT)),
        ..BacklogQuery::default()
    };
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let Backlog { sections, summary, .. } =
        snapshot.compute(move |snapshot| snapshot.matrix.backlog(&query)).await?;
    let ids = sections.iter().flat_map(|section| &section.items).map(|item| &item.req_id);
    let texts = texts_of(&app, &scope, ids).await?;
    let describe = |item: rtmx_core::trace::Item| UpstreamItem {
        requirement_text: texts.get(&item.req_id).map(|it| it.requirement_text.clone()).unwrap_or(item.label),
        req_id: item.req_id,
        priority: item.priority,
        status: item.status,
        effort_weeks: item.effort_weeks,
        blocked: item.blocked,
        blocks_count: item.blocks_count,
        transitive_blocks_count: item.transitive_blocks_count,
        category: item.category,
        assignee: item.assignee,
        sprint: item.sprint,
    };
    let sections = sections.into_iter().map(|section| UpstreamSection {
        name: section.name,
        items: section.items.into_iter().map(describe).collect(),
    });
    Ok(Json(UpstreamBacklog {
        view,
        sections: sections.collect(),
        summary: UpstreamBacklogSummary {
            total_incomplete: summary.total_incomplete,
            total_effort_weeks: summary.total_effort_weeks,
            unblocked_count: summary.unblocked_count,
            blocked_count: summary.blocked_count,
        },
    }))
}

async fn texts_of<'a>(
    app: &App,
    scope: &Scope,
    ids: impl Iterator<Item = &'a String>,
) -> Result<HashMap<String, Requirement>> {
    let ids: Vec<String> = ids.cloned().collect();
    let mut texts = HashMap::new();
    for chunk in ids.chunks(PAGE_LIMIT) {
        let query = Query::ids(scope.space.clone(), Kind::Requirement, chunk.iter().cloned());
        for record in app.storage.fetch(&scope.cx, &query).await?.into_records() {
            if let Some(requirement) = requirement_of(&record) {
                texts.insert(record.id.clone(), requirement.clone());
            }
        }
    }
    Ok(texts)
}

fn summary(req_id: String, texts: &HashMap<String, Requirement>) -> Option<UpstreamSummary> {
    let requirement = texts.get(&req_id)?;
    let (status, requirement_text) = (requirement.status.value, requirement.requirement_text.clone());
    Some(UpstreamSummary { req_id, status, requirement_text })
}

fn in_list(id: &str, requirement: &Requirement, matrix: &Matrix) -> UpstreamRequirement {
    let view = RequirementView::new(id, Revision::ZERO, requirement, matrix);
    UpstreamRequirement {
        req_id: view.req_id,
        category: view.category,
        subcategory: view.subcategory,
        requirement_text: view.requirement_text,
        status: view.status,
        priority: view.priority,
        phase: view.phase.unwrap_or(0),
        effort_weeks: view.effort_weeks.unwrap_or(0.0),
        assignee: view.assignee,
        sprint: view.sprint,
        dependencies: view.dependencies.into_iter().collect(),
        blocks: view.blocks.into_iter().collect(),
        started_date: view.started_date,
        completed_date: view.completed_date,
    }
}

fn detail(id: &str, requirement: &Requirement, matrix: &Matrix) -> UpstreamRequirementDetail {
    UpstreamRequirementDetail {
        requirement: in_list(id, requirement, matrix),
        notes: requirement.notes.clone(),
        target_value: requirement.target_value.clone(),
        test_module: requirement.test_module.clone(),
        test_function: requirement.test_function.clone(),
        validation_method: requirement.validation_method.clone(),
        requirement_file: requirement.requirement_file.clone(),
        external_id: requirement.external_id.clone(),
    }
}
