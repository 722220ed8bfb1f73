//! How many requirements wait for each one, transitively, counted exactly.
//!
//! A walk from every requirement would cost requirements times edges. Instead 512 requirements at a
//! time are followed to everything that they wait for, one bit each: a component's bits are handed on
//! to its dependencies, and the bits that arrive are counted. A component that none of the 512 waits
//! for is never looked at, so a shallow matrix costs little more than its own size.

use super::components::Components;
use super::matrix::Matrix;
use super::view::View;

/// 64-bit words in a lane: 8 make 512 bits, one cache line.
const WORDS: usize = 8;
type Lanes = [u64; WORDS];

/// For every slot that is an incomplete requirement, how many other incomplete requirements depend
/// on it, directly or through incomplete ones; 0 for every other slot.
pub(super) fn count_waiting(matrix: &Matrix) -> Vec<u32> {
    let view = View::incomplete(matrix);
    let components = Components::of(view);
    let dependencies = Dependencies::of(view, &components);
    let mut counts = vec![0u32; components.len()];
    let mut lanes: Vec<Lanes> = vec![[0; WORDS]; components.len()];
    // One bit for each component whose lanes are not empty.
    let mut pending = vec![0u64; components.len().div_ceil(64)];

    for batch in components.all_members().chunks(64 * WORDS) {
        let mut highest = 0;
        for (lane, slot) in batch.iter().enumerate() {
            let component = components.component(*slot);
            lanes[component][lane / 64] |= 1 << (lane % 64);
            pending[component / 64] |= 1 << (component % 64);
            highest = highest.max(component / 64);
        }
        // Dependencies have smaller numbers, so going down visits each component once, complete.
        for word in (0..=highest).rev() {
            while pending[word] != 0 {
                let bit = 63 - pending[word].leading_zeros() as usize;
                pending[word] &= !(1 << bit);
                let component = word * 64 + bit;
                let carried = std::mem::take(&mut lanes[component]);
                counts[component] += carried.iter().map(|word| word.count_ones()).sum::<u32>();
                for dependency in dependencies.of_component(component) {
                    let dependency = *dependency as usize;
                    lanes[dependency].iter_mut().zip(carried).for_each(|(to, from)| *to |= from);
                    pending[dependency / 64] |= 1 << (dependency % 64);
                }
            }
        }
    }

    let mut waiting = vec![0; matrix.width()];
    for slot in components.all_members() {
        // The requirement itself is among those that were counted.
        waiting[*slot as usize] = counts[components.component(*slot)] - 1;
    }
    waiting
}

/// The edges between components, each once.
struct Dependencies {
    to: Vec<u32>,
    starts: Vec<usize>,
}

impl Dependencies {
    fn of(view: View<'_>, components: &Components) -> Dependencies {
        let mut found = Dependencies { to: Vec::new(), starts: vec![0] };
        let mut own = Vec::new();
        for (number, members) in components.iter().enumerate() {
            let all = members.iter().flat_map(|slot| view.up(*slot)).map(|slot| components.component(slot));
            own.extend(all.filter(|other| *other != number).map(|other| other as u32));
            own.sort_unstable();
            own.dedup();
            found.to.append(&mut own);
            found.starts.push(found.to.len());
        }
        found
    }

    fn of_component(&self, component: usize) -> &[u32] {
        &self.to[self.starts[component]..self.starts[component + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use crate::Status::{Complete, Missing, NotStarted, Partial};

    #[test]
    fn waiting_requirements_are_counted_once_and_not_through_complete_ones() {
        // A diamond over BASE, a complete one in the way of FAR, and a ring that waits for BASE.
        let matrix = sample::matrix(&[
            ("BASE", Missing, &[]),
            ("LEFT", Partial, &["BASE"]),
            ("RIGHT", NotStarted, &["BASE"]),
            ("TOP", Missing, &["LEFT", "RIGHT"]),
            ("DONE", Complete, &["BASE"]),
            ("FAR", Missing, &["DONE"]),
            ("RING-1", Missing, &["RING-2", "BASE"]),
            ("RING-2", Missing, &["RING-1"]),
            ("SELF", Missing, &["SELF"]),
        ]);
        let count = |id: &str| matrix.blocking()[matrix.find(id).expect("the id is in the table") as usize];
        // id, how many wait
        let cases = [
            ("BASE", 5),
            ("LEFT", 1),
            ("RIGHT", 1),
            ("TOP", 0),
            ("DONE", 0),
            ("FAR", 0),
            ("RING-1", 1),
            ("RING-2", 1),
            ("SELF", 0),
        ];
        for (id, want) in cases {
            assert_eq!(count(id), want, "{id}");
        }
    }

    #[test]
    fn counts_are_exact_across_batches() {
        // 1,300 requirements in a chain need three batches of 512.
        let ids: Vec<String> = (0..1_300).map(|n| format!("R{n:04}")).collect();
        let mut matrix = super::Matrix::new();
        for (n, id) in ids.iter().enumerate() {
            let dependency: Vec<&str> =
                n.checked_sub(1).map(|before| ids[before].as_str()).into_iter().collect();
            matrix.upsert(id, &sample::requirement(Missing, &dependency, &[]));
        }
        for (n, id) in ids.iter().enumerate() {
            let slot = matrix.find(id).expect("it was just added") as usize;
            assert_eq!(matrix.blocking()[slot] as usize, 1_299 - n, "{id}");
        }
    }
}
