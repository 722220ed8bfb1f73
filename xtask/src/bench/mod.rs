//! `bench`: what the release build costs, beside its peers, in one run.
//!
//! Machines differ and are shared, so the product and the others are asked in turns and compared by
//! ratios of medians. The order of a run is in [`Run::measure`]; what is wanted is in `questions.rs`
//! and `gates.rs`. Deliberately absent: the benchmarks of single functions (`cargo bench -p
//! rtmx-bench`), and the load itself, which is a program of the release build (`benches/`), so that
//! this one does not take the processor from what it measures.

mod beside;
mod child;
mod config;
mod data;
mod database;
mod gates;
mod license;
mod load;
mod machine;
mod measure;
mod page;
mod peers;
mod questions;
mod results;
mod site;
mod starts;
mod table;

use crate::Result;
use crate::release::{self, Target};
use crate::workspace::Workspace;
use beside::Area;
use gates::{Gate, Strictness, Verdict};
use machine::Machine;
use peers::Tool;
use questions::{LOOKS, Pages, Question};
use results::Results;
use serde_json::json;
use site::Site;
use std::path::{Path, PathBuf};

/// The page of the handbook that a whole run writes.
const PAGE: &str = "docs/handbook/performance.md";
/// How often a gate that does not hold is measured again.
const RETRIES: usize = 2;
/// Clients at once.
const CLIENTS: [usize; 3] = [1, 8, 64];

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Measure little, and judge ratios only, with room for a noisy machine; the handbook stays as it is
    #[arg(long)]
    quick: bool,
    /// Print the results as JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Measure beside this binary of the Go tool; it is in no registry. Its server must listen on
    /// 127.0.0.1 only
    #[arg(long, value_name = "PATH")]
    go_rtmx: Option<PathBuf>,
}

/// The programs of the release build.
#[derive(Debug)]
pub(crate) struct Release {
    server: PathBuf,
    tool: PathBuf,
    load: PathBuf,
}

/// How much is measured.
#[derive(Debug)]
struct Effort {
    sizes: &'static [usize],
    /// Turns of the product and the others.
    rounds: usize,
    /// How often a question is asked in a round.
    requests: usize,
    /// How long in a round, in seconds, if that is shorter.
    seconds: f64,
    /// How often a question is asked of a head that is new.
    after_writes: usize,
    /// How often a page is asked for by all clients together, while processor time is counted.
    loaded_requests: usize,
    starts: usize,
}

const WHOLE: Effort = Effort {
    sizes: &[1_000, 10_000, 100_000],
    rounds: 3,
    requests: 300,
    seconds: 4.0,
    after_writes: 5,
    loaded_requests: 4_000,
    starts: 20,
};
const QUICK: Effort = Effort {
    sizes: &[1_000, 10_000],
    rounds: 2,
    requests: 60,
    seconds: 1.0,
    after_writes: 3,
    loaded_requests: 1_500,
    starts: 3,
};

/// What a run found, and what was made of it.
#[derive(Debug)]
pub(crate) struct Report {
    results: Results,
    verdicts: Vec<Verdict>,
}

impl Report {
    /// How many gates hold, how many do not, and what was left out.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let held = self.verdicts.iter().filter(|verdict| verdict.holds).count();
        (held, self.verdicts.len() - held, self.results.left_out.len())
    }
}

/// Measures, prints and writes.
///
/// # Errors
///
/// If something cannot be measured, or a gate does not hold.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::read()?;
    let (effort, strictness) =
        if arguments.quick { (&QUICK, Strictness::Roomy) } else { (&WHOLE, Strictness::Wanted) };
    let report = measured(&workspace, effort, strictness, arguments.go_rtmx.as_deref())?;
    let report = report.ok_or("the generator of matrices is not here: ../shared/tools/gen_rtm.py")?;
    let Report { results, verdicts } = &report;
    let document = json!({ "results": results, "verdicts": verdicts });
    write(&workspace.target.join("bench/latest.json"), &format!("{document:#}\n"))?;
    if arguments.json {
        println!("{document:#}");
    } else {
        print!("{}", table::whole(results, verdicts));
    }
    if !arguments.quick {
        write(&workspace.root.join(PAGE), &page::text(results, verdicts))?;
    }
    match report.counts() {
        (_, 0, _) => Ok(()),
        (held, failed, _) => Err(format!("{failed} of {} figures are not as wanted", held + failed)),
    }
}

