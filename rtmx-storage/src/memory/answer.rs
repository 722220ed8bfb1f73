//! Answers to queries, each from one state.

use super::state::{Place, SpaceState, State, Stored};
use crate::query::{Cursor, HistoryEntry, Items, Order, PAGE_LIMIT, RecordQuery, Selection, SortPlace};
use crate::{ChangeEvent, Feed, FeedPosition, Page, Query};
use rtmx_core::{Head, Key, Kind, Record, Result, Revision, Space};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// Answers a query that passed [`Query::check`].
pub(super) fn answer(state: &State, query: &Query) -> Result<Page> {
    let head = state.head(query.space());
    let nothing = SpaceState::default();
    let space = state.spaces.get(query.space()).unwrap_or(&nothing);
    match query {
        Query::Records(query) => records(head, space, query),
        Query::Ids { kind, ids, .. } => {
            let found = |id: &String| space.records.get(kind)?.get(id).map(|stored| stored.record(id));
            Ok(page(head, Items::Records(ids.iter().filter_map(found).collect()), None))
        }
        Query::AsOf { kind, at, ids, after, limit, .. } => {
            Ok(as_of(head, space, *kind, *at, ids.as_deref(), after.as_deref(), *limit))
        }
        Query::History { key, before, limit, .. } => Ok(history(head, space, key.as_ref(), *before, *limit)),
        Query::Tally { .. } => {
            let rows = space.tally.iter().map(|(key, count)| key.clone().row(*count)).collect();
            Ok(page(head, Items::Tally(rows), None))
        }
    }
}

/// The events of a space after a position.
pub(super) fn feed(state: &State, space: &Space, after: &FeedPosition, limit: usize) -> Result<Feed> {
    after.check(state.epoch)?;
    let head = state.head(space);
    let mut events = Vec::new();
    let log = state.spaces.get(space).map_or(&[][..], |space| &space.log);
    let seen = usize::try_from(after.revision.0.saturating_sub(1)).unwrap_or(usize::MAX);
    for (revision, logged) in (1..).map(Revision).zip(log).skip(seen) {
        for (ordinal, (key, body)) in (0..).zip(&logged.writes) {
            if (revision, ordinal) <= (after.revision, after.ordinal) {
                continue;
            }
            if events.len() == limit.clamp(1, PAGE_LIMIT) {
                return Ok(feed_of(head, events, after));
            }
            events.push(ChangeEvent {
                revision,
                ordinal,
                key: key.clone(),
                deleted: body.is_none(),
                change_set: logged.id,
                actor: logged.actor.clone(),
                at: logged.at,
            });
        }
    }
    Ok(feed_of(head, events, after))
}

fn feed_of(head: Head, events: Vec<ChangeEvent>, after: &FeedPosition) -> Feed {
    let behind = |event: &ChangeEvent| FeedPosition {
        epoch: Some(head.epoch.short()),
        revision: event.revision,
        ordinal: event.ordinal,
    };
    let next = events.last().map_or_else(|| after.clone(), behind);
    Feed { head, events, next }
}

fn records(head: Head, space: &SpaceState, query: &RecordQuery) -> Result<Page> {
    let cursor = Cursor::of(query, head.epoch)?;
    let behind = cursor.map(|cursor| SortPlace { values: cursor.values, id: cursor.id });
    let (selection, order) = (Selection::of(query), Order::of(query));
    let present = space.records.get(&query.kind).into_iter().flatten();
    let found = present.filter(|(id, stored)| selection.finds(id, &stored.body));
    let mut found: Vec<(SortPlace, &Stored)> =
        found.map(|(id, stored)| (order.place(id, &stored.body), stored)).collect();
    let total = query.count.then_some(found.len() as u64);
    if let Some(behind) = &behind {
        found.retain(|(place, _)| order.compare(place, behind).is_gt());
    }
    found.sort_by(|(a, _), (b, _)| order.compare(a, b));
    let more = found.len() > query.limit;
    found.truncate(query.limit);
    let last = found.last().filter(|_| more).map(|(place, _)| place.clone());
    let next = last.map(|place| Cursor::new(query, head.epoch, place.values, place.id).encode());
    let records = found.iter().map(|(place, stored)| stored.record(&place.id)).collect();
    Ok(Page { head, items: Items::Records(records), next, total })
}

fn as_of(
    head: Head,
    space: &SpaceState,
    kind: Kind,
    at: Revision,
    ids: Option<&[String]>,
    after: Option<&str>,
    limit: usize,
) -> Page {
    let nothing = BTreeMap::new();
    let writes = space.writes.get(&kind).unwrap_or(&nothing);
    type Writes<'s> = Box<dyn Iterator<Item = (&'s String, &'s Vec<Place>)> + 's>;
    let wanted: Writes<'_> = match ids {
        Some(ids) => {
            let ids: BTreeSet<&String> =
                ids.iter().filter(|id| after.is_none_or(|after| id.as_str() > after)).collect();
            Box::new(ids.into_iter().filter_map(|id| writes.get_key_value(id)))
        }
        None => {
            let from = after.map_or(Bound::Unbounded, Bound::Excluded);
            Box::new(writes.range::<str, _>((from, Bound::Unbounded)))
        }
    };
    let mut found = wanted.filter_map(|(id, places)| Some(space.as_of(at, places)?.record(id)));
    let records: Vec<Record> = found.by_ref().take(limit).collect();
    let more = found.next().is_some();
    let next = records.last().filter(|_| more).map(|record| record.id.clone());
    page(head, Items::Records(records), next)
}

fn history(head: Head, space: &SpaceState, key: Option<&Key>, before: Option<Place>, limit: usize) -> Page {
    let older = |place: &Place| before.is_none_or(|before| *place < before);
    let entry = |(revision, ordinal): Place| {
        let logged = space.logged(revision)?;
        let (key, body) = logged.writes.get(ordinal as usize)?;
        Some(HistoryEntry {
            key: key.clone(),
            revision,
            ordinal,
            body: body.as_deref().cloned(),
            change_set: logged.id,
            actor: logged.actor.clone(),
            at: logged.at,
            note: logged.note.clone(),
        })
    };
    let mut found: Box<dyn Iterator<Item = Place>> = match key {
        Some(key) => {
            let places = space.writes.get(&key.kind).and_then(|by_id| by_id.get(&key.id));
            Box::new(places.into_iter().flatten().rev().copied().filter(older))
        }
        None => {
            let newest = before.map_or(space.head(), |(revision, _)| revision.min(space.head()));
            let places = (1..=newest.0).rev().map(Revision).flat_map(|revision| {
                let writes = space.logged(revision).map_or(0, |logged| logged.writes.len());
                (0..u32::try_from(writes).unwrap_or(u32::MAX)).rev().map(move |ordinal| (revision, ordinal))
            });
            Box::new(places.filter(older))
        }
    };
    let entries: Vec<HistoryEntry> = found.by_ref().take(limit).filter_map(entry).collect();
    let more = found.next().is_some();
    let next = entries.last().filter(|_| more).map(|entry| format!("{}-{}", entry.revision, entry.ordinal));
    page(head, Items::History(entries), next)
}

fn page(head: Head, items: Items, next: Option<String>) -> Page {
    Page { head, items, next, total: None }
}

impl Stored {
    fn record(&self, id: &str) -> Record {
        Record { id: id.to_owned(), revision: self.revision, body: (*self.body).clone() }
    }
}
