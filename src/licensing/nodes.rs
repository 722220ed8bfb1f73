//! The seat of this server among those that share the database.
//!
//! Seats are leases, numbered from 0; a server takes the lowest that is free and tries for a lower one from
//! time to time. One whose number is beyond the limit makes nothing new, once a rolling update would be
//! over; who had a seat within the limit keeps its rights for as long as it lives, whatever becomes of the
//! license.

use crate::http::App;
use rtmx_core::{Cx, Result, storage};
use rtmx_license::{Limit, SURGE_S, surge_limit};
use rtmx_storage::{LeaseCall, LeaseRequest};
use std::time::{Duration, Instant};

/// How often a seat is held on to, and when it is given to others.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(20);
const TTL: Duration = Duration::from_secs(60);
/// How long a server may do everything whatever its number is: seats of servers that were killed are free
/// only after [`TTL`], and one that is started again and again must not be punished for it.
const SETTLING: Duration = Duration::from_secs(120);
/// More servers than this on one database are not told apart.
const SEATS: u64 = 1_000;
/// So many free seats in a row are the last ones.
const GAP: u64 = 3;
/// Who looks and holds nothing.
const NOBODY: &str = "nobody";

/// A server's seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Seat {
    /// Its number; `None` before one was taken.
    pub(crate) number: Option<u64>,
    /// Since when it is beyond the limit.
    pub(crate) beyond_since: Option<Instant>,
    /// Whether it was within the limit once.
    pub(crate) was_member: bool,
}

impl Seat {
    /// The same seat under a limit.
    pub(super) fn under(mut self, limit: Limit, now: Instant) -> Seat {
        let Some(number) = self.number else { return self };
        if limit.allows(number + 1) {
            (self.was_member, self.beyond_since) = (true, None);
        } else {
            self.beyond_since = self.beyond_since.or(Some(now));
        }
        self
    }

    /// Whether the server may make something new under a limit.
    pub(super) fn is_served(self, limit: Limit, now: Instant) -> bool {
        let Some(number) = self.number else { return true };
        let beyond = self.beyond_since.map_or(Duration::ZERO, |since| now.duration_since(since));
        let surges = surge_limit(limit).allows(number + 1) && beyond.as_secs() < SURGE_S;
        limit.allows(number + 1) || self.was_member || surges || beyond < SETTLING
    }
}

/// Takes a seat or holds on to it.
pub(super) async fn take(app: &App, cx: &Cx, holder: &str, seat: Seat) -> Result<Seat> {
    let last = seat.number.unwrap_or(SEATS);
    for number in 0..last {
        if call(app, cx, holder, number, LeaseCall::Acquire).await? {
            if let Some(before) = seat.number {
                call(app, cx, holder, before, LeaseCall::Release).await?;
            }
            return Ok(Seat { number: Some(number), ..seat });
        }
    }
    match seat.number {
        Some(number) if call(app, cx, holder, number, LeaseCall::Acquire).await? => Ok(seat),
        // It was lost while the database was away: another one at the next turn.
        _ => Ok(Seat { number: None, ..seat }),
    }
}

/// How many servers share the database now.
///
/// Giving back a lease that one does not hold answers how it stands and changes nothing, so that no list of
/// servers has to be kept. Numbers are taken from the lowest on, so a few free ones in a row are the end; who
/// sits beyond a gap moves down with its next heartbeat.
pub(super) async fn live(app: &App, cx: &Cx, seat: Seat) -> Result<u64> {
    if !app.storage.capability().multi_node {
        return Ok(u64::from(seat.number.is_some()));
    }
    let (mut live, mut free) = (0, 0);
    for number in 0..SEATS {
        let now = app.clock.now();
        let request = LeaseRequest {
            name: name(number),
            holder: NOBODY.to_owned(),
            call: LeaseCall::Release,
            ttl: TTL,
            now,
        };
        let standing = app.storage.lease(cx, &request).await?;
        if standing.holder.is_empty() || standing.expires_at <= now {
            free += 1;
        } else {
            (live, free) = (live + 1, 0);
        }
        if free == GAP {
            break;
        }
    }
    Ok(live)
}

/// Leaves, so that the next server need not wait for the end of the lease.
pub(super) async fn leave(app: &App, cx: &Cx, holder: &str, seat: Seat) {
    if let Some(number) = seat.number {
        // If it fails, the lease ends by itself.
        let _ = call(app, cx, holder, number, LeaseCall::Release).await;
    }
}

fn name(number: u64) -> String {
    format!("node/{number}")
}

/// Whether the lease is ours now.
async fn call(app: &App, cx: &Cx, holder: &str, number: u64, call: LeaseCall) -> Result<bool> {
    let request =
        LeaseRequest { name: name(number), holder: holder.to_owned(), call, ttl: TTL, now: app.clock.now() };
    match app.storage.lease(cx, &request).await {
        Ok(_) => Ok(true),
        Err(error) if error.code() == storage::LEASE_HELD => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_beyond_the_limit_serves_while_a_rolling_update_lasts_and_a_member_stays_one() {
        let now = Instant::now();
        let (settled, later) = (now + SETTLING, now + Duration::from_secs(SURGE_S));
        let at = |number| Seat { number: Some(number), ..Seat::default() };
        // seat, limit, when, served
        let cases = [
            (at(0), 1, later, true),
            (at(1), 1, settled, true),
            (at(1), 1, later, false),
            (at(2), 1, now, true),
            (at(2), 1, settled, false),
            (at(2), 3, later, true),
            (at(3), 3, settled, true),
            (at(3), 3, later, false),
            (Seat::default(), 1, later, true),
        ];
        for (seat, most, when, served) in cases {
            let limit = Limit::AtMost(most);
            let seat = seat.under(limit, now);
            assert_eq!(seat.is_served(limit, when), served, "{seat:?} of {most}");
        }
        let member = at(2).under(Limit::AtMost(3), now).under(Limit::AtMost(1), now);
        assert!(member.is_served(Limit::AtMost(1), later), "its license ended, and it lives on");
        assert!(at(2).under(Limit::Unlimited, now).is_served(Limit::Unlimited, later));
    }
}
