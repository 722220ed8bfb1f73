//! Refusals in the audit: each one counts, and a thousand of the same are two lines.
//!
//! The first refusal of a kind is recorded before it is told; the same again within a minute is
//! counted, and the count recorded when the minute is over. What makes a kind is bounded, too.

use super::super::register::{AuditEntry, audit_key};
use super::writer::Writer;
use rtmx_core::{Timestamp, vendor};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How long the same is only counted.
const WINDOW_S: i64 = 60;
/// Kinds at once; beyond, refusals are told apart by their code only.
const KIND_LIMIT: usize = 4_096;

/// What makes two refusals the same: code, license, installation, peer.
type Sort = (String, String, String, String);

/// The refusals of the last minute.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    kinds: Mutex<HashMap<Sort, (Timestamp, u64)>>,
}

impl Refusals {
    /// Counts a refusal; the line to record at once, if it is the first of its kind.
    fn count(&self, mut entry: AuditEntry) -> Option<AuditEntry> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let sort = |entry: &AuditEntry| match entry.detail == vendor::LICENSE_UNKNOWN.id() {
            // Whoever tries ids could make a kind of each.
            true => (entry.detail.clone(), String::new(), String::new(), entry.actor.clone()),
            false => {
                (entry.detail.clone(), entry.license.clone(), entry.installation.clone(), entry.actor.clone())
            }
        };
        if kinds.len() >= KIND_LIMIT && !kinds.contains_key(&sort(&entry)) {
            entry.license.clear();
            entry.installation.clear();
            "several".clone_into(&mut entry.actor);
        }
        match kinds.get_mut(&sort(&entry)) {
            Some((_, more)) => {
                *more += 1;
                None
            }
            None => {
                kinds.insert(sort(&entry), (entry.at, 0));
                Some(entry)
            }
        }
    }

    /// The counts whose minute is over.
    fn due(&self, now: Timestamp, all: bool) -> Vec<AuditEntry> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = Vec::new();
        kinds.retain(|(detail, license, installation, actor), (since, more)| {
            let over = all || now.as_second() - since.as_second() >= WINDOW_S;
            if over && *more > 0 {
                let mut entry = AuditEntry::new(now, "refused", actor).of(license).saying(detail.clone());
                entry.installation.clone_from(installation);
                entry.count = *more;
                due.push(entry);
            }
            !over
        });
        due
    }

    /// Records a refusal, or counts it.
    pub(super) async fn record(&self, writer: &Writer, entry: AuditEntry) {
        if let Some(entry) = self.count(entry) {
            // A register that cannot be written is said elsewhere; the line waits there.
            let _ = writer.record(audit_key(entry.at), Some(&entry)).await;
        }
    }

    /// Records the counts whose minute is over, or all of them at the end.
    pub(super) async fn flush(&self, writer: &Writer, now: Timestamp, all: bool) {
        for entry in self.due(now, all) {
            let _ = writer.record(audit_key(entry.at), Some(&entry)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("it is in range")
    }

    fn refusal(second: i64, license: &str) -> AuditEntry {
        AuditEntry::new(at(second), "refused", "192.0.2.1").of(license).saying("license_limit_reached")
    }

    #[test]
    fn a_thousand_of_the_same_are_two_lines() {
        let refusals = Refusals::default();
        assert_eq!(refusals.count(refusal(0, "a")), Some(refusal(0, "a")));
        assert_eq!((1..1000).filter_map(|n| refusals.count(refusal(n % 50, "a"))).count(), 0);
        assert_eq!(refusals.due(at(59), false), []);
        let due = refusals.due(at(60), false);
        assert_eq!((due.len(), due[0].count, due[0].license.as_str()), (1, 999, "a"));
        assert_eq!(refusals.due(at(61), true), []);
        assert!(refusals.count(refusal(61, "a")).is_some(), "a new minute begins");
    }

    #[test]
    fn whoever_tries_ids_makes_one_kind() {
        let refusals = Refusals::default();
        let tried = |n: u32| refusal(0, &format!("l{n}")).saying("license_unknown");
        assert_eq!((0..1_000).filter_map(|n| refusals.count(tried(n))).count(), 1);
        let due = refusals.due(at(60), false);
        assert_eq!((due.len(), due[0].count, due[0].license.as_str()), (1, 999, ""));
    }

    #[test]
    fn many_kinds_do_not_fill_the_memory() {
        let refusals = Refusals::default();
        let lines = (0..20_000).filter_map(|n| refusals.count(refusal(0, &format!("l{n}")))).count();
        assert_eq!(lines, KIND_LIMIT + 1);
        let counted: u64 = refusals.due(at(60), false).iter().map(|entry| entry.count).sum();
        assert_eq!(counted + lines as u64, 20_000, "each one counts");
    }
}
