//! Who uses a license, and who may: one license with its installations, as a pure function of time.
//!
//! Who is there is never asked to leave: a known installation is answered whatever the counts say, and
//! what is beyond a limit is reported. Only a further one is refused, and while one replaces another,
//! a quarter more is let in for 15 minutes. A place is held until the lease ends that was given out, so
//! that an installation that nobody hears of any more frees it by itself.

use super::super::register::{Activation, LicenseRecord, Standing};
use rtmx_core::Timestamp;
use rtmx_license::{
    ActivationRequest, Fingerprint, Fit, KeyId, Kind, Lease, LeaseStatus, Limit, Readings, Refusal,
    RevocationList, SURGE_S, surge_limit,
};
use std::collections::BTreeMap;

/// The limit of live servers of all installations together.
const MAX_NODES: &str = "max_nodes";
/// The limit of installations; a license need not have it.
const MAX_INSTALLATIONS: &str = "max_installations";
/// Installations of one license, whatever it says: they are held in memory.
const MEMBER_LIMIT: usize = 10_000;
/// What is recorded of a renewal that brings nothing new may be this old.
const SAVE_EVERY_S: i64 = 3600;
/// Within this time after a surge there is no other.
const SURGE_PAUSE_S: i64 = 86_400;
/// A clock that goes back by less was only set right.
const CLOCK_STEP_S: i64 = 300;
/// That two use one identity is reported so often at most.
const REPORT_EVERY_S: i64 = 86_400;

/// An installation, and when it was recorded last.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) activation: Activation,
    pub(super) saved_at: Timestamp,
}

/// One license with its installations.
#[derive(Debug)]
pub(super) struct Seats {
    pub(super) license: LicenseRecord,
    /// The hash of each token that was issued, by its number.
    pub(super) hashes: BTreeMap<u64, String>,
    pub(super) members: BTreeMap<KeyId, Member>,
}

/// What is to be recorded of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Nothing new.
    Nothing,
    /// A renewal: with the next batch.
    Later,
    /// A new place: before it is told.
    First,
}

/// What the audit should say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    Activated,
    OverLimit { limit: u64, used: u64 },
    CloneSuspected { why: String },
}

/// An answer, to be signed.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) lease: Lease,
    pub(super) keep: Keep,
    pub(super) findings: Vec<Finding>,
    /// What the installation was before, to be put back if nothing can be recorded.
    pub(super) before: Option<Member>,
}

impl Seats {
    /// Answers a question of an installation, whose signature was checked.
    ///
    /// # Errors
    ///
    /// `license_limit_reached`, `license_binding_mismatch`, `license_binding_unreadable`, for an
    /// installation that has no place.
    pub(super) fn decide(
        &mut self,
        request: &ActivationRequest,
        revocations: Option<&RevocationList>,
        now: Timestamp,
    ) -> Result<Decision, Refusal> {
        let id = &request.installation_id;
        let before = self.members.get(id).cloned();
        let status = self.status(request, revocations);
        let revocation_seq = revocations.map_or(0, |list| list.seq);
        let mut lease = Lease {
            license_id: self.license.claims.license_id.clone(),
            seq: self.license.claims.seq,
            installation_id: id.clone(),
            nonce: request.nonce,
            server_time: now,
            lease_until: now,
            status,
            revocation_seq,
            limits: self.license.limits.clone(),
        };
        if status != LeaseStatus::Active {
            return Ok(Decision { lease, keep: Keep::Nothing, findings: Vec::new(), before });
        }
        let known = before.as_ref().filter(|member| member.activation.is_live(now));
        let fresh = known.is_none();
        let mut surge = known.and_then(|member| member.activation.surge_until);
        let mut findings = Vec::new();
        if fresh {
            self.check_binding(request)?;
            surge = self.admit(request, before.as_ref(), now)?;
            findings.push(Finding::Activated);
        } else if let Some(until) = surge {
            surge = self.still_surging(request, until, now)?;
        }
        let until =
            later(now, days(self.license.claims.max_offline_days)).min(self.license.claims.grace_until());
        lease.lease_until = surge.map_or(until, |surge| until.min(surge)).max(now);
        let previous = before.as_ref().map(|member| &member.activation);
        let mut activation = next_activation(request, previous.filter(|_| !fresh), &lease, surge);
        if let Some(finding) = suspected(&mut activation, previous, request, now) {
            findings.push(finding);
        }
        if let Limit::AtMost(limit) = self.node_limit() {
            let used = self.nodes_of_others(id, now).saturating_add(activation.nodes);
            let grew = previous.is_some_and(|previous| activation.nodes > previous.nodes);
            if used > limit && (fresh || grew) {
                findings.push(Finding::OverLimit { limit, used });
            }
        }
        let saved_at = before.as_ref().map_or(Timestamp::MIN, |member| member.saved_at);
        let keep = match previous {
            _ if fresh => Keep::First,
            Some(previous) if activation.surge_until != previous.surge_until => Keep::First,
            Some(previous) if activation.says_more_than(previous) => Keep::Later,
            _ if seconds(saved_at, now) >= SAVE_EVERY_S => Keep::Later,
            _ => Keep::Nothing,
        };
        let saved_at = if keep == Keep::Nothing { saved_at } else { now };
        self.members.insert(id.clone(), Member { activation, saved_at });
        Ok(Decision { lease, keep, findings, before })
    }

