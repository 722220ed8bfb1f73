//! Backup and restore.

use super::bench::{Bench, create, project, set, text, text_key};
use super::{history, sample};
use rtmx_core::{Change, ChangeSet, Cx, Kind, Revision, Space, assert_code, storage};
use rtmx_storage::query::RecordQuery;
use rtmx_storage::{FeedPosition, Query, StorageBackend};

/// What runs where archives are not offered.
pub(super) async fn is_not_offered(bench: Bench) {
    let to = bench.path("archive");
    assert_code(bench.db().back_up(&bench.cx, &to).await.expect_err("not offered"), storage::NOT_SUPPORTED);
    assert!(!to.exists(), "nothing was written");
    assert_code(bench.db().restore(&bench.cx, &to).await.expect_err("not offered"), storage::NOT_SUPPORTED);
    let refusal = bench.db().restore_over(&bench.cx, &to).await.expect_err("not offered");
    assert_code(refusal, storage::NOT_SUPPORTED);
}

/// The change sets of a database with everything in it: several spaces, every kind, changes and deletions.
fn some_sets() -> Vec<ChangeSet> {
    let all = |bodies: Vec<rtmx_core::Body>| {
        let named = |(n, body)| Change::create(format!("id {n}"), body);
        bodies.into_iter().enumerate().map(named).collect::<Vec<_>>()
    };
    let mut sets = vec![
        set(sample::create_rows(0..20)),
        set(all(sample::project_bodies())),
        set(vec![create("A", "a"), create("B", "b")]),
        set(vec![Change::replace("A", Revision(3), text("a2")), Change::delete(text_key("B"), Revision(3))]),
    ];
    sets[0].note = "import".into();
    sets.push(ChangeSet { space: Space::System, ..set(all(sample::system_bodies())) });
    sets.push(ChangeSet { space: Space::Project("a".into()), ..set(vec![create("A", "elsewhere")]) });
    sets
}

async fn fill(bench: &Bench) -> Vec<ChangeSet> {
    let sets = some_sets();
    for set in &sets {
        bench.apply(set).await.expect("the sets fit each other");
    }
    sets
}

/// Everything that can be seen of a database but its epoch.
async fn everything(db: &dyn StorageBackend) -> Vec<String> {
    let cx = Cx::new();
    let mut seen = Vec::new();
    for space in [Space::System, project(), Space::Project("a".into()), Space::Project("never".into())] {
        let head = db.head(&cx, &space).await.expect("any space has a head").revision;
        seen.push(format!("{space} at {head}"));
        let feed =
            db.changes(&cx, &space, FeedPosition::START, 1_000, None).await.expect("any space has a feed");
        seen.extend(feed.events.iter().map(|event| format!("{event:?}")));
        let mut queries = vec![
            Query::Tally { space: space.clone() },
            Query::History { space: space.clone(), key: None, before: None, limit: 1_000 },
        ];
        for kind in Kind::ALL {
            queries.push(Query::Records(RecordQuery::all(space.clone(), kind)));
            let at = Revision(head.0 / 2);
            queries.push(Query::AsOf {
                space: space.clone(),
                kind,
                at,
                ids: None,
                after: None,
                limit: 1_000,
            });
        }
        let mut search = RecordQuery::all(space.clone(), Kind::Requirement);
        search.search = Some("encrypt".into());
        queries.push(Query::Records(search));
        for query in queries {
            let page = db.fetch(&cx, &query).await.expect("a restored database answers");
            seen.push(format!("{:?}", page.items));
        }
    }
    seen
}

pub(super) async fn round_trip(bench: Bench) {
    let sets = fill(&bench).await;
    let archive = bench.path("archive");
    let report = bench.db().back_up(&bench.cx, &archive).await.expect("a backup is made");
    let size = std::fs::metadata(&archive).expect("the archive is there").len();
    assert_eq!((report.change_sets, report.bytes), (sets.len() as u64, size));
    let other = bench.another().await;
    let restored = other.db().restore(&other.cx, &archive).await.expect("it is restored");
    assert_eq!(restored, report, "both ends tell the same");
    let (here, there) = (everything(bench.db()).await, everything(other.db()).await);
    for (here, there) in here.iter().zip(&there) {
        assert_eq!(there, here);
    }
    assert_eq!(there.len(), here.len());
    history::recount(&other).await;
    let again = other.db().back_up(&other.cx, &bench.path("again")).await.expect("a second backup is made");
    assert_eq!(again.content_hash, report.content_hash);
    // Life goes on where it stopped.
    let head = other.head().await.revision;
    assert_eq!(other.put(vec![create("new", "n")]).await.revision, head.next());
}

