//! The refusal list: each input that must not be taken for a license gets its typed error.
//!
//! Tokens that the vendor's tool would not make are signed with the right key by `pasetors`, so that
//! only the rule under test can refuse them.

use crate::support::{
    ISSUED, LEASE, LICENSE, REVOCATION, at, forge, forged, installation, key, kid, license, payload, ring,
    signed, token,
};
use proptest::prelude::*;
use rtmx_core::{Code, assert_code, license as codes};
use rtmx_license::{
    DocumentType, KeyRing, Lease, LeaseStatus, License, Nonce, Refusal, RevocationList, Usage,
    VerifiedLicense, carrier, open, verify,
};

#[track_caller]
fn refused(bytes: impl AsRef<[u8]>, code: Code) -> Refusal {
    let refusal = verify(&ring(), bytes.as_ref()).expect_err("it was to be refused");
    assert_code(&refusal, code);
    refusal
}

#[test]
fn what_was_signed_is_verified_and_says_who_signed_it() {
    let token = token(&license());
    let verified: VerifiedLicense = verify(&ring(), token.as_str().as_bytes()).unwrap();
    assert_eq!(verified.claims(), &license());
    assert_eq!(verified.kid().as_str(), "license-1");
    assert_eq!(verified.hash(), token.hash());
}

#[test]
fn nothing_is_told_from_something_malformed() {
    for nothing in ["", " \n\t ", "null", "v4.public.", "v4.public"] {
        assert_code(verify(&ring(), nothing.as_bytes()).unwrap_err(), codes::LICENSE_EMPTY);
    }
    for malformed in ["v4.public..", "v4.public.AAAA", "hello", "0", "{}", "[]", "true", "\"\""] {
        refused(malformed, codes::LICENSE_MALFORMED);
    }
}

#[test]
fn sizes_are_checked_before_anything_is_decoded() {
    let text = token(&license()).as_str().to_owned();
    refused(format!("{text}{}", "A".repeat(16 * 1024)), codes::LICENSE_TOO_LARGE);
    refused(vec![b'A'; 16 * 1024 + 1], codes::LICENSE_TOO_LARGE);
    refused(vec![b' '; 32 * 1024 + 1], codes::LICENSE_TOO_LARGE);
    refused(vec![b'{'; 32 * 1024 + 1], codes::LICENSE_TOO_LARGE);
    refused(vec![0xff; 1 << 20], codes::LICENSE_TOO_LARGE);
    let (front, _) = text.rsplit_once('.').unwrap();
    refused(format!("{front}.{}", "A".repeat(101)), codes::LICENSE_TOO_LARGE);
    refused(forged(vec![b' '; 8 * 1024 + 1]), codes::LICENSE_TOO_LARGE);
}

#[test]
fn what_follows_or_precedes_a_token_is_refused() {
    let text = token(&license()).as_str().to_owned();
    for more in ["\0", ".", ".AAAA", "A", "=", &format!(" {text}"), &format!("\n{text}")] {
        refused(format!("{text}{more}"), codes::LICENSE_MALFORMED);
    }
    for before in ["\0", "x", "\u{feff}", "\"", "'"] {
        refused(format!("{before}{text}"), codes::LICENSE_MALFORMED);
    }
    for around in [" ", "\n", "\r\n", "\t"] {
        verify(&ring(), format!("{around}{text}{around}").as_bytes()).expect("spaces around are passed over");
    }
}

