//! The page of what to take up next: the best requirement to start now, the other candidates, and what
//! can be worked on side by side.

use super::frame::{Frame, Section, Visiting, page};
use super::items::{Listed, weeks};
use crate::http::api::params::Params;
use crate::http::{Answer, App};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use rtmx_core::trace::{Item, Overlap, Web};
use std::sync::Arc;

/// The most entries of each list.
const ROWS: usize = 20;
/// The most requirements that a web is shown with.
const MEMBERS: usize = 6;

#[derive(Template)]
#[template(path = "next.html")]
struct NextPage {
    frame: Frame,
    best: Option<Listed>,
    why: String,
    candidates: Vec<Listed>,
    unblocked_count: usize,
    blocked_count: usize,
    web_count: usize,
    best_web: Option<usize>,
    webs: Vec<WebRow>,
    overlaps: Vec<Overlap>,
}

/// A web.
struct WebRow {
    web: Web,
    effort: String,
    best: Option<Listed>,
    /// Its first requirements that can be started, each with its address.
    unblocked: Vec<(String, String)>,
    /// How many more can be started.
    more: usize,
}

/// The page.
pub(super) async fn show(State(app): State<App>, visiting: Visiting, params: Params) -> Answer<Response> {
    params.finish()?;
    let scope = &visiting.scope;
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let next = Arc::clone(&snapshot).remember("next".to_owned(), |it| it.matrix.next(ROWS)).await?;
    let frame = visiting.frame("Next", Some(Section::Next), snapshot.head);
    let listed = |item: &Item| Listed::of(&frame, item.clone());
    let web = |web: &Web| WebRow {
        effort: weeks(web.total_effort_weeks),
        best: web.best.as_ref().map(listed),
        unblocked: web.unblocked.iter().take(MEMBERS).map(|id| (id.clone(), frame.requirement(id))).collect(),
        more: web.unblocked_count - web.unblocked.len().min(MEMBERS),
        web: web.clone(),
    };
    page(&NextPage {
        best: next.best.as_ref().map(listed),
        why: next.best.as_ref().map(|best| why(best, next.unblocked_count)).unwrap_or_default(),
        candidates: next.candidates.iter().skip(1).map(listed).collect(),
        unblocked_count: next.unblocked_count,
        blocked_count: next.blocked_count,
        web_count: next.web_count,
        best_web: next.best_web,
        webs: next.webs.iter().map(web).collect(),
        overlaps: next.overlaps.clone(),
        frame,
    })
}

/// Why this one is the best to start now.
fn why(best: &Item, unblocked: usize) -> String {
    let effort = match best.effort_weeks > 0.0 {
        true => format!("an effort of {}", weeks(best.effort_weeks)),
        false => "an unknown effort".to_owned(),
    };
    let among = match unblocked {
        1 => "It is the only one that waits for nothing".to_owned(),
        many => format!(
            "Of the {many} that wait for nothing it comes first by priority, then least effort, then id"
        ),
    };
    let awaited = match best.transitive_blocks_count {
        0 => "nothing waits for it".to_owned(),
        1 => "1 other waits for it".to_owned(),
        many => format!("{many} others wait for it"),
    };
    format!("{among}: {}, {effort}; {awaited}.", best.priority.name())
}
