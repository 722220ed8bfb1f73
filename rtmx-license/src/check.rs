//! The check: everything that a license mode does on its own machine.
//!
//! One function from what the host has (a key, a time, copies of the memory, what came along) to what
//! the host needs (a verdict, entitlements, bytes to store). Both modes share it, and it is pure.

use crate::clock::{ClockCondition, ClockReading, JUMP_S};
use crate::memory::{Confirmed, Kept, Memory};
use crate::moment;
use crate::state::{Circumstances, Presented, judge};
use crate::verdict::{Verdict, Warning, Why};
use crate::{
    DocumentType, Entitlements, InstallationKey, KeyRing, Lease, LeaseStatus, Profile, Readings, Refusal,
    RevocationList, Token, Verified, VerifiedLicense, newer_revocations, open, verify,
};
use rtmx_core::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest time between two checks.
pub const RECHECK: Duration = Duration::from_secs(300);

/// What the host passes in.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The clock on the wall.
    pub wall: Timestamp,
    /// The monotonic time since this process checked last; zero the first time.
    pub elapsed: Duration,
    /// The installation's key.
    pub installation: InstallationKey,
    /// The stored copies of the memory, from wherever there are any.
    pub memory: Vec<Vec<u8>>,
    /// The license that the host kept while it was in force, in any carrier: a witness that it was, where
    /// the memory is lost.
    pub kept: Option<Vec<u8>>,
    /// What identifies the place.
    pub readings: Readings,
    /// A revocation list that came along, such as with a bundle.
    pub revocations: Option<Vec<u8>>,
    /// Keysets that came along, oldest first.
    pub keysets: Vec<Vec<u8>>,
    /// What is in use, by the name of its limit; the license server is told.
    pub counts: BTreeMap<String, u64>,
    /// The program's version; the license server is told.
    pub version: String,
    /// Random bytes: a nonce and the jitter are made from them.
    pub random: [u8; 32],
}

impl Facts {
    /// Facts at a time, with nothing remembered and nothing that came along.
    pub fn new(wall: Timestamp, installation: InstallationKey) -> Facts {
        let readings = Readings::default().with_installation(&installation.public());
        Facts {
            wall,
            elapsed: Duration::ZERO,
            installation,
            memory: Vec::new(),
            kept: None,
            readings,
            revocations: None,
            keysets: Vec::new(),
            counts: BTreeMap::new(),
            version: "unknown".to_owned(),
            random: [0; 32],
        }
    }
}

/// What a check found.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What is said of the license.
    pub verdict: Verdict,
    /// What is allowed.
    pub entitlements: Entitlements,
    /// The license, if one was verified; also when it is not in force.
    pub license: Option<VerifiedLicense>,
    /// The lease in use.
    pub lease: Option<Verified<Lease>>,
    /// The revocation list in force.
    pub revocations: Option<Verified<RevocationList>>,
    /// The keys as they are now.
    pub ring: KeyRing,
    /// What is remembered.
    pub memory: Memory,
    /// What the host stores: `memory`, sealed. The same bytes as before if nothing changed.
    pub sealed: Vec<u8>,
}

impl Checked {
    /// When to check again.
    pub fn recheck_after(&self) -> Duration {
        let left = self.verdict.next_change.map(|at| moment::seconds_between(self.verdict.judged_at, at));
        let left =
            left.and_then(|left| u64::try_from(left).ok()).map(|left| Duration::from_secs(left.max(1)));
        left.map_or(RECHECK, |left| left.min(RECHECK))
    }
}

/// What an attempt to renew gave.
#[derive(Debug, Clone)]
pub struct Renewed {
    /// What the host stores; `None` if there was no news.
    pub sealed: Option<Vec<u8>>,
    /// Why there was no news, for the log; never a verdict.
    pub outage: Option<String>,
    /// When to ask again.
    pub again_after: Duration,
}

/// Checks licenses for one program.
#[derive(Debug, Clone)]
pub struct Checker {
    ring: KeyRing,
    profile: Profile,
}

impl Checker {
    /// A checker that begins with these keys.
    pub fn new(ring: KeyRing, profile: Profile) -> Checker {
        Checker { ring, profile }
    }

    /// The program.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Checks a license: `key` in any carrier, or nothing.
    pub fn check(&self, key: &[u8], facts: &Facts) -> Checked {
        self.check_with(key, facts, None)
    }

