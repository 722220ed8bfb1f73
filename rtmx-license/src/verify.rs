//! Verifying and signing: the only ways between claims and tokens.
//!
//! The order never changes: size, form of the carrier, form of the token, key, signature, canonical
//! form, claims, span of the key, agreement of the carrier. Nothing of a payload is believed before
//! its signature was checked.

use crate::carrier::{self, Carried};
use crate::document::{Document, DocumentType, Verified};
use crate::ring::check_span;
use crate::{
    ActivationRequest, KeyId, KeyRing, Lease, License, Refusal, RevocationList, SigningKey, Token, Usage,
};
use crate::{PublicKey, canonical};

/// A license that was verified; it can be had from [`verify`] only.
pub type VerifiedLicense = Verified<License>;

/// The types of documents that one signature proves. A keyset needs several: [`KeyRing::advance`].
pub trait OneSignature: Document {
    /// The name of the key that must have signed, where the claims say so.
    #[doc(hidden)]
    fn signer(&self) -> Option<&KeyId> {
        None
    }
}

impl OneSignature for License {}
impl OneSignature for Lease {}
impl OneSignature for RevocationList {}
impl OneSignature for ActivationRequest {
    fn signer(&self) -> Option<&KeyId> {
        Some(&self.installation_id)
    }
}

/// Verifies a license in any carrier: bare, armoured, or the JSON document.
///
/// Time, product and place are not looked at here; [`crate::judge`] does.
///
/// # Errors
///
/// One [`Refusal`] for each way in which it can be wrong, with a stable code.
pub fn verify(ring: &KeyRing, bytes: &[u8]) -> Result<VerifiedLicense, Refusal> {
    open(ring, bytes)
}

/// Verifies a document of any type that one signature proves. An activation request is proven by the
/// key that it names, and the ring plays no part.
///
/// # Errors
///
/// As [`verify`].
pub fn open<D: OneSignature>(ring: &KeyRing, bytes: &[u8]) -> Result<Verified<D>, Refusal> {
    let Carried { token, shown } = carrier::read(bytes, D::TYPE)?;
    let verified = open_token::<D>(ring, &token)?;
    match shown {
        Some(shown) => shown.check(&verified).map(|()| verified),
        None => Ok(verified),
    }
}

/// Verifies a token that was taken apart before.
///
/// # Errors
///
/// As [`verify`].
pub fn open_token<D: OneSignature>(ring: &KeyRing, token: &Token) -> Result<Verified<D>, Refusal> {
    let Some(usage) = Usage::for_document(D::TYPE) else {
        let key = token.kid().installation_key()?;
        return proven(token, &key);
    };
    let key = ring.key(token.kid(), D::TYPE, usage)?;
    let verified = proven::<D>(token, &key.key)?;
    check_span(key, D::TYPE, verified.issued_at(), verified.hash())?;
    Ok(verified)
}

fn proven<D: OneSignature>(token: &Token, key: &PublicKey) -> Result<Verified<D>, Refusal> {
    let Some(payload) = token.payload(key, D::TYPE) else { return Err(not_proven(token, key, D::TYPE)) };
    let claims: D = canonical::decode(payload)?;
    if claims.signer().is_some_and(|signer| signer != token.kid()) {
        let why = "the document is about another installation";
        return Err(Refusal::KeyUsage { document: D::TYPE, kid: token.kid().clone(), why });
    }
    Ok(Verified::proven(claims, token.kid().clone(), token.hash()))
}

/// Tells a genuine document of another type from one that is not genuine.
pub(crate) fn not_proven(token: &Token, key: &PublicKey, wanted: DocumentType) -> Refusal {
    let claimed = canonical::claimed_type(token.unverified_payload());
    match claimed.filter(|found| *found != wanted && token.payload(key, *found).is_some()) {
        Some(found) => Refusal::WrongDocument { wanted, found },
        None => Refusal::BadSignature { document: wanted, kid: token.kid().clone() },
    }
}

/// Signs a document; claims that would be refused by [`open`] are not signed.
///
/// # Errors
///
/// `license_claims_invalid` with the claim; `license_key_usage` for an activation request whose
/// installation has another key.
pub fn sign<D: OneSignature>(key: &SigningKey, kid: &KeyId, claims: &D) -> Result<Token, Refusal> {
    if claims.signer().is_some_and(|signer| signer != kid || *kid != KeyId::of_installation(&key.public())) {
        let why = "the document is about another installation";
        return Err(Refusal::KeyUsage { document: D::TYPE, kid: kid.clone(), why });
    }
    let payload = canonical::encode(claims)?;
    Ok(Token::sign(key, kid, D::TYPE, &payload))
}
