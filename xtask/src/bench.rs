//! `bench`: what the release build costs on this machine.
//!
//! Machines differ and are shared, so every time stands beside a bare reference measured in the same
//! run, and the median of several is given. Nothing here passes or fails: the figures are for
//! people, in a table and in `target/bench/latest.json`.

use crate::workspace::Workspace;
use crate::{Result, http, needs, process};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How often each start is measured
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// How many requirements the large matrix has; 0 leaves it out
    #[arg(long, default_value_t = 100_000)]
    rows: usize,
}

/// One line of the result.
struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    note: String,
}

/// Measures and reports.
///
/// # Errors
///
/// If the release build fails, or the server does not become ready.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::read()?;
    let mut build = process::cargo(&workspace.root);
    build.args([
        "build",
        "--release",
        "--locked",
        "--package",
        "rtmx",
        "--bin",
        "rtmx-server",
        "--bin",
        "rtmxctl",
    ]);
    process::succeed(&mut build)?;
    let release = workspace.target.join("release");
    let bench = workspace.target.join("bench");
    let mut figures = Vec::new();
    sizes(&release, &mut figures)?;
    starts(&release.join("rtmx-server"), &bench, arguments.rounds.max(1), &mut figures)?;
    if arguments.rows > 0 {
        large(&workspace, &release.join("rtmx-server"), &bench, arguments.rows, &mut figures)?;
    }
    report(&bench, &figures)
}

fn sizes(release: &Path, figures: &mut Vec<Figure>) -> Result<()> {
    for (name, program) in [("server binary", "rtmx-server"), ("tool binary", "rtmxctl")] {
        let path = release.join(program);
        let size = std::fs::metadata(&path)
            .map_err(|error| format!("could not read {}: {error}", path.display()))?;
        figures.push(Figure { name, value: size.len() as f64 / 1e6, unit: "MB", note: String::new() });
    }
    Ok(())
}

/// Process start to `/ready` on an empty database, and the memory of the idle server.
fn starts(server: &Path, bench: &Path, rounds: usize, figures: &mut Vec<Figure>) -> Result<()> {
    let (mut bare, mut ready, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let started = Instant::now();
        process::quiet(process::command(server, bench.parent().unwrap_or(bench)).arg("--version"))?;
        bare.push(millis(started.elapsed()));
        let running = Server::start(server, &bench.join(format!("start-{round}")))?;
        ready.push(millis(running.ready_after));
        idle.push(running.resident_mb()?);
        running.stop()?;
    }
    let (bare, ready, idle) = (median(bare), median(ready), median(idle));
    let note = format!("{:.1} times `rtmx-server --version`; wanted: under 150 ms", ready / bare);
    figures.push(Figure { name: "reference: --version", value: bare, unit: "ms", note: String::new() });
    figures.push(Figure { name: "start to /ready, empty", value: ready, unit: "ms", note });
    let note = "wanted: under 40 MB".to_owned();
    figures.push(Figure { name: "resident memory, idle", value: idle, unit: "MB", note });
    Ok(())
}

/// The API on a large matrix, where the generator is at hand.
fn large(
    workspace: &Workspace,
    server: &Path,
    bench: &Path,
    rows: usize,
    figures: &mut Vec<Figure>,
) -> Result<()> {
    let generator = workspace.shared().join("tools/gen_rtm.py");
    if !generator.is_file() {
        println!("the large matrix is left out: there is no {}", generator.display());
        return Ok(());
    }
    needs::ensure(&[needs::PYTHON])?;
    std::fs::create_dir_all(bench).map_err(|error| format!("could not make {}: {error}", bench.display()))?;
    let file = bench.join("large.csv");
    let mut python = process::command("python3", &workspace.root);
    process::quiet(python.arg(&generator).arg(rows.to_string()).args(["--seed", "1", "-o"]).arg(&file))?;
    let csv = std::fs::read(&file).map_err(|error| format!("could not read {}: {error}", file.display()))?;
    let running = Server::start(server, &bench.join("large"))?;
    let project = "/api/v1/projects/default";
    let import = running.timed("POST", &format!("{project}/import"), "text/csv", &csv)?;
    let note = format!("{rows} rows, {:.1} MB", csv.len() as f64 / 1e6);
    figures.push(Figure { name: "import", value: import, unit: "ms", note });
    let requests = [
        ("first 50 requirements", format!("{project}/requirements?limit=50")),
        ("search, first 50", format!("{project}/requirements?search=encrypt+session&limit=50")),
        ("filter, first 50", format!("{project}/requirements?status=MISSING&priority=HIGH&limit=50")),
        ("status", format!("{project}/status")),
        ("backlog", format!("{project}/backlog")),
        ("cycles", format!("{project}/cycles")),
        ("export", format!("{project}/export.csv")),
    ];
    let bare = median((0..20).map(|_| running.timed("GET", "/live", "", b"")).collect::<Result<_>>()?);
    figures.push(Figure { name: "reference: /live", value: bare, unit: "ms", note: String::new() });
    for (name, path) in requests {
        let times = (0..9).map(|_| running.timed("GET", &path, "", b"")).collect::<Result<_>>()?;
        let value = median(times);
        figures.push(Figure { name, value, unit: "ms", note: format!("{:.1} times /live", value / bare) });
    }
    let note = format!("after all of the above, {rows} rows");
    figures.push(Figure { name: "resident memory, large", value: running.resident_mb()?, unit: "MB", note });
    running.stop()
}

