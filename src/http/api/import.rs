//! Import of a CSV file: the whole file or nothing, and a report row by row.

use super::conditions::{Basis, Conditions};
use super::params::{Params, shown};
use super::past::Past;
use super::problems::Importing;
use super::scope::{Editing, Scope};
use super::write::Writer;
use crate::http::{Answer, App, ProblemDocument, RawBody};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rtmx_core::{Error, Head, Result, Revision, server, storage};
use rtmx_storage::csv::{self, Duplicates, ParseOptions, Parsed, Refused};
use rtmx_storage::import::{ImportMode, ImportReport, Prepared, prepare};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How often an import is compared anew because the project moved on under it.
const ATTEMPTS: usize = 5;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import_csv))
}

/// What an import did, or would do.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ImportOutcome {
    /// Whether nothing was to be written.
    dry_run: bool,
    /// Whether something was written.
    applied: bool,
    /// The project's revision afterwards.
    revision: u64,
    /// What was read, what it changes, and what was noticed.
    #[serde(flatten)]
    report: ImportReport,
}

/// Imports a CSV file, whole or not at all.
///
/// Values are read leniently, and the report says so row by row; the file's bytes are kept, so that
/// an export gives them back. A file that was imported before changes nothing. A refused file is
/// answered with a problem document that has the report under `report`.
#[utoipa::path(post, path = "/api/v1/projects/{project}/import", tag = "files",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("dry_run" = Option<bool>, Query, description = "Whether to report only."),
        ("mode" = Option<String>, Query, description = "`merge` (the default) keeps requirements that the file does not have, `replace` deletes them."),
        ("duplicates" = Option<String>, Query, description = "`refuse` (the default) refuses a file with several rows of one id, `merge` makes one requirement with several test links of them."),
        ("head" = Option<u64>, Query, description = "Refuse unless this is the project's revision."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the project or of an export that the file is based on."),
        ("Idempotency-Key" = Option<String>, Header, description = "A UUID that names this change, so that it may be repeated."),
    ),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = ImportOutcome), Importing))]
async fn import_csv(
    State(app): State<App>,
    Editing(scope): Editing,
    conditions: Conditions,
    mut params: Params,
    headers: HeaderMap,
    RawBody(bytes): RawBody,
) -> Answer<Response> {
    let words = [("merge", ImportMode::Merge), ("replace", ImportMode::Replace)];
    let mode = params.take_word("mode", &words)?.unwrap_or_default();
    let words = [("refuse", Duplicates::Refuse), ("merge", Duplicates::Merge)];
    let duplicates = params.take_word("duplicates", &words)?.unwrap_or_default();
    let dry_run = params.take_switch("dry_run")?;
    let head = params.take_as::<u64>("head", "a revision")?.map(Revision);
    params.finish()?;
    check_type(&headers)?;
    let file = File { bytes, duplicates };
    let parsed = match file.read().await? {
        Ok(parsed) => parsed,
        Err(refused) => return Ok(refusal(*refused)),
    };
    let import = Import { app: &app, scope: &scope, conditions: &conditions, mode, head, file };
    let (revision, applied, report) = import.run(parsed, dry_run).await?;
    Ok(Json(ImportOutcome { dry_run, applied, revision: revision.0, report }).into_response())
}

/// One import of one file.
pub(in crate::http) struct Import<'a> {
    pub(in crate::http) app: &'a App,
    pub(in crate::http) scope: &'a Scope,
    pub(in crate::http) conditions: &'a Conditions,
    pub(in crate::http) mode: ImportMode,
    /// The revision that the client expects, if it gave one as a parameter.
    pub(in crate::http) head: Option<Revision>,
    pub(in crate::http) file: File,
}

/// The file as it was sent. What was read from it takes several times its size and goes into the
/// comparison as it is, so whoever compares again reads it again.
pub(in crate::http) struct File {
    pub(in crate::http) bytes: Bytes,
    pub(in crate::http) duplicates: Duplicates,
}

