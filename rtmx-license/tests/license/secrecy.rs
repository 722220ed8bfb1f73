//! No message, log or debug print holds a token or a private key.

use crate::support::{LICENSE, at, facts, license, profile, ring, token};
use base64::Engine;
use rtmx_core::{Error, Secret};
use rtmx_license::{
    Checker, DocumentType, Entitlements, RTMX_ENTITLEMENTS, Refusal, SigningKey, Token, carrier, verify,
};

/// Every text that could end in a log.
fn texts(refusal: Refusal) -> Vec<String> {
    let shown = [refusal.to_string(), format!("{refusal:?}")];
    let error = Error::from(refusal);
    let causes = error.causes().join(" ");
    shown
        .into_iter()
        .chain([error.to_string(), format!("{error:?}"), causes, error.next().to_owned()])
        .collect()
}

#[test]
fn no_refusal_repeats_what_it_was_given() {
    let secret = token(&license()).as_str().to_owned();
    let json = carrier::json_document(&token(&license())).unwrap();
    let mut inputs = vec![
        secret.replace("v4.public.", "v4.local."),
        format!("\"{secret}\""),
        format!("{secret}.{secret}"),
        format!("{{\"{secret}\":1}}"),
        format!("{{\"license_id\":[\"{secret}\"]}}"),
        format!("{{\"signature\":{{\"{secret}\":1}}}}"),
        json.replace("\"edition\": \"enterprise\"", &format!("\"edition\": [\"{secret}\"]")),
        json.replace("\"enabled\": false", &format!("\"enabled\": \"{secret}\"")),
        json.replace("Acme", "Evil"),
        format!("-----BEGIN RTMX LICENSE-----\n{secret}\n-----END RTMX LICENSE-----"),
    ];
    inputs.extend((1..secret.len()).map(|end| secret[..end].to_owned()));
    for input in inputs {
        let Err(refusal) = verify(&ring(), input.as_bytes()) else {
            panic!("{} bytes were accepted", input.len())
        };
        for text in texts(refusal) {
            // Twelve characters of the token in a row, but for its prefix.
            let body = &secret["v4.public.".len()..];
            let leak = (0..body.len() - 12).find(|at| text.contains(&body[*at..*at + 12]));
            assert_eq!(leak, None, "{text}");
        }
    }
}

#[test]
fn hostile_text_cannot_forge_a_line_of_a_log() {
    let hostile = "x\nERROR forged line\u{202e}\u{1b}[31m";
    let inputs = [
        hostile.to_owned(),
        format!("{{\"{}\":1}}", hostile.escape_default()),
        format!("{{\"signature\":\"{}\"}}", hostile.escape_default()),
        crate::support::forged(format!(
            "{{\"typ\":\"license\",\"v\":1,\"{}\":1}}",
            hostile.replace('\n', "\\n")
        )),
        crate::support::forged(format!("{{\"typ\":\"{}\",\"v\":1}}", hostile.replace('\n', "\\n"))),
    ];
    for input in inputs {
        for text in texts(verify(&ring(), input.as_bytes()).unwrap_err()) {
            assert!(
                !text.chars().any(|c| c.is_control() || c == '\u{202e}') && !text.contains("forged"),
                "{text:?}"
            );
        }
    }
}

#[test]
fn debug_shows_names_and_hashes_only() {
    let token = token(&license());
    let shown = format!("{token:?}");
    assert!(shown.contains("license-1") && shown.contains(&token.hash().short()), "{shown}");
    let body = token.as_str();
    let parsed = Token::parse(body.as_bytes(), DocumentType::License).unwrap();
    let verified = verify(&ring(), body.as_bytes()).unwrap();
    let checked = Checker::new(ring(), profile()).check(body.as_bytes(), &facts(at("2026-02-01T00:00:00Z")));
    let json = serde_json::to_string(&checked.verdict).unwrap();
    let community = Entitlements::community(RTMX_ENTITLEMENTS);
    for text in [
        shown,
        format!("{parsed:?}"),
        format!("{verified:?}"),
        format!("{checked:?}"),
        json,
        format!("{community:?}"),
    ] {
        let end = body.len() - 40;
        assert!((10..end).step_by(7).all(|at| !text.contains(&body[at..at + 20])), "{text}");
    }
}

#[test]
fn private_keys_are_in_no_text() {
    let seed = *b"a private seed of 32 bytes here!";
    let key = SigningKey::from_seed(&Secret::new(seed));
    let installation = rtmx_license::InstallationKey::from_seed(&Secret::new(seed));
    let facts = rtmx_license::Facts::new(at("2026-02-01T00:00:00Z"), installation.clone());
    let base64 = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(seed);
    let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    let numbers = format!("{:?}", &seed[..4]);
    for text in
        [format!("{key:?}"), format!("{installation:?}"), format!("{facts:?}"), format!("{:?}", key.seed())]
    {
        for form in [base64.as_str(), hex.as_str(), numbers.trim_matches(['[', ']']), "private seed"] {
            assert!(!text.contains(form), "{text}");
        }
    }
    assert_eq!(key.seed().expose(), &seed);
    assert_eq!(format!("{:?}", crate::support::key(LICENSE.1)), "SigningKey([secret])");
}
