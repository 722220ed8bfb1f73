//! The combinations: axes as data, their cells, and which of them cover every pair.
//!
//! [`AXES`] holds what exists. A further axis is a further row there, and a further match in the file that
//! says what a cell runs; everything here takes any number of axes.

use std::collections::BTreeSet;

/// One thing that can be chosen, and what it can be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub(super) name: &'static str,
    pub(super) values: &'static [Value],
}

/// One choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) name: &'static str,
    pub(super) when: When,
}

/// Which runs have a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Every run.
    Always,
    /// Only those that have everything.
    Full,
}

/// One combination: a value for each axis, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) values: Vec<&'static str>,
}

/// The databases; the last one is too old, and refused.
const STORAGES: [Value; 9] = [
    always("sqlite"),
    always("postgres-12"),
    full("postgres-13"),
    full("postgres-14"),
    full("postgres-15"),
    always("postgres-16"),
    full("postgres-17"),
    always("postgres-18"),
    always("postgres-11"),
];
const LICENSES: [Value; 4] = [always("none"), always("offline"), always("online"), always("online-gone")];

/// What the product supports.
pub(super) const AXES: &[Axis] = &[
    Axis { name: STORAGE, values: &STORAGES },
    Axis { name: CONFIGURATION, values: &[always("file"), always("environment"), always("mounted-secrets")] },
    Axis { name: LICENSE, values: &LICENSES },
    Axis { name: SERVERS, values: &[always("one"), always("two")] },
];

/// What the chart supports, as cells of their own: it is told its settings in other ways, and how many servers
/// there are is the cluster's business.
pub(super) const OF_THE_CHART: &[Axis] = &[
    // Without the one that is refused.
    Axis { name: STORAGE, values: STORAGES.split_at(STORAGES.len() - 1).0 },
    Axis { name: LICENSE, values: &LICENSES },
    Axis {
        name: CONFIGURATION,
        values: &[always("values"), always("secrets"), always("environment"), always("file")],
    },
];

/// What makes a combination impossible, a value for each axis named, and the code that refuses it.
pub(super) const REFUSALS: &[(&[(&str, &str)], &str)] = &[
    (&[(STORAGE, "postgres-11")], "storage_unsupported"),
    (&[(STORAGE, "sqlite"), (SERVERS, "two")], "storage_locked"),
];

/// How many servers share the database.
pub(super) const SERVERS: &str = "servers";
/// Which database.
pub(super) const STORAGE: &str = "storage";
/// The license, and whether its server is there.
pub(super) const LICENSE: &str = "license";
/// Where the settings are written down.
pub(super) const CONFIGURATION: &str = "configuration";

const fn always(name: &'static str) -> Value {
    Value { name, when: When::Always }
}

const fn full(name: &'static str) -> Value {
    Value { name, when: When::Full }
}

impl Cell {
    /// Its value on an axis.
    pub(super) fn value(&self, axes: &[Axis], axis: &str) -> Option<&'static str> {
        let at = axes.iter().position(|other| other.name == axis)?;
        self.values.get(at).copied()
    }

    /// The code that refuses it, if it is impossible.
    pub(super) fn refusal(&self, axes: &[Axis]) -> Option<&'static str> {
        self.refused_by(axes).map(|by| REFUSALS[by].1)
    }

    /// The place in [`REFUSALS`] of what makes it impossible.
    fn refused_by(&self, axes: &[Axis]) -> Option<usize> {
        let is = |(axis, value): &(&str, &str)| self.value(axes, axis) == Some(*value);
        REFUSALS.iter().position(|(values, _)| values.iter().all(is))
    }
}

/// Every combination, the last axis turning fastest.
pub(super) fn every(axes: &[Axis]) -> Vec<Cell> {
    let empty = vec![Cell { values: Vec::new() }];
    axes.iter().fold(empty, |cells, axis| {
        let longer = |cell: &Cell, value: &Value| {
            let mut values = cell.values.clone();
            values.push(value.name);
            Cell { values }
        };
        cells.iter().flat_map(|cell| axis.values.iter().map(|value| longer(cell, value))).collect()
    })
}

/// Few combinations of what every run has, in which each value and each pair of values of two axes occurs
/// that is possible, and behind them one for each refusal.
pub(super) fn covering(axes: &[Axis]) -> Vec<Cell> {
    few(axes, pairs)
}

/// Still fewer, in which each value occurs.
pub(super) fn touching(axes: &[Axis]) -> Vec<Cell> {
    few(axes, |cell| cell.values.iter().copied().enumerate().map(|value| [value, value]).collect())
}

