//! The three forms of one token.

use crate::support::{LICENSE, REVOCATION, at, license, ring, signed, token};
use rtmx_core::{Code, assert_code, license as codes};
use rtmx_license::carrier::{Carrier, armoured, json_document};
use rtmx_license::{BindingPolicy, DocumentType, Fingerprint, Kind, RevocationList, open, verify};

#[track_caller]
fn refused(text: impl AsRef<[u8]>, code: Code) -> String {
    let refusal = verify(&ring(), text.as_ref()).expect_err("it was to be refused");
    assert_code(&refusal, code);
    refusal.to_string()
}

#[test]
fn each_carrier_holds_the_same_license() {
    let token = token(&license());
    let bare = verify(&ring(), token.as_str().as_bytes()).unwrap();
    let armoured = armoured(&token, DocumentType::License);
    let json = json_document(&token).unwrap();
    for (carrier, text) in
        [(Carrier::Bare, token.as_str()), (Carrier::Armoured, &armoured), (Carrier::Json, &json)]
    {
        assert_eq!(Carrier::of(text.as_bytes()), carrier);
        assert_eq!(verify(&ring(), text.as_bytes()).unwrap(), bare, "{carrier:?}");
    }
}

#[test]
fn the_armoured_form_has_lines_of_64_and_takes_comments_and_windows_line_ends() {
    let text = armoured(&token(&license()), DocumentType::License);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "-----BEGIN RTMX LICENSE-----");
    assert_eq!(*lines.last().unwrap(), "-----END RTMX LICENSE-----");
    let body = &lines[1..lines.len() - 1];
    assert!(body[..body.len() - 1].iter().all(|line| line.len() == 64) && body.last().unwrap().len() <= 64);
    for form in [
        text.replace('\n', "\r\n"),
        format!("# Acme, until 2027\n# renewed\n\n{text}"),
        format!("\n\n{text}\n\n"),
        text.trim_end().to_owned(),
    ] {
        verify(&ring(), form.as_bytes()).expect("the same license");
    }
}

#[test]
fn an_armoured_form_that_was_edited_is_refused() {
    let text = armoured(&token(&license()), DocumentType::License);
    let body = text.lines().nth(1).unwrap();
    let cases = [
        format!("{text}more"),
        format!("{text}# comment"),
        format!("{text}{text}"),
        format!("before\n{text}"),
        text.replace("-----END RTMX LICENSE-----\n", ""),
        text.replace("BEGIN RTMX LICENSE", "BEGIN LICENSE"),
        text.replace("END RTMX LICENSE", "END RTMX LEASE"),
        text.replace("RTMX LICENSE", "RTMX LEASE"),
        text.replace(body, &format!("{body} ")),
        text.replace(body, &format!(" {body}")),
        text.replace(body, &format!("{}\n{}", &body[..32], &body[32..])),
        text.replace(body, &format!("{body}\n")),
        text.replace(body, &format!("{body}\n# comment")),
        text.replace(&format!("{body}\n"), body),
        text.replace('\n', "\\n"),
        text.replace('\n', " "),
        text.replace('-', "\u{2013}"),
    ];
    for case in cases {
        refused(&case, codes::LICENSE_MALFORMED);
    }
    refused("-----BEGIN RTMX LICENSE-----\n-----END RTMX LICENSE-----\n", codes::LICENSE_EMPTY);
    assert!(refused(text.replace('\n', "\\n"), codes::LICENSE_MALFORMED).contains("`\\n`"));
}

#[test]
fn the_json_document_is_the_one_of_the_requirements() {
    let host = Fingerprint::derive(Kind::Host, "0f1e2d3c4b5a69788796a5b4c3d2e1f0").unwrap().to_string();
    let claims = license().bound_to(BindingPolicy::Any, vec![host.clone()]);
    let token = token(&claims);
    let shown: serde_json::Value = serde_json::from_str(&json_document(&token).unwrap()).unwrap();
    let wanted = serde_json::json!({
        "license_id": "lic_abc123xyz", "organization": "Acme Corporation", "product": "RTMX",
        "edition": "enterprise", "issued_at": "2026-01-01T00:00:00Z", "expires_at": "2027-01-01T00:00:00Z",
        "features": {
            "max_tenants": 100, "max_users_per_tenant": 1000, "max_documents": 10_000_000, "max_nodes": 10,
            "sso_enabled": true, "audit_logging": true, "custom_models": true, "priority_support": true
        },
        "hardware_binding": {"enabled": true, "fingerprints": [host]},
        "signature": token.as_str()
    });
    assert_eq!(shown, wanted);
    // Order and spaces of what is shown are free.
    let reversed: serde_json::Map<_, _> = shown.as_object().unwrap().clone().into_iter().rev().collect();
    let verified = verify(&ring(), serde_json::to_string(&reversed).unwrap().as_bytes()).unwrap();
    assert_eq!(verified.claims(), &claims);
}

