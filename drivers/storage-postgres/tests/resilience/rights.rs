//! A role that lacks something, and a schema among those of others.

use crate::clients::{another, create, documents, run, seconds};
use crate::finish;
use crate::support::{PASSWORD, ROLE, Server, fresh_schema, open, open_ready};
use libtest_mimic::{Completion, Failed};
use rtmx_core::{Cx, Error, assert_code, storage};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection};

/// The statement that an error names, which stands in quotes.
fn statement(error: &Error) -> String {
    error.next().split('`').nth(1).unwrap_or_else(|| panic!("no statement in {error:?}")).to_owned()
}

/// Without `USAGE` nothing in a schema can be seen, and yet nothing is lost.
pub(crate) fn usage(server: &Server) -> Result<Completion, Failed> {
    finish(async {
        let schema = fresh_schema();
        let db = open_ready(server.settings(&schema)).await;
        db.apply(&seconds(5), &create("before")).await.expect("it works");
        let mut admin = server.in_database().await;
        run(&mut admin, &format!("REVOKE USAGE ON SCHEMA {schema} FROM {ROLE}")).await;
        let grant = format!("GRANT USAGE ON SCHEMA \"{schema}\" TO {ROLE}");
        let later = open(server.settings(&schema)).await.expect("it opens");
        let refusals = [
            ("a running server that writes", db.apply(&seconds(5), &create("during")).await.err()),
            ("a running server that reads", documents(&db).await.err()),
            ("a running server that is asked", db.schema(&seconds(5)).await.err()),
            ("a server that starts", later.schema(&seconds(5)).await.err()),
        ];
        for (name, refusal) in refusals {
            let refusal = refusal.unwrap_or_else(|| panic!("{name} is not refused"));
            assert_code(&refusal, storage::STORAGE_DENIED);
            assert!(refusal.message().contains("lacks USAGE on the schema"), "{name}: {refusal:?}");
            assert_eq!(statement(&refusal), grant, "{name}");
        }
        run(&mut admin, &grant).await;
        db.apply(&seconds(5), &create("after")).await.expect("it works again");
        assert_eq!(documents(&later).await.expect("it answers"), 2);
    })
}

/// What is lacking on single tables is named with the tables, before and when it is needed.
pub(crate) fn tables(server: &Server) -> Result<Completion, Failed> {
    finish(async {
        let schema = fresh_schema();
        let db = open_ready(server.settings(&schema)).await;
        db.schema(&seconds(5)).await.expect("it answers");
        assert!(
            db.condition().warnings.iter().all(|warning| !warning.contains("GRANT")),
            "nothing is lacking"
        );
        let mut admin = server.in_database().await;
        run(
            &mut admin,
            &format!(
                "REVOKE INSERT ON {schema}.history FROM {ROLE}; REVOKE DELETE ON {schema}.tally FROM {ROLE}"
            ),
        )
        .await;
        let grant =
            format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \"{schema}\" TO {ROLE}");
        let refusal = db.apply(&seconds(5), &create("during")).await.expect_err("a right is lacking");
        assert_code(&refusal, storage::STORAGE_DENIED);
        let lacks = "lacks INSERT, DELETE on tables of the schema";
        assert!(refusal.message().contains(lacks), "{refusal:?}");
        assert!(refusal.message().ends_with("`history`, `tally`"), "{refusal:?}");
        assert_eq!(statement(&refusal), grant);
        db.schema(&seconds(5)).await.expect("it answers");
        let warnings = db.condition().warnings;
        assert!(warnings.iter().any(|warning| warning.contains(&grant)), "{warnings:?}");
        run(&mut admin, &grant).await;
        db.apply(&seconds(5), &create("after")).await.expect("it works again");
        db.schema(&seconds(5)).await.expect("it answers");
        assert!(db.condition().warnings.iter().all(|warning| !warning.contains("GRANT")));
    })
}

/// Tables, and the hashes of all that is in them and of their columns.
async fn content(conn: &mut PgConnection, tables: &[String]) -> Vec<(String, Option<String>, i64)> {
    let mut found = Vec::new();
    for table in tables {
        let ask = format!(
            "SELECT '{table}', (SELECT md5(string_agg(t::text, ';' ORDER BY t::text)) FROM {table} t), \
             (SELECT count(*) FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0)"
        );
        let row = sqlx::query_as(AssertSqlSafe(ask)).fetch_one(&mut *conn).await;
        found.push(row.expect("the superuser may"));
    }
    found
}

/// A role that owns one schema and nothing else. Tables of others stand in it and in `public`, some under
/// names that the product has too.
pub(crate) fn among_others(server: &Server) -> Result<Completion, Failed> {
    finish(async {
        let schema = fresh_schema();
        let role = format!("{schema}_owner");
        let mut admin = server.in_database().await;
        run(
            &mut admin,
            &format!(
                "CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'; CREATE SCHEMA {schema} AUTHORIZATION {role}; \
                 CREATE TABLE IF NOT EXISTS public.requirement (id int PRIMARY KEY, body text); \
                 CREATE TABLE IF NOT EXISTS public.schema_migration (version text, dirty bool); \
                 CREATE TABLE {schema}.invoice (id int PRIMARY KEY, total numeric); \
                 CREATE TABLE {schema}.ledger AS SELECT n, md5(n::text) FROM generate_series(1, 100) n; \
                 ALTER TABLE {schema}.ledger OWNER TO {role}; \
                 INSERT INTO public.requirement VALUES (1, 'theirs') ON CONFLICT DO NOTHING; \
                 INSERT INTO public.schema_migration VALUES ('20200101', false); \
                 INSERT INTO {schema}.invoice SELECT n, n * 1.5 FROM generate_series(1, 100) n"
            ),
        )
        .await;
        let may = format!("SELECT has_database_privilege('{role}', current_database(), 'CREATE')");
        let may: bool =
            sqlx::query_scalar(AssertSqlSafe(may)).fetch_one(&mut admin).await.expect("it answers");
        assert!(!may, "the role owns its schema and no more");
        let theirs = ["public.requirement", "public.schema_migration"].map(str::to_owned);
        let theirs = [&theirs[..], &[format!("{schema}.invoice"), format!("{schema}.ledger")]].concat();
        let before = content(&mut admin, &theirs).await;
        assert!(before.iter().all(|(_, hash, _)| hash.is_some()), "{before:?}");

        let settings = json!({
            "host": "127.0.0.1", "port": server.postgres.port(), "database": "rtmx", "user": role,
            "password": PASSWORD, "schema": schema, "connections": 4,
        });
        let db = open_ready(settings.clone()).await;
        db.apply(&seconds(5), &create("one")).await.expect("it writes");
        let folder = tempfile::tempdir().expect("a folder");
        let archive = folder.path().join("all.archive");
        let made = db.back_up(&Cx::new(), &archive).await.expect("it is backed up");
        db.apply(&seconds(5), &create("two")).await.expect("it writes");
        let restored = db.restore_over(&Cx::new(), &archive).await.expect("it is restored");
        assert_eq!(restored.content_hash, made.content_hash);
        assert_eq!(documents(&another(&settings).await).await.expect("it answers"), 1);
        assert_eq!(content(&mut admin, &theirs).await, before, "tables of others are as they were");
    })
}
