//! The graph: what lies around one requirement, a filtered set, or the whole as categories or phases.
//!
//! The decision to know: a picture is small or it is not drawn. Around one requirement at most 150 boxes,
//! of a set at most 300; beyond that the page says so and offers what makes it smaller. The same data is
//! a table below, and without a picture the table is still there.

mod layout;
mod picture;

use super::frame::{Frame, Section, Visiting, page};
use super::requirement::StatusWord;
use crate::http::api::documents::path_segment;
use crate::http::api::graph::{self, GraphView, SET_MOST};
use crate::http::api::params::{Params, shown};
use crate::http::{Answer, App};
use crate::index::Snapshot;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use picture::{Node, Picture};
use rtmx_core::Result;
use rtmx_core::trace::{Graph, Grouping};
use sha2::{Digest, Sha256};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "graph.html")]
struct GraphPage {
    frame: Frame,
    title: String,
    /// None where it is too large, or could not be laid out.
    picture: Option<Picture>,
    why_not: Option<String>,
    /// What is said about what is shown.
    summary: String,
    rows: Vec<Row>,
    /// The columns of the table behind the first.
    columns: [&'static str; 3],
    /// Other pictures: their names, addresses, and whether it is this one.
    others: Vec<(String, String, bool)>,
    root: String,
    depth: usize,
}

/// A row of the table below the picture.
struct Row {
    name: String,
    address: String,
    status: Option<StatusWord>,
    cells: [String; 2],
    /// What it depends on, within the picture.
    needs: Vec<(String, String)>,
}

/// The page of the graph.
pub(super) async fn show(State(app): State<App>, visiting: Visiting, mut params: Params) -> Answer<Response> {
    let root = params.take("root")?.filter(|root| !root.trim().is_empty());
    let depth = graph::take_depth(&mut params)?;
    let by_is_said = !params.is_without("by");
    let by = graph::take_grouping(&mut params)?;
    let rest = params.take_rest();
    let snapshot = app.indexes.at_head(&visiting.scope.cx, &visiting.scope.project).await?;
    let title =
        root.as_ref().map_or_else(|| "Graph".to_owned(), |root| format!("Graph around {}", shown(root)));
    let frame = visiting.frame(&title, Some(Section::Graph), snapshot.head);
    match root {
        Some(root) => {
            Params::of(rest).finish()?;
            let view = graph::around(&app, &visiting.scope, root.trim().to_owned(), depth).await?;
            requirements(frame, snapshot, view, title, Some((root, depth))).await
        }
        None if !rest.is_empty() && !by_is_said => {
            let view = graph::among(&app, &visiting.scope, Params::of(rest)).await?;
            requirements(frame, snapshot, view, title, None).await
        }
        None => {
            Params::of(rest).finish()?;
            groups(frame, snapshot, by).await
        }
    }
}

/// The page of some requirements.
async fn requirements(
    frame: Frame,
    snapshot: Arc<Snapshot>,
    view: GraphView,
    title: String,
    around: Option<(String, usize)>,
) -> Answer<Response> {
    let GraphView { graph, total, .. } = view;
    let nodes = graph.nodes.iter().map(|node| Node {
        name: node.req_id.clone(),
        line: node.label.clone(),
        word: StatusWord(node.status).word(),
        class: StatusWord(node.status).class(),
        address: frame.requirement(&node.req_id),
        is_root: around.as_ref().is_some_and(|(root, _)| root.trim() == node.req_id),
    });
    let edges: Vec<(usize, usize, usize)> = graph.edges.iter().map(|edge| (edge.to, edge.from, 1)).collect();
    let nodes: Vec<Node> = nodes.collect();
    let (picture, mut why_not) = draw(&snapshot, nodes, edges).await;
    if graph.nodes.is_empty() && total > SET_MOST as u64 {
        why_not = Some(format!(
            "{total} requirements match, and a picture of more than {SET_MOST} cannot be read. Filter further, or look at them in the table of requirements."
        ));
    }
    let left = if graph.left_out > 0 && !graph.nodes.is_empty() {
        format!(" The nearest {} of {total} are shown.", graph.nodes.len())
    } else {
        String::new()
    };
    let summary = match &around {
        Some((root, depth)) => format!(
            "{} requirements up to {depth} step{} from {}, {} dependencies.{left}",
            graph.nodes.len(),
            if *depth == 1 { "" } else { "s" },
            shown(root),
            graph.edges.len(),
        ),
        None => format!("{} requirements, {} dependencies.", graph.nodes.len(), graph.edges.len()),
    };
    let mut others = vec![
        ("Categories".to_owned(), frame.at("graph"), false),
        ("Phases".to_owned(), format!("{}?by=phase", frame.at("graph")), false),
    ];
    let (root, depth) = around.unwrap_or((String::new(), 1));
    if !root.is_empty() {
        for steps in 1..=graph::DEPTH_MOST {
            let address = format!("{}?root={}&depth={steps}", frame.at("graph"), path_segment(&root));
            let name = format!("{steps} step{}", if steps == 1 { "" } else { "s" });
            others.push((name, address, steps == depth));
        }
    }
    page(&GraphPage {
        rows: rows(&frame, &graph),
        columns: ["Status", "Text", "Depends on, here"],
        frame,
        title,
        picture,
        why_not,
        summary,
        others,
        root,
        depth,
    })
}

fn rows(frame: &Frame, graph: &Graph) -> Vec<Row> {
    let mut rows: Vec<Row> = graph
        .nodes
        .iter()
        .map(|node| Row {
            name: node.req_id.clone(),
            address: frame.requirement(&node.req_id),
            status: Some(StatusWord(node.status)),
            cells: [String::new(), node.label.clone()],
            needs: Vec::new(),
        })
        .collect();
    for edge in &graph.edges {
        let needed = &graph.nodes[edge.to].req_id;
        rows[edge.from].needs.push((needed.clone(), frame.requirement(needed)));
    }
    rows
}

/// The page of the whole as groups.
async fn groups(frame: Frame, snapshot: Arc<Snapshot>, by: Grouping) -> Answer<Response> {
    let question = format!("groups {by:?}");
    let found = Arc::clone(&snapshot).remember(question, move |snapshot| snapshot.matrix.groups(by)).await?;
    let (column, one) = match by {
        Grouping::Category => ("category", "No category"),
        Grouping::Phase => ("phase", "No phase"),
    };
    let name = |value: &str| match (value, by) {
        ("", _) => one.to_owned(),
        (value, Grouping::Phase) => format!("Phase {value}"),
        (value, Grouping::Category) => value.to_owned(),
    };
    let within = |value: &str| format!("{}?{column}={}", frame.at("graph"), path_segment(value));
    let list = |value: &str| format!("{}?{column}={}", frame.at("requirements"), path_segment(value));
    let class = |total: usize, complete: usize| match complete {
        all if all == total => ("complete", "all complete"),
        0 => ("missing", "none complete"),
        _ => ("partial", "some complete"),
    };
    let too_large = found.groups.len() > SET_MOST;
    let nodes = found.groups.iter().map(|group| Node {
        name: name(&group.value),
        line: format!("{} of {}", group.complete, group.total),
        word: class(group.total, group.complete).1,
        class: class(group.total, group.complete).0,
        address: if group.total > SET_MOST { list(&group.value) } else { within(&group.value) },
        is_root: false,
    });
    let nodes: Vec<Node> = if too_large { Vec::new() } else { nodes.collect() };
    // What depends on its own group is in the table; a line from a box to itself says nothing.
    let between = found.edges.iter().filter(|edge| edge.to != edge.from);
    let edges = between.map(|edge| (edge.to, edge.from, edge.count)).collect();
    let (picture, mut why_not) = draw(&snapshot, nodes, edges).await;
    if too_large {
        why_not = Some(format!("{} groups are too many for a picture.", found.groups.len()));
    }
    let mut rows: Vec<Row> = found
        .groups
        .iter()
        .map(|group| Row {
            name: name(&group.value),
            address: list(&group.value),
            status: None,
            cells: [group.total.to_string(), group.complete.to_string()],
            needs: Vec::new(),
        })
        .collect();
    for edge in &found.edges {
        let group = &found.groups[edge.to];
        rows[edge.from].needs.push((format!("{} ({})", name(&group.value), edge.count), list(&group.value)));
    }
    let others = vec![
        ("Categories".to_owned(), frame.at("graph"), by == Grouping::Category),
        ("Phases".to_owned(), format!("{}?by=phase", frame.at("graph")), by == Grouping::Phase),
    ];
    let dependencies: usize = found.edges.iter().map(|edge| edge.count).sum();
    page(&GraphPage {
        title: "Graph".to_owned(),
        summary: format!(
            "{} groups, {dependencies} dependencies between requirements. A number on a line counts dependencies.",
            found.groups.len()
        ),
        picture,
        why_not,
        rows,
        columns: ["Requirements", "Complete", "Depends on (how many dependencies)"],
        others,
        root: String::new(),
        depth: 1,
        frame,
    })
}

/// Draws, once for a head; what cannot be laid out is said.
async fn draw(
    snapshot: &Arc<Snapshot>,
    nodes: Vec<Node>,
    edges: Vec<(usize, usize, usize)>,
) -> (Option<Picture>, Option<String>) {
    if nodes.is_empty() {
        return (None, None);
    }
    if edges.len() > picture::EDGES_MOST {
        let why = format!("{} lines are too many for a picture; the table has them all.", edges.len());
        return (None, Some(why));
    }
    let question = question(&nodes, &edges);
    let count = nodes.len();
    let pairs: Vec<(usize, usize)> = edges.iter().map(|(left, right, _)| (*left, *right)).collect();
    let places: Result<_> =
        Arc::clone(snapshot).answer(question, move |_| layout::layers(count, &pairs)).await;
    let places = places.ok().and_then(|json| serde_json::from_slice(&json).ok());
    match places {
        Some(places) => (Some(Picture::of(nodes, &edges, &places)), None),
        None => (None, Some("This graph could not be laid out; the table has it all.".to_owned())),
    }
}

/// Names a layout by what it depends on: the number of boxes and the edges.
fn question(nodes: &[Node], edges: &[(usize, usize, usize)]) -> String {
    let mut hash = Sha256::new();
    for (left, right, _) in edges {
        hash.update(left.to_le_bytes());
        hash.update(right.to_le_bytes());
    }
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("layout {} {digest}", nodes.len())
}
