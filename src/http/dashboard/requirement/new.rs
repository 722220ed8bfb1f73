//! The form in which a requirement is made.

use super::super::form::Form;
use super::super::frame::{Section, Visiting, page};
use super::edit::{ABSENT, FormPage, place, status_of};
use super::fields::fields;
use super::typed::{Faults, Typed};
use crate::http::api::commit::{ClosingCycles, Commit};
use crate::http::api::conditions::{Basis, Conditions};
use crate::http::api::params::Params;
use crate::http::{Answer, App};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use rtmx_core::{Column, Error, Requirement, server};
use rtmx_storage::csv::edit::check_id;

/// The form, filled in with the columns that the address names.
pub(super) async fn form(State(app): State<App>, visiting: Visiting, mut params: Params) -> Answer<Response> {
    let id = params.take(Column::ReqId.name())?.unwrap_or_default();
    let (known, unknown): (Vec<_>, Vec<_>) = params
        .take_rest()
        .into_iter()
        .partition(|(name, _)| name.starts_with("extra.") || Column::parse(name).is_some());
    if let Some((name, _)) = unknown.first() {
        let name = crate::http::api::params::shown(name);
        let message = format!("there is no parameter `{name}` here: there are the columns by name");
        return Err(Error::new(server::UNKNOWN_FILTER, message).with("parameter", name).into());
    }
    visiting.must_edit()?;
    show(&app, &visiting, &id, &Typed::prefilled(known), Faults::new(), None).await
}

/// Makes the requirement.
pub(super) async fn create(
    State(app): State<App>,
    visiting: Visiting,
    params: Params,
    form: Form,
) -> Answer<Response> {
    params.finish()?;
    visiting.must_edit()?;
    let id = form.text(Column::ReqId.name()).unwrap_or_default().trim();
    let typed = Typed::of(&form, None);
    let (mine, mut faults) = typed.apply(&Requirement::default());
    if let Err(error) = check_id(id) {
        faults.insert(Column::ReqId.name().to_owned(), error.message().to_owned());
    }
    if !faults.is_empty() || form.has("act", "check") {
        return show(&app, &visiting, id, &typed, faults, None).await;
    }
    let allowed = form.has("allow_cycles", "true");
    let commit = Commit {
        app: &app,
        scope: &visiting.scope,
        conditions: &Conditions::on(Basis::Absent),
        id,
        cycles: if allowed { ClosingCycles::Allowed } else { ClosingCycles::Refused },
        note: "create a requirement",
    };
    match commit.run(|_| Ok(mine.clone())).await {
        Ok(_) => {
            let head = app.storage.head(&visiting.scope.cx, &visiting.scope.space).await?;
            let own = visiting.frame("", None, head).requirement(id);
            Ok(Redirect::to(&format!("{own}?notice=created")).into_response())
        }
        Err(error) => show(&app, &visiting, id, &typed, faults, Some(&error)).await,
    }
}

async fn show(
    app: &App,
    visiting: &Visiting,
    id: &str,
    typed: &Typed,
    mut faults: Faults,
    error: Option<&Error>,
) -> Answer<Response> {
    let nothing = Requirement::default();
    let exists = error.filter(|error| {
        error.code() == server::REQUIREMENT_EXISTS || error.code() == rtmx_core::storage::RECORD_EXISTS
    });
    if let Some(exists) = exists {
        faults.insert(Column::ReqId.name().to_owned(), exists.message().to_owned());
    }
    let status = status_of(error, &faults);
    let (problem, offers_cycle) = place(error.filter(|_| exists.is_none()), &mut faults);
    let fields = fields(app, &visiting.scope, id, &nothing, typed, &faults).await?;
    let head = app.storage.head(&visiting.scope.cx, &visiting.scope.space).await?;
    let frame = visiting.frame("New requirement", Some(Section::Requirements), head);
    let form = FormPage {
        title: "New requirement".to_owned(),
        id: None,
        new_id: id.to_owned(),
        id_fault: faults.get(Column::ReqId.name()).cloned(),
        action: frame.at("requirements/new"),
        back: frame.at("requirements"),
        basis: ABSENT.to_owned(),
        is_typed: !id.is_empty() || typed.apply(&nothing).0 != nothing || !faults.is_empty(),
        fields,
        problem,
        offers_cycle,
        frame,
    };
    Ok((status, page(&form)?).into_response())
}
