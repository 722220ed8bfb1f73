//! What was: history, records as of a revision, and the change feed, all from one table.

use crate::error::{Fault, Outcome};
use crate::heads::{self, number};
use crate::{rows, sql};
use rtmx_core::{Body, ChangeSetId, Key, Kind, Record, Revision, Space};
use rtmx_storage::query::{HistoryEntry, PAGE_LIMIT};
use rtmx_storage::{ChangeEvent, Feed, FeedPosition};
use rusqlite::{Connection, Row};

/// Which records, when.
pub(super) struct AsOf<'q> {
    pub(super) kind: Kind,
    pub(super) at: Revision,
    pub(super) after: Option<&'q str>,
    pub(super) limit: usize,
}

/// What records were at a revision, by id, and the id to go on after.
pub(super) fn as_of(
    conn: &Connection,
    space: i64,
    asked: &AsOf<'_>,
    ids: Option<&[String]>,
) -> Outcome<(Vec<Record>, Option<String>)> {
    let mut records: Vec<Record> = Vec::new();
    let mut more = false;
    let mut take = |record: Option<Record>| {
        more = record.is_some() && records.len() == asked.limit;
        records.extend(record.filter(|_| !more));
        more
    };
    match ids {
        Some(ids) => {
            let wanted: std::collections::BTreeSet<&String> = ids.iter().collect();
            let wanted = wanted.into_iter().filter(|id| asked.after.is_none_or(|after| id.as_str() > after));
            for id in wanted {
                if take(one_as_of(conn, space, asked, id)?) {
                    break;
                }
            }
        }
        None => {
            // Of a bare column beside `max`, SQLite takes the value of the row that has the maximum.
            let text = "SELECT id, max(revision), row FROM history WHERE space = ?1 AND kind = ?2 AND id > ?3 \
                 AND revision <= ?4 GROUP BY id ORDER BY id";
            let mut statement = sql::statement(conn, text)?;
            // No id is empty, so every one comes after the empty text.
            let after = asked.after.unwrap_or_default();
            let mut found = statement.query((space, asked.kind.name(), after, number(asked.at)))?;
            while let Some(row) = found.next()? {
                if take(written(conn, row.get(0)?, row.get(1)?, row.get(2)?)?) {
                    break;
                }
            }
        }
    }
    let next = records.last().filter(|_| more).map(|record| record.id.clone());
    Ok((records, next))
}

fn one_as_of(conn: &Connection, space: i64, asked: &AsOf<'_>, id: &str) -> Outcome<Option<Record>> {
    // What has not been written since is as it is now, and its row is read in half the time.
    let unchanged = rows::get(conn, space, asked.kind, id)?.filter(|record| record.revision <= asked.at);
    if unchanged.is_some() {
        return Ok(unchanged);
    }
    let text = "SELECT revision, row FROM history WHERE space = ?1 AND kind = ?2 AND id = ?3 AND revision <= ?4 \
         ORDER BY revision DESC LIMIT 1";
    let values = (space, asked.kind.name(), id, number(asked.at));
    let found: Option<(i64, i64)> = sql::first(conn, text, values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    match found {
        Some((revision, row)) => written(conn, id.to_owned(), revision, row),
        None => Ok(None),
    }
}

/// The record that a row of the history wrote; `None` if it was deleted there.
fn written(conn: &Connection, id: String, revision: i64, row: i64) -> Outcome<Option<Record>> {
    let mut statement = sql::statement(conn, "SELECT body FROM history WHERE row = ?1")?;
    let mut found = statement.query([row])?;
    let Some(row) = found.next()? else { return Ok(None) };
    Ok(body(row, 0)?.map(|body| Record { id, revision: Revision(revision.cast_unsigned()), body }))
}

/// What was written to a record or to a whole space, the newest first, and where to go on.
pub(super) fn history(
    conn: &Connection,
    space: i64,
    key: Option<&Key>,
    before: Option<(Revision, u32)>,
    limit: usize,
) -> Outcome<(Vec<HistoryEntry>, Option<String>)> {
    const SELECT: &str = "SELECT history.kind, history.id, history.revision, ordinal, change_set.id, actor, at, note, body \
         FROM history JOIN change_set ON change_set.space = history.space AND change_set.revision = history.revision \
         WHERE history.space = ?1 AND history.revision <= ?2 AND (history.revision < ?2 OR ordinal < ?3)";
    let (revision, ordinal) =
        before.map_or((i64::MAX, i64::MAX), |(revision, ordinal)| (number(revision), ordinal.into()));
    let wanted = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut entries = Vec::new();
    let mut read = |row: &Row<'_>| -> Outcome<()> {
        entries.push(HistoryEntry {
            key: read_key(row, 0)?,
            revision: Revision(row.get::<_, i64>(2)?.cast_unsigned()),
            ordinal: row.get(3)?,
            body: body(row, 8)?,
            change_set: read_change_set(row, 4)?,
            actor: row.get(5)?,
            at: read_time(row, 6)?,
            note: row.get(7)?,
        });
        Ok(())
    };
    match key {
        Some(key) => {
            let text = format!(
                "{SELECT} AND history.kind = ?4 AND history.id = ?5 ORDER BY history.revision DESC LIMIT ?6"
            );
            let mut statement = sql::statement(conn, &text)?;
            let values = (space, revision, ordinal, key.kind.name(), &key.id, wanted);
            let mut found = statement.query(values)?;
            while let Some(row) = found.next()? {
                read(row)?;
            }
        }
        None => {
            let text = format!("{SELECT} ORDER BY history.revision DESC, ordinal DESC LIMIT ?4");
            let mut statement = sql::statement(conn, &text)?;
            let mut found = statement.query((space, revision, ordinal, wanted))?;
            while let Some(row) = found.next()? {
                read(row)?;
            }
        }
    }
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|entry| format!("{}-{}", entry.revision, entry.ordinal));
    Ok((entries, next))
}

