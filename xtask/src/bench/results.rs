//! What a run found.

use super::beside::{Beside, Work};
use super::config::Config;
use super::database::Database;
use super::license::License;
use super::machine::Machine;
use super::questions::{Pages, Question};
use serde::Serialize;

/// One time, and how it came about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Measured {
    /// The middle time, in milliseconds.
    pub(super) ms: f64,
    /// Of how many.
    pub(super) count: usize,
    /// How it was asked.
    pub(super) way: String,
}

/// One question at one size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Row {
    pub(super) rows: usize,
    pub(super) question: Question,
    pub(super) ours: Measured,
    /// The same question in the same text again and again, as the others are asked, where `ours` is of
    /// another text each time.
    pub(super) again: Option<Measured>,
    /// The others by name.
    pub(super) others: Vec<(String, Measured)>,
}

/// Processor time of one page, in microseconds, each the middle of several rounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Cost {
    pub(super) rows: usize,
    pub(super) pages: Pages,
    pub(super) clients: usize,
    /// The server, JSON included.
    pub(super) server_us: f64,
    /// The same query through rusqlite.
    pub(super) direct_us: f64,
    /// The same, and JSON of the rows.
    pub(super) direct_json_us: f64,
    /// The middle of the rounds' ratios of `server_us` to `direct_us`.
    pub(super) ratio: f64,
    /// Answers of the server in one second.
    pub(super) per_second: f64,
}

/// One page of the dashboard, after a write.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Look {
    pub(super) rows: usize,
    /// What a reader calls it.
    pub(super) page: &'static str,
    /// Until its last byte, in milliseconds.
    pub(super) ms: f64,
    /// Its size on the wire, compressed, in kB of 1,000 bytes.
    pub(super) kb: f64,
}

/// Resident memory of a server, in MB.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Memory {
    pub(super) rows: usize,
    /// After every question.
    pub(super) resident_mb: f64,
    /// The most it ever was.
    pub(super) peak_mb: f64,
}

/// A figure about a start, or about the program.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Start {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    pub(super) wanted: Option<f64>,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Results {
    pub(super) format: u32,
    pub(super) machine: Machine,
    pub(super) starts: Vec<Start>,
    pub(super) rows: Vec<Row>,
    pub(super) costs: Vec<Cost>,
    pub(super) looks: Vec<Look>,
    pub(super) memory: Vec<Memory>,
    /// `None` where no server can be started.
    pub(super) database: Option<Database>,
    pub(super) license: Option<License>,
    pub(super) config: Option<Config>,
    /// What was not measured, and why.
    pub(super) left_out: Vec<String>,
}

impl Measured {
    pub(super) fn new(ms: f64, count: usize, way: &str) -> Measured {
        Measured { ms, count, way: way.to_owned() }
    }

    /// The middle of several rounds.
    pub(super) fn middle(rounds: &[Measured]) -> Option<Measured> {
        let way = rounds.last()?.way.clone();
        let count = rounds.iter().map(|round| round.count).sum();
        Some(Measured { ms: median(rounds.iter().map(|round| round.ms).collect()), count, way })
    }
}

impl Row {
    /// What the others are compared with: they, too, are asked the same text again and again.
    pub(super) fn beside_others(&self) -> f64 {
        self.again.as_ref().unwrap_or(&self.ours).ms
    }
}

impl Results {
    pub(super) fn new(machine: Machine) -> Results {
        Results {
            format: 7,
            machine,
            starts: Vec::new(),
            rows: Vec::new(),
            costs: Vec::new(),
            looks: Vec::new(),
            memory: Vec::new(),
            database: None,
            license: None,
            config: None,
            left_out: Vec::new(),
        }
    }

    /// What was found of some work with a library and without it.
    pub(super) fn beside(&self, work: Work) -> Option<&Beside> {
        let database = self.database.iter().flat_map(|database| &database.beside);
        let license = self.license.iter().flat_map(|license| &license.beside);
        let config = self.config.iter().flat_map(|config| &config.beside);
        database.chain(license).chain(config).find(|beside| beside.work == work)
    }

    /// What was found for a question at a size.
    pub(super) fn row(&self, rows: usize, question: Question) -> Option<&Row> {
        self.rows.iter().find(|row| row.rows == rows && row.question == question)
    }

    /// Keeps a row in place of what was found before.
    pub(super) fn put(&mut self, row: Row) {
        match self.rows.iter_mut().find(|old| old.rows == row.rows && old.question == row.question) {
            Some(old) => *old = row,
            None => self.rows.push(row),
        }
    }

    /// What was found for these pages and this many clients.
    pub(super) fn cost(&self, pages: Pages, clients: usize) -> Option<&Cost> {
        self.costs.iter().find(|cost| cost.pages == pages && cost.clients == clients)
    }

    /// Keeps a cost in place of what was found before.
    pub(super) fn put_cost(&mut self, cost: Cost) {
        let same = |old: &&mut Cost| old.pages == cost.pages && old.clients == cost.clients;
        match self.costs.iter_mut().find(same) {
            Some(old) => *old = cost,
            None => self.costs.push(cost),
        }
    }

    /// What was found of a page of the dashboard.
    pub(super) fn look(&self, page: &str, rows: usize) -> Option<&Look> {
        self.looks.iter().find(|look| look.page == page && look.rows == rows)
    }

    /// Keeps a page of the dashboard in place of what was found before.
    pub(super) fn put_look(&mut self, look: Look) {
        match self.looks.iter_mut().find(|old| old.page == look.page && old.rows == look.rows) {
            Some(old) => *old = look,
            None => self.looks.push(look),
        }
    }

    /// The sizes, ascending.
    pub(super) fn sizes(&self) -> Vec<usize> {
        let mut sizes: Vec<usize> = self.rows.iter().map(|row| row.rows).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }
}

/// The middle, or the mean of the two middles; 0 of nothing.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_middles() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(Vec::new()), 0.0);
    }
}
