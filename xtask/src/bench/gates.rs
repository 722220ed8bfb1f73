//! What is wanted of the results, and whether they give it.
//!
//! A gate is a figure and a bound; it holds up to the bound. Short runs are judged by ratios alone,
//! with more room: they run on machines that are shared with others. Whole runs are judged by the
//! wanted figures as they are.

use super::beside::{Area, Work};
use super::measure::{DIRECT, SQLITE};
use super::peers::Kind;
use super::questions::{LOOK_WANTED, Pages, Question};
use super::results::{Cost, Results};
use serde::Serialize;

/// How much processor time a page may cost, beside the same query through the reference.
pub(super) const PROCESSOR_WANTED: f64 = 2.0;
/// How long a question whether something is allowed may take: every request that makes something asks it.
const ENTITLED_WANTED_NS: f64 = 50.0;
/// How long it may take to load a configuration of 20 files and 300 variables.
const CONFIG_WANTED_MS: f64 = 5.0;

/// How strictly is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// The wanted figures.
    Wanted,
    /// Ratios with room for noise.
    Roomy,
}

/// Something that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Gate {
    /// The time of an answer.
    Time { question: Question, rows: usize },
    /// The time at a size to that at a tenth of it.
    Growth { question: Question, rows: usize },
    /// Our time to that of another tool.
    Peer { question: Question, rows: usize, peer: &'static str },
    /// Our import to that of `sqlite3`.
    Import { rows: usize },
    /// Processor time of a page to that of the same query through rusqlite.
    Processor { pages: Pages, clients: usize },
    /// Until a page of the dashboard is there.
    Look { page: &'static str, rows: usize },
    /// The size of a page of the dashboard on the wire.
    Weight { page: &'static str, rows: usize },
    /// Resident memory.
    Memory { rows: usize },
    /// The time with a library to that of the same work without it.
    Beside { work: Work },
    /// The time of a page through the PostgreSQL driver.
    DriverPage { question: Question },
    /// The time of a question whether something is allowed.
    Entitled,
    /// The time in which a configuration is loaded.
    ConfigLoad,
}

/// A gate with its figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Verdict {
    pub(super) gate: Gate,
    pub(super) figure: f64,
    pub(super) bound: f64,
    pub(super) holds: bool,
}

/// The size that the wanted times are for.
const LARGE: usize = 100_000;

impl Gate {
    /// Every gate that the results have figures for.
    pub(super) fn of(results: &Results, strictness: Strictness) -> Vec<Gate> {
        let sizes = results.sizes();
        let mut gates = Vec::new();
        for &rows in &sizes {
            for question in Question::ALL {
                if strictness == Strictness::Wanted && rows == LARGE {
                    gates.push(Gate::Time { question, rows });
                }
                gates.push(Gate::Growth { question, rows });
                let peers = [Kind::Python, Kind::Go].map(Kind::name);
                gates.extend(peers.map(|peer| Gate::Peer { question, rows, peer }));
            }
            if strictness == Strictness::Wanted && rows == LARGE {
                gates.push(Gate::Memory { rows });
            }
        }
        for look in &results.looks {
            let (page, rows) = (look.page, look.rows);
            if strictness == Strictness::Wanted && rows == LARGE {
                gates.push(Gate::Look { page, rows });
            }
            gates.push(Gate::Weight { page, rows });
        }
        // A small import is mostly the start of either program.
        gates.extend(sizes.last().map(|&rows| Gate::Import { rows }));
        let processor = |cost: &Cost| Gate::Processor { pages: cost.pages, clients: cost.clients };
        gates.extend(results.costs.iter().map(processor));
        gates.extend(Work::ALL.map(|work| Gate::Beside { work }));
        if strictness == Strictness::Wanted {
            gates.extend(Question::ALL.map(|question| Gate::DriverPage { question }));
            gates.push(Gate::Entitled);
            gates.push(Gate::ConfigLoad);
        }
        gates.retain(|gate| gate.figure(results).is_some() && gate.bound(strictness).is_some());
        gates
    }

    /// What the results say; `None` if they say nothing.
    pub(super) fn figure(self, results: &Results) -> Option<f64> {
        let ours = |rows, question| results.row(rows, question).map(|row| row.ours.ms);
        let other = |rows, question, peer: &str| {
            let row = results.row(rows, question)?;
            row.others.iter().find(|(name, _)| name == peer).map(|(_, measured)| measured.ms)
        };
        match self {
            Gate::Time { question, rows } => ours(rows, question),
            Gate::Growth { question, rows } => Some(ours(rows, question)? / ours(rows / 10, question)?),
            Gate::Peer { question, rows, peer } => {
                Some(results.row(rows, question)?.beside_others() / other(rows, question, peer)?)
            }
            Gate::Import { rows } => {
                Some(ours(rows, Question::Import)? / other(rows, Question::Import, SQLITE)?)
            }
            Gate::Processor { pages, clients } => Some(results.cost(pages, clients)?.ratio),
            Gate::Look { page, rows } => results.look(page, rows).map(|look| look.ms),
            Gate::Weight { page, rows } => results.look(page, rows).map(|look| look.kb),
            Gate::Memory { rows } => {
                results.memory.iter().find(|memory| memory.rows == rows).map(|memory| memory.resident_mb)
            }
            Gate::Beside { work } => results.beside(work).map(|beside| beside.ours_ms / beside.raw_ms),
            Gate::DriverPage { question } => results.database.as_ref()?.page(question),
            Gate::Entitled => results.license.as_ref().map(|license| license.entitled_ns),
            Gate::ConfigLoad => results.config.as_ref()?.load_ms(),
        }
    }

    /// The most that is good; `None` if nothing is wanted.
    pub(super) fn bound(self, strictness: Strictness) -> Option<f64> {
        let room = |factor: f64| if strictness == Strictness::Roomy { factor } else { 1.0 };
        match self {
            Gate::Time { question, .. } | Gate::DriverPage { question } => question.wanted_ms(),
            // Small answers of fractions of a millisecond shift by what else the machine does.
            // Of one program on one machine, 9.4, 10.1 and 10.6 were seen: a twentieth is noise.
            Gate::Growth { question, .. } => Some(question.wanted_growth() * room(1.6).max(1.05)),
            Gate::Peer { .. } => Some(1.0),
            Gate::Import { .. } => Some(12.0 * room(1.5)),
            Gate::Processor { .. } => Some(PROCESSOR_WANTED * room(1.5)),
            Gate::Look { .. } => Some(LOOK_WANTED.0),
            Gate::Weight { .. } => Some(LOOK_WANTED.1),
            Gate::Memory { .. } => Some(300.0),
            // Both sides of a license are computing alone, in turns.
            Gate::Beside { work } if work.area() == Area::License => Some(work.wanted() * room(1.2)),
            Gate::Beside { work } => Some(work.wanted() * room(1.5)),
            Gate::Entitled => Some(ENTITLED_WANTED_NS),
            Gate::ConfigLoad => Some(CONFIG_WANTED_MS),
        }
    }

    /// Judges.
    pub(super) fn judge(self, results: &Results, strictness: Strictness) -> Option<Verdict> {
        let (figure, bound) = (self.figure(results)?, self.bound(strictness)?);
        Some(Verdict { gate: self, figure, bound, holds: figure <= bound })
    }

    /// What a reader calls it.
    pub(super) fn name(self) -> String {
        match self {
            Gate::Time { question, rows } => format!("{} at {rows} rows, ms", question.name()),
            Gate::Growth { question, rows } => {
                format!("{}: {rows} rows to {} rows", question.name(), rows / 10)
            }
            Gate::Peer { question, rows, peer } => {
                format!("{} at {rows} rows: RTMX to the {peer} tool", question.name())
            }
            Gate::Import { rows } => format!("import of {rows} rows: RTMX to `sqlite3 .import`"),
            Gate::Processor { pages, clients } => {
                format!("processor time, {}, {clients} clients: server to {DIRECT}", pages.name())
            }
            Gate::Look { page, rows } => format!("dashboard, {page} at {rows} rows, ms"),
            Gate::Weight { page, rows } => format!("dashboard, {page} at {rows} rows, kB"),
            Gate::Memory { rows } => format!("resident memory at {rows} rows, MB"),
            Gate::Beside { work } => work.name().to_owned(),
            Gate::Entitled => "license: a question whether something is allowed, ns".to_owned(),
            Gate::ConfigLoad => "configuration: 20 files and 300 variables, ms".to_owned(),
            Gate::DriverPage { question } => format!("PostgreSQL driver: {}, ms", question.name()),
        }
    }
}

/// Judges every gate of the results.
pub(super) fn judge(results: &Results, strictness: Strictness) -> Vec<Verdict> {
    let gates = Gate::of(results, strictness);
    gates.into_iter().filter_map(|gate| gate.judge(results, strictness)).collect()
}

#[cfg(test)]
#[path = "gates_tests.rs"]
mod tests;
