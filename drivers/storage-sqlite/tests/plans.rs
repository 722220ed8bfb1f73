//! What is asked often is answered from an index.
//!
//! The statements are taken from the driver's own log while it answers, and SQLite is asked how it
//! would run them.

mod support;

use rtmx_core::{Body, Change, Column, Cx, Key, Kind, Revision};
use rtmx_storage::query::{Field, Filter, RecordQuery, Sort};
use rtmx_storage::{FeedPosition, Query, StorageBackend};
use std::collections::BTreeSet;
use support::statements::StatementLog;
use support::{change_set, open_ready, requirement, runtime, space};

/// The tables that grow.
const LARGE: [&str; 3] = ["requirement", "history", "change_set"];
/// What goes through a whole space in the order of an index, until its page is full.
const GO_THROUGH_ALL: [&str; 8] = [
    "list",
    "list, counted",
    // SQLite has no order from an index for several values, and prefers to have one.
    "filter by no phase or one",
    "sort by category",
    "sort by priority",
    "sort by phase, last first",
    "sort by status",
    "search with many hits",
];

async fn fill(storage: &dyn StorageBackend) {
    let record = |number: u32| {
        let mut requirement =
            requirement(["CORE", "UI", "API"][number as usize % 3], "shall encrypt what it keeps");
        requirement.phase = Some(number % 5).into();
        Change::create(format!("REQ-{number:04}"), Body::Requirement(requirement))
    };
    storage
        .apply(&Cx::new(), &change_set(1, (0..3_000).map(record).collect()))
        .await
        .expect("a change is applied");
}

/// How SQLite would run a statement, a line each step.
fn plan(conn: &rusqlite::Connection, statement: &str) -> Vec<String> {
    let mut explained = conn.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).expect(statement);
    let mut rows = explained.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().expect(statement) {
        steps.push(row.get::<_, String>(3).expect("a step"));
    }
    steps
}