#[test]
fn base64_has_one_spelling() {
    let text = token(&license()).as_str().to_owned();
    let parts: Vec<&str> = text.split('.').collect();
    let with = |body: &str| format!("v4.public.{body}.{}", parts[3]);
    refused(with(&format!("{}=", parts[2])), codes::LICENSE_MALFORMED);
    refused(with(&format!("{}==", parts[2])), codes::LICENSE_MALFORMED);
    for (index, alien) in [(10, '+'), (11, '/'), (12, '\n'), (13, ' '), (14, '!'), (15, '\u{a0}')] {
        let mut body: String = parts[2].to_owned();
        body.replace_range(index..=index, &alien.to_string());
        refused(with(&body), codes::LICENSE_MALFORMED);
    }
    // Left-over bits: one of three lengths has them in the body, and the footer of this name does.
    let mut found = 0;
    for pad in ["a", "ab", "abc"] {
        let mut claims = license();
        claims.organization = pad.to_owned();
        let text = token(&claims).as_str().to_owned();
        let parts: Vec<&str> = text.split('.').collect();
        let last = parts[2].chars().last().unwrap();
        if !parts[2].len().is_multiple_of(4) {
            let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let next = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
            let body = format!("{}{next}", &parts[2][..parts[2].len() - 1]);
            refused(format!("v4.public.{body}.{}", parts[3]), codes::LICENSE_MALFORMED);
            found += 1;
        }
    }
    assert_eq!(found, 2, "two of three lengths leave bits over");
}

#[test]
fn only_one_prefix_is_taken() {
    let text = token(&license()).as_str().to_owned();
    let rest = text.strip_prefix("v4.public.").unwrap();
    for prefix in ["v4.local.", "v2.public.", "v3.public.", "V4.public.", "v4.PUBLIC.", "v4.public ", ""] {
        refused(format!("{prefix}{rest}"), codes::LICENSE_MALFORMED);
    }
    refused("eyJhbGciOiJub25lIn0.e30.", codes::LICENSE_MALFORMED);
    refused("eyJhbGciOiJFZERTQSJ9.e30.AAAA", codes::LICENSE_MALFORMED);
}

#[test]
fn the_footer_is_one_name_and_nothing_else() {
    let good = payload(&token(&license()));
    let assertion = DocumentType::License.assertion();
    let long = format!("{{\"kid\":\"{}\"}}", "a".repeat(65));
    let footers: [&[u8]; 16] = [
        b"{}",
        b"{\"kid\":\"\"}",
        b"{\"kid\":\"license-1\",\"kid\":\"license-1\"}",
        b"{\"kid\":\"license-1\",\"x\":1}",
        b"{\"kid\": \"license-1\"}",
        b" {\"kid\":\"license-1\"}",
        b"{\"kid\":1}",
        b"{\"kid\":{}}",
        b"{\"kid\":null}",
        b"{\"kid\":\"../license-1\"}",
        b"{\"kid\":\"' OR 1=1 --\"}",
        b"{\"kid\":\"LICENSE-1\"}",
        b"{\"kid\":\"license\\u002d1\"}",
        b"{\"KID\":\"license-1\"}",
        b"license-1",
        long.as_bytes(),
    ];
    for footer in footers {
        refused(forge(LICENSE.1, &good, footer, assertion), codes::LICENSE_MALFORMED);
    }
    let text = token(&license()).as_str().to_owned();
    let (without, _) = text.rsplit_once('.').unwrap();
    refused(without, codes::LICENSE_MALFORMED);
    refused(format!("{without}."), codes::LICENSE_MALFORMED);
    let huge = forge(LICENSE.1, &good, &vec![b'a'; 1 << 20], assertion);
    refused(huge, codes::LICENSE_TOO_LARGE);
}

