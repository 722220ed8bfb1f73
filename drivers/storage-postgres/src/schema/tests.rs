//! Indexes that later versions will add, on tables that are in use.

use super::*;
use crate::settings::PostgresSettings;
use rtmx_containers::{Postgres, versions};
use rtmx_storage::{MigrationPlan, MigrationReport};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const WITH_INDEX: &[Migration] = &[
    MIGRATIONS[0],
    MIGRATIONS[1],
    Migration {
        version: 3,
        name: "space_by_revision",
        step: MigrationStep::Expand,
        oldest_compatible: 1,
        sql: "-- For the test.\nDROP INDEX CONCURRENTLY IF EXISTS no_such_index;\n\
            CREATE INDEX CONCURRENTLY IF NOT EXISTS space_by_revision\n    ON space (revision);\n",
    },
];
const LIMIT: Duration = Duration::from_secs(20);

fn connector(postgres: &Postgres, schema: &str) -> Arc<Connector> {
    let settings = serde_json::json!({ "url": postgres.url(), "schema": schema });
    let settings = PostgresSettings::from_json(settings).expect("they are right");
    Arc::new(Connector::new(&settings).expect("it can be used"))
}

async fn migrated(connector: &Arc<Connector>, known: &[Migration]) -> Result<MigrationReport> {
    rtmx_storage::migrate(&mut Steps::new(connector, LIMIT), known, MigrationPlan::Expand).await
}

/// A later version that changes a table.
const WITH_COLUMN: &[Migration] = &[
    MIGRATIONS[0],
    MIGRATIONS[1],
    Migration {
        version: 3,
        name: "space_note",
        step: MigrationStep::Expand,
        oldest_compatible: 1,
        sql: "ALTER TABLE space ADD COLUMN note text",
    },
];

/// Who holds the migration lock, or reads a table without end, is waited for only so long.
async fn behind_a_lock(postgres: &Postgres) {
    const SCHEMA: &str = "behind_a_lock";
    const SHORT: Duration = Duration::from_millis(300);
    let connector = connector(postgres, SCHEMA);
    migrated(&connector, MIGRATIONS).await.expect("it migrates");
    let attempt = async || {
        let begun = Instant::now();
        let mut steps = Steps::new(&connector, SHORT);
        let done = rtmx_storage::migrate(&mut steps, WITH_COLUMN, MigrationPlan::Expand).await;
        assert!(begun.elapsed() < SHORT + Duration::from_secs(3), "{} ms", begun.elapsed().as_millis());
        done
    };
    let mut other = admin(postgres).await;
    let key = lock_key(SCHEMA);
    run(&mut other, &format!("SELECT pg_advisory_lock({key})")).await.expect("it is free");
    let error = attempt().await.expect_err("somebody else migrates");
    rtmx_core::assert_code(&error, storage::MIGRATION_LOCKED);
    run(&mut other, &format!("SELECT pg_advisory_unlock({key})")).await.expect("it is held");
    run(&mut other, "BEGIN; LOCK TABLE behind_a_lock.space IN ACCESS SHARE MODE").await.expect("it begins");
    let error = attempt().await.expect_err("somebody reads the table");
    rtmx_core::assert_code(&error, storage::STORAGE_BUSY);
    let versions = "SELECT array_agg(version) FROM behind_a_lock.schema_migration";
    let versions: Vec<i64> = sqlx::query_scalar(versions).fetch_one(&mut other).await.expect("it answers");
    assert_eq!(versions, [1, 2], "nothing is recorded that was not done");
    run(&mut other, "COMMIT").await.expect("it ends");
    assert_eq!(attempt().await.expect("nobody is in the way").applied, [3]);
}

