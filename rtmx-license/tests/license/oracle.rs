//! The same tokens under another implementation of PASETO.

use crate::support::{LICENSE, forge, key, license, payload, ring, token};
use pasetors::keys::AsymmetricPublicKey;
use pasetors::token::UntrustedToken;
use pasetors::version4::{PublicToken, V4};
use pasetors::{Public, token::TrustedToken};
use rtmx_license::{Document, DocumentType, License, Token, verify};

fn theirs(
    seed: u8,
    text: &str,
    footer: &[u8],
    assertion: &str,
) -> Result<TrustedToken, pasetors::errors::Error> {
    let public = AsymmetricPublicKey::<V4>::from(key(seed).public().as_bytes())?;
    let token = UntrustedToken::<Public, V4>::try_from(text)?;
    PublicToken::verify(&public, &token, Some(footer), Some(assertion.as_bytes()))
}

const FOOTER: &[u8] = b"{\"kid\":\"license-1\"}";

#[test]
fn both_accept_what_either_signed_and_the_bytes_are_equal() {
    for length in [1, 2, 3, 10, 100, 200] {
        let mut claims = license();
        claims.organization = "x".repeat(length);
        let ours = token(&claims);
        let bytes = payload(&ours);
        let trusted = theirs(LICENSE.1, ours.as_str(), FOOTER, License::TYPE.assertion()).unwrap();
        assert_eq!(trusted.payload().as_bytes(), bytes);
        // Ed25519 has no randomness: two right implementations write the same token.
        assert_eq!(forge(LICENSE.1, &bytes, FOOTER, License::TYPE.assertion()), ours.as_str());
        verify(&ring(), ours.as_str().as_bytes()).unwrap();
    }
}

#[test]
fn both_refuse_another_assertion_footer_and_key() {
    let ours = token(&license());
    for document in DocumentType::ALL {
        let accepted = theirs(LICENSE.1, ours.as_str(), FOOTER, document.assertion()).is_ok();
        assert_eq!(accepted, document == DocumentType::License, "{document}");
        let crossed = forge(LICENSE.1, &payload(&ours), FOOTER, document.assertion());
        assert_eq!(
            verify(&ring(), crossed.as_bytes()).is_ok(),
            document == DocumentType::License,
            "{document}"
        );
    }
    assert!(theirs(LICENSE.1, ours.as_str(), b"{\"kid\":\"license-2\"}", License::TYPE.assertion()).is_err());
    assert!(theirs(9, ours.as_str(), FOOTER, License::TYPE.assertion()).is_err());
}

#[test]
fn what_they_refuse_we_refuse() {
    let ours = token(&license()).as_str().to_owned();
    let mut disagreed = Vec::new();
    for at in 0..ours.len() {
        let mut edited = ours.clone().into_bytes();
        edited[at] = if edited[at] == b'A' { b'B' } else { b'A' };
        let Ok(text) = String::from_utf8(edited) else { continue };
        let footer_ok = Token::parse(text.as_bytes(), DocumentType::License).is_ok();
        let we = verify(&ring(), text.as_bytes()).is_ok();
        let they = theirs(LICENSE.1, &text, FOOTER, License::TYPE.assertion()).is_ok();
        if we && !they {
            disagreed.push((at, footer_ok));
        }
        assert!(!we, "an edit at {at} was accepted");
    }
    assert_eq!(disagreed, []);
}
