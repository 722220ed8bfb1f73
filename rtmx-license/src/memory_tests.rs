//! What copies of the memory say together does not depend on which is looked at first.

use super::*;
use proptest::prelude::*;

fn moment() -> impl Strategy<Value = Timestamp> {
    (1_790_000_000..1_790_000_003_i64).prop_map(|second| Timestamp::from_second(second).expect("it is near"))
}

/// Few values for each part, so that two copies often agree in what orders them and differ in the rest.
fn kept() -> impl Strategy<Value = Option<Kept>> {
    proptest::option::of((0..3_i64, "[ab]").prop_map(|(order, token)| Kept { order, token }))
}

fn remembered() -> impl Strategy<Value = Remembered> {
    let confirmed = (moment(), moment()).prop_map(|(at, until)| Confirmed { at, until });
    let parts = (0..3_u64, moment(), moment(), proptest::option::of(confirmed));
    parts.prop_map(|(seq, issued_at, first_seen, confirmed)| Remembered {
        seq,
        issued_at,
        first_seen,
        confirmed,
    })
}

/// A guard that looked at a clock some times; each reading is a wall and how long the process ran.
fn clock() -> impl Strategy<Value = ClockMark> {
    let reading = (0..6_i64, 0..3_u64, proptest::option::of(moment()));
    proptest::collection::vec(reading, 0..4).prop_map(|readings| {
        readings.into_iter().fold(ClockMark::default(), |mark, (days, ran, fresh)| {
            let second = 1_790_000_000 + days * 86_400;
            let wall = Timestamp::from_second(second).expect("it is near");
            let built_at = Timestamp::from_second(1_790_000_000).expect("it is near");
            let elapsed = std::time::Duration::from_secs(ran * 3600);
            mark.observe(&crate::clock::ClockReading { wall, elapsed, built_at, proven: None, fresh }).mark
        })
    })
}

fn memory() -> impl Strategy<Value = Memory> {
    let licenses = proptest::collection::btree_map("[xy]", remembered(), 0..3);
    let keysets = proptest::collection::vec("[kl]", 0..3);
    let parts = (0..3_u64, clock(), proptest::option::of(moment()), licenses, kept(), kept(), keysets);
    parts.prop_map(|(writes, clock, unfit_since, licenses, lease, revocations, keysets)| Memory {
        writes,
        clock,
        unfit_since,
        licenses,
        lease,
        revocations,
        keysets,
    })
}

proptest! {
    #[test]
    fn copies_say_the_same_in_any_order(one in memory(), two in memory(), three in memory()) {
        prop_assert_eq!(one.merged(&two), two.merged(&one));
        prop_assert_eq!(one.merged(&two).merged(&three), one.merged(&two.merged(&three)));
        prop_assert_eq!(one.merged(&one), one.clone());
        // What was merged once has nothing to learn from its parts.
        prop_assert_eq!(one.merged(&two).merged(&one), one.merged(&two));
    }
}

#[test]
fn a_lease_is_newer_than_the_one_before_whatever_the_servers_clock_says() {
    let second = |second| Timestamp::from_second(second).expect("it is a time");
    let mut memory = Memory::default();
    memory.keep_lease(second(2_000_000_000), "ahead".to_owned());
    let stale_copy = memory.clone();
    memory.keep_lease(second(1_790_000_000), "right".to_owned());
    for merged in [memory.merged(&stale_copy), stale_copy.merged(&memory)] {
        assert_eq!(merged.lease.map(|kept| kept.token), Some("right".to_owned()));
    }
}
