//! What a case is, the list of all, and how one is run.

use super::bench::{Bench, Factory};
use super::{check, clock, memory, renew, revocation, trouble};
use crate::Outcome;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

type Run = fn(Bench) -> Pin<Box<dyn Future<Output = ()>>>;

/// One law and the code that tries to catch a mode breaking it.
#[derive(Clone, Copy)]
pub struct Case {
    /// Stable name, such as `license.check.answers-at-once`.
    pub id: &'static str,
    /// The law, in a sentence.
    pub law: &'static str,
    needs: Need,
    run: Run,
}

/// What a mode must promise for the case to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Nothing,
    Renews,
    /// Only a mode that does not.
    Silent,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Case {
    /// Runs the case with a mode, an empty memory and a vendor of its own.
    pub(crate) fn run(self, factory: &Factory) -> Outcome {
        Outcome::of(self.run_with(factory))
    }

    async fn run_with(self, factory: &Factory) -> Outcome {
        let bench = match Bench::new(factory).await {
            Ok(bench) => bench,
            Err(error) => return Outcome::Broken(format!("no mode could be opened: {error:?}")),
        };
        match (self.needs, bench.mode.capability().renews) {
            (Need::Renews, false) => Outcome::Ignored("the mode does not promise to renew".into()),
            (Need::Silent, true) => Outcome::Ignored("the mode promises to renew".into()),
            _ => {
                (self.run)(bench).await;
                Outcome::Kept
            }
        }
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
        Nothing "license.check.answers-at-once" check::answers_at_once,
            "a check waits for nothing";
        Nothing "license.check.garbage-starts-unlicensed" check::garbage_starts_unlicensed,
            "what is no license gives the community edition and the reason, and leaves nothing behind";
        Nothing "license.check.same-after-restart" check::same_after_restart,
            "asked again with what is remembered, before or after a restart, it answers the same";
        Nothing "license.check.lower-number-is-refused" check::lower_number_is_refused,
            "an older license of the same id does not replace a newer one";
        Nothing "license.check.ends-to-the-second" check::ends_to_the_second,
            "every state begins and ends at its second, and everything goes on through the grace";
        Nothing "license.check.goes-without-confirmation-for-its-days" check::goes_without_confirmation_for_its_days,
            "a license that must be confirmed holds for its days without, whoever asks, and restarts do not matter";

        Nothing "license.clock.rollback-stops-nothing" clock::rollback_stops_nothing,
            "a clock that was set back takes no license away, and more than an hour is said";
        Nothing "license.clock.rollback-brings-nothing-back" clock::rollback_brings_nothing_back,
            "a clock that was set back brings no license back";
        Nothing "license.clock.time-goes-on-while-the-clock-stands" clock::time_goes_on_while_the_clock_stands,
            "a license does not last for as long as a clock stands behind";
        Nothing "license.clock.ten-years-ahead-and-back" clock::ten_years_ahead_and_back,
            "a clock that was far ahead for a while leaves nothing behind";
        Nothing "license.clock.a-new-license-frees-a-poisoned-mark" clock::a_new_license_frees_a_poisoned_mark,
            "a time that was believed by mistake is set right by the next license";
        Nothing "license.clock.small-steps-are-no-event" clock::small_steps_are_no_event,
            "summer time, leap seconds and two days of sleep are no event";

        Nothing "license.memory.damage-is-harmless" memory::damage_is_harmless,
            "memory that is gone, damaged or another's takes no license away, and is told";
        Nothing "license.memory.a-good-copy-counts-beside-a-bad-one" memory::a_good_copy_counts_beside_a_bad_one,
            "of several copies the good and newer one counts, whatever their order";

        Nothing "license.revocation.a-list-acts-at-once-and-stays" revocation::a_list_acts_at_once_and_stays,
            "a revocation list acts at once, is remembered, and is not undone by an older one";
        Nothing "license.revocation.only-the-vendors-list-counts" revocation::only_the_vendors_list_counts,
            "a list that is not the vendor's for this product changes nothing, and is told";
        Nothing "license.revocation.a-stale-list-stops-nothing" revocation::a_stale_list_stops_nothing,
            "a list that is overdue is used, and said to be";
        Nothing "license.revocation.keysets-lead-to-new-keys" revocation::keysets_lead_to_new_keys,
            "keys are learnt from keysets that enough root keys signed, and remembered";

        Silent "license.renew.what-is-not-offered-is-refused" renew::what_is_not_offered_is_refused,
            "a mode that does not renew answers not_supported and asks nobody";
        Renews "license.renew.a-lease-confirms" renew::a_lease_confirms,
            "a lease confirms for the license's days from when it came";
        Renews "license.renew.the-interval-is-kept" renew::the_interval_is_kept,
            "after an answer it asks again in the interval, 10 % more or less";
        Renews "license.renew.a-signed-word-acts-at-once" renew::a_signed_word_acts_at_once,
            "revoked, suspended and active again act at once if they are signed";
        Renews "license.renew.failures-are-spaced" renew::failures_are_spaced,
            "failures are spaced from a minute to an hour, with jitter, and an answer ends the row";
        Renews "license.renew.retry-after-is-honoured" renew::retry_after_is_honoured,
            "it leaves the server alone for as long as it asks, up to a day";
        Renews "license.renew.only-what-is-needed-is-told" renew::only_what_is_needed_is_told,
            "a question holds what the contract names, and nothing around it tells who asks";
        Renews "license.renew.each-question-is-another" renew::each_question_is_another,
            "no nonce is used twice";
        Renews "license.renew.without-a-license-nothing-is-asked" renew::without_a_license_nothing_is_asked,
            "without a license of this program there is nothing to confirm, which is no outage";
        Renews "license.renew.the-list-comes-with-the-lease" renew::the_list_comes_with_the_lease,
            "a newer revocation list is fetched with the lease";
        Renews "license.renew.new-lease-keys-are-learnt" renew::new_lease_keys_are_learnt,
            "a lease of a new key counts once the vendor's keyset names the key";
        Renews "license.renew.a-forged-keyset-leads-nowhere" renew::a_forged_keyset_leads_nowhere,
            "a keyset that too few root keys signed leads nowhere";
        Renews "license.renew.new-license-keys-are-learnt" renew::new_license_keys_are_learnt,
            "a license of a new key counts once the vendor's keyset names the key";
        Renews "license.renew.a-slow-server-clock-takes-nothing" renew::a_slow_server_clock_takes_nothing,
            "a lease from a server whose clock is far behind confirms as any other does";
        Renews "license.renew.a-fast-server-clock-leaves-nothing" renew::a_fast_server_clock_leaves_nothing,
            "a server whose clock was far ahead ended nothing, and its later leases count";
        Renews "license.renew.a-lease-outlives-its-key" renew::a_lease_outlives_its_key,
            "a keyset without the key of the last lease takes back no confirmation";
        Renews "license.renew.a-deadline-ends-it" renew::a_deadline_ends_it,
            "a question ends with the caller's deadline";
        Renews "license.renew.checks-go-on-meanwhile" renew::checks_go_on_meanwhile,
            "while a question waits, checks do not, and a dropped question holds up no other";
        Renews "license.trouble.is-never-a-verdict" trouble::is_never_a_verdict,
            "whatever happens on the network is an outage: it changes nothing, and is asked again later";
        Renews "license.trouble.flaps-change-nothing" trouble::flaps_change_nothing,
            "a thousand ups and downs with restarts, wrong clocks and lost memory change nothing, in few words";
    }
}
