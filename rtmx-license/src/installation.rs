//! The installation's own key: what it signs its questions with and seals its memory with.
//!
//! It is made once, kept with the data, and follows backup and restore. Its public half is the
//! installation's id, so that nobody has to be asked whose id it is.

use crate::{ActivationRequest, Fingerprint, KeyId, PublicKey, Refusal, SigningKey, Token, sign};
use hmac::{Hmac, KeyInit, Mac};
use rtmx_core::Secret;
use sha2::Sha256;

/// The key of one installation.
#[derive(Debug, Clone)]
pub struct InstallationKey {
    key: SigningKey,
    id: KeyId,
}

impl InstallationKey {
    /// The key that 32 random bytes are.
    pub fn from_seed(seed: &Secret<[u8; 32]>) -> InstallationKey {
        let key = SigningKey::from_seed(seed);
        let id = KeyId::of_installation(&key.public());
        InstallationKey { key, id }
    }

    /// The seed, for keeping it.
    pub fn seed(&self) -> Secret<[u8; 32]> {
        self.key.seed()
    }

    /// The installation's id: `ik-` and the public half in base 32.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.key.public()
    }

    /// The fingerprint of the kind `installation`.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_installation(&self.key.public())
    }

    /// Signs a question of this installation.
    ///
    /// # Errors
    ///
    /// `license_claims_invalid`; `license_key_usage` if it is about another installation.
    pub fn sign(&self, request: &ActivationRequest) -> Result<Token, Refusal> {
        sign(&self.key, &self.id, request)
    }

    /// The seal of the installation's memory; a purpose of its own, so that no seal is a signature.
    pub(crate) fn seal(&self, bytes: &[u8]) -> Hmac<Sha256> {
        let seed = self.key.seed();
        let mut derive =
            Hmac::<Sha256>::new_from_slice(seed.expose()).expect("HMAC takes keys of any length");
        derive.update(b"rtmx-license/memory/v1");
        let key = Secret::new(<[u8; 32]>::from(derive.finalize().into_bytes()));
        let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).expect("HMAC takes keys of any length");
        mac.update(bytes);
        mac
    }
}
