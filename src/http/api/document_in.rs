//! Import of one requirement document: its row, its text and its test links in one change set.
//!
//! The decision to know: a document is an edit of one requirement, so its values go through the
//! strict editor and it may not close a cycle, where a CSV file is imported leniently. It is written
//! only if nothing was written since it was compared; when others were faster, it is compared anew.
//! What the document repeats of the matrix (a status, ids that depend on it anyway, a text that is
//! wrapped otherwise) changes nothing.

use super::commit::{
    ClosingCycles, check_cycles, exists, layout_for, not_found, requirement_of, take_cycles,
};
use super::conditions::{Basis, Conditions};
use super::params::{Params, invalid, shown};
use super::past::Past;
use super::problems::ImportingDocument;
use super::scope::{Editing, Scope};
use super::texts::check_type;
use super::write::Writer;
use crate::http::{Answer, App, RawBody};
use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use http::HeaderMap;
use rtmx_core::{
    Body, Change, Column, Error, Head, Key, Kind, Record, Requirement, RequirementText, Result, Revision,
    TestLink, import, storage,
};
use rtmx_storage::csv::edit;
use rtmx_storage::markdown::{self, Document, StatusFrom};
use rtmx_storage::query::PAGE_LIMIT;
use rtmx_storage::{Query, StorageBackend, StorageBackendExt};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How often a document is compared anew because the project moved on under it.
const ATTEMPTS: usize = 50;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import_document))
}

/// What the import of a document did, or would do.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct DocumentOutcome {
    /// Whether nothing was to be written.
    dry_run: bool,
    /// Whether something was written.
    applied: bool,
    /// The project's revision afterwards.
    revision: u64,
    /// What was read and what it changes.
    #[serde(flatten)]
    report: DocumentReport,
}

/// What was read from a document and what it changes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct DocumentReport {
    /// The requirement that the document is about.
    req_id: String,
    /// The document's title.
    title: String,
    /// How the document carries its fields: `metadata` or `headings`.
    style: &'static str,
    /// What happens to the requirement's row.
    requirement: Effect,
    /// What happens to the stored document.
    document: Effect,
    /// The columns that change.
    changed: Vec<&'static str>,
    /// How many test links are new.
    test_links: u64,
    /// What the document has: columns, `title`, `tests`, `acceptance_criteria`.
    found: Vec<&'static str>,
    /// Values that could not be read, by column; they change nothing. Under `tests`, one that cannot be linked.
    unread: BTreeMap<&'static str, String>,
    /// Entries of the metadata list that are no field.
    unknown: Vec<String>,
    /// The document's status, where it differs from the row's and `status=true` was not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_not_taken: Option<String>,
}

/// What happens to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Effect {
    Created,
    Updated,
    Unchanged,
}

/// Imports a requirement document in Markdown: makes its requirement, or brings it to what the document says.
///
/// Both styles are read: fields as a list under `## Metadata`, and fields as headings. The document
/// is kept byte for byte as the requirement's `text`, and the tests that it names are linked. Columns
/// that it does not name stay. A document that was imported before changes nothing.
#[utoipa::path(post, path = "/api/v1/projects/{project}/import/document", tag = "files",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("dry_run" = Option<bool>, Query, description = "Whether to report only."),
        ("status" = Option<bool>, Query, description = "Whether the document's status is taken over; else the row's stays."),
        ("keep_row" = Option<bool>, Query, description = "Whether a row that exists stays as it is, so that only the text and the test links are taken: for documents that are imported beside their matrix."),
        ("allow_cycles" = Option<bool>, Query, description = "Whether dependencies may close a cycle."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the written document, or of a requirement without one, that this one is based on."),
        ("If-None-Match" = Option<String>, Header, description = "`*` to make a new requirement."),
        ("Idempotency-Key" = Option<String>, Header, description = "A UUID that names this change, so that it may be repeated."),
    ),
    request_body(content = String, content_type = "text/markdown"),
    responses((status = 200, body = DocumentOutcome), ImportingDocument))]
async fn import_document(
    State(app): State<App>,
    Editing(scope): Editing,
    conditions: Conditions,
    mut params: Params,
    headers: HeaderMap,
    RawBody(bytes): RawBody,
) -> Answer<Json<DocumentOutcome>> {
    let dry_run = params.take_switch("dry_run")?;
    let status = if params.take_switch("status")? { StatusFrom::Document } else { StatusFrom::Matrix };
    let keep_row = params.take_switch("keep_row")?;
    if keep_row && status == StatusFrom::Document {
        return Err(invalid("status", "a row that is kept takes no status over").into());
    }
    let cycles = take_cycles(&mut params)?;
    params.finish()?;
    check_type(&headers)?;
    let (document, markdown) = read(bytes).await?;
    let text = RequirementText { markdown };
    let import = Import {
        app: &app,
        scope: &scope,
        conditions: &conditions,
        status,
        keep_row,
        cycles,
        document,
        text,
    };
    let (revision, applied, report) = import.run(dry_run).await?;
    Ok(Json(DocumentOutcome { dry_run, applied, revision: revision.0, report }))
}