/// The changes of a space after a position.
pub(crate) fn feed(conn: &Connection, space: &Space, after: &FeedPosition, limit: usize) -> Outcome<Feed> {
    const EVENTS: &str = "SELECT history.kind, history.id, history.revision, ordinal, change_set.id, actor, at, body IS NULL \
         FROM history JOIN change_set ON change_set.space = history.space AND change_set.revision = history.revision \
         WHERE history.space = ?1 AND history.revision >= ?2 AND (history.revision > ?2 OR ordinal > ?3) \
         ORDER BY history.revision, ordinal LIMIT ?4";
    let (row, head) = heads::head(conn, space)?;
    after.check(head.epoch)?;
    let mut events = Vec::new();
    if let Some(row) = row {
        let mut statement = sql::statement(conn, EVENTS)?;
        let limit = i64::try_from(limit.clamp(1, PAGE_LIMIT)).unwrap_or(i64::MAX);
        let mut found = statement.query((row, number(after.revision), after.ordinal, limit))?;
        while let Some(row) = found.next()? {
            events.push(ChangeEvent {
                revision: Revision(row.get::<_, i64>(2)?.cast_unsigned()),
                ordinal: row.get(3)?,
                key: read_key(row, 0)?,
                deleted: row.get(7)?,
                change_set: read_change_set(row, 4)?,
                actor: row.get(5)?,
                at: read_time(row, 6)?,
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
pub(crate) fn body(row: &Row<'_>, column: usize) -> Outcome<Option<Body>> {
    let text = row.get_ref(column)?.as_str_or_null().map_err(|error| fault("body", error))?;
    text.map(serde_json::from_str).transpose().map_err(|error| fault("body", error))
}

/// The key in two columns, kind and id.
pub(crate) fn read_key(row: &Row<'_>, column: usize) -> Outcome<Key> {
    let name: String = row.get(column)?;
    let kind = Kind::parse(&name).ok_or_else(|| fault("kind", format!("`{name}` is no kind")))?;
    Ok(Key::new(kind, row.get::<_, String>(column + 1)?))
}

/// The id of a change set.
pub(crate) fn read_change_set(row: &Row<'_>, column: usize) -> Outcome<ChangeSetId> {
    let text: String = row.get(column)?;
    text.parse().map(ChangeSetId).map_err(|error: uuid::Error| fault("change_set", error))
}

/// A time.
pub(crate) fn read_time(row: &Row<'_>, column: usize) -> Outcome<rtmx_core::Timestamp> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error: jiff::Error| fault("at", error))
}
