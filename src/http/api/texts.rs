//! The document of a requirement, in Markdown, byte for byte as it was given.

use super::commit::not_found;
use super::conditions::{Basis, Conditions, tag};
use super::documents::not_modified;
use super::params::{Params, shown};
use super::problems::{Editing as EditProblems, ReadingOne};
use super::scope::{Editing, Id, Scope, Viewing};
use super::write::Writer;
use crate::http::{Answer, App, RawBody};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rtmx_core::{
    Applied, Body, Change, Error, Expect, Head, Key, Kind, Record, RequirementText, Result, server, storage,
};
use rtmx_storage::StorageBackendExt;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How often a write is begun again because the requirement itself was edited meanwhile.
const ATTEMPTS: usize = 20;

pub(super) const MARKDOWN: HeaderValue = HeaderValue::from_static("text/markdown; charset=utf-8");

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_text, put_text, delete_text))
}

/// Answers the requirement's document.
#[utoipa::path(get, path = "/api/v1/projects/{project}/requirements/{id}/text", tag = "requirements",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("id" = String, Path, description = "The requirement's id, percent-encoded."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that the client has."),
    ),
    responses((status = 200, body = String, content_type = "text/markdown"), (status = 304, description = "The client has it already."), ReadingOne))]
async fn get_text(
    State(app): State<App>,
    Viewing(scope): Viewing,
    Id(id): Id,
    conditions: Conditions,
    params: Params,
) -> Answer<Response> {
    params.finish()?;
    let document = Document { app: &app, scope: &scope, id: &id };
    let (head, found) = document.read().await?;
    let Some(Record { revision, body: Body::RequirementText(text), .. }) = found else {
        document.requirement().await?;
        let message = format!("the requirement `{}` has no document", shown(&id));
        return Err(Error::new(storage::RECORD_NOT_FOUND, message).into());
    };
    let tag = tag(head.epoch, revision);
    if conditions.knows(&tag) {
        return Ok(not_modified(tag));
    }
    Ok(([(header::CONTENT_TYPE, MARKDOWN), (header::ETAG, tag)], text.markdown).into_response())
}

/// Writes the requirement's document: with `If-Match` in place of the one that was read, with
/// `If-None-Match: *` as the first.
#[utoipa::path(put, path = "/api/v1/projects/{project}/requirements/{id}/text", tag = "requirements",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("id" = String, Path, description = "The requirement's id, percent-encoded."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the document that the edit is based on."),
        ("If-None-Match" = Option<String>, Header, description = "`*` to write the first one."),
        ("Idempotency-Key" = Option<String>, Header, description = "A UUID that names this change, so that it may be repeated."),
    ),
    request_body(content = String, content_type = "text/markdown"),
    responses((status = 201, description = "The first one was written; its `ETag` is in the headers."),
        (status = 204, description = "It was replaced; its `ETag` is in the headers."), EditProblems))]
async fn put_text(
    State(app): State<App>,
    Editing(scope): Editing,
    Id(id): Id,
    conditions: Conditions,
    params: Params,
    headers: HeaderMap,
    RawBody(bytes): RawBody,
) -> Answer<Response> {
    params.finish()?;
    check_type(&headers)?;
    let markdown = String::from_utf8(bytes.to_vec()).map_err(|error| {
        Error::new(server::BODY_INVALID, "the document is not UTF-8 text").with_source(error)
    })?;
    let text = RequirementText { markdown };
    let document = Document { app: &app, scope: &scope, id: &id };
    let note = "write a requirement's document";
    let writer = Writer::new(&app, &scope.cx, &scope.caller, scope.space.clone(), &conditions, note);
    let (created, applied) = document.write(&writer, &conditions, Some(text)).await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::NO_CONTENT };
    Ok((status, [(header::ETAG, tag(applied.epoch, applied.revision))]).into_response())
}

/// Deletes the requirement's document.
#[utoipa::path(delete, path = "/api/v1/projects/{project}/requirements/{id}/text", tag = "requirements",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("id" = String, Path, description = "The requirement's id, percent-encoded."),
        ("If-Match" = String, Header, description = "The `ETag` of the document that is to be deleted."),
        ("Idempotency-Key" = Option<String>, Header, description = "A UUID that names this change, so that it may be repeated."),
    ),
    responses((status = 204, description = "It is gone."), EditProblems))]
