//! The form in which a requirement is edited, and what becomes of it.

use super::super::form::Form;
use super::super::frame::{Frame, Section, Visiting, page};
use super::conflict;
use super::fields::{Fields, Shape, fields};
use super::stored;
use super::typed::{Faults, Typed};
use crate::http::api::commit::{ClosingCycles, Commit, not_found};
use crate::http::api::conditions::{Basis, Conditions};
use crate::http::api::params::{Params, invalid, shown};
use crate::http::api::scope::{Id, Scope};
use crate::http::{Answer, App, ProblemDocument};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use rtmx_core::import::REQUIREMENT_INVALID;
use rtmx_core::{Column, Epoch, Error, Requirement, Result, server, storage};

/// The field that says what a form is based on.
const BASIS: &str = "basis";
/// The basis of a form for a requirement that must not exist.
pub(super) const ABSENT: &str = "absent";

#[derive(Template)]
#[template(path = "requirement_form.html")]
pub(super) struct FormPage {
    pub(super) frame: Frame,
    pub(super) title: String,
    /// The id, on the form of a requirement that exists.
    pub(super) id: Option<String>,
    /// What was typed as the id of a new requirement, and what is wrong with it.
    pub(super) new_id: String,
    pub(super) id_fault: Option<String>,
    /// Where the form goes, and where it can be left to.
    pub(super) action: String,
    pub(super) back: String,
    pub(super) basis: String,
    pub(super) fields: Fields,
    /// Why nothing was stored, where no field is at fault.
    pub(super) problem: Option<ProblemDocument>,
    /// Whether a cycle may be closed on purpose, and whether that was said.
    pub(super) offers_cycle: bool,
    /// Whether something was typed that is not stored.
    pub(super) is_typed: bool,
}

/// The form of a requirement.
pub(super) async fn form(
    State(app): State<App>,
    visiting: Visiting,
    Id(id): Id,
    params: Params,
) -> Answer<Response> {
    params.finish()?;
    visiting.must_edit()?;
    let (_, found) = stored::now(&app, &visiting.scope, &id).await?;
    let found = found.ok_or_else(|| not_found(&id))?;
    let edit = Edit { app: &app, visiting: &visiting, id: &id };
    edit.show(&found.requirement, found.basis(), &Typed::default(), &Faults::new(), None).await
}

/// Takes an edited form.
pub(super) async fn save(
    State(app): State<App>,
    visiting: Visiting,
    Id(id): Id,
    params: Params,
    form: Form,
) -> Answer<Response> {
    params.finish()?;
    visiting.must_edit()?;
    Edit { app: &app, visiting: &visiting, id: &id }.save(&form).await
}

/// One edit of one requirement.
pub(super) struct Edit<'a> {
    pub(super) app: &'a App,
    pub(super) visiting: &'a Visiting,
    pub(super) id: &'a str,
}

