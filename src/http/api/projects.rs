//! Projects: one matrix each.

use super::conditions::{Conditions, head_tag};
use super::documents::path_segment;
use super::params::Params;
use super::problems::{Founding, Overview, Reading};
use super::scope::{Scope, Viewing};
use super::write::Writer;
use crate::http::{Answer, App, Caller, JsonBody, RequestCx};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use rtmx_core::{
    Body, Change, ChangeSet, ChangeSetId, Cx, Error, Key, Kind, Project, Result, Role, Space, Timestamp,
    server, storage,
};
use rtmx_storage::query::{HistoryEntry, RecordQuery};
use rtmx_storage::{Query, StorageBackendExt};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The project that every installation has.
pub const DEFAULT: &str = "default";

const ID_LIMIT_CHARS: usize = 64;
const NAME_LIMIT_CHARS: usize = 200;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_projects, create_project)).routes(routes!(get_project))
}

/// Makes the project `default` if there is none.
///
/// # Errors
///
/// Those of the storage.
pub async fn ensure_default(app: &App, cx: &Cx) -> Result<()> {
    if exists(app, cx, DEFAULT).await? {
        return Ok(());
    }
    let project = Project { name: "Default".into(), created_at: app.clock.now() };
    let id = ChangeSetId(crate::http::start::random_uuid());
    let mut set = ChangeSet::new(id, Space::System, "server", app.clock.now());
    set.note = "make the default project".into();
    set.changes = vec![Change::create(DEFAULT, Body::Project(project))];
    match app.storage.apply(cx, &set).await {
        // Another replica was faster.
        Err(error) if error.code() == storage::RECORD_EXISTS => Ok(()),
        outcome => outcome.map(|_| ()),
    }
}

/// Whether there is a project with this id.
pub(in crate::http) async fn exists(app: &App, cx: &Cx, id: &str) -> Result<bool> {
    if !is_id(id) {
        return Ok(false);
    }
    Ok(app.remembered.find(&*app.storage, cx, Key::new(Kind::Project, id)).await?.is_some())
}

/// A project.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ProjectView {
    /// The id under which its resources live.
    id: String,
    /// The name that people see.
    name: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// The projects that the caller may see, by id.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ProjectList {
    /// The projects.
    projects: Vec<ProjectView>,
}

/// A project to make.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewProject {
    /// 1 to 64 lower case letters, digits and hyphens, the first a letter or digit.
    id: String,
    /// The name that people see, up to 200 characters; the id if left out.
    #[serde(default)]
    name: Option<String>,
}

/// Lists the projects that the caller may see.
#[utoipa::path(get, path = "/api/v1/projects", tag = "projects",
    responses((status = 200, body = ProjectList), Overview))]
async fn list_projects(
    State(app): State<App>,
    RequestCx(cx): RequestCx,
    caller: Caller,
    params: Params,
) -> Answer<Json<ProjectList>> {
    params.finish()?;
    let show = |(id, Project { name, created_at })| ProjectView { id, name, created_at };
    let projects = visible(&app, &cx, &caller, None).await?.into_iter().map(show).collect();
    Ok(Json(ProjectList { projects }))
}

/// The projects that the caller may see, by id; at most so many.
pub(in crate::http) async fn visible(
    app: &App,
    cx: &Cx,
    caller: &Caller,
    most: Option<usize>,
) -> Result<Vec<(String, Project)>> {
    let mut query = RecordQuery::all(Space::System, Kind::Project);
    query.limit = most.unwrap_or(query.limit);
    let mut projects = Vec::new();
    loop {
        let mut page = app.storage.fetch(cx, &Query::Records(query.clone())).await?;
        query.cursor = page.next.take();
        for record in page.into_records().into_iter().filter(|record| caller.sees(&record.id)) {
            if let Body::Project(project) = record.body {
                projects.push((record.id, project));
            }
        }
        if query.cursor.is_none() || most.is_some() {
            return Ok(projects);
        }
    }
}

