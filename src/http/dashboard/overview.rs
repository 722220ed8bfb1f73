//! The first page: how far the project is, and where it is not.

use super::frame::{Frame, Section, Visiting, page};
use super::progress::Progress;
use crate::http::api::params::Params;
use crate::http::api::status;
use crate::http::{Answer, App};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use rtmx_core::trace::{Completion, GapQuery, Gaps};

#[derive(Template)]
#[template(path = "projects.html")]
struct ProjectsPage {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    tiles: Vec<Tile>,
    /// How many requirements have a reason.
    gaps: usize,
    whole: Progress,
    phases: Vec<Part>,
    categories: Vec<Part>,
}

/// A phase or a category, and the list of its requirements that are not complete.
struct Part {
    name: String,
    /// The filter of the list that shows it.
    filter: String,
    progress: Progress,
}

/// A reason for which there are gaps, and their list.
struct Tile {
    key: &'static str,
    title: &'static str,
    rule: &'static str,
    count: usize,
    is_grave: bool,
    address: String,
}

/// The page of all projects.
pub(super) fn list(frame: Frame) -> Answer<Response> {
    page(&ProjectsPage { frame })
}

/// The page of one project.
pub(super) async fn show(State(app): State<App>, visiting: Visiting, params: Params) -> Answer<Response> {
    params.finish()?;
    let scope = &visiting.scope;
    let (head, rows) = status::tally(&app, &scope.cx, &scope.space).await?;
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let counts = GapQuery { limit: Some(0), ..GapQuery::default() };
    let gaps = snapshot.remember(format!("gaps {counts:?}"), move |it| it.matrix.gaps(&counts)).await?;
    let counted = rows.iter().map(|row| (row.status, row.phase, row.category.as_str(), row.count));
    let Completion { counts, phases, categories } = Completion::of(counted);
    let phases = phases.into_iter().map(|it| {
        let (name, filter) = match it.phase {
            Some(phase) => (format!("Phase {phase}"), format!("phase={phase}")),
            None => ("No phase".to_owned(), "phase=".to_owned()),
        };
        Part { name, filter, progress: Progress::of(it.counts) }
    });
    let categories = categories.into_iter().map(|it| {
        let filter = format!("category={}", crate::http::api::documents::path_segment(&it.category));
        let name = if it.category.is_empty() { "No category".to_owned() } else { it.category };
        Part { name, filter, progress: Progress::of(it.counts) }
    });
    let frame = visiting.frame("Overview", Some(Section::Overview), head);
    let (tiles, gaps) = (tiles(&frame, &gaps), gaps.any);
    let (whole, phases, categories) = (Progress::of(counts), phases.collect(), categories.collect());
    page(&OverviewPage { frame, tiles, gaps, whole, phases, categories })
}

/// The reasons for which there are gaps, the gravest first.
fn tiles(frame: &Frame, gaps: &Gaps) -> Vec<Tile> {
    let there = gaps.counts.iter().filter(|count| count.count > 0);
    let tile = |count: &rtmx_core::trace::ReasonCount| Tile {
        key: count.reason.name(),
        title: count.reason.title(),
        rule: count.reason.rule(),
        count: count.count,
        is_grave: count.grade != rtmx_core::trace::Grade::Open,
        address: format!("{}?reason={}", frame.at("gaps"), count.reason.name()),
    };
    there.map(tile).collect()
}
