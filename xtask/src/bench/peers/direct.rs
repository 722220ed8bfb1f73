//! The server's own questions put straight to its database file, through rusqlite.

use crate::bench::Release;
use crate::bench::load::{self, Figures};
use crate::bench::questions::{Pages, Question};
use crate::{Result, process};
use std::path::Path;
use std::process::Command;

/// What is done with the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bench) enum Then {
    Drop,
    Json,
}

/// How the reference calls a question; `None` for those that it does not know.
pub(in crate::bench) fn name(question: Question) -> Option<&'static str> {
    match question {
        Question::Page => Some("page"),
        Question::Filter => Some("filter"),
        Question::Status => Some("status"),
        _ => None,
    }
}

/// How the reference calls pages.
pub(in crate::bench) fn name_of_pages(pages: Pages) -> &'static str {
    match pages {
        Pages::Again => "page",
        Pages::InTurn => "walk",
    }
}

/// Asks the file what the reference calls `name`.
///
/// # Errors
///
/// If the file cannot be read, or the reference does not know the name.
pub(in crate::bench) fn ask(
    release: &Release,
    file: &Path,
    name: &str,
    then: Then,
    clients: usize,
    requests: usize,
) -> Result<Figures> {
    let mut load = command(release, file, name);
    load.args(["--clients", &clients.to_string(), "--requests", &requests.to_string()]);
    if then == Then::Json {
        load.arg("--json");
    }
    load::read(&mut load)
}

/// The ids that the reference answers, to compare with the server's; for pages in turn, those of the
/// second page.
///
/// # Errors
///
/// As [`ask`].
pub(in crate::bench) fn ids(release: &Release, file: &Path, name: &str) -> Result<Vec<String>> {
    let line = process::quiet(command(release, file, name).arg("--show"))?;
    serde_json::from_str(&line).map_err(|error| format!("could not read the ids `{line}`: {error}"))
}

fn command(release: &Release, file: &Path, name: &str) -> Command {
    let mut load = process::command(&release.load, Path::new("/"));
    load.arg("direct").arg(file).arg(name);
    load
}