#[test]
fn each_readable_member_must_say_what_was_signed() {
    let good: serde_json::Value = serde_json::from_str(&json_document(&token(&license())).unwrap()).unwrap();
    let edits: [(&str, &str, serde_json::Value); 13] = [
        ("license_id", "/license_id", "lic_other".into()),
        ("organization", "/organization", "Evil".into()),
        ("product", "/product", "Hyyve Platform".into()),
        ("edition", "/edition", "team".into()),
        ("issued_at", "/issued_at", "2026-01-01T00:00:01Z".into()),
        ("issued_at", "/issued_at", "2026-01-01T01:00:00+01:00".into()),
        ("expires_at", "/expires_at", "2036-01-01T00:00:00Z".into()),
        ("features", "/features/max_nodes", 999.into()),
        ("features", "/features/max_nodes", true.into()),
        ("features", "/features/sso_enabled", false.into()),
        ("features", "/features/sso_enabled", 1.into()),
        ("hardware_binding", "/hardware_binding/enabled", true.into()),
        ("hardware_binding", "/hardware_binding/fingerprints", serde_json::json!(["fp1:host:x"])),
    ];
    for (member, pointer, value) in edits {
        let mut edited = good.clone();
        *edited.pointer_mut(pointer).unwrap() = value;
        let message = refused(edited.to_string(), codes::LICENSE_CARRIER_DISAGREES);
        assert!(message.contains(&format!("`{member}`")), "{message}");
    }
    let mut missing_feature = good.clone();
    missing_feature["features"].as_object_mut().unwrap().shift_remove("max_nodes");
    let refusal = verify(&ring(), missing_feature.to_string().as_bytes()).unwrap_err();
    assert_code(refusal, codes::LICENSE_CARRIER_DISAGREES);
}

#[test]
fn a_json_document_of_another_form_is_refused() {
    let good = json_document(&token(&license())).unwrap();
    let value: serde_json::Value = serde_json::from_str(&good).unwrap();
    for member in value.as_object().unwrap().keys() {
        let mut without = value.clone();
        without.as_object_mut().unwrap().shift_remove(member);
        refused(without.to_string(), codes::LICENSE_MALFORMED);
    }
    let mut list = value.clone();
    list["hardware_binding"] = serde_json::json!([false, []]);
    let cases = [
        list.to_string(),
        good.replace("\"edition\"", "\"sudo\": true, \"edition\""),
        good.replace("\"edition\": \"enterprise\"", "\"edition\": \"enterprise\", \"edition\": \"enterprise\""),
        good.replace("\"max_nodes\": 10", "\"max_nodes\": 999, \"max_nodes\": 10"),
        good.replace("\"max_nodes\": 10", "\"max_nodes\": 10.0"),
        good.replace("\"max_nodes\": 10", "\"max_nodes\": -10"),
        good.replace("\"max_nodes\": 10", "\"max_nodes\": \"10\""),
        good.replace("\"max_nodes\": 10", "\"max_nodes\": NaN"),
        format!("{good}{{}}"),
        format!("[{good}]"),
        good.replace("v4.public.", "v2.public."),
        // The example of the requirements, whose signature is no token.
        r#"{"license_id":"lic_abc123xyz","organization":"Acme Corporation","product":"Hyyve Platform","edition":"enterprise","issued_at":"2026-01-01T00:00:00Z","expires_at":"2027-01-01T00:00:00Z","features":{"max_tenants":100},"hardware_binding":{"enabled":true,"fingerprints":["hw_fp_123abc"]},"signature":"base64-encoded-ed25519-signature"}"#.to_owned(),
    ];
    for case in cases {
        refused(&case, codes::LICENSE_MALFORMED);
    }
    let mut empty = value;
    empty["signature"] = "".into();
    refused(empty.to_string(), codes::LICENSE_EMPTY);
}

#[test]
fn what_usually_happens_to_a_text_is_named() {
    let text = token(&license()).as_str().to_owned();
    let cases = [
        (format!("\"{text}\""), "quotes"),
        (format!("'{text}'"), "quotes"),
        (format!("\u{feff}{text}"), "byte order mark"),
        ("/etc/rtmx/license".to_owned(), "path"),
        ("./license.json".to_owned(), "path"),
        ("eyJhbGciOiJub25lIn0.e30.".to_owned(), "JSON web token"),
    ];
    for (text, word) in cases {
        let message = refused(&text, codes::LICENSE_MALFORMED);
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn other_documents_travel_bare_and_armoured_and_not_as_json() {
    let list = RevocationList {
        product: "RTMX".into(),
        seq: 3,
        issued_at: at("2026-01-01T00:00:00Z"),
        next_update: at("2026-02-01T00:00:00Z"),
        licenses: vec!["lic_a".into()],
        tokens: vec![],
        min_seq: Default::default(),
    };
    let token = signed(REVOCATION, &list);
    let armoured = armoured(&token, DocumentType::RevocationList);
    assert!(armoured.starts_with("-----BEGIN RTMX REVOCATION LIST-----\n"));
    let opened = open::<RevocationList>(&ring(), armoured.as_bytes()).unwrap();
    assert_eq!(opened.claims(), &list);
    let json = format!("{{\"signature\":\"{}\"}}", token.as_str());
    assert_code(open::<RevocationList>(&ring(), json.as_bytes()).unwrap_err(), codes::LICENSE_MALFORMED);
    let named = rtmx_license::carrier::armoured(&signed(LICENSE, &license()), DocumentType::Lease);
    let message = refused(named, codes::LICENSE_MALFORMED);
    assert!(message.contains("another type"), "{message}");
}
