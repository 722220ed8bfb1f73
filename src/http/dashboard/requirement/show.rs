//! The page of one requirement, as it is or as it was.

use super::super::frame::{Frame, Section, Visiting, page};
use super::super::prose::{self, Prose, RENDER_LIMIT_BYTES};
use super::columns::{GROUPS, form_text, label};
use super::past::{self, Past};
use super::standing::{StatusWord, Why, reasons};
use super::stored::{self, Stored};
use crate::http::api::commit::not_found;
use crate::http::api::documents::path_segment;
use crate::http::api::params::{Params, invalid, shown};
use crate::http::api::scope::Id;
use crate::http::api::test_links::{self, TestLinkView};
use crate::http::{Answer, App};
use crate::index::Snapshot;
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use rtmx_core::trace::{Reach, is_cross_repo};
use rtmx_core::{Column, Error, Requirement, Revision, server};
use std::sync::Arc;

/// The most neighbours that are listed in one direction.
const NEIGHBOURS: usize = 50;

#[derive(Template)]
#[template(path = "requirement.html")]
struct RequirementPage {
    frame: Frame,
    id: String,
    /// The address of this page.
    own: String,
    notice: Option<&'static str>,
    /// The revision that is shown, if it was asked for.
    at: Option<u64>,
    text: String,
    status: StatusWord,
    facts: Vec<Fact>,
    tests: Vec<TestLinkView>,
    document: Option<Document>,
    /// What only the present has.
    present: Option<Present>,
    past: Past,
}

/// A column with a value.
struct Fact {
    label: String,
    text: String,
    /// The text of the file, where the value was read from another one.
    given: Option<String>,
    /// The list of the requirements that share the value.
    filter: Option<String>,
}

/// A document, rendered, or as it is written where it is too long for that.
enum Document {
    Rendered(Prose),
    AsWritten(String),
}

/// What the graph says of a requirement now.
struct Present {
    whys: Vec<Why>,
    up: Neighbours,
    down: Neighbours,
    reach: Reach,
}

/// What lies next to a requirement in one direction.
struct Neighbours {
    listed: Vec<Neighbour>,
    count: usize,
}

struct Neighbour {
    id: String,
    /// None for what is no requirement here.
    address: Option<String>,
    status: Option<StatusWord>,
    label: String,
}

#[derive(Template)]
#[template(path = "requirement_gone.html")]
struct GonePage {
    frame: Frame,
    id: String,
    own: String,
    past: Past,
}

/// The page of a requirement.
pub(super) async fn show(
    State(app): State<App>,
    visiting: Visiting,
    Id(id): Id,
    mut params: Params,
) -> Answer<Response> {
    let at = params.take_as::<u64>("at", "a revision")?;
    let cursor = params.take("cursor")?;
    let notices = [
        ("saved", "Saved."),
        ("unchanged", "Nothing was changed, so nothing was written."),
        ("created", "Created."),
        ("document", "The document was saved."),
        ("no-document", "The document was deleted."),
    ];
    let notice = params.take_word("notice", &notices)?;
    params.finish()?;
    let scope = &visiting.scope;
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let head = snapshot.head;
    let frame = visiting.frame(&shown(&id), Some(Section::Requirements), head);
    if let Some(at) = at.filter(|at| *at > head.revision.0) {
        return Err(invalid("at", &format!("{at} is beyond the newest revision, {}", head.revision)).into());
    }
    let past = past::read(&app, scope, &frame, &id, cursor).await?;
    let shown_at = at.map_or(head.revision, Revision);
    let Some(Stored { requirement, .. }) = stored::at(&app, scope, &id, shown_at).await? else {
        return gone(frame, id, past, at);
    };
    let links = snapshot.test_links(&id);
    let tests = match at {
        None => test_links::of_requirement(&app, scope, &requirement, &links).await?,
        Some(_) => test_links::of_requirement(&app, scope, &requirement, &[]).await?,
    };
    let markdown = stored::document_at(&app, scope, &id, shown_at).await?;
    let own = frame.requirement(&id);
    let compute = move |snapshot: &Snapshot| {
        let document = markdown.map(|markdown| document(markdown, &id, &frame, snapshot));
        let present = at.is_none().then(|| present(&frame, &id, &requirement, snapshot));
        (frame, id, requirement, document, present)
    };
    let (frame, id, requirement, document, present) = Arc::clone(&snapshot).compute(compute).await?;
    page(&RequirementPage {
        text: requirement.requirement_text.clone(),
        status: StatusWord(requirement.status.value),
        facts: facts(&frame, &requirement),
        frame,
        id,
        own,
        notice,
        at,
        tests,
        document,
        present,
        past,
    })
}

