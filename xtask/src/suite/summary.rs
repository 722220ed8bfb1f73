//! The table at the end of a run, and its last line.

use super::Tally;
use std::fmt::Write;

/// One step's outcome.
pub(super) struct Line {
    pub(super) step: &'static str,
    pub(super) tally: Tally,
    pub(super) seconds: u64,
}

/// Of a failure's text, no more than this many lines are said again.
const SAID_AGAIN: usize = 60;

/// What failed, by steps, once more: hours of output may lie between a failure and the table.
pub(super) fn failures(lines: &[Line]) -> String {
    let mut text = String::new();
    for Line { step, tally, .. } in lines {
        for failure in &tally.failures {
            let _ = write!(text, "\n{step} failed:\n{}", telling(failure));
        }
    }
    text
}

/// The end of a text, from where a test program begins to list its failures if it does.
fn telling(failure: &str) -> String {
    let mut parts = failure.splitn(2, "\nfailures:\n");
    let (all, list) = (parts.next().unwrap_or_default(), parts.next());
    let lines: Vec<_> = list.unwrap_or(all).lines().filter(|line| !line.trim().is_empty()).collect();
    let left_out = lines.len().saturating_sub(SAID_AGAIN);
    let mut text =
        all.lines().next().filter(|_| list.is_some()).map_or(String::new(), |head| format!("  {head}\n"));
    if left_out > 0 {
        text.push_str(&format!("  ({left_out} lines before these)\n"));
    }
    for line in lines.into_iter().skip(left_out) {
        let _ = writeln!(text, "  {line}");
    }
    text
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
        let Tally { passed, failed, skipped, note, failures: _ } = tally;
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
        let failed = Tally { failed: 1, ..Tally::passed(2, "why") };
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

    #[test]
    fn failures_are_said_again_without_what_passed() {
        let said = "tests/a.rs exit status: 101\nrunning 2 tests\ntest x ... ok\ntest y ... FAILED\n\n\
            failures:\n\n---- y stdout ----\nleft is not right\n\nfailures:\n    y\n";
        let one =
            Line { step: "a", tally: Tally { failures: vec![said.into()], ..Tally::default() }, seconds: 1 };
        let long = (0..100).map(|n| format!("line {n}\n")).collect::<String>();
        let two = Line { step: "b", tally: Tally { failures: vec![long], ..Tally::default() }, seconds: 1 };
        let text = failures(&[one, two]);
        let wanted = "\na failed:\n  tests/a.rs exit status: 101\n  ---- y stdout ----\n  left is not right\n\
            \x20 failures:\n      y\n\nb failed:\n  (40 lines before these)\n  line 40\n";
        assert!(text.starts_with(wanted), "{text}");
        assert!(text.ends_with("  line 99\n"), "{text}");
    }
}
