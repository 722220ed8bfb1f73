//! The clock: it is wrong now and then, and that is never a reason to stop, nor a way to go on.

use super::bench::{Bench, assert_licensed, assert_restricted};
use super::documents::{at, built_at, claims, signed};
use rtmx_core::Timestamp;
use rtmx_license::{Checked, License, Warning, Why};
use std::time::Duration;

fn is_behind(checked: &Checked) -> bool {
    checked.verdict.warnings.iter().any(|one| matches!(one, Warning::ClockBehind { .. }))
}

fn is_ahead(checked: &Checked) -> bool {
    checked.verdict.warnings.iter().any(|one| matches!(one, Warning::ClockAhead { .. }))
}

pub(super) async fn rollback_stops_nothing(mut bench: Bench) {
    let key = signed(&claims());
    let second = |second| Timestamp::from_second(second).expect("a time");
    // name, the clock after day 100, whether it is said
    let rows = [
        ("an hour", at(100, -3600), false),
        ("two hours", at(100, -7200), true),
        ("40 days", at(60, 0), true),
        ("before the license was issued", at(-1, 0), true),
        ("before the program was built", second(built_at().as_second() - 86_400), true),
        ("1970", second(0), true),
        ("1901", second(-2_177_452_800), true),
    ];
    for (name, wall, said) in rows {
        bench.stored.clear();
        bench.settle(&key, at(100, 0)).await;
        bench.restart().await;
        let checked = bench.check(&key, wall).await;
        assert_licensed(&checked, name);
        assert_eq!(is_behind(&checked), said, "{name}");
        assert!(checked.verdict.judged_at >= at(100, -3600), "{name}: {}", checked.verdict.judged_at);
        let later = bench.check(&key, at(100, 60)).await;
        assert!(!is_behind(&later) && !is_ahead(&later), "{name}: nothing stays behind");
    }
}

pub(super) async fn rollback_brings_nothing_back(mut bench: Bench) {
    let key = signed(&claims());
    let ended = bench.settle(&key, at(380, 0)).await;
    assert_restricted(&ended, Why::Expired, "the grace is over");
    for (name, wall) in [("two days", at(378, 0)), ("40 days", at(340, 0)), ("a year", at(15, 0))] {
        assert_restricted(&bench.look(&key, wall).await, Why::Expired, name);
        bench.restart().await;
        assert_restricted(&bench.look(&key, wall).await, Why::Expired, name);
    }
}

pub(super) async fn time_goes_on_while_the_clock_stands(mut bench: Bench) {
    let key = signed(&claims());
    bench.check(&key, at(300, 0)).await;
    bench.settle(&key, at(377, 0)).await;
    bench.next.elapsed = Duration::from_secs(3600);
    assert_licensed(&bench.check(&key, at(330, 0)).await, "two days of grace are left");
    // 50 hours of running, at a clock that was stopped on day 330.
    for _ in 0..50 {
        bench.check(&key, at(330, 0)).await;
    }
    assert_restricted(&bench.check(&key, at(330, 0)).await, Why::Expired, "the hours count");
}

pub(super) async fn ten_years_ahead_and_back(mut bench: Bench) {
    let key = signed(&claims());
    bench.settle(&key, at(100, 0)).await;
    for minute in 0..5 {
        let ahead = bench.check(&key, at(3750, minute * 60)).await;
        assert_restricted(&ahead, Why::Expired, "as long as the clock says so");
        assert!(is_ahead(&ahead), "and it is said");
        bench.next.elapsed = Duration::from_secs(60);
        bench.restart().await;
    }
    let back = bench.check(&key, at(100, 600)).await;
    assert_licensed(&back, "the clock was set right");
    assert!(!is_behind(&back) && !is_ahead(&back), "{:?}", back.verdict.warnings);
}

pub(super) async fn a_new_license_frees_a_poisoned_mark(mut bench: Bench) {
    let old = signed(&claims());
    assert_licensed(&bench.check(&old, at(90, 0)).await, "it was in force before");
    assert_restricted(&bench.settle(&old, at(3750, 0)).await, Why::Expired, "eight days in another decade");
    assert_restricted(&bench.check(&old, at(101, 0)).await, Why::Expired, "now the mark is wrong");
    let new = License { seq: 2, issued_at: at(101, 0), not_before: at(101, 0), ..claims() };
    let key = signed(&new);
    assert_licensed(&bench.check(&key, at(101, 60)).await, "the vendor's word is newer than the clock's");
    bench.restart().await;
    assert_licensed(&bench.check(&key, at(101, 120)).await, "and it is remembered");
}

pub(super) async fn small_steps_are_no_event(mut bench: Bench) {
    let key = signed(&claims());
    bench.settle(&key, at(100, 0)).await;
    // name, the clock
    let rows = [
        ("a leap second", at(100, -1)),
        ("and on", at(100, 5)),
        ("the end of summer time", at(100, -3595)),
        ("and on", at(100, 300)),
        ("the beginning of summer time", at(100, 3900)),
        ("a laptop that slept for two days", at(102, 3900)),
    ];
    for (name, wall) in rows {
        let checked = bench.check(&key, wall).await;
        assert_licensed(&checked, name);
        assert!(checked.verdict.warnings.is_empty(), "{name}: {:?}", checked.verdict.warnings);
    }
}
