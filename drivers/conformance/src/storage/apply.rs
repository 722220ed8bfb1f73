//! What a change set does: whole, once, by one revision.

use super::bench::{Bench, create, new_id, project, set, some_time, text, text_key};
use super::sample;
use rtmx_core::{Change, ChangeSet, Expect, Key, Kind, Revision, Space, assert_code, storage};
use rtmx_storage::query::RecordQuery;
use rtmx_storage::{FeedPosition, Query, StorageBackendExt};
use std::collections::BTreeMap;
use std::future::Future;
use std::task::{Context, Waker};

pub(super) async fn put_reads_back(bench: Bench) {
    let spaces = [(project(), sample::project_bodies()), (Space::System, sample::system_bodies())];
    for (space, bodies) in spaces {
        let mut set = ChangeSet::new(new_id(), space.clone(), "kit", some_time());
        let named = |(n, body): (usize, &rtmx_core::Body)| Change::create(format!("id {n}"), body.clone());
        set.changes = bodies.iter().enumerate().map(named).collect();
        let applied = bench.apply(&set).await.expect("every kind can be put");
        for (n, body) in bodies.into_iter().enumerate() {
            let key = Key::new(body.kind(), format!("id {n}"));
            let record = bench.db().get(&bench.cx, &space, &key).await.expect("what was put is there");
            assert_eq!(record.body, body);
            assert_eq!((record.id, record.revision), (key.id, applied.revision));
        }
    }
}

pub(super) async fn head_moves_by_one(bench: Bench) {
    assert_eq!(bench.head().await.revision, Revision::ZERO);
    let first = bench.put(vec![create("A", "a")]).await;
    let second = bench.put((0..50).map(|n| create(&format!("B{n}"), "b")).collect()).await;
    let third = bench.put(vec![Change::replace("A", first.revision, text("a"))]).await;
    assert_eq!([first.revision, second.revision, third.revision].map(|revision| revision.0), [1, 2, 3]);
    let head = bench.head().await;
    assert_eq!((head.revision, head.epoch), (third.revision, third.epoch));
    for (id, revision) in [("A", third.revision), ("B7", second.revision)] {
        let record = bench.find(Kind::RequirementText, id).await.expect("the record was put");
        assert_eq!(record.revision, revision, "{id}");
    }
}

pub(super) async fn delete_removes(bench: Bench) {
    let made = bench.put(vec![create("A", "a"), create("B", "b")]).await;
    bench.put(vec![Change::delete(text_key("A"), made.revision)]).await;
    assert!(bench.find(Kind::RequirementText, "A").await.is_none());
    assert!(bench.find(Kind::RequirementText, "B").await.is_some());
    let all = bench.fetch(&Query::Records(RecordQuery::all(project(), Kind::RequirementText))).await;
    assert_eq!(all.into_records().len(), 1);
    let again = bench.put(vec![create("A", "again")]).await;
    let record = bench.find(Kind::RequirementText, "A").await.expect("it was made again");
    assert_eq!((record.body, record.revision), (text("again"), again.revision));
}

pub(super) async fn is_atomic(bench: Bench) {
    bench.put(vec![create("A", "a")]).await;
    let (head, feed) = (bench.head().await, bench.feed().await);
    let mut changes: Vec<Change> = (0..20).map(|n| create(&format!("B{n}"), "b")).collect();
    changes.extend(sample::create_rows(0..3));
    changes.push(create("A", "taken"));
    assert_code(bench.refused(&set(changes)).await, storage::RECORD_EXISTS);
    assert_eq!(bench.head().await, head, "the head stayed");
    assert_eq!(bench.feed().await, feed, "the feed stayed");
    assert!(bench.find(Kind::RequirementText, "B0").await.is_none(), "nothing was put");
    assert_eq!(bench.fetch(&Query::Tally { space: project() }).await.into_tally(), [], "nothing was counted");
    let history = Query::History { space: project(), key: None, before: None, limit: 10 };
    assert_eq!(bench.fetch(&history).await.into_history().len(), 1, "nothing was noted");
}

