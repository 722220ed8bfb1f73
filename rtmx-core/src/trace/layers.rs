//! Layers: how many requirements must be done one after another before each one.
//!
//! A layer is the longest distance from a requirement without dependencies. It is computed on the
//! components, so requirements that wait for each other share a layer and the computation ends.

use super::matrix::Matrix;
use super::view::View;
use serde::{Deserialize, Serialize};

/// The requirements by their longest distance from one without dependencies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Layers {
    /// How many layers there are.
    pub count: usize,
    /// The ids of each layer, sorted; the first depends on nothing here.
    pub layers: Vec<Vec<String>>,
}

impl Matrix {
    /// Sorts every requirement into its layer.
    pub fn layers(&self) -> Layers {
        let components = self.components();
        let view = View::all(self);
        let mut depths = vec![0usize; components.len()];
        let mut layers: Vec<Vec<u32>> = Vec::new();
        for (number, members) in components.iter().enumerate() {
            let others =
                members.iter().flat_map(|slot| view.up(*slot)).map(|slot| components.component(slot));
            let depth =
                others.filter(|other| *other != number).map(|other| depths[other] + 1).max().unwrap_or(0);
            depths[number] = depth;
            if layers.len() <= depth {
                layers.resize(depth + 1, Vec::new());
            }
            layers[depth].extend(members);
        }
        let layers: Vec<Vec<String>> = layers.iter().map(|slots| self.sorted_ids(slots)).collect();
        Layers { count: layers.len(), layers }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use crate::Status::{Complete, Missing};

    #[test]
    fn layers_are_longest_distances_and_cycles_share_one() {
        let matrix = sample::matrix(&[
            ("BASE", Complete, &["GONE", "x:Y"]),
            ("MID", Missing, &["BASE"]),
            ("TOP", Missing, &["BASE", "MID"]),
            ("RING-1", Missing, &["RING-2", "MID"]),
            ("RING-2", Missing, &["RING-1"]),
            ("OVER", Missing, &["RING-2", "BASE"]),
            ("SELF", Missing, &["SELF"]),
            ("LONE-1", Missing, &["LONE-2"]),
            ("LONE-2", Missing, &["LONE-1"]),
        ]);
        let layers = matrix.layers();
        let found: Vec<String> = layers.layers.iter().map(|ids| ids.join(" ")).collect();
        assert_eq!(found, ["BASE LONE-1 LONE-2 SELF", "MID", "RING-1 RING-2 TOP", "OVER"]);
        assert_eq!(layers.count, 4);
        assert_eq!(super::Matrix::new().layers().count, 0);
    }
}
