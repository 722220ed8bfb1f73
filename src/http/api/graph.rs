//! Parts of the graph that are small enough to be drawn.

use super::commit::not_found;
use super::list::{Filters, ListQuery};
use super::params::{Params, invalid};
use super::problems::{Paging, Reading};
use super::scope::{Scope, Viewing};
use crate::http::{Answer, App};
use crate::index::Snapshot;
use axum::Json;
use axum::extract::State;
use rtmx_core::Result;
use rtmx_core::trace::{Graph, GroupGraph, Grouping};
use rtmx_storage::Query;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The most requirements around one: beyond it a picture cannot be read.
pub(in crate::http) const AROUND_MOST: usize = 150;
/// The most requirements of a filtered set.
pub(in crate::http) const SET_MOST: usize = 300;
/// The farthest from the requirement in the middle, in edges.
pub(in crate::http) const DEPTH_MOST: usize = 3;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_graph)).routes(routes!(get_groups))
}

/// A part of the graph.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(in crate::http) struct GraphView {
    /// The requirements and the dependencies between them.
    #[serde(flatten)]
    pub(in crate::http) graph: Graph,
    /// How many requirements were asked for, drawn or not.
    pub(in crate::http) total: u64,
    /// The project's revision.
    pub(in crate::http) revision: u64,
}

/// Answers requirements and the dependencies between them: around one, or of a filtered set.
///
/// Around one (`root`): both directions, at most 150 requirements, the nearest first. Without a root: those
/// that match the filters and the search, as in the list of requirements, if they are at most 300; else
/// none, and `total` and `left_out` say how many there are.
#[utoipa::path(get, path = "/api/v1/projects/{project}/graph", tag = "analysis",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("root" = Option<String>, Query, description = "The requirement in the middle."),
        ("depth" = Option<usize>, Query, description = "How many edges away from it, 1 to 3; 1 if not given."),
        ("search" = Option<String>, Query, description = "Without a root: words that must all occur."),
        Filters,
    ),
    responses((status = 200, body = GraphView), Paging))]
async fn get_graph(
    State(app): State<App>,
    Viewing(scope): Viewing,
    mut params: Params,
) -> Answer<Json<GraphView>> {
    let root = params.take("root")?;
    let depth = take_depth(&mut params)?;
    Ok(Json(match root {
        Some(root) => {
            params.finish()?;
            around(&app, &scope, root, depth).await?
        }
        None => among(&app, &scope, params).await?,
    }))
}

/// Answers the matrix as groups of requirements, and how many dependencies lead from one to another.
#[utoipa::path(get, path = "/api/v1/projects/{project}/graph/groups", tag = "analysis",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("by" = Option<String>, Query, description = "`category` (the default) or `phase`."),
    ),
    responses((status = 200, body = GroupGraph), Reading))]
async fn get_groups(
    State(app): State<App>,
    Viewing(scope): Viewing,
    mut params: Params,
) -> Answer<Json<GroupGraph>> {
    let by = take_grouping(&mut params)?;
    params.finish()?;
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    Ok(Json(snapshot.compute(move |snapshot| snapshot.matrix.groups(by)).await?))
}

/// How far a picture reaches.
pub(in crate::http) fn take_depth(params: &mut Params) -> Result<usize> {
    let depth = params.take_as("depth", "a number")?.unwrap_or(1);
    if (1..=DEPTH_MOST).contains(&depth) {
        return Ok(depth);
    }
    Err(invalid("depth", &format!("{depth} is not between 1 and {DEPTH_MOST}")))
}

/// What requirements are put together by.
pub(in crate::http) fn take_grouping(params: &mut Params) -> Result<Grouping> {
    let words = [("category", Grouping::Category), ("phase", Grouping::Phase)];
    Ok(params.take_word("by", &words)?.unwrap_or_default())
}

/// What lies around a requirement.
///
/// # Errors
///
/// `requirement_not_found`.
pub(in crate::http) async fn around(
    app: &App,
    scope: &Scope,
    root: String,
    depth: usize,
) -> Result<GraphView> {
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let id = root.clone();
    let compute = move |snapshot: &Snapshot| snapshot.matrix.vicinity(&id, depth, AROUND_MOST);
    let graph = Arc::clone(&snapshot).compute(compute).await?.ok_or_else(|| not_found(&root))?;
    let total = (graph.nodes.len() + graph.left_out) as u64;
    Ok(GraphView { graph, total, revision: snapshot.head.revision.0 })
}

/// The requirements that match, if there are not too many.
pub(in crate::http) async fn among(app: &App, scope: &Scope, params: Params) -> Result<GraphView> {
    let mut query = ListQuery::read(params, &scope.space)?;
    (query.limit, query.cursor, query.count) = (SET_MOST, None, true);
    let page = app.storage.fetch(&scope.cx, &Query::Records(query)).await?;
    let total = page.total.unwrap_or_default();
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let revision = snapshot.head.revision.0;
    if total > SET_MOST as u64 {
        let left_out = usize::try_from(total).unwrap_or(usize::MAX);
        return Ok(GraphView { graph: Graph { left_out, ..Graph::default() }, total, revision });
    }
    let ids: Vec<String> = page.into_records().into_iter().map(|record| record.id).collect();
    let graph = snapshot.compute(move |snapshot| snapshot.matrix.among(&ids)).await?;
    Ok(GraphView { graph, total, revision })
}
