//! The document of a requirement: a text, a preview, and both texts when two people wrote at once.

use super::super::diff::{self, Piece};
use super::super::form::{Form, typed};
use super::super::frame::{Frame, Visiting, page};
use super::super::prose::{self, Prose, RENDER_LIMIT_BYTES};
use super::edit::{ABSENT, Edit, is_overtaken};
use super::stored;
use crate::http::api::commit::not_found;
use crate::http::api::conditions::{Basis, Conditions, tag};
use crate::http::api::params::{Params, invalid, shown};
use crate::http::api::scope::Id;
use crate::http::api::texts;
use crate::http::{Answer, App, ProblemDocument};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use rtmx_core::{Body, Error, Record, Result};
use similar::TextMerge;

#[derive(Template)]
#[template(path = "requirement_document.html")]
struct DocumentPage {
    frame: Frame,
    id: String,
    own: String,
    basis: String,
    markdown: String,
    preview: Option<Prose>,
    conflict: Option<Conflict>,
    problem: Option<ProblemDocument>,
    has_marks: bool,
    is_typed: bool,
}

/// Two texts that were written at once.
struct Conflict {
    message: &'static str,
    /// From theirs to mine.
    pieces: Vec<Piece>,
    mine: String,
    /// In how many places the merged text holds both.
    marks: usize,
}

/// What a page shows beside the text.
#[derive(Default)]
struct Beside {
    preview: Option<Prose>,
    conflict: Option<Conflict>,
    error: Option<Error>,
    has_marks: bool,
    is_typed: bool,
}

/// The form of the document.
pub(super) async fn form(
    State(app): State<App>,
    visiting: Visiting,
    Id(id): Id,
    params: Params,
) -> Answer<Response> {
    params.finish()?;
    visiting.must_edit()?;
    let edit = Edit { app: &app, visiting: &visiting, id: &id };
    let (_, requirement) = stored::now(&app, &visiting.scope, &id).await?;
    requirement.ok_or_else(|| not_found(&id))?;
    let (basis, markdown) = now(&edit).await?;
    show(&edit, basis, markdown.unwrap_or_default(), Beside::default()).await
}

/// Takes the form: saves, shows a preview, or deletes.
pub(super) async fn save(
    State(app): State<App>,
    visiting: Visiting,
    Id(id): Id,
    params: Params,
    form: Form,
) -> Answer<Response> {
    params.finish()?;
    visiting.must_edit()?;
    let edit = Edit { app: &app, visiting: &visiting, id: &id };
    let said = form.text("basis").unwrap_or_default().to_owned();
    let basis = match said.as_str() {
        ABSENT => Some(Basis::Absent),
        said => Basis::read(said),
    };
    let basis = basis.ok_or_else(|| invalid("basis", "the form does not say what it is based on"))?;
    let base = base(&edit, &basis).await?;
    let before = base.as_deref().unwrap_or_default();
    let change = typed(before, form.text("markdown").unwrap_or_default());
    let mine = change.clone().unwrap_or_else(|| before.to_owned());
    let is_typed = change.is_some();
    if form.has("act", "preview") {
        let preview = Some(preview(&edit, &mine).await?);
        return show(&edit, said, mine, Beside { preview, is_typed, ..Beside::default() }).await;
    }
    let deletes = form.has("act", "delete");
    if !deletes && !is_typed && basis != Basis::Absent && base.is_some() {
        return edit.done("unchanged").await;
    }
    if !deletes && form.has("merged", "true") && !form.has("keep_marks", "true") && has_marks(&mine) {
        let beside = Beside { has_marks: true, is_typed: true, ..Beside::default() };
        return show(&edit, said, mine, beside).await;
    }
    let document = texts::Document { app: &app, scope: &visiting.scope, id: &id };
    let put = (!deletes).then(|| mine.clone());
    match document.put(&Conditions::on(basis), put).await {
        Ok(_) if deletes => edit.done("no-document").await,
        Ok(_) => edit.done("document").await,
        Err(error) if is_overtaken(&error) => overtaken(&edit, before, mine, said, error).await,
        Err(error) => {
            show(&edit, said, mine, Beside { error: Some(error), is_typed: true, ..Beside::default() }).await
        }
    }
}

