//! One cell: the operation under failure, the same again, and whether the two answers are the truth.

use crate::bench::{Bench, fresh_space};
use crate::cells::Cell;
use crate::operation::{Call, make, requirement, set};
use crate::whole;
use rtmx_core::{Applied, Change, ChangeSet, Cx, Error, Kind, Revision, Space, storage};
use rtmx_storage::{Feed, FeedPosition, Lease, LeaseCall, LeaseRequest, Page, Query};
use sqlx::{PgConnection, Row};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How much later than its deadline a call may answer on a busy machine.
const MARGIN: Duration = Duration::from_millis(2_000);
/// Within this time of the failure's end everything works again, and a call takes its own time besides.
const RECOVERY_LIMIT: Duration = Duration::from_secs(5);
/// How long all the calls that look around afterwards may take together.
const LOOK_LIMIT: Duration = Duration::from_secs(15);
/// A call that has not answered by then hangs.
const HANG: Duration = Duration::from_secs(20);

/// What came of the first call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// The caller noticed nothing.
    Done,
    /// The caller was told that nothing is known, and it was applied.
    UnknownApplied,
    /// The caller was told that nothing is known, and it was not applied.
    UnknownAbsent,
    /// The caller was told that it was not done.
    Refused,
}

impl Outcome {
    /// All of them.
    pub(crate) const ALL: [Outcome; 4] =
        [Outcome::Done, Outcome::UnknownApplied, Outcome::UnknownAbsent, Outcome::Refused];

    /// As the summary has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::UnknownApplied => "unknown and applied",
            Outcome::UnknownAbsent => "unknown and absent",
            Outcome::Refused => "refused",
        }
    }
}

/// What a backend answered.
#[derive(Debug)]
pub(crate) enum Answer {
    Applied(Applied),
    Lease(Lease),
    Page(Page),
    Feed(Feed),
    /// A backup with this content.
    BackedUp(String),
    Restored,
    /// There is data already.
    NotEmpty,
    /// These migrations were run.
    Migrated(Vec<u32>),
}

/// What a cell showed in which everything was as promised.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) fired: bool,
    pub(crate) call: Duration,
    pub(crate) recovery: Duration,
}

/// Runs a cell; the error says which promise was broken.
pub(crate) async fn run(bench: &mut Bench, cell: &Cell) -> Result<Verdict, String> {
    let space = fresh_space();
    let call = cell.operation.prepare(&*bench.subject, &space).await;
    if cell.cold {
        bench.proxy.end_all();
    }
    let before = whole::Content::of(&mut bench.direct, &call).await?;
    bench.proxy.plan(Some(cell.plan));
    let begun = Instant::now();
    let first = timed(bench, &call, cell.operation.limit()).await?;
    let took = begun.elapsed();
    let fired = bench.proxy.has_fired();
    if let Call::Apply(changes) = &call {
        // Before anything else can mend it: what was acknowledged is there.
        let there = is_there(&mut bench.direct, changes).await?;
        if first.is_ok() && !there {
            return Err("lost write: it was acknowledged, and it is not there".into());
        }
    }
    if first.is_ok() {
        whole::is_kept(&mut bench.direct, &call, &before).await?;
    }
    bench.proxy.heal();
    let healed = Instant::now();
    let between = whole::Content::of(&mut bench.direct, &call).await?;
    let there = match &call {
        Call::Apply(changes) => is_there(&mut bench.direct, changes).await?,
        _ => false,
    };
    let limit = RECOVERY_LIMIT + cell.operation.limit();
    let second = loop {
        match timed(bench, &call, limit.saturating_sub(healed.elapsed())).await? {
            Ok(answer) => break answer,
            Err(error) if healed.elapsed() < limit && is_transient(&error) => {}
            Err(error) => {
                return Err(format!(
                    "no recovery {} ms after the end: {error:?}",
                    healed.elapsed().as_millis()
                ));
            }
        }
    };
    let recovery = healed.elapsed();
    let outcome = match (&call, second) {
        (Call::Apply(changes), Answer::Applied(again)) => {
            judge_write(bench, changes, &first, again, there).await?
        }
        (Call::Lease(request), Answer::Lease(again)) => judge_lease(bench, request, &first, &again).await?,
        (Call::Fetch(_, found), Answer::Page(again)) => {
            let pages = first.iter().map(|answer| match answer {
                Answer::Page(page) => page,
                _ => unreachable!("a question is answered by a page"),
            });
            for page in pages.chain([&again]) {
                if page.clone().into_records().len() != *found || page.head.revision != Revision(1) {
                    return Err(format!("a wrong page: {page:?}"));
                }
            }
            outcome_of_read(&first)
        }
        (Call::Feed(_, count), Answer::Feed(again)) => {
            let feeds = first.iter().filter_map(|answer| match answer {
                Answer::Feed(feed) => Some(feed),
                _ => None,
            });
            for feed in feeds.chain([&again]) {
                let told: Vec<_> =
                    feed.events.iter().map(|event| (event.revision.0, event.ordinal)).collect();
                if told != (0..*count as u32).map(|ordinal| (1, ordinal)).collect::<Vec<_>>() {
                    return Err(format!("a wrong feed: {told:?}"));
                }
            }
            outcome_of_read(&first)
        }
        (call, again) => {
            let seen = whole::Seen { before, between, first: &first, again };
            whole::judge(bench, call, seen).await?
        }
    };
    works_again(bench, &space).await?;
    Ok(Verdict { outcome, fired, call: took, recovery })
}

