//! `test`: sets up what the tests need, runs all of them, and counts what was and was not run.
//!
//! [`STEPS`] is the list. A step that fails does not keep the later ones from running, so one run
//! shows everything that is wrong. What cannot run on this machine is counted as skipped, with the
//! reason; it never counts as passed.

mod binaries;
mod browser;
mod chart;
mod checks;
mod image;
pub(crate) mod record;
mod suites;
mod summary;

use crate::workspace::Workspace;
use crate::{Result, needs};
use std::time::{Duration, Instant};
use summary::Line;

pub(crate) use binaries::{Binary, Filter, Outcome, Verdict, build, build_some, run_binary};
pub(crate) use image::with_cluster;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The steps to run; all when none is named
    steps: Vec<String>,
    /// Run the long forms, as before a release
    #[arg(long)]
    full: bool,
    /// Count a step as skipped when it could not end within so many minutes of the beginning
    #[arg(long, value_name = "N", env = "RTMX_TEST_MINUTES")]
    minutes: Option<u64>,
}

/// What a step counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
    /// What a reader should know besides the counts.
    note: String,
    /// What each failure said, for the end of the run, where it is looked for.
    failures: Vec<String>,
}

impl Tally {
    fn passed(passed: usize, note: impl Into<String>) -> Tally {
        Tally { passed, note: note.into(), ..Tally::default() }
    }

    fn skipped(reason: impl Into<String>) -> Tally {
        Tally { skipped: 1, note: reason.into(), ..Tally::default() }
    }

    /// Both together.
    fn and(mut self, other: Tally) -> Tally {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
        self
    }

    /// Fails a step that skipped more or less than a machine of this class explains.
    fn with_skipped(mut self, expected: usize) -> Tally {
        if self.skipped != expected {
            self.failed += 1;
            let skipped = self.skipped;
            self.note = format!("{skipped} skipped, and this machine explains {expected}. {}", self.note);
        }
        self
    }

    /// Fails a step that ran less than it should have: tests that vanish would else go unnoticed.
    fn with_floor(mut self, floor: usize) -> Tally {
        let ran = self.passed + self.failed;
        if ran < floor {
            self.failed += 1;
            self.note = format!("{ran} ran, and at least {floor} should: tests are missing. {}", self.note);
        } else {
            self.note = format!("floor {floor}. {}", self.note);
        }
        self
    }
}

/// What the steps share.
struct Suite {
    workspace: Workspace,
    full: bool,
}

struct Step {
    name: &'static str,
    what: &'static str,
    /// How long it takes on two busy cores, in minutes; 0 for what is always run.
    minutes: u64,
    run: fn(&Suite) -> Result<Tally>,
}

impl Step {
    /// Whether it ends within so many minutes of the beginning, if it is begun now.
    fn fits(&self, elapsed: Duration, limit: u64) -> bool {
        self.minutes == 0
            || elapsed + Duration::from_secs(60 * self.minutes) <= Duration::from_secs(60 * limit)
    }
}

const STEPS: &[Step] = &[
    Step { name: "fmt", what: "every file is formatted", minutes: 0, run: checks::fmt },
    Step { name: "tidy", what: "the rules of the workspace hold", minutes: 0, run: checks::tidy },
    Step { name: "clippy", what: "no lint is raised", minutes: 0, run: checks::clippy },
    Step { name: "deny", what: "licenses, bans and sources are in order", minutes: 0, run: checks::deny },
    Step { name: "audit", what: "no advisory applies", minutes: 0, run: checks::audit },
    Step { name: "tests", what: "unit and integration tests", minutes: 0, run: suites::tests },
    Step { name: "doctests", what: "examples in the documentation", minutes: 0, run: suites::doctests },
    Step { name: "doc", what: "the documentation builds without a warning", minutes: 0, run: checks::doc },
    Step {
        name: "sqlite-3.35",
        what: "schema and statements on a real SQLite 3.35",
        minutes: 1,
        run: suites::sqlite_335,
    },
    Step {
        name: "features",
        what: "each feature of the facade compiles alone",
        minutes: 2,
        run: checks::features,
    },
    Step {
        name: "kill",
        what: "the server is killed under concurrent writers",
        minutes: 3,
        run: suites::kill,
    },
    Step { name: "crash", what: "power is lost under the SQLite driver", minutes: 12, run: suites::crash },
    Step { name: "systemd", what: "units on machines that run systemd", minutes: 4, run: suites::systemd },
    Step {
        name: "matrix",
        what: "the conformance kits on the combinations of what is supported",
        minutes: 12,
        run: suites::matrix,
    },
    Step {
        name: "postgres",
        what: "the customer's database, and what it does in life",
        minutes: 8,
        run: suites::postgres,
    },
    Step {
        name: "image",
        what: "the container image, as engines and registries see it",
        minutes: 8,
        run: image::image,
    },
    Step {
        name: "compose",
        what: "the committed Compose files come up, and keep what is written",
        minutes: 6,
        run: image::compose,
    },
    Step {
        name: "helm",
        what: "the chart is installed on a real cluster, and keeps what is written",
        minutes: 18,
        run: image::helm,
    },
    Step {
        name: "chart",
        what: "the committed charts as Helm 3 and 4 see them, held to schemas",
        minutes: 10,
        run: chart::chart,
    },
    Step {
        name: "bench",
        what: "ratios to the peers, and growth, are as wanted",
        minutes: 12,
        run: suites::bench,
    },
    Step { name: "browser", what: "the dashboard in a real browser", minutes: 8, run: browser::browser },
    Step { name: "fuzz", what: "the parsers meet generated input", minutes: 5, run: suites::fuzz },
    Step { name: "trace", what: "what is marked COMPLETE is proven", minutes: 0, run: checks::trace },
];

