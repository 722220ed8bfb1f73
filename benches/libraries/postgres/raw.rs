//! The same work without the driver: sqlx alone, one connection.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use std::time::{Duration, Instant};

/// The schema of the driver.
pub(crate) const SCHEMA: &str = "bench";

/// A connection.
pub(crate) struct Raw {
    conn: PgConnection,
}

impl Raw {
    pub(crate) async fn connect(url: &str) -> Raw {
        let options: PgConnectOptions = url.parse().expect("a URL");
        let options = options.options([("search_path", "bench,pg_catalog"), ("jit", "off")]);
        let options = sqlx::ConnectOptions::disable_statement_logging(options);
        Raw { conn: PgConnection::connect_with(&options).await.expect("it connects") }
    }

    async fn script(&mut self, text: String) {
        self.conn.execute(sqlx::raw_sql(AssertSqlSafe(text))).await.expect("a statement");
    }

    /// Copies the imported rows into empty tables of the same form with the same indexes.
    pub(crate) async fn copy(&mut self) -> Duration {
        let mut took = Duration::ZERO;
        let tables = ["space", "change_set", "history", "requirement"];
        self.script("CREATE SCHEMA copied".into()).await;
        for table in tables {
            self.script(format!("CREATE TABLE copied.{table} (LIKE bench.{table} INCLUDING ALL)")).await;
        }
        for table in &tables[1..] {
            self.script(format!(
                "ALTER TABLE copied.{table} ADD FOREIGN KEY (space) REFERENCES copied.space (id)"
            ))
            .await;
        }
        let mut content: Vec<(&str, Vec<u8>)> = Vec::new();
        for table in tables {
            use futures_util::TryStreamExt;
            let out = format!("COPY bench.{table} TO STDOUT (FORMAT binary)");
            let stream = self.conn.copy_out_raw(&out).await.expect("a copy");
            let bytes: Vec<u8> = stream.map_ok(|b| b.to_vec()).try_concat().await.expect("bytes");
            content.push((table, bytes));
        }
        self.script("BEGIN".into()).await;
        for (table, bytes) in content {
            let begun = Instant::now();
            let mut copy = self
                .conn
                .copy_in_raw(&format!("COPY copied.{table} FROM STDIN (FORMAT binary)"))
                .await
                .expect("a copy");
            for part in bytes.chunks(64 << 10) {
                copy.send(part).await.expect("it takes it");
            }
            copy.finish().await.expect("it ends");
            took += begun.elapsed();
        }
        let begun = Instant::now();
        self.script("COMMIT".into()).await;
        took += begun.elapsed();
        self.script("DROP SCHEMA copied CASCADE".into()).await;
        took
    }

    /// Takes the driver's tables away.
    pub(crate) async fn drop_all(&mut self) {
        self.script(format!("DROP SCHEMA {SCHEMA} CASCADE")).await;
    }

    /// The server's version, such as `18.4`.
    pub(crate) async fn version(&mut self) -> String {
        let version = sqlx::query_scalar("SHOW server_version").fetch_one(&mut self.conn).await;
        version.expect("a version")
    }

    /// What a server does by itself after a while.
    pub(crate) async fn settle(&mut self) {
        self.script("VACUUM ANALYZE".into()).await;
        self.script("CHECKPOINT".into()).await;
    }

    /// The statements of reading one requirement.
    pub(crate) async fn read(&mut self, id: &str) -> usize {
        self.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".into()).await;
        let head = "SELECT meta.value, space.id, space.revision FROM meta LEFT JOIN space ON space.name = $1 WHERE meta.name = 'epoch'";
        let head = sqlx::query(head).bind("project/bench").fetch_one(&mut self.conn).await.expect("a head");
        let space: i64 = head.get(1);
        let text = "SELECT * FROM requirement WHERE space = $1 AND id = ANY ($2)";
        let rows =
            sqlx::query(text).bind(space).bind(vec![id]).fetch_all(&mut self.conn).await.expect("rows");
        self.script("COMMIT".into()).await;
        rows.len()
    }

    /// One `UPDATE` and its `COMMIT`, and nothing that makes it a write of ours: what pgbench would measure.
    pub(crate) async fn update(&mut self, id: &str) {
        let text = "UPDATE requirement SET notes = notes WHERE space = (SELECT id FROM space WHERE name = $1) AND id = $2";
        self.script("BEGIN".into()).await;
        let statement = sqlx::query(text).bind("project/bench").bind(id);
        statement.execute(&mut self.conn).await.expect("one");
        self.script("COMMIT".into()).await;
    }

    /// The statements of a write of one requirement over itself, its reading before included.
    pub(crate) async fn write(&mut self, id: &str) {
        self.read(id).await;
        self.script("BEGIN".into()).await;
        let c = &mut self.conn;
        let head = sqlx::query("SELECT id, revision FROM space WHERE name = $1 FOR UPDATE")
            .bind("project/bench")
            .fetch_one(&mut *c)
            .await
            .expect("a head");
        let (space, revision): (i64, i64) = (head.get(0), head.get::<i64, _>(1) + 1);
        sqlx::query("SELECT value FROM meta WHERE name = 'epoch'")
            .fetch_one(&mut *c)
            .await
            .expect("an epoch");
        let uuid = super::id().0;
        sqlx::query("SELECT fingerprint, revision FROM change_set WHERE id = $1")
            .bind(uuid)
            .fetch_optional(&mut *c)
            .await
            .expect("none");
        sqlx::query("SELECT id, revision FROM requirement WHERE space = $1 AND id = ANY ($2)")
            .bind(space)
            .bind(vec![id])
            .fetch_all(&mut *c)
            .await
            .expect("one");
        sqlx::query("SELECT status::bigint, phase, category, priority::bigint, count(*) FROM requirement WHERE space = $1 AND id = ANY ($2) GROUP BY status, phase, category, priority")
            .bind(space).bind(vec![id]).fetch_all(&mut *c).await.expect("one");
        sqlx::query("UPDATE requirement SET revision = $3 WHERE space = $1 AND id = $2")
            .bind(space)
            .bind(id)
            .bind(revision)
            .execute(&mut *c)
            .await
            .expect("one");
        sqlx::query("INSERT INTO history (space, revision, ordinal, kind, id, body) SELECT $1, $2, 0, 'requirement', $3, body FROM history WHERE space = $1 AND kind = 'requirement' AND id = $3 ORDER BY revision DESC LIMIT 1")
            .bind(space).bind(revision).bind(id).execute(&mut *c).await.expect("one");
        sqlx::query("INSERT INTO change_set (id, fingerprint, space, revision, actor, at, note) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(uuid).bind("0").bind(space).bind(revision).bind("bench").bind("2026-01-01T00:00:00Z").bind("").execute(&mut *c).await.expect("one");
        sqlx::query("UPDATE space SET revision = $2 WHERE id = $1")
            .bind(space)
            .bind(revision)
            .execute(&mut *c)
            .await
            .expect("one");
        sqlx::query("SELECT pg_notify($1, $2)")
            .bind("rtmx_changes")
            .bind("bench")
            .execute(&mut *c)
            .await
            .expect("told");
        self.script("COMMIT".into()).await;
    }
}