    /// Checks with a lease that was just accepted ([`crate::PendingLease::accept`]).
    pub fn check_with(
        &self,
        key: &[u8],
        facts: &Facts,
        arrived: Option<(&Verified<Lease>, &Token)>,
    ) -> Checked {
        let mut warnings = Vec::new();
        let stored = remembered(facts, &mut warnings);
        let mut memory = stored.clone();
        if let Some((lease, token)) = arrived {
            memory.keep_lease(lease.server_time, token.as_str().to_owned());
        }
        let ring = self.keys(facts, &mut memory, &mut warnings);
        let revocations = self.revocations(&ring, facts, &mut memory, &mut warnings);
        let presented = Presented::from(verify(&ring, key));
        let lease = lease(&ring, facts, &memory);
        let observed =
            self.clock(facts, &memory, &presented, lease.as_ref(), revocations.as_ref(), arrived.is_some());
        memory.clock = observed.mark;
        memory.hold_to(observed.now);
        if let Some(kept) = facts.kept.as_ref().and_then(|kept| verify(&ring, kept).ok())
            && self.profile.check(&kept).is_ok()
            && !memory.licenses.contains_key(&kept.license_id)
        {
            memory.remember(&kept, observed.now.min(moment::later(kept.expires_at, -1)), None);
        }
        let confirming = arrived.map(|(lease, _)| lease).filter(|lease| lease.status == LeaseStatus::Active);
        let confirmed = confirming.map(|lease| Confirmed::by(lease, observed.now));
        if let (Some(lease), Some(confirmed)) = (confirming, confirmed) {
            memory.confirm(&lease.license_id, confirmed);
        }
        let circumstances = Circumstances {
            profile: &self.profile,
            now: observed.now,
            clock: observed.condition,
            lease: lease.as_ref(),
            revocations: revocations.as_ref(),
            readings: &facts.readings,
            memory: &memory,
        };
        let mut verdict = judge(&presented, &circumstances);
        verdict.warnings.extend(warnings);
        let license = match presented {
            Presented::License(license) => Some(*license),
            Presented::Nothing | Presented::Refused(_) => None,
        };
        let confirmed = confirmed.filter(|_| {
            confirming.map(|lease| &lease.license_id) == license.as_ref().map(|license| &license.license_id)
        });
        remember(&mut memory, &verdict, license.as_ref(), &facts.readings, confirmed);
        if memory != stored {
            memory.writes = stored.writes.saturating_add(1);
        }
        let entitlements = Entitlements::effective(self.profile.entitlements, &verdict, license.as_ref());
        let sealed = memory.seal(&facts.installation);
        Checked { verdict, entitlements, license, lease, revocations, ring, memory, sealed }
    }

    /// The keys after what is remembered and what came along.
    fn keys(&self, facts: &Facts, memory: &mut Memory, warnings: &mut Vec<Warning>) -> KeyRing {
        // What was accepted once is not judged by its expiry again.
        let mut ring = match self.ring.advance(&memory.keysets, Timestamp::MIN) {
            Ok(ring) => ring,
            Err(refusal) => {
                warnings.push(Warning::refused("remembered keyset", &refusal));
                memory.keysets.clear();
                self.ring.clone()
            }
        };
        let known = |bytes: &&Vec<u8>| !memory.keysets.iter().any(|kept| kept.as_bytes() == bytes.as_slice());
        let new: Vec<&Vec<u8>> = facts.keysets.iter().filter(known).collect();
        if new.is_empty() {
            return ring;
        }
        match ring.advance(&new, facts.wall) {
            Ok(next) => {
                ring = next;
                let texts = new.into_iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
                memory.keysets.extend(texts.collect::<Vec<_>>());
            }
            Err(refusal) => warnings.push(Warning::refused("keyset", &refusal)),
        }
        ring
    }

    /// The revocation list in force: the one that is remembered, or a newer one that came along.
    fn revocations(
        &self,
        ring: &KeyRing,
        facts: &Facts,
        memory: &mut Memory,
        warnings: &mut Vec<Warning>,
    ) -> Option<Verified<RevocationList>> {
        let kept = memory.revocations.as_ref();
        let standing: Option<Verified<RevocationList>> =
            kept.and_then(|kept| open(ring, kept.token.as_bytes()).ok());
        let Some(arrived) = &facts.revocations else { return standing };
        let opened = open::<RevocationList>(ring, arrived).and_then(|list| {
            if list.product != self.profile.product {
                let (found, wanted) = (list.product.clone(), self.profile.product.clone());
                return Err(Refusal::WrongProduct { member: "product", found, wanted });
            }
            newer_revocations(standing.as_ref(), list)
        });
        match opened {
            Ok(list) => {
                let token = crate::carrier::token_of(arrived, DocumentType::RevocationList);
                if let Ok(token) = token.map(|token| token.as_str().to_owned()) {
                    memory.revocations =
                        Some(Kept { order: i64::try_from(list.seq).unwrap_or(i64::MAX), token });
                }
                Some(list)
            }
            Err(refusal) => {
                warnings.push(Warning::refused("revocation list", &refusal));
                standing
            }
        }
    }

