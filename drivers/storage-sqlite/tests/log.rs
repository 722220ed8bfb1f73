//! The log of statements is for people who look into a slow server: it may not hold what is stored.

mod support;

use rtmx_core::{Body, Change, Column, Cx, Kind};
use rtmx_storage::Query;
use rtmx_storage::query::{Field, Filter, RecordQuery, Sort};
use support::statements::StatementLog;
use support::{change_set, open_ready, requirement, runtime, space};

#[test]
fn the_log_of_statements_holds_no_value() {
    let log = StatementLog::install();
    let folder = tempfile::tempdir().expect("a folder");
    let secret = "canary-7c1f";
    runtime().block_on(async {
        let storage = open_ready(&folder.path().join("rtmx.db")).await;
        let body = Body::Requirement(requirement(secret, secret));
        storage
            .apply(&Cx::new(), &change_set(1, vec![Change::create(secret, body)]))
            .await
            .expect("a change is applied");
        let filters = vec![Filter { field: Field::Core(Column::Category), any_of: vec![secret.into()] }];
        let extra = Filter { field: Field::Extra(secret.into()), any_of: vec![secret.into()] };
        for filters in [filters, vec![extra]] {
            let query = RecordQuery {
                filters,
                search: Some(secret.into()),
                sort: vec![Sort { field: Field::Extra(secret.into()), descending: true }],
                ..RecordQuery::all(space(), Kind::Requirement)
            };
            storage.fetch(&Cx::new(), &Query::Records(query)).await.expect("a page");
        }
    });
    let statements = log.everything();
    assert!(statements.iter().any(|text| text.starts_with("INSERT INTO requirement ")));
    assert!(statements.iter().any(|text| text.contains("MATCH")));
    let seen: Vec<_> = statements.iter().filter(|text| text.contains(secret)).collect();
    assert!(seen.is_empty(), "{seen:?}");
}
