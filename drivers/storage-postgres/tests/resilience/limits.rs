//! Servers that have no more of something.

use crate::clients::{
    RECOVERY_LIMIT, another, create, documents, is_transient, run, seconds, set, space, text,
    until_acknowledged, within,
};
use crate::support::{Server, close, fresh_schema, open, open_ready};
use crate::{finish, start};
use libtest_mimic::{Completion, Failed};
use rtmx_containers::Kind;
use rtmx_core::{Change, Cx, assert_code, storage};
use rtmx_storage::MigrationPlan;
use std::time::{Duration, Instant};

/// PostgreSQL keeps three of them for the superuser.
pub(crate) fn connections(version: u16) -> Result<Completion, Failed> {
    let server = start(version, &[("max_connections", "10"), ("superuser_reserved_connections", "3")]);
    finish(async {
        let settings = server.settings(&fresh_schema());
        let db = open_ready(settings.clone()).await;
        db.apply(&seconds(5), &create("before")).await.expect("it works");
        // Others take what is left.
        let mut others = Vec::new();
        let options: sqlx::postgres::PgConnectOptions = server.url().parse().expect("it is a URL");
        loop {
            match sqlx::ConnectOptions::connect(&options).await {
                Ok(conn) => others.push(conn),
                Err(error) => {
                    let state = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
                    assert_eq!(state.as_deref(), Some("53300"), "{error:?}");
                    break;
                }
            }
        }
        // What is open goes on working, also for more callers than there are connections.
        let calls = (0..8).map(|n| {
            let (db, changes) = (std::sync::Arc::clone(&db), create(format!("during {n}")));
            tokio::spawn(async move { db.apply(&seconds(20), &changes).await })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.expect("no panic").expect("there is one connection for all of them");
        }
        let error = open(settings.clone()).await.expect_err("there is no connection left");
        assert!(format!("{error:?}").contains("no connection left"), "{error:?}");
        assert_code(error, storage::STORAGE_UNAVAILABLE);
        for conn in others {
            close(conn).await;
        }
        let db = another(&settings).await;
        until_acknowledged(&db, &create("after"), RECOVERY_LIMIT).await;
    })
}

pub(crate) fn statement_timeout(server: &Server) -> Result<Completion, Failed> {
    finish(async {
        let schema = fresh_schema();
        let mut settings = server.settings(&schema);
        settings["statement_timeout_ms"] = 300.into();
        let db = open_ready(settings).await;
        db.apply(&seconds(5), &create("before")).await.expect("it works");
        let mut admin = server.in_database().await;
        run(&mut admin, &format!("BEGIN; SELECT 1 FROM {schema}.space FOR UPDATE")).await;
        let begun = Instant::now();
        let error = db.apply(&seconds(10), &create("during")).await.expect_err("somebody has the lock");
        assert_code(error, storage::STORAGE_BUSY);
        assert!(begun.elapsed() < RECOVERY_LIMIT, "{} ms", begun.elapsed().as_millis());
        // The same with a deadline that is sooner.
        let begun = Instant::now();
        let error = db.apply(&within(Duration::from_millis(150)), &create("soon")).await;
        assert_code(error.expect_err("somebody has the lock"), storage::STORAGE_BUSY);
        assert!(begun.elapsed() < RECOVERY_LIMIT, "{} ms", begun.elapsed().as_millis());
        assert_eq!(documents(&db).await.expect("a read waits for nobody"), 1);
        run(&mut admin, "ROLLBACK").await;
        db.apply(&seconds(5), &create("after")).await.expect("it works again");
        assert_eq!(documents(&db).await.expect("it answers"), 2);
    })
}

/// The driver has the space and wants the history, somebody else has the history and wants the space.
pub(crate) fn deadlock(server: &Server) -> Result<Completion, Failed> {
    finish(async {
        let schema = fresh_schema();
        let db = open_ready(server.settings(&schema)).await;
        db.apply(&seconds(5), &create("before")).await.expect("it works");
        let mut admin = server.in_database().await;
        // The other one notices a deadlock first.
        run(&mut admin, "SET deadlock_timeout = '60s'").await;
        run(&mut admin, &format!("BEGIN; LOCK TABLE {schema}.history IN SHARE MODE")).await;
        let writing = tokio::spawn({
            let db = std::sync::Arc::clone(&db);
            async move { db.apply(&seconds(20), &create("during")).await }
        });
        let mut watch = server.in_database().await;
        let waits = format!(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '{schema}.history'::regclass"
        );
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let waiting = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(waits.clone()));
            if waiting.fetch_one(&mut watch).await.expect("it answers") > 0 {
                break;
            }
            assert!(Instant::now() < until, "nobody waits for the lock");
        }
        run(&mut admin, &format!("SELECT 1 FROM {schema}.space FOR UPDATE")).await;
        run(&mut admin, "COMMIT").await;
        let applied = writing.await.expect("no panic").expect("the loser tries again");
        assert_eq!(applied.revision.0, 2);
        assert!(!applied.replayed, "it was undone before it was done again");
    })
}