/// A role that may use the tables and does not own them: what it lacks is named until nothing is.
async fn by_a_role_that_owns_nothing(postgres: &Postgres) {
    const SCHEMA: &str = "owned_by_others";
    migrated(&connector(postgres, SCHEMA), MIGRATIONS).await.expect("it migrates");
    let mut other = admin(postgres).await;
    let narrow = "CREATE ROLE \"narrow-role\" LOGIN PASSWORD 'narrow'; \
         GRANT USAGE ON SCHEMA owned_by_others TO \"narrow-role\"; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA owned_by_others TO \"narrow-role\"";
    run(&mut other, narrow).await.expect("the superuser may");
    let url = format!("postgres://narrow-role:narrow@127.0.0.1:{}/{}", postgres.port(), postgres.database());
    let settings = serde_json::json!({ "url": url, "schema": SCHEMA });
    let settings = PostgresSettings::from_json(settings).expect("they are right");
    let connector = Arc::new(Connector::new(&settings).expect("it can be used"));
    assert!(migrated(&connector, MIGRATIONS).await.expect("there is nothing to do").applied.is_empty());
    for (known, statement) in [
        (WITH_COLUMN, "ALTER TABLE \"owned_by_others\".\"space\" OWNER TO \"narrow-role\""),
        (WITH_INDEX, "GRANT CREATE ON SCHEMA \"owned_by_others\" TO \"narrow-role\""),
    ] {
        let error = migrated(&connector, known).await.expect_err("a right is lacking");
        rtmx_core::assert_code(&error, storage::STORAGE_DENIED);
        assert!(error.next().contains(statement), "{}", error.next());
        let all = error.next().split('`').nth(1).expect("statements stand in quotes").to_owned();
        run(&mut other, &all).await.expect("the superuser may");
        assert_eq!(
            migrated(&connector, known).await.expect("nothing is lacking").applied,
            [3],
            "{statement}"
        );
        run(&mut other, "DELETE FROM owned_by_others.schema_migration WHERE version = 3")
            .await
            .expect("it may");
    }
}

/// A later version whose migration fails in its middle.
const WITH_FAULT: &[Migration] = &[
    MIGRATIONS[0],
    MIGRATIONS[1],
    Migration {
        version: 3,
        name: "half_done",
        step: MigrationStep::Expand,
        oldest_compatible: 1,
        sql: "CREATE TABLE half_done (id bigint); INSERT INTO no_such_table VALUES (1)",
    },
];

/// A migration that fails is named, and nothing of it is left.
async fn with_a_fault_of_its_own(postgres: &Postgres) {
    let connector = connector(postgres, "half_done");
    let error = migrated(&connector, WITH_FAULT).await.expect_err("a table is missing");
    rtmx_core::assert_code(&error, storage::MIGRATION_FAILED);
    assert!(error.message().contains("migration 3 `half_done`"), "{}", error.message());
    assert!(error.causes().concat().contains("no_such_table"), "{:?}", error.causes());
    let mut other = admin(postgres).await;
    let left = "SELECT to_regclass('half_done.half_done') IS NULL AND max(version) = 2 FROM half_done.schema_migration";
    let left: bool = sqlx::query_scalar(left).fetch_one(&mut other).await.expect("it answers");
    assert!(left, "what it had done is taken back, and those before it are there");
}

/// An administrator who looks into the database finds what each table is.
async fn every_table_is_described(postgres: &Postgres) {
    const SCHEMA: &str = "described";
    migrated(&connector(postgres, SCHEMA), MIGRATIONS).await.expect("it migrates");
    let ask = "SELECT relname::text, obj_description(oid, 'pg_class') FROM pg_class \
         WHERE relnamespace = 'described'::regnamespace AND relkind = 'r'";
    let tables: Vec<(String, Option<String>)> =
        sqlx::query_as(ask).fetch_all(&mut admin(postgres).await).await.expect("the superuser may");
    assert_eq!(tables.len(), our_tables().len(), "{tables:?}");
    for (table, about) in tables {
        assert!(our_tables().contains(&table.as_str()), "{table}");
        assert!(about.is_some_and(|about| about.ends_with('.')), "{table}");
    }
}

async fn admin(postgres: &Postgres) -> PgConnection {
    let options = sqlx::postgres::PgConnectOptions::from_str(&postgres.url()).expect("it is a URL");
    options.connect().await.expect("the superuser may connect")
}

async fn run(conn: &mut PgConnection, text: &str) -> std::result::Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(conn).await.map(|_| ())
}

async fn is_valid(conn: &mut PgConnection, schema: &str) -> bool {
    let text = format!(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('{schema}.space_by_revision')"
    );
    let found = sqlx::query_scalar(AssertSqlSafe(text)).fetch_optional(conn).await;
    found.expect("the superuser may").unwrap_or(false)
}

/// Sessions that wait for an advisory lock.
async fn waiting(conn: &mut PgConnection) -> i64 {
    let text = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    sqlx::query_scalar(text).fetch_one(conn).await.expect("the superuser may")
}

