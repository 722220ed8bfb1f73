//! The graph index of one project.
//!
//! Every id that is a requirement, or that one names, has a slot; slots are numbers, so that edges
//! are short lists of numbers. An id that is only named (an orphan, a requirement of another
//! repository, a row that comes later) has a slot without a row, and becomes a node the moment its row arrives.
//! Slots sit behind `Arc`s: a clone shares them all and an edit copies only what it touches, so a
//! reader can keep its snapshot while the feed moves the index forward.

use super::components::Components;
use super::row::Row;
use super::words::Words;
use crate::{Layout, Requirement, RequirementText};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

/// Phrases that stand in generated documents until somebody writes real acceptance criteria.
///
/// Source: upstream's `rtmx hygiene`.
const BOILERPLATE: [&str; 3] = [
    "Requirement language is reviewed",
    "Validation evidence is implemented or explicitly planned",
    "Evidence can be mapped back to this requirement",
];

/// The graph index of one project: what its requirements depend on, and what the analyses need of each.
///
/// About half a kilobyte a row. `upsert` and `remove` cost as much as the requirement and its neighbours
/// have edges.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    slots: Vec<Arc<Slot>>,
    free: Vec<u32>,
    by_id: HashMap<Arc<str>, u32>,
    rows: usize,
    words: Words,
    columns: Option<Arc<[String]>>,
    derived: Derived,
}

/// An id, and the requirement under it if there is one.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot {
    pub(super) id: Arc<str>,
    pub(super) row: Option<Row>,
    /// What its `dependencies` name, sorted by slot.
    pub(super) up: Vec<u32>,
    /// The requirements that name it in `dependencies`, in no order.
    pub(super) down: Vec<u32>,
    /// What its `blocks` name, sorted by slot.
    pub(super) blocks: Vec<u32>,
    /// How many requirements name it in `blocks`.
    named: u32,
    /// Whether its document holds generated acceptance criteria.
    pub(super) boilerplate: bool,
    /// How many test links name a test of it.
    tests: u32,
}

impl Slot {
    /// Whether its row or a test link names a test.
    pub(super) fn is_tested(&self) -> bool {
        self.tests > 0 || self.row.as_ref().is_some_and(|row| row.has_test)
    }
}

/// What was computed once and holds until the next edit that touches it.
#[derive(Debug, Clone, Default)]
struct Derived {
    components: OnceLock<Arc<Components>>,
    blocking: OnceLock<Arc<[u32]>>,
}

/// Whether an id names a requirement of another repository: `sync:ALIAS:REQ-1`, `alias:REQ-1`,
/// `org/repo:REQ-1` or `REQ-1@repo`. It never blocks and is never an orphan.
pub fn is_cross_repo(id: &str) -> bool {
    id.contains([':', '@'])
}

impl Matrix {
    /// An index without requirements.
    pub fn new() -> Matrix {
        Matrix::default()
    }

    /// The number of requirements.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no requirement.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether a requirement has this id.
    pub fn contains(&self, id: &str) -> bool {
        self.find(id).is_some()
    }

    /// Adds a requirement, or replaces the one with this id.
    pub fn upsert(&mut self, id: &str, requirement: &Requirement) {
        let slot = self.slot_for(id);
        let up = self.slots_for(&requirement.dependencies.value);
        let blocks = self.slots_for(&requirement.blocks.value);
        let row = Row::of(requirement, &mut self.words);
        let before = self.at(slot).row.as_ref().map(|row| row.status.is_complete());
        if before.is_none() || self.at(slot).up != up {
            self.derived = Derived::default();
        } else if before != Some(row.status.is_complete()) {
            self.derived.blocking = OnceLock::new();
        }
        self.rows += usize::from(before.is_none());
        self.edit(slot).row = Some(row);
        self.connect(slot, up, blocks);
    }