/// A server of the release build on a folder of its own.
struct Server {
    child: Child,
    address: SocketAddr,
    dir: PathBuf,
    ready_after: Duration,
}

impl Server {
    fn start(program: &Path, dir: &Path) -> Result<Server> {
        let told = |error: std::io::Error| format!("could not prepare {}: {error}", dir.display());
        let _ = std::fs::remove_dir_all(dir);
        std::fs::create_dir_all(dir).map_err(told)?;
        let address = free_address().map_err(told)?;
        let config = dir.join("rtmx.toml");
        // The socket's path must be short, so the data folder is given relative to the server's folder.
        let data = dir.join("data");
        let text = format!(
            "[server]\nlisten = \"{address}\"\n\n[data]\ndir = \"{}\"\n\n[metrics]\nenabled = false\n\n[log]\nlevel = \"warn\"\n",
            data.display()
        );
        std::fs::create_dir_all(&data).and_then(|()| std::fs::write(&config, text)).map_err(told)?;
        let log = std::fs::File::create(dir.join("log")).map_err(told)?;
        let mut command = Command::new(program);
        command.arg("--config").arg(&config).arg("serve").current_dir(dir).stdin(Stdio::null());
        let started = Instant::now();
        let child = command.stdout(Stdio::null()).stderr(log).spawn();
        let child = child.map_err(|error| format!("could not start {}: {error}", program.display()))?;
        let mut server = Server { child, address, dir: dir.to_owned(), ready_after: Duration::ZERO };
        while !http::send(address, "GET", "/ready", "", b"").is_ok_and(|answer| answer.status == 200) {
            let ended = server.child.try_wait().is_ok_and(|status| status.is_some());
            if ended || started.elapsed() > Duration::from_secs(30) {
                let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
                server.stop()?;
                return Err(format!("the server did not become ready; its log:\n{log}"));
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        server.ready_after = started.elapsed();
        Ok(server)
    }

    /// The time of one request, in milliseconds.
    fn timed(&self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Result<f64> {
        let started = Instant::now();
        let answer = http::send(self.address, method, path, content_type, body);
        let answer = answer.map_err(|error| format!("{method} {path} failed: {error}"))?;
        if answer.status / 100 != 2 {
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            return Err(format!("{method} {path} answered {}: {body}", answer.status));
        }
        Ok(millis(started.elapsed()))
    }

    fn resident_mb(&self) -> Result<f64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status =
            std::fs::read_to_string(&path).map_err(|error| format!("could not read {path}: {error}"))?;
        resident_kb(&status).map(|kb| kb * 1024.0 / 1e6).ok_or_else(|| format!("{path} has no VmRSS"))
    }

    fn stop(mut self) -> Result<()> {
        let ended = self.child.kill().and_then(|()| self.child.wait());
        ended.map_err(|error| format!("could not end the server: {error}"))?;
        let _ = std::fs::remove_dir_all(&self.dir);
        Ok(())
    }
}

fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn resident_kb(status: &str) -> Option<f64> {
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse().ok())
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

fn report(bench: &Path, figures: &[Figure]) -> Result<()> {
    for figure in figures {
        println!("{:<32} {:>10.2} {:<3} {}", figure.name, figure.value, figure.unit, figure.note);
    }
    let values =
        figures.iter().map(|f| json!({"name": f.name, "value": f.value, "unit": f.unit, "note": f.note}));
    let document = json!({ "format": 1, "figures": values.collect::<Vec<Value>>() });
    let file = bench.join("latest.json");
    let written =
        std::fs::create_dir_all(bench).and_then(|()| std::fs::write(&file, format!("{document:#}\n")));
    written.map_err(|error| format!("could not write {}: {error}", file.display()))?;
    println!("written to {}", file.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_middles() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn memory_is_read_from_the_process_table() {
        assert_eq!(resident_kb("Name:\tx\nVmRSS:\t   20480 kB\n"), Some(20480.0));
        assert_eq!(resident_kb("Name:\tx\n"), None);
    }
}
