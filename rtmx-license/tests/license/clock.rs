//! The clock guard: what clocks in the field do, and what is made of it.

use crate::support::{DAY, at, plus};
use rtmx_core::Timestamp;
use rtmx_license::clock::{ClockCondition, ClockMark, ClockReading};
use std::time::Duration;

/// A machine: a clock on the wall that can be set, and a guard that looks at it.
struct Machine {
    wall: Timestamp,
    mark: ClockMark,
    proven: Option<Timestamp>,
}

const BUILT: &str = "2025-06-01T00:00:00Z";
const START: &str = "2026-01-01T00:00:00Z";

impl Machine {
    /// A machine whose license was issued when it was started.
    fn new() -> Machine {
        let mut machine = Machine { wall: at(START), mark: ClockMark::default(), proven: Some(at(START)) };
        assert_eq!(machine.look(0, None), (at(START), ClockCondition::Steady));
        machine
    }

    fn look(&mut self, elapsed_s: u64, fresh: Option<Timestamp>) -> (Timestamp, ClockCondition) {
        let observed = self.mark.observe(&ClockReading {
            wall: self.wall,
            elapsed: Duration::from_secs(elapsed_s),
            built_at: at(BUILT),
            proven: self.proven,
            fresh,
        });
        self.mark = observed.mark;
        (observed.now, observed.condition)
    }

    /// Lets time pass with a right clock, looked at every five minutes.
    fn run(&mut self, seconds: i64) -> (Timestamp, ClockCondition) {
        let mut last = (self.wall, ClockCondition::Steady);
        for _ in 0..seconds / 300 {
            self.wall = plus(self.wall, 300);
            last = self.look(300, None);
        }
        last
    }

    fn set(&mut self, seconds: i64) {
        self.wall = plus(self.wall, seconds);
    }
}

#[test]
fn small_steps_summer_time_and_leap_seconds_are_no_events() {
    for step in [-1, -60, -3600, 1, 60, 3600, 7200, 47 * 3600] {
        let mut machine = Machine::new();
        machine.run(10 * DAY);
        machine.set(step);
        let wall = machine.wall;
        assert_eq!(machine.look(0, None), (wall, ClockCondition::Steady), "{step}");
        assert_eq!(machine.run(3600).1, ClockCondition::Steady, "{step}");
    }
}

#[test]
fn a_clock_that_is_set_back_does_not_bring_time_back() {
    for back in [2 * 3600, 40 * DAY, 3000 * DAY] {
        let mut machine = Machine::new();
        machine.run(10 * DAY);
        let before = machine.wall;
        machine.set(-back);
        let (now, condition) = machine.look(0, None);
        assert_eq!(now, plus(before, -3600), "{back}");
        assert_eq!(condition, ClockCondition::Behind { by_s: u64::try_from(back).unwrap() }, "{back}");
        // Time goes on although the clock is wrong, or a license would never end.
        let (later, _) = machine.run(5 * DAY);
        assert_eq!(later, plus(before, 5 * DAY - 3600), "{back}");
        // Set right, it is as if nothing had been.
        machine.wall = plus(before, 5 * DAY + 10);
        let wall = machine.wall;
        assert_eq!(machine.look(10, None), (wall, ClockCondition::Steady), "{back}");
    }
}

#[test]
fn no_clock_is_below_the_build_or_what_was_signed() {
    for wall in
        ["1969-12-31T23:59:59Z", "-000001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2020-01-01T00:00:00Z"]
    {
        let mut machine = Machine { wall: at(wall), mark: ClockMark::default(), proven: None };
        let (now, condition) = machine.look(0, None);
        assert_eq!(now, at(BUILT), "{wall}");
        assert!(matches!(condition, ClockCondition::Behind { .. }), "{wall}");
        machine.proven = Some(at(START));
        assert_eq!(machine.look(0, None).0, at(START), "{wall}");
    }
}

#[test]
fn ten_years_ahead_and_back_leaves_nothing() {
    let mut machine = Machine::new();
    machine.run(10 * DAY);
    let before = machine.wall;
    machine.set(3650 * DAY);
    let wall = machine.wall;
    assert_eq!(machine.look(0, None), (wall, ClockCondition::Ahead { by_s: 3650 * 86_400 }));
    machine.run(DAY);
    machine.wall = plus(before, DAY);
    let wall = machine.wall;
    assert_eq!(machine.look(0, None), (wall, ClockCondition::Steady));
    assert_eq!(machine.mark.mark(), Some(wall));
}