    /// Removes the requirement with this id, if there is one. Those that name it keep naming it.
    pub fn remove(&mut self, id: &str) {
        let Some(slot) = self.find(id) else { return };
        self.derived = Derived::default();
        self.rows -= 1;
        self.edit(slot).row = None;
        self.connect(slot, Vec::new(), Vec::new());
        self.release(slot);
    }

    /// Takes note of the columns of the imported file, for the schema rule of [`Matrix::health`].
    pub fn set_layout(&mut self, layout: Option<&Layout>) {
        self.columns = layout.map(|layout| layout.columns.as_slice().into());
    }

    /// Takes note of a requirement's document, for the acceptance rule of [`Matrix::health`].
    pub fn set_document(&mut self, id: &str, document: Option<&RequirementText>) {
        let boilerplate = document
            .is_some_and(|document| BOILERPLATE.iter().any(|phrase| document.markdown.contains(phrase)));
        if boilerplate {
            let slot = self.slot_for(id);
            self.edit(slot).boilerplate = true;
        } else if let Some(slot) = self.by_id.get(id).copied().filter(|slot| self.at(*slot).boilerplate) {
            self.edit(slot).boilerplate = false;
            self.release(slot);
        }
    }

    /// Takes note of a test link that names a test of a requirement.
    pub fn add_test(&mut self, id: &str) {
        let slot = self.slot_for(id);
        self.edit(slot).tests += 1;
    }

    /// Forgets one test link that [`Matrix::add_test`] told of.
    pub fn remove_test(&mut self, id: &str) {
        let Some(slot) = self.find_named(id).filter(|slot| self.at(*slot).tests > 0) else { return };
        self.edit(slot).tests -= 1;
        self.release(slot);
    }

    /// Every id in the order of the file: by rank, and after those with a rank the others by id.
    pub fn in_file_order(&self) -> Vec<&str> {
        self.slots_in_file_order().into_iter().map(|slot| self.id(slot)).collect()
    }

    /// The requirements that depend directly on this one, by id: what it really blocks.
    pub fn dependents(&self, id: &str) -> Vec<&str> {
        let slots = self.by_id.get(id).map_or(&[][..], |slot| &self.at(*slot).down);
        let mut ids: Vec<&str> = slots.iter().map(|slot| self.id(*slot)).collect();
        ids.sort_unstable();
        ids
    }

    /// Whether a dependency of this requirement exists here and is not complete.
    pub fn is_blocked(&self, id: &str) -> bool {
        self.find(id).is_some_and(|slot| self.blocked(slot))
    }

    /// Names the slots of these ids, sorted by slot, making those that are not there.
    fn slots_for(&mut self, ids: &BTreeSet<String>) -> Vec<u32> {
        let mut slots: Vec<u32> = ids.iter().map(|id| self.slot_for(id)).collect();
        slots.sort_unstable();
        slots
    }