fn is_transient(error: &Error) -> bool {
    [storage::STORAGE_UNAVAILABLE, storage::STORAGE_BUSY].contains(&error.code())
}

pub(crate) fn is_unknown(error: &Error) -> bool {
    error.context().iter().any(|(name, value)| *name == "outcome" && value == "unknown")
}

/// Makes the call with a deadline, and fails if it is not kept or the error is one that tells nothing.
async fn timed(bench: &Bench, call: &Call, limit: Duration) -> Result<rtmx_core::Result<Answer>, String> {
    let begun = Instant::now();
    let cx = Cx::new().with_deadline(begun + limit);
    let answered = tokio::time::timeout(HANG, make(bench, call, &cx)).await;
    let Ok(answer) = answered else { return Err(format!("a call hangs since {} s", HANG.as_secs())) };
    let took = begun.elapsed();
    if took > limit + MARGIN {
        return Err(format!("a call took {} ms of {}", took.as_millis(), limit.as_millis()));
    }
    match &answer {
        Err(error) if !is_transient(error) => Err(format!("not an answer to a failing network: {error:?}")),
        _ => Ok(answer),
    }
}

async fn is_there(direct: &mut PgConnection, changes: &ChangeSet) -> Result<bool, String> {
    let found = sqlx::query("SELECT count(*) FROM change_set WHERE id = $1").bind(changes.id.0);
    let row = found.fetch_one(direct).await.map_err(|error| error.to_string())?;
    Ok(row.get::<i64, _>(0) == 1)
}

async fn judge_write(
    bench: &mut Bench,
    changes: &ChangeSet,
    first: &rtmx_core::Result<Answer>,
    again: Applied,
    there: bool,
) -> Result<Outcome, String> {
    if again.revision != Revision(2) {
        return Err(format!(
            "applied twice, or somebody else's answer: the head moved to {}",
            again.revision
        ));
    }
    let outcome = match first {
        Ok(Answer::Applied(applied)) if applied.revision != again.revision => {
            return Err(format!("two answers: {applied:?}, {again:?}"));
        }
        Ok(_) if !again.replayed => return Err("lost write: it was acknowledged, and done again".into()),
        Ok(_) => Outcome::Done,
        Err(error) if is_unknown(error) && again.replayed => Outcome::UnknownApplied,
        Err(error) if is_unknown(error) => Outcome::UnknownAbsent,
        Err(error) if again.replayed => {
            return Err(format!(
                "it was applied, and the error does not say that it may have been: {error:?}"
            ));
        }
        Err(_) => Outcome::Refused,
    };
    if there && !again.replayed {
        return Err("applied twice: it was there, and was done again".into());
    }
    judge_space(bench, &changes.space, 2, Some(changes)).await?;
    Ok(outcome)
}

/// What is stored of a space: a head, change sets and history that belong together, without a gap.
async fn judge_space(
    bench: &mut Bench,
    space: &Space,
    head: i64,
    newest: Option<&ChangeSet>,
) -> Result<(), String> {
    let text = "SELECT space.revision, change_set.revision, change_set.id, \
         (SELECT count(*) FROM history \
          WHERE history.space = space.id AND history.revision = change_set.revision) \
         FROM space LEFT JOIN change_set ON change_set.space = space.id \
         WHERE space.name = $1 ORDER BY change_set.revision";
    let rows = sqlx::query(text).bind(space.to_string()).fetch_all(&mut bench.direct).await;
    let rows = rows.map_err(|error| error.to_string())?;
    let found: Vec<(i64, i64, uuid::Uuid, i64)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
    let revisions: Vec<i64> = found.iter().map(|row| row.1).collect();
    if found.iter().any(|row| row.0 != head) || revisions != (1..=head).collect::<Vec<_>>() {
        return Err(format!("the head is not {head}, or the change sets have a gap: {found:?}"));
    }
    let Some(changes) = newest else { return Ok(()) };
    match found.last() {
        Some((_, _, id, writes))
            if *id == changes.id.0 && usize::try_from(*writes) == Ok(changes.changes.len()) => {}
        last => return Err(format!("not whole: {last:?} of {} changes", changes.changes.len())),
    }
    // The records are those of the history, and no other.
    let text = "SELECT count(*) FROM requirement JOIN space ON space.id = requirement.space \
         WHERE space.name = $1 AND requirement.revision = $2";
    let row = sqlx::query(text).bind(space.to_string()).bind(head).fetch_one(&mut bench.direct).await;
    let found: i64 = row.map_err(|error| error.to_string())?.get(0);
    let put = |change: &&Change| change.put.is_some() && change.key.kind == Kind::Requirement;
    if usize::try_from(found) != Ok(changes.changes.iter().filter(put).count()) {
        return Err(format!("half a write: {found} records have its revision"));
    }
    Ok(())
}

