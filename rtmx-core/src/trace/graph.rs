//! Parts of the graph that are small enough to be drawn: what lies around one requirement, a set of
//! requirements with the edges between them, and the whole matrix as its categories or phases.

use super::matrix::Matrix;
use super::view::{View, Visited};
use crate::Status;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Some requirements and the dependencies between them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Graph {
    /// The requirements: around one by distance and then id, else by id.
    pub nodes: Vec<GraphNode>,
    /// The dependencies between them, by `from` and then `to`.
    pub edges: Vec<GraphEdge>,
    /// How many requirements were left out because there was no room for them.
    pub left_out: usize,
}

/// A requirement in a graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GraphNode {
    /// The requirement.
    pub req_id: String,
    /// Its status.
    pub status: Status,
    /// Whether a dependency exists and is not complete.
    pub blocked: bool,
    /// The beginning of its text, at most 60 characters.
    pub label: String,
    /// How many edges lie between it and the requirement in the middle; 0 in other graphs.
    pub distance: usize,
}

/// A dependency: the requirement at `from` depends on the one at `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GraphEdge {
    /// The place of the one that depends, in `nodes`.
    pub from: usize,
    /// The place of what it depends on, in `nodes`.
    pub to: usize,
}

/// What requirements are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// By category.
    #[default]
    Category,
    /// By phase.
    Phase,
}

/// The matrix as groups of requirements and the dependencies between groups.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupGraph {
    /// The groups, by their value; phases by number, the group without one last.
    pub groups: Vec<Group>,
    /// How many dependencies lead from one group to another, or stay within one.
    pub edges: Vec<GroupEdge>,
}

/// Requirements that share a category or a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Group {
    /// The category or the phase; empty for requirements without one.
    pub value: String,
    /// How many requirements there are.
    pub total: usize,
    /// How many of them are complete.
    pub complete: usize,
}

/// Dependencies between two groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupEdge {
    /// The place of the group that depends, in `groups`.
    pub from: usize,
    /// The place of the group that it depends on.
    pub to: usize,
    /// How many dependencies there are.
    pub count: usize,
}

impl Matrix {
    /// What lies around a requirement, in both directions, up to `depth` edges away: at most `limit`
    /// requirements, the nearest first and then by id. `None` if it does not exist.
    pub fn vicinity(&self, id: &str, depth: usize, limit: usize) -> Option<Graph> {
        let root = self.find(id)?;
        let view = View::all(self);
        let mut seen = Visited::with_capacity(self.width());
        seen.insert(root as usize);
        let mut queue = VecDeque::from([(root, 0usize)]);
        let mut reached = vec![(0, self.id(root), root)];
        while let Some((slot, distance)) = queue.pop_front() {
            if distance == depth {
                continue;
            }
            for neighbour in view.up(slot).chain(view.down(slot)) {
                if !seen.put(neighbour as usize) {
                    reached.push((distance + 1, self.id(neighbour), neighbour));
                    queue.push_back((neighbour, distance + 1));
                }
            }
        }
        reached.sort_unstable();
        let left_out = reached.len().saturating_sub(limit.max(1));
        reached.truncate(limit.max(1));
        let slots = reached.into_iter().map(|(distance, _, slot)| (slot, distance)).collect();
        Some(Graph { left_out, ..self.graph_of(slots) })
    }

    /// These requirements and the dependencies between them; ids that do not exist are passed over.
    pub fn among(&self, ids: &[String]) -> Graph {
        let mut slots: Vec<u32> = ids.iter().filter_map(|id| self.find(id)).collect();
        slots.sort_unstable_by_key(|slot| self.id(*slot));
        slots.dedup();
        self.graph_of(slots.into_iter().map(|slot| (slot, 0)).collect())
    }

    /// The whole matrix as groups.
    pub fn groups(&self, by: Grouping) -> GroupGraph {
        // Phases by number, and what has none last.
        let key_of = |slot: u32| -> Option<(u32, &str)> {
            let row = self.at(slot).row.as_ref()?;
            Some(match by {
                Grouping::Category => (0, &*row.category),
                Grouping::Phase => (row.phase.unwrap_or(u32::MAX), ""),
            })
        };
        let mut members: BTreeMap<(u32, &str), Vec<u32>> = BTreeMap::new();
        for (slot, ..) in self.rows() {
            if let Some(key) = key_of(slot) {
                members.entry(key).or_default().push(slot);
            }
        }
        let mut group_of: Vec<Option<usize>> = Vec::new();
        for (group, slots) in members.values().enumerate() {
            for &slot in slots {
                let slot = slot as usize;
                group_of.resize(group_of.len().max(slot + 1), None);
                group_of[slot] = Some(group);
            }
        }
        let group_of = |slot: u32| group_of.get(slot as usize).copied().flatten();
        let mut edges = Vec::new();
        let view = View::all(self);
        for (from, slots) in members.values().enumerate() {
            let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
            for to in slots.iter().flat_map(|slot| view.up(*slot)).filter_map(group_of) {
                *counts.entry(to).or_default() += 1;
            }
            edges.extend(counts.into_iter().map(|(to, count)| GroupEdge { from, to, count }));
        }
        let group = |((phase, category), slots): (&(u32, &str), &Vec<u32>)| {
            let complete = slots.iter().filter(|slot| !self.is_incomplete(**slot)).count();
            let value = match by {
                Grouping::Category => (*category).to_owned(),
                Grouping::Phase if *phase == u32::MAX => String::new(),
                Grouping::Phase => phase.to_string(),
            };
            Group { value, total: slots.len(), complete }
        };
        let groups = members.iter().map(group).collect();
        GroupGraph { groups, edges }
    }