    fn slot_for(&mut self, id: &str) -> u32 {
        if let Some(slot) = self.by_id.get(id) {
            return *slot;
        }
        let id: Arc<str> = Arc::from(id);
        let made = Arc::new(Slot { id: Arc::clone(&id), ..Slot::default() });
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = made;
            slot
        } else {
            let slot = u32::try_from(self.slots.len()).expect("a project has fewer than 2^32 ids");
            self.slots.push(made);
            slot
        };
        self.by_id.insert(id, slot);
        slot
    }

    /// Gives a slot these edges instead of those it has.
    fn connect(&mut self, slot: u32, up: Vec<u32>, blocks: Vec<u32>) {
        let old_up = std::mem::take(&mut self.edit(slot).up);
        let old_blocks = std::mem::take(&mut self.edit(slot).blocks);
        for gone in old_up.iter().filter(|old| up.binary_search(old).is_err()) {
            let down = &mut self.edit(*gone).down;
            let place = down.iter().rposition(|dependent| *dependent == slot);
            down.swap_remove(place.expect("an edge is in both of its lists"));
        }
        for new in up.iter().filter(|new| old_up.binary_search(new).is_err()) {
            self.edit(*new).down.push(slot);
        }
        for gone in old_blocks.iter().filter(|old| blocks.binary_search(old).is_err()) {
            self.edit(*gone).named -= 1;
        }
        for new in blocks.iter().filter(|new| old_blocks.binary_search(new).is_err()) {
            self.edit(*new).named += 1;
        }
        let edited = self.edit(slot);
        edited.up = up;
        edited.blocks = blocks;
        for gone in old_up.into_iter().chain(old_blocks).filter(|gone| *gone != slot) {
            self.release(gone);
        }
    }

    /// Frees a slot that is no requirement and that nothing names.
    fn release(&mut self, slot: u32) {
        let unused = self.at(slot);
        let is_free = unused.id.is_empty() && self.by_id.get("") != Some(&slot);
        if unused.row.is_none()
            && unused.down.is_empty()
            && unused.named == 0
            && unused.tests == 0
            && !unused.boilerplate
            && !is_free
        {
            let id = Arc::clone(&unused.id);
            self.by_id.remove(&id);
            self.slots[slot as usize] = Arc::default();
            self.free.push(slot);
        }
    }

    fn edit(&mut self, slot: u32) -> &mut Slot {
        Arc::make_mut(&mut self.slots[slot as usize])
    }
}