fn gone(frame: Frame, id: String, past: Past, at: Option<u64>) -> Answer<Response> {
    match at {
        _ if past.writes.is_empty() => Err(not_found(&id).into()),
        Some(at) => {
            let message = format!("there was no requirement `{}` at revision {at}", shown(&id));
            Err(Error::new(server::REQUIREMENT_NOT_FOUND, message).with("id", shown(&id)).into())
        }
        None => {
            let own = frame.requirement(&id);
            let mut response = page(&GonePage { frame, id, own, past })?.into_response();
            *response.status_mut() = StatusCode::NOT_FOUND;
            Ok(response)
        }
    }
}

fn document(markdown: String, id: &str, frame: &Frame, snapshot: &Snapshot) -> Document {
    if markdown.len() > RENDER_LIMIT_BYTES {
        return Document::AsWritten(markdown);
    }
    let is_other = |word: &str| word != id && snapshot.matrix.contains(word);
    let link = |word: &str| is_other(word).then(|| frame.requirement(word));
    Document::Rendered(prose::render(&markdown, link))
}

fn facts(frame: &Frame, requirement: &Requirement) -> Vec<Fact> {
    let shown_apart = [Column::RequirementText, Column::Status, Column::TestModule, Column::TestFunction];
    let columns = GROUPS.iter().flat_map(|group| group.columns).copied();
    let core = columns.filter(|column| !shown_apart.contains(column) || *column == Column::Status);
    let fact = |column: Column| {
        let (value, file) = (form_text(requirement, column), requirement.text_of(column));
        let same = match column {
            Column::Phase => requirement.phase.given.is_none(),
            Column::EffortWeeks => requirement.effort_weeks.given.is_none(),
            _ => value == file,
        };
        let text = match column {
            Column::Phase => requirement.phase.value.map(|phase| phase.to_string()).unwrap_or_default(),
            Column::EffortWeeks => {
                requirement.effort_weeks.value.map(|effort| effort.to_string()).unwrap_or_default()
            }
            _ => value,
        };
        let filtered = [Column::Phase, Column::Category, Column::Assignee, Column::Sprint, Column::Priority];
        let filter = (filtered.contains(&column) && !text.is_empty())
            .then(|| format!("{}?{}={}", frame.at("requirements"), column.name(), path_segment(&text)));
        let given = (!same).then_some(file);
        Fact { label: label(column).to_owned(), text, given, filter }
    };
    let extra = requirement.extra.iter().map(|(name, text)| Fact {
        label: name.clone(),
        text: text.clone(),
        given: None,
        filter: None,
    });
    let all = core.filter(|column| *column != Column::Dependencies).map(fact).chain(extra);
    all.filter(|fact| !fact.text.is_empty() || fact.given.is_some()).collect()
}

fn present(frame: &Frame, id: &str, requirement: &Requirement, snapshot: &Snapshot) -> Present {
    let matrix = &snapshot.matrix;
    let neighbour = |other: &str| {
        let brief = matrix.brief(other);
        let elsewhere = match is_cross_repo(other) {
            true => "in another repository",
            false => "does not exist here",
        };
        Neighbour {
            id: other.to_owned(),
            address: brief.map(|_| frame.requirement(other)),
            status: brief.map(|brief| StatusWord(brief.status)),
            label: brief.map_or(elsewhere, |brief| brief.label).to_owned(),
        }
    };
    let dependencies = &requirement.dependencies.value;
    let dependents = matrix.dependents(id);
    Present {
        whys: reasons(frame, id, matrix),
        up: Neighbours {
            listed: dependencies.iter().take(NEIGHBOURS).map(|other| neighbour(other)).collect(),
            count: dependencies.len(),
        },
        down: Neighbours {
            listed: dependents.iter().take(NEIGHBOURS).map(|other| neighbour(other)).collect(),
            count: dependents.len(),
        },
        reach: matrix.reach(id).unwrap_or_default(),
    }
}

impl RequirementPage {
    /// The id as a query takes it.
    fn id_in_query(&self) -> String {
        path_segment(&self.id)
    }
}
