//! The crash laboratory of the SQLite driver: see `README.md`.

mod cells;
mod disk;
mod failing;
mod image;
mod inspect;
mod layer;
mod locks;
mod machine;
mod model;
mod planted;
mod record;
mod run;
mod seed;
mod trials;
mod verify;
mod workload;

use run::Budget;
use std::process::ExitCode;

const USAGE: &str = "usage: rtmx-crash-lab [--cells N] [--trials N] [--planted N] [--seed N] [--jobs N]
       rtmx-crash-lab cell RECORDING CELL    does one cell of a kept recording
       rtmx-crash-lab trial TRIAL            does one trial
       rtmx-crash-lab planted                looks for the planted faults only";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    layer::install();
    planted::watch_connections();
    let outcome = match words[..] {
        ["cell", recording, cell] => run::one_cell(recording, cell),
        ["trial", trial] => run::one_trial(trial),
        ["planted"] => run::planted(&Budget::default()).map(|found| println!("{found}")),
        _ => budget(&words).and_then(|budget| run::everything(&budget)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn budget(words: &[&str]) -> Result<Budget, String> {
    let mut budget = Budget::default();
    for pair in words.chunks(2) {
        let [name, number] = pair else { return Err(USAGE.to_owned()) };
        let number: usize = number.parse().map_err(|_| USAGE.to_owned())?;
        match *name {
            "--cells" => budget.cells = number,
            "--trials" => budget.trials = number,
            "--planted" => budget.planted = number,
            "--seed" => budget.seed = number as u64,
            "--jobs" => budget.jobs = number.max(1),
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(budget)
}
