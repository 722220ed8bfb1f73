//! The kit notices every broken license mode, by the cases that are meant to and by no others.

use rtmx_conformance::license::broken;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;

#[test]
fn each_broken_mode_fails_exactly_the_named_cases() {
    // The cases fail by panicking, which is what they are here for.
    std::panic::set_hook(Box::new(|_| {}));
    let waiting = Mutex::new(broken::every());
    let (surprises, seen) = (Mutex::new(Vec::new()), Mutex::new(BTreeSet::new()));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(broken) = waiting.lock().expect("no panic under the lock").pop() else { break };
                    let failing = broken.failing_cases();
                    if failing != broken.noticed_by || failing.is_empty() {
                        let surprise = format!("{:?} fails {failing:#?}", broken.flaw);
                        surprises.lock().expect("no panic under the lock").push(surprise);
                    }
                    seen.lock().expect("no panic under the lock").insert(format!("{:?}", broken.flaw));
                }
            });
        }
    });
    drop(std::panic::take_hook());
    let surprises = surprises.into_inner().expect("no panic under the lock");
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
    assert!(seen.into_inner().expect("no panic under the lock").len() >= 40, "fewer flaws than there were");
}

#[test]
fn each_law_is_broken_by_some_mode() {
    let noticed: BTreeSet<_> =
        broken::every().into_iter().flat_map(|broken| broken.noticed_by).copied().collect();
    let laws = rtmx_conformance::license::all();
    let unproven: Vec<_> = laws.iter().map(|case| case.id).filter(|id| !noticed.contains(id)).collect();
    assert!(unproven.is_empty(), "no flaw shows that these can fail: {unproven:?}");
    assert!(laws.len() >= rtmx_conformance::license::CASE_FLOOR);
}
