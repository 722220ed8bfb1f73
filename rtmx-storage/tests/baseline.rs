//! Baselines name revisions, and two revisions can be compared.
#![allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]

use rtmx_core::{
    Body, Change, ChangeSet, ChangeSetId, Cx, Epoch, Key, Kind, Requirement, Revision, Space, Status,
    Timestamp, assert_code, storage,
};
use rtmx_storage::baseline::{self, FieldChange, Outcome};
use rtmx_storage::{MemoryBackend, MigrationPlan, StorageBackend};

fn space() -> Space {
    Space::Project("p".into())
}

fn requirement(category: &str, status: Status) -> Body {
    Body::Requirement(Requirement {
        category: category.into(),
        status: status.into(),
        ..Requirement::default()
    })
}

async fn apply(db: &MemoryBackend, n: u128, changes: Vec<Change>) -> Revision {
    let mut set =
        ChangeSet::new(ChangeSetId(uuid::Uuid::from_u128(n)), space(), "ann", Timestamp::UNIX_EPOCH);
    set.changes = changes;
    db.apply(&Cx::new(), &set).await.unwrap().revision
}

/// Revision 1: A, B, C. Revision 2: A changed, B gone, D new, E new. Revision 3: E gone, C put unchanged, a baseline.
async fn database() -> MemoryBackend {
    let db = MemoryBackend::new(|| Epoch(uuid::Uuid::from_u128(1)));
    db.migrate(&Cx::new(), &MigrationPlan::Expand).await.unwrap();
    let missing = || requirement("x", Status::Missing);
    let one = apply(&db, 1, ["A", "B", "C"].map(|id| Change::create(id, missing())).to_vec()).await;
    let two = vec![
        Change::replace("A", one, requirement("y", Status::Complete)),
        Change::delete(Key::new(Kind::Requirement, "B"), one),
        Change::create("D", missing()),
        Change::create("E", missing()),
    ];
    let two = apply(&db, 2, two).await;
    let three = vec![
        Change::delete(Key::new(Kind::Requirement, "E"), two),
        Change::replace("C", one, missing()),
        baseline::name_revision("v1", one, "first", "ann", Timestamp::UNIX_EPOCH).unwrap(),
    ];
    apply(&db, 3, three).await;
    db
}

#[tokio::test]
async fn a_comparison_lists_what_differs_field_by_field() {
    let (cx, db) = (Cx::new(), database().await);
    let compared = baseline::compare(&cx, &db, &space(), Revision(1), Revision(3), 100).await.unwrap();
    assert_eq!((compared.added, compared.removed, compared.changed, compared.truncated), (1, 1, 1, false));
    let field = |field: &str, before: &str, after: &str| FieldChange {
        field: field.into(),
        before: before.into(),
        after: after.into(),
    };
    let fields = vec![field("category", "x", "y"), field("status", "MISSING", "COMPLETE")];
    let outcomes: Vec<_> =
        compared.differences.into_iter().map(|found| (found.key.id, found.outcome)).collect();
    let wanted = [
        ("A".to_owned(), Outcome::Changed { fields }),
        ("B".to_owned(), Outcome::Removed),
        ("D".to_owned(), Outcome::Added),
    ];
    assert_eq!(outcomes, wanted);
    let short = baseline::compare(&cx, &db, &space(), Revision(1), Revision(3), 1).await.unwrap();
    assert_eq!((short.differences.len(), short.removed, short.truncated), (1, 1, true));
    let same = baseline::compare(&cx, &db, &space(), Revision(2), Revision(2), 100).await.unwrap();
    assert_eq!(same.differences, []);
    for (from, to) in [(2, 1), (1, 4)] {
        let refused = baseline::compare(&cx, &db, &space(), Revision(from), Revision(to), 1).await;
        assert_code(refused.unwrap_err(), storage::QUERY_INVALID);
    }
}

#[tokio::test]
async fn names_numbers_and_head_stand_for_revisions() {
    let (cx, db) = (Cx::new(), database().await);
    for (name, revision) in [("v1", 1), ("2", 2), ("0", 0), ("head", 3)] {
        assert_eq!(
            baseline::revision_of(&cx, &db, &space(), name).await.unwrap(),
            Revision(revision),
            "{name}"
        );
    }
    let beyond = baseline::revision_of(&cx, &db, &space(), "4").await;
    assert_code(beyond.unwrap_err(), storage::QUERY_INVALID);
    let unknown = baseline::revision_of(&cx, &db, &space(), "v2").await;
    assert_code(unknown.unwrap_err(), storage::RECORD_NOT_FOUND);
    for name in ["", "12", "head", "a/b", "a\nb", &"x".repeat(101)] {
        let refused = baseline::name_revision(name, Revision(1), "", "ann", Timestamp::UNIX_EPOCH);
        assert_code(refused.unwrap_err(), storage::CHANGE_SET_INVALID);
    }
}
