//! The state of a license: one pure function of claims, time and what is remembered.
//!
//! There is no other place that decides, and nothing here remembers: asked again with the same facts,
//! before or after a restart, it answers the same. Every span is half-open. What is wrong is looked
//! for in one order, so that one cause is named: not for us, replaced, revoked, suspended, not for
//! this version, not begun, ended; then what has a grace of its own (the end, the binding), and what
//! the license server owes.

use crate::clock::{ClockCondition, JUMP_S};
use crate::fingerprint::Fit;
use crate::memory::Memory;
use crate::moment::{DAY_S, days_later, later, seconds_between};
use crate::verdict::{State, Summary, Verdict, Warning, Why, next_for};
use crate::{
    Lease, LeaseStatus, Profile, Reach, Readings, Refusal, RevocationList, Verified, VerifiedLicense,
};
use rtmx_core::Timestamp;

/// Days before the end from which on it is said.
pub const EXPIRING_DAYS: u64 = 30;
/// The steps at which it is said more loudly.
pub const EXPIRY_STEPS: [u64; 5] = [30, 14, 7, 3, 1];
/// Days of full service after the binding was first seen not to fit.
pub const REBIND_DAYS: u64 = 14;
/// Two clocks never agree: a license begins this much before it says.
pub const BEGIN_SKEW_S: i64 = 300;

/// What was presented as a license.
#[derive(Debug, Clone)]
pub enum Presented {
    /// Nothing.
    Nothing,
    /// Something that was refused.
    Refused(Refusal),
    /// A license.
    License(Box<VerifiedLicense>),
}

impl From<Result<VerifiedLicense, Refusal>> for Presented {
    fn from(verified: Result<VerifiedLicense, Refusal>) -> Presented {
        match verified {
            Ok(license) => Presented::License(Box::new(license)),
            Err(Refusal::Empty) => Presented::Nothing,
            Err(refusal) => Presented::Refused(refusal),
        }
    }
}

/// What else the verdict depends on.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The program.
    pub profile: &'a Profile,
    /// The time, as the clock guard gives it.
    pub now: Timestamp,
    /// What the clock is like.
    pub clock: ClockCondition,
    /// The last lease of this installation.
    pub lease: Option<&'a Verified<Lease>>,
    /// The revocation list in force.
    pub revocations: Option<&'a Verified<RevocationList>>,
    /// What identifies the place.
    pub readings: &'a Readings,
    /// What is remembered.
    pub memory: &'a Memory,
}

/// Judges what was presented.
pub fn judge(presented: &Presented, facts: &Circumstances<'_>) -> Verdict {
    let mut warnings: Vec<Warning> = Warning::of_clock(facts.clock).into_iter().collect();
    match presented {
        Presented::Nothing => verdict(State::Restricted { why: Why::Unlicensed }, None, facts, warnings),
        Presented::Refused(refusal) => {
            verdict(State::Restricted { why: Why::of(refusal) }, Some(refusal.clone()), facts, warnings)
        }
        Presented::License(license) => {
            let lease = facts.lease.filter(|lease| lease.license_id == license.license_id);
            if let Some(list) = facts.revocations.filter(|list| list.is_stale(facts.now)) {
                warnings.push(Warning::RevocationsStale { since: list.next_update });
            }
            if let Some(lease) = lease.filter(|lease| lease.seq > license.seq) {
                warnings.push(Warning::NewerLicense { seq: lease.seq });
            }
            warnings.extend(lease.and_then(|lease| server_clock(lease, facts)));
            let mut verdict = match refused(license, lease, facts) {
                Some((refusal, since, until)) => {
                    let state = match refusal {
                        Refusal::Terminated { .. } => State::Terminated,
                        _ => State::Restricted { why: Why::of(&refusal) },
                    };
                    Verdict { since, until, ..verdict(state, Some(refusal), facts, warnings) }
                }
                None => standing(license, facts, warnings),
            };
            verdict.license = Some(Summary::of(license));
            if let Some(lease) = lease {
                verdict.overrides.clone_from(&lease.limits);
            }
            let changes = changes(license, facts);
            verdict.next_change = changes.into_iter().filter(|at| *at > facts.now).min();
            verdict
        }
    }
}

