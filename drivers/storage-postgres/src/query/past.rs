//! What was: history, records as of a revision, and the change feed, all from one table.

use crate::error::{Fault, Outcome};
use crate::heads::{self, number, revision};
use crate::session::Session;
use rtmx_core::{Body, ChangeSetId, Key, Kind, Record, Revision, Space, Timestamp};
use rtmx_storage::query::{HistoryEntry, PAGE_LIMIT};
use rtmx_storage::{ChangeEvent, Feed, FeedPosition};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::BTreeSet;

/// Which records, when.
pub(super) struct AsOf<'q> {
    pub(super) kind: Kind,
    pub(super) at: Revision,
    pub(super) after: Option<&'q str>,
    pub(super) limit: usize,
}

/// What records were at a revision, by id, and the id to go on after.
pub(super) async fn as_of(
    session: &mut Session,
    space: i64,
    asked: &AsOf<'_>,
    ids: Option<&[String]>,
) -> Outcome<(Vec<Record>, Option<String>)> {
    // For each id the newest write that is not newer than asked for, as the index gives them; deletions
    // among them are left out, and more are looked at until the page is full. That an id has one newest
    // write is said by the inner limit: without it PostgreSQL expects few, and goes through all of them.
    const ALL: &str = "SELECT asked.id, newest.revision, newest.body FROM \
         (SELECT DISTINCT id FROM history WHERE space = $1 AND kind = $2 AND id > $3 AND revision <= $4 \
         ORDER BY id) AS asked \
         CROSS JOIN LATERAL (SELECT revision, body::text FROM history WHERE space = $1 AND kind = $2 \
         AND id = asked.id AND revision <= $4 ORDER BY revision DESC LIMIT 1) AS newest \
         WHERE newest.body IS NOT NULL ORDER BY asked.id LIMIT $5";
    let wanted = asked.limit + 1;
    let after = asked.after.unwrap_or_default();
    let mut records = match ids {
        Some(ids) => {
            let once: BTreeSet<&str> =
                ids.iter().map(String::as_str).filter(|id| asked.after.is_none() || *id > after).collect();
            written(session, space, asked.kind, asked.at, &once.into_iter().collect::<Vec<_>>()).await?
        }
        None => {
            let statement = session.statement(ALL).bind(space).bind(asked.kind.name()).bind(after);
            let statement = statement.bind(number(asked.at)).bind(i64::try_from(wanted).unwrap_or(i64::MAX));
            records(&session.rows(statement).await?)?
        }
    };
    let more = records.len() > asked.limit;
    records.truncate(asked.limit);
    let next = records.last().filter(|_| more).map(|record| record.id.clone());
    Ok((records, next))
}

/// What the records with these ids were when they were written last, those that are present.
pub(crate) async fn newest(
    session: &mut Session,
    space: i64,
    kind: Kind,
    ids: &[&str],
) -> Outcome<Vec<Record>> {
    written(session, space, kind, Revision(u64::MAX), ids).await
}

/// What the records with these ids were at a revision, by id.
async fn written(
    session: &mut Session,
    space: i64,
    kind: Kind,
    at: Revision,
    ids: &[&str],
) -> Outcome<Vec<Record>> {
    const SOME: &str = "SELECT asked.id, newest.revision, newest.body FROM unnest($4::text[]) AS asked (id) \
         CROSS JOIN LATERAL (SELECT revision, body::text FROM history \
         WHERE space = $1 AND kind = $2 AND id = asked.id AND revision <= $3 ORDER BY revision DESC LIMIT 1) \
         AS newest WHERE newest.body IS NOT NULL ORDER BY asked.id COLLATE \"C\"";
    let statement = session.statement(SOME).bind(space).bind(kind.name()).bind(number(at)).bind(ids);
    records(&session.rows(statement).await?)
}

/// Records from rows of id, revision and body.
fn records(rows: &[PgRow]) -> Outcome<Vec<Record>> {
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(body) = body(row, 2)? {
            records.push(Record { id: row.try_get(0)?, revision: revision(row.try_get(1)?), body });
        }
    }
    Ok(records)
}

