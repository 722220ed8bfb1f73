//! The tests that prove a requirement: the one that its row names, and those that an import merged.

use super::commit::{not_found, requirement_of};
use super::params::Params;
use super::problems::ReadingOne;
use super::scope::{Id, Scope, Viewing};
use crate::http::{Answer, App};
use axum::Json;
use axum::extract::State;
use rtmx_core::{Body, Key, Kind, Requirement, Result, TestLink};
use rtmx_storage::query::PAGE_LIMIT;
use rtmx_storage::{Query, StorageBackendExt};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_test_links))
}

/// One test that proves a requirement.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(in crate::http) struct TestLinkView {
    /// The file or module that holds the test.
    pub(in crate::http) test_module: String,
    /// The test's name.
    pub(in crate::http) test_function: String,
    /// How it proves, such as `Unit Test`.
    pub(in crate::http) validation_method: String,
    /// Whether it is the one that the requirement's own row names.
    pub(in crate::http) in_row: bool,
    /// What the row that it came from said differently, by column.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub(in crate::http) extra: BTreeMap<String, String>,
}

/// The tests of a requirement.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct TestLinkList {
    /// The tests; the one that the row names comes first.
    test_links: Vec<TestLinkView>,
}

/// Lists the tests that prove a requirement.
#[utoipa::path(get, path = "/api/v1/projects/{project}/requirements/{id}/test-links", tag = "requirements",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("id" = String, Path, description = "The requirement's id, percent-encoded."),
    ),
    responses((status = 200, body = TestLinkList), ReadingOne))]
async fn list_test_links(
    State(app): State<App>,
    Viewing(scope): Viewing,
    Id(id): Id,
    params: Params,
) -> Answer<Json<TestLinkList>> {
    params.finish()?;
    let key = Key::new(Kind::Requirement, id.clone());
    let record = app.storage.find(&scope.cx, &scope.space, &key).await?.ok_or_else(|| not_found(&id))?;
    let requirement = requirement_of(&record).ok_or_else(|| not_found(&id))?;
    let ids = app.indexes.at_head(&scope.cx, &scope.project).await?.test_links(&id);
    Ok(Json(TestLinkList { test_links: of_requirement(&app, &scope, requirement, &ids).await? }))
}

/// The tests of a requirement: the one that its row names, then those of the links with these record ids.
pub(in crate::http) async fn of_requirement(
    app: &App,
    scope: &Scope,
    requirement: &Requirement,
    links: &[String],
) -> Result<Vec<TestLinkView>> {
    let mut test_links = Vec::new();
    if requirement.has_test() {
        test_links.push(TestLinkView {
            test_module: requirement.test_module.clone(),
            test_function: requirement.test_function.clone(),
            validation_method: requirement.validation_method.clone(),
            in_row: true,
            extra: BTreeMap::new(),
        });
    }
    for chunk in links.chunks(PAGE_LIMIT) {
        let query = Query::ids(scope.space.clone(), Kind::TestLink, chunk.iter().cloned());
        for record in app.storage.fetch(&scope.cx, &query).await?.into_records() {
            if let Body::TestLink(link) = record.body {
                add(&mut test_links, link);
            }
        }
    }
    Ok(test_links)
}

/// Adds a link; what it says of the test that the row names goes to that one.
fn add(links: &mut Vec<TestLinkView>, link: TestLink) {
    let TestLink { test_module, test_function, validation_method, extra, .. } = link;
    let same =
        |known: &&mut TestLinkView| known.test_module == test_module && known.test_function == test_function;
    match links.iter_mut().find(same) {
        Some(known) => known.extra = extra,
        None => {
            links.push(TestLinkView { test_module, test_function, validation_method, in_row: false, extra });
        }
    }
}