impl Import<'_> {
    /// Compares, and writes unless it is a dry run: the project's revision afterwards, whether something
    /// was written, and the report.
    ///
    /// # Errors
    ///
    /// `head_moved`, `stale_revision`; those of the storage.
    pub(in crate::http) async fn run(
        &self,
        parsed: Parsed,
        dry_run: bool,
    ) -> Result<(Revision, bool, ImportReport)> {
        let Scope { caller, space, cx, .. } = self.scope;
        let writer = Writer::new(self.app, cx, caller, space.clone(), self.conditions, "import a file");
        let outcome = self.compare_and_apply(&writer, parsed, dry_run).await;
        let may_be_a_repetition = match &outcome {
            Ok((_, applied, _)) => !applied && !dry_run,
            Err(error) => writer.may_have_lost_to_itself(error),
        };
        if may_be_a_repetition && let Some(revision) = writer.found_in_history().await? {
            return self.repeat(&writer, revision).await;
        }
        outcome
    }

    async fn compare_and_apply(
        &self,
        writer: &Writer<'_>,
        parsed: Parsed,
        dry_run: bool,
    ) -> Result<(Revision, bool, ImportReport)> {
        let Scope { project, space, cx, .. } = self.scope;
        let expects_head = self.head.is_some() || self.conditions.basis != Basis::Unsaid;
        let (mut moved, mut read) = (None, Some(parsed));
        for _ in 0..ATTEMPTS {
            let parsed = match read.take() {
                Some(parsed) => parsed,
                None => self.file.read().await?.map_err(Error::from)?,
            };
            // Alone in this process, or edits would keep moving the head under a large comparison.
            let _gate = self.app.indexes.edit_links(project).await;
            let storage = &*self.app.storage;
            let Prepared { head, changes, report } = prepare(cx, storage, space, parsed, self.mode).await?;
            self.check_head(head)?;
            if dry_run || changes.is_empty() {
                return Ok((head.revision, false, report));
            }
            match writer.apply_at(head, changes).await {
                Ok(applied) => return Ok((applied.revision, true, report)),
                Err(error) if error.code() == storage::HEAD_MOVED && !expects_head => moved = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(moved.unwrap_or_else(|| Error::new(storage::HEAD_MOVED, "others kept changing the project")))
    }

    /// Sends the import again that made `revision`: compared with what it was compared with then, so
    /// that the answer is the same and what others wrote since stays.
    async fn repeat(
        &self,
        writer: &Writer<'_>,
        revision: Revision,
    ) -> Result<(Revision, bool, ImportReport)> {
        let Scope { space, cx, .. } = self.scope;
        let past = Past::new(&self.app.storage, Revision(revision.0.saturating_sub(1)));
        let parsed = self.file.read().await?.map_err(Error::from)?;
        let Prepared { head, changes, report } = prepare(cx, &past, space, parsed, self.mode).await?;
        self.check_head(head)?;
        if changes.is_empty() {
            return Err(writer.reused());
        }
        let applied = writer.apply_at(head, changes).await?;
        Ok((applied.revision, true, report))
    }

    fn check_head(&self, found: Head) -> Result<()> {
        let wrong = |code, expected: Revision| {
            let message =
                format!("could not import: the project is at revision {}, not {expected}", found.revision);
            Err(Error::new(code, message).with("head", found.revision))
        };
        if let Some(expected) = self.head.filter(|expected| *expected != found.revision) {
            return wrong(storage::HEAD_MOVED, expected);
        }
        if let Basis::At { .. } = &self.conditions.basis {
            let expected = self.conditions.basis.revision(found.epoch)?;
            if expected != found.revision {
                return wrong(storage::STALE_REVISION, expected);
            }
        }
        Ok(())
    }
}

impl File {
    /// Reads the file off the async threads; refused with a report, or ready to be compared.
    ///
    /// # Errors
    ///
    /// `internal`.
    pub(in crate::http) async fn read(&self) -> Result<Result<Parsed, Box<Refused>>> {
        let options = ParseOptions { duplicates: self.duplicates };
        let bytes = self.bytes.clone();
        let parsed = tokio::task::spawn_blocking(move || csv::read(&bytes, &options)).await;
        parsed.map_err(|panic| Error::new(storage::INTERNAL, "the file could not be read").with_source(panic))
    }
}

/// The problem document for a refused file, with the report beside it.
fn refusal(refused: Refused) -> Response {
    let Refused { error, report } = refused;
    let status =
        StatusCode::from_u16(error.code().entry().status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    let mut document = serde_json::to_value(ProblemDocument::of(&error)).expect("a problem is plain data");
    document["report"] = serde_json::to_value(report).expect("a report is plain data");
    let mut response = (status, Json(document)).into_response();
    let problem = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, problem);
    response.extensions_mut().insert(error.code());
    response
}

fn check_type(headers: &HeaderMap) -> Result<()> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if matches!(essence.as_str(), "text/csv" | "application/csv" | "application/vnd.ms-excel") {
        return Ok(());
    }
    let message = format!("could not read a body of type `{}`: `text/csv` is needed", shown(&essence));
    let error = Error::new(server::CONTENT_TYPE_INVALID, message);
    if essence == "text/markdown" {
        return Err(error.with_next("Send a requirement document to `import/document` of the project."));
    }
    Err(error)
}
