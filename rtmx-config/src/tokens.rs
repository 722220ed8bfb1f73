//! What stands in place of a secret where people compare configurations.
//!
//! A token says whether two secrets are equal, and nothing else. It is keyed, because the hash of a
//! password alone could be looked up: whoever has the token and not the key can try nothing. The key is
//! the caller's to keep; see `docs/adr/0025-tokens-of-secrets.md`.

use hmac::{Hmac, KeyInit, Mac};
use rtmx_core::Secret;
use sha2::Sha256;

/// How many bytes of the code are shown: enough to tell the secrets of one machine apart, and too few to
/// find a secret by, even for somebody who has the key.
const SHOWN_BYTES: usize = 3;
/// Separates these codes from any other use of the key.
const CONTEXT: &[u8] = b"rtmx-config secret token 1\0";

/// Makes tokens that are equal where secrets are equal, for as long as the key is the same.
#[derive(Debug, Clone)]
pub struct SecretTokens {
    key: Secret<[u8; 32]>,
}

impl SecretTokens {
    /// Tokens under a key of random bytes.
    pub fn new(key: Secret<[u8; 32]>) -> SecretTokens {
        SecretTokens { key }
    }

    /// The token of a secret, such as `[secret 3f9a1c]`.
    pub fn token(&self, secret: &str) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.key.expose()).expect("a key of this code has any length");
        mac.update(CONTEXT);
        mac.update(secret.as_bytes());
        let code = mac.finalize().into_bytes();
        let shown: String = code.iter().take(SHOWN_BYTES).map(|byte| format!("{byte:02x}")).collect();
        format!("[secret {shown}]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_secrets_have_equal_tokens_under_one_key_and_under_no_other() {
        let (here, elsewhere) =
            (SecretTokens::new(Secret::new([1; 32])), SecretTokens::new(Secret::new([2; 32])));
        assert_eq!(here.token("hunter2"), here.token("hunter2"));
        assert_ne!(here.token("hunter2"), here.token("hunter3"));
        assert_ne!(
            here.token("hunter2"),
            elsewhere.token("hunter2"),
            "a dictionary made elsewhere is no use"
        );
        assert_ne!(here.token(""), here.token("\0"));
        assert_eq!(format!("{here:?}"), "SecretTokens { key: [secret] }");
    }

    #[test]
    fn a_token_is_the_code_of_the_published_algorithm() {
        // printf 'rtmx-config secret token 1\0hunter2' | openssl dgst -sha256 -mac HMAC -macopt hexkey:07..07
        assert_eq!(SecretTokens::new(Secret::new([7; 32])).token("hunter2"), "[secret 844e28]");
    }
}
