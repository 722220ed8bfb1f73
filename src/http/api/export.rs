//! Export of a project as CSV, streamed from one revision.
//!
//! The ids come from the index at a head, the rows in portions as they were at that head, so that
//! the file is one consistent state in bounded memory, whatever is written meanwhile.

use super::conditions::{Conditions, head_tag};
use super::documents::not_modified;
use super::params::Params;
use super::problems::Reading;
use super::scope::{Scope, Viewing};
use crate::http::{Answer, App};
use crate::index::Snapshot;
use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header};
use rtmx_core::{Body, Cx, Error, Head, Kind, Layout, Requirement, Result, Space, storage};
use rtmx_storage::Query;
use rtmx_storage::export::CsvExport;
use rtmx_storage::query::PAGE_LIMIT;
use std::collections::HashMap;
use std::time::Duration;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How long one portion may take to read. The whole takes as long as the client does.
const PORTION_LIMIT: Duration = Duration::from_secs(30);

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(export_csv))
}

/// Exports the project as CSV: byte for byte what was imported, where nothing was edited.
///
/// The `ETag` names the revision; given in `If-Match` of an import, it makes sure that nothing
/// written since is lost.
#[utoipa::path(get, path = "/api/v1/projects/{project}/export.csv", tag = "files",
    params(
        ("project" = String, Path, description = "The project's id."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that the client has."),
    ),
    responses((status = 200, body = String, content_type = "text/csv"), (status = 304, description = "The client has it already."), Reading))]
async fn export_csv(
    State(app): State<App>,
    Viewing(scope): Viewing,
    conditions: Conditions,
    params: Params,
) -> Answer<Response> {
    params.finish()?;
    let Scope { project, space, cx, .. } = scope;
    let snapshot = app.indexes.at_head(&cx, &project).await?;
    let (head, tag) = (snapshot.head, head_tag(snapshot.head));
    if conditions.knows(&tag) {
        return Ok(not_modified(tag));
    }
    let in_order =
        |snapshot: &Snapshot| snapshot.matrix.in_file_order().into_iter().map(str::to_owned).collect();
    let ids: Vec<String> = snapshot.compute(in_order).await?;
    let mut file = File {
        app,
        space,
        head,
        ids,
        done: 0,
        stage: Stage::Header,
        csv: CsvExport::new(&Layout::default()),
    };
    file.csv = CsvExport::new(&file.layout(&cx).await?);
    // The first portion is read before the answer begins, so that a storage that fails is told as such.
    let first = file.portion(&cx).await?;
    let rest = stream::try_unfold(file, |mut file| async move {
        let cx = file.app.cx(PORTION_LIMIT);
        let portion = file.portion(&cx).await?;
        Ok::<_, Error>(portion.map(|bytes| (bytes, file)))
    });
    let body = HttpBody::from_stream(stream::StreamExt::chain(stream::iter(first.map(Ok)), rest));
    let name = format!("attachment; filename=\"{project}.csv\"");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, name.parse().expect("a project's id is plain text")),
        (header::ETAG, tag),
    ];
    Ok((headers, body).into_response())
}

/// An export under way.
struct File {
    app: App,
    space: Space,
    head: Head,
    ids: Vec<String>,
    done: usize,
    stage: Stage,
    csv: CsvExport,
}

#[derive(PartialEq)]
enum Stage {
    Header,
    Rows,
    Over,
}

impl File {
    /// The next bytes; `None` at the end.
    async fn portion(&mut self, cx: &Cx) -> Result<Option<Bytes>> {
        let mut out = Vec::new();
        match self.stage {
            Stage::Over => return Ok(None),
            Stage::Header => {
                self.csv.header(&mut out);
                self.stage = Stage::Rows;
            }
            Stage::Rows => {}
        }
        let end = self.ids.len().min(self.done + PAGE_LIMIT);
        let ids = &self.ids[self.done..end];
        let rows = self.rows(cx, ids).await?;
        for id in ids {
            let requirement = rows.get(id).ok_or_else(|| {
                let message = format!("the requirement `{id}` is in the index and not in the storage");
                Error::new(storage::INTERNAL, message)
            })?;
            self.csv.row(id, requirement, &mut out);
        }
        self.done = end;
        if self.done == self.ids.len() {
            self.csv.trailer(&mut out);
            self.stage = Stage::Over;
        }
        Ok(Some(out.into()))
    }

    async fn rows(&self, cx: &Cx, ids: &[String]) -> Result<HashMap<String, Requirement>> {
        let found = self.as_of(cx, Kind::Requirement, ids.to_vec()).await?;
        let take = |(id, body)| match body {
            Body::Requirement(requirement) => Some((id, requirement)),
            _ => None,
        };
        Ok(found.into_iter().filter_map(take).collect())
    }

    async fn layout(&self, cx: &Cx) -> Result<Layout> {
        let found = self.as_of(cx, Kind::Layout, vec!["csv".to_owned()]).await?;
        let take = |(_, body)| match body {
            Body::Layout(layout) => Some(layout),
            _ => None,
        };
        Ok(found.into_iter().find_map(take).unwrap_or_default())
    }

    async fn as_of(&self, cx: &Cx, kind: Kind, ids: Vec<String>) -> Result<Vec<(String, Body)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (space, at) = (self.space.clone(), self.head.revision);
        let query = Query::AsOf { space, kind, at, ids: Some(ids), after: None, limit: PAGE_LIMIT };
        let page = self.app.storage.fetch(cx, &query).await?;
        if page.head.epoch != self.head.epoch {
            return Err(Error::new(storage::EPOCH_CHANGED, "the data was restored during the export"));
        }
        Ok(page.into_records().into_iter().map(|record| (record.id, record.body)).collect())
    }
}