/// Somebody holds a lock for longer than a statement and its answer may take together.
pub(crate) fn restore(server: &Server) -> Result<Completion, Failed> {
    const STATEMENT_MS: u64 = 300;
    /// Ten seconds is how much longer an answer may take than its statement.
    const HELD: Duration = Duration::from_secs(13);
    finish(async {
        let schema = fresh_schema();
        let mut settings = server.settings(&schema);
        settings["statement_timeout_ms"] = STATEMENT_MS.into();
        let db = open_ready(settings).await;
        db.apply(&seconds(5), &create("before")).await.expect("it works");
        let folder = tempfile::tempdir().expect("a folder");
        let archive = folder.path().join("all.archive");
        db.back_up(&Cx::new(), &archive).await.expect("it is backed up");
        let mut admin = server.in_database().await;
        run(&mut admin, &format!("BEGIN; SELECT 1 FROM {schema}.space FOR UPDATE")).await;
        let restoring = tokio::spawn({
            let db = std::sync::Arc::clone(&db);
            async move { db.restore_over(&Cx::new(), &archive).await }
        });
        tokio::time::sleep(HELD).await;
        assert!(!restoring.is_finished(), "it waits");
        run(&mut admin, "COMMIT").await;
        restoring.await.expect("no panic").expect("the server worked on it all the time");
        // The limit is back for whoever uses the connection next.
        run(&mut admin, &format!("BEGIN; SELECT 1 FROM {schema}.space FOR UPDATE")).await;
        let error = db.apply(&seconds(10), &create("after")).await.expect_err("somebody has the lock");
        assert_code(error, storage::STORAGE_BUSY);
    })
}

/// It waits for a lock, and would do so for longer.
pub(crate) fn migration(server: &Server) -> Result<Completion, Failed> {
    finish(async {
        let schema = fresh_schema();
        let db = open_ready(server.settings(&schema)).await;
        let mut admin = server.in_database().await;
        run(&mut admin, &format!("BEGIN; LOCK TABLE {schema}.schema_migration IN ACCESS EXCLUSIVE MODE"))
            .await;
        let begun = Instant::now();
        let late = db.migrate(&within(Duration::from_millis(500)), &MigrationPlan::Expand).await;
        assert_code(late.expect_err("somebody has the lock"), storage::STORAGE_BUSY);
        assert!(begun.elapsed() < RECOVERY_LIMIT, "{} ms", begun.elapsed().as_millis());
        run(&mut admin, "COMMIT").await;
        db.migrate(&seconds(30), &MigrationPlan::Expand)
            .await
            .expect("the lock of the other run is let go of");
    })
}

/// The pool has four connections: two writers wait for a lock, any number waits behind them.
pub(crate) fn readers(server: &Server) -> Result<Completion, Failed> {
    finish(async {
        let schema = fresh_schema();
        let db = open_ready(server.settings(&schema)).await;
        db.apply(&seconds(5), &create("before")).await.expect("it works");
        let mut admin = server.in_database().await;
        run(&mut admin, &format!("BEGIN; SELECT 1 FROM {schema}.space FOR UPDATE")).await;
        let writing: Vec<_> = (0..10)
            .map(|n| {
                let db = std::sync::Arc::clone(&db);
                tokio::spawn(async move { db.apply(&seconds(30), &create(format!("waits {n}"))).await })
            })
            .collect();
        for _ in 0..10 {
            let head = db.head(&seconds(5), &space()).await.expect("there is a connection to read");
            assert_eq!(head.revision.0, 1);
        }
        let connections = db.condition().connections.expect("it has a pool");
        assert!(connections.open <= connections.limit && connections.limit == 4, "{connections:?}");
        run(&mut admin, "ROLLBACK").await;
        for write in writing {
            write.await.expect("no panic").expect("its turn comes");
        }
        let connections = db.condition().connections.expect("it has a pool");
        assert_eq!((connections.waiting, connections.idle), (0, connections.open), "{connections:?}");
    })
}

/// The database lies on a disk of its own of 64 MB: what a container has for shared memory.
pub(crate) fn disk(version: u16) -> Result<Completion, Failed> {
    let server = start(version, &[]);
    if server.postgres.kind() == Kind::Processes {
        return Ok(Completion::ignored_with("a small disk takes a container"));
    }
    finish(async {
        let shell = |script: &str| {
            let ran = server.postgres.exec(&["sh", "-c", script]).expect("a command runs");
            assert_eq!(ran.code, 0, "{script}: {}{}", ran.stdout, ran.stderr);
        };
        shell(
            "mkdir /dev/shm/small && chown postgres: /dev/shm/small 2>/dev/null || chown 70 /dev/shm/small",
        );
        let mut admin = server.admin().await;
        run(&mut admin, "CREATE TABLESPACE small LOCATION '/dev/shm/small'").await;
        run(&mut admin, "ALTER DATABASE rtmx SET TABLESPACE small").await;
        let db = open_ready(server.settings(&fresh_schema())).await;
        db.apply(&seconds(5), &create("before")).await.expect("it works");
        shell("dd if=/dev/zero of=/dev/shm/fill bs=64k 2>/dev/null || true");
        // Pages that are there already have room for some.
        let large = |n: usize| {
            // Not to be compressed.
            let mut state = n as u64 + 1;
            let letters = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(b'a' + u8::try_from(state >> 59).expect("five bits") % 26)
            });
            set(vec![Change::create(format!("large {n}"), text(letters.take(100_000).collect::<String>()))])
        };
        let mut written = 1;
        let mut full = None;
        for n in 0..200 {
            match db.apply(&seconds(10), &large(n)).await {
                Ok(_) => written += 1,
                Err(error) => {
                    full = Some(error);
                    break;
                }
            }
        }
        assert_code(full.expect("64 MB hold no 200 documents beside what fills it"), storage::STORAGE_FULL);
        assert_eq!(documents(&db).await.expect("reads go on"), written);
        let again = db.apply(&seconds(10), &large(500)).await.expect_err("it is still full");
        assert_code(again, storage::STORAGE_FULL);
        shell("rm /dev/shm/fill");
        let changes = create("after");
        let until = Instant::now() + RECOVERY_LIMIT;
        while let Err(error) = db.apply(&seconds(5), &changes).await {
            assert!(error.code() == storage::STORAGE_FULL || is_transient(&error), "{error:?}");
            assert!(Instant::now() < until, "{error:?}");
        }
        assert_eq!(documents(&db).await.expect("it answers"), written + 1);
    })
}