#[test]
fn text_that_can_be_mistaken_is_refused_although_it_is_signed() {
    let good = String::from_utf8(payload(&token(&license()))).unwrap();
    for hostile in [
        "Ac\u{200d}me",
        "Ac\u{202e}me",
        "\u{feff}Acme",
        "Mu\u{308}ller",
        "Ac\u{7f}me",
        " Acme",
        "",
        "\u{e0041}",
    ] {
        refused(forged(good.replace("Acme Corporation", hostile)), codes::LICENSE_MALFORMED);
    }
    refused(forged(good.replace("sso_enabled", "ssо_enabled")), codes::LICENSE_MALFORMED);
    refused(forged(good.replace(":100,", ":１００,")), codes::LICENSE_MALFORMED);
    // A lone surrogate, and bytes that are no UTF-8.
    refused(forged(good.replace("Acme Corporation", "\\ud800")), codes::LICENSE_MALFORMED);
    let mut bytes = good.clone().into_bytes();
    let at = good.find("Acme").unwrap();
    bytes[at] = 0xff;
    refused(forged(bytes), codes::LICENSE_MALFORMED);
    let utf16: Vec<u8> = [0xfeff_u16]
        .into_iter()
        .chain(token(&license()).as_str().encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let refusal = refused(utf16, codes::LICENSE_MALFORMED);
    assert!(refusal.to_string().contains("UTF-16"), "{refusal}");
}

#[test]
fn a_known_name_with_another_key_is_a_bad_signature() {
    let stolen = rtmx_license::sign(&key(99), &kid("license-1"), &license()).unwrap();
    refused(stolen.as_str(), codes::LICENSE_BAD_SIGNATURE);
}

#[test]
fn an_unknown_name_is_answered_with_the_names_that_are_known() {
    let unknown = rtmx_license::sign(&key(LICENSE.1), &kid("license-9"), &license()).unwrap();
    let refusal = refused(unknown.as_str(), codes::LICENSE_UNKNOWN_KEY);
    assert!(
        refusal.to_string().contains("license-9") && refusal.to_string().contains("`license-1`"),
        "{refusal}"
    );
    assert!(!refusal.to_string().contains("lease-1"), "other usages are of no use here: {refusal}");
}

#[test]
fn each_key_signs_its_own_type_of_document_only() {
    for other in [LEASE, REVOCATION, crate::support::ROOT_A] {
        refused(signed(other, &license()).as_str(), codes::LICENSE_KEY_USAGE);
    }
}

fn lease() -> Lease {
    Lease {
        license_id: "lic_abc123xyz".into(),
        seq: 1,
        installation_id: installation(77).id().clone(),
        nonce: Nonce::from_random([7; 16]),
        server_time: at(ISSUED),
        lease_until: at("2026-01-05T00:00:00Z"),
        status: LeaseStatus::Active,
        revocation_seq: 0,
        limits: Default::default(),
    }
}

fn revocations() -> RevocationList {
    RevocationList {
        product: "RTMX".into(),
        seq: 1,
        issued_at: at(ISSUED),
        next_update: at("2026-02-01T00:00:00Z"),
        licenses: vec![],
        tokens: vec![],
        min_seq: Default::default(),
    }
}

#[test]
fn a_document_of_another_type_is_no_license_even_under_the_same_key() {
    let lease = signed(LICENSE, &lease());
    let refusal = refused(lease.as_str(), codes::LICENSE_WRONG_DOCUMENT);
    assert_eq!(refusal, Refusal::WrongDocument { wanted: DocumentType::License, found: DocumentType::Lease });
    refused(signed(LICENSE, &revocations()).as_str(), codes::LICENSE_WRONG_DOCUMENT);
    // The other way round, and a license's payload that was signed as a lease.
    let as_lease = open::<Lease>(&ring(), signed(LEASE, &license()).as_str().as_bytes()).unwrap_err();
    assert_code(&as_lease, codes::LICENSE_WRONG_DOCUMENT);
    let good = payload(&token(&license()));
    let crossed = forge(LICENSE.1, &good, b"{\"kid\":\"license-1\"}", DocumentType::Lease.assertion());
    refused(crossed, codes::LICENSE_BAD_SIGNATURE);
    // A lease's payload under the license's assertion: signed as a license, and none.
    refused(forged(payload(&lease)), codes::LICENSE_WRONG_DOCUMENT);
    refused(forge(LICENSE.1, &good, b"{\"kid\":\"license-1\"}", ""), codes::LICENSE_BAD_SIGNATURE);
}

#[test]
fn one_set_of_claims_has_one_encoding() {
    let good = String::from_utf8(payload(&token(&license()))).unwrap();
    verify(&ring(), forged(&good).as_bytes()).expect("the unchanged payload is accepted");
    let other_encodings = [
        good.replacen(':', ": ", 3),
        format!(" {good}"),
        format!("{good}\n"),
        good.replace("\"v\":1,\"license_id\":\"lic_abc123xyz\"", "\"license_id\":\"lic_abc123xyz\",\"v\":1"),
        good.replace("\"typ\":\"license\",\"v\":1", "\"v\":1,\"typ\":\"license\""),
        good.replace("Acme", "\\u0041cme"),
        good.replace("\"max_nodes\":10", "\"max_nodes\":10,\"max_nodes\":10"),
        good.replace("\"max_nodes\":10", "\"max_nodes\":10,\"max_nodes\":999999"),
        good.replace("\"max_nodes\":10", "\"max_nodes\":999999,\"max_nodes\":10"),
        good.replace("\"max_nodes\":10", "\"m\\u0061x_nodes\":999999,\"max_nodes\":10"),
        good.replace(
            "\"limits\":{\"max_documents\":10000000,\"max_nodes\":10",
            "\"limits\":{\"max_nodes\":10,\"max_documents\":10000000",
        ),
        good.replace("\"binding\":{\"policy\":\"off\",\"components\":[]}", "\"binding\":[\"off\",[]]"),
        good.replace("\"crit\":[]", "\"crit\":[ ]"),
    ];
    for payload in other_encodings {
        assert_ne!(payload, good, "the row changes nothing");
        assert_code(verify(&ring(), forged(&payload).as_bytes()).unwrap_err(), codes::LICENSE_NOT_CANONICAL);
    }
    refused(forged(good.replace("\"seq\":1,", "\"seq\":1,\"seq\":1,")), codes::LICENSE_MALFORMED);
}

#[test]
fn values_of_the_wrong_type_or_range_are_refused() {
    let good = String::from_utf8(payload(&token(&license()))).unwrap();
    let numbers = [
        "-1",
        "-0",
        "1.0",
        "1e2",
        "01",
        "+1",
        "9007199254740992",
        "9223372036854775808",
        "18446744073709551616",
        "NaN",
        "Infinity",
        "\"10\"",
        "true",
        "null",
        "[]",
        "{}",
        "0x10",
        "",
    ];
    for number in numbers.into_iter().chain([format!("1{}", "0".repeat(400)).as_str()]) {
        refused(
            forged(good.replace("\"max_nodes\":10", &format!("\"max_nodes\":{number}"))),
            codes::LICENSE_MALFORMED,
        );
        refused(
            forged(good.replace("\"grace_days\":14", &format!("\"grace_days\":{number}"))),
            codes::LICENSE_MALFORMED,
        );
    }
    let most = good.replace("\"max_nodes\":10", "\"max_nodes\":9007199254740991");
    verify(&ring(), forged(most).as_bytes()).expect("2^53 - 1 is the largest");
    for boolean in ["1", "0", "\"true\"", "null", "[]", "TRUE"] {
        refused(
            forged(good.replace("\"sso_enabled\":true", &format!("\"sso_enabled\":{boolean}"))),
            codes::LICENSE_MALFORMED,
        );
    }
    for whole in [
        "[]",
        "[1,{}]",
        "null",
        "1",
        "\"license\"",
        "",
        &"[".repeat(200),
        &"{\"a\":".repeat(1000),
        "{\"typ\":\"license\"}",
    ] {
        if !whole.is_empty() {
            refused(forged(whole), codes::LICENSE_MALFORMED);
        }
    }
    refused(forged(good.replace("\"grace_days\":14", "\"grace_days\":61")), codes::LICENSE_MALFORMED);
    refused(
        forged(good.replace("\"max_offline_days\":14", "\"max_offline_days\":0")),
        codes::LICENSE_MALFORMED,
    );
    refused(
        forged(good.replace("\"max_offline_days\":14", "\"max_offline_days\":366")),
        codes::LICENSE_MALFORMED,
    );
}

#[test]
fn names_and_maps_are_bounded() {
    let good = String::from_utf8(payload(&token(&license()))).unwrap();
    let limits = |entries: &str| good.replace("\"max_nodes\":10,", entries);
    let long = format!("\"{}\":1,", "m".repeat(65));
    for name in ["\"\":1,", long.as_str(), "\"Max\":1,", "\"a-b\":1,", "\"m x\":1,"] {
        let refusal = verify(&ring(), forged(limits(name)).as_bytes()).unwrap_err();
        let expected = [codes::LICENSE_MALFORMED.id(), codes::LICENSE_NOT_CANONICAL.id()];
        assert!(expected.contains(&refusal.as_ref()), "{name}: {refusal:?}");
    }
    let mut many = license();
    many.features = (0..64).map(|n| (format!("f{n:02}"), true)).collect();
    verify(&ring(), token(&many).as_str().as_bytes()).expect("64 entries are the most");
    many.features.insert("g".into(), true);
    assert_code(
        rtmx_license::sign(&key(3), &kid("license-1"), &many).unwrap_err(),
        codes::LICENSE_CLAIMS_INVALID,
    );
    let features: Vec<String> = (0..65).map(|n| format!("\"f{n:02}\":true")).collect();
    let start = good.find("\"features\":{").unwrap() + "\"features\":{".len();
    let end = start + good[start..].find('}').unwrap();
    refused(
        forged(format!("{}{}{}", &good[..start], features.join(","), &good[end..])),
        codes::LICENSE_MALFORMED,
    );
}

#[test]
fn every_member_is_needed_and_no_other_is_known() {
    let good: serde_json::Value = serde_json::from_slice(&payload(&token(&license()))).unwrap();
    let members: Vec<String> = good.as_object().unwrap().keys().cloned().collect();
    assert!(members.len() >= 19, "{members:?}");
    for member in &members {
        let mut without = good.clone();
        without.as_object_mut().unwrap().shift_remove(member);
        let refusal = refused(forged(without.to_string()), codes::LICENSE_MALFORMED);
        if !["typ", "v"].contains(&member.as_str()) {
            assert!(refusal.to_string().contains(&format!("missing member `{member}`")), "{refusal}");
        }
    }
    let mut more = good.clone();
    more["sudo"] = true.into();
    refused(forged(more.to_string()), codes::LICENSE_MALFORMED);
}

#[test]
fn versions_and_additions_that_must_be_understood_are() {
    let good = String::from_utf8(payload(&token(&license()))).unwrap();
    for version in ["0", "2", "9007199254740991"] {
        refused(forged(good.replace("\"v\":1,", &format!("\"v\":{version},"))), codes::LICENSE_UNSUPPORTED);
    }
    refused(forged(good.replace("\"v\":1,", "\"v\":\"1\",")), codes::LICENSE_MALFORMED);
    refused(forged(good.replace("\"typ\":\"license\"", "\"typ\":\"lease\"")), codes::LICENSE_WRONG_DOCUMENT);
    refused(forged(good.replace("\"typ\":\"license\"", "\"typ\":\"root\"")), codes::LICENSE_MALFORMED);
    let ext = |crit: &str| {
        good.replace("\"crit\":[],\"ext\":{}", &format!("\"crit\":[{crit}],\"ext\":{{\"region\":\"eu\"}}"))
    };
    verify(&ring(), forged(ext("")).as_bytes()).expect("an addition may be passed over");
    let must = forged(ext("\"region\""));
    assert_code(verify(&ring(), must.as_bytes()).unwrap_err(), codes::LICENSE_UNSUPPORTED);
    refused(forged(ext("\"absent\"")), codes::LICENSE_MALFORMED);
}

#[test]
fn moments_that_contradict_each_other_or_the_calendar_are_refused() {
    let good = String::from_utf8(payload(&token(&license()))).unwrap();
    let expires = "\"expires_at\":\"2027-01-01T00:00:00Z\"";
    for moment in [
        "\"2026-02-30T00:00:00Z\"",
        "\"1970-01-01T00:00:00Z\"",
        "\"9999-12-31T23:59:59Z\"",
        "\"10000-01-01T00:00:00Z\"",
        "\"2027-01-01T00:00:60Z\"",
        "\"2027-01-01T00:00:00+01:00\"",
        "\"2027-01-01T00:00:00z\"",
        "\"2027-01-01T00:00:00\"",
        "\"2027-01-01\"",
        "0",
        "1798761600",
        "null",
        // Not after `not_before`.
        "\"2026-01-01T00:00:00Z\"",
        "\"2025-12-31T23:59:59Z\"",
    ] {
        refused(forged(good.replace(expires, &format!("\"expires_at\":{moment}"))), codes::LICENSE_MALFORMED);
    }
}

#[test]
fn claims_that_would_be_refused_are_not_signed() {
    let mut cases: Vec<(&str, License)> = Vec::new();
    let mut with = |name, change: &dyn Fn(&mut License)| {
        let mut claims = license();
        change(&mut claims);
        cases.push((name, claims));
    };
    with("id", &|claims| claims.license_id = "a b".into());
    with("organization", &|claims| claims.organization = "a\u{202e}b".into());
    with("edition", &|claims| claims.edition = "Enterprise".into());
    with("expiry", &|claims| claims.expires_at = claims.not_before);
    with("grace", &|claims| claims.grace_days = 61);
    with("fraction", &|claims| claims.issued_at = at("2026-01-01T00:00:00.5Z"));
    with("integer", &|claims| _ = claims.limits.insert("max_nodes".into(), 1 << 53));
    with("both", &|claims| _ = claims.limits.insert("sso_enabled".into(), 1));
    with("termination", &|claims| claims.terminates_at = Some(claims.expires_at));
    with("size", &|claims| {
        claims.ext = (0..60).map(|n| (format!("e{n}"), "x".repeat(200))).collect();
    });
    for (name, claims) in cases {
        let refusal = rtmx_license::sign(&key(3), &kid("license-1"), &claims).expect_err(name);
        assert_code(&refusal, codes::LICENSE_CLAIMS_INVALID);
    }
}

#[test]
fn keys_of_an_embedder_stand_beside_the_vendors() {
    let own = key(50);
    let builder = KeyRing::builder("RTMX").trust("own-1", Usage::License, own.public().as_bytes()).unwrap();
    let ring = builder.build().unwrap();
    let token = rtmx_license::sign(&own, &kid("own-1"), &license()).unwrap();
    verify(&ring, token.as_str().as_bytes()).expect("a trusted key signed it");
    refused(token.as_str(), codes::LICENSE_UNKNOWN_KEY);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(verify(&ring(), &bytes).is_err());
    }

    #[test]
    fn no_signed_payload_makes_it_panic(text in ".{0,200}") {
        prop_assume!(!text.is_empty());
        prop_assert!(verify(&ring(), forged(&text).as_bytes()).is_err());
    }

    #[test]
    fn what_can_be_signed_can_be_verified(
        organization in "[A-Za-zäöüß株式]{1,40}", seq in 0..=(1_u64 << 53) - 1, grace in 0..=60_u64,
        limits in proptest::collection::btree_map("[a-z][a-z0-9_]{0,20}", 0..=(1_u64 << 53) - 1, 0..8),
    ) {
        let mut claims = license();
        (claims.organization, claims.seq, claims.grace_days, claims.limits) = (organization, seq, grace, limits);
        claims.features.clear();
        let token = token(&claims);
        let bare = verify(&ring(), token.as_str().as_bytes()).unwrap();
        prop_assert_eq!(bare.claims(), &claims);
        let armoured = carrier::armoured(&token, DocumentType::License);
        prop_assert_eq!(&verify(&ring(), armoured.as_bytes()).unwrap(), &bare);
        let json = carrier::json_document(&token).unwrap();
        prop_assert_eq!(&verify(&ring(), json.as_bytes()).unwrap(), &bare);
    }
}