pub(super) async fn hash_is_engine_neutral(bench: Bench) {
    let reference = sample::empty_reference().await;
    for set in some_sets() {
        bench.apply(&set).await.expect("the sets fit each other");
        reference.apply(&bench.cx, &set).await.expect("the sets fit each other");
    }
    let found = bench.db().back_up(&bench.cx, &bench.path("one")).await.expect("a backup is made");
    let wanted = reference.back_up(&bench.cx, &bench.path("two")).await.expect("a backup is made");
    assert_eq!(found.content_hash, wanted.content_hash);
    assert_eq!((found.records, found.history, found.bytes), (wanted.records, wanted.history, wanted.bytes));
}

pub(super) async fn travels_between_engines(bench: Bench) {
    fill(&bench).await;
    let wanted = everything(bench.db()).await;
    let out = bench.path("out");
    bench.db().back_up(&bench.cx, &out).await.expect("a backup is made");
    let reference = sample::empty_reference().await;
    reference.restore(&bench.cx, &out).await.expect("the reference reads it");
    assert!(everything(&reference).await == wanted, "the reference holds what the engine held");
    let back = bench.path("back");
    reference.back_up(&bench.cx, &back).await.expect("a backup is made");
    let other = bench.another().await;
    other.db().restore(&other.cx, &back).await.expect("the engine reads the reference's");
    assert!(everything(other.db()).await == wanted, "the engine holds what the reference held");
}

pub(super) async fn restore_starts_an_epoch(bench: Bench) {
    let sets = fill(&bench).await;
    let before = bench.head().await;
    let query = RecordQuery { limit: 3, ..RecordQuery::all(project(), Kind::Requirement) };
    let cursor = bench.fetch(&Query::Records(query.clone())).await.next;
    let archive = bench.path("archive");
    bench.db().back_up(&bench.cx, &archive).await.expect("a backup is made");
    let other = bench.another().await;
    let empty = other.head().await;
    other.db().restore(&other.cx, &archive).await.expect("it is restored");
    let after = other.head().await;
    assert!(after.epoch != before.epoch && after.epoch != empty.epoch, "a restore starts an epoch");
    let continued = Query::Records(RecordQuery { cursor, ..query });
    assert_code(other.unanswered(&continued).await, storage::EPOCH_CHANGED);
    let feed = other.db().changes(&other.cx, &project(), FeedPosition::after(before), 10, None).await;
    assert_code(feed.expect_err("the position is from before"), storage::EPOCH_CHANGED);
    let mut late = set(vec![create("late", "l")]);
    late.epoch = Some(before.epoch);
    assert_code(other.refused(&late).await, storage::EPOCH_CHANGED);
    let again = other.apply(&sets[0]).await.expect("a retry over the restore is still a retry");
    assert_eq!((again.revision, again.epoch, again.replayed), (Revision(1), after.epoch, true));
}

pub(super) async fn restore_needs_an_empty_database(bench: Bench) {
    fill(&bench).await;
    let archive = bench.path("archive");
    bench.db().back_up(&bench.cx, &archive).await.expect("a backup is made");
    let (head, before) = (bench.head().await, everything(bench.db()).await);
    let refusal = bench.db().restore(&bench.cx, &archive).await.expect_err("it holds data");
    assert_code(refusal, storage::RESTORE_NOT_EMPTY);
    assert_eq!(bench.head().await, head, "head and epoch stayed");
    assert!(everything(bench.db()).await == before, "nothing changed");
    // A database that was written and emptied has a history, which is data, too.
    let other = bench.another().await;
    let made = other.put(vec![create("A", "a")]).await.revision;
    other.put(vec![Change::delete(text_key("A"), made)]).await;
    let refusal = other.db().restore(&other.cx, &archive).await.expect_err("it has a history");
    assert_code(refusal, storage::RESTORE_NOT_EMPTY);
}

pub(super) async fn restore_over_is_one_step(bench: Bench) {
    fill(&bench).await;
    let archive = bench.path("archive");
    let report = bench.db().back_up(&bench.cx, &archive).await.expect("a backup is made");
    let wanted = everything(bench.db()).await;
    let other = bench.another().await;
    other.put(sample::create_rows(100..140)).await;
    other.put(vec![create("A", "another"), create("Z", "z")]).await;
    let (head, before) = (other.head().await, everything(other.db()).await);
    let cut = bench.path("cut");
    let whole = std::fs::read(&archive).expect("the archive can be read");
    std::fs::write(&cut, &whole[..whole.len() - 1]).expect("the scratch folder can be written");
    let refusal = other.db().restore_over(&other.cx, &cut).await.expect_err("it is cut short");
    assert_code(refusal, storage::ARCHIVE_INVALID);
    assert_eq!(other.head().await, head, "head and epoch stayed");
    assert!(everything(other.db()).await == before, "nothing changed");
    let restored = other.db().restore_over(&other.cx, &archive).await.expect("it is restored");
    assert_eq!(restored, report);
    let after = other.head().await;
    assert!(after.epoch != head.epoch && after.epoch != bench.head().await.epoch, "an epoch began");
    let found = everything(other.db()).await;
    for (found, wanted) in found.iter().zip(&wanted) {
        assert_eq!(found, wanted);
    }
    assert_eq!(found.len(), wanted.len());
    let again = other.db().back_up(&other.cx, &other.path("again")).await.expect("a backup is made");
    assert_eq!(again.content_hash, report.content_hash);
    // An empty database is no obstacle.
    let empty = bench.another().await;
    empty.db().restore_over(&empty.cx, &archive).await.expect("it is restored");
    assert!(everything(empty.db()).await == wanted, "it holds what the archive holds");
}

