//! What a person reads of a run: the cells, and what each came to.

use super::Counts;
use super::axes::{Axis, Cell, every};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

/// One suite of one cell that was run.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) cell: Cell,
    /// Which one.
    pub(super) suite: &'static str,
    pub(super) counts: Counts,
    pub(super) took: Duration,
    pub(super) note: String,
}

/// The cells of a full run; those of every run are marked.
pub(super) fn list(axes: &[Axis], short: &[Cell]) -> String {
    let all = every(axes);
    let mut text = format!("{}  runs\n", heading(axes));
    for cell in &all {
        let when = if short.contains(cell) { "always" } else { "with --full" };
        let refused = cell.refusal(axes).map(|code| format!(", refused: {code}")).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}  {when}{refused}", columns(axes, cell));
    }
    let _ = writeln!(text, "{} cells, {} of them always", all.len(), short.len());
    text
}

/// What a run left to a full one: a line for each value of the first axis.
pub(super) fn left(axes: &[Axis], ran: &[Cell]) -> String {
    let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let all = every(axes);
    for cell in all.iter().filter(|cell| !ran.contains(cell)) {
        let (first, rest) = cell.values.split_first().expect("there is an axis");
        lines.entry(first).or_default().push(rest.join("/"));
    }
    let count = all.len() - ran.len();
    let lines = lines.iter().map(|(first, rest)| {
        let is_new = ran.iter().all(|cell| cell.values.first() != Some(first));
        format!("  {first}: {}\n", if is_new { "all".to_owned() } else { rest.join(", ") })
    });
    format!("left to --full: {count} of {} cells\n{}", all.len(), lines.collect::<String>())
}

/// The table of results; its last line adds up.
pub(super) fn results(axes: &[Axis], rows: &[Row]) -> String {
    let mut text = format!(
        "{}  {:<11} {:>7} {:>7} {:>7} {:>8}  note\n",
        heading(axes),
        "suite",
        "passed",
        "failed",
        "ignored",
        "seconds"
    );
    for Row { cell, suite, counts, took, note } in rows {
        let Counts { passed, failed, ignored, .. } = counts;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}  {suite:<11} {passed:>7} {failed:>7} {ignored:>7} {:>8}  {note}",
            columns(axes, cell),
            took.as_secs()
        );
    }
    let Counts { passed, failed, ignored, expected } =
        rows.iter().fold(Counts::default(), |sum, row| sum.and(row.counts));
    let cells: BTreeSet<_> = rows.iter().map(|row| &row.cell.values).collect();
    let _ = writeln!(
        text,
        "{} cells: {passed} passed, {failed} failed, {ignored} ignored ({expected} expected)",
        cells.len()
    );
    text
}

fn heading(axes: &[Axis]) -> String {
    let names = axes.iter().map(|axis| format!("{:<width$}", axis.name, width = width(axis)));
    names.collect::<Vec<_>>().join("  ")
}

fn columns(axes: &[Axis], cell: &Cell) -> String {
    let values = axes.iter().zip(&cell.values);
    let values = values.map(|(axis, value)| format!("{value:<width$}", width = width(axis)));
    values.collect::<Vec<_>>().join("  ")
}

fn width(axis: &Axis) -> usize {
    let names = axis.values.iter().map(|value| value.name.len());
    names.chain([axis.name.len()]).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::axes::{AXES, OF_THE_CHART, covering, touching};
    use super::*;

    #[test]
    fn the_list_says_which_cells_every_run_has() {
        let list = list(AXES, &covering(AXES));
        let has = |words: &str| list.lines().any(|line| line.split_whitespace().eq(words.split(' ')));
        assert!(has("postgres-13 environment online-gone one with --full"), "{list}");
        assert!(has("sqlite file none two always, refused: storage_locked"), "{list}");
        assert!(list.ends_with("216 cells, 19 of them always\n"), "{list}");
    }

    #[test]
    fn a_short_run_says_what_it_left() {
        let left = left(OF_THE_CHART, &touching(OF_THE_CHART));
        assert!(left.starts_with("left to --full: 124 of 128 cells\n  postgres-12: none/values, "), "{left}");
        assert!(left.contains("\n  postgres-13: all\n"), "{left}");
        assert!(!left.contains("sqlite: none/values,"), "{left}");
    }

    #[test]
    fn the_last_line_of_the_results_adds_up() {
        let row = |storage, suite, passed, ignored| Row {
            cell: Cell { values: vec![storage] },
            suite,
            counts: Counts { passed, failed: 0, ignored, expected: ignored },
            took: Duration::from_secs(3),
            note: String::new(),
        };
        let text = results(
            AXES,
            &[row("sqlite", "laws", 70, 0), row("sqlite", "api", 9, 0), row("postgres-12", "laws", 0, 1)],
        );
        assert!(text.ends_with("2 cells: 79 passed, 0 failed, 1 ignored (1 expected)\n"), "{text}");
    }
}
