//! No write is lost or applied twice, whatever the network does and at whichever message.
//!
//! Each cell is one operation through a proxy that fails at one message. Then the failure ends, the same
//! call is made again until it answers, and what the database holds is compared with what the driver had
//! said. The cells are drawn with a fixed seed; `RTMX_FAULT_SEED` gives another, and `RTMX_FAULT_CELLS`
//! another number of them, or `all`. That the comparison can fail is shown by backends with a flaw.

#[path = "../support/mod.rs"]
mod support;

mod bench;
mod cells;
mod check;
mod flawed;
mod operation;
mod whole;

use bench::Bench;
use cells::{Cell, Draw};
use check::{Outcome, Verdict};
use flawed::Flaw;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use operation::Operation;
use rtmx_containers::{Postgres, versions};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use support::proxy::Fault;
use support::{Server, runtime};

/// How many cells run unless the environment says otherwise.
const CELLS: usize = 224;
/// How many run at a time, over all servers.
const AT_ONCE: usize = 8;
/// Fewer cells than this, planned or with a failure that came to pass, mean that the suite itself broke,
/// unless the environment asks for fewer.
const FLOOR: usize = 200;
/// Of the cells that are planned, so many have a failure that comes to pass.
const FLOOR_PERCENT: usize = 80;
const SEED: u64 = 0x7274_6d78;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut versions = versions().expect("RTMX_TEST_POSTGRES names versions");
    // The oldest and the newest of this run, in turn.
    versions.sort_unstable();
    versions.dedup_by_key(|version| *version);
    if versions.len() > 2 {
        versions.drain(1..versions.len() - 1);
    }
    let names: Vec<&str> = std::iter::once("cells").chain(Flaw::ALL.iter().map(|flaw| flaw.name())).collect();
    if let Err(reason) = Postgres::available() {
        let ignored = |name: &&str| {
            let reason = reason.clone();
            Trial::ignorable_test(*name, move || Ok(Completion::ignored_with(reason)))
        };
        return libtest_mimic::run(&arguments, names.iter().map(ignored).collect()).exit_code();
    }
    if arguments.list {
        let listed = names.iter().map(|name| Trial::test(*name, || Ok(())));
        return libtest_mimic::run(&arguments, listed.collect()).exit_code();
    }
    let runtime = Arc::new(runtime());
    let servers = versions.iter().map(|version| Arc::new(runtime.block_on(bench::prepared(*version))));
    let servers: Arc<[Arc<Server>]> = servers.collect();
    let mut trials = Vec::new();
    {
        let (runtime, servers) = (Arc::clone(&runtime), Arc::clone(&servers));
        trials.push(Trial::test("cells", move || runtime.block_on(all_cells(&servers))));
    }
    for flaw in Flaw::ALL {
        let (runtime, servers) = (Arc::clone(&runtime), Arc::clone(&servers));
        trials.push(Trial::test(flaw.name(), move || runtime.block_on(is_found(flaw, &servers[0]))));
    }
    let code = libtest_mimic::run(&arguments, trials).exit_code();
    drop(servers);
    code
}

/// How many cells the environment asks for; `None` for all.
fn wanted() -> Option<usize> {
    match std::env::var("RTMX_FAULT_CELLS") {
        Ok(all) if all == "all" => None,
        Ok(number) => Some(number.parse().expect("RTMX_FAULT_CELLS is a number or `all`")),
        Err(_) => Some(CELLS),
    }
}

