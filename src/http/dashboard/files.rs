//! Import and export: a file is checked first, and imported only as it was checked.
//!
//! The decision to know: no file is kept between the two steps. The report of a check carries what it
//! was made of (revision, the file's SHA-256, how it was read), and the import brings the file again: the
//! script sends the one that is still chosen, and without scripts it is chosen again. Another file, or a
//! project that moved on, is refused, and nothing is changed.

use super::frame::{Frame, Section, Visiting, page, project_address};
use super::list::columns::grouped;
use super::upload::Upload;
use crate::http::api::conditions::{Conditions, head_text};
use crate::http::api::documents::path_segment;
use crate::http::api::import::{File, Import};
use crate::http::api::params::Params;
use crate::http::{Answer, App, ProblemDocument, RawBody};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use rtmx_core::{Error, Head, Kind, Result, Revision, Role, server};
use rtmx_storage::FeedPosition;
use rtmx_storage::csv::Duplicates;
use rtmx_storage::import::{Finding, ImportMode, ImportReport, Warning};
use std::collections::BTreeMap;

/// How many findings of one kind, and how many ids, a report shows. All are counted.
const SHOWN: usize = 50;
/// How much of a past import is counted: parts of the feed, and changes in each.
const COUNT_PARTS: usize = 20;
const COUNT_PART: usize = 1_000;

#[derive(Template)]
#[template(path = "files.html")]
struct FilesPage {
    frame: Frame,
    here: String,
    export: String,
    may_import: bool,
    mode: ImportMode,
    duplicates: Duplicates,
    checked: Option<Checked>,
    refused: Option<Refusal>,
    done: Option<Done>,
}

/// What a check found.
struct Checked {
    name: String,
    /// What the import has to be the same as.
    seal: String,
    report: ImportReport,
    groups: Vec<Group>,
    /// Whether the import would change anything.
    changes: bool,
}

/// Why a file was refused.
struct Refusal {
    problem: ProblemDocument,
    findings: Vec<Finding>,
    more: usize,
}

/// Findings of one kind.
struct Group {
    meaning: String,
    count: u64,
    findings: Vec<Finding>,
}

/// What an import has written.
struct Done {
    revision: u64,
    actor: String,
    at: String,
    written: u64,
    deleted: u64,
    others: u64,
    /// Whether there was more than was counted.
    is_part: bool,
}

/// The page.
pub(super) async fn show(State(app): State<App>, visiting: Visiting, mut params: Params) -> Answer<Response> {
    let revision = params.take_as::<u64>("done", "a revision")?;
    params.finish()?;
    let mut page_of = FilesPage::of(&app, &visiting).await?;
    if let Some(revision) = revision {
        page_of.done = done(&app, &visiting, revision).await?;
    }
    page(&page_of)
}