/// The short run, for `test`. `None` without the generator of matrices.
///
/// # Errors
///
/// If something cannot be measured.
pub(crate) fn quick(workspace: &Workspace) -> Result<Option<Report>> {
    let report = measured(workspace, &QUICK, Strictness::Roomy, None)?;
    if let Some(Report { results, verdicts }) = &report {
        print!("{}", table::whole(results, verdicts));
    }
    Ok(report)
}

fn measured(
    workspace: &Workspace,
    effort: &'static Effort,
    strictness: Strictness,
    go: Option<&Path>,
) -> Result<Option<Report>> {
    if !data::is_here(workspace) {
        return Ok(None);
    }
    let dir = workspace.target.join("bench");
    std::fs::create_dir_all(&dir).map_err(|error| format!("could not make {}: {error}", dir.display()))?;
    let release = Release::build(workspace)?;
    let sqlite = peers::sqlite::version()?;
    let (mut tools, mut left_out) = (Vec::new(), Vec::new());
    match peers::python::tool(workspace)? {
        Ok(tool) => tools.push(tool),
        Err(reason) => left_out.push(format!("the Python tool: {}", first_line(&reason))),
    }
    match go {
        Some(program) => tools.push(peers::go::tool(program)?),
        None => left_out.push("the Go tool: no binary was given by `--go-rtmx`".to_owned()),
    }
    let machine = Machine::look(workspace, &release.server, &tools, &sqlite)?;
    let mut results = Results::new(machine);
    results.left_out = left_out;
    let mut run = Run { release, dir, effort, sites: Vec::new(), results };
    run.measure(workspace, &tools)?;
    let verdicts = run.judged(workspace, strictness)?;
    Ok(Some(Report { results: run.results, verdicts }))
}

/// A run: its servers end with it.
struct Run {
    release: Release,
    dir: PathBuf,
    effort: &'static Effort,
    sites: Vec<Site>,
    results: Results,
}

impl Run {
    fn measure(&mut self, workspace: &Workspace, tools: &[Tool]) -> Result<()> {
        progress("start");
        self.results.starts = starts::measure(&self.release, &self.dir, self.effort.starts)?;
        let sizes = self.effort.sizes.iter();
        let matrices = sizes.map(|rows| data::matrix(workspace, &self.dir, *rows));
        let matrices: Vec<_> = matrices.collect::<Result<_>>()?;
        for matrix in &matrices {
            progress(&format!("import, {} rows", matrix.rows));
            self.results.put(measure::import(&self.release, &self.dir, matrix, self.effort)?);
        }
        for matrix in matrices {
            progress(&format!("everybody with {} rows", matrix.rows));
            let site = Site::open(&self.release, &self.dir, matrix, tools)?;
            for serving in &site.others {
                let told = serving.trouble().map(first_line);
                let name = serving.kind().name();
                let rows = site.matrix.rows;
                let told = told.map(|why| format!("the server of the {name} tool at {rows} rows: {why}"));
                self.results.left_out.extend(told);
            }
            self.sites.push(site);
        }
        for question in Question::ALL.into_iter().filter(|question| *question != Question::Import) {
            progress(question.name());
            for site in &self.sites {
                self.results.put(measure::question(&self.release, site, question, self.effort)?);
            }
        }
        for pages in Pages::ALL {
            for clients in CLIENTS {
                self.measure_cost(pages, clients)?;
            }
        }
        for (page, _) in LOOKS {
            progress(&format!("dashboard, {page}"));
            for site in &self.sites {
                self.results.put_look(measure::look(&self.release, site, page, self.effort)?);
            }
        }
        self.results.memory = self.sites.iter().map(measure::memory).collect::<Result<_>>()?;
        self.measure_license(workspace)?;
        self.measure_config(workspace)?;
        self.measure_database(workspace)
    }

    fn measure_config(&mut self, workspace: &Workspace) -> Result<()> {
        progress("configurations, beside bare reading and parsing");
        self.results.config = Some(config::measure(workspace, &self.dir)?);
        Ok(())
    }

    fn measure_license(&mut self, workspace: &Workspace) -> Result<()> {
        progress("licenses, beside the bare signature");
        let license = license::measure(workspace, &self.dir)?;
        self.results.left_out.extend(license.left_out.iter().map(|reason| format!("licenses: {reason}")));
        self.results.license = Some(license);
        Ok(())
    }

