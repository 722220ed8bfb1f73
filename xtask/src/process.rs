//! Commands: run one, show it, and say clearly how it ended.

use crate::Result;
use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Pauses between two looks at a running command.
const SHORTEST_PAUSE: Duration = Duration::from_micros(200);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// Prepares `cargo` in a folder, with the toolchain that runs this task.
///
/// What cargo told this task about itself is taken away again: build scripts that read such a variable
/// would be run anew, with everything above them, each time that somebody calls cargo by hand between.
pub(crate) fn cargo(dir: &Path) -> Command {
    let mut cargo = command("cargo", dir);
    for (name, _) in std::env::vars_os() {
        let told =
            ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| name.to_string_lossy().starts_with(start));
        if told {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Prepares a program in a folder, without terminal input.
pub(crate) fn command(program: impl AsRef<OsStr>, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir).stdin(Stdio::null());
    command
}

/// Runs a command with its output shown.
///
/// # Errors
///
/// If it cannot be started or does not succeed; the message shows the command line.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let line = shown(command);
    let status = command.status().map_err(|error| format!("could not start `{line}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed: {status}")) }
}

/// Runs a command and answers what it printed on standard output; the rest is shown.
///
/// # Errors
///
/// As [`succeed`].
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let line = shown(command);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("could not start `{line}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{line}` failed: {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{line}` did not print UTF-8"))
}

/// How a command ended, with both of its streams in one text.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Whether it exited with 0.
    pub(crate) success: bool,
    /// How it ended, in words.
    pub(crate) status: String,
    /// Everything it printed.
    pub(crate) output: String,
    /// How long it ran.
    pub(crate) took: Duration,
}

/// Runs a command without showing its output, and ends it at the limit.
///
/// # Errors
///
/// If it cannot be started.
pub(crate) fn capture(command: &mut Command, limit: Duration) -> Result<Ended> {
    let line = shown(command);
    let pipe = std::io::pipe().and_then(|(reader, writer)| Ok((reader, writer.try_clone()?, writer)));
    let (mut reader, stdout, stderr) = pipe.map_err(|error| format!("could not make a pipe: {error}"))?;
    let started = Instant::now();
    let child = command.stdout(stdout).stderr(stderr).spawn();
    let mut child = child.map_err(|error| format!("could not start `{line}`: {error}"))?;
    // The command keeps its copies of the pipe's writing end; without this the reader would wait for ever.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let reading = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let outcome = reader.read_to_end(&mut bytes);
        (bytes, outcome.err())
    });
    let status = loop {
        match child.try_wait().map_err(|error| format!("could not wait for `{line}`: {error}"))? {
            Some(status) if status.success() => break Ok(()),
            Some(status) => break Err(status.to_string()),
            None if started.elapsed() > limit => {
                // An error here means that it has just ended by itself.
                let _ = child.kill();
                let _ = child.wait();
                break Err(format!("ended after the limit of {} s", limit.as_secs()));
            }
            // Short commands are timed too: the pause is a small part of what has passed.
            None => std::thread::sleep((started.elapsed() / 50).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)),
        }
    };
    let took = started.elapsed();
    let (bytes, error) = reading.join().map_err(|_| format!("could not read what `{line}` printed"))?;
    if let Some(error) = error {
        return Err(format!("could not read what `{line}` printed: {error}"));
    }
    let output = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Ended { success: status.is_ok(), status: status.err().unwrap_or_default(), output, took })
}

/// Runs a command quietly; its output is part of the error.
///
/// # Errors
///
/// As [`succeed`].
pub(crate) fn quiet(command: &mut Command) -> Result<String> {
    let line = shown(command);
    let ended = capture(command, Duration::from_secs(3600))?;
    if ended.success {
        Ok(ended.output)
    } else {
        Err(format!("`{line}` failed: {}\n{}", ended.status, ended.output))
    }
}

/// The command line as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_are_captured_and_a_failure_is_told() {
        let mut shell = command("sh", Path::new("/"));
        let ended = capture(shell.args(["-c", "echo out; echo err >&2; exit 3"]), Duration::from_secs(60));
        let ended = ended.expect("sh exists");
        assert_eq!((ended.success, ended.output.as_str()), (false, "out\nerr\n"));
        assert!(ended.status.contains('3'), "{}", ended.status);
    }

    #[test]
    fn a_command_that_hangs_is_ended_at_the_limit() {
        let mut shell = command("sleep", Path::new("/"));
        let ended = capture(shell.arg("600"), Duration::from_millis(100)).expect("sleep exists");
        assert!(!ended.success && ended.status.contains("limit"), "{}", ended.status);
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let error = succeed(&mut command("no-such-program-here", Path::new("/"))).expect_err("cannot start");
        assert!(error.contains("no-such-program-here"), "{error}");
    }
}
