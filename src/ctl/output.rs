//! What the tool prints: for people, or as JSON.
//!
//! Results go to standard output, everything else to standard error. With `--json`, standard output
//! begins with a line that names the format's version and ends with one object; standard error has
//! at most one object, and only when the command failed.

use anstyle::{AnsiColor, Style};
use rtmx_core::{Error, Result, tool};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal, Write};

/// The version of the format of `--json`: the minor number grows with additions.
pub(crate) const JSON_FORMAT: &str = "1.0";

pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();
pub(crate) const BOLD: Style = Style::new().bold();

/// Prints for people or for programs.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    begun: Cell<bool>,
    refused: RefCell<Option<io::Error>>,
}

/// Why a command failed, with what the error alone cannot hold.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The error.
    pub(crate) error: Error,
    /// A report to show with it.
    pub(crate) report: Option<Value>,
}

/// The result of a command: its exit code.
pub(crate) type Outcome = std::result::Result<u8, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { error, report: None }
    }
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Output { json, begun: Cell::new(false), refused: RefCell::new(None) }
    }

    /// Whether programs read it.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a line for people; nothing for programs.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        if !self.json {
            self.write(|out| writeln!(out, "{}", text.as_ref()));
        }
    }

    /// Prints an object for programs; nothing for people.
    pub(crate) fn object(&self, value: &Value) {
        if !self.json {
            return;
        }
        if !self.begun.replace(true) {
            self.write(|out| writeln!(out, "{}", json!({"type": "version", "format": JSON_FORMAT})));
        }
        self.write(|out| writeln!(out, "{value}"));
    }

    /// Prints bytes as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        self.write(|out| out.write_all(bytes));
    }

    /// Prints rows for people, in columns; the last column is not padded.
    pub(crate) fn rows(&self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        for row in rows {
            let cell = |(column, cell): (usize, &String)| match column + 1 == row.len() {
                true => cell.clone(),
                false => format!("{cell:<width$}  ", width = widths[column]),
            };
            self.line(row.iter().enumerate().map(cell).collect::<String>().trim_end());
        }
    }

    /// Tells people, beside the result.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.json {
            // A terminal that is gone is told nothing.
            let _ = writeln!(anstream::stderr(), "{}", text.as_ref());
        }
    }

    /// Reports a failure.
    pub(crate) fn failure(&self, failure: &Failure) {
        let Failure { error, report } = failure;
        if self.json {
            let mut object = error_object(error);
            if let Some(report) = report {
                object["report"] = report.clone();
            }
            let _ = writeln!(io::stderr(), "{object}");
            return;
        }
        let mut text = format!("{RED}error[{}]{RED:#}: {}\n", error.code(), error.message());
        for cause in error.causes() {
            let mut lines = cause.lines();
            text.push_str(&format!("  cause: {}\n", lines.next().unwrap_or_default()));
            lines.for_each(|line| text.push_str(&format!("    {line}\n")));
        }
        if let Some(problems) = report.as_ref().and_then(|report| report["errors"].as_array()) {
            for problem in problems.iter().take(20) {
                let row = problem["row"].as_u64().map(|row| format!("row {row}: ")).unwrap_or_default();
                text.push_str(&format!("  {row}{}\n", problem["message"].as_str().unwrap_or_default()));
            }
        }
        if let Some(state) = error.state() {
            text.push_str(&format!("  state: {state}\n"));
        }
        text.push_str(&format!("  {CYAN}next{CYAN:#}: {}\n", error.next()));
        let _ = anstream::stderr().write_all(text.as_bytes());
    }

    /// Fails if something could not be printed. A reader that went away is no failure.
    ///
    /// # Errors
    ///
    /// `file_unwritable`.
    pub(crate) fn finish(&self) -> Result<()> {
        match self.refused.take() {
            Some(source) if source.kind() != io::ErrorKind::BrokenPipe => {
                Err(Error::new(tool::FILE_UNWRITABLE, "could not write to standard output")
                    .with_source(source))
            }
            _ => Ok(()),
        }
    }

    fn write(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.refused.borrow().is_some() {
            return;
        }
        let mut out = anstream::stdout();
        if let Err(error) = write(&mut out).and_then(|()| out.flush()) {
            *self.refused.borrow_mut() = Some(error);
        }
    }
}

/// Whether a person looks on who does not mind a line that changes.
pub(crate) fn may_repaint() -> bool {
    let accessible = std::env::var("ACCESSIBLE").is_ok_and(|value| !value.is_empty() && value != "0");
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    io::stderr().is_terminal() && !accessible && !dumb
}

/// An error as programs read it.
pub(crate) fn error_object(error: &Error) -> Value {
    let facts: serde_json::Map<String, Value> =
        error.context().iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
    json!({
        "type": "error",
        "code": error.code().id(),
        "kind": error.kind(),
        "message": error.message(),
        "causes": error.causes(),
        "state": error.state(),
        "next": error.next(),
        "facts": facts,
        "exit": error.code().entry().exit,
    })
}
