//! The table at the end of a run, and its last line.

use super::Tally;
use std::fmt::Write;

/// One step's outcome.
pub(super) struct Line {
    pub(super) step: &'static str,
    pub(super) tally: Tally,
    pub(super) seconds: u64,
}

/// The table; its last line is `N passed, N failed, N skipped`.
pub(super) fn table(lines: &[Line]) -> String {
    let mut text = format!(
        "{:<12} {:<7} {:>7} {:>7} {:>7} {:>8}  note\n",
        "step", "result", "passed", "failed", "skipped", "seconds"
    );
    let mut sum = Tally::default();
    for Line { step, tally, seconds } in lines {
        let result = match tally {
            Tally { failed: 1.., .. } => "FAILED",
            Tally { passed: 0, skipped: 1.., .. } => "skipped",
            _ => "ok",
        };
        let Tally { passed, failed, skipped, note } = tally;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{step:<12} {result:<7} {passed:>7} {failed:>7} {skipped:>7} {seconds:>8}  {note}"
        );
        sum.passed += passed;
        sum.failed += failed;
        sum.skipped += skipped;
    }
    let _ = writeln!(text, "{} passed, {} failed, {} skipped", sum.passed, sum.failed, sum.skipped);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_adds_up_and_stands_alone() {
        let failed = Tally { passed: 2, failed: 1, skipped: 0, note: "why".into() };
        let lines = [
            Line { step: "a", tally: Tally::passed(3, ""), seconds: 1 },
            Line { step: "b", tally: failed, seconds: 2 },
            Line { step: "c", tally: Tally::skipped("no data"), seconds: 0 },
        ];
        let table = table(&lines);
        assert_eq!(table.lines().last(), Some("5 passed, 1 failed, 1 skipped"));
        let results: Vec<_> =
            table.lines().skip(1).take(3).map(|line| line.split_whitespace().nth(1)).collect();
        assert_eq!(results, [Some("ok"), Some("FAILED"), Some("skipped")]);
    }
}