    /// At the largest size.
    fn measure_database(&mut self, workspace: &Workspace) -> Result<()> {
        progress("PostgreSQL, with the driver and without");
        let rows = self.effort.sizes.iter().copied().max().unwrap_or_default();
        match database::measure(workspace, &self.dir, rows)? {
            Ok(database) => self.results.database = Some(database),
            Err(reason) => self.results.left_out.push(format!("PostgreSQL: {reason}")),
        }
        Ok(())
    }

    /// At the largest size: only its pages are more than the server remembers.
    fn measure_cost(&mut self, pages: Pages, clients: usize) -> Result<()> {
        progress(&format!("processor time, {}, {clients} clients", pages.name()));
        let Some(site) = self.sites.last() else { return Ok(()) };
        self.results.put_cost(measure::cost(&self.release, site, pages, clients, self.effort)?);
        Ok(())
    }

    /// Judges; what does not hold is measured again, because somebody else may have used the machine.
    fn judged(&mut self, workspace: &Workspace, strictness: Strictness) -> Result<Vec<Verdict>> {
        for _ in 0..RETRIES {
            let failed: Vec<Gate> = gates::judge(&self.results, strictness)
                .into_iter()
                .filter(|verdict| !verdict.holds)
                .map(|verdict| verdict.gate)
                .collect();
            let area = |gate: &Gate| match gate {
                Gate::Beside { work } => Some(work.area()),
                Gate::Entitled => Some(Area::License),
                Gate::ConfigLoad => Some(Area::Config),
                Gate::DriverPage { .. } => Some(Area::Database),
                _ => None,
            };
            let failed_in = |wanted: Area| failed.iter().any(|gate| area(gate) == Some(wanted));
            if failed_in(Area::Config) {
                println!("  again: configurations");
                self.measure_config(workspace)?;
            }
            if failed_in(Area::License) {
                println!("  again: licenses");
                self.measure_license(workspace)?;
            }
            if failed_in(Area::Database) {
                println!("  again: PostgreSQL");
                self.measure_database(workspace)?;
            }
            for gate in failed.into_iter().filter(|gate| area(gate).is_none()) {
                println!("  again: {}", gate.name());
                self.measure_again(gate)?;
            }
        }
        Ok(gates::judge(&self.results, strictness))
    }

    fn measure_again(&mut self, gate: Gate) -> Result<()> {
        let (question, sizes) = match gate {
            Gate::Processor { pages, clients } => return self.measure_cost(pages, clients),
            Gate::Look { page, rows } | Gate::Weight { page, rows } => {
                for site in self.sites.iter().filter(|site| site.matrix.rows == rows) {
                    self.results.put_look(measure::look(&self.release, site, page, self.effort)?);
                }
                return Ok(());
            }
            Gate::Memory { .. }
            | Gate::Beside { .. }
            | Gate::DriverPage { .. }
            | Gate::Entitled
            | Gate::ConfigLoad => {
                return Ok(());
            }
            Gate::Import { rows } => (Question::Import, vec![rows]),
            Gate::Time { question, rows } | Gate::Peer { question, rows, .. } => (question, vec![rows]),
            Gate::Growth { question, rows } => (question, vec![rows / 10, rows]),
        };
        for site in self.sites.iter().filter(|site| sizes.contains(&site.matrix.rows)) {
            self.results.put(match question {
                Question::Import => measure::import(&self.release, &self.dir, &site.matrix, self.effort)?,
                _ => measure::question(&self.release, site, question, self.effort)?,
            });
        }
        Ok(())
    }
}

impl Release {
    /// Builds the programs, or finds them built.
    fn build(workspace: &Workspace) -> Result<Release> {
        let target = Target::of_this_machine()?;
        let release::Release { server, tool, .. } = release::build(workspace, target)?;
        // Apart from them, so that what each depends on is what others build of it too.
        let (mut load, _) = release::programs(workspace, target, "rtmx-bench", &["rtmx-load"])?;
        Ok(Release { server, tool, load: load.remove(0) })
    }
}

fn progress(what: &str) {
    eprintln!("  {what}");
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn write(file: &Path, text: &str) -> Result<()> {
    let told = |error: std::io::Error| format!("could not write {}: {error}", file.display());
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(told)?;
    }
    std::fs::write(file, text).map_err(told)?;
    eprintln!("written to {}", file.display());
    Ok(())
}
