//! Strongly connected components: the groups of requirements that wait for each other.
//!
//! petgraph's Kosaraju finds them, because it walks with a stack of its own; its Tarjan recurses,
//! and a chain of a few thousand requirements would end the process. Taken as single nodes, the
//! components form an acyclic graph, on which everything that needs an order is computed.

use super::view::View;
use petgraph::algo::kosaraju_scc;

/// The components, each after all that it depends on.
#[derive(Debug, Clone)]
pub(super) struct Components {
    /// For each slot the number of its component; [`Components::NONE`] for what is no node.
    of: Vec<u32>,
    /// The slots, component after component.
    members: Vec<u32>,
    /// Where each component begins in `members`, and where the last one ends.
    starts: Vec<u32>,
}

impl Components {
    pub(super) const NONE: u32 = u32::MAX;

    pub(super) fn of(view: View<'_>) -> Components {
        let width = view.matrix.width();
        let mut found =
            Components { of: vec![Self::NONE; width], members: Vec::with_capacity(width), starts: vec![0] };
        for (component, number) in kosaraju_scc(view).into_iter().zip(0u32..) {
            for slot in component {
                found.of[slot as usize] = number;
                found.members.push(slot);
            }
            found.starts.push(u32::try_from(found.members.len()).expect("slots are numbered in 32 bits"));
        }
        found
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The component of a node.
    pub(super) fn component(&self, slot: u32) -> usize {
        self.of[slot as usize] as usize
    }

    /// The nodes of a component.
    pub(super) fn members(&self, component: usize) -> &[u32] {
        &self.members[self.starts[component] as usize..self.starts[component + 1] as usize]
    }

    /// Every node, component after component.
    pub(super) fn all_members(&self) -> &[u32] {
        &self.members
    }

    /// Every component's nodes, those without dependencies first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        (0..self.len()).map(|component| self.members(component))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::Status::{Complete, Missing};

    #[test]
    fn every_component_comes_after_what_it_depends_on() {
        let matrix = sample::matrix(&[
            ("TOP", Missing, &["LEFT", "RIGHT"]),
            ("LEFT", Missing, &["RING-1", "ORPHAN"]),
            ("RIGHT", Complete, &["BASE"]),
            ("RING-1", Missing, &["RING-2"]),
            ("RING-2", Missing, &["RING-3", "BASE"]),
            ("RING-3", Missing, &["RING-1"]),
            ("BASE", Missing, &["BASE"]),
        ]);
        let view = View::all(&matrix);
        let components = Components::of(view);
        assert_eq!(components.len(), 5);
        assert_eq!(components.all_members().len(), 7, "an orphan is no node");
        let rings: Vec<usize> = components.iter().map(<[u32]>::len).filter(|len| *len > 1).collect();
        assert_eq!(rings, [3]);
        for slot in view.nodes() {
            for dependency in view.up(slot) {
                assert!(components.component(dependency) <= components.component(slot));
            }
        }
        assert_eq!(Components::of(View::incomplete(&matrix)).all_members().len(), 6);
    }
}