    /// The live servers of all installations together.
    pub(super) fn nodes(&self, now: Timestamp) -> u64 {
        self.live(now).map(|(_, activation)| activation.nodes).fold(0, u64::saturating_add)
    }

    /// The installations that hold a place.
    pub(super) fn live(&self, now: Timestamp) -> impl Iterator<Item = (&KeyId, &Activation)> {
        let all = self.members.iter().map(|(id, member)| (id, &member.activation));
        all.filter(move |(_, activation)| activation.is_live(now))
    }

    /// How many live servers there may be.
    pub(super) fn node_limit(&self) -> Limit {
        let claims = &self.license.claims;
        match (self.license.limits.get(MAX_NODES), claims.features.get("unlimited_nodes")) {
            (Some(most), _) => Limit::AtMost(*most),
            (None, Some(true)) => Limit::Unlimited,
            // Without a word about it, what everybody has: one.
            _ => Limit::AtMost(claims.limits.get(MAX_NODES).copied().unwrap_or(1).max(1)),
        }
    }

    fn status(&self, request: &ActivationRequest, revocations: Option<&RevocationList>) -> LeaseStatus {
        let id = &self.license.claims.license_id;
        let revoked = revocations.is_some_and(|list| {
            let token = self.hashes.get(&request.seq);
            list.product == self.license.claims.product
                && (list.licenses.binary_search(id).is_ok()
                    || token.is_some_and(|hash| list.tokens.binary_search(hash).is_ok())
                    || list.min_seq.get(id).is_some_and(|least| request.seq < *least))
        });
        match self.license.standing {
            _ if revoked => LeaseStatus::Revoked,
            Standing::Suspended => LeaseStatus::Suspended,
            Standing::Active => LeaseStatus::Active,
        }
    }

    fn check_binding(&self, request: &ActivationRequest) -> Result<(), Refusal> {
        let binding = &self.license.claims.binding;
        let found: Vec<_> = request.components.iter().filter_map(|text| Fingerprint::parse(text)).collect();
        match binding.fit(&Readings { found, absent: Vec::new() }) {
            Fit::Unbound | Fit::Matches => Ok(()),
            Fit::Unreadable => {
                Err(Refusal::BindingUnreadable { kinds: binding.kinds().into_iter().collect() })
            }
            Fit::Mismatch => Err(Refusal::BindingMismatch {
                bound: binding.components.clone(),
                here: request.components.clone(),
            }),
        }
    }