async fn delete_text(
    State(app): State<App>,
    Editing(scope): Editing,
    Id(id): Id,
    mut conditions: Conditions,
    params: Params,
) -> Answer<StatusCode> {
    params.finish()?;
    conditions.never_creates();
    let document = Document { app: &app, scope: &scope, id: &id };
    let note = "delete a requirement's document";
    let writer = Writer::new(&app, &scope.cx, &scope.caller, scope.space.clone(), &conditions, note);
    document.write(&writer, &conditions, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A requirement's document, there or not.
pub(in crate::http) struct Document<'a> {
    pub(in crate::http) app: &'a App,
    pub(in crate::http) scope: &'a Scope,
    pub(in crate::http) id: &'a str,
}

impl Document<'_> {
    /// Writes the document as the conditions say: in place of the one that they name, or as the first.
    /// `None` deletes it.
    ///
    /// # Errors
    ///
    /// `stale_revision`, `record_exists`, `record_not_found`, `requirement_not_found`; those of the storage.
    pub(in crate::http) async fn put(
        &self,
        conditions: &Conditions,
        markdown: Option<String>,
    ) -> Result<Applied> {
        let Scope { caller, space, cx, .. } = self.scope;
        let note = match markdown {
            Some(_) => "write a requirement's document",
            None => "delete a requirement's document",
        };
        let writer = Writer::new(self.app, cx, caller, space.clone(), conditions, note);
        let text = markdown.map(|markdown| RequirementText { markdown });
        let (_, applied) = self.write(&writer, conditions, text).await?;
        Ok(applied)
    }

    /// The head, and the document's record at it or later.
    pub(in crate::http) async fn read(&self) -> Result<(Head, Option<Record>)> {
        let head = self.app.storage.head(&self.scope.cx, &self.scope.space).await?;
        let found = self.app.storage.find(&self.scope.cx, &self.scope.space, &self.key()).await?;
        Ok((head, found))
    }

    async fn requirement(&self) -> Result<Record> {
        let key = Key::new(Kind::Requirement, self.id);
        let found = self.app.storage.find(&self.scope.cx, &self.scope.space, &key).await?;
        found.ok_or_else(|| not_found(self.id))
    }

    /// Writes or deletes; answers whether it is the first, and what the store says.
    async fn write(
        &self,
        writer: &Writer<'_>,
        conditions: &Conditions,
        text: Option<RequirementText>,
    ) -> Result<(bool, Applied)> {
        let body = text.map(Body::RequirementText);
        match self.try_to_write(writer, conditions, &body).await {
            Err(error)
                if writer.may_have_lost_to_itself(&error)
                    && writer.replayed(&self.key()).await?.is_some() =>
            {
                self.try_to_write(writer, conditions, &body).await
            }
            outcome => outcome,
        }
    }

    async fn try_to_write(
        &self,
        writer: &Writer<'_>,
        conditions: &Conditions,
        body: &Option<Body>,
    ) -> Result<(bool, Applied)> {
        let mut stale = None;
        for _ in 0..ATTEMPTS {
            let (head, found) = self.read().await?;
            if let Some(entry) = writer.replayed(&self.key()).await? {
                if entry.body != *body {
                    return Err(writer.reused());
                }
                let created = writer.before(&entry).await?.is_none();
                return Ok((
                    created,
                    Applied { revision: entry.revision, epoch: head.epoch, replayed: true },
                ));
            }
            let requirement = self.requirement().await?;
            let expect = match (&found, &conditions.basis) {
                (None, Basis::Absent) => Expect::Absent,
                (Some(found), Basis::Absent) => return Err(self.exists(found)),
                (None, basis) => {
                    basis.revision(head.epoch)?;
                    let message = format!("the requirement `{}` has no document", shown(self.id));
                    return Err(Error::new(storage::RECORD_NOT_FOUND, message));
                }
                (Some(found), basis) => {
                    let expected = basis.revision(head.epoch)?;
                    if expected != found.revision {
                        return Err(self.stale(found));
                    }
                    Expect::At(expected)
                }
            };
            let relies_on = vec![(requirement.key(), Expect::At(requirement.revision))];
            let change = Change { key: self.key(), expect, put: body.clone() };
            let _gate = self.app.indexes.edit_plainly(&self.scope.project).await;
            match writer.apply_relying(vec![change], relies_on).await {
                Ok(applied) => return Ok((found.is_none(), applied)),
                // The document or the requirement itself: a second look tells which.
                Err(error) if error.code() == storage::STALE_REVISION => stale = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(stale.unwrap_or_else(|| Error::new(storage::HEAD_MOVED, "others kept changing the requirement")))
    }

    fn key(&self) -> Key {
        Key::new(Kind::RequirementText, self.id)
    }

    fn exists(&self, found: &Record) -> Error {
        let message = format!("the requirement `{}` has a document already", shown(self.id));
        Error::new(storage::RECORD_EXISTS, message).with("revision", found.revision)
    }

    fn stale(&self, found: &Record) -> Error {
        let message = format!("the document of `{}` is at revision {}", shown(self.id), found.revision);
        Error::new(storage::STALE_REVISION, message).with("revision", found.revision)
    }
}

/// Fails unless the body is said to be Markdown.
pub(super) fn check_type(headers: &HeaderMap) -> Result<()> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if matches!(essence.as_str(), "text/markdown" | "text/plain") {
        return Ok(());
    }
    let message = format!("could not read a body of type `{}`: `text/markdown` is needed", shown(&essence));
    Err(Error::new(server::CONTENT_TYPE_INVALID, message))
}
