//! What is done while the network fails.

use crate::bench::{Bench, new_id};
use crate::support::proxy::Fault;
use rtmx_core::{
    Body, Change, ChangeSet, Cx, Epoch, Given, Key, Kind, Requirement, RequirementText, Revision, Space,
    Status, TestLink, Timestamp, storage,
};
use rtmx_storage::query::RecordQuery;
use rtmx_storage::{
    FeedPosition, LeaseCall, LeaseRequest, MemoryBackend, MigrationPlan, Query, StorageBackend,
};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// How many rows an import has.
const ROWS: usize = 1_500;

/// An operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Create,
    Replace,
    Delete,
    /// Records of several kinds are created, replaced, deleted and relied on.
    Many,
    Import,
    Lease,
    Page,
    Feed,
    BackUp,
    /// Into an empty database.
    Restore,
    /// Over what is there.
    RestoreOver,
    /// Of a database that has no schema.
    Migrate,
}

/// A call that is ready to be made.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Apply(ChangeSet),
    Lease(LeaseRequest),
    Fetch(Query, usize),
    /// The changes of a space, and how many there are.
    Feed(Space, usize),
    /// Into a new file of this folder.
    BackUp(PathBuf),
    Restore(PathBuf),
    RestoreOver(PathBuf),
    Migrate,
}

/// How many records are there before.
pub(crate) const BEFORE: usize = 6;
/// How many records the archive has that is restored.
pub(crate) const ARCHIVED: usize = 300;

impl Operation {
    /// All of them.
    pub(crate) const ALL: [Operation; 12] = [
        Operation::Create,
        Operation::Replace,
        Operation::Delete,
        Operation::Many,
        Operation::Import,
        Operation::Lease,
        Operation::Page,
        Operation::Feed,
        Operation::BackUp,
        Operation::Restore,
        Operation::RestoreOver,
        Operation::Migrate,
    ];

    /// Whether it is about a database as a whole, and so has one that nobody else uses.
    pub(crate) fn is_of_the_whole(self) -> bool {
        matches!(self, Operation::BackUp | Operation::Restore | Operation::RestoreOver | Operation::Migrate)
    }

    /// Whether it can be expected to end under a failure. A migration takes the time that its tables
    /// need, so a network that says nothing is told from a busy server by the kernel alone.
    pub(crate) fn meets(self, fault: Fault) -> bool {
        self != Operation::Migrate || fault != Fault::HalfOpen
    }

    /// How long its caller waits.
    pub(crate) fn limit(self) -> Duration {
        match self {
            Operation::Import | Operation::Restore | Operation::RestoreOver => Duration::from_millis(3_000),
            // It has no deadline, and waits for a database that is not there as long as every call does.
            Operation::Migrate => Duration::from_millis(8_000),
            _ => Duration::from_millis(1_500),
        }
    }

    /// Fills a space, and says what is to be done there. The space's head is at one then.
    pub(crate) async fn prepare(self, backend: &dyn StorageBackend, space: &Space) -> Call {
        match self {
            Operation::Migrate => return Call::Migrate,
            Operation::Restore => {
                // The first call of a backend looks at the schema.
                backend.head(&Cx::new(), space).await.expect("the network works");
                return Call::Restore(archive().await.to_owned());
            }
            _ => {}
        }
        let begin = (0..BEFORE).map(|n| Change::create(format!("REQ-{n}"), requirement(n)));
        let begin = set(space, begin.collect());
        backend.apply(&Cx::new(), &begin).await.expect("the network works");
        let first = Revision(1);
        let key = |n: usize| Key::new(Kind::Requirement, format!("REQ-{n}"));
        let changes = match self {
            Operation::Create => vec![Change::create("REQ-NEW", requirement(7))],
            Operation::Replace => vec![Change::replace("REQ-1", first, requirement(8))],
            Operation::Delete => vec![Change::delete(key(2), first)],
            Operation::Many => {
                let text = Body::RequirementText(RequirementText { markdown: "# One".into() });
                let link = Body::TestLink(TestLink {
                    req_id: "REQ-1".into(),
                    test_module: "tests/a.py".into(),
                    test_function: "test_a".into(),
                    ..TestLink::default()
                });
                let created = (10..16).map(|n| Change::create(format!("REQ-{n}"), requirement(n)));
                created
                    .chain([
                        Change::replace("REQ-1", first, requirement(9)),
                        Change::delete(key(2), first),
                        Change::create("REQ-1", text),
                        Change::create("link", link),
                    ])
                    .collect()
            }
            Operation::Import => {
                (100..100 + ROWS).map(|n| Change::create(format!("REQ-{n}"), requirement(n))).collect()
            }
            Operation::Lease => {
                let ask = |holder: &str, call| LeaseRequest {
                    name: space.to_string(),
                    holder: holder.to_owned(),
                    call,
                    ttl: Duration::from_secs(60),
                    now: Timestamp::now(),
                };
                for call in [LeaseCall::Acquire, LeaseCall::Release] {
                    backend.lease(&Cx::new(), &ask("before", call)).await.expect("it is free");
                }
                return Call::Lease(ask("ann", LeaseCall::Acquire));
            }
            Operation::Page => {
                let mut query = RecordQuery::all(space.clone(), Kind::Requirement);
                query.count = true;
                return Call::Fetch(Query::Records(query), BEFORE);
            }
            Operation::Feed => return Call::Feed(space.clone(), BEFORE),
            Operation::BackUp => {
                let folder = scratch().join(new_id().0.to_string());
                std::fs::create_dir(&folder).expect("the folder is ours");
                return Call::BackUp(folder);
            }
            Operation::RestoreOver => return Call::RestoreOver(archive().await.to_owned()),
            Operation::Restore | Operation::Migrate => unreachable!("they find nothing"),
        };
        let mut changes = set(space, changes);
        if self == Operation::Many {
            changes.relies_on = vec![(key(3), rtmx_core::Expect::At(first))];
        }
        Call::Apply(changes)
    }
}