    /// Whether there is a place for a further installation; the end of its stay, if it is a surge.
    fn admit(
        &self,
        request: &ActivationRequest,
        before: Option<&Member>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Refusal> {
        let id = &request.installation_id;
        let others = self.live(now).filter(|(other, _)| *other != id).count();
        let most =
            self.license.limits.get(MAX_INSTALLATIONS).or(self.license.claims.limits.get(MAX_INSTALLATIONS));
        let most = most.copied().unwrap_or(u64::MAX).max(1).min(MEMBER_LIMIT as u64);
        let crowded = before.is_none() && self.members.len() >= MEMBER_LIMIT;
        if others as u64 >= most || crowded {
            let (limit, noun) = (MAX_INSTALLATIONS.to_owned(), "installations".to_owned());
            return Err(Refusal::LimitReached { limit, noun, allowed: most, used: others as u64 });
        }
        let used = self.nodes_of_others(id, now);
        let limit = self.node_limit();
        let wanted = used.saturating_add(nodes_of(request));
        // One that is alone counts its own servers, and is not cut off for them.
        if others == 0 || limit.allows(wanted) {
            return Ok(None);
        }
        let last = before.and_then(|member| member.activation.surge_until);
        let rested = last.is_none_or(|last| seconds(last, now) >= SURGE_PAUSE_S);
        if rested && surge_limit(limit).allows(wanted) {
            return Ok(Some(later(now, i64::try_from(SURGE_S).unwrap_or(i64::MAX))));
        }
        Err(full(limit, used))
    }

    /// Whether the surge is over, and with it the reason to count.
    fn still_surging(
        &self,
        request: &ActivationRequest,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Refusal> {
        let used = self.nodes_of_others(&request.installation_id, now);
        let limit = self.node_limit();
        if used == 0 || limit.allows(used.saturating_add(nodes_of(request))) {
            return Ok(None);
        }
        if now < until { Ok(Some(until)) } else { Err(full(limit, used)) }
    }

    fn nodes_of_others(&self, id: &KeyId, now: Timestamp) -> u64 {
        let others = self.live(now).filter(|(other, _)| *other != id);
        others.map(|(_, activation)| activation.nodes).fold(0, u64::saturating_add)
    }
}

impl Activation {
    /// Whether it holds a place.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        // What is recorded of a lease may be so much older than the lease. A surge is recorded at once.
        let slack = if self.surge_until.is_some() { 0 } else { SAVE_EVERY_S };
        now < later(self.lease_until, slack)
    }

    fn says_more_than(&self, before: &Activation) -> bool {
        self.seq != before.seq
            || self.version != before.version
            || self.nodes != before.nodes
            || self.counts != before.counts
            || self.place != before.place
            || self.clock_backs != before.clock_backs
    }
}

fn next_activation(
    request: &ActivationRequest,
    previous: Option<&Activation>,
    lease: &Lease,
    surge_until: Option<Timestamp>,
) -> Activation {
    Activation {
        since: previous.map_or(lease.server_time, |previous| previous.since),
        seen_at: lease.server_time,
        asked_at: request.issued_at,
        nonce: request.nonce,
        lease_until: lease.lease_until,
        surge_until,
        seq: request.seq,
        version: request.version.clone(),
        nodes: nodes_of(request),
        counts: request.counts.clone(),
        place: place_of(request),
        place_before: previous.and_then(|previous| previous.place_before.clone()),
        clock_backs: previous.map_or(0, |previous| previous.clock_backs),
        clone_reported_at: previous.and_then(|previous| previous.clone_reported_at),
    }
}

/// Looks for the signs of two that use one identity: a place that comes back while another asks, or a
/// time that goes back again and again.
fn suspected(
    activation: &mut Activation,
    previous: Option<&Activation>,
    request: &ActivationRequest,
    now: Timestamp,
) -> Option<Finding> {
    let previous = previous?;
    // The same question again: its answer was lost.
    if previous.nonce == request.nonce {
        return None;
    }
    let mut why = None;
    if seconds(request.issued_at, previous.asked_at) > CLOCK_STEP_S {
        activation.clock_backs = activation.clock_backs.saturating_add(1);
        if activation.clock_backs >= 2 {
            activation.clock_backs = 0;
            why = Some("its own time went back twice".to_owned());
        }
    }
    if activation.place != previous.place
        && let Some(left) = &previous.place
    {
        let returned = previous.place_before.as_ref().filter(|(place, at)| {
            Some(place) == activation.place.as_ref()
                && *at >= earlier(now, &previous.lease_until, &previous.seen_at)
        });
        if let Some((place, at)) = returned {
            why = Some(format!(
                "`{place}` asked at {at}, `{left}` at {}, and `{place}` again",
                previous.seen_at
            ));
        }
        activation.place_before = Some((left.clone(), previous.seen_at));
    }
    let reported = activation.clone_reported_at.is_some_and(|at| seconds(at, now) < REPORT_EVERY_S);
    let why = why.filter(|_| !reported)?;
    activation.clone_reported_at = Some(now);
    Some(Finding::CloneSuspected { why })
}

/// The begin of the time in which a lease of that length given now would still run.
fn earlier(now: Timestamp, lease_until: &Timestamp, seen_at: &Timestamp) -> Timestamp {
    later(now, -seconds(*seen_at, *lease_until).max(0))
}

/// Where an installation asks from: its cluster, whose machines come and go, or else its machine.
fn place_of(request: &ActivationRequest) -> Option<String> {
    let of = |kind: Kind| {
        let mut found = request.components.iter().filter_map(|text| Fingerprint::parse(text));
        found.find(|one| one.kind() == kind).map(|one| one.as_str().to_owned())
    };
    of(Kind::Cluster).or_else(|| of(Kind::Host))
}

/// The live servers of an installation: it has one at least, or it would not ask.
fn nodes_of(request: &ActivationRequest) -> u64 {
    request.counts.get(MAX_NODES).copied().unwrap_or(1).max(1)
}

fn full(limit: Limit, used: u64) -> Refusal {
    let allowed = match limit {
        Limit::AtMost(most) => most,
        Limit::Unlimited => u64::MAX,
    };
    Refusal::LimitReached { limit: MAX_NODES.to_owned(), noun: "live servers".to_owned(), allowed, used }
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(at.as_second().saturating_add(seconds)).unwrap_or(at)
}

fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second().saturating_sub(from.as_second())
}

fn days(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(0).saturating_mul(86_400)
}

#[cfg(test)]
#[path = "seats_tests.rs"]
mod tests;
