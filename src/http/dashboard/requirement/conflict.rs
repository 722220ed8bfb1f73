//! Somebody else was faster: what both did, side by side, and what it makes together.
//!
//! The page is a form like the first, based on what is stored now. It sends what only we changed, and
//! for each column that both changed the choice: theirs, mine, or a text that is edited here.

use super::super::diff::{self, Piece};
use super::super::frame::{Frame, page};
use super::columns::label_of;
use super::edit::{ABSENT, Edit};
use super::fields::{Field, Shape};
use super::past::{self, Past};
use super::stored;
use super::typed::text_now;
use crate::http::Answer;
use crate::http::api::params::shown;
use askama::Template;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use rtmx_core::Requirement;
use rtmx_storage::reconcile::{ColumnMerge, Taken, reconcile};

#[derive(Template)]
#[template(path = "requirement_conflict.html")]
struct ConflictPage {
    frame: Frame,
    id: String,
    own: String,
    basis: String,
    conflicts: Vec<Conflict>,
    theirs: Vec<Kept>,
    mine: Vec<Kept>,
    same: Vec<String>,
    /// Who wrote meanwhile.
    past: Past,
    allows_cycles: bool,
    /// Whether it is not known any more what the form began with.
    is_baseless: bool,
}

/// A column that both changed.
struct Conflict {
    label: String,
    name: String,
    base: Option<String>,
    theirs: String,
    mine: String,
    /// From theirs to mine.
    pieces: Vec<Piece>,
    /// Where the merged text is edited.
    field: Field,
}

/// A column whose change was taken.
struct Kept {
    label: String,
    name: String,
    pieces: Vec<Piece>,
    /// What the form sends for it.
    value: String,
}

#[derive(Template)]
#[template(path = "requirement_deleted.html")]
struct DeletedPage {
    frame: Frame,
    id: String,
    own: String,
    from: String,
    mine: Vec<Kept>,
    past: Past,
    allows_cycles: bool,
}

/// Shows what both sides did, for a form that came too late.
pub(super) async fn show(
    edit: &Edit<'_>,
    base: Option<&Requirement>,
    mine: &Requirement,
    said: Option<&str>,
    allows_cycles: bool,
) -> Answer<Response> {
    let (_, found) = stored::now(edit.app, edit.scope(), edit.id).await?;
    let frame = edit.frame(&format!("{} was changed meanwhile", shown(edit.id))).await?;
    let own = frame.requirement(edit.id);
    let id = edit.id.to_owned();
    let mut past = past::read(edit.app, edit.scope(), &frame, edit.id, None).await?;
    past.next = None;
    let from = said.unwrap_or_default().to_owned();
    let Some(found) = found else {
        past.writes.truncate(1);
        let nothing = Requirement::default();
        let changes = reconcile(Some(base.unwrap_or(&nothing)), mine, base.unwrap_or(&nothing));
        let mine = changes.columns.iter().map(|column| kept(column, mine)).collect();
        let gone = DeletedPage { frame, id, own, from, mine, past, allows_cycles };
        return Ok((StatusCode::PRECONDITION_FAILED, page(&gone)?).into_response());
    };
    let together = reconcile(base, mine, &found.requirement);
    if together.columns.iter().all(|column| matches!(column.taken, Taken::Theirs | Taken::Same)) {
        // They did what was typed here, or the same form came twice.
        return edit.done("unchanged").await;
    }
    if let Some(began) =
        from.split('-').nth(1).and_then(|part| part.trim_end_matches('"').parse::<u64>().ok())
    {
        past.writes.retain(|write| write.revision > began);
    }
    let of = |taken: Taken| together.columns.iter().filter(move |column| column.taken == taken);
    let conflict = |(number, column): (usize, &ColumnMerge)| Conflict {
        label: label_of(&column.column),
        name: column.column.clone(),
        base: column.base.clone(),
        theirs: column.theirs.clone(),
        mine: text_now(mine, &column.column),
        pieces: diff::words(&column.theirs, &column.mine),
        field: Field::by_name(&column.column, number, text_now(&together.requirement, &column.column), None),
    };
    let conflicted = ConflictPage {
        conflicts: of(Taken::Conflict).enumerate().map(conflict).collect(),
        theirs: of(Taken::Theirs).map(|column| kept(column, &found.requirement)).collect(),
        mine: of(Taken::Mine).map(|column| kept(column, mine)).collect(),
        same: of(Taken::Same).map(|column| label_of(&column.column)).collect(),
        basis: found.basis(),
        is_baseless: base.is_none() && from != ABSENT,
        frame,
        id,
        own,
        past,
        allows_cycles,
    };
    Ok((StatusCode::PRECONDITION_FAILED, page(&conflicted)?).into_response())
}

fn kept(column: &ColumnMerge, side: &Requirement) -> Kept {
    let before = column.base.as_deref().unwrap_or_default();
    Kept {
        label: label_of(&column.column),
        name: column.column.clone(),
        pieces: diff::words(before, &column.merged),
        value: text_now(side, &column.column),
    }
}