/// A folder that ends with the process.
fn scratch() -> &'static Path {
    static SCRATCH: OnceLock<tempfile::TempDir> = OnceLock::new();
    SCRATCH.get_or_init(|| tempfile::tempdir().expect("a temporary folder can be made")).path()
}

/// An archive of [`ARCHIVED`] requirements in one change set.
async fn archive() -> &'static Path {
    static ARCHIVE: tokio::sync::OnceCell<PathBuf> = tokio::sync::OnceCell::const_new();
    let made = ARCHIVE.get_or_init(async || {
        let reference = MemoryBackend::new(|| Epoch(uuid::Uuid::from_u128(1)));
        reference.migrate(&Cx::new(), &MigrationPlan::Expand).await.expect("it is in memory");
        let rows = (0..ARCHIVED).map(|n| Change::create(format!("REQ-{n}"), requirement(n)));
        let rows = set(&Space::Project("archived".into()), rows.collect());
        reference.apply(&Cx::new(), &rows).await.expect("it is in memory");
        let file = scratch().join("archive");
        reference.back_up(&Cx::new(), &file).await.expect("the folder is ours");
        file
    });
    made.await
}

/// A change set of a space.
pub(crate) fn set(space: &Space, changes: Vec<Change>) -> ChangeSet {
    let mut set = ChangeSet::new(new_id(), space.clone(), "faults", Timestamp::now());
    set.changes = changes;
    set
}

/// A requirement that differs from the others.
pub(crate) fn requirement(n: usize) -> Body {
    Body::Requirement(Requirement {
        category: format!("category {}", n % 7),
        requirement_text: format!("the system shall do the {n}th thing"),
        status: Given::canonical(if n.is_multiple_of(2) { Status::Complete } else { Status::Missing }),
        ..Requirement::default()
    })
}

/// Keeps the module's helper in one place for the benches that record.
pub(crate) async fn make(bench: &Bench, call: &Call, cx: &Cx) -> rtmx_core::Result<crate::check::Answer> {
    use crate::check::Answer;
    match call {
        Call::Apply(changes) => bench.subject.apply(cx, changes).await.map(Answer::Applied),
        Call::Lease(request) => bench.subject.lease(cx, request).await.map(Answer::Lease),
        Call::Fetch(query, _) => bench.subject.fetch(cx, query).await.map(Answer::Page),
        Call::Feed(space, _) => {
            bench.subject.changes(cx, space, FeedPosition::START, 100, None).await.map(Answer::Feed)
        }
        Call::BackUp(folder) => {
            let file = folder.join(new_id().0.to_string());
            bench.subject.back_up(cx, &file).await.map(|report| Answer::BackedUp(report.content_hash))
        }
        Call::Restore(file) => match bench.subject.restore(cx, file).await {
            Err(error) if error.code() == storage::RESTORE_NOT_EMPTY => Ok(Answer::NotEmpty),
            answer => answer.map(|_| Answer::Restored),
        },
        Call::RestoreOver(file) => bench.subject.restore_over(cx, file).await.map(|_| Answer::Restored),
        Call::Migrate => {
            let report = bench.subject.migrate(cx, &MigrationPlan::Expand).await;
            report.map(|report| Answer::Migrated(report.applied))
        }
    }
}