/// Brings what was written here together with what somebody else wrote meanwhile.
async fn overtaken(
    edit: &Edit<'_>,
    before: &str,
    mine: String,
    said: String,
    error: Error,
) -> Answer<Response> {
    let (_, requirement) = stored::now(edit.app, edit.scope(), edit.id).await?;
    if requirement.is_none() {
        let beside = Beside { error: Some(error), is_typed: true, ..Beside::default() };
        return show(edit, said, mine, beside).await;
    }
    let (basis, theirs) = now(edit).await?;
    let Some(theirs) = theirs else {
        let message = "Somebody else deleted the document while you edited it; saving writes it again.";
        let conflict = Conflict { message, pieces: diff::lines("", &mine), mine: mine.clone(), marks: 0 };
        let beside = Beside { conflict: Some(conflict), is_typed: true, ..Beside::default() };
        return show(edit, basis, mine, beside).await;
    };
    if theirs == mine {
        return edit.done("unchanged").await;
    }
    let (merged, marks) = together(before, &mine, &theirs);
    let message = "Somebody else saved the document while you edited it.";
    let conflict = Conflict { message, pieces: diff::lines(&theirs, &mine), mine, marks };
    let beside = Beside { conflict: Some(conflict), is_typed: true, ..Beside::default() };
    show(edit, basis, merged, beside).await
}

/// Both texts as one, and in how many places it holds both.
fn together(base: &str, mine: &str, theirs: &str) -> (String, usize) {
    let mut merge = TextMerge::from_lines(base, mine, theirs);
    merge.labels("before", "mine", "theirs");
    (merge.to_string(), merge.conflict_count())
}

fn has_marks(markdown: &str) -> bool {
    markdown.lines().any(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "))
}

/// What an edit of the document is based on now, and its text.
async fn now(edit: &Edit<'_>) -> Result<(String, Option<String>)> {
    let document = texts::Document { app: edit.app, scope: edit.scope(), id: edit.id };
    let (head, found) = document.read().await?;
    Ok(match found {
        Some(Record { revision, body: Body::RequirementText(text), .. }) => {
            let basis = tag(head.epoch, revision);
            (basis.to_str().unwrap_or_default().to_owned(), Some(text.markdown))
        }
        _ => (ABSENT.to_owned(), None),
    })
}

/// The text that a form began with, where it is still known.
async fn base(edit: &Edit<'_>, basis: &Basis) -> Result<Option<String>> {
    let head = edit.app.storage.head(&edit.scope().cx, &edit.scope().space).await?;
    match basis.revision(head.epoch) {
        Ok(revision) => stored::document_at(edit.app, edit.scope(), edit.id, revision).await,
        Err(_) => Ok(None),
    }
}

async fn preview(edit: &Edit<'_>, markdown: &str) -> Result<Prose> {
    let snapshot = edit.app.indexes.at_head(&edit.scope().cx, &edit.scope().project).await?;
    let (frame, markdown) = (edit.frame("").await?, markdown.to_owned());
    snapshot
        .compute(move |snapshot| {
            let link = |word: &str| snapshot.matrix.contains(word).then(|| frame.requirement(word));
            let mut end = markdown.len().min(RENDER_LIMIT_BYTES);
            while !markdown.is_char_boundary(end) {
                end -= 1;
            }
            prose::render(&markdown[..end], link)
        })
        .await
}

async fn show(edit: &Edit<'_>, basis: String, markdown: String, beside: Beside) -> Answer<Response> {
    let frame = edit.frame(&format!("Document of {}", shown(edit.id))).await?;
    let Beside { preview, conflict, error, has_marks, is_typed } = beside;
    let status = match (&error, &conflict) {
        (Some(error), _) => StatusCode::from_u16(error.code().entry().status).unwrap_or_default(),
        (None, Some(_)) => StatusCode::PRECONDITION_FAILED,
        (None, None) if has_marks => StatusCode::UNPROCESSABLE_ENTITY,
        (None, None) => StatusCode::OK,
    };
    let document = DocumentPage {
        id: edit.id.to_owned(),
        own: frame.requirement(edit.id),
        problem: error.as_ref().map(ProblemDocument::of),
        frame,
        basis,
        markdown,
        preview,
        conflict,
        has_marks,
        is_typed,
    };
    Ok((status, page(&document)?).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines() -> impl Strategy<Value = String> {
        proptest::collection::vec("[abc]\n", 0..8).prop_map(|lines| lines.concat())
    }

    proptest! {
        #[test]
        fn a_documents_sole_change_is_kept_and_agreement_is_no_conflict(base in lines(), mine in lines()) {
            prop_assert_eq!(together(&base, &mine, &base), (mine.clone(), 0));
            prop_assert_eq!(together(&base, &base, &mine), (mine.clone(), 0));
            prop_assert_eq!(together(&base, &mine, &mine), (mine, 0));
        }

        #[test]
        fn no_line_that_somebody_added_is_lost(base in lines(), mine in lines(), theirs in lines()) {
            let mine = format!("{mine}MINE\n");
            let theirs = format!("THEIRS\n{theirs}");
            let (merged, marks) = together(&base, &mine, &theirs);
            prop_assert!(merged.contains("MINE\n") && merged.contains("THEIRS\n"), "{}", merged);
            prop_assert_eq!(marks > 0, has_marks(&merged));
        }
    }
}
