//! Filters, search, sort, ids, limits, and that an answer is one snapshot.
//!
//! What the right answer is says the reference: the same rows in a memory backend, and beside it a few
//! answers written down here, so that both cannot be wrong in the same way.

use super::bench::{Bench, create, project, set, text};
use super::sample;
use rtmx_core::{Change, Column, Kind, Revision, assert_code, storage};
use rtmx_storage::Query;
use rtmx_storage::query::{Field, Filter, PAGE_LIMIT, RecordQuery, Selection, Sort};

const ROWS: usize = 60;

pub(super) fn requirements() -> RecordQuery {
    RecordQuery::all(project(), Kind::Requirement)
}

pub(super) fn filter(field: Field, any_of: &[&str]) -> Filter {
    Filter { field, any_of: any_of.iter().map(|value| (*value).to_owned()).collect() }
}

async fn ids(bench: &Bench, query: &RecordQuery) -> Vec<String> {
    let page = bench.fetch(&Query::Records(query.clone())).await;
    page.into_records().into_iter().map(|record| record.id).collect()
}

/// The ids of the rows that satisfy a query's condition, by the evaluation that the reference uses.
fn selected(query: &RecordQuery) -> Vec<String> {
    let selection = Selection::of(query);
    let rows =
        (0..ROWS).map(sample::row).map(|(id, requirement)| (id, rtmx_core::Body::Requirement(requirement)));
    let mut ids: Vec<String> =
        rows.filter(|(id, body)| selection.finds(id, body)).map(|(id, _)| id).collect();
    ids.sort();
    ids
}

pub(super) async fn filters(bench: Bench) {
    bench.put(sample::create_rows(0..ROWS)).await;
    let core = Field::Core;
    let extra = || Field::Extra("Team".into());
    let cases = [
        vec![filter(core(Column::ReqId), &["req-sec-003", "REQ-IO-001"])],
        vec![filter(core(Column::Category), &["SAFETY"])],
        vec![filter(core(Column::Category), &["GRÖSSE", "GRÖẞE", " größe "])],
        vec![filter(core(Column::Category), &[""])],
        vec![filter(core(Column::Status), &["complete", "Not_Started"])],
        vec![filter(core(Column::Status), &["done"])],
        vec![filter(core(Column::Priority), &["p0"])],
        vec![filter(core(Column::Phase), &["1", "10"])],
        vec![filter(core(Column::Phase), &[""])],
        vec![filter(core(Column::EffortWeeks), &["0.50", "12"])],
        vec![filter(core(Column::EffortWeeks), &[""])],
        vec![filter(core(Column::Dependencies), &["REQ-SEC-003"])],
        vec![filter(core(Column::Dependencies), &["req-sec-003"])],
        vec![filter(core(Column::Dependencies), &[""])],
        vec![filter(core(Column::Assignee), &["BOB"])],
        vec![filter(core(Column::Assignee), &["_%"])],
        vec![filter(core(Column::Assignee), &["%"])],
        vec![filter(extra(), &["RED"])],
        vec![filter(extra(), &[""])],
        vec![filter(core(Column::Notes), &["naïve ẞ i̇stanbul 漢字", "naïve ß İSTANBUL 漢字"])],
        vec![filter(core(Column::Status), &["partial"]), filter(core(Column::Category), &["perf", "safety"])],
    ];
    for filters in cases {
        let query = RecordQuery { filters, ..requirements() };
        assert_eq!(ids(&bench, &query).await, selected(&query), "{:?}", query.filters);
    }
    let query =
        RecordQuery { filters: vec![filter(core(Column::Priority), &["P0"])], count: true, ..requirements() };
    let page = bench.fetch(&Query::Records(query)).await;
    let urgent = (0..ROWS).filter(|n| n / 3 % 4 == 0).count();
    assert_eq!((page.total, page.into_records().len()), (Some(urgent as u64), urgent), "counted by hand");
    let by_id = vec![filter(core(Column::ReqId), &["b"])];
    bench.put(vec![create("B", "b"), create("C", "c")]).await;
    let texts = RecordQuery { filters: by_id, ..RecordQuery::all(project(), Kind::RequirementText) };
    assert_eq!(ids(&bench, &texts).await, ["B"], "other kinds are filtered by id");
}

