//! What every page has around its content: where one is, where one can go, who one is.

use super::assets;
use super::license::LicenseNote;
use crate::http::api::documents::path_segment;
use crate::http::api::projects;
use crate::http::api::scope::{Scope, Viewing};
use crate::http::{Answer, App, Caller, Problem, RequestCx};
use askama::Template;
use axum::extract::FromRequestParts;
use axum::response::{Html, IntoResponse, Response};
use http::request::Parts;
use rtmx_core::{Cx, Error, Head, Role, storage};
use rtmx_storage::FeedPosition;

/// The most projects that the switcher offers; a list of all is a page of its own.
const SWITCHER_LIMIT: usize = 50;

/// The pages of a project, in the order of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Gaps,
    Requirements,
    Trace,
    Graph,
    Backlog,
    Next,
    Health,
    History,
    Files,
}

impl Section {
    /// Every section that the navigation shows.
    const ALL: [Section; 10] = [
        Section::Overview,
        Section::Gaps,
        Section::Requirements,
        Section::Trace,
        Section::Graph,
        Section::Backlog,
        Section::Next,
        Section::Health,
        Section::History,
        Section::Files,
    ];

    /// The section's name, and the last part of its address.
    fn name_and_part(self) -> (&'static str, &'static str) {
        match self {
            Section::Overview => ("Overview", ""),
            Section::Gaps => ("Gaps", "gaps"),
            Section::Requirements => ("Requirements", "requirements"),
            Section::Trace => ("Trace", "trace"),
            Section::Graph => ("Graph", "graph"),
            Section::Backlog => ("Backlog", "backlog"),
            Section::Next => ("Next", "next"),
            Section::Health => ("Health", "health"),
            Section::History => ("History", "history"),
            Section::Files => ("Import and export", "files"),
        }
    }
}

/// A project as links to it need it.
#[derive(Debug, Clone)]
pub(super) struct ProjectLink {
    pub(super) id: String,
    pub(super) name: String,
}

impl ProjectLink {
    /// The address of the project's first page.
    pub(super) fn address(&self) -> String {
        project_address(&self.id)
    }
}

/// An entry of the navigation.
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) address: String,
    pub(super) is_current: bool,
}

/// The project that a page is about.
pub(super) struct Place {
    pub(super) project: ProjectLink,
    pub(super) section: Option<Section>,
    /// The feed of the project's changes after the ones that the page shows.
    pub(super) feed: String,
    pub(super) revision: u64,
}

/// What the base template shows around a page.
pub(super) struct Frame {
    /// The title of the page, as the browser's tab shows it before the project's name.
    pub(super) title: String,
    /// The folder of the assets.
    pub(super) assets: String,
    /// The project, on pages that are about one.
    pub(super) place: Option<Place>,
    /// The projects that can be switched to.
    pub(super) projects: Vec<ProjectLink>,
    /// Whether the visitor may change what the page shows.
    pub(super) may_edit: bool,
    /// Whether the visitor is somebody who can sign out.
    pub(super) may_sign_out: bool,
    /// What is said of the license.
    pub(super) license: LicenseNote,
}

impl Frame {
    /// A frame without a project and without anybody: for errors.
    pub(super) fn bare(title: &str) -> Frame {
        let (title, assets) = (title.to_owned(), assets::folder());
        let (projects, license) = (Vec::new(), LicenseNote::default());
        Frame { title, assets, place: None, projects, may_edit: false, may_sign_out: false, license }
    }

    /// The address of a page of the project: `part` follows the project's own address.
    pub(super) fn at(&self, part: &str) -> String {
        let project = self.place.as_ref().map(|place| place.project.address()).unwrap_or_default();
        if part.is_empty() { project } else { format!("{project}/{part}") }
    }