pub(super) async fn reads_the_first_format(bench: Bench) {
    // An archive of `some_sets` as the first release wrote it: lines of text, not compressed.
    const FIRST: &str = include_str!("archive-1.jsonl");
    let lines: Vec<&str> = FIRST.split_inclusive('\n').collect();
    let without = |gone: usize| {
        let kept = lines.iter().enumerate().filter(|(n, _)| *n != gone).map(|(_, line)| *line);
        kept.collect::<String>()
    };
    let damaged = [
        ("without its footer", without(lines.len() - 1)),
        ("without a line", without(lines.len() / 2)),
        ("without the last record", without(lines.len() - 2)),
        ("with two lines for one", FIRST.replacen("\"ordinal\":0", "\"ordinal\":0\n", 1)),
        ("with another word", FIRST.replacen("import", "impart", 1)),
        ("with an end in the middle", [lines[0], lines[lines.len() - 1]].concat()),
    ];
    for (name, text) in damaged {
        let path = bench.path(name);
        std::fs::write(&path, text).expect("the scratch folder can be written");
        match bench.db().restore(&bench.cx, &path).await {
            Ok(_) => panic!("an archive {name} was restored"),
            Err(refusal) => assert_eq!(refusal.code(), storage::ARCHIVE_INVALID, "{name}"),
        }
    }
    let path = bench.path("first");
    std::fs::write(&path, FIRST).expect("the scratch folder can be written");
    let report = bench.db().restore(&bench.cx, &path).await.expect("it is restored");
    assert_eq!(report.bytes, FIRST.len() as u64);
    let now = bench.db().back_up(&bench.cx, &bench.path("now")).await.expect("a backup is made");
    assert_eq!(now.content_hash, report.content_hash, "one content has one hash in both formats");
}

pub(super) async fn damage_is_refused(bench: Bench) {
    fill(&bench).await;
    let archive = bench.path("archive");
    bench.db().back_up(&bench.cx, &archive).await.expect("a backup is made");
    let whole = std::fs::read(&archive).expect("the archive can be read");
    let middle = whole.len() / 2;
    let header = whole.iter().position(|byte| *byte == b'\n').expect("the header is a line") + 1;
    let footer = whole.windows(10).rposition(|window| window == b"{\"footer\":").expect("it has a footer");
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let newer = String::from_utf8_lossy(&whole[..header]).replacen("\"version\":2", "\"version\":99", 1);
    let damaged = [
        ("empty", vec![]),
        ("cut in the middle", whole[..middle].to_vec()),
        ("cut behind its header", whole[..header].to_vec()),
        ("without its last byte", whole[..whole.len() - 1].to_vec()),
        ("without its footer", whole[..footer].to_vec()),
        ("without its content", [&whole[..header], &whole[footer..]].concat()),
        ("without a byte", [&whole[..middle], &whole[middle + 1..]].concat()),
        ("changed in the middle", flipped(middle)),
        ("changed at the content's beginning", flipped(header)),
        ("changed at the content's end", flipped(footer - 1)),
        ("changed in the header", flipped(header - 4)),
        ("changed in the footer", flipped(whole.len() - 6)),
        ("lengthened", [&whole[..], b"\n"].concat()),
        ("twice", [&whole[..], &whole[..]].concat()),
        ("of a newer format", [newer.as_bytes(), &whole[header..]].concat()),
        ("something else", b"SQLite format 3\0".to_vec()),
    ];
    let other = bench.another().await;
    let empty = other.head().await;
    for (name, bytes) in damaged {
        let path = bench.path(name);
        std::fs::write(&path, bytes).expect("the scratch folder can be written");
        match other.db().restore(&other.cx, &path).await {
            Ok(_) => panic!("an archive {name} was restored"),
            Err(refusal) => assert_eq!(refusal.code(), storage::ARCHIVE_INVALID, "{name}"),
        }
        assert_eq!(other.head().await, empty, "{name}: nothing was restored");
    }
    let refusal =
        other.db().restore(&other.cx, &bench.path("never")).await.expect_err("there is no such file");
    assert_code(refusal, storage::ARCHIVE_INVALID);
    other.db().restore(&other.cx, &archive).await.expect("the whole one is still welcome");
}

pub(super) async fn never_overwrites(bench: Bench) {
    let path = bench.path("precious");
    std::fs::write(&path, "precious").expect("the scratch folder can be written");
    bench.db().back_up(&bench.cx, &path).await.expect_err("the file exists");
    assert_eq!(std::fs::read(&path).expect("the file is there"), b"precious");
}
