//! Several servers of the product on one database.

use crate::clients::{
    Backend, RECOVERY_LIMIT, all_are_there, another, create, history, run, seconds, set, space, text,
};
use crate::finish;
use crate::support::{Server, fresh_schema, open_ready};
use jiff::SignedDuration;
use libtest_mimic::{Completion, Failed};
use rtmx_core::{
    Applied, Body, Change, ChangeSetId, Cx, Expect, Given, Key, Kind, Requirement, Revision, Timestamp,
    storage,
};
use rtmx_storage::{FeedPosition, LeaseCall, LeaseRequest, StorageBackendExt};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

const EDITORS: usize = 50;
/// The records that they all edit.
const RECORDS: usize = 10;
/// Who is woken answers much sooner than who looks again after five seconds.
const WOKEN_LIMIT: Duration = Duration::from_millis(2_000);

fn key(id: impl std::fmt::Display) -> Key {
    Key::new(Kind::RequirementText, format!("record {id}"))
}

/// Reads a record, replaces it by the next number, and merges when somebody was faster.
async fn edit(db: Backend, editor: usize, until: Instant) -> (Vec<(ChangeSetId, Applied)>, usize) {
    let (mut acknowledged, mut conflicts, mut n) = (Vec::new(), 0, editor);
    while Instant::now() < until {
        n += 7;
        let id = n % RECORDS;
        let found = db.get(&seconds(30), &space(), &key(id)).await.expect("the records stay");
        let Body::RequirementText(body) = found.body else { panic!("it is a text") };
        let count: u64 = body.markdown.parse().expect("it is a number");
        let next = text((count + 1).to_string());
        let changes = set(vec![Change::replace(key(id).id, found.revision, next)]);
        match db.apply(&seconds(30), &changes).await {
            Ok(applied) => acknowledged.push((changes.id, applied)),
            Err(error) => {
                assert_eq!(error.code(), storage::STALE_REVISION, "the only way to lose: {error:?}");
                conflicts += 1;
            }
        }
    }
    (acknowledged, conflicts)
}

#[allow(clippy::print_stderr, reason = "the counts are what a long run is read for")]
pub(crate) fn editors(server: &Server) -> Result<Completion, Failed> {
    let limit = std::env::var("RTMX_EDITORS_S");
    let limit = limit.map_or(3, |seconds| seconds.parse().expect("RTMX_EDITORS_S is a number of seconds"));
    finish(async {
        let settings = server.settings(&fresh_schema());
        let first = open_ready(settings.clone()).await;
        let second = another(&settings).await;
        let begin = (0..RECORDS).map(|id| Change::create(key(id).id, text("0")));
        let begin = set(begin.collect());
        let mut acknowledged =
            vec![(begin.id, first.apply(&seconds(30), &begin).await.expect("they are new"))];
        let until = Instant::now() + Duration::from_secs(limit);
        let editing = (0..EDITORS).map(|editor| {
            let db = Arc::clone(if editor.is_multiple_of(2) { &first } else { &second });
            tokio::spawn(edit(db, editor, until))
        });
        let mut conflicts = 0;
        for editor in editing.collect::<Vec<_>>() {
            let (own, lost) = editor.await.expect("every refusal is a stale revision");
            acknowledged.extend(own);
            conflicts += lost;
        }
        let told = history(&first).await;
        assert_eq!(told, history(&second).await, "both tell the same");
        assert_eq!(told.len(), acknowledged.len(), "nothing is in the history that was not acknowledged");
        acknowledged.sort_by_key(|(_, applied)| applied.revision);
        let said: Vec<_> = acknowledged.iter().map(|(id, applied)| (applied.revision, *id)).collect();
        assert_eq!(told, said, "the feed has the acknowledged writes in their order");
        // Each acknowledged write counted one record up by one: none was lost to another.
        let mut sum = 0;
        for id in 0..RECORDS {
            let found = second.get(&Cx::new(), &space(), &key(id)).await.expect("it stays");
            assert_eq!(found, first.get(&Cx::new(), &space(), &key(id)).await.expect("it stays"));
            let Body::RequirementText(body) = found.body else { panic!("it is a text") };
            sum += body.markdown.parse::<usize>().expect("it is a number");
        }
        assert_eq!(sum, acknowledged.len() - 1);
        assert!(sum >= EDITORS / 2, "only {sum} writes were acknowledged");
        assert!(conflicts > 0, "nobody met anybody");
        eprintln!(
            "editors: {EDITORS} on 2 servers for {limit} s, {sum} acknowledged, {conflicts} conflicts, \
             PostgreSQL {}",
            server.postgres.version()
        );
    })
}

