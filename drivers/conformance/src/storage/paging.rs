//! Pages and cursors.

use super::bench::{Bench, set};
use super::query::{filter, requirements};
use super::sample;
use rtmx_core::{Body, Change, Column, Key, Kind, assert_code, storage};
use rtmx_storage::query::{Field, RecordQuery, Sort};
use rtmx_storage::{Query, StorageBackend};
use std::collections::BTreeMap;

fn by(column: Column, descending: bool) -> Sort {
    Sort { field: Field::Core(column), descending }
}

/// Orders with many ties, in both directions, over numbers and text.
fn orders() -> Vec<Vec<Sort>> {
    vec![
        vec![],
        vec![by(Column::ReqId, true)],
        vec![by(Column::Phase, true)],
        vec![by(Column::Category, false), by(Column::Status, true)],
        vec![by(Column::EffortWeeks, false), by(Column::Notes, true)],
    ]
}

/// Reads all pages of a query; between two pages something may happen.
async fn walk(
    db: &dyn StorageBackend,
    query: &RecordQuery,
    mut between: impl AsyncFnMut(usize),
) -> Vec<String> {
    let (mut ids, mut query, mut pages) = (Vec::new(), query.clone(), 0);
    loop {
        let page = db
            .fetch(&rtmx_core::Cx::new(), &Query::Records(query.clone()))
            .await
            .expect("a page is answered");
        query.cursor = page.next.clone();
        let records = page.into_records();
        assert!(records.len() <= query.limit, "a page holds at most its limit");
        ids.extend(records.into_iter().map(|record| record.id));
        if query.cursor.is_none() {
            return ids;
        }
        pages += 1;
        assert!(pages < 1_000, "the pages never end");
        between(pages).await;
    }
}

pub(super) async fn pages_hold_everything_once(bench: Bench) {
    const ROWS: usize = 45;
    bench.put(sample::create_rows(0..ROWS)).await;
    for sort in orders() {
        let whole = RecordQuery { sort, count: true, ..requirements() };
        let page = bench.fetch(&Query::Records(whole.clone())).await;
        assert_eq!((page.total, page.next.clone()), (Some(ROWS as u64), None));
        let wanted: Vec<_> = page.into_records().into_iter().map(|record| record.id).collect();
        for limit in [1, 7, ROWS, ROWS + 1] {
            let paged = RecordQuery { limit, count: false, ..whole.clone() };
            assert_eq!(walk(bench.db(), &paged, async |_| ()).await, wanted, "{:?} by {limit}", whole.sort);
        }
    }
    let filtered = RecordQuery {
        filters: vec![filter(Field::Core(Column::Status), &["MISSING"])],
        search: Some("data".into()),
        sort: vec![by(Column::Priority, false)],
        count: true,
        limit: 4,
        ..requirements()
    };
    let first = bench.fetch(&Query::Records(filtered.clone())).await;
    let found = walk(bench.db(), &filtered, async |_| ()).await;
    assert_eq!(first.total, Some(found.len() as u64), "the count is of all pages");
    let second = RecordQuery { cursor: first.next, ..filtered };
    let second = bench.fetch(&Query::Records(second)).await;
    assert_eq!(second.total, first.total, "the count is the same on every page");
}

pub(super) async fn cursor_survives_writes(bench: Bench) {
    const ROWS: usize = 60;
    for sort in orders() {
        let bench = bench.another().await;
        let made = bench.put(sample::create_rows(0..ROWS)).await.revision;
        let query = RecordQuery { sort, limit: 5, ..requirements() };
        // Every fifth record is moved or deleted, and new ones come, while the others are read.
        let ids = walk(bench.db(), &query, async |page: usize| {
            let mut changes = sample::create_rows(ROWS + page..ROWS + page + 1);
            let touched = page * 5 - 5;
            if touched < ROWS {
                let id = sample::row_id(touched);
                changes.push(if page.is_multiple_of(2) {
                    Change::delete(Key::new(Kind::Requirement, id), made)
                } else {
                    Change::replace(id, made, Body::Requirement(sample::row(touched + 7).1))
                });
            }
            bench.apply(&set(changes)).await.expect("each record is touched once");
        })
        .await;
        let mut seen: BTreeMap<&String, usize> = BTreeMap::new();
        ids.iter().for_each(|id| *seen.entry(id).or_default() += 1);
        for untouched in (0..ROWS).filter(|n| n % 5 != 0).map(sample::row_id) {
            assert_eq!(seen.get(&untouched), Some(&1), "`{untouched}` under {:?}", query.sort);
        }
    }
}

pub(super) async fn foreign_cursor_is_refused(bench: Bench) {
    bench.put(sample::create_rows(0..9)).await;
    let query = RecordQuery { sort: vec![by(Column::Phase, false)], limit: 3, ..requirements() };
    let cursor = bench.fetch(&Query::Records(query.clone())).await.next;
    assert!(cursor.is_some(), "there is a second page");
    let given = RecordQuery { cursor: cursor.clone(), ..query.clone() };
    bench.fetch(&Query::Records(RecordQuery { limit: 2, count: true, ..given.clone() })).await;
    let status = filter(Field::Core(Column::Status), &["MISSING"]);
    let foreign = [
        RecordQuery { sort: vec![by(Column::Phase, true)], ..given.clone() },
        RecordQuery { sort: vec![], ..given.clone() },
        RecordQuery { filters: vec![status], ..given.clone() },
        RecordQuery { search: Some("data".into()), ..given.clone() },
        RecordQuery { kind: Kind::RequirementText, sort: vec![], ..given.clone() },
        RecordQuery { space: rtmx_core::Space::Project("other".into()), ..given.clone() },
        RecordQuery { cursor: Some("zz".into()), ..query.clone() },
        RecordQuery { cursor: Some(String::new()), ..query.clone() },
        RecordQuery { cursor: Some("7b7d".into()), ..query.clone() },
        RecordQuery { cursor: cursor.map(|cursor| format!("{cursor}00")), ..query },
    ];
    for query in foreign {
        let refusal = bench.unanswered(&Query::Records(query)).await;
        assert_code(refusal, storage::CURSOR_INVALID);
    }
}
