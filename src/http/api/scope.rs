//! The project that a request is about, opened for a caller who may do what the handler does.

use super::projects;
use crate::http::{App, Caller, Problem, RequestCx};
use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use rtmx_core::{Cx, Error, Role, Space, server};

/// A project, and who is asking. Made by [`Viewing`] and [`Editing`].
#[derive(Debug, Clone)]
pub(in crate::http) struct Scope {
    /// Who asks.
    pub(in crate::http) caller: Caller,
    /// The project's id.
    pub(in crate::http) project: String,
    /// The project's space.
    pub(in crate::http) space: Space,
    /// Deadline and request id.
    pub(in crate::http) cx: Cx,
}

/// A project for a caller who may read. An extractor.
pub(in crate::http) struct Viewing(pub(in crate::http) Scope);

/// A project for a caller who may write. An extractor.
pub(in crate::http) struct Editing(pub(in crate::http) Scope);

impl Scope {
    async fn open(parts: &mut Parts, app: &App, role: Role) -> Result<Scope, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let RequestCx(cx) =
            RequestCx::from_request_parts(parts, app).await.unwrap_or_else(|never| match never {});
        let project = path_param(parts, app, "project").await?;
        Scope::of(app, caller, cx, project.unwrap_or_else(|| projects::DEFAULT.to_owned()), role).await
    }

    /// A project by its id.
    async fn of(app: &App, caller: Caller, cx: Cx, project: String, role: Role) -> Result<Scope, Problem> {
        // What a token may not see is answered exactly like what does not exist.
        if !caller.sees(&project) || !projects::exists(app, &cx, &project).await? {
            let shown = super::params::shown(&project);
            return Err(
                Error::new(server::PROJECT_NOT_FOUND, format!("there is no project `{shown}`")).into()
            );
        }
        caller.require(role)?;
        Ok(Scope { caller, space: Space::Project(project.clone()), project, cx })
    }
}

impl FromRequestParts<App> for Viewing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Scope::open(parts, app, Role::Viewer).await.map(Viewing)
    }
}

impl FromRequestParts<App> for Editing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Scope::open(parts, app, Role::Editor).await.map(Editing)
    }
}

/// The requirement's id, or another last part of the path, decoded. An extractor.
pub(in crate::http) struct Id(pub(in crate::http) String);

impl FromRequestParts<App> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Ok(Id(path_param(parts, app, "id").await?.unwrap_or_default()))
    }
}

async fn path_param(parts: &mut Parts, app: &App, wanted: &str) -> Result<Option<String>, Problem> {
    let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| {
        Error::new(server::PARAMETER_INVALID, "could not read the path: it is not UTF-8 once it is decoded")
    })?;
    Ok(params.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned()))
}
