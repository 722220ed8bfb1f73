//! What was: history, earlier revisions, and the counts of now.

use super::bench::{Bench, create, project, set, some_time, text, text_key};
use super::sample;
use rtmx_core::{Body, Change, Key, Kind, Revision};
use rtmx_storage::Query;
use rtmx_storage::query::{HistoryEntry, RecordQuery, TallyKey};
use std::collections::BTreeMap;

/// A few change sets: `A` is made, changed, deleted and made again; `B` is made; `C` lives beside them.
async fn some_history(bench: &Bench) {
    let mut first = set(vec![create("A", "1"), create("B", "1")]);
    first.note = "begin".into();
    let first = bench.apply(&first).await.expect("it fits").revision;
    let second = bench.put(vec![Change::replace("A", first, text("2"))]).await.revision;
    bench.put(vec![create("C", "3"), Change::delete(text_key("A"), second)]).await;
    bench.put(vec![create("A", "4")]).await;
}

async fn history(bench: &Bench, key: Option<Key>) -> Vec<HistoryEntry> {
    bench.fetch(&Query::History { space: project(), key, before: None, limit: 1_000 }).await.into_history()
}

pub(super) async fn newest_first_and_complete(bench: Bench) {
    some_history(&bench).await;
    let entries = history(&bench, Some(text_key("A"))).await;
    let told: Vec<_> =
        entries.iter().map(|entry| (entry.revision.0, entry.ordinal, entry.body.clone())).collect();
    let wanted = [(4, 0, Some(text("4"))), (3, 1, None), (2, 0, Some(text("2"))), (1, 0, Some(text("1")))];
    assert_eq!(told, wanted);
    assert!(
        entries
            .iter()
            .all(|entry| entry.key == text_key("A") && entry.at == some_time() && entry.actor == "kit")
    );
    assert_eq!(entries.last().map(|entry| entry.note.as_str()), Some("begin"));
    let all = history(&bench, None).await;
    let told: Vec<_> =
        all.iter().map(|entry| (entry.revision.0, entry.ordinal, entry.key.id.as_str())).collect();
    assert_eq!(told, [(4, 0, "A"), (3, 1, "A"), (3, 0, "C"), (2, 0, "A"), (1, 1, "B"), (1, 0, "A")]);
    let events = bench.feed().await.events;
    let sets: Vec<_> = all.iter().rev().map(|entry| entry.change_set).collect();
    assert_eq!(
        sets,
        events.iter().map(|event| event.change_set).collect::<Vec<_>>(),
        "feed and history agree"
    );
    assert_eq!(history(&bench, Some(text_key("never"))).await, []);
}

pub(super) async fn pages_join(bench: Bench) {
    some_history(&bench).await;
    for key in [None, Some(text_key("A"))] {
        let whole = history(&bench, key.clone()).await;
        for limit in [1, 2, 4] {
            let (mut joined, mut before) = (Vec::new(), None);
            loop {
                let query = Query::History { space: project(), key: key.clone(), before, limit };
                let page = bench.fetch(&query).await;
                let next = page.next.clone();
                let entries = page.into_history();
                assert!(entries.len() <= limit);
                before = entries.last().map(|entry| (entry.revision, entry.ordinal));
                joined.extend(entries);
                let said = before.map(|(revision, ordinal)| format!("{revision}-{ordinal}"));
                assert_eq!(next, said.filter(|_| joined.len() < whole.len()), "the place to go on is said");
                if next.is_none() {
                    break;
                }
            }
            assert_eq!(joined, whole, "by {limit}");
        }
    }
}

pub(super) async fn as_of_every_revision(bench: Bench) {
    some_history(&bench).await;
    let mut past: BTreeMap<String, (Revision, Body)> = BTreeMap::new();
    let mut writes = history(&bench, None).await;
    writes.reverse();
    for at in (0..=bench.head().await.revision.0).map(Revision) {
        for entry in writes.iter().filter(|entry| entry.revision == at) {
            match entry.body.clone() {
                Some(body) => past.insert(entry.key.id.clone(), (at, body)),
                None => past.remove(&entry.key.id),
            };
        }
        let query = Query::AsOf {
            space: project(),
            kind: Kind::RequirementText,
            at,
            ids: None,
            after: None,
            limit: 1_000,
        };
        let records = bench.fetch(&query).await.into_records();
        let found: BTreeMap<_, _> =
            records.into_iter().map(|record| (record.id, (record.revision, record.body))).collect();
        assert_eq!(found, past, "at revision {at}");
    }
    assert_eq!(past.len(), 3, "the case has something to look at");
}

