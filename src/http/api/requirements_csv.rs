//! A filtered list as CSV: chosen columns of what a query finds, streamed.
//!
//! The decision to know: the ids are read first, in pages, and then the rows as they were at one
//! revision, so that the values of a file belong together. If somebody wrote while the ids were read,
//! they are read again, a few times; under writes that never pause, a row that began to match
//! meanwhile may be missing, and none that does not match is there.

use super::documents::path_segment;
use super::list::{Filters, ListQuery, read_columns};
use super::params::Params;
use super::problems::Paging;
use super::scope::{Scope, Viewing};
use crate::http::{Answer, App};
use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header};
use rtmx_core::{Body, CORE_COLUMNS, Column, Cx, Error, Head, Key, Kind, Result, Space, storage};
use rtmx_storage::export::CsvColumns;
use rtmx_storage::query::{Field, PAGE_LIMIT, RecordQuery, Selection};
use rtmx_storage::{Query, StorageBackendExt};
use std::collections::HashMap;
use std::time::Duration;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How often the ids are read again because the project moved on meanwhile.
const ATTEMPTS: usize = 3;
/// How long one portion may take to read. The whole takes as long as the client does.
const PORTION_LIMIT: Duration = Duration::from_secs(30);

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_as_csv))
}

/// Answers all requirements that a query finds as CSV (RFC 4180), in its order, with the chosen columns.
///
/// Filters, `search` and `sort` are those of the list. A cell holds the text that the imported file
/// had. A text that a spreadsheet would take for a formula is not altered: it is data, and the program
/// that opens the file decides what to do with it.
#[utoipa::path(get, path = "/api/v1/projects/{project}/requirements.csv", tag = "files",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("columns" = Option<String>, Query, description = "Columns, separated by commas, others than the 21 as `extra.<name>`; those of the imported file if not given."),
        ("search" = Option<String>, Query, description = "Words that must all occur; the last counts as the beginning of one."),
        ("sort" = Option<String>, Query, description = "Up to four columns, separated by commas, each with a leading `-` for descending. Then by id."),
        Filters,
    ),
    responses((status = 200, body = String, content_type = "text/csv"), Paging))]
async fn list_as_csv(
    State(app): State<App>,
    Viewing(scope): Viewing,
    mut params: Params,
) -> Answer<Response> {
    let chosen = read_columns(&params.take_all("columns"))?;
    for of_a_page in ["limit", "cursor", "count"] {
        if !params.is_without(of_a_page) {
            let why = "a file has all rows that match";
            return Err(super::params::invalid(of_a_page, why).into());
        }
    }
    let query = ListQuery::read(params, &scope.space)?;
    let columns = if chosen.is_empty() { columns_of_file(&app, &scope).await? } else { chosen };
    let Scope { project, space, cx, .. } = scope;
    let (head, ids) = find(&app, &cx, &query).await?;
    let mut file = File { app, space, query, head, ids, done: 0, csv: CsvColumns::new(columns) };
    let mut first = Vec::new();
    file.csv.header(&mut first);
    // The first portion is read before the answer begins, so that a storage that fails is told as such.
    file.portion(&cx, &mut first).await?;
    let rest = stream::try_unfold(file, |mut file| async move {
        if file.done == file.ids.len() {
            return Ok::<_, Error>(None);
        }
        let (cx, mut out) = (file.app.cx(PORTION_LIMIT), Vec::new());
        file.portion(&cx, &mut out).await?;
        Ok(Some((Bytes::from(out), file)))
    });
    let body = stream::StreamExt::chain(stream::iter([Ok(Bytes::from(first))]), rest);
    let name = format!("attachment; filename=\"{}-requirements.csv\"", path_segment(&project));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, name.parse().expect("a project's id is plain text")),
    ];
    Ok((headers, HttpBody::from_stream(body)).into_response())
}

/// The columns of the imported file, or the 21.
async fn columns_of_file(app: &App, scope: &Scope) -> Result<Vec<Field>> {
    let found = app.storage.find(&scope.cx, &scope.space, &Key::new(Kind::Layout, "csv")).await?;
    let columns = match found.map(|record| record.body) {
        Some(Body::Layout(layout)) => layout.columns,
        _ => Vec::new(),
    };
    if columns.is_empty() {
        return Ok(CORE_COLUMNS.into_iter().map(Field::Core).collect());
    }
    let field = |name: String| Column::parse(&name).map_or(Field::Extra(name), Field::Core);
    Ok(columns.into_iter().map(field).collect())
}

/// The ids that a query finds, in its order, and the head at which they were last looked for.
async fn find(app: &App, cx: &Cx, query: &RecordQuery) -> Result<(Head, Vec<String>)> {
    let mut attempts = 0;
    loop {
        let mut page_of = RecordQuery { limit: PAGE_LIMIT, cursor: None, count: false, ..query.clone() };
        let (mut ids, mut first) = (Vec::new(), None);
        let head = loop {
            let mut page = app.storage.fetch(cx, &Query::Records(page_of.clone())).await?;
            let (head, next) = (page.head, page.next.take());
            first.get_or_insert(head);
            ids.extend(page.into_records().into_iter().map(|record| record.id));
            match next {
                Some(next) => page_of.cursor = Some(next),
                None => break head,
            }
        };
        attempts += 1;
        if first == Some(head) || attempts == ATTEMPTS {
            return Ok((head, ids));
        }
    }
}

/// A file under way.
struct File {
    app: App,
    space: Space,
    query: RecordQuery,
    head: Head,
    ids: Vec<String>,
    done: usize,
    csv: CsvColumns,
}

impl File {
    /// Appends the next rows.
    async fn portion(&mut self, cx: &Cx, out: &mut Vec<u8>) -> Result<()> {
        let end = self.ids.len().min(self.done + PAGE_LIMIT);
        let ids = &self.ids[self.done..end];
        if ids.is_empty() {
            return Ok(());
        }
        let (space, at) = (self.space.clone(), self.head.revision);
        let query = Query::AsOf {
            space,
            kind: Kind::Requirement,
            at,
            ids: Some(ids.to_vec()),
            after: None,
            limit: PAGE_LIMIT,
        };
        let page = self.app.storage.fetch(cx, &query).await?;
        if page.head.epoch != self.head.epoch {
            return Err(Error::new(storage::EPOCH_CHANGED, "the data was restored while the file was made"));
        }
        let found: HashMap<String, Body> =
            page.into_records().into_iter().map(|record| (record.id, record.body)).collect();
        let selection = Selection::of(&self.query);
        for id in ids {
            let Some(body) = found.get(id).filter(|body| selection.finds(id, body)) else { continue };
            if let Body::Requirement(requirement) = body {
                self.csv.row(id, requirement, out);
            }
        }
        self.done = end;
        Ok(())
    }
}