#[test]
fn what_is_asked_often_uses_an_index_and_scans_no_table() {
    let log = StatementLog::install();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rtmx.db");
    let records = |change: &dyn Fn(&mut RecordQuery)| {
        let mut query = RecordQuery { limit: 50, ..RecordQuery::all(space(), Kind::Requirement) };
        change(&mut query);
        Query::Records(query)
    };
    let filtered = |column, value: &str| {
        records(&|query| {
            query.filters = vec![Filter { field: Field::Core(column), any_of: vec![value.into()] }];
        })
    };
    let sorted = |column, descending| {
        records(&|query| query.sort = vec![Sort { field: Field::Core(column), descending }])
    };
    let key = Some(Key::new(Kind::Requirement, "REQ-0001"));
    let history = |key| Query::History { space: space(), key, before: Some((Revision(9), 7)), limit: 50 };
    let as_of = |ids| Query::AsOf {
        space: space(),
        kind: Kind::Requirement,
        at: Revision(1),
        ids,
        after: None,
        limit: 50,
    };
    // what is asked, whether its order has to come from the index, too, and what it is found by
    let questions = [
        ("list", records(&|_| {}), true, "requirement_by_id (space=?)"),
        ("list, counted", records(&|query| query.count = true), true, "requirement_by_id (space=?)"),
        (
            "filter by status",
            filtered(Column::Status, "missing"),
            true,
            "requirement_by_status (space=? AND status=?)",
        ),
        (
            "filter by category",
            filtered(Column::Category, "Ui"),
            true,
            "requirement_by_category (space=? AND category_folded=?)",
        ),
        (
            "filter by priority",
            filtered(Column::Priority, "medium"),
            true,
            "requirement_by_priority (space=? AND priority=?)",
        ),
        (
            "filter by phase",
            filtered(Column::Phase, "3"),
            true,
            "requirement_by_phase (space=? AND <expr>=?)",
        ),
        (
            "filter by no phase or one",
            records(&|query| {
                query.filters =
                    vec![Filter { field: Field::Core(Column::Phase), any_of: vec!["3".into(), "".into()] }];
            }),
            false,
            "requirement_by_id (space=?)",
        ),
        ("sort by category", sorted(Column::Category, false), false, "requirement_by_category (space=?)"),
        ("sort by priority", sorted(Column::Priority, false), true, "requirement_by_priority (space=?)"),
        ("sort by phase, last first", sorted(Column::Phase, true), false, "requirement_by_phase (space=?)"),
        ("sort by status", sorted(Column::Status, false), true, "requirement_by_status (space=?)"),
        (
            "search with few hits",
            records(&|query| query.search = Some("REQ-0007".into())),
            false,
            "requirement_search VIRTUAL TABLE INDEX",
        ),
        (
            "search with many hits",
            records(&|query| query.search = Some("encrypt".into())),
            true,
            "requirement_by_id (space=?)",
        ),
        (
            "one by id",
            Query::ids(space(), Kind::Requirement, ["REQ-0001".to_owned()]),
            true,
            "requirement_by_id (space=? AND id=?)",
        ),
        ("history of one", history(key), true, "history_by_record (space=? AND kind=? AND id=?"),
        ("history of all", history(None), true, "history_by_place (space=? AND revision<?"),
        ("as of, by ids", as_of(Some(vec!["REQ-0001".into()])), true, "requirement_by_id (space=? AND id=?)"),
        ("as of", as_of(None), true, "history_by_record (space=? AND kind=? AND id>?"),
        ("counts", Query::Tally { space: space() }, true, "SEARCH tally USING PRIMARY KEY (space=?)"),
    ];
    runtime().block_on(async {
        let storage = open_ready(&file).await;
        fill(&*storage).await;
        let mut asked: Vec<(String, Vec<String>, bool, &str)> = Vec::new();
        for (name, query, ordered, by) in questions {
            log.clear();
            let page = storage.fetch(&Cx::new(), &query).await.expect(name);
            let next = page.next.clone();
            asked.push((name.to_owned(), log.statements(), ordered, by));
            if let (Query::Records(query), Some(cursor)) = (query, next) {
                log.clear();
                let behind = Query::Records(RecordQuery { cursor: Some(cursor), ..query });
                storage.fetch(&Cx::new(), &behind).await.expect(name);
                asked.push((format!("{name}, second page"), log.statements(), ordered, ""));
            }
        }
        log.clear();
        storage.changes(&Cx::new(), &space(), FeedPosition::START, 50, None).await.expect("the feed");
        asked.push(("feed".into(), log.statements(), true, "history_by_place (space=? AND revision>?"));
        log.clear();
        let change =
            Change::replace("REQ-0001", Revision(1), Body::Requirement(requirement("UI", "shall not")));
        storage.apply(&Cx::new(), &change_set(2, vec![change])).await.expect("a change is applied");
        asked.push((
            "single write".into(),
            log.statements(),
            true,
            "SEARCH change_set USING PRIMARY KEY (id=?)",
        ));
        storage.close(&Cx::new()).await.expect("it closes");

        let conn = rusqlite::Connection::open(&file).expect("the database is closed");
        let mut missed: BTreeSet<String> = BTreeSet::new();
        for (name, statements, ordered, by) in asked {
            assert!(!statements.is_empty(), "{name}: nothing was logged");
            let mut steps = Vec::new();
            for statement in
                statements.iter().filter(|text| !text.starts_with("PRAGMA") && !text.ends_with(" write"))
            {
                for step in plan(&conn, statement) {
                    // The search index is a table of its own kind, and a subquery was answered already.
                    let searched = step.contains("VIRTUAL TABLE INDEX") || step.starts_with("SCAN (subquery");
                    assert!(!step.starts_with("SCAN") || searched, "{name}: {step}\n{statement}");
                    assert!(!ordered || !step.contains("TEMP B-TREE"), "{name}: {step}\n{statement}");
                    steps.push(step);
                }
            }
            let begin = name.strip_suffix(", second page").unwrap_or(&name);
            assert!(steps.iter().any(|step| step.contains(by)), "{name}: not by {by}: {steps:#?}");
            // A whole space is gone through only where that is what is asked for.
            let through_all = steps.iter().find(|step| {
                step.ends_with("(space=?)")
                    && LARGE.iter().any(|table| step.starts_with(&format!("SEARCH {table} ")))
            });
            let may = GO_THROUGH_ALL.contains(&begin);
            assert!(through_all.is_none() || may, "{name}: {through_all:?}");
            missed.insert(by.split(' ').next().unwrap_or_default().to_owned());
        }
        // Without an index, the question that names it finds nothing by it.
        let names = "SELECT name FROM sqlite_schema WHERE type = 'index' AND name NOT LIKE 'sqlite_%' \
             AND tbl_name IN ('requirement', 'history', 'change_set')";
        let mut names = conn.prepare(names).expect("a schema");
        let names: rusqlite::Result<Vec<String>> =
            names.query_map([], |row| row.get(0)).expect("a schema").collect();
        for name in names.expect("names") {
            assert!(missed.contains(&name), "no question misses {name}");
        }
    });
}
