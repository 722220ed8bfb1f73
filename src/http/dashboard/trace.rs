//! The trace view: each requirement between what it depends on and what depends on it, with its tests.
//!
//! It is the list of requirements, with the same filters, search, order and pages, and other columns.
//! What is wrong with a requirement stands in its row, with the reason; a gap is a row like any other.
//! With `root` it is the neighbourhood of one requirement, level by level in both directions.

use super::frame::{Frame, Section, Visiting, page, project_address};
use super::list::{self, Listing, columns};
use super::requirements::View;
use crate::http::api::documents::path_segment;
use crate::http::api::params::Params;
use crate::http::{Answer, App};
use crate::index::Snapshot;
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use rtmx_core::trace::{Matrix, Neighbour, Reached};
use rtmx_core::{Error, Status, server};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many neighbours a row names each way: with the link to all of them, rows have three lines.
const NAMED: usize = 2;
/// How far a row counts.
const COUNT_LIMIT: usize = 1_000;
/// How many levels are shown each way if the address does not say, and at most.
const DEPTH_DEFAULT: usize = 3;
const DEPTH_MOST: usize = 10;
/// How many requirements a level lists.
const LEVEL_LIMIT: usize = 100;

#[derive(Template)]
#[template(path = "trace.html")]
struct TracePage {
    frame: Frame,
    here: String,
    list: View,
    rows: Vec<Row>,
}

struct Row {
    id: String,
    text: String,
    status: Standing,
    up: Side,
    down: Side,
    test: Option<String>,
    more_tests: usize,
    gaps: Vec<String>,
}

/// What is on one side of a requirement.
struct Side {
    named: Vec<Link>,
    /// How many direct neighbours are not named.
    more: usize,
    /// How many are reached in all, for readers.
    reach: String,
}

/// An id, and where it leads.
struct Link {
    id: String,
    standing: Standing,
    is_here: bool,
}

/// How far something is, in words and as a class of the style sheet.
#[derive(Clone, Copy)]
struct Standing {
    word: &'static str,
    class: &'static str,
}

#[derive(Template)]
#[template(path = "neighbourhood.html")]
struct NeighbourhoodPage {
    frame: Frame,
    here: String,
    root: Link,
    text: String,
    gaps: Vec<String>,
    depth: usize,
    up: Vec<Level>,
    down: Vec<Level>,
    up_count: usize,
    down_count: usize,
    /// Names of nothing, and of other repositories.
    outside: Vec<Link>,
    deeper: Option<usize>,
    less_deep: Option<usize>,
}

/// What is so many steps away.
struct Level {
    distance: usize,
    count: usize,
    entries: Vec<Entry>,
}

struct Entry {
    link: Link,
    text: String,
    /// Through which requirements of the level before.
    via: Vec<String>,
}

/// The page.
pub(super) async fn show(State(app): State<App>, visiting: Visiting, mut params: Params) -> Answer<Response> {
    if !params.is_without("root") {
        return neighbourhood(&app, &visiting, params).await;
    }
    params.take("depth")?;
    let scope = &visiting.scope;
    let here = format!("{}/trace", project_address(&scope.project));
    let listing = match Listing::read(params, &scope.space)? {
        Ok(listing) => listing,
        Err(words) => return Ok(Redirect::to(&format!("{here}{words}")).into_response()),
    };
    let (found, mut list) = View::of(&app, scope, &listing).await?;
    list.facets.columns.clear();
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let head = found.head;
    let compute = move |snapshot: &Snapshot| {
        list::rows(&found.records).filter_map(|(id, it)| Row::of(snapshot, id, it)).collect()
    };
    let rows: Vec<Row> = snapshot.compute(compute).await?;
    let frame = visiting.frame("Trace", Some(Section::Trace), head);
    page(&TracePage { frame, here, list, rows })
}

