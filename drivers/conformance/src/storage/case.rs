//! What a case is, the list of all, and how one is run.

use super::bench::{Bench, Factory};
use super::{
    apply, archive, changes, concurrent, expect, history, lease, lifecycle, model, paging, query, snapshot,
};
use crate::Outcome;
use rtmx_storage::StorageCapability;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

type Run = fn(Bench) -> Pin<Box<dyn Future<Output = ()>>>;

/// One law and the code that tries to catch a backend breaking it.
#[derive(Clone, Copy)]
pub struct Case {
    /// Stable name, such as `storage.apply.stale-revision-conflicts`.
    pub id: &'static str,
    /// The law, in a sentence.
    pub law: &'static str,
    needs: Need,
    run: Run,
}

/// What a backend must promise for the case to apply.
#[derive(Clone, Copy, Debug)]
enum Need {
    Nothing,
    /// Without it, the other case runs: the calls must be refused.
    Archive,
    /// Without it, there is nothing to hold the backend to.
    Durable,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Case {
    /// Runs the case against a database of its own.
    pub(crate) fn run(self, factory: &Factory) -> Outcome {
        Outcome::of(self.run_for_its_backend(factory))
    }

    async fn run_for_its_backend(self, factory: &Factory) -> Outcome {
        let unmigrated = self.id.starts_with("storage.schema.");
        let bench =
            if unmigrated { Bench::unmigrated(factory).await } else { Bench::migrated(factory).await };
        let bench = match bench {
            Ok(bench) => bench,
            Err(error) => return Outcome::Broken(format!("no fresh database: {error:?}")),
        };
        let StorageCapability { archive, durable, .. } = bench.db().capability();
        match self.needs {
            Need::Archive if !archive => archive::is_not_offered(bench).await,
            Need::Durable if !durable => return Outcome::Ignored("the backend is not durable".into()),
            _ => (self.run)(bench).await,
        }
        Outcome::Kept
    }
}

macro_rules! cases {
    ($($needs:ident $id:literal $run:path, $law:literal;)*) => {
        vec![$(Case { id: $id, law: $law, needs: Need::$needs, run: |bench| Box::pin($run(bench)) }),*]
    };
}

/// Every case, in the order in which they are read best.
#[rustfmt::skip]
pub fn all() -> Vec<Case> {
    cases! {
        Nothing "storage.schema.fresh-is-not-ready" lifecycle::fresh_is_not_ready,
            "a database without schema says so, and answers everything else with schema_behind";
        Nothing "storage.schema.migrate-is-idempotent" lifecycle::migrate_is_idempotent,
            "a second migration finds nothing to do and keeps the data";
        Nothing "storage.head.unknown-space-is-zero" lifecycle::unknown_space_is_zero,
            "a space that was never written is at revision zero, empty, and in the database's epoch";
        Nothing "storage.close.answers-unavailable" lifecycle::close_answers_unavailable,
            "after close every call answers storage_unavailable, and a second close is no error";
        Nothing "storage.login.wrong-settings-change-nothing" lifecycle::wrong_login_changes_nothing,
            "a backend that logs in refuses settings that lead nowhere and goes on, another answers not_supported";
        Durable "storage.durable.reopen-keeps-everything" lifecycle::reopen_keeps_everything,
            "what was acknowledged is there after the database was opened again";

        Nothing "storage.apply.put-reads-back" apply::put_reads_back,
            "a record of every kind is read back exactly as it was put";
        Nothing "storage.apply.head-moves-by-one" apply::head_moves_by_one,
            "each change set moves the head by one, whatever its size, and its records carry that revision";
        Nothing "storage.apply.delete-removes" apply::delete_removes,
            "a deleted record is gone, and its id is free again";
        Nothing "storage.apply.is-atomic" apply::is_atomic,
            "a refused change set leaves records, head, feed and history as they were";
        Nothing "storage.apply.retry-is-applied-once" apply::retry_is_applied_once,
            "a repeated change set is answered with the first result and changes nothing";
        Nothing "storage.apply.reused-id-is-refused" apply::reused_id_is_refused,
            "an id that stands for another change set is refused, in any space";
        Nothing "storage.apply.refused-set-leaves-its-id-free" apply::refused_set_leaves_its_id_free,
            "the id of a change set that was refused can be used for its correction";
        Nothing "storage.apply.contradictions-are-refused" apply::contradictions_are_refused,
            "a change set that contradicts itself or is too large is refused before anything is read";
        Nothing "storage.apply.ids-at-their-limits" apply::ids_at_their_limits,
            "ids of 512 bytes and of any characters but control characters are kept apart byte by byte";
        Nothing "storage.apply.inverse-restores" apply::inverse_restores,
            "a change set followed by its inverse leaves the records as they were";
        Nothing "storage.apply.spaces-are-separate" apply::spaces_are_separate,
            "one id in two spaces is two records, each with its own revision and history";
        Nothing "storage.apply.dropped-call-is-whole-or-absent" apply::dropped_call_is_whole_or_absent,
            "a call whose future is dropped has been applied whole or not at all, and can be repeated";
        Nothing "storage.apply.cancelled-call-does-nothing" apply::cancelled_call_does_nothing,
            "a call that was cancelled before it began answers storage_busy and does nothing";

        Nothing "storage.apply.stale-revision-conflicts" expect::stale_revision_conflicts,
            "a change based on an older revision is refused with stale_revision";
        Nothing "storage.apply.create-needs-absence" expect::create_needs_absence,
            "creating a record that exists is refused with record_exists";
        Nothing "storage.apply.change-needs-presence" expect::change_needs_presence,
            "changing or deleting a record that is gone is refused with record_not_found";
        Nothing "storage.apply.relied-on-records-are-checked" expect::relied_on_records_are_checked,
            "a record that is only relied on must be as expected";
        Nothing "storage.apply.opposite-links-cannot-both-slip-in" expect::opposite_links_cannot_both_slip_in,
            "of two concurrent changes that each rely on what the other writes, one is refused";
        Nothing "storage.apply.expected-head-is-checked" expect::expected_head_is_checked,
            "a change set based on another head is refused with head_moved";
        Nothing "storage.apply.expected-epoch-is-checked" expect::expected_epoch_is_checked,
            "a change set from another epoch is refused with epoch_changed";

        Nothing "storage.changes.in-order-without-gap" changes::in_order_without_gap,
            "the feed tells every write in order, with its change set, actor and time";
        Nothing "storage.changes.goes-on-inside-a-change-set" changes::goes_on_inside_a_change_set,
            "a feed read one event at a time is the feed read at once";
        Nothing "storage.changes.wait-ends-with-a-change" changes::wait_ends_with_a_change,
            "a waiting reader is answered when its space changes";
        Nothing "storage.changes.wait-ends-by-itself" changes::wait_ends_by_itself,
            "a waiting reader is answered with nothing when the time is over";
        Nothing "storage.changes.no-gap-under-concurrent-writers" changes::no_gap_under_concurrent_writers,
            "a reader that follows the feed while many write sees every revision once, in order";

        Nothing "storage.history.newest-first-and-complete" history::newest_first_and_complete,
            "the history of a record and of a space holds every write, deletions too, the newest first";
        Nothing "storage.history.pages-join" history::pages_join,
            "a history read in pages is the history read at once";
        Nothing "storage.as-of.every-revision" history::as_of_every_revision,
            "what the records were at each revision can be asked for ever";
        Nothing "storage.as-of.pages-and-ids" history::as_of_pages_and_ids,
            "an earlier revision is read in pages and by ids, in the order of the ids";
        Nothing "storage.tally.equals-a-recount" history::tally_equals_a_recount,
            "the tally is what counting the requirements gives, without rows of zero";

        Nothing "storage.query.filters" query::filters,
            "a filter means the same on every engine";
        Nothing "storage.query.search" query::search,
            "a search means the same on every engine";
        Nothing "storage.query.sort" query::sort,
            "an order means the same on every engine";
        Nothing "storage.query.ids-in-asked-order" query::ids_in_asked_order,
            "records asked for by id come in the order of the ids, without those that are missing";
        Nothing "storage.query.limits-are-checked" query::limits_are_checked,
            "a query beyond its limits, or with columns that its kind has not, is refused";
        Nothing "storage.query.page-names-its-snapshot" query::page_names_its_snapshot,
            "a page shows one revision of the space, the one that it names";
        Nothing "storage.query.pages-hold-everything-once" paging::pages_hold_everything_once,
            "pages joined by cursors hold every match once, in order, and the count is theirs";
        Nothing "storage.query.cursor-survives-writes" paging::cursor_survives_writes,
            "a record that is not touched while pages are read appears exactly once";
        Nothing "storage.query.foreign-cursor-is-refused" paging::foreign_cursor_is_refused,
            "a cursor works for the query that gave it out and for no other";

        Nothing "storage.lease.one-holder" lease::one_holder,
            "a lease that is held is refused to others, with holder and expiry";
        Nothing "storage.lease.ends-by-itself" lease::ends_by_itself,
            "a lease that has expired can be taken, and cannot be renewed by whoever lost it";
        Nothing "storage.lease.fence-grows" lease::fence_grows,
            "the fence grows by one with every change of holder, and stays while a holder renews";
        Nothing "storage.lease.race-has-one-winner" lease::race_has_one_winner,
            "of many that ask at once, one gets the lease";

        Archive "storage.archive.round-trip" archive::round_trip,
            "a restored database holds the same records, history, heads and tallies";
        Archive "storage.archive.hash-is-engine-neutral" archive::hash_is_engine_neutral,
            "one content has one hash on every engine";
        Archive "storage.archive.travels-between-engines" archive::travels_between_engines,
            "an archive of one engine is restored by the reference, and the other way round";
        Archive "storage.archive.restore-starts-an-epoch" archive::restore_starts_an_epoch,
            "after a restore, cursors, feed positions and change sets from before are refused";
        Archive "storage.archive.restore-needs-an-empty-database" archive::restore_needs_an_empty_database,
            "a restore into a database that was written is refused and changes nothing";
        Archive "storage.archive.restore-over-is-one-step" archive::restore_over_is_one_step,
            "a restore over data replaces all of it in a new epoch, or is refused and changes nothing";
        Archive "storage.archive.reads-the-first-format" archive::reads_the_first_format,
            "an archive of the first format is restored, and refused where a line of it was changed";
        Archive "storage.archive.damage-is-refused" archive::damage_is_refused,
            "an archive that was cut, changed or lengthened is refused and nothing is restored";
        Archive "storage.archive.is-one-snapshot" snapshot::is_one_snapshot,
            "a backup that is made while others write holds what all spaces were at one moment";
        Archive "storage.archive.never-overwrites" archive::never_overwrites,
            "a backup onto a file that exists is refused and leaves the file";

        Nothing "storage.concurrent.acknowledged-writes-have-one-order" concurrent::acknowledged_writes_have_one_order,
            "acknowledged revisions are unique and without a gap, and replaying them gives the final state";
        Nothing "storage.model.random-changes-match-the-reference" model::random_changes_match_the_reference,
            "random change sets are answered as the reference answers them, and leave the same records";
        Nothing "storage.model.random-queries-match-the-reference" model::random_queries_match_the_reference,
            "random queries over random records are answered as the reference answers them";
    }
}
