//! `matrix`: the conformance kits on the combinations of what the product supports.
//!
//! A cell is a combination, as data in `axes.rs`. In each one the whole product is started and used; what
//! depends on the database alone, its driver's kit and the server's API, runs in the first cell that has it.
//! The run ends with a table of the cells and their counts, and fails if a test failed or if more or fewer
//! were ignored than this machine explains. The databases are those of `rtmx-containers`, which never
//! starts an engine: [`Databases::ready`] does, before the first cell.

mod axes;
mod chart;
mod table;

use crate::suite::record::Record;
use crate::suite::{Filter, Outcome, Verdict, build_some, run_binary, with_cluster};
use crate::workspace::Workspace;
use crate::{Result, engine, needs};
use axes::{AXES, Cell, OF_THE_CHART};
use axes::{CONFIGURATION, LICENSE, SERVERS, STORAGE};
pub(crate) use chart::on_cluster;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use table::Row;

/// What runs in a cell.
struct Suite {
    name: &'static str,
    /// The facade's, if not the storage driver's.
    of_the_facade: bool,
    target: &'static str,
    /// Whether the other axes make no difference to it.
    of_storage_alone: bool,
    /// The databases that every run has it on; `None` for all. A full run has all of them.
    in_every_run: Option<[&'static str; 2]>,
}

/// The oldest and the newest PostgreSQL. What has no storage of its own runs on memory in another step.
const ENDS: [&str; 2] = ["postgres-12", "postgres-18"];
/// The program of the suite `product`, and its test of a cell as a whole; the others of it know only where
/// the settings are.
const PRODUCT: &str = "combination";
const OF_THE_CELL: &str = "the_product_works_in_this_combination";
const SUITES: [Suite; 3] = [
    Suite {
        name: "laws",
        of_the_facade: false,
        target: "conformance",
        of_storage_alone: true,
        in_every_run: None,
    },
    Suite {
        name: "api",
        of_the_facade: true,
        target: "api",
        of_storage_alone: true,
        in_every_run: Some(ENDS),
    },
    Suite {
        name: "product",
        of_the_facade: true,
        target: PRODUCT,
        of_storage_alone: false,
        in_every_run: None,
    },
];
/// A version that every machine has which has any.
const DEFAULT_VERSION: u16 = 18;
/// The kit and the databases' own tests take minutes on a busy machine.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Of the databases' own tests of one version, those that have a meaning in containers only.
const NEED_CONTAINERS: usize = 2;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Print the cells, and run nothing
    #[arg(long)]
    list: bool,
    /// Every cell, as before a release; else few that cover every pair
    #[arg(long)]
    full: bool,
}

/// What a run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) ignored: usize,
    /// How many are ignored on a machine like this.
    pub(crate) expected: usize,
}

/// What the PostgreSQL of a run is on this machine.
#[derive(Debug, Clone)]
pub(crate) enum Databases {
    /// Containers of this engine.
    Containers { engine: String },
    /// Its programs, for this reason.
    Processes { reason: String },
    /// Nothing, for this reason.
    None { reason: String },
}

impl Databases {
    /// Brings up what this machine can have.
    ///
    /// # Errors
    ///
    /// If an engine that should be there cannot be made.
    pub(crate) fn ready(workspace: &Workspace) -> Result<Databases> {
        let made_of = [needs::MMDEBSTRAP, needs::NPM];
        Ok(match engine::ensure(workspace)? {
            Ok(engine) => {
                needs::ensure(&made_of)?;
                Databases::Containers { engine }
            }
            Err(reason) => match needs::ensure(&[needs::NPM]) {
                Ok(()) => Databases::Processes { reason },
                Err(lack) => Databases::None { reason: format!("{reason}, and {lack}") },
            },
        })
    }

    /// Whether they are in containers, as a customer has them on a machine of their own.
    pub(crate) fn is_real(&self) -> bool {
        matches!(self, Databases::Containers { .. })
    }

    /// What they are, in words.
    pub(crate) fn note(&self) -> String {
        match self {
            Databases::Containers { engine } => format!("containers, engine {engine}"),
            Databases::Processes { reason } => {
                format!("its programs stood in for containers, because {reason}")
            }
            Databases::None { reason } => reason.clone(),
        }
    }

    /// The variables that tell the tests which versions there are, such as `12,18`.
    pub(crate) fn variables(&self, version: &str) -> Vec<(&'static str, String)> {
        let mut variables = vec![("RTMX_TEST_POSTGRES", version.to_owned())];
        if matches!(self, Databases::Processes { .. }) {
            variables.push(("RTMX_TEST_POSTGRES_PROCESSES", "1".to_owned()));
        }
        variables
    }
}

