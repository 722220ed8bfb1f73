//! Backends that each break one law, and the cases that must notice.
//!
//! A kit that never fails proves nothing. Each of these is the reference with one flaw; the kit's own
//! test runs every case against each, and the cases that fail must be exactly the ones named here.

mod flawed;
mod list;

use super::bench::{Factory, Instance};
use super::case::all;
use crate::Outcome;
use flawed::Flawed;
use std::sync::Arc;

/// What is wrong with a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// The last write of a larger change set gets lost.
    DropsTheLastWrite,
    /// Whatever revision is expected, the present one is taken.
    IgnoresExpectedRevisions,
    /// Only what is written is checked.
    IgnoresReliedOn,
    /// The expected head is not looked at.
    IgnoresExpectedHead,
    /// A refused change set leaves its first write behind.
    AppliesHalf,
    /// A retried change set is taken for a new one.
    ForgetsChangeSetIds,
    /// A used id is answered with the first result, whatever comes under it.
    BelievesReusedIds,
    /// A cancelled call is carried out.
    IgnoresCancellation,
    /// Every write is acknowledged with the first revision.
    AcknowledgesTheWrongRevision,
    /// The second event of every change set is missing.
    LeavesAGapInTheFeed,
    /// A waiting reader is never woken, only timed out.
    NeverWakesReaders,
    /// A reader who waits is answered at once.
    DoesNotWait,
    /// Deletions are not in the history.
    ForgetsDeletions,
    /// An earlier revision shows the present.
    AnswersAsOfWithThePresent,
    /// The tally counts one too many.
    CountsOneTooMany,
    /// Every page but the first misses a record.
    CursorSkips,
    /// A cursor is taken for whatever query it comes with.
    AcceptsForeignCursors,
    /// Records are sorted by id.
    SortsById,
    /// The search is not looked at.
    IgnoresTheSearch,
    /// Only the first filter counts.
    ObeysOneFilter,
    /// Limits are cut to what is possible instead of refused.
    BendsLimits,
    /// A page names a revision that it does not show.
    NamesAnotherSnapshot,
    /// The fence is always 1.
    ForgetsTheFence,
    /// A lease is given to whoever asks.
    GivesLeasesToAll,
    /// A lease never ends.
    LeasesNeverEnd,
    /// Any settings are taken for right.
    LogsInWithAnything,
    /// Backups are said to work, and do not.
    ClaimsArchives,
    /// Backups are said not to work, and do.
    HidesArchives,
    /// The archive lacks a record.
    ArchiveLosesARow,
    /// The archive's records are older than its history, where somebody writes meanwhile.
    BacksUpInTwoSteps,
    /// A restore goes on in the epoch of the backup.
    RestoreKeepsTheEpoch,
    /// A damaged archive is reported as restored.
    AcceptsDamagedArchives,
    /// What is replaced is emptied first, and stays empty when the archive is refused.
    ReplacesInTwoSteps,
    /// A restore puts itself over what is there.
    RestoresOverData,
    /// A backup overwrites what is at its place.
    OverwritesFiles,
    /// Migrations are reported as run every time.
    ReportsMigrationsAgain,
    /// It works before it was migrated.
    WorksWithoutASchema,
    /// It goes on answering after it was closed.
    IgnoresClose,
}

/// A broken backend and what notices it.
#[derive(Debug, Clone, Copy)]
pub struct Broken {
    /// What is wrong.
    pub flaw: Flaw,
    /// The ids of the cases that fail, in the order of the list.
    pub noticed_by: &'static [&'static str],
}

impl Broken {
    /// The ids of the cases that fail against this backend, in the order of the list.
    pub fn failing_cases(&self) -> Vec<&'static str> {
        let flaw = self.flaw;
        let factory = Factory::new(move || async move {
            let backend = Flawed::new(flaw).await?;
            Ok(Instance::new(Arc::new(backend)))
        });
        let failing = all().into_iter().filter(|case| matches!(case.run(&factory), Outcome::Broken(_)));
        failing.map(|case| case.id).collect()
    }
}

/// Every broken backend.
pub fn every() -> Vec<Broken> {
    list::LIST.to_vec()
}