    fn graph_of(&self, slots: Vec<(u32, usize)>) -> Graph {
        let places: HashMap<u32, usize> = slots.iter().map(|(slot, _)| *slot).zip(0..).collect();
        let view = View::all(self);
        let mut edges = Vec::new();
        for (slot, _) in &slots {
            let from = places[slot];
            let to = view.up(*slot).filter_map(|other| places.get(&other).copied());
            edges.extend(to.map(|to| GraphEdge { from, to }));
        }
        edges.sort_unstable();
        let node = |(slot, distance): (u32, usize)| {
            let brief = self.brief_at(slot)?;
            Some(GraphNode {
                req_id: self.id(slot).to_owned(),
                status: brief.status,
                blocked: brief.blocked,
                label: brief.label.to_owned(),
                distance,
            })
        };
        Graph { nodes: slots.into_iter().filter_map(node).collect(), edges, left_out: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::Status::{Complete, Missing, Partial};

    fn told(graph: &Graph) -> (Vec<String>, Vec<String>) {
        let id = |place: usize| graph.nodes[place].req_id.as_str();
        let nodes = graph.nodes.iter().map(|node| format!("{} {}", node.req_id, node.distance)).collect();
        (nodes, graph.edges.iter().map(|edge| format!("{}>{}", id(edge.from), id(edge.to))).collect())
    }

    fn sample() -> Matrix {
        sample::matrix(&[
            ("BASE", Complete, &[]),
            ("MID", Partial, &["BASE", "GONE"]),
            ("SIDE", Missing, &["BASE"]),
            ("TOP", Missing, &["MID"]),
            ("RING-1", Missing, &["RING-2", "TOP"]),
            ("RING-2", Missing, &["RING-1", "RING-2"]),
            ("LONE", Missing, &[]),
        ])
    }

    #[test]
    fn what_lies_around_is_told_by_distance_and_cut_at_the_limit() {
        let matrix = sample();
        let (nodes, edges) = told(&matrix.vicinity("MID", 1, 10).expect("it exists"));
        assert_eq!(nodes, ["MID 0", "BASE 1", "TOP 1"]);
        assert_eq!(edges, ["MID>BASE", "TOP>MID"]);
        let (nodes, edges) = told(&matrix.vicinity("MID", 3, 10).expect("it exists"));
        assert_eq!(nodes, ["MID 0", "BASE 1", "TOP 1", "RING-1 2", "SIDE 2", "RING-2 3"]);
        assert!(edges.contains(&"RING-2>RING-2".to_owned()) && edges.contains(&"RING-1>RING-2".to_owned()));
        let cut = matrix.vicinity("MID", 3, 2).expect("it exists");
        assert_eq!((told(&cut).0, cut.left_out), (vec!["MID 0".to_owned(), "BASE 1".to_owned()], 4));
        assert_eq!(matrix.vicinity("GONE", 1, 10), None);
    }

    #[test]
    fn a_set_has_the_edges_between_its_members() {
        let ids = ["TOP", "MID", "GONE", "LONE", "TOP"].map(str::to_owned);
        let (nodes, edges) = told(&sample().among(&ids));
        assert_eq!(nodes, ["LONE 0", "MID 0", "TOP 0"]);
        assert_eq!(edges, ["TOP>MID"]);
    }

    #[test]
    fn groups_count_members_and_the_dependencies_between_them() {
        let mut matrix = Matrix::new();
        let rows: [(&str, &str, u32, &[&str]); 4] = [
            ("A", "X", 10, &[]),
            ("B", "X", 2, &["A"]),
            ("C", "Y", 2, &["A", "B", "GONE"]),
            ("D", "", 0, &["C"]),
        ];
        for (id, category, phase, dependencies) in rows {
            let mut requirement = sample::requirement(Missing, dependencies, &[]);
            requirement.category = category.into();
            requirement.phase = (phase > 0).then_some(phase).into();
            matrix.upsert(id, &requirement);
        }
        let told = |graph: GroupGraph| {
            let groups: Vec<_> = graph.groups.into_iter().map(|group| (group.value, group.total)).collect();
            let edges: Vec<_> =
                graph.edges.into_iter().map(|edge| (edge.from, edge.to, edge.count)).collect();
            (groups, edges)
        };
        let (groups, edges) = told(matrix.groups(Grouping::Category));
        assert_eq!(groups, [(String::new(), 1), ("X".into(), 2), ("Y".into(), 1)]);
        assert_eq!(edges, [(0, 2, 1), (1, 1, 1), (2, 1, 2)]);
        let (groups, edges) = told(matrix.groups(Grouping::Phase));
        assert_eq!(groups, [("2".into(), 2), ("10".into(), 1), (String::new(), 1)]);
        assert_eq!(edges, [(0, 0, 1), (0, 1, 2), (2, 0, 1)]);
    }
}