/// Few combinations that have all parts that any has.
fn few(axes: &[Axis], parts: fn(&Cell) -> Vec<Part>) -> Vec<Cell> {
    let in_every_run = |cell: &Cell| {
        let mut chosen = axes.iter().zip(&cell.values);
        chosen.all(|(axis, name)| {
            axis.values.iter().any(|value| value.name == *name && value.when == When::Always)
        })
    };
    let all = every(axes).into_iter().filter(in_every_run);
    let (mut open, refused): (Vec<_>, Vec<_>) = all.partition(|cell| cell.refused_by(axes).is_none());
    let mut missing: BTreeSet<_> = open.iter().flat_map(parts).collect();
    let mut chosen = Vec::new();
    while !missing.is_empty() {
        let news = |cell: &Cell| parts(cell).iter().filter(|part| missing.contains(*part)).count();
        // The first of those that bring most, so that a list does not change by itself.
        let best = (0..open.len()).rev().max_by_key(|at| news(&open[*at])).expect("what is missing is open");
        let cell = open.remove(best);
        for part in parts(&cell) {
            missing.remove(&part);
        }
        chosen.push(cell);
    }
    let mut met = BTreeSet::new();
    chosen.extend(refused.into_iter().filter(|cell| met.insert(cell.refused_by(axes))));
    chosen
}

/// Two values with the places of their axes, or one value twice.
type Part = [(usize, &'static str); 2];

/// The pairs of a cell's values; with one axis, its value alone.
fn pairs(cell: &Cell) -> Vec<Part> {
    let values: Vec<_> = cell.values.iter().copied().enumerate().collect();
    if let [only] = values[..] {
        return vec![[only, only]];
    }
    let two = |at: usize| values[at + 1..].iter().map(move |second| (at, *second));
    (0..values.len()).flat_map(two).map(|(at, second)| [values[at], second]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: &[Axis] = &[
        Axis { name: "a", values: &[always("a1"), always("a2"), always("a3"), full("a4")] },
        Axis { name: "b", values: &[always("b1"), always("b2"), always("b3")] },
        Axis { name: "c", values: &[always("c1"), always("c2"), always("c3")] },
    ];

    #[test]
    fn a_full_run_has_every_combination_once() {
        let cells = every(THREE);
        assert_eq!(cells.len(), 36);
        let different: BTreeSet<_> = cells.iter().map(|cell| cell.values.clone()).collect();
        assert_eq!(different.len(), 36);
        assert_eq!(cells[1].value(THREE, "c"), Some("c2"));
        assert_eq!(cells[1].value(THREE, "d"), None);
    }

    #[test]
    fn a_short_run_has_every_pair_of_what_it_may_have() {
        let cells = covering(THREE);
        assert!((9..=12).contains(&cells.len()), "{} cells", cells.len());
        for (first, second) in [(0, 1), (0, 2), (1, 2)] {
            let found: BTreeSet<_> =
                cells.iter().map(|cell| (cell.values[first], cell.values[second])).collect();
            assert_eq!(found.len(), 9, "axes {first} and {second}");
        }
        assert!(cells.iter().all(|cell| !cell.values.contains(&"a4")));
    }

    #[test]
    fn with_one_axis_a_short_run_has_each_value_once() {
        let values = |cells: Vec<Cell>| cells.into_iter().flat_map(|cell| cell.values).collect::<Vec<_>>();
        let wanted = ["sqlite", "postgres-12", "postgres-16", "postgres-18", "postgres-11"];
        assert_eq!(values(covering(&AXES[..1])), wanted);
        assert_eq!(values(every(&AXES[..1])).len(), 9);
    }

    #[test]
    fn the_shortest_run_has_each_value_of_every_axis() {
        let cells = touching(OF_THE_CHART);
        assert_eq!(cells.len(), 4);
        let of = |axis: &Axis| -> BTreeSet<_> {
            cells.iter().filter_map(|cell| cell.value(OF_THE_CHART, axis.name)).collect()
        };
        assert!(OF_THE_CHART.iter().all(|axis| of(axis).len() == 4));
        assert_eq!(every(OF_THE_CHART).len(), 8 * 4 * 4);
    }

    #[test]
    fn what_is_impossible_is_in_every_run_once_and_covers_nothing() {
        let (refused, possible): (Vec<_>, Vec<_>) =
            covering(AXES).into_iter().partition(|cell| cell.refusal(AXES).is_some());
        let codes: Vec<_> = refused.iter().filter_map(|cell| cell.refusal(AXES)).collect();
        let mut wanted: Vec<_> = REFUSALS.iter().map(|(_, code)| *code).collect();
        wanted.sort_unstable();
        assert_eq!(codes.iter().copied().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>(), wanted);
        assert_eq!(codes.len(), REFUSALS.len());
        let pairs_of = |cells: &[Cell]| cells.iter().flat_map(pairs).collect::<BTreeSet<_>>();
        let in_every_run = |cell: &Cell| {
            let mut chosen = AXES.iter().zip(&cell.values);
            chosen.all(|(axis, name)| axis.values.contains(&super::always(name)))
        };
        let all: Vec<_> = every(AXES)
            .into_iter()
            .filter(|cell| cell.refusal(AXES).is_none() && in_every_run(cell))
            .collect();
        assert_eq!(pairs_of(&possible), pairs_of(&all), "every pair that is possible");
    }
}