pub(super) async fn as_of_pages_and_ids(bench: Bench) {
    let made = bench.put((0..7).map(|n| create(&format!("A{n}"), "old")).collect()).await.revision;
    let mut changes: Vec<Change> =
        (0..7).map(|n| Change::replace(format!("A{n}"), made, text("new"))).collect();
    changes[3] = Change::delete(text_key("A3"), made);
    changes.push(create("A9", "new"));
    bench.put(changes).await;
    let read = |ids: Option<Vec<String>>, at: Revision, limit: usize| {
        let bench = &bench;
        async move {
            let (mut joined, mut after) = (Vec::new(), None);
            loop {
                let (space, kind, ids) = (project(), Kind::RequirementText, ids.clone());
                let page = bench.fetch(&Query::AsOf { space, kind, at, ids, after, limit }).await;
                after = page.next.clone();
                let records = page.into_records();
                assert!(records.len() <= limit);
                joined.extend(records.into_iter().map(|record| (record.id, record.body)));
                if after.is_none() {
                    return joined;
                }
            }
        }
    };
    let old: Vec<_> = (0..7).map(|n| (format!("A{n}"), text("old"))).collect();
    for limit in [1, 3, 7, 100] {
        assert_eq!(read(None, made, limit).await, old, "by {limit}");
        let present: Vec<String> =
            read(None, made.next(), limit).await.into_iter().map(|(id, _)| id).collect();
        assert_eq!(present, ["A0", "A1", "A2", "A4", "A5", "A6", "A9"], "by {limit}");
        let ids = Some(["A5", "A9", "A3", "never"].map(str::to_owned).to_vec());
        let wanted = [("A3".to_owned(), text("old")), ("A5".to_owned(), text("old"))];
        assert_eq!(read(ids, made, limit).await, wanted, "by {limit}");
    }
    assert_eq!(read(None, Revision::ZERO, 10).await, [], "at the beginning there was nothing");
}

/// Asserts that the tally is what counting gives.
pub(super) async fn recount(bench: &Bench) {
    let mut counts: BTreeMap<TallyKey, u64> = BTreeMap::new();
    let all = bench.fetch(&Query::Records(RecordQuery::all(project(), Kind::Requirement))).await;
    for record in all.into_records() {
        let key = TallyKey::of(&record.body).expect("only requirements were asked for");
        *counts.entry(key).or_default() += 1;
    }
    let mut rows = bench.fetch(&Query::Tally { space: project() }).await.into_tally();
    let mut counted: Vec<_> = counts.into_iter().map(|(key, count)| key.row(count)).collect();
    let order =
        |row: &rtmx_storage::query::TallyRow| (row.status, row.phase, row.category.clone(), row.priority);
    rows.sort_by_key(order);
    counted.sort_by_key(order);
    assert_eq!(rows, counted);
}

pub(super) async fn tally_equals_a_recount(bench: Bench) {
    let made = bench.put(sample::create_rows(0..40)).await.revision;
    recount(&bench).await;
    // To other counts, to the same, and away.
    let moved = |n: usize| Change::replace(sample::row_id(n), made, Body::Requirement(sample::row(n + 1).1));
    let same = |n: usize| Change::replace(sample::row_id(n), made, Body::Requirement(sample::row(n).1));
    let gone = |n: usize| Change::delete(Key::new(Kind::Requirement, sample::row_id(n)), made);
    bench.put([(0..10).map(moved).collect::<Vec<_>>(), (10..20).map(same).collect()].concat()).await;
    recount(&bench).await;
    bench.put((20..40).map(gone).collect()).await;
    recount(&bench).await;
    // Other kinds do not count.
    bench.put(vec![create("A", "a")]).await;
    recount(&bench).await;
}