/// What the analyses ask.
impl Matrix {
    /// The number of slots; every slot is below it.
    pub(super) fn width(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn at(&self, slot: u32) -> &Slot {
        &self.slots[slot as usize]
    }

    pub(super) fn id(&self, slot: u32) -> &str {
        &self.at(slot).id
    }

    /// The slot of the requirement with this id.
    pub(super) fn find(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied().filter(|slot| self.at(*slot).row.is_some())
    }

    /// The slot of this id, whether or not it is a requirement.
    pub(super) fn find_named(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    /// Every requirement, in no order.
    pub(super) fn rows(&self) -> impl Iterator<Item = (u32, &Slot, &Row)> {
        let numbered = self.slots.iter().zip(0u32..);
        numbered.filter_map(|(slot, number)| Some((number, &**slot, slot.row.as_ref()?)))
    }

    pub(super) fn is_incomplete(&self, slot: u32) -> bool {
        self.at(slot).row.as_ref().is_some_and(|row| !row.status.is_complete())
    }

    pub(super) fn blocked(&self, slot: u32) -> bool {
        self.at(slot).up.iter().any(|dependency| self.is_incomplete(*dependency))
    }

    /// Those of these slots that are wanted, by id, so that what is told of them does not depend on how
    /// the index came about.
    pub(super) fn pick(&self, slots: &[u32], wanted: impl Fn(&Slot) -> bool) -> Vec<&Slot> {
        let mut picked: Vec<&Slot> =
            slots.iter().map(|slot| self.at(*slot)).filter(|slot| wanted(slot)).collect();
        picked.sort_unstable_by_key(|slot| &*slot.id);
        picked
    }

    /// The ids of these slots, sorted.
    pub(super) fn sorted_ids(&self, slots: &[u32]) -> Vec<String> {
        let mut ids: Vec<String> = slots.iter().map(|slot| self.id(*slot).to_owned()).collect();
        ids.sort_unstable();
        ids
    }

    /// Every requirement by id.
    pub(super) fn slots_by_id(&self) -> Vec<u32> {
        let mut slots: Vec<u32> = self.rows().map(|(slot, ..)| slot).collect();
        slots.sort_unstable_by_key(|slot| self.id(*slot));
        slots
    }

    pub(super) fn slots_in_file_order(&self) -> Vec<u32> {
        let mut slots: Vec<(bool, i64, &str, u32)> = self
            .rows()
            .map(|(number, slot, row)| (row.rank.is_none(), row.rank.unwrap_or(0), &*slot.id, number))
            .collect();
        slots.sort_unstable();
        slots.into_iter().map(|(.., number)| number).collect()
    }

    /// The columns of the imported file, if there was one.
    pub(super) fn columns(&self) -> Option<&[String]> {
        self.columns.as_deref()
    }

    /// The strongly connected components of all requirements.
    pub(super) fn components(&self) -> &Components {
        self.derived.components.get_or_init(|| Arc::new(Components::of(super::view::View::all(self))))
    }

    /// For every slot, how many other incomplete requirements wait for it, through incomplete ones.
    pub(super) fn blocking(&self) -> &[u32] {
        self.derived.blocking.get_or_init(|| super::reach::count_waiting(self).into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::Status;

    #[test]
    fn an_id_becomes_a_node_when_its_row_arrives_and_a_name_when_it_leaves() {
        let mut matrix = Matrix::new();
        matrix.upsert("B", &sample::requirement(Status::Missing, &["A", "other:X"], &["C"]));
        assert!(!matrix.is_blocked("B"), "an orphan never blocks");
        assert_eq!(matrix.len(), 1);
        assert!(!matrix.contains("A"));

        matrix.upsert("A", &sample::requirement(Status::Missing, &[], &[]));
        assert!(matrix.is_blocked("B"));
        assert_eq!(matrix.dependents("A"), ["B"]);

        matrix.upsert("A", &sample::requirement(Status::Complete, &[], &[]));
        assert!(!matrix.is_blocked("B"));

        matrix.remove("A");
        assert!(!matrix.contains("A"));
        assert_eq!(matrix.dependents("A"), ["B"], "what names it still does");

        matrix.remove("B");
        assert!(matrix.is_empty());
        assert!(matrix.by_id.is_empty(), "nothing is left of ids that nothing names");
        assert_eq!(matrix.free.len(), matrix.slots.len());
    }

    #[test]
    fn slots_are_used_again() {
        let mut matrix = Matrix::new();
        for round in 0..50 {
            let (id, named, blocked) = (format!("R{round}"), format!("D{round}"), format!("B{round}"));
            matrix.upsert(&id, &sample::requirement(Status::Missing, &[&named, &id], &[&blocked, &id]));
            matrix.upsert(&id, &sample::requirement(Status::Missing, &[&blocked], &[&named]));
            matrix.remove(&id);
            assert!(matrix.slots.len() <= 3, "{round}: {} slots", matrix.slots.len());
        }
    }

    #[test]
    fn a_clone_is_not_moved_by_later_edits() {
        let mut matrix = sample::matrix(&[("A", Status::Missing, &[]), ("B", Status::Missing, &["A"])]);
        let snapshot = matrix.clone();
        matrix.upsert("A", &sample::requirement(Status::Complete, &["B"], &[]));
        matrix.remove("B");
        assert!(snapshot.is_blocked("B"));
        assert_eq!(snapshot.cycles().count, 0);
        assert_eq!(snapshot.len(), 2);
        assert_eq!(matrix.len(), 1);
    }

    #[test]
    fn the_file_order_is_by_rank_and_then_by_id() {
        let mut matrix = Matrix::new();
        for (id, rank) in [("Z", Some(1)), ("B", None), ("A", None), ("Y", Some(-3)), ("X", Some(1))] {
            let mut requirement = sample::requirement(Status::Missing, &[], &[]);
            requirement.placement.rank = rank;
            matrix.upsert(id, &requirement);
        }
        assert_eq!(matrix.in_file_order(), ["Y", "X", "Z", "A", "B"]);
    }

    #[test]
    fn cross_repository_ids_are_told_by_their_marks() {
        for id in ["sync:ALIAS:REQ-1", "alias:REQ-1", "org/repo:REQ-1", "REQ-1@repo", "@org/REQ-1"] {
            assert!(is_cross_repo(id), "{id}");
        }
        assert!(!is_cross_repo("REQ-A/B-1"));
    }
}
