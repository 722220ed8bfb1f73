//! The change feed.

use super::bench::{Bench, create, feed_after, project, set, some_time, text, text_key};
use rtmx_core::{Change, ChangeSet, Cx, Revision, Space};
use rtmx_storage::FeedPosition;
use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

/// Longer than any wait in these cases: it ends with a change, or the case is over.
const LONG_WAIT: Duration = Duration::from_secs(30);

pub(super) async fn in_order_without_gap(bench: Bench) {
    let first = set(vec![create("B", "b"), create("A", "a")]);
    let applied = bench.apply(&first).await.expect("it fits");
    let mut second = set(vec![
        Change::delete(text_key("B"), applied.revision),
        Change::replace("A", applied.revision, text("c")),
    ]);
    second.actor = "ann".into();
    bench.apply(&second).await.expect("it fits");
    let feed = bench.feed().await;
    let told: Vec<_> = feed
        .events
        .iter()
        .map(|event| {
            (event.revision.0, event.ordinal, event.key.id.as_str(), event.deleted, event.change_set)
        })
        .collect();
    let wanted = [
        (1, 0, "B", false, first.id),
        (1, 1, "A", false, first.id),
        (2, 0, "B", true, second.id),
        (2, 1, "A", false, second.id),
    ];
    assert_eq!(told, wanted);
    assert_eq!((feed.events[0].actor.as_str(), feed.events[3].actor.as_str()), ("kit", "ann"));
    assert!(feed.events.iter().all(|event| event.at == some_time()));
    assert_eq!(feed.head, bench.head().await);
    let rest = feed_after(bench.db(), FeedPosition::after(feed.head)).await;
    assert_eq!(rest.events, [], "after the head there is nothing");
    let rest = feed_after(bench.db(), feed.next).await;
    assert_eq!(rest.events, [], "after the last event there is nothing");
    let later = FeedPosition { revision: Revision(1), ..FeedPosition::after(feed.head) };
    assert_eq!(
        feed_after(bench.db(), later).await.events,
        feed.events[2..],
        "after a revision comes the next"
    );
}

pub(super) async fn goes_on_inside_a_change_set(bench: Bench) {
    bench.put((0..5).map(|n| create(&format!("A{n}"), "a")).collect()).await;
    bench.put(vec![create("B", "b")]).await;
    bench.put((0..5).map(|n| create(&format!("C{n}"), "c")).collect()).await;
    let whole = bench.feed().await.events;
    for limit in [1, 2, 3, 7] {
        let (mut joined, mut after) = (Vec::new(), FeedPosition::START);
        loop {
            let feed =
                bench.db().changes(&bench.cx, &project(), after, limit, None).await.expect("it has a feed");
            assert!(feed.events.len() <= limit, "at most {limit}");
            let text = feed.next.to_string();
            after = FeedPosition::parse(&text).expect("a position that was given out can be read");
            if feed.events.is_empty() {
                break;
            }
            joined.extend(feed.events);
        }
        assert_eq!(joined, whole, "by {limit}");
    }
}

pub(super) async fn wait_ends_with_a_change(bench: Bench) {
    for n in 0..10 {
        let after = FeedPosition::after(bench.head().await);
        let db = bench.share();
        let mut waiting =
            Box::pin(async move { db.changes(&Cx::new(), &project(), after, 10, Some(LONG_WAIT)).await });
        let begun = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context))).await;
        assert!(begun.is_pending(), "a reader who waits was answered before anything changed");
        let elsewhere =
            ChangeSet { space: Space::Project("other".into()), ..set(vec![create(&n.to_string(), "")]) };
        bench.apply(&elsewhere).await.expect("it fits");
        bench.put(vec![create(&format!("A{n}"), "a")]).await;
        let feed = waiting.await.expect("the wait is answered");
        let ids: Vec<_> = feed.events.iter().map(|event| event.key.id.clone()).collect();
        assert_eq!(ids, [format!("A{n}")], "the change ended the wait and was told");
    }
}

pub(super) async fn wait_ends_by_itself(bench: Bench) {
    bench.put(vec![create("A", "a")]).await;
    let after = FeedPosition::after(bench.head().await);
    let wait = Some(Duration::from_millis(20));
    let feed =
        bench.db().changes(&bench.cx, &project(), after.clone(), 10, wait).await.expect("it is answered");
    assert_eq!((feed.events, feed.next.revision), (vec![], after.revision));
    // What is there already is not waited for.
    let feed = bench.db().changes(&bench.cx, &project(), FeedPosition::START, 10, Some(LONG_WAIT)).await;
    assert_eq!(feed.expect("it is answered").events.len(), 1);
}

pub(super) async fn no_gap_under_concurrent_writers(bench: Bench) {
    const WRITERS: usize = 4;
    const SETS: usize = 15;
    const LIMIT: usize = 7;
    let db = bench.share();
    let reader = tokio::spawn(async move {
        let (mut seen, mut after) = (Vec::new(), FeedPosition::START);
        loop {
            let feed = db
                .changes(&Cx::new(), &project(), after, LIMIT, Some(LONG_WAIT))
                .await
                .expect("it has a feed");
            after = feed.next;
            let whole = feed.events.len() < LIMIT && feed.head.revision.0 == (WRITERS * SETS) as u64;
            seen.extend(feed.events.iter().map(|event| (event.revision.0, event.ordinal)));
            if whole {
                break;
            }
        }
        seen
    });
    let writers = (0..WRITERS).map(|writer| {
        let (db, cx) = (bench.share(), bench.cx.clone());
        tokio::spawn(async move {
            for n in 0..SETS {
                let changes =
                    vec![create(&format!("{writer}-{n}-a"), ""), create(&format!("{writer}-{n}-b"), "")];
                db.apply(&cx, &set(changes)).await.expect("the ids are free");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("no panic");
    }
    let seen = reader.await.expect("no panic");
    let wanted: Vec<(u64, u32)> = (1..=(WRITERS * SETS) as u64).flat_map(|n| [(n, 0), (n, 1)]).collect();
    assert_eq!(seen, wanted);
}
