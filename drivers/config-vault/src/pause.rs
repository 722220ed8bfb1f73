//! How long to wait before a question is asked again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3);

/// The wait after so many failures: doubled each time up to 3 s, with full jitter above a tenth, so that
/// replicas that failed together do not come back together.
pub(crate) fn pause(failures: u32) -> Duration {
    let mut random = [0; 4];
    // Without random numbers all wait equally long.
    let share = match getrandom::fill(&mut random) {
        Ok(()) => f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    };
    longest(failures).mul_f64(0.1 + 0.9 * share)
}

fn longest(failures: u32) -> Duration {
    FIRST.saturating_mul(2u32.saturating_pow(failures.saturating_sub(1))).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound_and_are_never_nothing() {
        assert_eq!([1, 2, 3].map(longest).map(|wait| wait.as_millis()), [100, 200, 400]);
        for failures in [0, 1, 6, 30, u32::MAX] {
            let wait = pause(failures);
            assert!(wait >= FIRST / 10 && wait <= LONGEST, "{failures}: {wait:?}");
        }
    }
}
