//! What is asked often is answered from an index.
//!
//! The statements are taken from the driver's own log while it answers, and SQLite is asked how it
//! would run them.

mod support;

use rtmx_core::{Body, Change, Column, Cx, Key, Kind, Revision};
use rtmx_storage::query::{Field, Filter, RecordQuery, Sort};
use rtmx_storage::{FeedPosition, Query, StorageBackend};
use support::statements::StatementLog;
use support::{change_set, open_ready, requirement, runtime, space};

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
    // what is asked, whether its order has to come from the index, too
    let questions = [
        ("list", records(&|_| {}), true),
        ("list, counted", records(&|query| query.count = true), true),
        ("filter by status", filtered(Column::Status, "missing"), true),
        ("filter by category", filtered(Column::Category, "Ui"), true),
        ("filter by priority", filtered(Column::Priority, "medium"), true),
        ("filter by phase", filtered(Column::Phase, "3"), true),
        (
            "filter by no phase or one",
            records(&|query| {
                query.filters =
                    vec![Filter { field: Field::Core(Column::Phase), any_of: vec!["3".into(), "".into()] }];
            }),
            false,
        ),
        ("sort by category", sorted(Column::Category, false), false),
        ("sort by priority", sorted(Column::Priority, false), true),
        ("sort by phase, last first", sorted(Column::Phase, true), false),
        ("sort by status", sorted(Column::Status, false), true),
        ("search with few hits", records(&|query| query.search = Some("REQ-0007".into())), false),
        ("search with many hits", records(&|query| query.search = Some("encrypt".into())), true),
        ("one by id", Query::ids(space(), Kind::Requirement, ["REQ-0001".to_owned()]), true),
        ("history of one", history(key), true),
        ("history of all", history(None), true),
        ("as of, by ids", as_of(Some(vec!["REQ-0001".into()])), true),
        ("as of", as_of(None), true),
        ("counts", Query::Tally { space: space() }, true),
    ];
    runtime().block_on(async {
        let storage = open_ready(&file).await;
        fill(&*storage).await;
        let mut asked: Vec<(String, Vec<String>, bool)> = Vec::new();
        for (name, query, ordered) in questions {
            log.clear();
            let page = storage.fetch(&Cx::new(), &query).await.expect(name);
            let next = page.next.clone();
            asked.push((name.to_owned(), log.statements(), ordered));
            if let (Query::Records(query), Some(cursor)) = (query, next) {
                log.clear();
                let behind = Query::Records(RecordQuery { cursor: Some(cursor), ..query });
                storage.fetch(&Cx::new(), &behind).await.expect(name);
                asked.push((format!("{name}, second page"), log.statements(), ordered));
            }
        }
        log.clear();
        storage.changes(&Cx::new(), &space(), FeedPosition::START, 50, None).await.expect("the feed");
        asked.push(("feed".into(), log.statements(), true));
        log.clear();
        let change =
            Change::replace("REQ-0001", Revision(1), Body::Requirement(requirement("UI", "shall not")));
        storage.apply(&Cx::new(), &change_set(2, vec![change])).await.expect("a change is applied");
        asked.push(("single write".into(), log.statements(), true));
        storage.close(&Cx::new()).await.expect("it closes");

        let conn = rusqlite::Connection::open(&file).expect("the database is closed");
        for (name, statements, ordered) in asked {
            assert!(!statements.is_empty(), "{name}: nothing was logged");
            for statement in
                statements.iter().filter(|text| !text.starts_with("PRAGMA") && !text.ends_with(" write"))
            {
                for step in plan(&conn, statement) {
                    // The search index is a table of its own kind, and a subquery was answered already.
                    let searched = step.contains("VIRTUAL TABLE INDEX") || step.starts_with("SCAN (subquery");
                    assert!(!step.starts_with("SCAN") || searched, "{name}: {step}\n{statement}");
                    assert!(!ordered || !step.contains("TEMP B-TREE"), "{name}: {step}\n{statement}");
                }
            }
        }
    });
}