fn verdict(
    state: State,
    refusal: Option<Refusal>,
    facts: &Circumstances<'_>,
    warnings: Vec<Warning>,
) -> Verdict {
    let next = match state {
        State::Valid => String::new(),
        State::ExpiringSoon { .. } => {
            "Renew the license, and install the new one with `rtmxctl license activate FILE`.".to_owned()
        }
        _ => next_for(refusal.as_ref()),
    };
    let (since, until, next_change, overrides) = (None, None, None, Default::default());
    Verdict {
        state,
        refusal,
        license: None,
        judged_at: facts.now,
        since,
        until,
        next_change,
        warnings,
        next,
        overrides,
    }
}

type Refused = (Refusal, Option<Timestamp>, Option<Timestamp>);

/// What leaves no part of the license in force, with the span in which it is so.
fn refused(
    license: &VerifiedLicense,
    lease: Option<&Verified<Lease>>,
    facts: &Circumstances<'_>,
) -> Option<Refused> {
    let now = facts.now;
    let always = |refusal| Some((refusal, None, None));
    let license_id = || license.license_id.clone();
    if let Err(refusal) = facts.profile.check(license) {
        return always(refusal);
    }
    let known = facts.memory.licenses.get(&license.license_id).map_or(0, |known| known.seq);
    if license.seq < known {
        return always(Refusal::Superseded { license_id: license_id(), seq: license.seq, known });
    }
    if facts.revocations.is_some_and(|list| list.revokes(license)) {
        return always(Refusal::Revoked { license_id: license_id() });
    }
    match lease.map(|lease| lease.status) {
        Some(LeaseStatus::Revoked) => return always(Refusal::Revoked { license_id: license_id() }),
        Some(LeaseStatus::Suspended) => return always(Refusal::Suspended { license_id: license_id() }),
        Some(LeaseStatus::Active) | None => {}
    }
    let built_at = facts.profile.built_at;
    if let Some(until) = license.updates_until.filter(|until| built_at >= *until) {
        return always(Refusal::VersionNotCovered { until, built_at });
    }
    let begins = begins(license, facts.profile);
    if now < begins {
        return Some((Refusal::NotYetValid { from: license.not_before }, None, Some(begins)));
    }
    if let Some(at) = license.terminates_at.filter(|at| now >= *at) {
        return Some((Refusal::Terminated { at }, Some(at), None));
    }
    let ends = if was_in_force(license, facts) { license.grace_until() } else { license.expires_at };
    if now >= ends {
        return Some((Refusal::Expired { at: license.expires_at }, Some(ends), license.terminates_at));
    }
    if let Some((_, until)) = confirmation(license, facts).filter(|(_, until)| now >= *until) {
        return Some((Refusal::Unconfirmed { at: until }, Some(until), None));
    }
    let unfit = unfit(license, facts)?;
    let until = days_later(facts.memory.unfit_since.unwrap_or(now), REBIND_DAYS);
    (now >= until).then_some((unfit, Some(until), None))
}

/// The state of a license that is in force.
fn standing(license: &VerifiedLicense, facts: &Circumstances<'_>, mut warnings: Vec<Warning>) -> Verdict {
    let now = facts.now;
    if let Some((since, until)) = confirmation(license, facts) {
        let percent = percent_over(since, until, now);
        if percent > 0 {
            warnings.push(Warning::NotConfirmed { since, until, percent });
        }
    }
    let left_s = seconds_between(now, license.expires_at);
    let days = u64::try_from(left_s).unwrap_or(0).div_ceil(DAY_S.unsigned_abs());
    if let Some(step) = EXPIRY_STEPS.into_iter().rev().find(|step| left_s > 0 && days <= *step) {
        warnings.push(Warning::Expires { days, step, at: license.expires_at });
    }
    let begins = begins(license, facts.profile);
    let soon = later(license.expires_at, -days_s(EXPIRING_DAYS));
    let unfit = unfit(license, facts).map(|refusal| {
        let since = facts.memory.unfit_since.unwrap_or(now);
        (refusal, since, days_later(since, REBIND_DAYS))
    });
    let ended = (now >= license.expires_at)
        .then(|| (Refusal::Expired { at: license.expires_at }, license.expires_at, license.grace_until()));
    // With two graces, the one that ends first is the one to act on.
    let grace = [ended, unfit].into_iter().flatten().min_by_key(|(_, _, until)| *until);
    let (state, refusal, since, until) = match grace {
        Some((refusal, since, until)) => {
            (State::Grace { why: Why::of(&refusal) }, Some(refusal), since, until)
        }
        None if now >= soon => (State::ExpiringSoon { days }, None, soon.max(begins), license.expires_at),
        None => (State::Valid, None, begins, soon),
    };
    Verdict { since: Some(since), until: Some(until), ..verdict(state, refusal, facts, warnings) }
}

