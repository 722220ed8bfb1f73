//! A requirement written as a Markdown document, from its row and the prose of its stored text.

use super::commit::{not_found, requirement_of};
use super::conditions::{Conditions, tag_with};
use super::documents::not_modified;
use super::params::Params;
use super::problems::ReadingOne;
use super::scope::{Id, Scope, Viewing};
use super::texts::MARKDOWN;
use crate::http::{Answer, App};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use rtmx_core::{Body, Head, Kind, Record, Result, storage};
use rtmx_storage::Query;
use rtmx_storage::markdown::{self, Style};
use sha2::{Digest, Sha256};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(write_document))
}

/// Writes the requirement as a Markdown document.
///
/// The fields are those of the row, and `Blocks` also names what depends on the requirement. Title
/// and sections that carry no field (rationale, acceptance criteria, notes) are those of the stored
/// document, where there is one; `text` answers that one byte for byte. The `ETag` goes into
/// `If-Match` of an import of the document.
#[utoipa::path(get, path = "/api/v1/projects/{project}/requirements/{id}/document", tag = "requirements",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("id" = String, Path, description = "The requirement's id, percent-encoded."),
        ("style" = Option<String>, Query, description = "`metadata` for fields in a list, `headings` for a heading each; if not given, as the stored document has it, else `metadata`."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that the client has."),
    ),
    responses((status = 200, body = String, content_type = "text/markdown"), (status = 304, description = "The client has it already."), ReadingOne))]
async fn write_document(
    State(app): State<App>,
    Viewing(scope): Viewing,
    Id(id): Id,
    conditions: Conditions,
    mut params: Params,
) -> Answer<Response> {
    let style = params.take_word("style", &[("metadata", Style::Metadata), ("headings", Style::Headings)])?;
    params.finish()?;
    let snapshot = app.indexes.at_head(&scope.cx, &scope.project).await?;
    let head = snapshot.head;
    let row = as_of(&app, &scope, head, Kind::Requirement, &id).await?.ok_or_else(|| not_found(&id))?;
    let text = as_of(&app, &scope, head, Kind::RequirementText, &id).await?;
    let mut requirement = requirement_of(&row).ok_or_else(|| not_found(&id))?.clone();
    requirement.blocks.value.extend(snapshot.matrix.dependents(&id).into_iter().map(str::to_owned));
    drop(snapshot);
    let stored = match text.as_ref().map(|record| &record.body) {
        // A text that is no requirement document has no sections to keep.
        Some(Body::RequirementText(text)) => markdown::parse(&text.markdown).ok(),
        _ => None,
    };
    let style = style.or(stored.as_ref().map(|document| document.style)).unwrap_or_default();
    let document = markdown::write(&id, &requirement, style, stored.as_ref());
    let newest = text.map_or(row.revision, |text| text.revision.max(row.revision));
    let tag = tag_with(head.epoch, newest, &digest(&document));
    if conditions.knows(&tag) {
        return Ok(not_modified(tag));
    }
    Ok(([(header::CONTENT_TYPE, MARKDOWN), (header::ETAG, tag)], document).into_response())
}

async fn as_of(app: &App, scope: &Scope, head: Head, kind: Kind, id: &str) -> Result<Option<Record>> {
    let ids = Some(vec![id.to_owned()]);
    let (space, at) = (scope.space.clone(), head.revision);
    let query = Query::AsOf { space, kind, at, ids, after: None, limit: 1 };
    let page = app.storage.fetch(&scope.cx, &query).await?;
    if page.head.epoch != head.epoch {
        return Err(rtmx_core::Error::new(storage::EPOCH_CHANGED, "the data was restored meanwhile"));
    }
    Ok(page.into_records().pop())
}

/// Distinguishes the styles, and what depends on the requirement, which other writes change.
fn digest(document: &str) -> String {
    Sha256::digest(document.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
