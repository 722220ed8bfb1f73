//! Answers to queries, each from the snapshot of one transaction that reads.

mod condition;
mod order;
mod past;
mod records;
mod search;
mod text;

pub(crate) use past::{body, feed, newest, read_key, read_time};

use crate::error::Outcome;
use crate::session::Session;
use crate::{heads, rows, tally};
use rtmx_core::{Head, Kind, Record};
use rtmx_storage::query::Items;
use rtmx_storage::{Page, Query};
use std::collections::HashMap;

/// Answers a query that passed [`Query::check`].
pub(crate) async fn answer(session: &mut Session, query: &Query) -> Outcome<Page> {
    let (space, head) = heads::head(session, query.space()).await?;
    if let Query::Records(query) = query {
        return records::page(session, space, head, query).await;
    }
    let Some(space) = space else { return Ok(page(head, nothing(query), None)) };
    match query {
        Query::Ids { kind, ids, .. } => {
            Ok(page(head, Items::Records(by_ids(session, space, *kind, ids).await?), None))
        }
        Query::AsOf { kind, at, ids, after, limit, .. } => {
            let asked = past::AsOf { kind: *kind, at: *at, after: after.as_deref(), limit: *limit };
            let (records, next) = past::as_of(session, space, &asked, ids.as_deref()).await?;
            Ok(page(head, Items::Records(records), next))
        }
        Query::History { key, before, limit, .. } => {
            let (entries, next) = past::history(session, space, key.as_ref(), *before, *limit).await?;
            Ok(page(head, Items::History(entries), next))
        }
        Query::Tally { .. } => Ok(page(head, Items::Tally(tally::read(session, space).await?), None)),
        _ => {
            let message = "the storage driver `postgres` does not know this query";
            Err(rtmx_core::Error::new(rtmx_core::storage::NOT_SUPPORTED, message).into())
        }
    }
}

fn page(head: Head, items: Items, next: Option<String>) -> Page {
    Page { head, items, next, total: None }
}

/// What a space that was never written holds.
fn nothing(query: &Query) -> Items {
    match query {
        Query::History { .. } => Items::History(Vec::new()),
        Query::Tally { .. } => Items::Tally(Vec::new()),
        _ => Items::Records(Vec::new()),
    }
}

/// Present records with these ids, in their order.
async fn by_ids(session: &mut Session, space: i64, kind: Kind, ids: &[String]) -> Outcome<Vec<Record>> {
    let found = rows::by_ids(session, space, kind, ids).await?;
    if ids.len() <= 1 {
        return Ok(found);
    }
    let by_id: HashMap<&str, &Record> = found.iter().map(|record| (record.id.as_str(), record)).collect();
    Ok(ids.iter().filter_map(|id| by_id.get(id.as_str())).map(|record| (*record).clone()).collect())
}