async fn all_cells(servers: &Arc<[Arc<Server>]>) -> Result<(), Failed> {
    let seed = std::env::var("RTMX_FAULT_SEED");
    let seed = seed.map_or(SEED, |seed| seed.parse().expect("RTMX_FAULT_SEED is a number"));
    let begun = Instant::now();
    // The messages of each operation on each server, from a run without a failure.
    let mut recorded = Vec::new();
    for server in servers.iter() {
        let bench = Bench::open(server, "recording").await;
        let mut counts = BTreeMap::new();
        for operation in Operation::ALL {
            let recorded = if operation.is_of_the_whole() {
                Bench::of_its_own(server, operation).await.record(operation).await
            } else {
                bench.record(operation).await
            };
            counts.insert(operation, recorded);
        }
        recorded.push(counts);
    }
    let cells = Draw { seed, wanted: wanted() }.cells(&recorded);
    let planned = cells.len();
    let queues: Vec<_> = (0..servers.len())
        .map(|at| {
            let own: Vec<Cell> = cells.iter().filter(|cell| cell.server == at).copied().collect();
            Arc::new(Mutex::new(own.into_iter().rev().collect::<Vec<_>>()))
        })
        .collect();
    let workers = (0..AT_ONCE).map(|worker| {
        let at = worker % servers.len();
        let (server, queue) = (Arc::clone(&servers[at]), Arc::clone(&queues[at]));
        tokio::spawn(async move {
            let mut bench = Bench::open(&server, &format!("worker {worker}")).await;
            let mut verdicts = Vec::new();
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let Some(cell) = next else { return verdicts };
                if cell.operation.is_of_the_whole() {
                    let mut own = Bench::of_its_own(&server, cell.operation).await;
                    verdicts.push((cell, check::run(&mut own, &cell).await));
                    continue;
                }
                let verdict = check::run(&mut bench, &cell).await;
                if verdict.is_err() {
                    // What a flaw left behind is no matter of the next cell.
                    bench = Bench::open(&server, &format!("worker {worker} again")).await;
                }
                verdicts.push((cell, verdict));
            }
        })
    });
    let mut summary = Summary::default();
    for worker in workers.collect::<Vec<_>>() {
        for (cell, verdict) in worker.await.map_err(|error| error.to_string())? {
            summary.add(&cell, verdict);
        }
    }
    let versions: Vec<String> = servers.iter().map(|server| server.postgres.version().to_string()).collect();
    summary.print(seed, &versions.join(" and "), begun.elapsed());
    let least = wanted().map_or(FLOOR, |wanted| wanted.min(FLOOR));
    let floor = planned * FLOOR_PERCENT / 100;
    let floor = if least < FLOOR { floor } else { floor.max(FLOOR) };
    if planned < least || summary.fired < floor {
        let fired = summary.fired;
        let message = format!(
            "only {fired} failures came to pass of {planned} planned: {floor} of {least} are the least"
        );
        return Err(message.into());
    }
    if summary.violations.is_empty() {
        return Ok(());
    }
    let (count, shown) = (summary.violations.len(), summary.violations.iter().take(20));
    let shown: Vec<String> = shown.cloned().collect();
    Err(format!("{count} violations, seed {seed}:\n{}", shown.join("\n")).into())
}

/// A backend with a flaw is caught by at least one of a few cells, and by none without it.
async fn is_found(flaw: Flaw, server: &Arc<Server>) -> Result<(), Failed> {
    let mut bench = Bench::open(server, flaw.name()).await.with_flaw(flaw);
    let mut found = Vec::new();
    for cell in flaw.cells() {
        if cell.operation.is_of_the_whole() {
            bench = Bench::of_its_own(server, cell.operation).await.with_flaw(flaw);
        }
        if let Err(violation) = check::run(&mut bench, &cell).await {
            bench.proxy.heal();
            found.push(violation);
        }
    }
    if found.iter().any(|violation| violation.contains(flaw.sign())) {
        return Ok(());
    }
    Err(format!("the flaw was not found; violations: {found:#?}").into())
}

/// What came of the cells.
#[derive(Debug, Default)]
struct Summary {
    fired: usize,
    outcomes: BTreeMap<(Fault, Outcome), usize>,
    operations: BTreeMap<Operation, usize>,
    longest_call: Duration,
    longest_recovery: Duration,
    violations: Vec<String>,
}

impl Summary {
    fn add(&mut self, cell: &Cell, verdict: Result<Verdict, String>) {
        *self.operations.entry(cell.operation).or_default() += 1;
        match verdict {
            Ok(verdict) => {
                self.fired += usize::from(verdict.fired);
                *self.outcomes.entry((cell.plan.fault, verdict.outcome)).or_default() += 1;
                self.longest_call = self.longest_call.max(verdict.call);
                self.longest_recovery = self.longest_recovery.max(verdict.recovery);
            }
            Err(violation) => {
                self.fired += 1;
                self.violations.push(format!("{cell:?}: {violation}"));
            }
        }
    }

    #[allow(clippy::print_stderr, reason = "the counts are what the suite is read for")]
    fn print(&self, seed: u64, versions: &str, took: Duration) {
        let cells: usize = self.operations.values().sum();
        eprintln!(
            "faults: {cells} cells, {} fired, {} violations, longest call {} ms, longest recovery {} ms, \
             PostgreSQL {versions}, seed {seed}, {} s",
            self.fired,
            self.violations.len(),
            self.longest_call.as_millis(),
            self.longest_recovery.as_millis(),
            took.as_secs()
        );
        for fault in Fault::ALL {
            let of = |outcome: Outcome| self.outcomes.get(&(fault, outcome)).copied().unwrap_or_default();
            let counts = Outcome::ALL.map(|outcome| format!("{} {}", of(outcome), outcome.name()));
            eprintln!("  {fault:?}: {}", counts.join(", "));
        }
        let operations = self.operations.iter().map(|(operation, count)| format!("{count} {operation:?}"));
        eprintln!("  {}", operations.collect::<Vec<_>>().join(", "));
    }
}
