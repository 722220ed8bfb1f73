//! Which cases notice which flaw.

use super::{Broken, Flaw};

const fn broken(flaw: Flaw, noticed_by: &'static [&'static str]) -> Broken {
    Broken { flaw, noticed_by }
}

pub(super) const LIST: &[Broken] = &[
    broken(
        Flaw::DropsTheLastWrite,
        &[
            "storage.apply.put-reads-back",
            "storage.apply.delete-removes",
            "storage.apply.is-atomic",
            "storage.apply.ids-at-their-limits",
            "storage.apply.inverse-restores",
            "storage.apply.dropped-call-is-whole-or-absent",
            "storage.apply.stale-revision-conflicts",
            "storage.apply.opposite-links-cannot-both-slip-in",
            "storage.changes.in-order-without-gap",
            "storage.changes.no-gap-under-concurrent-writers",
            "storage.history.newest-first-and-complete",
            "storage.history.pages-join",
            "storage.as-of.every-revision",
            "storage.as-of.pages-and-ids",
            "storage.query.filters",
            "storage.query.search",
            "storage.query.sort",
            "storage.query.ids-in-asked-order",
            "storage.query.pages-hold-everything-once",
            "storage.query.cursor-survives-writes",
            "storage.archive.hash-is-engine-neutral",
            "storage.archive.is-one-snapshot",
            "storage.concurrent.acknowledged-writes-have-one-order",
            "storage.model.random-changes-match-the-reference",
            "storage.model.random-queries-match-the-reference",
        ],
    ),
    broken(
        Flaw::IgnoresExpectedRevisions,
        &[
            "storage.apply.stale-revision-conflicts",
            "storage.concurrent.acknowledged-writes-have-one-order",
            "storage.model.random-changes-match-the-reference",
        ],
    ),
    broken(
        Flaw::IgnoresReliedOn,
        &[
            "storage.apply.relied-on-records-are-checked",
            "storage.apply.opposite-links-cannot-both-slip-in",
            "storage.model.random-changes-match-the-reference",
        ],
    ),
    broken(Flaw::IgnoresExpectedHead, &["storage.apply.expected-head-is-checked"]),
    broken(
        Flaw::AppliesHalf,
        &["storage.apply.is-atomic", "storage.model.random-changes-match-the-reference"],
    ),
    broken(
        Flaw::ForgetsChangeSetIds,
        &[
            "storage.apply.retry-is-applied-once",
            "storage.apply.reused-id-is-refused",
            "storage.changes.in-order-without-gap",
            "storage.archive.hash-is-engine-neutral",
            "storage.archive.restore-starts-an-epoch",
            "storage.model.random-changes-match-the-reference",
        ],
    ),
    broken(Flaw::BelievesReusedIds, &["storage.apply.reused-id-is-refused"]),
    broken(Flaw::IgnoresCancellation, &["storage.apply.cancelled-call-does-nothing"]),
    broken(
        Flaw::AcknowledgesTheWrongRevision,
        &[
            "storage.apply.head-moves-by-one",
            "storage.apply.delete-removes",
            "storage.apply.refused-set-leaves-its-id-free",
            "storage.apply.inverse-restores",
            "storage.apply.relied-on-records-are-checked",
            "storage.apply.opposite-links-cannot-both-slip-in",
            "storage.history.newest-first-and-complete",
            "storage.history.pages-join",
            "storage.as-of.every-revision",
            "storage.query.search",
            "storage.archive.round-trip",
            "storage.archive.is-one-snapshot",
            "storage.concurrent.acknowledged-writes-have-one-order",
            "storage.model.random-changes-match-the-reference",
        ],
    ),
    broken(
        Flaw::LeavesAGapInTheFeed,
        &[
            "storage.changes.in-order-without-gap",
            "storage.changes.goes-on-inside-a-change-set",
            "storage.changes.no-gap-under-concurrent-writers",
            "storage.history.newest-first-and-complete",
            "storage.archive.travels-between-engines",
            "storage.model.random-changes-match-the-reference",
        ],
    ),
    broken(Flaw::NeverWakesReaders, &["storage.changes.wait-ends-with-a-change"]),
    broken(Flaw::DoesNotWait, &["storage.changes.wait-ends-with-a-change"]),
    broken(
        Flaw::ForgetsDeletions,
        &[
            "storage.history.newest-first-and-complete",
            "storage.history.pages-join",
            "storage.as-of.every-revision",
            "storage.archive.travels-between-engines",
            "storage.model.random-changes-match-the-reference",
        ],
    ),
    broken(
        Flaw::AnswersAsOfWithThePresent,
        &[
            "storage.as-of.every-revision",
            "storage.as-of.pages-and-ids",
            "storage.archive.travels-between-engines",
            "storage.archive.is-one-snapshot",
            "storage.model.random-changes-match-the-reference",
        ],
    ),
    broken(
        Flaw::CountsOneTooMany,
        &[
            "storage.tally.equals-a-recount",
            "storage.archive.round-trip",
            "storage.archive.travels-between-engines",
            "storage.archive.is-one-snapshot",
            "storage.model.random-changes-match-the-reference",
        ],
    ),
    broken(
        Flaw::CursorSkips,
        &[
            "storage.query.pages-hold-everything-once",
            "storage.query.cursor-survives-writes",
            "storage.model.random-queries-match-the-reference",
        ],
    ),
    broken(Flaw::AcceptsForeignCursors, &["storage.query.foreign-cursor-is-refused"]),
    broken(
        Flaw::SortsById,
        &[
            "storage.query.sort",
            "storage.query.limits-are-checked",
            "storage.query.foreign-cursor-is-refused",
            "storage.model.random-queries-match-the-reference",
        ],
    ),
    broken(
        Flaw::IgnoresTheSearch,
        &[
            "storage.query.search",
            "storage.query.limits-are-checked",
            "storage.query.foreign-cursor-is-refused",
            "storage.archive.travels-between-engines",
            "storage.model.random-queries-match-the-reference",
        ],
    ),
    broken(
        Flaw::ObeysOneFilter,
        &["storage.query.filters", "storage.model.random-queries-match-the-reference"],
    ),
    broken(Flaw::BendsLimits, &["storage.query.limits-are-checked"]),
    broken(
        Flaw::NamesAnotherSnapshot,
        &["storage.query.page-names-its-snapshot", "storage.model.random-changes-match-the-reference"],
    ),
    broken(Flaw::ForgetsTheFence, &["storage.lease.fence-grows"]),
    broken(
        Flaw::GivesLeasesToAll,
        &["storage.lease.one-holder", "storage.lease.ends-by-itself", "storage.lease.race-has-one-winner"],
    ),
    broken(
        Flaw::LeasesNeverEnd,
        &["storage.lease.one-holder", "storage.lease.ends-by-itself", "storage.lease.fence-grows"],
    ),
    broken(Flaw::LogsInWithAnything, &["storage.login.wrong-settings-change-nothing"]),
    broken(
        Flaw::ClaimsArchives,
        &[
            "storage.archive.round-trip",
            "storage.archive.hash-is-engine-neutral",
            "storage.archive.travels-between-engines",
            "storage.archive.restore-starts-an-epoch",
            "storage.archive.restore-needs-an-empty-database",
            "storage.archive.restore-over-is-one-step",
            "storage.archive.reads-the-first-format",
            "storage.archive.damage-is-refused",
            "storage.archive.is-one-snapshot",
        ],
    ),
    broken(
        Flaw::HidesArchives,
        &[
            "storage.archive.round-trip",
            "storage.archive.hash-is-engine-neutral",
            "storage.archive.travels-between-engines",
            "storage.archive.restore-starts-an-epoch",
            "storage.archive.restore-needs-an-empty-database",
            "storage.archive.restore-over-is-one-step",
            "storage.archive.reads-the-first-format",
            "storage.archive.damage-is-refused",
            "storage.archive.is-one-snapshot",
            "storage.archive.never-overwrites",
        ],
    ),
    broken(
        Flaw::ArchiveLosesARow,
        &[
            "storage.archive.round-trip",
            "storage.archive.travels-between-engines",
            "storage.archive.restore-starts-an-epoch",
            "storage.archive.restore-over-is-one-step",
            "storage.archive.damage-is-refused",
        ],
    ),
    broken(Flaw::BacksUpInTwoSteps, &["storage.archive.is-one-snapshot"]),
    broken(
        Flaw::RestoreKeepsTheEpoch,
        &["storage.archive.restore-starts-an-epoch", "storage.archive.restore-over-is-one-step"],
    ),
    broken(
        Flaw::AcceptsDamagedArchives,
        &["storage.archive.reads-the-first-format", "storage.archive.damage-is-refused"],
    ),
    broken(Flaw::ReplacesInTwoSteps, &["storage.archive.restore-over-is-one-step"]),
    broken(Flaw::RestoresOverData, &["storage.archive.restore-needs-an-empty-database"]),
    broken(Flaw::OverwritesFiles, &["storage.archive.never-overwrites"]),
    broken(Flaw::ReportsMigrationsAgain, &["storage.schema.migrate-is-idempotent"]),
    broken(Flaw::WorksWithoutASchema, &["storage.schema.fresh-is-not-ready"]),
    broken(Flaw::IgnoresClose, &["storage.close.answers-unavailable"]),
];