pub(super) async fn search(bench: Bench) {
    let made = bench.put(sample::create_rows(0..ROWS)).await.revision;
    let searches = [
        "encrypt",
        "encr",
        "encr ",
        "ENCRYPT data",
        "req-sec-003",
        "sec ",
        "00",
        "003 ",
        "see REQ-SEC-001 ",
        "v1.2",
        "1.2 ",
        "encryption_key ",
        "key ",
        "naïve",
        "ẞ",
        "ß",
        "istanbul",
        "İstanbul",
        "漢",
        "rest/4 ",
        "perf-io ",
        "io ",
        "größe",
        "team",
        "red",
        "\"data\"",
        "data*",
        "data OR keep",
        "-- ",
        "",
        "zzz",
        "'",
        "col:data",
        "NEAR(a b)",
    ];
    for search in searches {
        let query = RecordQuery { search: Some(search.into()), ..requirements() };
        assert_eq!(ids(&bench, &query).await, selected(&query), "`{search}`");
    }
    let both = RecordQuery {
        search: Some("encrypt".into()),
        filters: vec![filter(Field::Core(Column::Status), &["COMPLETE"])],
        ..requirements()
    };
    assert_eq!(ids(&bench, &both).await, selected(&both), "search and filter together");
    // What is found follows what is written.
    let (id, other) =
        (sample::row_id(0), rtmx_core::Requirement { notes: "quokka".into(), ..Default::default() });
    let quokka = RecordQuery { search: Some("quok".into()), ..requirements() };
    assert_eq!(ids(&bench, &quokka).await, Vec::<String>::new());
    let changed =
        bench.put(vec![Change::replace(&id, made, rtmx_core::Body::Requirement(other))]).await.revision;
    assert_eq!(ids(&bench, &quokka).await, std::slice::from_ref(&id), "a new word is found");
    let old = RecordQuery { search: Some("encrypt".into()), ..requirements() };
    assert!(!ids(&bench, &old).await.contains(&id), "an old word is not");
    bench.put(vec![Change::delete(rtmx_core::Key::new(Kind::Requirement, &id), changed)]).await;
    assert_eq!(ids(&bench, &quokka).await, Vec::<String>::new(), "a deleted record is not found");
}

pub(super) async fn sort(bench: Bench) {
    bench.put(sample::create_rows(0..ROWS)).await;
    let core = |column, descending| Sort { field: Field::Core(column), descending };
    let reference = sample::reference(ROWS).await;
    let cases = [
        vec![],
        vec![core(Column::ReqId, true)],
        vec![core(Column::Phase, false)],
        vec![core(Column::Phase, true)],
        vec![core(Column::Status, false), core(Column::Priority, true)],
        vec![core(Column::Category, false), core(Column::EffortWeeks, true), core(Column::ReqId, true)],
        vec![core(Column::Notes, true), core(Column::Assignee, false)],
        vec![core(Column::Dependencies, false)],
        vec![Sort { field: Field::Extra("Team".into()), descending: true }],
        vec![Sort { field: Field::Extra("nobody's".into()), descending: false }],
    ];
    for sort in cases {
        let query = RecordQuery { sort, ..requirements() };
        assert_eq!(ids(&bench, &query).await, ids_of(&reference, &query).await, "{:?}", query.sort);
    }
    let by_phase = RecordQuery { sort: vec![core(Column::Phase, false)], ..requirements() };
    let phases: Vec<_> = ids(&bench, &by_phase).await;
    let phase =
        |id: &String| (0..ROWS).map(sample::row).find(|row| row.0 == *id).map(|row| row.1.phase.value);
    let phases: Vec<u32> = phases.iter().filter_map(phase).map(|phase| phase.unwrap_or(u32::MAX)).collect();
    assert!(phases.is_sorted() && phases.len() == ROWS, "a missing phase is last: {phases:?}");
}

async fn ids_of(db: &dyn rtmx_storage::StorageBackend, query: &RecordQuery) -> Vec<String> {
    let page = db.fetch(&rtmx_core::Cx::new(), &Query::Records(query.clone())).await;
    page.expect("the reference answers").into_records().into_iter().map(|record| record.id).collect()
}

