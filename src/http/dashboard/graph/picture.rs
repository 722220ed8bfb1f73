//! A picture of boxes and lines: what the template writes as SVG.
//!
//! Boxes are in the order of the layers, from left to right and from top to bottom, which is the order
//! in which the keyboard walks them. A box tells its status by a shape and a word.

use super::layout::{BOX, Layout};

/// The most lines of a picture.
pub(super) const EDGES_MOST: usize = 1_200;
/// The space around the picture.
const MARGIN: f64 = 12.0;
/// How many characters of a name and of a line fit into a box.
const NAME_CHARS: usize = 24;
const LINE_CHARS: usize = 17;

/// What a box is to show.
pub(super) struct Node {
    pub(super) name: String,
    pub(super) line: String,
    pub(super) word: &'static str,
    pub(super) class: &'static str,
    pub(super) address: String,
    pub(super) is_root: bool,
}

/// Boxes and lines with their places.
pub(super) struct Picture {
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) boxes: Vec<Placed>,
    pub(super) lines: Vec<Line>,
}

/// A box with its place.
pub(super) struct Placed {
    pub(super) node: Node,
    pub(super) x: i64,
    pub(super) y: i64,
}

/// A line from a box to one that needs it.
pub(super) struct Line {
    pub(super) path: String,
    /// Whether it leads back, as in a cycle.
    pub(super) is_back: bool,
    /// How many dependencies it stands for, where that is told, and where.
    pub(super) count: Option<(usize, i64, i64)>,
}

impl Placed {
    /// The name, as much of it as fits.
    pub(super) fn name(&self) -> String {
        cut(&self.node.name, NAME_CHARS)
    }

    /// The line below it, as much as fits.
    pub(super) fn line(&self) -> String {
        cut(&self.node.line, LINE_CHARS)
    }

    pub(super) fn width(&self) -> f64 {
        BOX.0
    }

    pub(super) fn height(&self) -> f64 {
        BOX.1
    }
}

impl Picture {
    /// Places boxes, and draws a line for each edge: from the box on the left to the one on the right,
    /// with how many dependencies it stands for.
    pub(super) fn of(nodes: Vec<Node>, edges: &[(usize, usize, usize)], layout: &Layout) -> Picture {
        let corner = |place: usize| layout.corners.get(place).copied().unwrap_or_default();
        let line = |(left, right, count): &(usize, usize, usize)| line(corner(*left), corner(*right), *count);
        let lines = edges.iter().map(line).collect();
        let mut boxes: Vec<Placed> = nodes
            .into_iter()
            .enumerate()
            .map(|(place, node)| {
                let (x, y) = corner(place);
                Placed { node, x: whole(x + MARGIN), y: whole(y + MARGIN) }
            })
            .collect();
        boxes.sort_by_key(|placed| (placed.x, placed.y));
        // Room for the lines that lead back around the boxes.
        let (width, height) = (layout.width + 2.0 * MARGIN + 40.0, layout.height + 2.0 * MARGIN + 24.0);
        Picture { width: whole(width).unsigned_abs(), height: whole(height).unsigned_abs(), boxes, lines }
    }
}

fn line(left: (f64, f64), right: (f64, f64), count: usize) -> Line {
    let is_back = right.0 <= left.0;
    let (x1, y1) = (left.0 + BOX.0 + MARGIN, left.1 + BOX.1 / 2.0 + MARGIN);
    let (x2, y2) = (right.0 + MARGIN, right.1 + BOX.1 / 2.0 + MARGIN);
    let (path, middle) = if left == right {
        // A loop at the lower right corner of the box.
        let (x, y) = (left.0 + BOX.0 + MARGIN, left.1 + BOX.1 + MARGIN);
        let path = format!(
            "M{} {}C{} {} {} {} {} {}",
            whole(x),
            whole(y - 12.0),
            whole(x + 30.0),
            whole(y),
            whole(x),
            whole(y + 20.0),
            whole(x - 24.0),
            whole(y)
        );
        (path, (x + 12.0, y + 10.0))
    } else {
        let bend = if is_back { 60.0 } else { ((x2 - x1) / 2.0).max(24.0) };
        let path = format!(
            "M{} {}C{} {} {} {} {} {}",
            whole(x1),
            whole(y1),
            whole(x1 + bend),
            whole(y1),
            whole(x2 - bend),
            whole(y2),
            whole(x2),
            whole(y2)
        );
        (path, (f64::midpoint(x1, x2), f64::midpoint(y1, y2) - 4.0))
    };
    let count = (count > 1).then(|| (count, whole(middle.0), whole(middle.1)));
    Line { path, is_back, count }
}

#[allow(clippy::cast_possible_truncation, reason = "a picture has a few thousand units")]
fn whole(number: f64) -> i64 {
    number.round() as i64
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}
