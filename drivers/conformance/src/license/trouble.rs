//! Trouble on the network: whatever happens there is no verdict.

use super::bench::{Bench, assert_licensed};
use super::documents::{at, online_claims, signed};
use super::vendor::{Mood, Trouble};
use rtmx_license::Warning;
use std::collections::BTreeSet;
use std::time::Duration;

const TROUBLES: [Trouble; 33] = [
    Trouble::HangsUp,
    Trouble::SaysNothing,
    Trouble::CutsTheBody,
    Trouble::DripsTheBody,
    Trouble::FloodsTheBody,
    Trouble::FloodsTheHead,
    Trouble::CompressesABomb,
    Trouble::Mumbles,
    Trouble::Empty,
    Trouble::UnsignedValid,
    Trouble::UnsignedRevoked,
    Trouble::CaptivePortal,
    Trouble::Redirects,
    Trouble::Status(201),
    Trouble::Status(204),
    Trouble::Status(301),
    Trouble::Status(307),
    Trouble::Status(400),
    Trouble::Status(401),
    Trouble::Status(402),
    Trouble::Status(403),
    Trouble::Status(404),
    Trouble::Status(410),
    Trouble::Status(429),
    Trouble::Status(500),
    Trouble::Status(503),
    Trouble::Replays,
    Trouble::OfAnotherLicense,
    Trouble::ForAnotherInstallation,
    Trouble::SignedByAStranger,
    Trouble::SignedWithTheLicenseKey,
    Trouble::BitTurned,
    Trouble::ALicense,
];

pub(super) async fn is_never_a_verdict(mut bench: Bench) {
    let key = signed(&online_claims());
    bench.check(&key, at(1, 0)).await;
    assert!(bench.renew(&key, at(1, 60)).await.sealed.is_some(), "an honest server confirms");
    let before = bench.check(&key, at(1, 120)).await;
    let token = String::from_utf8_lossy(&key).into_owned();
    for trouble in TROUBLES {
        bench.vendor().set_mood(Mood::Troubled(trouble));
        let renewed = bench.renew(&key, at(1, 180)).await;
        let outage = renewed.outage.unwrap_or_else(|| panic!("{trouble:?} is no answer"));
        assert!(!outage.is_empty() && outage.len() < 2_000, "{trouble:?}: {outage}");
        assert!(!outage.contains('\n') && !outage.contains(&token[..60]), "{trouble:?}: {outage}");
        assert!(renewed.sealed.is_none(), "{trouble:?}: there is nothing to remember");
        let again = renewed.again_after;
        assert!(again >= Duration::from_secs(1) && again <= Duration::from_secs(86_400), "{trouble:?}");
        let after = bench.look(&key, at(1, 120)).await;
        assert_eq!(after.verdict, before.verdict, "{trouble:?}");
        assert_eq!(after.entitlements, before.entitlements, "{trouble:?}");
        assert_eq!(after.sealed, before.sealed, "{trouble:?}");
        assert!(!bench.vendor().take_asked().is_empty(), "{trouble:?} never reached the server");
    }
    bench.vendor().set_mood(Mood::Honest);
    assert!(bench.renew(&key, at(1, 240)).await.sealed.is_some(), "trouble leaves nothing behind");
}

/// How often the network comes and goes.
const FLAPS: i64 = 1_000;
/// From one turn to the next.
const TURN_S: i64 = 6 * 3600;

/// What goes wrong besides, in which turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    Right,
    FortyDaysBack,
    TenYearsAhead,
}

fn clock(turn: i64) -> Clock {
    match turn {
        300..310 => Clock::FortyDaysBack,
        600..606 => Clock::TenYearsAhead,
        _ => Clock::Right,
    }
}

pub(super) async fn flaps_change_nothing(mut bench: Bench) {
    let key = signed(&online_claims());
    let troubles = [Trouble::HangsUp, Trouble::Status(503), Trouble::CaptivePortal, Trouble::CutsTheBody];
    let (mut said, mut confirmed) = (BTreeSet::new(), 0);
    for turn in 0..FLAPS {
        let real = at(0, 3600 + turn * TURN_S);
        let wall = match clock(turn) {
            Clock::Right => real,
            Clock::FortyDaysBack => at(-40, 3600 + turn * TURN_S),
            Clock::TenYearsAhead => at(3653, 3600 + turn * TURN_S),
        };
        let down = turn % 2 == 1;
        let trouble = troubles[usize::try_from(turn / 2).unwrap_or(0) % troubles.len()];
        bench.vendor().set_mood(if down { Mood::Troubled(trouble) } else { Mood::Honest });
        bench.vendor().set_time(real);
        let restarted = turn % 7 == 3;
        if restarted {
            bench.restart().await;
        }
        bench.next.elapsed = if restarted { Duration::ZERO } else { Duration::from_secs(21_600) };
        match turn % 37 {
            11 => bench.stored.clear(),
            23 => bench.stored.iter_mut().for_each(|copy| copy[30] ^= 4),
            _ => {}
        }
        let renewed = bench.renew_unset(&key, wall).await;
        assert_eq!(renewed.outage.is_some(), down, "turn {turn}: {renewed:?}");
        confirmed += i64::from(renewed.sealed.is_some());
        said.extend(renewed.outage);
        bench.next.elapsed = Duration::ZERO;
        let checked = bench.check(&key, wall).await;
        if clock(turn) == Clock::TenYearsAhead {
            assert!(!checked.verdict.is_in_force(), "turn {turn}: a clock that shows its end is believed");
        } else {
            assert_licensed(&checked, &format!("turn {turn}"));
        }
        // What a host would log: each thing once, whatever number is in it.
        said.extend(checked.verdict.warnings.iter().map(kind));
    }
    assert_eq!(confirmed, FLAPS / 2, "each time that the server was there");
    assert!(said.len() <= 16, "{} different things were said: {said:#?}", said.len());
}

fn kind(warning: &Warning) -> String {
    match warning {
        Warning::Expires { step, .. } => format!("expires, step {step}"),
        Warning::NotConfirmed { percent, .. } => format!("not confirmed, {percent} %"),
        Warning::ClockBehind { .. } => "clock behind".to_owned(),
        Warning::ClockAhead { .. } => "clock ahead".to_owned(),
        Warning::ServerClock { .. } => "the server's clock".to_owned(),
        other => other.to_string(),
    }
}