/// What was written to a record or to a whole space, the newest first, and where to go on.
pub(super) async fn history(
    session: &mut Session,
    space: i64,
    key: Option<&Key>,
    before: Option<(Revision, u32)>,
    limit: usize,
) -> Outcome<(Vec<HistoryEntry>, Option<String>)> {
    // The bound is repeated for the change sets, which else are read from the newest on.
    const SELECT: &str = "SELECT history.kind, history.id, history.revision, ordinal, change_set.id, actor, at, note, body::text \
         FROM history JOIN change_set ON change_set.space = history.space AND change_set.revision = history.revision \
         WHERE history.space = $1 AND history.revision <= $2 AND (history.revision < $2 OR ordinal < $3) \
         AND change_set.revision <= $2";
    let (newest, ordinal) =
        before.map_or((i64::MAX, i64::MAX), |(revision, ordinal)| (number(revision), ordinal.into()));
    let (mut text, wanted) = (SELECT.to_owned(), limit + 1);
    if key.is_some() {
        text.push_str(" AND history.kind = $4 AND history.id = $5");
    }
    text.push_str(&format!(" ORDER BY history.revision DESC, ordinal DESC LIMIT {wanted}"));
    let mut statement = session.composed(text).bind(space).bind(newest).bind(ordinal);
    if let Some(key) = key {
        statement = statement.bind(key.kind.name()).bind(key.id.as_str());
    }
    let read = |row: &PgRow| {
        Ok(HistoryEntry {
            key: read_key(row, 0)?,
            revision: revision(row.try_get(2)?),
            ordinal: read_ordinal(row, 3)?,
            body: body(row, 8)?,
            change_set: ChangeSetId(row.try_get(4)?),
            actor: row.try_get(5)?,
            at: read_time(row, 6)?,
            note: row.try_get(7)?,
        })
    };
    let rows = session.rows(statement).await?;
    let mut entries: Vec<HistoryEntry> = rows.iter().map(read).collect::<Outcome<_>>()?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|entry| format!("{}-{}", entry.revision, entry.ordinal));
    Ok((entries, next))
}

/// The changes of a space after a position.
pub(crate) async fn feed(
    session: &mut Session,
    space: &Space,
    after: &FeedPosition,
    limit: usize,
) -> Outcome<Feed> {
    // The bound is repeated for the change sets, which else are read from the first on.
    const EVENTS: &str = "SELECT history.kind, history.id, history.revision, ordinal, change_set.id, actor, at, body IS NULL \
         FROM history JOIN change_set ON change_set.space = history.space AND change_set.revision = history.revision \
         WHERE history.space = $1 AND history.revision >= $2 AND (history.revision > $2 OR ordinal > $3) \
         AND change_set.revision >= $2 ORDER BY history.revision, ordinal LIMIT $4";
    let (row, head) = heads::head(session, space).await?;
    after.check(head.epoch)?;
    let mut events = Vec::new();
    if let Some(row) = row.filter(|_| head.revision > after.revision || after.ordinal != u32::MAX) {
        let limit = i64::try_from(limit.clamp(1, PAGE_LIMIT)).unwrap_or(i64::MAX);
        let statement = session.statement(EVENTS).bind(row).bind(number(after.revision));
        for row in session.rows(statement.bind(i64::from(after.ordinal)).bind(limit)).await? {
            events.push(ChangeEvent {
                revision: revision(row.try_get(2)?),
                ordinal: read_ordinal(&row, 3)?,
                key: read_key(&row, 0)?,
                deleted: row.try_get(7)?,
                change_set: ChangeSetId(row.try_get(4)?),
                actor: row.try_get(5)?,
                at: read_time(&row, 6)?,
            });
        }
    }
    let behind = |event: &ChangeEvent| FeedPosition {
        epoch: Some(head.epoch.short()),
        revision: event.revision,
        ordinal: event.ordinal,
    };
    let next = events.last().map_or_else(|| after.clone(), behind);
    Ok(Feed { head, events, next })
}

fn fault(column: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::Row { what: "change", column, source: source.into() }
}

/// The body in a column of JSON text; `None` for a deletion.
pub(crate) fn body(row: &PgRow, column: usize) -> Outcome<Option<Body>> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(serde_json::from_str).transpose().map_err(|error| fault("body", error))
}

/// The key in two columns, kind and id.
pub(crate) fn read_key(row: &PgRow, column: usize) -> Outcome<Key> {
    let name: &str = row.try_get(column)?;
    let kind = Kind::parse(name).ok_or_else(|| fault("kind", format!("`{name}` is no kind")))?;
    Ok(Key::new(kind, row.try_get::<String, _>(column + 1)?))
}

/// A time.
pub(crate) fn read_time(row: &PgRow, column: usize) -> Outcome<Timestamp> {
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|error: jiff::Error| fault("at", error))
}

fn read_ordinal(row: &PgRow, column: usize) -> Outcome<u32> {
    u32::try_from(row.try_get::<i64, _>(column)?).map_err(|error| fault("ordinal", error))
}