async fn neighbourhood(app: &App, visiting: &Visiting, mut params: Params) -> Answer<Response> {
    let root = params.take("root")?.unwrap_or_default();
    let depth = params.take_as::<usize>("depth", "a number")?.unwrap_or(DEPTH_DEFAULT);
    let depth = depth.clamp(1, DEPTH_MOST);
    params.finish()?;
    let scope = &visiting.scope;
    let here = format!("{}/trace", project_address(&scope.project));
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let frame = visiting.frame(&format!("Trace of {root}"), Some(Section::Trace), snapshot.head);
    let compute = move |snapshot: &Snapshot| {
        let (matrix, id) = (&snapshot.matrix, root.as_str());
        let impact = matrix.impact(id)?;
        let outside = |ids: &[String], is_elsewhere: bool| {
            let link = |id: &String| Link::to(&Neighbour { id: id.clone(), status: None, is_elsewhere });
            ids.iter().map(link).collect::<Vec<_>>()
        };
        let mut outside_ids = outside(&impact.orphaned_dependencies, false);
        outside_ids.extend(outside(&impact.cross_repo_dependencies, true));
        let furthest = impact.upstream.last().into_iter().chain(impact.downstream.last());
        let furthest = furthest.map(|reached| reached.distance).max().unwrap_or(0);
        Some(NeighbourhoodPage {
            frame,
            here,
            root: Link { id: id.to_owned(), standing: impact.status.into(), is_here: true },
            text: matrix.item(id).map(|item| item.label).unwrap_or_default(),
            gaps: gaps(matrix, id),
            depth,
            up: levels(matrix, id, &impact.upstream, depth, |it| it.down),
            down: levels(matrix, id, &impact.downstream, depth, |it| it.up),
            up_count: impact.transitive_upstream_count,
            down_count: impact.transitive_downstream_count,
            outside: outside_ids,
            deeper: (depth < furthest.min(DEPTH_MOST)).then_some(depth + 1),
            less_deep: (depth > 1).then_some(depth - 1),
        })
    };
    let found: Option<NeighbourhoodPage> = Arc::clone(&snapshot).compute(compute).await?;
    match found {
        Some(found) => page(&found),
        None => {
            let message = "there is no requirement of this id to begin at";
            Err(Error::new(server::REQUIREMENT_NOT_FOUND, message).into())
        }
    }
}

/// What was reached, level by level, each with the requirements of the level before that lead to it.
fn levels(
    matrix: &Matrix,
    root: &str,
    reached: &[Reached],
    depth: usize,
    towards_root: impl Fn(rtmx_core::trace::Around) -> Vec<Neighbour>,
) -> Vec<Level> {
    let mut by_distance: BTreeMap<usize, Vec<&Reached>> = BTreeMap::new();
    for it in reached.iter().take_while(|it| it.distance <= depth) {
        by_distance.entry(it.distance).or_default().push(it);
    }
    let mut before: BTreeSet<&str> = BTreeSet::from([root]);
    let mut levels = Vec::new();
    for (distance, found) in by_distance {
        let entry = |it: &&Reached| {
            let neighbours = matrix.around(&it.req_id, LEVEL_LIMIT, 0).map(&towards_root).unwrap_or_default();
            let via = neighbours.into_iter().map(|it| it.id).filter(|id| before.contains(id.as_str()));
            Entry {
                link: Link { id: it.req_id.clone(), standing: it.status.into(), is_here: true },
                text: it.label.clone(),
                via: via.take(NAMED).collect(),
            }
        };
        let entries = found.iter().take(LEVEL_LIMIT).map(entry).collect();
        levels.push(Level { distance, count: found.len(), entries });
        before = found.iter().map(|it| it.req_id.as_str()).collect();
    }
    levels
}

/// Why a requirement is a gap, if it is one.
fn gaps(matrix: &Matrix, id: &str) -> Vec<String> {
    matrix.reasons(id).unwrap_or_default().into_iter().map(|cause| cause.message).collect()
}

impl Row {
    fn of(snapshot: &Snapshot, id: &str, requirement: &rtmx_core::Requirement) -> Option<Row> {
        let around = snapshot.matrix.around(id, NAMED, COUNT_LIMIT)?;
        let side = |named: &[Neighbour], count: usize, reach: usize| Side {
            named: named.iter().map(Link::to).collect(),
            more: count.saturating_sub(named.len()),
            reach: match reach {
                COUNT_LIMIT.. => format!("{} and more", columns::grouped(COUNT_LIMIT as u64)),
                few => few.to_string(),
            },
        };
        let links = snapshot.test_links(id).len();
        let test = requirement.has_test().then(|| {
            let (module, function) = (requirement.test_module.trim(), requirement.test_function.trim());
            columns::cut(&format!("{module} {function}"))
        });
        Some(Row {
            id: id.to_owned(),
            text: columns::cut(&requirement.requirement_text),
            status: requirement.status.value.into(),
            up: side(&around.up, around.up_count, around.reach_up),
            down: side(&around.down, around.down_count, around.reach_down),
            more_tests: links.saturating_sub(usize::from(test.is_some())),
            test,
            gaps: gaps(&snapshot.matrix, id),
        })
    }
}

impl Link {
    fn to(neighbour: &Neighbour) -> Link {
        let standing = match (neighbour.status, neighbour.is_elsewhere) {
            (Some(status), _) => status.into(),
            (None, true) => Standing { word: "in another repository", class: "elsewhere" },
            (None, false) => Standing { word: "exists nowhere", class: "missing" },
        };
        Link { id: neighbour.id.clone(), standing, is_here: neighbour.status.is_some() }
    }

    /// The id as a value in an address.
    fn segment(&self) -> String {
        path_segment(&self.id)
    }
}

impl Row {
    fn segment(&self) -> String {
        path_segment(&self.id)
    }
}

impl From<Status> for Standing {
    fn from(status: Status) -> Standing {
        Standing { word: columns::status_word(status), class: columns::status_class(status) }
    }
}