/// Prints the cells, or runs them.
///
/// # Errors
///
/// If a cell fails, or more or fewer tests are ignored than this machine explains.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.list {
        print!("{}\nthe chart, on a cluster\n", table::list(AXES, &axes::covering(AXES)));
        print!("{}", table::list(OF_THE_CHART, &axes::touching(OF_THE_CHART)));
        return Ok(());
    }
    needs::ensure(&[needs::C_COMPILER])?;
    let workspace = Workspace::read()?;
    let mut counts = cells(&workspace, arguments.full)?;
    if arguments.full {
        // Without it they are few, and a part of `cargo xtask test helm`.
        let of_the_chart = with_cluster(&workspace, |variables| on_cluster(&workspace, variables, true))?;
        match of_the_chart {
            Ok(more) => counts = counts.and(more),
            Err(reason) => println!("the cells of the chart are left out: {reason}"),
        }
    }
    counts.verdict()
}

/// Runs the cells and prints their table.
///
/// # Errors
///
/// If something does not compile or cannot be started.
pub(crate) fn cells(workspace: &Workspace, full: bool) -> Result<Counts> {
    let cells = if full { axes::every(AXES) } else { axes::covering(AXES) };
    let databases = Databases::ready(workspace)?;
    let mut record = Record::read(workspace).unwrap_or_default();
    let first = own_tests(workspace, &databases, &cells)?;
    let (mut rows, mut met, mut sources) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for cell in cells {
        let storage = cell.value(AXES, STORAGE).unwrap_or_default();
        let is_refused = cell.refusal(AXES).is_some();
        let is_first = !is_refused && met.insert(storage);
        let runs = |suite: &&Suite| {
            let here = full || suite.in_every_run.is_none_or(|storages| storages.contains(&storage));
            here && (is_first || !suite.of_storage_alone)
        };
        for suite in SUITES.iter().filter(runs) {
            println!("  {} {}", cell.values.join(" "), suite.name);
            let mut filter = Filter::default();
            if suite.target == PRODUCT && (is_refused || !sources.insert(cell.value(AXES, CONFIGURATION))) {
                filter.names.push(OF_THE_CELL.to_owned());
            }
            rows.push(run_cell(workspace, &databases, &cell, suite, &filter, &mut record)?);
        }
    }
    record.write(workspace)?;
    print!("\n{}", table::results(AXES, &rows));
    Ok(rows.iter().fold(first, |sum, row| sum.and(row.counts)))
}

/// The databases' own tests, so that a cell does not fail for what is none of its driver's.
fn own_tests(workspace: &Workspace, databases: &Databases, cells: &[Cell]) -> Result<Counts> {
    let supported = cells.iter().filter(|cell| cell.refusal(AXES).is_none());
    let versions = supported.filter_map(|cell| cell.value(AXES, STORAGE)?.strip_prefix("postgres-"));
    let versions: BTreeSet<_> = versions.collect();
    let per_version = match databases {
        Databases::Containers { .. } => 0,
        Databases::Processes { .. } => NEED_CONTAINERS,
        Databases::None { .. } => return Ok(Counts::default()),
    };
    let list = versions.iter().copied().collect::<Vec<_>>().join(",");
    let variables = databases.variables(&list);
    let (all, mut record) = (Filter::default(), Record::default());
    let counts = run_tests(workspace, "rtmx-containers", "real", &all, &variables, &mut record)?;
    let counts = Counts { expected: per_version * versions.len(), ..counts };
    println!("  databases: {}", databases.note());
    println!(
        "  {} of their own tests passed, {} failed, {} ignored",
        counts.passed, counts.failed, counts.ignored
    );
    Ok(counts)
}

/// Runs one test target.
fn run_tests(
    workspace: &Workspace,
    package: &str,
    target: &str,
    filter: &Filter,
    variables: &[(&str, String)],
    record: &mut Record,
) -> Result<Counts> {
    let mut counts = Counts::default();
    for binary in build_some(&workspace.root, &[(package, target)])? {
        let outcome = run_binary(&binary, filter, variables, LIMIT)?;
        counts = counts.and(Counts::of(&outcome));
        if let Some(trouble) = &outcome.trouble {
            println!("{trouble}");
        }
        record.add(&binary, &outcome.tests);
    }
    Ok(counts)
}