/// Two requirements, each made to depend on the other by another server: together they would be a circle,
/// and each change says that it relies on the other record as it was.
pub(crate) fn opposite_links(server: &Server) -> Result<Completion, Failed> {
    finish(async {
        let settings = server.settings(&fresh_schema());
        let first = open_ready(settings.clone()).await;
        let second = another(&settings).await;
        let requirement = |on: &[String]| {
            let dependencies = Given::canonical(on.iter().cloned().collect());
            Body::Requirement(Requirement { dependencies, ..Requirement::default() })
        };
        for round in 0..20 {
            let ids = [format!("REQ-A{round}"), format!("REQ-B{round}")];
            let both = ids.iter().map(|id| Change::create(id, requirement(&[]))).collect();
            let applied = first.apply(&seconds(5), &set(both)).await.expect("they are new");
            let link = |from: usize| {
                let other = &ids[1 - from];
                let put = requirement(std::slice::from_ref(other));
                let mut link = set(vec![Change::replace(&ids[from], applied.revision, put)]);
                link.relies_on =
                    vec![(Key::new(Kind::Requirement, other.clone()), Expect::At(applied.revision))];
                link
            };
            let (there, back) = (link(0), link(1));
            let cx = seconds(10);
            let (there, back) = tokio::join!(first.apply(&cx, &there), second.apply(&cx, &back));
            let refusal = match (there, back) {
                (Ok(_), Err(refusal)) | (Err(refusal), Ok(_)) => refusal,
                both => panic!("round {round}: {both:?}"),
            };
            assert_eq!(refusal.code(), storage::STALE_REVISION, "{refusal:?}");
        }
    })
}

/// Waits on one backend for what is written on another; how long it took after the write.
pub(crate) async fn waited(
    waiting: &Backend,
    writing: &Backend,
    id: &str,
    between: impl AsyncFnOnce(),
) -> (Duration, Revision) {
    let head = writing.head(&seconds(5), &space()).await.expect("it answers");
    let waiter = tokio::spawn({
        let waiting = Arc::clone(waiting);
        async move {
            let after = FeedPosition::after(head);
            let feed =
                waiting.changes(&seconds(60), &space(), after, 10, Some(Duration::from_secs(30))).await;
            let feed = feed.expect("it answers");
            (Instant::now(), feed.events.first().expect("something was written").revision)
        }
    });
    // It has read the empty feed by then, or the test is about nothing; it holds either way.
    tokio::time::sleep(Duration::from_millis(200)).await;
    between().await;
    let applied = writing.apply(&seconds(5), &create(id)).await.expect("it works");
    let written = Instant::now();
    let (woken, revision) = waiter.await.expect("no panic");
    assert_eq!(revision, applied.revision);
    (woken.saturating_duration_since(written), revision)
}

/// How many connections of this name listen.
pub(crate) async fn listening(server: &Server, name: &str) -> i64 {
    let text = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND query ~ '^LISTEN'";
    let mut admin = server.in_database().await;
    sqlx::query_scalar(text).bind(name).fetch_one(&mut admin).await.expect("it answers")
}

/// Until both listen. Before that they look often, which is no proof of being told.
async fn both_listen(server: &Server, name: &str) {
    let until = Instant::now() + RECOVERY_LIMIT;
    while listening(server, name).await < 2 {
        assert!(Instant::now() < until, "nobody listens");
    }
}

async fn two(server: &Server, mut settings: Value) -> (Backend, Backend, String) {
    let schema = fresh_schema();
    settings["schema"] = schema.as_str().into();
    let name = format!("{schema} listens");
    settings["application_name"] = name.as_str().into();
    let first = open_ready(settings.clone()).await;
    first.apply(&seconds(5), &create("before")).await.expect("it works");
    let second = another(&settings).await;
    both_listen(server, &name).await;
    (first, second, name)
}

pub(crate) fn woken(server: &Server) -> Result<Completion, Failed> {
    finish(told(server, server.settings("")))
}

/// Two servers of the product with these settings tell each other.
pub(crate) async fn told(server: &Server, settings: Value) {
    let (first, second, _) = two(server, settings).await;
    for n in 0..5 {
        let (took, _) = waited(&second, &first, &format!("written {n}"), async || {}).await;
        assert!(took < WOKEN_LIMIT, "{} ms", took.as_millis());
    }
}