async fn read(bytes: Bytes) -> Result<(Document, String)> {
    let text = String::from_utf8(bytes.into()).map_err(|error| {
        let message = "could not read the document: it is not UTF-8 text";
        Error::new(import::MARKDOWN_INVALID, message).with_source(error)
    })?;
    let parsed =
        tokio::task::spawn_blocking(move || markdown::parse(&text).map(|parsed| (parsed, text))).await;
    parsed
        .map_err(|panic| Error::new(storage::INTERNAL, "the document could not be read").with_source(panic))?
}

struct Import<'a> {
    app: &'a App,
    scope: &'a Scope,
    conditions: &'a Conditions,
    status: StatusFrom,
    keep_row: bool,
    cycles: ClosingCycles,
    document: Document,
    text: RequirementText,
}

/// A document that was compared with what is stored.
struct Compared {
    head: Head,
    changes: Vec<Change>,
    requirement: Requirement,
    adds_dependency: bool,
    report: DocumentReport,
}

impl Import<'_> {
    async fn run(&self, dry_run: bool) -> Result<(Revision, bool, DocumentReport)> {
        let Scope { caller, space, cx, .. } = self.scope;
        let note = "import a requirement's document";
        let writer = Writer::new(self.app, cx, caller, space.clone(), self.conditions, note);
        let outcome = self.compare_and_apply(&writer, dry_run).await;
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
        dry_run: bool,
    ) -> Result<(Revision, bool, DocumentReport)> {
        let mut moved = None;
        for _ in 0..ATTEMPTS {
            let _gate = self.app.indexes.edit_links(&self.scope.project).await;
            let compared = self.compare(&*self.app.storage).await?;
            let Compared { head, changes, requirement, adds_dependency, report } = compared;
            if adds_dependency && self.cycles == ClosingCycles::Refused {
                check_cycles(self.app, self.scope, &self.document.id, &requirement).await?;
            }
            if dry_run || changes.is_empty() {
                return Ok((head.revision, false, report));
            }
            match writer.apply_at(head, changes).await {
                Ok(applied) => return Ok((applied.revision, true, report)),
                Err(error) if error.code() == storage::HEAD_MOVED => moved = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(moved.unwrap_or_else(|| Error::new(storage::HEAD_MOVED, "others kept changing the project")))
    }

    /// Sends the import again that made `revision`: compared with what it was compared with then.
    async fn repeat(
        &self,
        writer: &Writer<'_>,
        revision: Revision,
    ) -> Result<(Revision, bool, DocumentReport)> {
        let past = Past::new(&self.app.storage, Revision(revision.0.saturating_sub(1)));
        let Compared { head, changes, report, .. } = self.compare(&past).await?;
        if changes.is_empty() {
            return Err(writer.reused());
        }
        let applied = writer.apply_at(head, changes).await?;
        Ok((applied.revision, true, report))
    }

    async fn compare(&self, storage: &dyn StorageBackend) -> Result<Compared> {
        let Scope { space, cx, .. } = self.scope;
        let id = self.document.id.as_str();
        let head = storage.head(cx, space).await?;
        let row = storage.find(cx, space, &Key::new(Kind::Requirement, id)).await?;
        let text = storage.find(cx, space, &Key::new(Kind::RequirementText, id)).await?;
        self.check_basis(head, row.as_ref(), text.as_ref())?;
        if row.is_none() {
            edit::check_id(id)?;
        }
        let nothing = Requirement::default();
        let before = row.as_ref().and_then(requirement_of).unwrap_or(&nothing);
        let fields = match &row {
            Some(_) if self.keep_row => BTreeMap::new(),
            _ => self.new_fields(storage, before).await?,
        };
        let mut requirement = before.clone();
        let changed = markdown::apply(&fields, &mut requirement, self.status)?;

        let mut changes = Vec::new();
        let body = || Body::Requirement(requirement.clone());
        let of_row = match &row {
            None => Effect::Created,
            Some(_) if changed.is_empty() => Effect::Unchanged,
            Some(_) => Effect::Updated,
        };
        match &row {
            None => changes.push(Change::create(id, body())),
            Some(row) if of_row == Effect::Updated => changes.push(Change::replace(id, row.revision, body())),
            Some(_) => {}
        }
        if of_row != Effect::Unchanged {
            changes.extend(layout_for(storage, self.scope, &requirement).await?);
        }
        let body = Body::RequirementText(self.text.clone());
        let of_text = match &text {
            None => Effect::Created,
            Some(stored) if stored.body == body => Effect::Unchanged,
            Some(_) => Effect::Updated,
        };
        match &text {
            None => changes.push(Change::create(id, body)),
            Some(stored) if of_text == Effect::Updated => {
                changes.push(Change::replace(id, stored.revision, body));
            }
            Some(_) => {}
        }
        let mut report = self.report(before, of_row, of_text, &changed);
        let links = self.new_links(storage, &requirement, &mut report).await?;
        changes.extend(links);
        let adds_dependency =
            requirement.dependencies.value.iter().any(|id| !before.dependencies.value.contains(id));
        Ok(Compared { head, changes, requirement, adds_dependency, report })
    }

    /// Fails unless the row and the document are what the client knows.
    fn check_basis(&self, head: Head, row: Option<&Record>, text: Option<&Record>) -> Result<()> {
        let id = self.document.id.as_str();
        match (&self.conditions.basis, row) {
            (Basis::Unsaid, _) | (Basis::Absent, None) => Ok(()),
            (Basis::Absent, Some(_)) => Err(exists(id)),
            (Basis::At { .. }, None) => Err(not_found(id)),
            (Basis::At { .. }, Some(row)) => {
                let expected = self.conditions.basis.revision(head.epoch)?;
                let newest = text.map_or(row.revision, |text| text.revision.max(row.revision));
                if expected == newest {
                    return Ok(());
                }
                let id = shown(id);
                let message = format!(
                    "could not import the document of `{id}`: requirement and document are at revision {newest}, not {expected}"
                );
                Err(Error::new(storage::STALE_REVISION, message).with("id", id).with("revision", newest))
            }
        }
    }

    /// The fields that say something else than the row and the matrix do.
    async fn new_fields(
        &self,
        storage: &dyn StorageBackend,
        before: &Requirement,
    ) -> Result<BTreeMap<Column, String>> {
        let mut fields = self.document.fields.clone();
        // A document has a text in one line, wherever the row breaks it.
        fields.retain(|column, text| {
            let in_row = before.text_of(*column);
            !in_row.contains(char::is_whitespace)
                || in_row.split_whitespace().collect::<Vec<_>>().join(" ") != *text
        });
        if let Some(blocks) = fields.get_mut(&Column::Blocks) {
            let mut ids: BTreeSet<String> =
                blocks.split('|').filter(|id| !id.is_empty()).map(str::to_owned).collect();
            let asked = ids.iter().filter(|id| !before.blocks.value.contains(*id)).cloned();
            for dependent in self.dependents(storage, asked.collect()).await? {
                ids.remove(&dependent);
            }
            *blocks = ids.into_iter().collect::<Vec<_>>().join("|");
        }
        Ok(fields)
    }

    /// Those of the requirements that depend on the document's by their own rows.
    async fn dependents(&self, storage: &dyn StorageBackend, ids: Vec<String>) -> Result<Vec<String>> {
        let mut dependents = Vec::new();
        for chunk in ids.chunks(PAGE_LIMIT) {
            let query = Query::ids(self.scope.space.clone(), Kind::Requirement, chunk.iter().cloned());
            let found = storage.fetch(&self.scope.cx, &query).await?.into_records();
            let depends = |record: &Record| {
                let requirement = requirement_of(record);
                requirement.is_some_and(|row| row.dependencies.value.contains(&self.document.id))
            };
            dependents.extend(found.into_iter().filter(depends).map(|record| record.id));
        }
        Ok(dependents)
    }

    /// Links to the tests that the document names and that are not linked yet.
    async fn new_links(
        &self,
        storage: &dyn StorageBackend,
        requirement: &Requirement,
        report: &mut DocumentReport,
    ) -> Result<Vec<Change>> {
        let mut links: BTreeMap<String, TestLink> = BTreeMap::new();
        for test in &self.document.tests {
            let link = TestLink {
                req_id: self.document.id.clone(),
                test_module: test.module.clone(),
                test_function: test.function.clone(),
                validation_method: requirement.validation_method.clone(),
                extra: BTreeMap::new(),
            };
            let key = Key::new(Kind::TestLink, link.record_id());
            if key.check().is_ok() {
                links.insert(key.id, link);
            } else {
                report.unread.entry("tests").or_insert_with(|| shown(&test.module));
            }
        }
        let ids: Vec<String> = links.keys().cloned().collect();
        for chunk in ids.chunks(PAGE_LIMIT) {
            let query = Query::ids(self.scope.space.clone(), Kind::TestLink, chunk.iter().cloned());
            for record in storage.fetch(&self.scope.cx, &query).await?.into_records() {
                links.remove(&record.id);
            }
        }
        report.test_links = links.len() as u64;
        Ok(links.into_iter().map(|(id, link)| Change::create(id, Body::TestLink(link))).collect())
    }

    fn report(
        &self,
        before: &Requirement,
        requirement: Effect,
        document: Effect,
        changed: &[Column],
    ) -> DocumentReport {
        let status = self.document.fields.get(&Column::Status);
        let differs = status.filter(|status| {
            self.status == StatusFrom::Matrix && !status.is_empty() && **status != before.status.value.name()
        });
        DocumentReport {
            req_id: self.document.id.clone(),
            title: self.document.title.clone(),
            style: match self.document.style {
                markdown::Style::Metadata => "metadata",
                markdown::Style::Headings => "headings",
            },
            requirement,
            document,
            changed: changed.iter().map(|column| column.name()).collect(),
            test_links: 0,
            found: self.document.found(),
            unread: self.document.unread.iter().map(|(column, text)| (column.name(), text.clone())).collect(),
            unknown: self.document.unknown.clone(),
            status_not_taken: differs.cloned(),
        }
    }
}