pub(super) async fn retry_is_applied_once(bench: Bench) {
    let mut first = set(vec![create("A", "a")]);
    let applied = bench.apply(&first).await.expect("the first time it is applied");
    assert!(!applied.replayed);
    bench.put(vec![create("B", "b")]).await;
    first.at = rtmx_core::Timestamp::UNIX_EPOCH;
    for _ in 0..2 {
        let again = bench.apply(&first).await.expect("a retry is answered, with another time of day, too");
        assert_eq!((again.revision, again.epoch, again.replayed), (applied.revision, applied.epoch, true));
    }
    assert_eq!(bench.head().await.revision, Revision(2), "a retry moves nothing");
    assert_eq!(bench.feed().await.events.len(), 2);
}

pub(super) async fn reused_id_is_refused(bench: Bench) {
    let first = set(vec![create("A", "a")]);
    bench.apply(&first).await.expect("the first time it is applied");
    let other_content = ChangeSet { changes: vec![create("A", "b")], ..first.clone() };
    let other_space = ChangeSet { space: Space::Project("other".into()), ..first.clone() };
    let other_note = ChangeSet { note: "why".into(), ..first.clone() };
    for other in [other_content, other_space, other_note] {
        assert_code(bench.refused(&other).await, storage::CHANGE_SET_REUSED);
    }
    assert_eq!(bench.head().await.revision, Revision(1));
}

pub(super) async fn refused_set_leaves_its_id_free(bench: Bench) {
    bench.put(vec![create("A", "a")]).await;
    let mut second = set(vec![create("A", "b")]);
    assert_code(bench.refused(&second).await, storage::RECORD_EXISTS);
    second.changes = vec![create("B", "b")];
    let applied = bench.apply(&second).await.expect("the corrected change set is new");
    assert_eq!((applied.revision, applied.replayed), (Revision(2), false));
}

pub(super) async fn contradictions_are_refused(bench: Bench) {
    let twice = vec![create("A", "a"), create("A", "b")];
    let other_kind = vec![Change { key: Key::new(Kind::TestLink, "A"), ..create("A", "a") }];
    let gone_and_absent =
        vec![Change { expect: Expect::Absent, ..Change::delete(text_key("A"), Revision(1)) }];
    let other_space = sample::system_bodies().into_iter().map(|body| Change::create("A", body)).collect();
    let cases = [
        ("empty", vec![]),
        ("twice", twice),
        ("other kind", other_kind),
        ("gone and absent", gone_and_absent),
        ("other space", other_space),
        ("empty id", vec![create("", "a")]),
        ("long id", vec![create(&"x".repeat(Key::ID_LIMIT_BYTES + 1), "a")]),
        ("control character", vec![create("a\0b", "a")]),
    ];
    for (name, changes) in cases {
        let error = bench.refused(&set(changes)).await;
        assert_eq!(error.code(), storage::CHANGE_SET_INVALID, "{name}");
    }
    for body in sample::bodies_with_nul() {
        let changes = set(vec![Change::create("A", body)]);
        let space = if changes.changes[0].key.kind.belongs_in(&Space::System) {
            Space::System
        } else {
            changes.space.clone()
        };
        assert_code(bench.refused(&ChangeSet { space, ..changes }).await, storage::CHANGE_SET_INVALID);
    }
    let noted = ChangeSet { note: "a\0b".into(), ..set(vec![create("A", "a")]) };
    assert_code(bench.refused(&noted).await, storage::CHANGE_SET_INVALID);
    let change = create("A", "");
    let too_large = set(vec![change; ChangeSet::RECORD_LIMIT + 1]);
    assert_code(bench.refused(&too_large).await, storage::CHANGE_SET_TOO_LARGE);
    assert_eq!(bench.head().await.revision, Revision::ZERO);
}

pub(super) async fn ids_at_their_limits(bench: Bench) {
    let longest = "x".repeat(Key::ID_LIMIT_BYTES);
    let wide = "\u{1F512}".repeat(Key::ID_LIMIT_BYTES / 4);
    let ids = [
        longest.as_str(),
        wide.as_str(),
        "a",
        "A",
        "ä",
        "a\u{308}",
        "Ä",
        " a",
        "a ",
        "%",
        "_",
        "'",
        "\"",
        "\\",
        "a/b",
        "?",
        "..",
        "NULL",
        "0",
        "00",
        "\u{FEFF}",
    ];
    bench.put(ids.iter().map(|id| create(id, id)).collect()).await;
    for id in ids {
        let record = bench.find(Kind::RequirementText, id).await.unwrap_or_else(|| panic!("`{id}` was put"));
        assert_eq!((record.id.as_str(), record.body), (id, text(id)));
    }
    let all = bench.fetch(&Query::Records(RecordQuery::all(project(), Kind::RequirementText))).await;
    let found: Vec<String> = all.into_records().into_iter().map(|record| record.id).collect();
    let mut sorted = ids.map(str::to_owned);
    sorted.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    assert_eq!(found, sorted, "ids sort by their bytes");
}

