//! The clock guard: what time it is, as far as licenses are concerned.
//!
//! A pure state machine over what the host reads. It keeps a *mark*, the latest time that is believed,
//! and answers `max(wall, mark - 1 h)`: a clock that is set back does not bring a license back, and a
//! change of summer time or a small step is no event. A jump ahead by more than 48 hours is used for
//! as long as the clock shows it and believed (kept in the mark) only when something signed is as
//! late, or after seven days of running; so a machine that once started in 2036 is not stuck there.
//! Before anything was believed there is nothing to jump from: the first clock is believed after a day
//! of running, and nothing is said meanwhile.
//! A mark that was poisoned all the same is reset by the next license or lease that is new. It is a
//! speed bump: who owns the machine owns its clock. It alarms, it asks for the clock to be set, and
//! it never stops anything.
//!
//! Times of rows in the database are no proof: they were written by the same clock.

use crate::moment;
use rtmx_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How far the clock may stand behind the mark: summer time, NTP, a second of leap.
pub const TOLERANCE_S: i64 = 3600;
/// A jump ahead that needs no proof.
pub const JUMP_S: i64 = 48 * 3600;
/// A jump that was seen for so long of running is believed.
pub const SUSTAINED_S: u64 = 7 * 86_400;
/// The same for the first clock of an installation.
pub const FIRST_SUSTAINED_S: u64 = 86_400;

/// What is remembered between observations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockMark {
    /// The latest time that is believed.
    mark: Option<Timestamp>,
    /// A jump ahead that is not believed yet.
    pending: Option<Pending>,
    /// How often the mark was set back by proof; a copy with fewer is older.
    resets: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pending {
    ran_s: u64,
    wall: Timestamp,
}

/// What the host reads.
#[derive(Debug, Clone, Copy)]
pub struct ClockReading {
    /// The clock on the wall.
    pub wall: Timestamp,
    /// The monotonic time since this process observed last; zero the first time.
    pub elapsed: Duration,
    /// When the program was built.
    pub built_at: Timestamp,
    /// The latest time in anything signed that was accepted before.
    pub proven: Option<Timestamp>,
    /// The time in something signed that is new with this observation.
    pub fresh: Option<Timestamp>,
}

/// What the clock is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockCondition {
    /// As expected.
    Steady,
    /// Behind what is believed, by more than the tolerance.
    Behind {
        /// By how many seconds.
        by_s: u64,
    },
    /// Ahead of what is believed, by more than 48 hours and without proof.
    Ahead {
        /// By how many seconds.
        by_s: u64,
    },
    /// The mark was set back by something signed.
    Recovered,
}

/// The answer to an observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The time that licenses are judged at.
    pub now: Timestamp,
    /// What the clock is like.
    pub condition: ClockCondition,
    /// What to remember.
    pub mark: ClockMark,
}

impl ClockMark {
    /// The latest time that is believed.
    pub fn mark(&self) -> Option<Timestamp> {
        self.mark
    }

    /// Observes the clock.
    pub fn observe(&self, reading: &ClockReading) -> Observed {
        let floor = reading.proven.map_or(reading.built_at, |proven| proven.max(reading.built_at));
        let mark = self.mark.map_or(floor, |mark| mark.max(floor));
        let lead_s = moment::seconds_between(mark, reading.wall);
        if lead_s < -TOLERANCE_S {
            return self.behind(mark, lead_s.unsigned_abs(), reading);
        }
        let to_mark = |mark| ClockMark { mark: Some(mark), pending: None, resets: self.resets };
        if lead_s <= JUMP_S {
            // The clock may be up to an hour behind the mark, and that is the time then: half-open ends
            // are judged on the clock that people see.
            let now = reading.wall.max(floor);
            return Observed {
                now,
                condition: ClockCondition::Steady,
                mark: to_mark(mark.max(reading.wall)),
            };
        }
        let pending = self.continued(reading);
        let (needed_s, condition) = match self.mark {
            Some(_) => (SUSTAINED_S, ClockCondition::Ahead { by_s: lead_s.unsigned_abs() }),
            None => (FIRST_SUSTAINED_S, ClockCondition::Steady),
        };
        if pending.ran_s >= needed_s {
            return Observed {
                now: reading.wall,
                condition: ClockCondition::Steady,
                mark: to_mark(reading.wall),
            };
        }
        let mark = ClockMark { mark: self.mark, pending: Some(pending), resets: self.resets };
        Observed { now: reading.wall, condition, mark }
    }

    fn behind(&self, mark: Timestamp, by_s: u64, reading: &ClockReading) -> Observed {
        if let Some(fresh) = reading.fresh.filter(|fresh| *fresh < mark) {
            // The vendor's clock at signing is the best proof there is; where the wall is behind even
            // that, it is observed again from there.
            let proven = reading.proven.map_or(fresh, |proven| proven.max(fresh));
            let reset = ClockMark { mark: None, pending: None, resets: self.resets + 1 };
            let observed = reset.observe(&ClockReading { proven: Some(proven), fresh: None, ..*reading });
            return match observed.condition {
                ClockCondition::Steady => Observed { condition: ClockCondition::Recovered, ..observed },
                _ => observed,
            };
        }
        // Time goes on while the clock stands behind, or a license would last for as long as it does.
        let ran_s = i64::try_from(reading.elapsed.as_secs()).unwrap_or(i64::MAX);
        let mark = moment::later(mark, ran_s);
        let now = moment::later(mark, -TOLERANCE_S).max(reading.built_at);
        let now = reading.proven.map_or(now, |proven| now.max(proven));
        let kept = ClockMark { mark: Some(mark), pending: None, resets: self.resets };
        Observed { now, condition: ClockCondition::Behind { by_s }, mark: kept }
    }

    /// The jump that is seen: the one seen before, if the clock ran on from it, or a new one.
    fn continued(&self, reading: &ClockReading) -> Pending {
        let ran_s = reading.elapsed.as_secs();
        match self.pending {
            Some(before) => {
                let moved = moment::seconds_between(before.wall, reading.wall);
                let most = i64::try_from(ran_s).unwrap_or(i64::MAX).saturating_add(JUMP_S);
                if (-TOLERANCE_S..=most).contains(&moved) {
                    return Pending { wall: reading.wall, ran_s: before.ran_s.saturating_add(ran_s) };
                }
                Pending { wall: reading.wall, ran_s: 0 }
            }
            None => Pending { wall: reading.wall, ran_s: 0 },
        }
    }

    /// What two copies say together: the one that was reset more often, else the later mark,
    /// else the jump that was seen for longer.
    #[must_use]
    pub fn merged(&self, other: &ClockMark) -> ClockMark {
        let age = |copy: &ClockMark| (copy.resets, copy.mark, copy.pending);
        if age(other) > age(self) { other.clone() } else { self.clone() }
    }
}
