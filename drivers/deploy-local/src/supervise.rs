//! The supervisor itself: a process in the background that keeps one server running where no service
//! manager does.
//!
//! It restarts the server with growing pauses, keeps its output in a log of bounded size, hands
//! SIGTERM on and waits for the end. A server that ends by itself with success was told to by
//! somebody, and is left alone, as a systemd unit with `Restart=on-failure` would.

use crate::config_file::parse_environment;
use crate::durable;
use crate::layout::Layout;
use crate::process::Process;
use crate::rotate::RotatingLog;
use crate::supervised::{Supervision, end, supervision, supervision_file, supervisor_file};
use crate::unit::STOP_LIMIT_S;
use rtmx_core::{Error, Result, deploy, storage};
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// The first pause before the server is started again; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A server that ran for so long starts again with the first pause.
const STEADY: Duration = Duration::from_secs(60);
/// Longer lines of output are cut into several.
const LINE_LIMIT_BYTES: u64 = 64 * 1024;

/// Keeps the server of the installation in `root` running until SIGTERM or SIGINT.
///
/// # Errors
///
/// `storage_locked` when another supervisor runs; `service_failed` when this process cannot do its work.
pub async fn supervise(root: &Path) -> Result<()> {
    let layout = Layout::at(root);
    // A session of its own: the terminal it was started from may go. It fails, harmlessly, for one that
    // leads its group already.
    let _ = rustix::process::setsid();
    let mut term = listen(SignalKind::terminate())?;
    let mut int = listen(SignalKind::interrupt())?;
    let _lock = lock(&layout)?;
    // One that was killed leaves its server behind, and two must not write.
    if let Some(left) = supervision(&layout).and_then(|it| it.server).filter(Process::lives) {
        end(&left, Duration::from_secs(u64::from(STOP_LIMIT_S))).await?;
    }
    let (lines, received) = mpsc::channel(1024);
    let log_path = layout.server_log();
    let log = RotatingLog::open(&log_path, RotatingLog::LIMIT_BYTES, RotatingLog::KEPT);
    let writer =
        tokio::spawn(keep_log(log.map_err(|error| durable::failed("open", &log_path, error))?, received));
    publish(&supervisor_file(&layout), &Process::own().map_err(refused)?)?;
    let outcome = keep_running(&layout, &lines, &mut term, &mut int).await;
    durable::remove(&supervisor_file(&layout))?;
    durable::remove(&supervision_file(&layout))?;
    drop(lines);
    // The log's last lines; it ends when all pipes have.
    let _ = tokio::time::timeout(Duration::from_secs(1), writer).await;
    outcome
}

async fn keep_running(
    layout: &Layout,
    lines: &mpsc::Sender<Vec<u8>>,
    term: &mut Signal,
    int: &mut Signal,
) -> Result<()> {
    let mut failures = 0;
    let mut pause = FIRST_PAUSE;
    loop {
        let begun = Instant::now();
        let ended = match start_server(layout, lines) {
            Err(error) => error.to_string(),
            Ok(mut child) => {
                let server = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Process::with_pid);
                publish(&supervision_file(layout), &Supervision { server, failures })?;
                tokio::select! {
                    status = child.wait() => match status {
                        Ok(status) if status.success() => return Ok(()),
                        status => in_words(status),
                    },
                    _ = term.recv() => return stop(&mut child).await,
                    _ = int.recv() => return stop(&mut child).await,
                }
            }
        };
        failures += 1;
        publish(&supervision_file(layout), &Supervision { server: None, failures })?;
        if begun.elapsed() >= STEADY {
            pause = FIRST_PAUSE;
        }
        let note = format!(
            "rtmxctl supervise: the server ended ({ended}); starting it again in {} ms\n",
            pause.as_millis()
        );
        // The log may be busy or gone; keeping the server running does not wait for it.
        let _ = lines.try_send(note.into_bytes());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = term.recv() => return Ok(()),
            _ = int.recv() => return Ok(()),
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn start_server(layout: &Layout, lines: &mpsc::Sender<Vec<u8>>) -> Result<Child> {
    let environment = durable::read_text(&layout.environment_file())?.unwrap_or_default();
    let mut command = Command::new(layout.current().join(Layout::SERVER));
    command.arg("--config").arg(layout.config_file()).arg("serve").current_dir(layout.root());
    command.envs(parse_environment(&environment));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(refused)?;
    if let Some(output) = child.stdout.take() {
        tokio::spawn(hand_on(output, lines.clone()));
    }
    if let Some(output) = child.stderr.take() {
        tokio::spawn(hand_on(output, lines.clone()));
    }
    Ok(child)
}

/// Hands SIGTERM on and waits; a server that does not end is ended.
async fn stop(child: &mut Child) -> Result<()> {
    let process = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Process::with_pid);
    if let Some(process) = process {
        process.signal(rustix::process::Signal::TERM).map_err(refused)?;
    }
    if tokio::time::timeout(Duration::from_secs(u64::from(STOP_LIMIT_S)), child.wait()).await.is_err() {
        child.kill().await.map_err(refused)?;
    }
    Ok(())
}

async fn hand_on(output: impl AsyncRead + Unpin, lines: mpsc::Sender<Vec<u8>>) {
    let mut output = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        match (&mut output).take(LINE_LIMIT_BYTES).read_until(b'\n', &mut line).await {
            Ok(count) if count > 0 => {
                if line.last() != Some(&b'\n') {
                    line.push(b'\n');
                }
                if lines.send(line).await.is_err() {
                    return;
                }
            }
            _ => return,
        }
    }
}

async fn keep_log(mut log: RotatingLog, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        // A full disk loses lines of the log, never the server.
        let _ = log.append(&line);
    }
}

fn in_words(status: io::Result<ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}

fn lock(layout: &Layout) -> Result<File> {
    let path = layout.run().join("supervisor.lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| durable::failed("open", &path, error))?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
        let message = format!("another supervisor runs for {}", layout.root().display());
        Error::new(storage::STORAGE_LOCKED, message).with_source(io::Error::from(error))
    })?;
    Ok(file)
}

fn publish(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_vec(value).map_err(|error| refused(error.into()))?;
    durable::write(path, &text, 0o644)
}

fn listen(kind: SignalKind) -> Result<Signal> {
    signal(kind).map_err(refused)
}

fn refused(source: io::Error) -> Error {
    Error::new(deploy::SERVICE_FAILED, "could not supervise the server").with_source(source)
}
