//! The page of the backlog: what is left to do, in the order in which to look at it.

use super::address::{Address, Pager};
use super::choices::Choices;
use super::frame::{Frame, Section, Visiting, page};
use super::items::{Listed, weeks};
use crate::http::api::params::Params;
use crate::http::{Answer, App};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use rtmx_core::trace::{BacklogQuery, BacklogSection, BacklogSummary, BacklogView, Formula};
use std::sync::Arc;

/// How many requirements a page holds: of one section, and of each where there are several.
const ROWS: usize = 50;
const ROWS_OF_EACH: usize = 15;
/// The parameters of the page.
const NAMES: [&str; 7] = ["view", "formula", "phase", "category", "version", "section", "offset"];

#[derive(Template)]
#[template(path = "backlog.html")]
struct BacklogPage {
    frame: Frame,
    here: String,
    address: Address,
    views: Vec<View>,
    about: &'static str,
    formulas: Vec<View>,
    choices: Choices,
    is_filtered: bool,
    summary: BacklogSummary,
    effort: String,
    parts: Vec<Part>,
}

/// A view or a formula to choose.
struct View {
    title: &'static str,
    about: &'static str,
    address: Address,
    is_current: bool,
}

/// A section of the backlog.
struct Part {
    key: String,
    name: String,
    total: usize,
    effort: String,
    rows: Vec<Listed>,
    pager: Pager,
    /// The section alone, if more of it is left out.
    whole: Option<Address>,
}

/// The page.
pub(super) async fn show(State(app): State<App>, visiting: Visiting, mut params: Params) -> Answer<Response> {
    let taken = Address::take(&mut params, &NAMES)?;
    params.finish()?;
    let scope = &visiting.scope;
    let address = match taken {
        Ok(address) => address,
        Err(meant) => {
            let project = super::frame::project_address(&scope.project);
            let to = format!("{project}/backlog{}", meant.without(&["offset"]));
            return Ok(Redirect::to(&to).into_response());
        }
    };
    let offset = address.offset()?;
    let mut query = crate::http::api::analysis::read_backlog(&mut address.params())?;
    query.offset = offset;
    query.section_limit = Some(ROWS);
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let choices = Choices::of(&app, scope, &address).await?;
    let (asked, question) = (query.clone(), format!("backlog {query:?}"));
    let found = Arc::clone(&snapshot).remember(question, move |it| it.matrix.backlog(&asked)).await?;
    let frame = visiting.frame("Backlog", Some(Section::Backlog), snapshot.head);
    let only = address.value("section").to_owned();
    let has_one = found.sections.len() == 1 || !only.is_empty();
    let wanted = |section: &&BacklogSection| only.is_empty() || key(&section.name) == only;
    let part = |section: &BacklogSection| {
        let rows = if has_one { ROWS } else { ROWS_OF_EACH };
        let shown = section.items.iter().take(rows).cloned();
        let listed: Vec<Listed> = shown.map(|item| Listed::of(&frame, item)).collect();
        let is_cut = !has_one && section.total > listed.len();
        Part {
            key: key(&section.name),
            name: section.name.clone(),
            total: section.total,
            effort: weeks(section.total_effort_weeks),
            pager: Pager::of(&address, offset, listed.len(), section.total, ROWS),
            whole: is_cut.then(|| address.without(&["offset"]).with("section", key(&section.name))),
            rows: listed,
        }
    };
    page(&BacklogPage {
        here: frame.at("backlog"),
        views: views(&query, &address),
        about: about(query.view, query.formula),
        formulas: formulas(&query, &address),
        choices,
        is_filtered: query.phase.is_some() || query.category.is_some() || query.version.is_some(),
        effort: weeks(found.summary.total_effort_weeks),
        summary: found.summary,
        parts: found.sections.iter().filter(wanted).map(part).collect(),
        address,
        frame,
    })
}

/// A section's name in addresses.
fn key(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

fn views(query: &BacklogQuery, address: &Address) -> Vec<View> {
    let view = |view: BacklogView| View {
        title: match view {
            BacklogView::All => "All",
            BacklogView::Critical => "Critical",
            BacklogView::QuickWins => "Quick wins",
            BacklogView::Blockers => "Blockers",
            BacklogView::Blocked => "Blocked",
            BacklogView::List => "List",
        },
        about: about(view, query.formula),
        address: address.without(&["offset", "section"]).with("view", view.name()),
        is_current: view == query.view,
    };
    BacklogView::ALL.map(view).into()
}

/// What a view shows, in a sentence.
fn about(view: BacklogView, formula: Formula) -> &'static str {
    match (view, formula) {
        (BacklogView::All, _) => "Everything that is not complete: critical, then quick wins, then the rest.",
        (BacklogView::Critical, Formula::Tool) => {
            "P0 or HIGH, or at least two requirements wait for it. The most urgent first."
        }
        (BacklogView::Critical, Formula::Web) => {
            "P0 or HIGH, and at least two requirements wait for it. The most awaited first."
        }
        (BacklogView::QuickWins, Formula::Tool) => {
            "P0 or HIGH, not blocked, and a known effort of at most one week. The least effort first."
        }
        (BacklogView::QuickWins, Formula::Web) => {
            "P0 or HIGH, not blocked, and an effort of at most one week or an unknown one. The least effort first."
        }
        (BacklogView::Blockers, _) => "What others wait for. The most awaited first.",
        (BacklogView::Blocked, _) => "What waits for others. The most urgent first.",
        (BacklogView::List, _) => "Everything that is not complete, by id.",
    }
}

fn formulas(query: &BacklogQuery, address: &Address) -> Vec<View> {
    let formula = |(name, title, about, formula): (&'static str, &'static str, &'static str, Formula)| View {
        title,
        about,
        address: address.without(&["offset"]).with("formula", name),
        is_current: formula == query.formula,
    };
    [
        (
            "tool",
            "As rtmx backlog prints it",
            "Critical: P0, HIGH, or at least two requirements wait. A quick win: a known effort of at most one week.",
            Formula::Tool,
        ),
        (
            "web",
            "As the web server answers it",
            "Critical: at least two requirements wait; in the view Critical also P0 or HIGH. A quick win: an effort of at most one week or an unknown one, and not blocked.",
            Formula::Web,
        ),
    ]
    .map(formula)
    .into()
}