pub(super) async fn ids_in_asked_order(bench: Bench) {
    bench.put(["A", "B", "C", "%", "a"].iter().map(|id| create(id, id)).collect()).await;
    let asked = ["C", "never", "a", "%", "A"].map(str::to_owned);
    let page = bench.fetch(&Query::ids(project(), Kind::RequirementText, asked)).await;
    assert_eq!((page.next.clone(), page.total), (None, None));
    let found: Vec<_> = page.into_records().into_iter().map(|record| record.id).collect();
    assert_eq!(found, ["C", "a", "%", "A"]);
    let page = bench.fetch(&Query::ids(project(), Kind::Requirement, ["A".to_owned()])).await;
    assert_eq!(page.into_records(), [], "another kind is another record");
    let many = (0..PAGE_LIMIT).map(|n| n.to_string());
    assert_eq!(bench.fetch(&Query::ids(project(), Kind::RequirementText, many)).await.into_records(), []);
}

pub(super) async fn limits_are_checked(bench: Bench) {
    let ids = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
    let sort = Sort { field: Field::Core(Column::Category), descending: false };
    let as_of = |limit, ids| {
        let (space, kind, at) = (project(), Kind::Requirement, Revision(1));
        Query::AsOf { space, kind, at, ids, after: None, limit }
    };
    let texts = || RecordQuery::all(project(), Kind::RequirementText);
    let too_many = ids(101);
    let too_many: Vec<&str> = too_many.iter().map(String::as_str).collect();
    let category = |any_of: &[&str]| vec![filter(Field::Core(Column::Category), any_of)];
    let refused = [
        Query::Records(RecordQuery { limit: 0, ..requirements() }),
        Query::Records(RecordQuery { limit: PAGE_LIMIT + 1, ..requirements() }),
        Query::Records(RecordQuery { sort: vec![sort.clone(); 6], ..requirements() }),
        Query::Records(RecordQuery { filters: category(&[]), ..requirements() }),
        Query::Records(RecordQuery { filters: category(&too_many), ..requirements() }),
        Query::Records(RecordQuery { filters: category(&["a"]), ..texts() }),
        Query::Records(RecordQuery { sort: vec![sort.clone()], ..texts() }),
        Query::Records(RecordQuery { search: Some("a".into()), ..texts() }),
        Query::Records(RecordQuery { search: Some("a\0b".into()), ..requirements() }),
        Query::Records(RecordQuery { filters: category(&["a\0b"]), ..requirements() }),
        Query::ids(project(), Kind::Requirement, vec!["a\0b".to_owned()]),
        Query::ids(project(), Kind::Requirement, ids(PAGE_LIMIT + 1)),
        as_of(0, None),
        as_of(PAGE_LIMIT + 1, None),
        as_of(1, Some(ids(PAGE_LIMIT + 1))),
        Query::History { space: project(), key: None, before: None, limit: 0 },
        Query::History { space: project(), key: None, before: None, limit: PAGE_LIMIT + 1 },
    ];
    for query in refused {
        assert_code(bench.unanswered(&query).await, storage::QUERY_INVALID);
    }
    bench
        .fetch(&Query::Records(RecordQuery { sort: vec![sort; 4], limit: PAGE_LIMIT, ..requirements() }))
        .await;
    bench.fetch(&Query::Records(RecordQuery { filters: category(&too_many[..100]), ..requirements() })).await;
}

pub(super) async fn page_names_its_snapshot(bench: Bench) {
    const SETS: u64 = 60;
    bench.put(vec![create("A", "1"), create("B", "1")]).await;
    let (db, cx) = (bench.share(), bench.cx.clone());
    let writer = tokio::spawn(async move {
        for n in 1..SETS {
            let body = text(&(n + 1).to_string());
            let changes = ["A", "B"].map(|id| Change::replace(id, Revision(n), body.clone()));
            db.apply(&cx, &set(changes.to_vec())).await.expect("nobody else writes");
        }
    });
    loop {
        let page = bench.fetch(&Query::Records(RecordQuery::all(project(), Kind::RequirementText))).await;
        let head = page.head.revision;
        for record in page.into_records() {
            assert_eq!((record.revision, record.body), (head, text(&head.to_string())), "one snapshot");
        }
        if head.0 == SETS {
            break;
        }
        assert!(!writer.is_finished() || bench.head().await.revision.0 == SETS, "the writer failed");
    }
    writer.await.expect("no panic");
}