/// Checks a file, or imports it as it was checked.
pub(super) async fn receive(
    State(app): State<App>,
    visiting: Visiting,
    params: Params,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Answer<Response> {
    params.finish()?;
    visiting.scope.caller.require(Role::Editor)?;
    let upload = Upload::read(&headers, body).await?;
    let mut page_of = FilesPage::of(&app, &visiting).await?;
    (page_of.mode, page_of.duplicates) = (upload.mode, upload.duplicates);
    match attempt(&app, &visiting, &upload).await {
        Ok(Outcome::Imported(revision)) => {
            let to = format!("{}?done={revision}", page_of.here);
            Ok(Redirect::to(&to).into_response())
        }
        Ok(Outcome::Checked(checked)) => {
            page_of.checked = Some(*checked);
            page(&page_of)
        }
        Ok(Outcome::Refused(refusal)) => refused(page_of, *refusal),
        Err(error) if error.code().entry().status < 500 => refused(page_of, Refusal::of(&error, Vec::new())),
        Err(error) => Err(error.into()),
    }
}

enum Outcome {
    Imported(Revision),
    Checked(Box<Checked>),
    Refused(Box<Refusal>),
}

async fn attempt(app: &App, visiting: &Visiting, upload: &Upload) -> Result<Outcome> {
    let scope = &visiting.scope;
    let file = File { bytes: upload.file.clone(), duplicates: upload.duplicates };
    let parsed = match file.read().await? {
        Ok(parsed) => parsed,
        Err(refused) => {
            let refusal = Refusal::of(&refused.error, refused.report.errors);
            return Ok(Outcome::Refused(Box::new(refusal)));
        }
    };
    let conditions = match upload.checked_at()? {
        Some(head) => Conditions::based_on(head)?,
        None => Conditions::none(),
    };
    let import = Import { app, scope, conditions: &conditions, mode: upload.mode, head: None, file };
    let is_check = upload.seal.is_none();
    let (revision, applied, report) = import.run(parsed, is_check).await?;
    if !is_check && applied {
        return Ok(Outcome::Imported(revision));
    }
    let epoch = app.storage.head(&scope.cx, &scope.space).await?.epoch;
    let seal = upload.sealed(&head_text(Head { revision, epoch }));
    Ok(Outcome::Checked(Box::new(Checked::of(upload, seal, report))))
}

fn refused(mut page_of: FilesPage, refusal: Refusal) -> Answer<Response> {
    let status = StatusCode::from_u16(refusal.problem.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    page_of.refused = Some(refusal);
    let mut response = page(&page_of)?;
    *response.status_mut() = status;
    Ok(response)
}

/// What was written at a revision, by the feed; `None` if the project has not come so far.
async fn done(app: &App, visiting: &Visiting, revision: u64) -> Result<Option<Done>> {
    let scope = &visiting.scope;
    let before = Revision(revision.saturating_sub(1));
    let mut position = FeedPosition { epoch: None, revision: before, ordinal: u32::MAX };
    let mut done: Option<Done> = None;
    for part in 0..=COUNT_PARTS {
        let feed = app.storage.changes(&scope.cx, &scope.space, position, COUNT_PART, None).await?;
        position = feed.next;
        let own: Vec<_> = feed.events.iter().filter(|event| event.revision.0 == revision).collect();
        let Some(first) = own.first() else { break };
        let done = done.get_or_insert_with(|| Done {
            revision,
            actor: first.actor.clone(),
            at: format!("{:.0}", first.at),
            written: 0,
            deleted: 0,
            others: 0,
            is_part: false,
        });
        if part == COUNT_PARTS {
            done.is_part = true;
            break;
        }
        for event in own {
            match (event.key.kind, event.deleted) {
                (Kind::Requirement, false) => done.written += 1,
                (Kind::Requirement, true) => done.deleted += 1,
                _ => done.others += 1,
            }
        }
        if feed.events.len() < COUNT_PART {
            break;
        }
    }
    Ok(done)
}

impl FilesPage {
    async fn of(app: &App, visiting: &Visiting) -> Result<FilesPage> {
        let scope = &visiting.scope;
        let head = app.storage.head(&scope.cx, &scope.space).await?;
        Ok(FilesPage {
            frame: visiting.frame("Import and export", Some(Section::Files), head),
            here: format!("{}/files", project_address(&scope.project)),
            export: format!("/api/v1/projects/{}/export.csv", path_segment(&scope.project)),
            may_import: scope.caller.require(Role::Editor).is_ok(),
            mode: ImportMode::Merge,
            duplicates: Duplicates::Refuse,
            checked: None,
            refused: None,
            done: None,
        })
    }
}

impl Checked {
    fn of(upload: &Upload, seal: String, mut report: ImportReport) -> Checked {
        let mut findings: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
        for finding in std::mem::take(&mut report.warnings) {
            let own = findings.entry(finding.code.to_string()).or_default();
            if own.len() < SHOWN {
                own.push(finding);
            }
        }
        let group = |(code, count): (&String, &u64)| {
            let known = Warning::ALL.iter().find(|warning| warning.id() == code);
            let meaning = known.map_or_else(|| code.clone(), |warning| warning.meaning().to_owned());
            Group { meaning, count: *count, findings: findings.remove(code).unwrap_or_default() }
        };
        let groups = report.warning_counts.iter().map(group).collect();
        let touched = report.created + report.updated + report.moved + report.deleted + report.test_links;
        let changes = touched > 0 || report.layout_changed;
        Checked { name: upload.name.clone(), seal, report, groups, changes }
    }

    /// What the import would do, with numbers.
    fn counts(&self) -> [(&'static str, String); 8] {
        let report = &self.report;
        [
            ("Rows in the file", grouped(report.rows)),
            ("Requirements to be added", grouped(report.created)),
            ("To be changed", grouped(report.updated)),
            ("To stand elsewhere in the file", grouped(report.moved)),
            ("To be deleted", grouped(report.deleted)),
            ("Unchanged", grouped(report.unchanged)),
            ("Not in the file, kept", grouped(report.kept)),
            ("Test links to be written or deleted", grouped(report.test_links)),
        ]
    }

    /// The ids that would be deleted, and how many more.
    fn deleted(&self) -> (&[String], usize) {
        let ids = &self.report.deleted_ids;
        let shown = ids.len().min(SHOWN);
        (&ids[..shown], ids.len() - shown)
    }
}

impl Refusal {
    fn of(error: &Error, mut findings: Vec<Finding>) -> Refusal {
        let more = findings.len().saturating_sub(SHOWN);
        findings.truncate(SHOWN);
        Refusal { problem: ProblemDocument::of(error), findings, more }
    }
}

/// The error for an import that is not what was checked.
pub(super) fn not_checked(why: &str) -> Error {
    Error::new(server::IMPORT_NOT_CHECKED, why.to_owned())
}