/// Runs the steps and prints the table.
///
/// # Errors
///
/// If a step fails, or a name is not one of a step.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let steps = chosen(&arguments.steps)?;
    needs::ensure(&[needs::C_COMPILER])?;
    let suite = Suite { workspace: Workspace::read()?, full: arguments.full };
    let (mut lines, begun) = (Vec::new(), Instant::now());
    for (at, step) in steps.iter().enumerate() {
        let minutes = begun.elapsed().as_secs() / 60;
        println!("\n[{}/{}, after {minutes} min] {}: {}", at + 1, steps.len(), step.name, step.what);
        let started = Instant::now();
        let run = || match arguments.minutes.filter(|limit| !step.fits(begun.elapsed(), *limit)) {
            Some(limit) => Ok(Tally::skipped(format!("it takes {} of {limit} minutes", step.minutes))),
            None => (step.run)(&suite),
        };
        let tally = run().unwrap_or_else(|message| {
            println!("{message}");
            let note = message.lines().next().unwrap_or_default().to_owned();
            Tally { failed: 1, note, failures: vec![message], ..Tally::default() }
        });
        lines.push(Line { step: step.name, tally, seconds: started.elapsed().as_secs() });
    }
    print!("{}\n{}", summary::failures(&lines), summary::table(&lines));
    let failed = lines.iter().filter(|line| line.tally.failed > 0).count();
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of {} steps failed", lines.len())) }
}

fn chosen(names: &[String]) -> Result<Vec<&'static Step>> {
    let known = || STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(", ");
    let unknown = names.iter().find(|name| !STEPS.iter().any(|step| step.name == **name));
    if let Some(name) = unknown {
        return Err(format!("there is no step `{name}`: there are {}", known()));
    }
    let wanted = |step: &&Step| names.is_empty() || names.iter().any(|name| name == step.name);
    Ok(STEPS.iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_step_is_refused_with_the_known_ones() {
        let error = chosen(&["tset".to_owned()]).err().expect("there is no such step");
        assert!(error.contains("`tset`") && error.contains("tidy"), "{error}");
        assert_eq!(chosen(&[]).map(|steps| steps.len()), Ok(STEPS.len()));
        assert_eq!(chosen(&["matrix".to_owned()]).map(|steps| steps.len()), Ok(1));
    }

    #[test]
    fn a_step_that_would_end_too_late_is_not_begun() {
        let step = |minutes| Step { name: "s", what: "it runs", minutes, run: |_| Ok(Tally::default()) };
        // minutes of the step, minutes that have passed, limit, whether it is begun
        for (minutes, passed, limit, begun) in
            [(5, 0, 5, true), (5, 1, 5, false), (0, 90, 5, true), (12, 60, 80, true), (12, 70, 80, false)]
        {
            let fits = step(minutes).fits(Duration::from_secs(60 * passed), limit);
            assert_eq!(fits, begun, "{minutes} after {passed} of {limit}");
        }
    }

    #[test]
    fn more_or_fewer_skipped_than_explained_fail_the_step() {
        let skipped = Tally { skipped: 2, ..Tally::passed(9, "") };
        assert_eq!(skipped.clone().with_skipped(2).failed, 0);
        assert_eq!(skipped.clone().with_skipped(1).failed, 1);
        assert_eq!(skipped.with_skipped(3).failed, 1);
    }

    #[test]
    fn fewer_tests_than_the_floor_fail_the_step() {
        assert_eq!(Tally::passed(10, "").with_floor(10).failed, 0);
        assert_eq!(Tally::passed(9, "").with_floor(10).failed, 1);
    }
}
