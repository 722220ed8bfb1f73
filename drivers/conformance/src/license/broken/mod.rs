//! Modes that each break one law, and the cases that must notice.
//!
//! A kit that never fails proves nothing. Each of these is the reference with one flaw; the kit's own
//! test runs every case against each, and the cases that fail must be exactly the ones named here.

mod flawed;
mod list;

use super::bench::{Factory, Place};
use super::case::all;
use super::reference::Asking;
use crate::Outcome;
use flawed::Flawed;
use rtmx_license::LicenseMode;
use std::sync::Arc;

/// What is wrong with a mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// A check lets others go first.
    ChecksWithAWait,
    /// A check waits for the question that is being asked.
    ChecksBehindTheQuestion,
    /// What is no license is an error.
    FailsOnGarbage,
    /// The last license that was in force stands in for what is none.
    FallsBackInSilence,
    /// What is remembered is kept in the process.
    RemembersInTheProcess,
    /// What is remembered is not looked at.
    ForgetsEverything,
    /// Only the first copy of the memory is read.
    ReadsOneCopy,
    /// Memory that is damaged is an error.
    FailsOnDamage,
    /// A license ends a second early.
    EndsEarly,
    /// A license ends a second late.
    EndsLate,
    /// The community limits hold from the end of the license on, not of its grace.
    KnowsNoGrace,
    /// A clock that was set back is believed.
    BelievesAClockSetBack,
    /// A clock that is a second behind is said to be.
    AlarmsAtEveryStep,
    /// A clock that jumped ahead is believed for ever.
    BelievesAClockSetAhead,
    /// The time that the process ran is not counted.
    CountsNoRunningTime,
    /// Revocation lists are not looked at.
    IgnoresRevocations,
    /// Keysets are not looked at.
    IgnoresKeysets,
    /// Renewing works, and is not said to.
    HidesThatItRenews,
    /// Renewing is said to work, and does not.
    ClaimsToRenew,
    /// An outage is an error.
    FailsOnAnOutage,
    /// An outage is not told.
    HidesOutages,
    /// After an outage the license does not count.
    LocksOutOnAnOutage,
    /// After an outage there is something to remember: nothing.
    ForgetsOnAnOutage,
    /// `403` is a verdict.
    BelievesAStatus,
    /// The answer to any question is taken.
    TakesReplays,
    /// The body of an answer counts, whatever its status.
    IgnoresStatuses,
    /// The server's wish to be left alone is not heard.
    IgnoresRetryAfter,
    /// The server's wish to be left alone is obeyed for ever.
    ObeysRetryAfterForEver,
    /// Every failure is the first.
    NeverBacksOff,
    /// Failures are counted for ever.
    BacksOffForEver,
    /// After an answer it asks again at once.
    AsksAllTheTime,
    /// Every question has the same nonce.
    RepeatsItsNonce,
    /// A question tells more than it must.
    TellsMore,
    /// A header names the installation.
    MarksItsQuestions,
    /// It asks without a license, too.
    AsksForNothing,
    /// Revocation lists are not fetched.
    FetchesNoList,
    /// Keysets are not fetched.
    FetchesNoKeys,
    /// A lease counts only if the server's clock is about as this one.
    WantsARightServerClock,
    /// A lease counts only if the server's clock went on since the one before.
    WantsRisingServerTimes,
    /// The caller's deadline is not looked at.
    IgnoresTheDeadline,
}

/// A broken mode.
#[derive(Debug, Clone, Copy)]
pub struct Broken {
    /// What is wrong with it.
    pub flaw: Flaw,
    /// The cases that must notice, and no others, in the order of the list.
    pub noticed_by: &'static [&'static str],
}

impl Broken {
    /// The ids of the cases that fail against this mode, in the order of the list.
    pub fn failing_cases(&self) -> Vec<&'static str> {
        let flaw = self.flaw;
        let factory = Factory::new(move |place: Place| async move {
            Ok(Arc::new(Flawed::new(flaw, &place)) as Arc<dyn LicenseMode>)
        });
        let failing = all().into_iter().filter(|case| matches!(case.run(&factory), Outcome::Broken(_)));
        failing.map(|case| case.id).collect()
    }
}

/// Every broken mode.
pub fn every() -> Vec<Broken> {
    list::LIST.to_vec()
}

/// The mode that the broken ones are made from.
pub fn reference(place: &Place) -> Arc<dyn LicenseMode> {
    Arc::new(Asking::new(place))
}
