//! The long form: a large database goes round all engines, and needs no more memory than a small one.
//!
//! It runs where `RTMX_TRANSFER_ROWS` says how many requirements are large.

use crate::home::Home;
use crate::{filled_with, hash, path_in, url_file_of};
use rtmx_containers::Postgres;
use serde_json::Value;
use std::process::Child;
use std::time::{Duration, Instant};

/// A small database has so many times fewer. It is large enough to fill the caches of SQLite's connections
/// (32 MiB for the writer), which are a part of the memory and do not grow any more.
const TIMES: usize = 3;
/// So many times as much memory for one that is [`TIMES`] as large means that it grows with it.
const GROWTH_LIMIT: f64 = 1.25;

/// How many requirements are large; `None` where nobody asks.
pub(crate) fn rows() -> Option<usize> {
    let asked = std::env::var("RTMX_TRANSFER_ROWS").ok();
    asked.map(|text| text.parse().expect("RTMX_TRANSFER_ROWS is a number"))
}

/// A way through all engines and back, and the most memory that the tool had on each leg.
struct Round {
    legs: Vec<(&'static str, u64, Duration)>,
}

#[allow(clippy::print_stdout, reason = "the figures are what the long form is run for")]
pub(crate) fn goes_round(oldest: &Postgres, newest: &Postgres) {
    let large = rows().expect("it was asked for");
    let rounds = [large / TIMES, large].map(|rows| (rows, round(rows, oldest, newest)));
    for (rows, Round { legs }) in &rounds {
        for (leg, kib, took) in legs {
            println!("{rows} requirements with history, {leg}: VmHWM {kib} KiB, {:.1} s", took.as_secs_f64());
        }
    }
    let [(_, small), (_, large)] = &rounds;
    for ((leg, before, _), (_, after, _)) in small.legs.iter().zip(&large.legs) {
        let growth = *after as f64 / *before as f64;
        assert!(growth < GROWTH_LIMIT, "{leg}: {before} KiB grow {growth:.2} times to {after} KiB");
    }
}

fn round(rows: usize, oldest: &Postgres, newest: &Postgres) -> Round {
    let matrix = |text: &str| {
        let rows: String = (0..rows).map(|n| format!("REQ-A-{n:06},Area {},{text} {n}\n", n % 50)).collect();
        format!("req_id,category,requirement_text\n{rows}")
    };
    let (home, from) = filled_with(&[matrix("Größe"), matrix("shall encrypt what it keeps")]);
    let name = format!("of_{rows}");
    let (old, new) = (url_file_of(&home, oldest, &name), url_file_of(&home, newest, &name));
    let back = format!("sqlite:{}", path_in(&home, "back.db"));
    let legs: [(&str, [&str; 4]); 3] = [
        ("SQLite to the oldest PostgreSQL", ["--from", &from, "--to-file", &old]),
        ("the oldest PostgreSQL to the newest", ["--from-file", &old, "--to-file", &new]),
        ("the newest PostgreSQL to SQLite", ["--from-file", &new, "--to", &back]),
    ];
    let mut results: Vec<Value> = Vec::new();
    let mut round = Round { legs: Vec::new() };
    for (leg, words) in legs {
        let begun = Instant::now();
        let (result, most) = measured(&home, &[&["transfer"][..], &words].concat());
        round.legs.push((leg, most, begun.elapsed()));
        assert!(result["history"].as_u64() >= Some(2 * rows as u64), "{leg}: {result}");
        if let Some(first) = results.first() {
            assert_eq!(hash(&result), hash(first), "{leg}");
        }
        results.push(result);
    }
    round
}

/// The result of a run of the tool, which must succeed, and the most memory in KiB that it had.
fn measured(home: &Home, arguments: &[&str]) -> (Value, u64) {
    let mut child = home.command(arguments).spawn().expect("the tool starts");
    let mut most = 0;
    while child.try_wait().expect("it is ours").is_none() {
        most = memory(&child).unwrap_or(0).max(most);
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().expect("it has ended");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    let last = text.lines().last().unwrap_or_default();
    (serde_json::from_str(last).expect("every line is JSON"), most)
}

/// The highest resident memory of a running process, in KiB.
///
/// Source: proc_pid_status(5), `VmHWM`.
fn memory(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