async fn judge_lease(
    bench: &mut Bench,
    request: &LeaseRequest,
    first: &rtmx_core::Result<Answer>,
    again: &Lease,
) -> Result<Outcome, String> {
    // The one before had the first.
    let wanted = 2;
    let first_fence = match first {
        Ok(Answer::Lease(lease)) => Some(lease.fence),
        _ => None,
    };
    if again.fence != wanted || first_fence.is_some_and(|fence| fence != wanted) {
        return Err(format!("taken twice: {first:?}, then {again:?}"));
    }
    let row = sqlx::query("SELECT holder, fence FROM lease WHERE name = $1").bind(&request.name);
    let row = row.fetch_one(&mut bench.direct).await.map_err(|error| error.to_string())?;
    let stored: (String, i64) = (row.get(0), row.get(1));
    if stored != (request.holder.clone(), 2) {
        return Err(format!("the lease is not as it was answered: {stored:?}"));
    }
    let other = LeaseRequest { holder: "bob".into(), call: LeaseCall::Acquire, ..request.clone() };
    match bench.subject.lease(&Cx::new(), &other).await {
        Err(error) if error.code() == storage::LEASE_HELD => Ok(outcome_of_read(first)),
        answer => Err(format!("two holders: {answer:?}")),
    }
}

/// The outcome where doing it again changes nothing.
pub(crate) fn outcome_of_read(first: &rtmx_core::Result<Answer>) -> Outcome {
    match first {
        Ok(_) => Outcome::Done,
        Err(error) if is_unknown(error) => Outcome::UnknownApplied,
        Err(_) => Outcome::Refused,
    }
}

/// Nothing of the failure is left: writes and reads see the newest, on all connections of the pool, and
/// no connection stands inside a transaction.
async fn works_again(bench: &mut Bench, space: &Space) -> Result<(), String> {
    let cx = Cx::new().with_deadline(Instant::now() + LOOK_LIMIT);
    let failed = |error: Error| format!("an unrelated call failed: {error:?}");
    let head = bench.subject.head(&cx, space).await.map_err(failed)?.revision;
    let write = set(space, vec![Change::create("REQ-AFTER", requirement(1))]);
    let applied = bench.subject.apply(&cx, &write).await.map_err(failed)?;
    if applied.replayed || applied.revision != head.next() {
        return Err(format!("an unrelated write made {applied:?} of {head}"));
    }
    let head = i64::try_from(applied.revision.0).expect("it is small");
    judge_space(bench, space, head, Some(&write)).await?;
    let query = Query::ids(space.clone(), Kind::Requirement, ["REQ-AFTER".to_owned()]);
    let asked = (0..3).map(|_| bench.subject.fetch(&cx, &query));
    for page in futures_util::future::join_all(asked).await {
        let page = page.map_err(failed)?;
        if page.head.revision != applied.revision || page.into_records().len() != 1 {
            return Err("a read does not see the newest write".into());
        }
    }
    let (mut told, mut after) = (BTreeSet::new(), FeedPosition::START);
    loop {
        let feed = bench.subject.changes(&cx, space, after, 5_000, None).await.map_err(failed)?;
        if feed.events.is_empty() {
            break;
        }
        told.extend(feed.events.iter().map(|event| event.revision.0));
        after = feed.next;
    }
    if told != (1..=applied.revision.0).collect::<BTreeSet<_>>() {
        return Err(format!("the feed has a gap: {told:?} up to {}", applied.revision));
    }
    let text = "SELECT count(*) FROM pg_stat_activity \
         WHERE application_name = $1 AND state LIKE 'idle in transaction%'";
    let until = Instant::now() + RECOVERY_LIMIT;
    loop {
        let row = sqlx::query(text).bind(&bench.application).fetch_one(&mut bench.direct).await;
        let left: i64 = row.map_err(|error| error.to_string())?.get(0);
        if left == 0 {
            break;
        }
        if Instant::now() > until {
            return Err(format!("{left} connections stand inside a transaction"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    match bench.subject.condition().connections {
        Some(connections) if connections.waiting == 0 && connections.open <= connections.limit => Ok(()),
        connections => Err(format!("the pool is not at rest: {connections:?}")),
    }
}
