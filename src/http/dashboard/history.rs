//! The history of a project: who wrote what and when, and what lies between two revisions.

use super::diff::{self, Piece};
use super::form::Form;
use super::frame::{Frame, Section, Visiting, page};
use super::requirement::{Moment, label_of};
use crate::http::api::baselines::{self, BaselineView};
use crate::http::api::change_sets::{self, ChangeSetView};
use crate::http::api::documents::path_segment;
use crate::http::api::params::{Params, shown};
use crate::http::{Answer, App, ProblemDocument};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use rtmx_core::{Error, Key, Kind};
use rtmx_storage::baseline::{self, Compared, Difference, Outcome};

/// How many change sets a page shows, and how many differences a comparison.
const PAGE: usize = 50;
const DIFFERENCES: usize = 300;

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    frame: Frame,
    writes: Vec<Write>,
    actor: String,
    next: Option<String>,
}

/// One change set.
struct Write {
    revision: u64,
    actor: String,
    actor_address: String,
    at: Moment,
    note: String,
    records: Vec<Shown>,
    more: bool,
    /// The comparison with the revision before.
    address: String,
}

/// A record as a link to where it can be seen.
struct Shown {
    kind: &'static str,
    id: String,
    address: Option<String>,
    deleted: bool,
}

/// The page of a project's history.
pub(super) async fn show(State(app): State<App>, visiting: Visiting, mut params: Params) -> Answer<Response> {
    let actor = params.take("actor")?.filter(|actor| !actor.trim().is_empty());
    let cursor = params.take("cursor")?;
    params.finish()?;
    let scope = &visiting.scope;
    let head = app.storage.head(&scope.cx, &scope.space).await?;
    let found = change_sets::read(&app, scope, actor.as_deref(), PAGE, cursor).await?;
    let frame = visiting.frame("History", Some(Section::History), head);
    let filter = actor.as_deref().map(|actor| format!("actor={}&", path_segment(actor)));
    let older =
        |next: String| format!("{}?{}cursor={next}", frame.at("history"), filter.clone().unwrap_or_default());
    let next = found.next.map(older);
    let writes = found.change_sets.into_iter().map(|change_set| write(&frame, change_set)).collect();
    page(&HistoryPage { writes, actor: actor.unwrap_or_default(), next, frame })
}

fn write(frame: &Frame, change_set: ChangeSetView) -> Write {
    let ChangeSetView { revision, actor, at, note, records, more, .. } = change_set;
    let records = records.into_iter().map(|record| {
        let kind = Kind::parse(&record.kind).unwrap_or(Kind::Layout);
        shown_as(frame, &Key::new(kind, record.id), record.deleted)
    });
    Write {
        revision,
        actor_address: format!("{}?actor={}", frame.at("history"), path_segment(&actor)),
        actor,
        at: Moment::of(at),
        note,
        records: records.collect(),
        more,
        address: format!("{}?from={}&to={revision}", frame.at("compare"), revision.saturating_sub(1)),
    }
}

fn shown_as(frame: &Frame, key: &Key, deleted: bool) -> Shown {
    let id = key.id.clone();
    let (kind, address) = match key.kind {
        Kind::Requirement => ("", Some(frame.requirement(&id))),
        Kind::RequirementText => ("document of", Some(format!("{}#document", frame.requirement(&id)))),
        Kind::TestLink => {
            // A requirement's id may itself hold a `|`; most do not, and the link is but a shortcut.
            let owner = id.split('|').next().unwrap_or_default().to_owned();
            ("test of", Some(format!("{}#tests", frame.requirement(&owner))))
        }
        Kind::Baseline => ("baseline", Some(frame.at("baselines"))),
        _ => ("form of the file", None),
    };
    let id = if address.is_none() { String::new() } else { id };
    Shown { kind, id, address, deleted }
}

#[derive(Template)]
#[template(path = "compare.html")]
struct ComparePage {
    frame: Frame,
    compared: Compared,
    from: String,
    to: String,
    differences: Vec<Changed>,
}

/// A record that differs.
struct Changed {
    what: Shown,
    word: &'static str,
    fields: Vec<(String, Vec<Piece>)>,
}