pub(super) async fn inverse_restores(bench: Bench) {
    let made =
        bench.put([sample::create_rows(0..6), vec![create("A", "a"), create("B", "b")]].concat()).await;
    let everything = || async {
        let mut found = BTreeMap::new();
        for kind in [Kind::Requirement, Kind::RequirementText] {
            let page = bench.fetch(&Query::Records(RecordQuery::all(project(), kind))).await;
            found.extend(page.into_records().into_iter().map(|record| (record.key(), record.body)));
        }
        found
    };
    let before = everything().await;
    let requirement = |n| Key::new(Kind::Requirement, sample::row_id(n));
    let (_, other) = sample::row(40);
    let change = set(vec![
        Change::replace("A", made.revision, text("changed")),
        Change::delete(text_key("B"), made.revision),
        Change::delete(requirement(2), made.revision),
        Change::replace(sample::row_id(3), made.revision, rtmx_core::Body::Requirement(other)),
        create("C", "new"),
    ]);
    let applied = bench.apply(&change).await.expect("the change fits");
    assert_ne!(everything().await, before);
    bench.apply(&change.inverse(&before, &applied, new_id())).await.expect("what was done can be undone");
    assert_eq!(everything().await, before);
    assert_eq!(bench.head().await.revision, Revision(3), "an undo is a change, too");
}

pub(super) async fn spaces_are_separate(bench: Bench) {
    bench.put(vec![create("A", "here")]).await;
    bench.put(vec![create("B", "here")]).await;
    let other = Space::Project("kit/2".into());
    let there = ChangeSet { space: other.clone(), ..set(vec![create("A", "there")]) };
    assert_eq!(bench.apply(&there).await.expect("the id is free there").revision, Revision(1));
    let key = text_key("A");
    let found = bench.db().get(&bench.cx, &other, &key).await.expect("it was put there");
    assert_eq!((found.body, found.revision), (text("there"), Revision(1)));
    assert_eq!(bench.find(Kind::RequirementText, "A").await.map(|record| record.body), Some(text("here")));
    assert!(
        bench.db().find(&bench.cx, &other, &text_key("B")).await.expect("it can be looked for").is_none()
    );
    let feed =
        bench.db().changes(&bench.cx, &other, FeedPosition::START, 10, None).await.expect("it has a feed");
    assert_eq!((feed.events.len(), feed.head.revision), (1, Revision(1)));
}

pub(super) async fn dropped_call_is_whole_or_absent(bench: Bench) {
    for n in 0..20 {
        let changes = vec![create(&format!("A{n}"), "a"), create(&format!("B{n}"), "b")];
        let set = set(changes);
        {
            let (cx, db) = (bench.cx.clone(), bench.share());
            let mut call = Box::pin(async move { db.apply(&cx, &set.clone()).await });
            // Begun, and given up at once.
            let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        // What was begun may end later, even behind this write, so one snapshot has to tell of both.
        bench.put(vec![create(&format!("C{n}"), "c")]).await;
        let both = Query::ids(project(), Kind::RequirementText, [format!("A{n}"), format!("B{n}")]);
        let found = bench.fetch(&both).await.into_records().len();
        assert!(found == 0 || found == 2, "half of a dropped call was applied");
    }
    let feed = bench.feed().await;
    let revisions: std::collections::BTreeSet<u64> =
        feed.events.iter().map(|event| event.revision.0).collect();
    assert!(revisions.into_iter().eq(1..=feed.head.revision.0), "the feed has no gap");
}

pub(super) async fn cancelled_call_does_nothing(bench: Bench) {
    let cancelled = rtmx_core::Cx::new();
    cancelled.cancel();
    let answer = bench.db().apply(&cancelled, &set(vec![create("A", "a")])).await;
    assert_code(answer.expect_err("the call was cancelled"), storage::STORAGE_BUSY);
    assert_eq!(bench.head().await.revision, Revision::ZERO);
}
