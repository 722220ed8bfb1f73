//! Commands of this machine: run to their end, with both streams.

use crate::{Error, Result};
use std::process::{Command, Output, Stdio};

/// What a command came to.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The exit code; 128 and the signal's number if it was ended by one.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Ran {
        use std::os::unix::process::ExitStatusExt;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let code = output.status.code().or_else(|| Some(128 + output.status.signal()?));
        Ran { code: code.unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// What a command printed that must succeed, without white space around it.
///
/// # Errors
///
/// If it cannot be started or fails; the message has what it complained about.
pub(crate) fn must(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output();
    let line = shown(command);
    let output = output.map_err(|error| Error::Failed(format!("could not start `{line}`: {error}")))?;
    let ran = Ran::of(output);
    if ran.code == 0 {
        return Ok(ran.stdout.trim().to_owned());
    }
    Err(Error::Failed(format!("`{line}` failed with {}: {}", ran.code, ran.stderr.trim())))
}

/// Whether a command can be started and succeeds.
pub(crate) fn works(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
