//! How often somebody may ask: a bucket each, in a table that does not grow.
//!
//! A bucket fills with time up to a burst, and each request takes one. A full bucket says nothing that
//! a new one would not say, so full ones are forgotten when the table is; if none is, the newcomers
//! share one bucket, and those who are known keep theirs.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most buckets of one table: some 6 MB.
const BUCKET_LIMIT: usize = 65_536;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    level: f64,
    at: Instant,
}

/// The buckets of one kind of asker.
#[derive(Debug)]
pub(super) struct Throttle<K> {
    per_second: f64,
    burst: f64,
    limit: usize,
    table: Mutex<Table<K>>,
}

#[derive(Debug)]
struct Table<K> {
    buckets: HashMap<K, Bucket>,
    shared: Option<Bucket>,
    swept: Option<Instant>,
}

impl<K: Eq + Hash> Throttle<K> {
    /// So many a minute, and a burst of a sixth of it (10 seconds' worth), 5 at least.
    pub(super) fn per_minute(rate: u32) -> Throttle<K> {
        let rate = f64::from(rate);
        let table = Table { buckets: HashMap::new(), shared: None, swept: None };
        Throttle {
            per_second: rate / 60.0,
            burst: (rate / 6.0).max(5.0),
            limit: BUCKET_LIMIT,
            table: Mutex::new(table),
        }
    }

    /// Takes one, or says how long to wait for the next.
    pub(super) fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let full = Bucket { level: self.burst, at: now };
        let known = table.buckets.contains_key(&key);
        if !known && table.buckets.len() >= self.limit {
            // Looking through the whole table is done once a second at most, whoever asks for it.
            if table.swept.is_none_or(|at| now.saturating_duration_since(at) >= Duration::from_secs(1)) {
                table.buckets.retain(|_, bucket| self.level(*bucket, now) < self.burst);
                table.swept = Some(now);
            }
            if table.buckets.len() >= self.limit {
                return self.draw(table.shared.get_or_insert(full), now);
            }
        }
        self.draw(table.buckets.entry(key).or_insert(full), now)
    }

    fn level(&self, bucket: Bucket, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.level + passed * self.per_second).min(self.burst)
    }

    fn draw(&self, bucket: &mut Bucket, now: Instant) -> Result<(), Duration> {
        let level = self.level(*bucket, now);
        if level < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - level) / self.per_second));
        }
        *bucket = Bucket { level: level - 1.0, at: now };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let throttle = Throttle::per_minute(60);
        let start = Instant::now();
        let allowed = (0..100).filter(|_| throttle.take("a", start).is_ok()).count();
        assert_eq!(allowed, 10);
        let wait = throttle.take("a", start).expect_err("it is empty");
        assert!((Duration::from_millis(990)..=Duration::from_secs(1)).contains(&wait), "{wait:?}");
        assert!(throttle.take("b", start).is_ok(), "another one has a bucket of its own");
        let minute = (1..=60).filter(|s| throttle.take("a", start + Duration::from_secs(*s)).is_ok()).count();
        assert_eq!(minute, 60);
    }

    #[test]
    fn the_table_does_not_grow_and_those_who_are_known_are_served() {
        let mut throttle = Throttle::per_minute(60);
        throttle.limit = 100;
        let start = Instant::now();
        for key in 0..100 {
            assert!(throttle.take(key, start).is_ok());
        }
        let strangers = (1000..2000).filter(|key| throttle.take(*key, start).is_ok()).count();
        assert_eq!(strangers, 10, "they share one bucket");
        assert!(throttle.take(5, start).is_ok());
        assert_eq!(throttle.table.lock().expect("nobody failed").buckets.len(), 100);
        let later = start + Duration::from_secs(60);
        assert!(throttle.take(5000, later).is_ok());
        assert_eq!(throttle.table.lock().expect("nobody failed").buckets.len(), 1, "full ones are forgotten");
    }
}
