//! Processes, told apart for ever: a number that was used again is another process.

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// A process: its number, when it started, and the boot of the machine that it ran in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// The number.
    pub(crate) pid: i32,
    /// Clock ticks after boot; field 22 of `/proc/<pid>/stat` (proc(5)).
    pub(crate) started: u64,
    /// The boot, as `/proc/sys/kernel/random/boot_id` names it.
    pub(crate) boot: String,
}

impl Process {
    /// This very process.
    pub(crate) fn own() -> io::Result<Process> {
        let pid = i32::try_from(std::process::id()).map_err(io::Error::other)?;
        Process::with_pid(pid).ok_or_else(|| io::Error::other("this process is not in /proc"))
    }

    /// The living process with this number.
    pub(crate) fn with_pid(pid: i32) -> Option<Process> {
        Some(Process { pid, started: start_of(pid)?, boot: boot()? })
    }

    /// The process that a file in `run/` names, if it lives.
    pub(crate) fn living(file: &Path) -> Option<Process> {
        let named: Process = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
        named.lives().then_some(named)
    }

    /// Whether it still lives; a zombie does not.
    pub(crate) fn lives(&self) -> bool {
        start_of(self.pid) == Some(self.started) && boot().as_deref() == Some(self.boot.as_str())
    }

    /// Sends a signal, if it still lives.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.lives()) else { return Ok(()) };
        match kill_process(pid, signal) {
            Err(rustix::io::Errno::SRCH) => Ok(()),
            outcome => outcome.map_err(io::Error::from),
        }
    }

    /// Waits for its end; says whether it came in time.
    pub(crate) async fn ends_within(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.lives() {
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }

    /// The command line, for people.
    pub(crate) fn command(&self) -> String {
        let bytes = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let words = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty());
        let words: Vec<_> = words.map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        if words.is_empty() {
            return fs::read_to_string(format!("/proc/{}/comm", self.pid))
                .unwrap_or_default()
                .trim()
                .to_owned();
        }
        // A command line may hold secrets of other programs, so only its first word is shown.
        words[0].clone()
    }
}

fn start_of(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may itself hold spaces and parentheses; the state follows it.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    // Field 22 is the nineteenth after the state, field 3.
    fields.nth(18)?.parse().ok()
}

fn boot() -> Option<String> {
    Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_number_is_another_process() {
        let own = Process::own().expect("this process lives");
        assert!(own.lives());
        assert!(!Process { started: own.started + 1, ..own.clone() }.lives());
        assert!(!Process { boot: "another".into(), ..own.clone() }.lives());
        assert!(own.command().contains("rtmx_deploy_local"), "{}", own.command());
    }
}
