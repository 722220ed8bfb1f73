//! Which cases notice which flaw.

use super::{Broken, Flaw};

const fn broken(flaw: Flaw, noticed_by: &'static [&'static str]) -> Broken {
    Broken { flaw, noticed_by }
}

pub(super) const LIST: &[Broken] = &[
    broken(Flaw::ChecksWithAWait, &["license.check.answers-at-once", "license.renew.checks-go-on-meanwhile"]),
    broken(Flaw::ChecksBehindTheQuestion, &["license.renew.checks-go-on-meanwhile"]),
    broken(
        Flaw::FailsOnGarbage,
        &[
            "license.check.answers-at-once",
            "license.check.garbage-starts-unlicensed",
            "license.check.same-after-restart",
            "license.revocation.keysets-lead-to-new-keys",
            "license.renew.new-license-keys-are-learnt",
        ],
    ),
    broken(
        Flaw::FallsBackInSilence,
        &["license.check.garbage-starts-unlicensed", "license.check.same-after-restart"],
    ),
    broken(
        Flaw::RemembersInTheProcess,
        &[
            "license.check.same-after-restart",
            "license.check.lower-number-is-refused",
            "license.check.ends-to-the-second",
            "license.check.goes-without-confirmation-for-its-days",
            "license.clock.rollback-stops-nothing",
            "license.clock.rollback-brings-nothing-back",
            "license.clock.ten-years-ahead-and-back",
            "license.memory.damage-is-harmless",
            "license.memory.a-good-copy-counts-beside-a-bad-one",
            "license.revocation.a-list-acts-at-once-and-stays",
            "license.revocation.keysets-lead-to-new-keys",
            "license.renew.a-lease-confirms",
            "license.renew.a-signed-word-acts-at-once",
            "license.renew.the-list-comes-with-the-lease",
            "license.renew.new-lease-keys-are-learnt",
            "license.renew.new-license-keys-are-learnt",
            "license.renew.a-fast-server-clock-leaves-nothing",
            "license.renew.a-lease-outlives-its-key",
        ],
    ),
    broken(
        Flaw::ForgetsEverything,
        &[
            "license.check.lower-number-is-refused",
            "license.check.ends-to-the-second",
            "license.check.goes-without-confirmation-for-its-days",
            "license.clock.rollback-stops-nothing",
            "license.clock.rollback-brings-nothing-back",
            "license.clock.time-goes-on-while-the-clock-stands",
            "license.clock.ten-years-ahead-and-back",
            "license.clock.a-new-license-frees-a-poisoned-mark",
            "license.memory.damage-is-harmless",
            "license.memory.a-good-copy-counts-beside-a-bad-one",
            "license.revocation.a-list-acts-at-once-and-stays",
            "license.revocation.keysets-lead-to-new-keys",
            "license.renew.a-lease-confirms",
            "license.renew.a-signed-word-acts-at-once",
            "license.renew.the-list-comes-with-the-lease",
            "license.renew.new-lease-keys-are-learnt",
            "license.renew.new-license-keys-are-learnt",
            "license.renew.a-slow-server-clock-takes-nothing",
            "license.renew.a-fast-server-clock-leaves-nothing",
            "license.renew.a-lease-outlives-its-key",
        ],
    ),
    broken(Flaw::ReadsOneCopy, &["license.memory.a-good-copy-counts-beside-a-bad-one"]),
    broken(
        Flaw::FailsOnDamage,
        &[
            "license.memory.damage-is-harmless",
            "license.memory.a-good-copy-counts-beside-a-bad-one",
            "license.trouble.flaps-change-nothing",
        ],
    ),
    broken(
        Flaw::EndsEarly,
        &[
            "license.check.ends-to-the-second",
            "license.revocation.a-stale-list-stops-nothing",
            "license.renew.a-lease-confirms",
            "license.renew.a-lease-outlives-its-key",
        ],
    ),
    broken(
        Flaw::EndsLate,
        &[
            "license.check.ends-to-the-second",
            "license.clock.rollback-stops-nothing",
            "license.revocation.a-stale-list-stops-nothing",
            "license.renew.a-lease-confirms",
            "license.renew.a-fast-server-clock-leaves-nothing",
            "license.renew.a-lease-outlives-its-key",
        ],
    ),
    broken(
        Flaw::KnowsNoGrace,
        &["license.check.ends-to-the-second", "license.clock.time-goes-on-while-the-clock-stands"],
    ),
    broken(
        Flaw::BelievesAClockSetBack,
        &[
            "license.clock.rollback-stops-nothing",
            "license.clock.rollback-brings-nothing-back",
            "license.clock.time-goes-on-while-the-clock-stands",
            "license.clock.a-new-license-frees-a-poisoned-mark",
            "license.renew.a-signed-word-acts-at-once",
        ],
    ),
    broken(
        Flaw::AlarmsAtEveryStep,
        &["license.clock.rollback-stops-nothing", "license.clock.small-steps-are-no-event"],
    ),
    broken(
        Flaw::BelievesAClockSetAhead,
        &[
            "license.check.same-after-restart",
            "license.clock.rollback-stops-nothing",
            "license.clock.time-goes-on-while-the-clock-stands",
            "license.clock.ten-years-ahead-and-back",
            "license.renew.a-fast-server-clock-leaves-nothing",
            "license.trouble.flaps-change-nothing",
        ],
    ),
    broken(
        Flaw::CountsNoRunningTime,
        &[
            "license.clock.rollback-stops-nothing",
            "license.clock.rollback-brings-nothing-back",
            "license.clock.time-goes-on-while-the-clock-stands",
            "license.clock.ten-years-ahead-and-back",
            "license.clock.a-new-license-frees-a-poisoned-mark",
        ],
    ),
    broken(
        Flaw::IgnoresRevocations,
        &[
            "license.revocation.a-list-acts-at-once-and-stays",
            "license.revocation.only-the-vendors-list-counts",
            "license.revocation.a-stale-list-stops-nothing",
        ],
    ),
    broken(
        Flaw::IgnoresKeysets,
        &["license.revocation.keysets-lead-to-new-keys", "license.renew.a-lease-outlives-its-key"],
    ),
    broken(Flaw::HidesThatItRenews, &["license.renew.what-is-not-offered-is-refused"]),
    broken(
        Flaw::ClaimsToRenew,
        &[
            "license.renew.a-lease-confirms",
            "license.renew.the-interval-is-kept",
            "license.renew.a-signed-word-acts-at-once",
            "license.renew.failures-are-spaced",
            "license.renew.retry-after-is-honoured",
            "license.renew.only-what-is-needed-is-told",
            "license.renew.each-question-is-another",
            "license.renew.without-a-license-nothing-is-asked",
            "license.renew.the-list-comes-with-the-lease",
            "license.renew.new-lease-keys-are-learnt",
            "license.renew.a-forged-keyset-leads-nowhere",
            "license.renew.new-license-keys-are-learnt",
            "license.renew.a-slow-server-clock-takes-nothing",
            "license.renew.a-fast-server-clock-leaves-nothing",
            "license.renew.a-lease-outlives-its-key",
            "license.renew.a-deadline-ends-it",
            "license.renew.checks-go-on-meanwhile",
            "license.trouble.is-never-a-verdict",
            "license.trouble.flaps-change-nothing",
        ],
    ),
    broken(
        Flaw::FailsOnAnOutage,
        &[
            "license.renew.a-signed-word-acts-at-once",
            "license.renew.failures-are-spaced",
            "license.renew.retry-after-is-honoured",
            "license.renew.a-forged-keyset-leads-nowhere",
            "license.renew.a-deadline-ends-it",
            "license.trouble.is-never-a-verdict",
            "license.trouble.flaps-change-nothing",
        ],
    ),
    broken(
        Flaw::HidesOutages,
        &[
            "license.renew.a-forged-keyset-leads-nowhere",
            "license.renew.a-deadline-ends-it",
            "license.trouble.is-never-a-verdict",
            "license.trouble.flaps-change-nothing",
        ],
    ),
    broken(
        Flaw::LocksOutOnAnOutage,
        &[
            "license.renew.a-signed-word-acts-at-once",
            "license.renew.a-forged-keyset-leads-nowhere",
            "license.trouble.is-never-a-verdict",
            "license.trouble.flaps-change-nothing",
        ],
    ),
    broken(
        Flaw::ForgetsOnAnOutage,
        &[
            "license.renew.a-signed-word-acts-at-once",
            "license.renew.a-forged-keyset-leads-nowhere",
            "license.trouble.is-never-a-verdict",
            "license.trouble.flaps-change-nothing",
        ],
    ),
    broken(Flaw::BelievesAStatus, &["license.trouble.is-never-a-verdict"]),
    broken(Flaw::TakesReplays, &["license.trouble.is-never-a-verdict"]),
    broken(
        Flaw::IgnoresStatuses,
        &[
            "license.renew.failures-are-spaced",
            "license.renew.retry-after-is-honoured",
            "license.trouble.is-never-a-verdict",
            "license.trouble.flaps-change-nothing",
        ],
    ),
    broken(Flaw::IgnoresRetryAfter, &["license.renew.retry-after-is-honoured"]),
    broken(Flaw::ObeysRetryAfterForEver, &["license.renew.retry-after-is-honoured"]),
    broken(
        Flaw::NeverBacksOff,
        &["license.renew.failures-are-spaced", "license.renew.retry-after-is-honoured"],
    ),
    broken(Flaw::BacksOffForEver, &["license.renew.failures-are-spaced"]),
    broken(
        Flaw::AsksAllTheTime,
        &["license.renew.the-interval-is-kept", "license.renew.without-a-license-nothing-is-asked"],
    ),
    broken(Flaw::RepeatsItsNonce, &["license.renew.each-question-is-another"]),
    broken(Flaw::TellsMore, &["license.renew.only-what-is-needed-is-told"]),
    broken(Flaw::MarksItsQuestions, &["license.renew.only-what-is-needed-is-told"]),
    broken(Flaw::AsksForNothing, &["license.renew.without-a-license-nothing-is-asked"]),
    broken(Flaw::FetchesNoList, &["license.renew.the-list-comes-with-the-lease"]),
    broken(
        Flaw::FetchesNoKeys,
        &["license.renew.new-lease-keys-are-learnt", "license.renew.new-license-keys-are-learnt"],
    ),
    broken(
        Flaw::WantsARightServerClock,
        &[
            "license.renew.a-slow-server-clock-takes-nothing",
            "license.renew.a-fast-server-clock-leaves-nothing",
            "license.trouble.flaps-change-nothing",
        ],
    ),
    broken(
        Flaw::WantsRisingServerTimes,
        &[
            "license.renew.a-slow-server-clock-takes-nothing",
            "license.renew.a-fast-server-clock-leaves-nothing",
        ],
    ),
    broken(Flaw::IgnoresTheDeadline, &["license.renew.a-deadline-ends-it"]),
];
