//! The memory: it gets lost, cut and mixed up, and nobody is locked out by that.

use super::bench::{Bench, assert_licensed, assert_restricted};
use super::documents::{at, claims, online_claims, signed};
use rtmx_license::{License, Memory, Warning, Why};

pub(super) async fn damage_is_harmless(mut bench: Bench) {
    let keys = [("offline", signed(&claims())), ("online", signed(&online_claims()))];
    for (reach, key) in keys {
        bench.stored.clear();
        bench.check(&key, at(10, 0)).await;
        let good = bench.stored[0].clone();
        let foreign = foreign_copy(&bench, &key).await;
        let mut rows: Vec<(String, Vec<Vec<u8>>)> = vec![
            ("deleted".to_owned(), Vec::new()),
            ("empty".to_owned(), vec![Vec::new()]),
            ("of another form".to_owned(), vec![b"{\"writes\":99}".to_vec()]),
            ("five megabytes".to_owned(), vec![vec![b'x'; 5 << 20]]),
            ("another installation's".to_owned(), vec![foreign]),
        ];
        for part in 1..8 {
            let cut = good.len() * part / 8;
            rows.push((format!("cut at {cut}"), vec![good[..cut].to_vec()]));
            let mut turned = good.clone();
            turned[cut] ^= 1;
            rows.push((format!("a bit turned at {cut}"), vec![turned]));
        }
        for (name, stored) in rows {
            let name = format!("{reach}, {name}");
            bench.restart().await;
            bench.stored = stored;
            let present = !bench.stored.is_empty();
            let checked = bench.check(&key, at(11, 0)).await;
            assert_licensed(&checked, &name);
            let told = checked.verdict.warnings.iter().any(|one| matches!(one, Warning::Refused { .. }));
            assert_eq!(told, present, "{name}: {:?}", checked.verdict.warnings);
            Memory::open(&checked.sealed, &bench.installation).expect("what is stored next is whole");
        }
    }
}

async fn foreign_copy(bench: &Bench, key: &[u8]) -> Vec<u8> {
    let mut other = bench.another().await;
    other.next.installation = rtmx_license::InstallationKey::from_seed(&rtmx_core::Secret::new([0x22; 32]));
    other.check(key, at(10, 0)).await.sealed
}

pub(super) async fn a_good_copy_counts_beside_a_bad_one(mut bench: Bench) {
    let newer = signed(&License { seq: 2, ..claims() });
    let older = signed(&claims());
    bench.check(&newer, at(10, 0)).await;
    let good = bench.stored[0].clone();
    let mut bad = good.clone();
    bad.truncate(good.len() - 3);
    let before = {
        let mut fresh = bench.another().await;
        fresh.check(&older, at(9, 0)).await.sealed
    };
    let rows = [
        ("good, then bad", vec![good.clone(), bad.clone()]),
        ("bad, then good", vec![bad, good.clone()]),
        ("good, then older", vec![good.clone(), before.clone()]),
        ("older, then good", vec![before, good]),
    ];
    for (name, stored) in rows {
        bench.restart().await;
        bench.stored = stored;
        assert_restricted(&bench.look(&older, at(11, 0)).await, Why::Superseded, name);
        assert_licensed(&bench.look(&newer, at(11, 0)).await, name);
    }
}
