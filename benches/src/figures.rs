//! What one measurement says.

use serde::Serialize;
use std::time::Duration;

/// Times of one question, asked many times.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// How often it was asked.
    pub count: usize,
    /// The middle time of one answer, in milliseconds.
    pub median_ms: f64,
    /// Of 100 answers 95 came within this time, in milliseconds.
    pub p95_ms: f64,
    /// The slowest, in milliseconds.
    pub slowest_ms: f64,
    /// From the first question to the last answer, in seconds.
    pub wall_seconds: f64,
    /// Processor time for one answer, in microseconds: of the server that was watched, or of the
    /// threads that read the file. `None` if no server was watched.
    pub cpu_us: Option<f64>,
    /// The size of the last answer's body, in bytes.
    pub body_bytes: usize,
}

impl Figures {
    /// Figures of the answers that took these times.
    pub fn of(
        mut times: Vec<Duration>,
        wall: Duration,
        cpu_nanos: Option<u64>,
        body_bytes: usize,
    ) -> Figures {
        times.sort_unstable();
        let millis = |at: usize| times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e3);
        let count = times.len();
        Figures {
            count,
            median_ms: millis(count / 2),
            p95_ms: millis((count * 95 / 100).min(count.saturating_sub(1))),
            slowest_ms: millis(count.saturating_sub(1)),
            wall_seconds: wall.as_secs_f64(),
            cpu_us: cpu_nanos.map(|nanos| nanos as f64 / 1e3 / count.max(1) as f64),
            body_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_slow_end_are_told_apart() {
        let times = (1..=100).rev().map(Duration::from_millis).collect();
        let found = Figures::of(times, Duration::from_secs(2), Some(1_000_000), 7);
        assert_eq!((found.count, found.median_ms, found.p95_ms, found.slowest_ms), (100, 51.0, 96.0, 100.0));
        assert_eq!(found.cpu_us, Some(10.0));
    }

    #[test]
    fn no_answer_is_no_panic() {
        assert_eq!(Figures::of(Vec::new(), Duration::ZERO, None, 0).median_ms, 0.0);
    }
}
