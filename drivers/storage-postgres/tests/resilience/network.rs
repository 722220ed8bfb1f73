//! A network that swallows what is sent, and tells nobody.

use crate::clients::{Backend, RECOVERY_LIMIT, create, documents, is_transient, seconds, within};
use crate::finish;
use crate::support::proxy::{Fault, Plan, Point, Proxy};
use crate::support::{Server, fresh_schema, open, open_ready};
use crate::together::listening;
use libtest_mimic::{Completion, Failed};
use rtmx_core::Cx;
use rtmx_storage::MigrationPlan;
use std::time::{Duration, Instant};

/// The server ends a transaction that it hears no more of after five seconds; a busy machine is slow.
const VANISHED_LIMIT: Duration = Duration::from_secs(12);

/// Ten seconds more than the server works on a statement; a busy machine is slow.
const SILENCE_LIMIT: Duration = Duration::from_secs(25);

/// The server is asked twice, five seconds apart, whether it still works; a busy machine is slow.
const DEAD_LIMIT: Duration = Duration::from_secs(40);

async fn through(proxy: &Proxy, server: &Server, schema: &str) -> Backend {
    let mut settings = server.settings(schema);
    settings["url"] = server.url_at(proxy.port()).into();
    settings["application_name"] = schema.into();
    let db = open(settings).await.expect("it opens");
    // From here on only calls send anything.
    let until = Instant::now() + RECOVERY_LIMIT;
    while listening(server, schema).await < 1 {
        assert!(Instant::now() < until, "nobody listens");
    }
    db
}

/// The connection of a writer hangs for ever while it has the lock of its space.
pub(crate) fn vanished(server: &Server) -> Result<Completion, Failed> {
    finish(async {
        let schema = fresh_schema();
        let db = open_ready(server.settings(&schema)).await;
        let proxy = Proxy::start(server.postgres.port()).await;
        let cut_off = through(&proxy, server, &schema).await;
        cut_off.apply(&seconds(5), &create("before")).await.expect("it works");
        proxy.plan(Some(Plan { point: Point::Commit, fault: Fault::HalfOpen, away: false }));
        let lost = cut_off.apply(&within(Duration::from_millis(500)), &create("lost")).await;
        assert!(is_transient(&lost.expect_err("nobody answers")));
        assert!(proxy.has_fired());
        let begun = Instant::now();
        db.apply(&seconds(30), &create("after")).await.expect("the lock is let go of");
        assert!(begun.elapsed() < VANISHED_LIMIT, "{} ms", begun.elapsed().as_millis());
        assert_eq!(documents(&db).await.expect("it answers"), 2, "what was lost is absent");
    })
}

/// A firewall has forgotten the connections of the pool: the next calls go elsewhere by themselves.
pub(crate) fn nowhere(server: &Server) -> Result<Completion, Failed> {
    finish(async {
        let schema = fresh_schema();
        open_ready(server.settings(&schema)).await;
        let proxy = Proxy::start(server.postgres.port()).await;
        let db = through(&proxy, server, &schema).await;
        db.apply(&seconds(5), &create("before")).await.expect("it works");
        proxy.plan(Some(Plan { point: Point::Front(1), fault: Fault::HalfOpen, away: false }));
        let begun = Instant::now();
        db.apply(&seconds(20), &create("after")).await.expect("a new connection is made");
        assert!(proxy.has_fired());
        assert!(begun.elapsed() < RECOVERY_LIMIT, "{} ms", begun.elapsed().as_millis());
    })
}

/// Half of an archive has come when nothing comes any more.
pub(crate) fn back_up(server: &Server) -> Result<Completion, Failed> {
    finish(async {
        let schema = fresh_schema();
        open_ready(server.settings(&schema)).await;
        let proxy = Proxy::start(server.postgres.port()).await;
        let db = through(&proxy, server, &schema).await;
        for n in 0..100 {
            db.apply(&seconds(5), &create(format!("document {n}"))).await.expect("it works");
        }
        let folder = tempfile::tempdir().expect("a folder");
        proxy.plan(Some(Plan { point: Point::Back(150), fault: Fault::HalfOpen, away: false }));
        let (cx, half) = (Cx::new(), folder.path().join("half.archive"));
        let lost = tokio::time::timeout(DEAD_LIMIT, db.back_up(&cx, &half)).await;
        let lost = lost.expect("nobody is waited for that does not work").expect_err("nothing comes");
        assert!(proxy.has_fired());
        assert!(is_transient(&lost), "{lost:?}");
        db.back_up(&Cx::new(), &folder.path().join("whole.archive")).await.expect("the next one is made");
    })
}

/// The connection of a migration hangs for ever while it holds the lock.
pub(crate) fn migration(server: &Server) -> Result<Completion, Failed> {
    finish(async {
        let schema = fresh_schema();
        let proxy = Proxy::start(server.postgres.port()).await;
        let db = through(&proxy, server, &schema).await;
        proxy.plan(Some(Plan { point: Point::Front(20), fault: Fault::HalfOpen, away: false }));
        let lost = tokio::time::timeout(DEAD_LIMIT, db.migrate(&Cx::new(), &MigrationPlan::Expand)).await;
        let lost = lost.expect("nobody is waited for that does not work").expect_err("nobody answers");
        assert!(proxy.has_fired());
        assert!(is_transient(&lost), "{lost:?}");
        // The server ends the session of which it hears no more, and its lock with it.
        proxy.heal();
        db.migrate(&Cx::new(), &MigrationPlan::Expand).await.expect("the lock is free");
        db.apply(&seconds(5), &create("after")).await.expect("it works");
    })
}

/// Nobody said how long to wait: a statement of which nothing is heard has ended for the server too.
pub(crate) fn no_deadline(server: &Server) -> Result<Completion, Failed> {
    finish(async {
        let schema = fresh_schema();
        open_ready(server.settings(&schema)).await;
        let proxy = Proxy::start(server.postgres.port()).await;
        let mut settings = server.settings(&schema);
        settings["url"] = server.url_at(proxy.port()).into();
        settings["statement_timeout_ms"] = 300.into();
        let db = open(settings).await.expect("it opens");
        db.apply(&Cx::new(), &create("before")).await.expect("it works");
        proxy.plan(Some(Plan { point: Point::Front(6), fault: Fault::HalfOpen, away: false }));
        let changes = create("during");
        let begun = Instant::now();
        let lost = db.apply(&Cx::new(), &changes).await.expect_err("nobody answers, and its time is over");
        assert!(is_transient(&lost), "{lost:?}");
        assert!(proxy.has_fired());
        assert!(begun.elapsed() < SILENCE_LIMIT, "{} ms", begun.elapsed().as_millis());
        proxy.heal();
        crate::clients::until_acknowledged(&db, &changes, RECOVERY_LIMIT).await;
    })
}
