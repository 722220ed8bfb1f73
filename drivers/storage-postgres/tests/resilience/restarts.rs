//! Servers that stop, start, and end connections.

use crate::clients::{
    Backend, RECOVERY_LIMIT, all_are_there, create, is_transient, new_id, run, seconds, until_acknowledged,
    within,
};
use crate::support::{ROLE, fresh_schema, open_ready};
use crate::{finish, start};
use libtest_mimic::{Completion, Failed};
use rtmx_containers::Restart;
use rtmx_core::{Applied, ChangeSetId, Cx};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Answers late by at most this on a busy machine.
const MARGIN: Duration = Duration::from_secs(2);

pub(crate) fn fast(version: u16) -> Result<Completion, Failed> {
    restarted(version, Restart::Fast, &[])
}

/// The server's own default would lose the last seconds: the log would be written behind the answers.
pub(crate) fn immediate(version: u16) -> Result<Completion, Failed> {
    let behind = [("synchronous_commit", "off"), ("wal_writer_delay", "10s")];
    restarted(version, Restart::Immediate, &behind)
}

/// Writes until it is told to end, each change set until it is acknowledged; what was acknowledged, and
/// when the first was after the server had come back.
fn writer(
    db: &Backend,
    number: usize,
    ends: &Arc<AtomicBool>,
) -> JoinHandle<Vec<(ChangeSetId, Applied, Instant)>> {
    let (db, ends) = (Arc::clone(db), Arc::clone(ends));
    tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        let mut n = 0;
        while !ends.load(Ordering::Relaxed) {
            let changes = create(format!("writer {number}, {n}"));
            let applied = until_acknowledged(&db, &changes, Duration::from_secs(60)).await;
            acknowledged.push((changes.id, applied, Instant::now()));
            n += 1;
        }
        acknowledged
    })
}

fn restarted(version: u16, how: Restart, settings: &[(&str, &str)]) -> Result<Completion, Failed> {
    let server = start(version, settings);
    finish(async {
        let db = open_ready(server.settings(&fresh_schema())).await;
        // The tables are on disk before anything is written into them.
        server.postgres.restart(how).expect("it comes back");
        let ends = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..4).map(|number| writer(&db, number, &ends)).collect();
        for _ in 0..2 {
            until_acknowledged(&db, &create(format!("before {:?}", new_id())), RECOVERY_LIMIT).await;
            server.postgres.restart(how).expect("it comes back");
            let back = Instant::now();
            until_acknowledged(&db, &create(format!("after {:?}", new_id())), RECOVERY_LIMIT).await;
            assert!(back.elapsed() < RECOVERY_LIMIT, "{} ms until a write", back.elapsed().as_millis());
        }
        let back = Instant::now();
        tokio::time::sleep(Duration::from_millis(500)).await;
        ends.store(true, Ordering::Relaxed);
        let mut acknowledged = Vec::new();
        for writer in writers {
            let own = writer.await.expect("no write is refused for good");
            let first = own.iter().map(|(_, _, at)| *at).find(|at| *at > back).expect("it writes again");
            assert!(
                first - back < RECOVERY_LIMIT,
                "a writer came back after {} ms",
                (first - back).as_millis()
            );
            acknowledged.extend(own.into_iter().map(|(id, applied, _)| (id, applied)));
        }
        assert!(acknowledged.len() > 8, "only {} writes were acknowledged", acknowledged.len());
        all_are_there(&db, &acknowledged).await;
    })
}

/// A server whose processes do not run: the connections stay open, and nothing comes.
pub(crate) fn pause(version: u16) -> Result<Completion, Failed> {
    let server = start(version, &[]);
    finish(async {
        let db = open_ready(server.settings(&fresh_schema())).await;
        db.apply(&seconds(5), &create("before")).await.expect("it works");
        server.postgres.pause().expect("it can be paused");
        let limit = Duration::from_secs(1);
        let changes = create("during");
        for _ in 0..3 {
            let begun = Instant::now();
            let error = db.apply(&within(limit), &changes).await.expect_err("nobody answers");
            assert!(is_transient(&error), "{error:?}");
            assert!(begun.elapsed() < limit + MARGIN, "{} ms", begun.elapsed().as_millis());
        }
        server.postgres.unpause().expect("it goes on");
        let applied = until_acknowledged(&db, &changes, RECOVERY_LIMIT).await;
        all_are_there(&db, &[(changes.id, applied)]).await;
    })
}

/// Nobody notices: what had not begun is begun again.
pub(crate) fn terminated(version: u16) -> Result<Completion, Failed> {
    let server = start(version, &[]);
    finish(async {
        let db = open_ready(server.settings(&fresh_schema())).await;
        let mut admin = server.in_database().await;
        let name = format!("terminated by {:?}", new_id());
        let ends = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..3).map(|number| writer(&db, number, &ends)).collect();
        for n in 0..5 {
            let all =
                format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ROLE}'");
            run(&mut admin, &all).await;
            let applied = db.apply(&seconds(5), &create(format!("{name} {n}"))).await;
            applied.expect("it is tried again on a new connection");
            db.head(&Cx::new(), &crate::clients::space()).await.expect("it is tried again");
        }
        ends.store(true, Ordering::Relaxed);
        let mut acknowledged = Vec::new();
        for writer in writers {
            acknowledged
                .extend(writer.await.expect("it ends").into_iter().map(|(id, applied, _)| (id, applied)));
        }
        all_are_there(&db, &acknowledged).await;
    })
}
