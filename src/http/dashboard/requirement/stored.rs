//! A requirement as it is stored now, or as it was.

use crate::http::App;
use crate::http::api::commit::requirement_of;
use crate::http::api::conditions::tag;
use crate::http::api::scope::Scope;
use rtmx_core::{Body, Epoch, Kind, Record, Requirement, Result, Revision};
use rtmx_storage::Query;

/// A requirement and where it stands in time.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) requirement: Requirement,
    /// The revision of its last write.
    pub(super) revision: Revision,
    pub(super) epoch: Epoch,
}

impl Stored {
    /// What an edit of it is based on, as the API's `ETag`.
    pub(super) fn basis(&self) -> String {
        tag(self.epoch, self.revision).to_str().unwrap_or_default().to_owned()
    }
}

/// The requirement as it is, and the epoch of the database; `None` if there is none.
pub(super) async fn now(app: &App, scope: &Scope, id: &str) -> Result<(Epoch, Option<Stored>)> {
    let query = Query::ids(scope.space.clone(), Kind::Requirement, [id.to_owned()]);
    let page = app.storage.fetch(&scope.cx, &query).await?;
    let epoch = page.head.epoch;
    Ok((epoch, page.into_records().pop().and_then(|record| stored(epoch, &record))))
}

/// The requirement as it was at a revision; `None` if there was none.
pub(super) async fn at(app: &App, scope: &Scope, id: &str, at: Revision) -> Result<Option<Stored>> {
    let (epoch, record) = record_at(app, scope, Kind::Requirement, id, at).await?;
    Ok(record.and_then(|record| stored(epoch, &record)))
}

/// The requirement's document as it was at a revision.
pub(super) async fn document_at(app: &App, scope: &Scope, id: &str, at: Revision) -> Result<Option<String>> {
    let (_, record) = record_at(app, scope, Kind::RequirementText, id, at).await?;
    Ok(match record.map(|record| record.body) {
        Some(Body::RequirementText(text)) => Some(text.markdown),
        _ => None,
    })
}

async fn record_at(
    app: &App,
    scope: &Scope,
    kind: Kind,
    id: &str,
    at: Revision,
) -> Result<(Epoch, Option<Record>)> {
    let ids = Some(vec![id.to_owned()]);
    let query = Query::AsOf { space: scope.space.clone(), kind, at, ids, after: None, limit: 1 };
    let page = app.storage.fetch(&scope.cx, &query).await?;
    Ok((page.head.epoch, page.into_records().pop()))
}

fn stored(epoch: Epoch, record: &Record) -> Option<Stored> {
    let requirement = requirement_of(record)?.clone();
    Some(Stored { requirement, revision: record.revision, epoch })
}