impl Edit<'_> {
    pub(super) fn scope(&self) -> &Scope {
        &self.visiting.scope
    }

    /// A frame of a page that shows the requirement as it is now.
    pub(super) async fn frame(&self, title: &str) -> Result<Frame> {
        let snapshot = self.app.indexes.at_head(&self.scope().cx, &self.scope().project).await?;
        Ok(self.visiting.frame(title, Some(Section::Requirements), snapshot.head))
    }

    async fn save(&self, form: &Form) -> Answer<Response> {
        let basis = basis_of(form)?;
        let (epoch, found) = stored::now(self.app, self.scope(), self.id).await?;
        let base = self.base(form, &basis, epoch).await?;
        let typed = Typed::of(form, base.as_ref());
        let nothing = Requirement::default();
        let ground = base.as_ref().or(found.as_ref().map(|found| &found.requirement)).unwrap_or(&nothing);
        let (mine, faults) = typed.apply(ground);
        let said = form.text(BASIS).unwrap_or_default().to_owned();
        if !faults.is_empty() || form.has("act", "check") {
            return self.show(ground, said, &typed, &faults, None).await;
        }
        if basis != Basis::Absent && base.as_ref() == Some(&mine) {
            return self.done("unchanged").await;
        }
        let allowed = form.has("allow_cycles", "true");
        let commit = Commit {
            app: self.app,
            scope: self.scope(),
            conditions: &Conditions::on(basis.clone()),
            id: self.id,
            cycles: if allowed { ClosingCycles::Allowed } else { ClosingCycles::Refused },
            note: if basis == Basis::Absent { "create a requirement" } else { "edit a requirement" },
        };
        match commit.run(|_| Ok(mine.clone())).await {
            Ok(_) if basis == Basis::Absent => self.done("created").await,
            Ok(_) => self.done("saved").await,
            Err(error) if is_overtaken(&error) => {
                conflict::show(self, base.as_ref(), &mine, form.text(BASIS), allowed).await
            }
            Err(error) => self.show(ground, said, &typed, &faults, Some(&error)).await,
        }
    }

    /// What the form began with, where that is still known: not after a restore.
    async fn base(&self, form: &Form, basis: &Basis, epoch: Epoch) -> Result<Option<Requirement>> {
        let from = match basis {
            Basis::Absent => form.text("from").and_then(Basis::read),
            other => Some(other.clone()),
        };
        let Some(revision) = from.and_then(|from| from.revision(epoch).ok()) else { return Ok(None) };
        let found = stored::at(self.app, self.scope(), self.id, revision).await?;
        Ok(found.map(|found| found.requirement))
    }

    /// The form again, with everything that was typed.
    async fn show(
        &self,
        over: &Requirement,
        basis: String,
        typed: &Typed,
        faults: &Faults,
        error: Option<&Error>,
    ) -> Answer<Response> {
        let mut faults = faults.clone();
        let (problem, offers_cycle) = place(error, &mut faults);
        let fields = fields(self.app, self.scope(), self.id, over, typed, &faults).await?;
        let title = format!("Edit {}", shown(self.id));
        let frame = self.frame(&title).await?;
        let own = frame.requirement(self.id);
        let status = status_of(error, &faults);
        let form = FormPage {
            title,
            id: Some(self.id.to_owned()),
            new_id: String::new(),
            id_fault: None,
            action: format!("{own}/edit"),
            back: own,
            basis,
            is_typed: typed.apply(over).0 != *over || !faults.is_empty(),
            fields,
            problem,
            offers_cycle,
            frame,
        };
        Ok((status, page(&form)?).into_response())
    }

    /// Back to the requirement, with a word about what happened.
    pub(super) async fn done(&self, notice: &str) -> Answer<Response> {
        let own = self.frame("").await?.requirement(self.id);
        Ok(Redirect::to(&format!("{own}?notice={notice}")).into_response())
    }
}

/// Whether an edit came too late: the requirement is not what the form began with any more.
pub(super) fn is_overtaken(error: &Error) -> bool {
    let code = error.code();
    code == storage::STALE_REVISION
        || code == server::REQUIREMENT_NOT_FOUND
        || code == server::REQUIREMENT_EXISTS
        || code == storage::RECORD_NOT_FOUND
        || code == storage::RECORD_EXISTS
}

/// Puts an error beside the field that it is about; what is about none is answered.
pub(super) fn place(error: Option<&Error>, faults: &mut Faults) -> (Option<ProblemDocument>, bool) {
    let Some(error) = error else { return (None, false) };
    if error.code() == server::CYCLE_CLOSED {
        faults.insert(Column::Dependencies.name().to_owned(), error.message().to_owned());
        return (None, true);
    }
    let column = error.context().iter().find(|(name, _)| *name == "column").map(|(_, value)| value.clone());
    match column {
        Some(column) if error.code() == REQUIREMENT_INVALID => {
            faults.insert(column, error.message().to_owned());
            (None, false)
        }
        _ => (Some(ProblemDocument::of(error)), false),
    }
}

/// The status of a form that is shown again.
pub(super) fn status_of(error: Option<&Error>, faults: &Faults) -> StatusCode {
    let code = match error {
        Some(error) => error.code(),
        None if !faults.is_empty() => REQUIREMENT_INVALID,
        None => return StatusCode::OK,
    };
    StatusCode::from_u16(code.entry().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn basis_of(form: &Form) -> Result<Basis> {
    match form.text(BASIS) {
        Some(ABSENT) => Ok(Basis::Absent),
        said => said
            .and_then(Basis::read)
            .ok_or_else(|| invalid(BASIS, "the form does not say what it is based on: open it anew")),
    }
}
