//! Answers to queries, each from the snapshot of one read transaction.

mod condition;
mod order;
mod past;
mod records;

pub(crate) use past::{body, feed, read_change_set, read_key, read_time};

use crate::error::Outcome;
use crate::rows::{self, priority_numbered, status_numbered};
use crate::{heads, sql};
use rtmx_core::{Head, Kind, Record};
use rtmx_storage::query::{Items, TallyRow};
use rtmx_storage::{Page, Query};
use rusqlite::Connection;

/// Answers a query that passed [`Query::check`].
pub(crate) fn answer(conn: &Connection, query: &Query) -> Outcome<Page> {
    let (space, head) = heads::head(conn, query.space())?;
    match query {
        Query::Records(query) => records::page(conn, space, head, query),
        _ => {
            let Some(space) = space else { return Ok(page(head, nothing(query), None)) };
            match query {
                Query::Ids { kind, ids, .. } => {
                    Ok(page(head, Items::Records(by_ids(conn, space, *kind, ids)?), None))
                }
                Query::AsOf { kind, at, ids, after, limit, .. } => {
                    let asked = past::AsOf { kind: *kind, at: *at, after: after.as_deref(), limit: *limit };
                    let (records, next) = past::as_of(conn, space, &asked, ids.as_deref())?;
                    Ok(page(head, Items::Records(records), next))
                }
                Query::History { key, before, limit, .. } => {
                    let (entries, next) = past::history(conn, space, key.as_ref(), *before, *limit)?;
                    Ok(page(head, Items::History(entries), next))
                }
                Query::Tally { .. } => Ok(page(head, Items::Tally(tally(conn, space)?), None)),
                _ => {
                    let message = "the storage driver `sqlite` does not know this query";
                    Err(rtmx_core::Error::new(rtmx_core::storage::NOT_SUPPORTED, message).into())
                }
            }
        }
    }
}

/// Whether a query finds at most [`SHORT`] rows, each by its key.
pub(crate) fn is_short(query: &Query) -> bool {
    match query {
        Query::Records(query) => records::is_by_id(query) && !query.count && query.limit <= SHORT,
        Query::Ids { ids, .. } => ids.len() <= SHORT,
        _ => false,
    }
}

/// The most rows of a short answer.
const SHORT: usize = 100;

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
pub(crate) fn by_ids(conn: &Connection, space: i64, kind: Kind, ids: &[String]) -> Outcome<Vec<Record>> {
    let found = ids.iter().map(|id| rows::get(conn, space, kind, id));
    found.filter_map(Outcome::transpose).collect()
}

fn tally(conn: &Connection, space: i64) -> Outcome<Vec<TallyRow>> {
    let text = "SELECT status, phase, category, priority, count FROM tally WHERE space = ?1 \
         ORDER BY status, phase, category, priority";
    let mut statement = sql::statement(conn, text)?;
    let mut found = statement.query([space])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(TallyRow {
            status: status_numbered(row.get(0)?)?,
            phase: u32::try_from(row.get::<_, i64>(1)?).ok(),
            category: row.get(2)?,
            priority: priority_numbered(row.get(3)?)?,
            count: row.get::<_, i64>(4)?.cast_unsigned(),
        });
    }
    Ok(rows)
}