    /// The address of a requirement's page.
    pub(super) fn requirement(&self, id: &str) -> String {
        // The form of a new requirement has the plain word, so this id is written another way.
        let segment = if id == "new" { "%6Eew".to_owned() } else { path_segment(id) };
        self.at(&format!("requirements/{segment}"))
    }

    /// The navigation.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let Some(place) = &self.place else { return Vec::new() };
        let entry = |section: Section| {
            let (name, part) = section.name_and_part();
            Entry { name, address: self.at(part), is_current: place.section == Some(section) }
        };
        Section::ALL.into_iter().map(entry).collect()
    }
}

/// The address of a project's first page.
pub(super) fn project_address(id: &str) -> String {
    format!("/projects/{}", path_segment(id))
}

/// Somebody who looks at no project in particular. An extractor.
pub(super) struct Visit {
    pub(super) caller: Caller,
    cx: Cx,
    license: LicenseNote,
}

impl Visit {
    /// The projects that the visitor may see, by id.
    pub(super) async fn projects(&self, app: &App) -> rtmx_core::Result<Vec<ProjectLink>> {
        let visible = projects::visible(app, &self.cx, &self.caller, None).await?;
        Ok(visible.into_iter().map(|(id, project)| ProjectLink { id, name: project.name }).collect())
    }

    /// The frame of a page about no project in particular.
    pub(super) fn into_frame(self, title: &str, projects: Vec<ProjectLink>) -> Frame {
        let may_edit = self.caller.require_everywhere(Role::Admin).is_ok();
        let (may_sign_out, license) = (self.caller.has_token(), self.license);
        Frame { projects, may_edit, may_sign_out, license, ..Frame::bare(title) }
    }
}

impl FromRequestParts<App> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let RequestCx(cx) =
            RequestCx::from_request_parts(parts, app).await.unwrap_or_else(|never| match never {});
        Ok(Visit { caller, cx, license: LicenseNote::of(app) })
    }
}

/// Somebody who looks at a project. An extractor.
pub(super) struct Visiting {
    /// The project, for the functions of the API.
    pub(super) scope: Scope,
    projects: Vec<ProjectLink>,
    license: LicenseNote,
}

impl Visiting {
    /// The frame of a page that shows the project as it is at `head`.
    pub(super) fn frame(&self, title: &str, section: Option<Section>, head: Head) -> Frame {
        let id = &self.scope.project;
        let own = self.projects.iter().find(|project| project.id == *id).cloned();
        let project = own.unwrap_or_else(|| ProjectLink { id: id.clone(), name: id.clone() });
        let position = FeedPosition::after(head);
        let feed = format!("/api/v1/projects/{}/changes?events=heads&cursor={position}", path_segment(id));
        Frame {
            place: Some(Place { project, section, feed, revision: head.revision.0 }),
            projects: self.projects.clone(),
            may_edit: self.scope.caller.role >= Role::Editor,
            may_sign_out: self.scope.caller.has_token(),
            license: self.license.clone(),
            ..Frame::bare(title)
        }
    }
}

impl Visiting {
    /// Fails unless the visitor may change the project.
    ///
    /// # Errors
    ///
    /// `forbidden`.
    pub(super) fn must_edit(&self) -> Result<(), Problem> {
        self.scope.caller.require(Role::Editor)
    }
}

impl FromRequestParts<App> for Visiting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Viewing(scope) = Viewing::from_request_parts(parts, app).await?;
        let visible = projects::visible(app, &scope.cx, &scope.caller, Some(SWITCHER_LIMIT)).await?;
        let projects =
            visible.into_iter().map(|(id, project)| ProjectLink { id, name: project.name }).collect();
        Ok(Visiting { scope, projects, license: LicenseNote::of(app) })
    }
}

/// A template as an answer.
pub(super) fn page(template: &impl Template) -> Answer<Response> {
    let html = template
        .render()
        .map_err(|error| Error::new(storage::INTERNAL, "the page could not be made").with_source(error))?;
    Ok(Html(html).into_response())
}