/// Makes a project. Needs the role `admin`.
#[utoipa::path(post, path = "/api/v1/projects", tag = "projects", request_body = NewProject,
    params(("Idempotency-Key" = Option<String>, Header, description = "A UUID that names this change, so that it may be repeated.")),
    responses((status = 201, body = ProjectView, description = "The project was made."), Founding))]
async fn create_project(
    State(app): State<App>,
    RequestCx(cx): RequestCx,
    caller: Caller,
    conditions: Conditions,
    params: Params,
    JsonBody(new): JsonBody<NewProject>,
) -> Answer<Response> {
    caller.require_everywhere(Role::Admin)?;
    params.finish()?;
    let NewProject { id, name } = new;
    let name = name.unwrap_or_else(|| id.clone());
    check(&id, &name)?;
    let project = Project { name, created_at: app.clock.now() };
    let writer = Writer::new(&app, &cx, &caller, Space::System, &conditions, "make a project");
    let key = Key::new(Kind::Project, id.clone());
    let repeated = |entry: HistoryEntry| match entry.body {
        Some(Body::Project(made)) if made.name == project.name => Ok(made),
        _ => Err(writer.reused()),
    };
    let made = match writer.replayed(&key).await? {
        Some(entry) => repeated(entry)?,
        None => {
            let change = Change::create(id.clone(), Body::Project(project.clone()));
            match writer.apply(vec![change]).await {
                Err(error) if writer.may_have_lost_to_itself(&error) => match writer.replayed(&key).await? {
                    Some(entry) => repeated(entry)?,
                    None if error.code() == storage::RECORD_EXISTS => return Err(exists_already(&id).into()),
                    None => return Err(error.into()),
                },
                Err(error) if error.code() == storage::RECORD_EXISTS => {
                    return Err(exists_already(&id).into());
                }
                outcome => outcome.map(|_| project)?,
            }
        }
    };
    let location = format!("/api/v1/projects/{}", path_segment(&id));
    let view = ProjectView { id, name: made.name, created_at: made.created_at };
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(view)).into_response())
}

/// Answers one project. Its `ETag` changes with every write in the project.
#[utoipa::path(get, path = "/api/v1/projects/{project}", tag = "projects",
    params(("project" = String, Path, description = "The project's id.")),
    responses((status = 200, body = ProjectView), Reading))]
async fn get_project(State(app): State<App>, Viewing(scope): Viewing, params: Params) -> Answer<Response> {
    params.finish()?;
    let Scope { project: id, space, cx, .. } = scope;
    let record = app.storage.get(&cx, &Space::System, &Key::new(Kind::Project, id.clone())).await?;
    let Body::Project(project) = record.body else {
        return Err(Error::new(storage::INTERNAL, "a project's record holds another kind").into());
    };
    let head = app.storage.head(&cx, &space).await?;
    let view = ProjectView { id, name: project.name, created_at: project.created_at };
    Ok(([(header::ETAG, head_tag(head))], Json(view)).into_response())
}

fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=ID_LIMIT_CHARS).contains(&id.len()) && id.bytes().all(plain) && !id.starts_with('-')
}

fn check(id: &str, name: &str) -> Result<()> {
    if !is_id(id) {
        let message = format!("cannot make a project with the id `{}`", super::params::shown(id));
        return Err(Error::new(server::PROJECT_INVALID, message));
    }
    let length = name.chars().count();
    if name.trim().is_empty() || length > NAME_LIMIT_CHARS || name.chars().any(char::is_control) {
        let message = format!(
            "cannot make a project with a name of {length} characters, or with control characters in it"
        );
        return Err(Error::new(server::PROJECT_INVALID, message));
    }
    Ok(())
}

fn exists_already(id: &str) -> Error {
    Error::new(server::PROJECT_EXISTS, format!("could not make the project `{id}`: it exists already"))
        .with("id", id)
}
