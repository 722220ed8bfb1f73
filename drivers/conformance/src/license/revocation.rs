//! Revocation lists and keysets that come along as files.

use super::bench::{Bench, assert_licensed, assert_restricted};
use super::documents::{Whose, at, claims, next_keyset, revocations, signed, signed_by, signed_list};
use rtmx_license::{Document, License, RevocationList, Token, Warning, Why};

pub(super) async fn a_list_acts_at_once_and_stays(mut bench: Bench) {
    let key = signed(&claims());
    let token = Token::parse(&key, License::TYPE).expect("a license").hash().to_string();
    let nobody = revocations(5, &[]);
    let rows = [
        ("by id", revocations(5, &["LIC-1"])),
        ("by hash", RevocationList { tokens: vec![token], ..nobody.clone() }),
        ("by number", RevocationList { min_seq: [("LIC-1".to_owned(), 2)].into(), ..nobody }),
    ];
    for (name, list) in rows {
        bench.stored.clear();
        assert_licensed(&bench.check(&key, at(2, 0)).await, name);
        bench.next.revocations = Some(signed_list(Whose::Revocation, &list));
        assert_restricted(&bench.check(&key, at(2, 60)).await, Why::Revoked, name);
        bench.next.revocations = None;
        bench.restart().await;
        assert_restricted(&bench.check(&key, at(2, 120)).await, Why::Revoked, name);
        bench.next.revocations = Some(signed_list(Whose::Revocation, &revocations(4, &[])));
        assert_restricted(&bench.check(&key, at(2, 180)).await, Why::Revoked, "an older list");
        bench.next.revocations = None;
        let other = signed(&License { license_id: "LIC-2".to_owned(), seq: 7, ..claims() });
        assert_licensed(&bench.check(&other, at(2, 240)).await, "another license");
    }
}

pub(super) async fn only_the_vendors_list_counts(mut bench: Bench) {
    let key = signed(&claims());
    let list = revocations(9, &["LIC-1"]);
    let mut turned = signed_list(Whose::Revocation, &list);
    turned[50] = if turned[50] == b'A' { b'B' } else { b'A' };
    let product = RevocationList { product: "OTHER".to_owned(), ..list.clone() };
    let rows = [
        ("a stranger's", signed_list(Whose::Stranger, &list)),
        ("the license key's", signed_list(Whose::License, &list)),
        ("changed", turned),
        ("another product's", signed_list(Whose::Revocation, &product)),
        ("unsigned", br#"{"revoked":["LIC-1"]}"#.to_vec()),
        ("a license", key.clone()),
        ("empty", Vec::new()),
    ];
    for (name, bytes) in rows {
        bench.next.revocations = Some(bytes);
        let checked = bench.check(&key, at(2, 0)).await;
        assert_licensed(&checked, name);
        let told = checked.verdict.warnings.iter().any(|one| matches!(one, Warning::Refused { .. }));
        assert!(told, "{name}");
    }
}

pub(super) async fn a_stale_list_stops_nothing(mut bench: Bench) {
    let key = signed(&claims());
    bench.next.revocations = Some(signed_list(Whose::Revocation, &revocations(1, &["LIC-7"])));
    let fresh = bench.check(&key, at(31, -1)).await;
    let stale = bench.check(&key, at(31, 0)).await;
    let is_stale = |one: &Warning| matches!(one, Warning::RevocationsStale { .. });
    assert!(!fresh.verdict.warnings.iter().any(is_stale) && stale.verdict.warnings.iter().any(is_stale));
    assert_licensed(&stale, "air-gapped sites get no newer one");
    let listed = signed(&License { license_id: "LIC-7".to_owned(), ..claims() });
    assert_restricted(&bench.check(&listed, at(90, 0)).await, Why::Revoked, "and the old one stays in force");
}

pub(super) async fn keysets_lead_to_new_keys(mut bench: Bench) {
    let (old, new) = (signed(&claims()), signed_by(Whose::NextLicense, &License { seq: 2, ..claims() }));
    assert_restricted(&bench.look(&new, at(1, 0)).await, Why::UnknownKey, "before the keyset");
    // Too few, or the wrong, signatures.
    for signers in [&[Whose::RootA][..], &[Whose::RootA, Whose::License], &[Whose::RootA, Whose::RootA]] {
        bench.next.keysets = vec![next_keyset(signers).into_bytes()];
        let name = format!("signed by {signers:?}");
        assert_restricted(&bench.check(&new, at(1, 0)).await, Why::UnknownKey, &name);
    }
    bench.next.keysets = vec![next_keyset(&[Whose::RootA, Whose::RootB]).into_bytes()];
    assert_licensed(&bench.check(&old, at(1, 60)).await, "the old key is still among them");
    assert_licensed(&bench.check(&new, at(1, 120)).await, "the new key");
    bench.next.keysets.clear();
    bench.restart().await;
    assert_licensed(&bench.check(&new, at(1, 180)).await, "it is remembered");
}
