//! A matrix as petgraph sees it: nodes are slots, edges run from a requirement to its dependencies.
//!
//! A view borrows the index instead of copying it into a graph of petgraph's own: 100,000 rows need
//! no second copy of their edges.

use super::matrix::Matrix;
use petgraph::Direction;
use petgraph::visit::{
    GraphBase, GraphRef, IntoNeighbors, IntoNeighborsDirected, IntoNodeIdentifiers, Visitable,
};

/// petgraph's own set of visited nodes, which it does not export by name.
pub(super) type Visited = <petgraph::Graph<(), ()> as Visitable>::Map;

/// All requirements, or the incomplete ones, with the edges between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'m> {
    pub(super) matrix: &'m Matrix,
    only_incomplete: bool,
}

impl<'m> View<'m> {
    pub(super) fn all(matrix: &'m Matrix) -> Self {
        View { matrix, only_incomplete: false }
    }

    pub(super) fn incomplete(matrix: &'m Matrix) -> Self {
        View { matrix, only_incomplete: true }
    }

    pub(super) fn has(self, slot: u32) -> bool {
        let row = self.matrix.at(slot).row.as_ref();
        row.is_some_and(|row| !(self.only_incomplete && row.status.is_complete()))
    }

    /// The nodes, in order of their slots.
    pub(super) fn nodes(self) -> impl Iterator<Item = u32> + 'm {
        self.matrix.rows().map(|(slot, ..)| slot).filter(move |slot| self.has(*slot))
    }

    /// What a node depends on.
    pub(super) fn up(self, slot: u32) -> Neighbours<'m> {
        Neighbours { view: self, slots: self.matrix.at(slot).up.iter() }
    }

    /// What depends on a node.
    pub(super) fn down(self, slot: u32) -> Neighbours<'m> {
        Neighbours { view: self, slots: self.matrix.at(slot).down.iter() }
    }
}

/// The neighbours of a node that are nodes themselves.
#[derive(Debug, Clone)]
pub(super) struct Neighbours<'m> {
    view: View<'m>,
    slots: std::slice::Iter<'m, u32>,
}

impl Iterator for Neighbours<'_> {
    type Item = u32;
    fn next(&mut self) -> Option<u32> {
        let view = self.view;
        self.slots.by_ref().copied().find(|slot| view.has(*slot))
    }
}

impl GraphBase for View<'_> {
    type NodeId = u32;
    type EdgeId = (u32, u32);
}

impl GraphRef for View<'_> {}

impl Visitable for View<'_> {
    type Map = Visited;

    fn visit_map(&self) -> Visited {
        Visited::with_capacity(self.matrix.width())
    }

    fn reset_map(&self, map: &mut Visited) {
        map.clear();
        map.grow(self.matrix.width());
    }
}

impl<'m> IntoNeighbors for View<'m> {
    type Neighbors = Neighbours<'m>;
    fn neighbors(self, slot: u32) -> Neighbours<'m> {
        self.up(slot)
    }
}

impl<'m> IntoNeighborsDirected for View<'m> {
    type NeighborsDirected = Neighbours<'m>;
    fn neighbors_directed(self, slot: u32, direction: Direction) -> Neighbours<'m> {
        match direction {
            Direction::Outgoing => self.up(slot),
            Direction::Incoming => self.down(slot),
        }
    }
}

impl IntoNodeIdentifiers for View<'_> {
    type NodeIdentifiers = std::vec::IntoIter<u32>;
    fn node_identifiers(self) -> Self::NodeIdentifiers {
        self.nodes().collect::<Vec<u32>>().into_iter()
    }
}
