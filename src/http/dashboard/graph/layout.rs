//! Where the boxes of a graph stand: in layers, so that every line leads one way where that can be.
//!
//! The decision to know: this is the only file that knows the crate that does it. The crate answers
//! places of boxes for each connected part; the parts are put beside each other here, boxes without
//! an edge in rows at the end, and lines are drawn by whoever draws. It was made for graphs whose
//! layers lie below each other; ours lie beside each other, so that boxes with a line of text fit,
//! and widths and heights are exchanged on the way in and out.

use rust_sugiyama::configure::Config;
use rust_sugiyama::from_vertices_and_edges;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};

/// The size of every box, in units of the picture.
pub(super) const BOX: (f64, f64) = (216.0, 44.0);
/// The space between layers, and between boxes in a layer.
const BETWEEN: (f64, f64) = (72.0, 16.0);
/// How many boxes without an edge stand in a row.
const ROW: usize = 4;

/// A picture's size, and the upper left corner of each box, in the order of the boxes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) corners: Vec<(f64, f64)>,
}

/// Lays out so many boxes; an edge leads from the box on the left to the one on the right. Edges from a
/// box to itself and repeated ones do not count.
pub(super) fn layers(count: usize, edges: &[(usize, usize)]) -> Layout {
    let edges: BTreeSet<(u32, u32)> = edges
        .iter()
        .filter(|(left, right)| left != right && *left < count && *right < count)
        .filter_map(|(left, right)| Some((u32::try_from(*left).ok()?, u32::try_from(*right).ok()?)))
        .collect();
    let edges: Vec<(u32, u32)> = edges.into_iter().collect();
    let linked: BTreeSet<u32> = edges.iter().flat_map(|(left, right)| [*left, *right]).collect();
    let boxes: Vec<(u32, (f64, f64))> = linked.iter().map(|place| (*place, (BOX.1, BOX.0))).collect();
    let config = Config {
        // Between boxes of a layer; the space between layers is added below.
        vertex_spacing: BETWEEN.1,
        ..Config::default()
    };
    let parts = if boxes.is_empty() { Vec::new() } else { from_vertices_and_edges(&boxes, &edges, &config) };
    let mut layout = Layout { width: 0.0, height: 0.0, corners: vec![(0.0, 0.0); count] };
    // The crate answers with the number of a box in the list that it was given, not with its name.
    let name = |(number, at): (usize, (f64, f64))| Some((boxes.get(number)?.0 as usize, at));
    let mut parts: Vec<Vec<(usize, (f64, f64))>> =
        parts.into_iter().map(|(places, ..)| places.into_iter().filter_map(name).collect()).collect();
    // The largest part first; equal ones by their first box, so that the same graph looks the same.
    parts.iter_mut().for_each(|part| part.sort_unstable_by_key(|(place, _)| *place));
    parts.sort_by_key(|part| (usize::MAX - part.len(), part.first().map(|(place, _)| *place)));
    for part in &parts {
        layout.add_part(part);
    }
    let lone = (0..count).filter(|place| !u32::try_from(*place).is_ok_and(|place| linked.contains(&place)));
    layout.add_rows(&lone.collect::<Vec<usize>>());
    layout
}

impl Layout {
    /// Puts a connected part below what is there.
    fn add_part(&mut self, part: &[(usize, (f64, f64))]) {
        let columns = columns(part);
        let least = part.iter().map(|(_, (x, _))| *x).fold(f64::INFINITY, f64::min);
        let top = if self.height > 0.0 { self.height + BETWEEN.1 } else { 0.0 };
        // The crate lets boxes of a layer overlap in some graphs: whatever stands too high moves down.
        let mut placed: Vec<(usize, f64, usize)> =
            part.iter().map(|(place, (x, y))| (columns[&y.to_bits()], x - least, *place)).collect();
        placed.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
        let mut before: Option<(usize, f64)> = None;
        for (column, down, place) in placed {
            let free = before.filter(|(other, _)| *other == column).map_or(0.0, |(_, end)| end);
            let down = if down.is_finite() { down.max(free) } else { free };
            before = Some((column, down + BOX.1 + BETWEEN.1));
            self.put(place, (column as f64 * (BOX.0 + BETWEEN.0), top + down));
        }
    }

    /// Puts boxes without an edge below what is there.
    fn add_rows(&mut self, places: &[usize]) {
        let top = if self.height > 0.0 { self.height + BETWEEN.1 } else { 0.0 };
        for (number, place) in places.iter().enumerate() {
            let (column, row) = ((number % ROW) as f64, (number / ROW) as f64);
            self.put(*place, (column * (BOX.0 + BETWEEN.1), top + row * (BOX.1 + BETWEEN.1)));
        }
    }

    fn put(&mut self, place: usize, corner: (f64, f64)) {
        if let Some(kept) = self.corners.get_mut(place) {
            *kept = corner;
        }
        self.width = self.width.max(corner.0 + BOX.0);
        self.height = self.height.max(corner.1 + BOX.1);
    }
}

/// The number of each layer, by its place along the layers.
fn columns(part: &[(usize, (f64, f64))]) -> HashMap<u64, usize> {
    let mut along: Vec<f64> = part.iter().map(|(_, (_, y))| *y).collect();
    along.sort_unstable_by(f64::total_cmp);
    along.dedup();
    along.into_iter().map(f64::to_bits).zip(0..).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn overlaps(layout: &Layout) -> Option<(usize, usize)> {
        let corners = &layout.corners;
        for (one, a) in corners.iter().enumerate() {
            for (other, b) in corners.iter().enumerate().skip(one + 1) {
                let apart = |a: f64, b: f64, size: f64| (a - b).abs() >= size - 0.01;
                if !apart(a.0, b.0, BOX.0) && !apart(a.1, b.1, BOX.1) {
                    return Some((one, other));
                }
            }
        }
        None
    }

    #[test]
    fn a_chain_goes_from_left_to_right_and_what_has_no_edge_stands_below() {
        let layout = layers(5, &[(2, 1), (1, 0), (0, 0)]);
        let x = |place: usize| layout.corners[place].0;
        let apart = layers(8, &[(3, 1), (6, 3)]);
        assert!(
            apart.corners[6].0 < apart.corners[3].0 && apart.corners[3].0 < apart.corners[1].0,
            "{apart:?}"
        );
        assert!(x(2) < x(1) && x(1) < x(0), "{layout:?}");
        assert!(layout.corners[3].1 > layout.corners[0].1 && layout.corners[4].1 == layout.corners[3].1);
        assert_eq!(layers(0, &[]), Layout::default());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn boxes_never_overlap_whatever_the_edges(
            count in 1usize..40,
            edges in proptest::collection::vec((0usize..40, 0usize..40), 0..80),
        ) {
            let layout = layers(count, &edges);
            prop_assert_eq!(layout.corners.len(), count);
            prop_assert_eq!(overlaps(&layout), None);
            for (x, y) in &layout.corners {
                prop_assert!(*x >= 0.0 && *y >= 0.0 && x + BOX.0 <= layout.width && y + BOX.1 <= layout.height);
            }
            prop_assert_eq!(layers(count, &edges), layout, "the same graph looks the same");
        }
    }
}