/// The connections that listen are ended just before the write.
pub(crate) fn not_told(server: &Server) -> Result<Completion, Failed> {
    finish(async {
        let (first, second, name) = two(server, server.settings("")).await;
        for n in 0..3 {
            let end = async || {
                let mut admin = server.in_database().await;
                let end = format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE application_name = '{name}' AND query ~ '^LISTEN'"
                );
                run(&mut admin, &end).await;
            };
            let (took, _) = waited(&second, &first, &format!("not told {n}"), end).await;
            assert!(took < WOKEN_LIMIT, "it looks often while it is not told: {} ms", took.as_millis());
            both_listen(server, &name).await;
        }
        history(&second).await;
    })
}

/// Each server tells its own time, and a lease ends by the database's.
pub(crate) fn clocks(server: &Server) -> Result<Completion, Failed> {
    finish(async {
        let settings = server.settings(&fresh_schema());
        let (right, wrong) = (open_ready(settings.clone()).await, another(&settings).await);
        let ask = |holder: &str, call, ahead_minutes: i64, ttl| LeaseRequest {
            name: "backup".into(),
            holder: holder.into(),
            call,
            ttl,
            now: Timestamp::now() + SignedDuration::from_mins(ahead_minutes),
        };
        let ttl = Duration::from_secs(30);
        let taken =
            right.lease(&seconds(5), &ask("ann", LeaseCall::Acquire, 0, ttl)).await.expect("it is free");
        for ahead in [10, -10, 23 * 60] {
            let steal = ask("bob", LeaseCall::Acquire, ahead, ttl);
            let refusal = wrong.lease(&seconds(5), &steal).await.expect_err("it is held");
            assert_eq!(refusal.code(), storage::LEASE_HELD);
            // When it ends is told by the clock of who asks.
            let told = refusal.context().iter().find(|(name, _)| *name == "expires_at");
            let told: Timestamp = told.expect("it is told").1.parse().expect("it is a time");
            let left = told.duration_since(steal.now);
            assert!(left > SignedDuration::ZERO && left <= SignedDuration::from_secs(30), "{left}");
        }
        // Its own clock may jump, too.
        let renew = ask("ann", LeaseCall::Renew, 10, Duration::from_millis(200));
        let renewed = right.lease(&seconds(5), &renew).await.expect("it is hers");
        assert_eq!((renewed.fence, renewed.expires_at), (taken.fence, renew.now + renew.ttl));
        let until = Instant::now() + RECOVERY_LIMIT;
        loop {
            match wrong.lease(&seconds(5), &ask("bob", LeaseCall::Acquire, -10, ttl)).await {
                Ok(lease) => {
                    assert_eq!((lease.holder.as_str(), lease.fence), ("bob", taken.fence + 1));
                    break;
                }
                Err(refusal) => assert_eq!(refusal.code(), storage::LEASE_HELD),
            }
            assert!(Instant::now() < until, "it ends after 200 ms by the database's clock");
        }
    })
}

/// Futures are dropped at any time; what they began ends, and the pool is as before.
pub(crate) fn dropped(server: &Server) -> Result<Completion, Failed> {
    finish(async {
        let schema = fresh_schema();
        let mut settings = server.settings(&schema);
        let name = format!("{schema} drops");
        settings["application_name"] = name.as_str().into();
        let db = open_ready(settings).await;
        let mut acknowledged = Vec::new();
        for n in 0..60_u64 {
            let changes = create(format!("dropped {n}"));
            let limit = Duration::from_micros(n * 150);
            let cx = Cx::new();
            let answered = tokio::time::timeout(limit, db.apply(&cx, &changes)).await;
            if let Ok(applied) = answered {
                acknowledged.push((changes.id, applied.expect("it works")));
            } else {
                // It is applied, or will be, or never began: sent again it tells.
                acknowledged.push((changes.id, db.apply(&Cx::new(), &changes).await.expect("it works")));
            }
        }
        all_are_there(&db, &acknowledged).await;
        let mut admin = server.in_database().await;
        let until = Instant::now() + RECOVERY_LIMIT;
        loop {
            let text = "SELECT count(*) FROM pg_stat_activity \
                 WHERE application_name = $1 AND state LIKE '%in transaction%'";
            let left = sqlx::query_scalar::<_, i64>(text).bind(&name).fetch_one(&mut admin).await;
            if left.expect("it answers") == 0 {
                break;
            }
            assert!(Instant::now() < until, "a connection stands inside a transaction");
        }
        let connections = db.condition().connections.expect("it has a pool");
        assert_eq!(connections.waiting, 0, "{connections:?}");
    })
}