#[test]
fn a_machine_that_was_off_for_long_is_believed_after_a_week_of_running() {
    let mut machine = Machine::new();
    machine.run(DAY);
    machine.set(90 * DAY);
    assert!(matches!(machine.run(6 * DAY).1, ClockCondition::Ahead { .. }));
    assert_eq!(machine.run(2 * DAY).1, ClockCondition::Steady);
    assert_eq!(machine.mark.mark(), Some(machine.wall));
    // Something signed that is as late is believed at once.
    let mut proven = Machine::new();
    proven.set(90 * DAY);
    proven.proven = Some(plus(proven.wall, -DAY));
    assert_eq!(proven.look(0, None).1, ClockCondition::Steady);
}

#[test]
fn the_first_clock_is_used_at_once_and_believed_after_a_day() {
    // Installed a year after the build, with nothing signed.
    let mut machine = Machine { wall: plus(at(START), 365 * DAY), mark: ClockMark::default(), proven: None };
    let wall = machine.wall;
    assert_eq!(machine.look(0, None), (wall, ClockCondition::Steady));
    assert_eq!(machine.mark.mark(), None);
    // Meanwhile it can be corrected by any step, as at a first start before the network.
    machine.set(-300 * DAY);
    let wall = machine.wall;
    assert_eq!(machine.look(300, None), (wall, ClockCondition::Steady));
    assert_eq!(machine.run(DAY), (machine.wall, ClockCondition::Steady));
    assert_eq!(machine.mark.mark(), Some(machine.wall));
    machine.set(-40 * DAY);
    assert!(matches!(machine.look(0, None).1, ClockCondition::Behind { .. }));
}

#[test]
fn a_jump_that_moves_about_is_never_believed() {
    let mut machine = Machine::new();
    for _ in 0..40 {
        machine.set(100 * DAY);
        assert!(matches!(machine.run(DAY).1, ClockCondition::Ahead { .. }));
    }
    assert_eq!(machine.mark.mark(), Some(at(START)));
}

#[test]
fn a_poisoned_mark_is_recovered_by_something_new_and_signed() {
    let mut machine = Machine::new();
    machine.set(3650 * DAY);
    machine.run(8 * DAY);
    let poisoned = machine.mark.clone();
    assert!(poisoned.mark().unwrap() > plus(at(START), 3000 * DAY), "believed after a week");
    machine.wall = plus(at(START), 20 * DAY);
    assert!(matches!(machine.look(0, None).1, ClockCondition::Behind { .. }));
    // A new license of that day.
    let wall = machine.wall;
    assert_eq!(machine.look(0, Some(plus(wall, -DAY))), (wall, ClockCondition::Recovered));
    assert_eq!(machine.look(0, None), (wall, ClockCondition::Steady));
    // The copy from before does not bring the poison back.
    assert_eq!(machine.mark.merged(&poisoned), machine.mark);
    assert_eq!(poisoned.merged(&machine.mark), machine.mark);
}

#[test]
fn a_wrong_clock_and_a_poisoned_mark_together_end_at_what_was_signed() {
    let mut machine = Machine::new();
    machine.set(3650 * DAY);
    machine.run(8 * DAY);
    machine.wall = at("1980-01-01T00:00:00Z");
    let fresh = plus(at(START), 20 * DAY);
    let (now, condition) = machine.look(0, Some(fresh));
    assert_eq!(now, fresh);
    assert!(matches!(condition, ClockCondition::Behind { .. }));
}

#[test]
fn flapping_between_two_times_ends_nothing() {
    let mut machine = Machine::new();
    machine.run(DAY);
    let right = machine.wall;
    for round in 0..1000 {
        machine.wall = if round % 2 == 0 { plus(right, -40 * DAY) } else { plus(right, 4000 * DAY) };
        machine.look(0, None);
    }
    machine.wall = right;
    assert_eq!(machine.look(0, None), (right, ClockCondition::Steady));
}
