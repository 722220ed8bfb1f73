//! The server's output: the end of a log, and what is added to it.

use crate::durable::failed;
use crate::service::Service;
use crate::systemd::Manager;
use rtmx_core::{Cx, Error, Result, deploy};
use rtmx_deploy::{LogRequest, LogSink};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// How much of the end of a log is searched for lines.
const TAIL_LIMIT_BYTES: u64 = 4 * 1024 * 1024;
/// How often a followed log is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Hands over lines of the server's output.
pub(crate) async fn hand_over(
    cx: &Cx,
    service: &Service,
    request: LogRequest,
    sink: &mut dyn LogSink,
) -> Result<()> {
    match service.manager() {
        None => from_file(cx, &service.layout.server_log(), request, sink).await,
        Some(manager) => from_journal(cx, manager, &service.unit_name(), request, sink).await,
    }
}

/// The last lines, for an error's reader.
pub(crate) async fn last_lines(service: &Service, lines: usize) -> Vec<String> {
    let mut found = Vec::new();
    let request = LogRequest { lines, follow: false };
    // Without its log the error is still worth telling.
    let _ = hand_over(&Cx::new(), service, request, &mut |line: &str| found.push(line.to_owned())).await;
    found
}

async fn from_file(cx: &Cx, path: &Path, request: LogRequest, sink: &mut dyn LogSink) -> Result<()> {
    let unreadable = |error| failed("read", path, error);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !request.follow => return Ok(()),
        Err(error) => return Err(unreadable(error)),
    };
    let size = file.metadata().map_err(unreadable)?.len();
    let from = size.saturating_sub(TAIL_LIMIT_BYTES);
    file.seek(SeekFrom::Start(from)).map_err(unreadable)?;
    let mut text = Vec::new();
    file.by_ref().take(size - from).read_to_end(&mut text).map_err(unreadable)?;
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().skip(usize::from(from > 0)).collect();
    lines[lines.len().saturating_sub(request.lines)..].iter().for_each(|text| sink.line(text));
    let mut rest = Vec::new();
    while request.follow && !cx.is_cancelled() {
        let count = file.read_to_end(&mut rest).map_err(unreadable)?;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let whole: Vec<u8> = rest.drain(..=end).collect();
            sink.line(String::from_utf8_lossy(&whole[..end]).as_ref());
        }
        if count == 0 {
            // Put aside and begun anew: go on with the new one.
            let (here, there) = (file.metadata().map_err(unreadable)?, std::fs::metadata(path));
            if there.is_ok_and(|there| there.ino() != here.ino()) {
                file = File::open(path).map_err(unreadable)?;
            } else {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }
    Ok(())
}

async fn from_journal(
    cx: &Cx,
    manager: Manager,
    unit: &str,
    request: LogRequest,
    sink: &mut dyn LogSink,
) -> Result<()> {
    let refused = |error: io::Error| {
        Error::new(deploy::SERVICE_FAILED, "could not read the journal with `journalctl`").with_source(error)
    };
    let mut command = Command::from(manager.command("journalctl"));
    command.arg(if manager == Manager::Machine { "--unit" } else { "--user-unit" }).arg(unit).arg("--quiet");
    command.args(["--no-pager", "--output=cat", "--lines"]).arg(request.lines.to_string());
    if request.follow {
        command.arg("--follow");
    }
    command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(refused)?;
    let output = child.stdout.take().ok_or_else(|| refused(io::Error::other("it has no output")))?;
    let mut output = BufReader::new(output).lines();
    while let Some(text) = output.next_line().await.map_err(refused)? {
        sink.line(&text);
        if cx.is_cancelled() {
            return Ok(());
        }
    }
    let status = child.wait().await.map_err(refused)?;
    if status.success() { Ok(()) } else { Err(refused(io::Error::other(format!("it ended with {status}")))) }
}