    fn clock(
        &self,
        facts: &Facts,
        memory: &Memory,
        presented: &Presented,
        lease: Option<&Verified<Lease>>,
        revocations: Option<&Verified<RevocationList>>,
        lease_is_new: bool,
    ) -> crate::clock::Observed {
        // Only a license for this program is a witness. One that was signed later than the wall says is
        // not one yet: it waits for the clock (`license_not_yet_valid`).
        let license = match presented {
            Presented::License(license) if self.profile.check(license).is_ok() => Some(license),
            _ => None,
        };
        let own = license.map(|license| license.issued_at).filter(|issued_at| *issued_at <= facts.wall);
        let own = memory.proven().max(own);
        let new_license = license.and_then(|license| {
            let known = memory.licenses.get(&license.license_id);
            known.is_none_or(|known| license.seq > known.seq).then_some(license.issued_at)
        });
        let new_lease = lease.filter(|_| lease_is_new).map(|lease| lease.server_time);
        let reading = ClockReading {
            wall: facts.wall,
            elapsed: facts.elapsed,
            built_at: self.profile.built_at,
            proven: own,
            fresh: new_license.max(new_lease),
        };
        // The vendor's clock may be wrong as well, and then for every customer at once. It is asked where
        // this one is known to be behind; else it moves the time by no more than this one could by itself.
        let alone = memory.clock.observe(&ClockReading { fresh: new_license, ..reading });
        let latest = moment::later(alone.now, JUMP_S);
        let is_behind = matches!(alone.condition, ClockCondition::Behind { .. });
        let vendors = [lease.map(|lease| lease.server_time), revocations.map(|list| list.issued_at)];
        let vendors = vendors.into_iter().flatten().filter(|at| is_behind || *at <= latest).max();
        memory.clock.observe(&ClockReading { proven: own.max(vendors), ..reading })
    }
}

/// The copies of the memory that can be used, merged.
fn remembered(facts: &Facts, warnings: &mut Vec<Warning>) -> Memory {
    let mut memory: Option<Memory> = None;
    for copy in &facts.memory {
        match Memory::open(copy, &facts.installation) {
            Ok(opened) => memory = Some(memory.map_or(opened.clone(), |other| other.merged(&opened))),
            Err(refusal) => warnings.push(Warning::refused("copy of the license memory", &refusal)),
        }
    }
    memory.unwrap_or_default()
}

/// The last lease, if it is this installation's.
fn lease(ring: &KeyRing, facts: &Facts, memory: &Memory) -> Option<Verified<Lease>> {
    let lease: Verified<Lease> = open(ring, memory.lease.as_ref()?.token.as_bytes()).ok()?;
    (lease.installation_id == *facts.installation.id()).then_some(lease)
}

/// What the verdict leaves behind.
fn remember(
    memory: &mut Memory,
    verdict: &Verdict,
    license: Option<&VerifiedLicense>,
    readings: &Readings,
    confirmed: Option<Confirmed>,
) {
    let Some(license) = license else { return };
    // One that had ended when it came is remembered as such: shown again under a clock that was set back, it is
    // no news by which that clock would be believed.
    let came_late = verdict.state == crate::State::Restricted { why: Why::Expired }
        && !memory.licenses.contains_key(&license.license_id);
    if verdict.is_in_force() || came_late {
        memory.remember(license, verdict.judged_at, confirmed);
    }
    let unfit = matches!(license.binding.fit(readings), crate::Fit::Mismatch | crate::Fit::Unreadable);
    // A license that counts for nothing says nothing about the place.
    let counts = verdict.is_in_force()
        || matches!(
            verdict.state,
            crate::State::Restricted {
                why: Why::BindingMismatch | Why::BindingUnreadable | Why::Unconfirmed | Why::Expired
            }
        );
    if counts {
        memory.unfit_since = unfit.then(|| memory.unfit_since.unwrap_or(verdict.judged_at));
    }
}