/// Two processes migrate while somebody writes, and an old transaction keeps the index from being built.
async fn beside_writers(postgres: &Postgres) {
    const SCHEMA: &str = "beside_writers";
    let connector = connector(postgres, SCHEMA);
    migrated(&connector, MIGRATIONS).await.expect("it migrates");
    let mut old = admin(postgres).await;
    run(&mut old, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM beside_writers.space")
        .await
        .expect("it begins");
    let ended = Arc::new(AtomicBool::new(false));
    // The second one waits for the first when the old transaction ends.
    let migrators = [0, 300].map(|after_ms| {
        let (connector, ended) = (Arc::clone(&connector), Arc::clone(&ended));
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            let report = migrated(&connector, WITH_INDEX).await;
            ended.store(true, Ordering::Release);
            report
        })
    });
    let mut writer = admin(postgres).await;
    for number in 0..50 {
        let text = format!(
            "SET statement_timeout = '5s'; INSERT INTO beside_writers.space (name, revision) VALUES ('{number}', {number})"
        );
        run(&mut writer, &text).await.expect("nobody waits for the index");
        // Whoever waits for a lock has a snapshot, which the index waits for in turn: a deadlock.
        assert_eq!(waiting(&mut writer).await, 0, "the second one asks again, and does not wait");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!ended.load(Ordering::Acquire), "the index waits for the old transaction");
    run(&mut old, "COMMIT").await.expect("it ends");
    let mut applied = Vec::new();
    for migrator in migrators {
        applied.push(migrator.await.expect("no panic").expect("it migrates").applied);
    }
    assert_eq!(applied, [vec![3], vec![]]);
    assert!(is_valid(&mut writer, SCHEMA).await);
}

async fn after_a_build_that_was_ended(postgres: &Postgres) {
    const SCHEMA: &str = "after_an_end";
    let connector = connector(postgres, SCHEMA);
    migrated(&connector, MIGRATIONS).await.expect("it migrates");
    let (mut old, mut other) = (admin(postgres).await, admin(postgres).await);
    run(&mut old, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM after_an_end.space")
        .await
        .expect("it begins");
    run(&mut other, "SET statement_timeout = 300").await.expect("it is set");
    run(&mut other, "CREATE INDEX CONCURRENTLY space_by_revision ON after_an_end.space (revision)")
        .await
        .expect_err("the old transaction is awaited");
    run(&mut other, "SET statement_timeout = 0").await.expect("it is set");
    run(&mut old, "COMMIT").await.expect("it ends");
    let left =
        "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('after_an_end.space_by_revision')";
    let left: i64 = sqlx::query_scalar(left).fetch_one(&mut other).await.expect("the superuser may");
    assert_eq!((left, is_valid(&mut other, SCHEMA).await), (1, false), "an index that is not valid is left");
    assert_eq!(migrated(&connector, WITH_INDEX).await.expect("it migrates").applied, [3]);
    assert!(is_valid(&mut other, SCHEMA).await);
    assert!(migrated(&connector, WITH_INDEX).await.expect("nothing to do").applied.is_empty());
}

async fn on_new_tables(postgres: &Postgres) {
    const SCHEMA: &str = "on_new_tables";
    let connector = connector(postgres, SCHEMA);
    let mut old = admin(postgres).await;
    run(&mut old, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.expect("it begins");
    // Nobody's transaction is awaited where there is nothing to put into the index.
    let made = tokio::time::timeout(LIMIT, migrated(&connector, WITH_INDEX)).await;
    assert_eq!(made.expect("it waits for nobody").expect("it migrates").applied, [1, 2, 3]);
    run(&mut old, "COMMIT").await.expect("it ends");
    assert!(is_valid(&mut old, SCHEMA).await);
}

#[test]
#[ignore = "needs a PostgreSQL, which the step `postgres` brings"]
fn indexes_are_built_beside_writers() {
    Postgres::available().expect("the step looks first");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for version in versions().expect("RTMX_TEST_POSTGRES names versions") {
        let postgres = Postgres::start(version).expect("a server starts");
        runtime.block_on(async {
            beside_writers(&postgres).await;
            after_a_build_that_was_ended(&postgres).await;
            on_new_tables(&postgres).await;
        });
    }
}

#[test]
#[ignore = "needs a PostgreSQL, which the step `postgres` brings"]
fn migrations_say_who_is_in_the_way_and_what_is_lacking() {
    Postgres::available().expect("the step looks first");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for version in versions().expect("RTMX_TEST_POSTGRES names versions") {
        let postgres = Postgres::start(version).expect("a server starts");
        runtime.block_on(async {
            behind_a_lock(&postgres).await;
            by_a_role_that_owns_nothing(&postgres).await;
            with_a_fault_of_its_own(&postgres).await;
            every_table_is_described(&postgres).await;
        });
    }
}
