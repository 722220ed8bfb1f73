//! Schema, the empty database, closing and opening again.

use super::bench::{Bench, create, project, set, text_key};
use rtmx_core::{Kind, Revision, Space, assert_code, storage};
use rtmx_storage::query::RecordQuery;
use rtmx_storage::{FeedPosition, MigrationPlan, Query, Standing};

pub(super) async fn fresh_is_not_ready(bench: Bench) {
    let state = bench.db().schema(&bench.cx).await.expect("the schema can be asked for");
    assert_eq!((state.standing, state.version), (Standing::Fresh, 0));
    assert!(!state.to_expand.is_empty(), "a fresh database has migrations to run");
    assert_code(
        bench.db().head(&bench.cx, &project()).await.expect_err("no head yet"),
        storage::SCHEMA_BEHIND,
    );
    assert_code(bench.refused(&set(vec![create("A", "a")])).await, storage::SCHEMA_BEHIND);
    let all = Query::Records(RecordQuery::all(project(), Kind::Requirement));
    assert_code(bench.unanswered(&all).await, storage::SCHEMA_BEHIND);
}

pub(super) async fn migrate_is_idempotent(bench: Bench) {
    let pending = bench.db().schema(&bench.cx).await.expect("the schema can be asked for").to_expand;
    let first =
        bench.db().migrate(&bench.cx, &MigrationPlan::Expand).await.expect("a fresh database migrates");
    assert_eq!(first.applied, pending, "the migration ran what was pending");
    assert_eq!(first.state.standing, Standing::Current);
    bench.put(vec![create("A", "a")]).await;
    let again =
        bench.db().migrate(&bench.cx, &MigrationPlan::Expand).await.expect("a second migration is no error");
    assert!(again.applied.is_empty(), "nothing was left to do: {:?}", again.applied);
    assert_eq!(bench.db().schema(&bench.cx).await.expect("the schema can be asked for"), again.state);
    assert!(bench.find(Kind::RequirementText, "A").await.is_some(), "the data stayed");
}

pub(super) async fn wrong_login_changes_nothing(bench: Bench) {
    bench.put(vec![create("A", "a")]).await;
    let refusal = bench.db().log_in_with(serde_json::json!({})).await.expect_err("it names no database");
    let wanted = match bench.db().capability().logs_in {
        true => storage::STORAGE_SETTINGS_INVALID,
        false => storage::NOT_SUPPORTED,
    };
    assert_code(refusal, wanted);
    bench.put(vec![create("B", "b")]).await;
    assert!(bench.find(Kind::RequirementText, "A").await.is_some(), "it is the same database");
}

pub(super) async fn unknown_space_is_zero(bench: Bench) {
    bench.put(vec![create("A", "a")]).await;
    let epoch = bench.head().await.epoch;
    for space in [Space::Project("never".into()), Space::System, Space::Licensing] {
        let head = bench.db().head(&bench.cx, &space).await.expect("any space has a head");
        assert_eq!((head.revision, head.epoch), (Revision::ZERO, epoch), "{space}");
        let page = bench.fetch(&Query::Tally { space: space.clone() }).await;
        assert_eq!((page.head, page.into_tally()), (head, vec![]), "{space}");
        let all =
            Query::Records(RecordQuery { count: true, ..RecordQuery::all(space.clone(), Kind::Requirement) });
        let page = bench.fetch(&all).await;
        assert_eq!((page.total, page.next.clone(), page.into_records()), (Some(0), None, vec![]), "{space}");
        let feed = bench.db().changes(&bench.cx, &space, FeedPosition::START, 10, None).await;
        assert_eq!(feed.expect("any space has a feed").events, [], "{space}");
    }
}

pub(super) async fn close_answers_unavailable(bench: Bench) {
    bench.put(vec![create("A", "a")]).await;
    bench.db().close(&bench.cx).await.expect("an open database can be closed");
    let cx = &bench.cx;
    assert_code(bench.db().head(cx, &project()).await.expect_err("closed"), storage::STORAGE_UNAVAILABLE);
    assert_code(bench.refused(&set(vec![create("B", "b")])).await, storage::STORAGE_UNAVAILABLE);
    assert_code(bench.unanswered(&Query::Tally { space: project() }).await, storage::STORAGE_UNAVAILABLE);
    let feed = bench.db().changes(cx, &project(), FeedPosition::START, 10, None).await;
    assert_code(feed.expect_err("closed"), storage::STORAGE_UNAVAILABLE);
    assert_code(bench.db().schema(cx).await.expect_err("closed"), storage::STORAGE_UNAVAILABLE);
    bench.db().close(cx).await.expect("closing twice is no error");
}

pub(super) async fn reopen_keeps_everything(mut bench: Bench) {
    let first = set(vec![create("A", "a"), create("B", "b")]);
    let applied = bench.apply(&first).await.expect("the first change set fits");
    bench.put(vec![rtmx_core::Change::delete(text_key("A"), applied.revision)]).await;
    let (head, feed) = (bench.head().await, bench.feed().await);
    bench.reopen().await;
    assert_eq!(bench.head().await, head, "head and epoch");
    assert_eq!(bench.feed().await, feed, "the feed");
    assert!(bench.find(Kind::RequirementText, "A").await.is_none(), "what was deleted stays deleted");
    assert!(bench.find(Kind::RequirementText, "B").await.is_some(), "what was put stays");
    let again = bench.apply(&first).await.expect("a retry after the restart is answered");
    assert_eq!((again.revision, again.replayed), (applied.revision, true));
}
