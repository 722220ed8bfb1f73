//! The page of gaps: what is wrong or left to do, and why, the gravest first.

use super::address::{Address, Pager};
use super::causes::Mark;
use super::choices::{Choice, Choices};
use super::frame::{Frame, Section, Visiting, page};
use super::items::Listed;
use super::list::columns::status_word;
use crate::http::api::gaps;
use crate::http::api::params::Params;
use crate::http::{Answer, App};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use rtmx_core::Status;
use rtmx_core::trace::{GapQuery, Gaps, Grade, Reason, ReasonCount};
use std::sync::Arc;

/// How many gaps a page holds.
const ROWS: usize = 50;
/// The most cycles that the page shows above its list.
const CYCLES: usize = 20;
/// The most requirements that a cycle is shown with.
const CYCLE_STEPS: usize = 12;
/// The parameters of the page.
const NAMES: [&str; 8] =
    ["reason", "phase", "category", "priority", "status", "assignee", "search", "offset"];

#[derive(Template)]
#[template(path = "gaps.html")]
struct GapsPage {
    frame: Frame,
    here: String,
    address: Address,
    all: Tab,
    groups: Vec<Group>,
    /// The rules of the reasons that were chosen.
    rules: Vec<(&'static str, &'static str)>,
    choices: Choices,
    statuses: Vec<Choice>,
    total: usize,
    requirements: usize,
    is_filtered: bool,
    rows: Vec<Row>,
    pager: Pager,
    cycles: Option<Rings>,
}

/// Reasons of one grade.
struct Group {
    name: &'static str,
    tabs: Vec<Tab>,
}

/// A reason, and the list of its gaps.
struct Tab {
    title: &'static str,
    key: &'static str,
    rule: &'static str,
    count: usize,
    address: Address,
    is_current: bool,
}

/// A gap.
struct Row {
    listed: Listed,
    marks: Vec<Mark>,
}

/// The first cycles of the project.
pub(super) struct Rings {
    pub(super) count: usize,
    pub(super) rings: Vec<Ring>,
}

/// A way around a cycle.
pub(super) struct Ring {
    pub(super) members: usize,
    /// The ids along it, each with its address.
    pub(super) path: Vec<(String, String)>,
    pub(super) more: usize,
}

impl GapsPage {
    fn name_of(grade: Grade) -> &'static str {
        match grade {
            Grade::Claimed => "Claimed complete",
            Grade::Tangled => "Tangled",
            Grade::Open => "Open",
        }
    }
}

/// The page.
pub(super) async fn show(State(app): State<App>, visiting: Visiting, mut params: Params) -> Answer<Response> {
    let taken = Address::take(&mut params, &NAMES)?;
    params.finish()?;
    let project = super::frame::project_address(&visiting.scope.project);
    let address = match taken {
        Ok(address) => address,
        Err(meant) => {
            let to = format!("{project}/gaps{}", meant.without(&["offset"]));
            return Ok(Redirect::to(&to).into_response());
        }
    };
    let query =
        GapQuery { offset: address.offset()?, limit: Some(ROWS), ..gaps::read(&mut address.params())? };
    let scope = &visiting.scope;
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let choices = Choices::of(&app, scope, &address).await?;
    let asked = query.clone();
    let question = format!("gaps {query:?}");
    let found = Arc::clone(&snapshot).remember(question, move |it| it.matrix.gaps(&asked)).await?;
    let frame = visiting.frame("Gaps", Some(Section::Gaps), snapshot.head);
    let cycles = match query.reasons.contains(&Reason::InCycle) {
        true => Some(rings(&frame, snapshot).await?),
        false => None,
    };
    let row = |gap: &rtmx_core::trace::Gap| Row {
        marks: Mark::all(&frame, &gap.reasons),
        listed: Listed::of(&frame, gap.item.clone()),
    };
    let chosen = query.reasons.iter().map(|reason| (reason.title(), reason.rule())).collect();
    page(&GapsPage {
        here: frame.at("gaps"),
        all: Tab {
            title: "All gaps",
            key: "all",
            rule: "Every requirement of which something is wrong or left to do.",
            count: found.any,
            address: address.without(&["reason", "offset"]),
            is_current: query.reasons.is_empty(),
        },
        groups: groups(&found, &query, &address),
        rules: chosen,
        statuses: statuses(&query),
        choices,
        total: found.total,
        requirements: found.requirements,
        is_filtered: !address.without(&["reason", "offset"]).to_string().is_empty(),
        rows: found.gaps.iter().map(row).collect(),
        pager: Pager::of(&address, query.offset, found.gaps.len(), found.total, ROWS),
        cycles,
        address,
        frame,
    })
}

/// The first cycles of several requirements, as links.
pub(super) async fn rings(frame: &Frame, snapshot: Arc<crate::index::Snapshot>) -> rtmx_core::Result<Rings> {
    let found = snapshot
        .remember("the first cycles".to_owned(), |it| {
            let mut cycles = it.matrix.cycles();
            cycles.cycles.retain(|cycle| cycle.members.len() > 1);
            cycles.count = cycles.cycles.len();
            cycles.cycles.truncate(CYCLES);
            cycles
        })
        .await?;
    let ring = |cycle: &rtmx_core::trace::Cycle| Ring {
        members: cycle.members.len(),
        path: cycle.path.iter().take(CYCLE_STEPS).map(|id| (id.clone(), frame.requirement(id))).collect(),
        more: cycle.path.len().saturating_sub(CYCLE_STEPS),
    };
    Ok(Rings { count: found.count, rings: found.cycles.iter().map(ring).collect() })
}

fn groups(found: &Gaps, query: &GapQuery, address: &Address) -> Vec<Group> {
    let tab = |count: &ReasonCount| Tab {
        title: count.reason.title(),
        key: count.reason.name(),
        rule: count.reason.rule(),
        count: count.count,
        address: address.without(&["offset"]).with("reason", count.reason.name()),
        is_current: query.reasons.contains(&count.reason),
    };
    let group = |grade: Grade| Group {
        name: GapsPage::name_of(grade),
        tabs: found.counts.iter().filter(|it| it.grade == grade).map(tab).collect(),
    };
    [Grade::Claimed, Grade::Tangled, Grade::Open].map(group).into()
}

fn statuses(query: &GapQuery) -> Vec<Choice> {
    let choice = |status: Status| Choice {
        value: status.name().to_owned(),
        name: status_word(status).to_owned(),
        is_chosen: query.statuses.contains(&status),
    };
    Status::ALL.map(choice).into()
}
