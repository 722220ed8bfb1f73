//! Servers that only read, and the way to one that writes.

use crate::clients::{RECOVERY_LIMIT, create, documents, run, seconds, until_acknowledged};
use crate::support::{PASSWORD, ROLE, Server, fresh_schema, open_ready};
use crate::{finish, start};
use libtest_mimic::{Completion, Failed};
use rtmx_containers::Restart;
use rtmx_core::{assert_code, storage};
use serde_json::json;
use std::time::Instant;

/// An operator froze it, which counts for transactions that begin from now on.
pub(crate) fn frozen(version: u16) -> Result<Completion, Failed> {
    let server = start(version, &[]);
    finish(async {
        let db = open_ready(server.settings(&fresh_schema())).await;
        db.apply(&seconds(5), &create("before")).await.expect("it works");
        let mut admin = server.admin().await;
        run(&mut admin, "ALTER SYSTEM SET default_transaction_read_only = on").await;
        run(&mut admin, "SELECT pg_reload_conf()").await;
        let until = Instant::now() + RECOVERY_LIMIT;
        let mut n = 0;
        // The server's processes take note of it one after the other.
        let error = loop {
            match db.apply(&seconds(5), &create(format!("during {n}"))).await {
                Ok(_) => assert!(Instant::now() < until, "it goes on writing to a frozen server"),
                Err(error) => break error,
            }
            n += 1;
        };
        assert_code(error, storage::STORAGE_READ_ONLY);
        assert_eq!(documents(&db).await.expect("reads go on"), n + 1);
        run(&mut admin, "SET default_transaction_read_only = off").await;
        run(&mut admin, "ALTER SYSTEM RESET default_transaction_read_only").await;
        run(&mut admin, "SELECT pg_reload_conf()").await;
        written_again(&db, "after").await;
        assert_eq!(documents(&db).await.expect("it answers"), n + 2);
    })
}

/// An operator froze this one database, before the server starts.
pub(crate) fn frozen_database(version: u16) -> Result<Completion, Failed> {
    let server = start(version, &[]);
    finish(async {
        let settings = server.settings(&fresh_schema());
        let db = open_ready(settings.clone()).await;
        db.apply(&seconds(5), &create("before")).await.expect("it works");
        db.schema(&seconds(5)).await.expect("it answers");
        assert!(!db.condition().read_only);
        let mut admin = server.admin().await;
        run(&mut admin, "ALTER DATABASE rtmx SET default_transaction_read_only = on").await;
        let db = crate::clients::another(&settings).await;
        assert!(db.schema(&seconds(5)).await.expect("it answers").standing.is_ready());
        let condition = db.condition();
        assert!(condition.read_only, "{condition:?}");
        assert!(condition.warnings.iter().any(|warning| warning.contains("only reads")), "{condition:?}");
        let error = db.apply(&seconds(5), &create("during")).await.expect_err("it only reads");
        assert!(error.next().contains("default_transaction_read_only"), "{}", error.next());
        assert_code(error, storage::STORAGE_READ_ONLY);
        run(&mut admin, "ALTER DATABASE rtmx RESET default_transaction_read_only").await;
        written_again(&db, "after").await;
        db.schema(&seconds(5)).await.expect("it answers");
        assert!(!db.condition().read_only);
    })
}

/// Writes until the server is one that writes.
async fn written_again(db: &crate::clients::Backend, id: &str) {
    let changes = create(id);
    let until = Instant::now() + RECOVERY_LIMIT;
    while let Err(error) = db.apply(&seconds(5), &changes).await {
        assert_eq!(error.code(), storage::STORAGE_READ_ONLY, "{error:?}");
        assert!(Instant::now() < until, "{error:?}");
    }
}

/// Makes a server a hot standby: one that replays, and waits for more from nobody.
fn stand_by(server: &Server) {
    let script = "touch \"$PGDATA/standby.signal\" && chmod 666 \"$PGDATA/standby.signal\"";
    let ran = server.postgres.exec(&["sh", "-c", script]).expect("a command runs");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let owner = "chown --reference=\"$PGDATA/PG_VERSION\" \"$PGDATA/standby.signal\"";
    let ran = server.postgres.exec(&["sh", "-c", owner]).expect("a command runs");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    server.postgres.restart(Restart::Fast).expect("it comes back");
}

pub(crate) fn promoted(version: u16) -> Result<Completion, Failed> {
    let server = start(version, &[]);
    finish(async {
        let db = open_ready(server.settings(&fresh_schema())).await;
        db.apply(&seconds(5), &create("before")).await.expect("it works");
        stand_by(&server);
        assert_eq!(documents(&db).await.expect("a standby reads"), 1);
        db.schema(&seconds(5)).await.expect("it answers");
        assert!(db.condition().read_only);
        let error = db.apply(&seconds(5), &create("during")).await.expect_err("a standby does not write");
        assert_code(error, storage::STORAGE_READ_ONLY);
        assert_eq!(documents(&db).await.expect("reads go on"), 1);
        let mut admin = server.admin().await;
        run(&mut admin, "SELECT pg_promote()").await;
        written_again(&db, "after").await;
        assert_eq!(documents(&db).await.expect("it answers"), 2);
    })
}

/// Two hosts in one URL. That the second has what was written to the first is the work of replication,
/// not of the driver, and plays no part here.
pub(crate) fn other_host(version: u16) -> Result<Completion, Failed> {
    let (first, second) = (start(version, &[]), start(version, &[]));
    finish(async {
        let schema = fresh_schema();
        for server in [&first, &second] {
            open_ready(server.settings(&schema)).await;
        }
        stand_by(&second);
        let settings = json!({
            "host": format!("127.0.0.1:{},127.0.0.1:{}", second.postgres.port(), first.postgres.port()),
            "user": ROLE,
            "password": PASSWORD,
            "database": "rtmx",
            "schema": schema,
            "connections": 4,
        });
        let db = crate::clients::another(&settings).await;
        for n in 0..3 {
            db.apply(&seconds(5), &create(format!("first {n}"))).await.expect("the first is read-write");
        }
        first.postgres.cut().expect("it ends");
        let mut admin = second.admin().await;
        run(&mut admin, "SELECT pg_promote()").await;
        until_acknowledged(&db, &create("second"), RECOVERY_LIMIT).await;
        assert_eq!(documents(&db).await.expect("it answers"), 1, "the second has its own");
        // The first comes back as one that only reads, and nobody goes there.
        first.postgres.start_again().expect("it starts");
        stand_by(&first);
        until_acknowledged(&db, &create("second again"), RECOVERY_LIMIT).await;
        assert_eq!(documents(&db).await.expect("it answers"), 2);
    })
}