/// The page of what lies between two revisions.
pub(super) async fn compare(
    State(app): State<App>,
    visiting: Visiting,
    mut params: Params,
) -> Answer<Response> {
    let to = params.take("to")?.filter(|to| !to.is_empty()).unwrap_or_else(|| "head".to_owned());
    let from = params.take("from")?.filter(|from| !from.is_empty());
    params.finish()?;
    let scope = &visiting.scope;
    let head = app.storage.head(&scope.cx, &scope.space).await?;
    let from = from.unwrap_or_else(|| head.revision.0.saturating_sub(1).to_string());
    let begin = baseline::revision_of(&scope.cx, &*app.storage, &scope.space, &from).await?;
    let end = baseline::revision_of(&scope.cx, &*app.storage, &scope.space, &to).await?;
    let mut compared =
        baseline::compare(&scope.cx, &*app.storage, &scope.space, begin, end, DIFFERENCES).await?;
    let title = format!("{} to {}", shown(&from), shown(&to));
    let frame = visiting.frame(&title, Some(Section::History), head);
    let differences = std::mem::take(&mut compared.differences);
    let differences = differences.into_iter().map(|difference| changed(&frame, difference)).collect();
    page(&ComparePage { frame, compared, from, to, differences })
}

fn changed(frame: &Frame, difference: Difference) -> Changed {
    let Difference { key, outcome } = difference;
    let (word, fields) = match outcome {
        Outcome::Added => ("added", Vec::new()),
        Outcome::Removed => ("removed", Vec::new()),
        Outcome::Changed { fields } => ("changed", fields),
    };
    let fields = fields.into_iter().map(|field| {
        let is_text = field.field == "markdown";
        let pieces = if is_text {
            diff::lines(&field.before, &field.after)
        } else {
            diff::words(&field.before, &field.after)
        };
        (label_of(&field.field), pieces)
    });
    Changed { what: shown_as(frame, &key, word == "removed"), word, fields: fields.collect() }
}

#[derive(Template)]
#[template(path = "baselines.html")]
struct BaselinesPage {
    frame: Frame,
    baselines: Vec<(BaselineView, Moment, String)>,
    next: Option<String>,
    name: String,
    note: String,
    problem: Option<ProblemDocument>,
}

/// The page of the baselines.
pub(super) async fn baselines(
    State(app): State<App>,
    visiting: Visiting,
    mut params: Params,
) -> Answer<Response> {
    let cursor = params.take("cursor")?;
    params.finish()?;
    list(&app, &visiting, cursor, String::new(), String::new(), None).await
}

/// Takes a baseline.
pub(super) async fn take_baseline(
    State(app): State<App>,
    visiting: Visiting,
    params: Params,
    form: Form,
) -> Answer<Response> {
    params.finish()?;
    visiting.must_edit()?;
    let text = |name: &str| form.text(name).unwrap_or_default().trim().to_owned();
    let (name, note) = (text("name"), text("note"));
    match baselines::take(&app, &visiting.scope, &name, &note).await {
        Ok(()) => {
            let head = app.storage.head(&visiting.scope.cx, &visiting.scope.space).await?;
            Ok(Redirect::to(&visiting.frame("", None, head).at("baselines")).into_response())
        }
        Err(error) => list(&app, &visiting, None, name, note, Some(&error)).await,
    }
}

async fn list(
    app: &App,
    visiting: &Visiting,
    cursor: Option<String>,
    name: String,
    note: String,
    error: Option<&Error>,
) -> Answer<Response> {
    let scope = &visiting.scope;
    let head = app.storage.head(&scope.cx, &scope.space).await?;
    let frame = visiting.frame("Baselines", Some(Section::History), head);
    let (found, next) = baselines::list(app, scope, PAGE, cursor).await?;
    let since = |name: &str| format!("{}?from={}&to=head", frame.at("compare"), path_segment(name));
    let baselines = found.into_iter().map(|found| {
        let (at, address) = (Moment::of(found.created_at), since(&found.name));
        (found, at, address)
    });
    let status = error.and_then(|error| StatusCode::from_u16(error.code().entry().status).ok());
    let listed = BaselinesPage {
        baselines: baselines.collect(),
        next: next.map(|next| format!("{}?cursor={}", frame.at("baselines"), path_segment(&next))),
        problem: error.map(ProblemDocument::of),
        name,
        note,
        frame,
    };
    Ok((status.unwrap_or(StatusCode::OK), page(&listed)?).into_response())
}