/// The first instant: a little before what the license says, never before it was issued but for the skew.
fn begins(license: &VerifiedLicense, profile: &Profile) -> Timestamp {
    later(license.not_before, -BEGIN_SKEW_S).max(later(license.issued_at, -profile.issue_skew_s()))
}

/// Whether the license was in force here before it ended: the grace is for what runs already.
fn was_in_force(license: &VerifiedLicense, facts: &Circumstances<'_>) -> bool {
    let known = facts.memory.licenses.get(&license.license_id);
    known.is_some_and(|known| known.first_seen < license.expires_at)
}

/// Why the license does not fit this place, if it does not.
fn unfit(license: &VerifiedLicense, facts: &Circumstances<'_>) -> Option<Refusal> {
    match license.binding.fit(facts.readings) {
        Fit::Unbound | Fit::Matches => None,
        Fit::Mismatch => Some(Refusal::BindingMismatch {
            bound: license.binding.components.clone(),
            here: facts.readings.components(),
        }),
        Fit::Unreadable => {
            Some(Refusal::BindingUnreadable { kinds: license.binding.kinds().into_iter().collect() })
        }
    }
}

/// Since when and until when a license of the online mode goes without the server's word.
///
/// It counts from when the last lease came, or from when the license was first seen, so that a new
/// installation starts without a network. Both are times of this installation.
pub(crate) fn confirmation(
    license: &VerifiedLicense,
    facts: &Circumstances<'_>,
) -> Option<(Timestamp, Timestamp)> {
    if license.mode == Reach::Offline {
        return None;
    }
    let known = facts.memory.licenses.get(&license.license_id);
    let confirmed = known.and_then(|known| known.confirmed);
    let first_seen = known.map_or(facts.now, |known| known.first_seen);
    let since = confirmed.map_or(first_seen, |confirmed| confirmed.at.max(first_seen));
    let until = days_later(since, license.max_offline_days);
    Some((since, confirmed.map_or(until, |confirmed| until.max(confirmed.until))))
}

/// That the server's clock and this one are so far apart that one of them is wrong.
fn server_clock(lease: &Verified<Lease>, facts: &Circumstances<'_>) -> Option<Warning> {
    let active = (lease.status == LeaseStatus::Active).then_some(lease)?;
    let came_at = facts.memory.confirmed_at(&active.license_id)?;
    let ahead_s = seconds_between(came_at, lease.server_time);
    (ahead_s.unsigned_abs() > JUMP_S.unsigned_abs()).then_some(Warning::ServerClock { ahead_s })
}

/// 75, 50, 25 or 0: how much of a span is over.
fn percent_over(since: Timestamp, until: Timestamp, now: Timestamp) -> u64 {
    let quarters = [75, 50, 25];
    quarters.into_iter().find(|percent| now >= part_of(since, until, *percent)).unwrap_or(0)
}

fn part_of(since: Timestamp, until: Timestamp, percent: u64) -> Timestamp {
    let part = seconds_between(since, until).saturating_mul(i64::try_from(percent).unwrap_or(100)) / 100;
    later(since, part)
}

/// Every moment at which the answer may be another by time alone.
fn changes(license: &VerifiedLicense, facts: &Circumstances<'_>) -> Vec<Timestamp> {
    let mut moments = vec![begins(license, facts.profile), license.expires_at, license.grace_until()];
    moments.extend(license.terminates_at);
    moments.extend(EXPIRY_STEPS.map(|days| later(license.expires_at, -days_s(days))));
    moments.extend(facts.memory.unfit_since.map(|since| days_later(since, REBIND_DAYS)));
    if let Some((since, until)) = confirmation(license, facts) {
        moments.extend([25, 50, 75, 100].map(|percent| part_of(since, until, percent)));
    }
    moments.extend(facts.revocations.map(|list| list.next_update));
    moments
}

fn days_s(days: u64) -> i64 {
    i64::try_from(days).unwrap_or(i64::MAX / DAY_S).saturating_mul(DAY_S)
}
