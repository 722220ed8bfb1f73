//! A thousand changes of one kind are a few lines in the log.

use super::super::said::{Said, Step};
use super::*;
use crate::licensing::sources::Origin;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

struct Counter {
    lines: Arc<AtomicU64>,
    level: tracing::Level,
}

impl<S: tracing::Subscriber> Layer<S> for Counter {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() <= self.level && event.metadata().target().contains("licensing") {
            self.lines.fetch_add(1, SeqCst);
        }
    }
}

fn counting(level: tracing::Level) -> (Arc<AtomicU64>, DefaultGuard) {
    let lines = Arc::new(AtomicU64::new(0));
    let counter = Counter { lines: Arc::clone(&lines), level };
    (lines, tracing::subscriber::set_default(tracing_subscriber::registry().with(counter)))
}

/// Counts the errors that are said about licenses from now on.
pub(super) fn counted() -> (Arc<AtomicU64>, DefaultGuard) {
    counting(tracing::Level::ERROR)
}

#[tokio::test(start_paused = true)]
async fn a_thousand_flaps_of_each_kind_are_a_few_lines() {
    const FLAPS: u64 = 1_000;
    let facts = |day: i64| {
        let wall = Timestamp::from_second(1_800_000_000 + day * DAY).unwrap();
        Facts::new(wall, rtmx_license::InstallationKey::from_seed(&Secret::new([7; 32])))
    };
    let check = |bytes: &[u8], day| checker().check(bytes, &facts(day));
    let license = text(&License { mode: Reach::Offline, ..claims() });
    let good = check(license.as_bytes(), 0);
    let bad = check(b"garbage", 0);
    let mut warned = good.clone();
    let damaged = Facts { memory: vec![b"damaged".to_vec()], ..facts(0) };
    warned.verdict.warnings.clone_from(&checker().check(license.as_bytes(), &damaged).verdict.warnings);
    assert!(good.verdict.is_in_force() && !bad.verdict.is_in_force());
    assert_ne!(good.verdict.warnings, warned.verdict.warnings);
    let other = [(Origin::File, "it is older".to_owned())];
    let full = || Err::<(), Error>(Error::new(codes::STORAGE_FULL, "the disk is full"));
    let minute = Duration::from_secs(60);

    type Flap<'a> = Box<dyn Fn(&mut Said, bool) + 'a>;
    let flap = |on: bool, said: &mut Said, one: &Checked, two: &Checked| {
        said.verdict(if on { one } else { two }, &[]);
    };
    // what comes and goes
    let kinds: [(&str, Flap<'_>); 5] = [
        ("the state", Box::new(|said, on| flap(on, said, &good, &bad))),
        ("a warning", Box::new(|said, on| flap(on, said, &warned, &good))),
        ("another license", Box::new(|said, on| said.verdict(&good, if on { &other } else { &[] }))),
        ("a failure", Box::new(|said, on| said.step(Step::Look, &if on { full() } else { Ok(()) }))),
        ("an outage", Box::new(|said, on| said.outage(on.then_some("it is away"), minute))),
    ];
    for (what, flap) in kinds {
        let (lines, guard) = counting(tracing::Level::INFO);
        let mut said = Said::default();
        for number in 0..FLAPS {
            flap(&mut said, number % 2 == 0);
            // 1,000 of them in three hours.
            tokio::time::advance(Duration::from_secs(11)).await;
        }
        drop(guard);
        let lines = lines.load(SeqCst);
        assert!((1..=60).contains(&lines), "{what}: {lines} lines of {FLAPS} changes");
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_said_then_is_said_later() {
    let checked = |bytes: &[u8]| {
        let facts = Facts::new(
            "2027-02-01T00:00:00Z".parse().unwrap(),
            rtmx_license::InstallationKey::from_seed(&Secret::new([7; 32])),
        );
        checker().check(bytes, &facts)
    };
    let license = text(&License { mode: Reach::Offline, ..claims() });
    let (good, bad) = (checked(license.as_bytes()), checked(b"garbage"));
    let mut said = Said::default();
    for _ in 0..100 {
        said.verdict(&good, &[]);
        said.verdict(&bad, &[]);
    }
    let (lines, _guard) = counting(tracing::Level::INFO);
    said.verdict(&good, &[]);
    assert_eq!(lines.load(SeqCst), 0, "there was enough for this hour");
    tokio::time::advance(Duration::from_secs(3600)).await;
    said.verdict(&good, &[]);
    assert_eq!(lines.load(SeqCst), 1, "what holds now");
    said.verdict(&good, &[]);
    assert_eq!(lines.load(SeqCst), 1);
}