fn run_cell(
    workspace: &Workspace,
    databases: &Databases,
    cell: &Cell,
    suite: &Suite,
    filter: &Filter,
    record: &mut Record,
) -> Result<Row> {
    let value = |axis| cell.value(AXES, axis).unwrap_or_default();
    let (storage, name) = (value(STORAGE), suite.name);
    let (driver, version) = storage.split_once('-').unwrap_or((storage, ""));
    let of_postgres = !version.is_empty();
    if let Databases::None { reason } = databases
        && of_postgres
    {
        // What cannot run counts as one test.
        let counts = Counts { ignored: 1, expected: 1, ..Counts::default() };
        return Ok(Row {
            cell: cell.clone(),
            suite: name,
            counts,
            took: Duration::ZERO,
            note: reason.clone(),
        });
    }
    let started = Instant::now();
    let refusal = cell.refusal(AXES);
    let mut variables = match refusal {
        // What is refused is no version that tests of other things may ask for.
        None if of_postgres => databases.variables(version),
        Some(_) if of_postgres => databases.variables(&DEFAULT_VERSION.to_string()),
        _ => Vec::new(),
    };
    let found = workspace.target.join("matrix-database-version");
    // There is none yet the first time.
    let _ = std::fs::remove_file(&found);
    variables.push(("RTMX_TEST_VERSION_OUT", found.display().to_string()));
    variables.push(("RTMX_TEST_SERVERS", value(SERVERS).to_owned()));
    variables.extend(refusal.map(|code| ("RTMX_TEST_REFUSED", code.to_owned())));
    variables.push(("RTMX_TEST_STORAGE", storage.to_owned()));
    variables.push(("RTMX_TEST_CONFIG", value(CONFIGURATION).to_owned()));
    variables.push(("RTMX_TEST_LICENSE", value(LICENSE).to_owned()));
    let package = if suite.of_the_facade { "rtmx".to_owned() } else { format!("rtmx-storage-{driver}") };
    let counts = run_tests(workspace, &package, suite.target, filter, &variables, record)?;
    let version = std::fs::read_to_string(&found).map(|version| format!("PostgreSQL {version}"));
    let refused = refusal.map(|code| format!("refused: {code}"));
    let engine = of_postgres.then(|| databases.note());
    let note: Vec<String> = [refused, version.ok(), engine].into_iter().flatten().collect();
    let note = note.join(", ");
    Ok(Row { cell: cell.clone(), suite: name, counts, took: started.elapsed(), note })
}

impl Counts {
    /// What a program came to.
    fn of(outcome: &Outcome) -> Counts {
        let count = |wanted| outcome.tests.iter().filter(|(_, verdict)| *verdict == wanted).count();
        // A program that dies, or runs nothing, is a failure all the same.
        let lost = outcome.trouble.is_some() || outcome.tests.is_empty();
        Counts {
            passed: count(Verdict::Passed),
            failed: count(Verdict::Failed).max(usize::from(lost)),
            ignored: count(Verdict::Skipped),
            expected: 0,
        }
    }

    fn and(self, other: Counts) -> Counts {
        Counts {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            ignored: self.ignored + other.ignored,
            expected: self.expected + other.expected,
        }
    }

    /// What is wrong, if anything.
    ///
    /// # Errors
    ///
    /// If a test failed, or the number of those that were ignored is not what it should be.
    pub(crate) fn verdict(self) -> Result<()> {
        let Counts { failed, ignored, expected, .. } = self;
        match (failed, ignored) {
            (1.., _) => Err(format!("{failed} tests failed")),
            (0, found) if found != expected => {
                Err(format!("{found} tests were ignored, and this machine explains {expected}"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_without_an_explanation_fails_the_run() {
        // passed, failed, ignored, expected, fine
        let cases = [
            (9, 0, 0, 0, true),
            (9, 0, 1, 1, true),
            (9, 0, 1, 0, false),
            (9, 0, 0, 1, false),
            (9, 1, 0, 0, false),
        ];
        for (passed, failed, ignored, expected, fine) in cases {
            let counts = Counts { passed, failed, ignored, expected };
            assert_eq!(counts.verdict().is_ok(), fine, "{counts:?}");
        }
    }

    #[test]
    fn each_version_is_asked_of_the_driver_by_name() {
        let containers = Databases::Containers { engine: "29".into() };
        assert_eq!(containers.variables("16"), [("RTMX_TEST_POSTGRES", "16".to_owned())]);
        let processes = Databases::Processes { reason: "there is none".into() };
        assert!(processes.variables("16").contains(&("RTMX_TEST_POSTGRES_PROCESSES", "1".to_owned())));
        assert!(processes.note().contains("stood in for containers"));
    }
}
