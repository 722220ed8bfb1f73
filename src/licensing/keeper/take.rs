//! What a vendor sends besides licenses, for a machine that no license server reaches: the next keyset, and
//! revocation lists.

use super::{CHECK_LIMIT, Keeper};
use crate::licensing::store;
use rtmx_core::{Code, Error, Result, Secret, license};
use rtmx_license::{DocumentType, Warning, carrier};

/// What is taken over.
const UPDATES: [DocumentType; 2] = [DocumentType::Keyset, DocumentType::RevocationList];

/// Refuses what is brought as a license and is something else of the vendor's.
///
/// # Errors
///
/// `license_wrong_document`.
pub(super) fn refuse_update(document: &[u8]) -> Result<()> {
    match carrier::kind_of(document).filter(|kind| UPDATES.contains(kind)) {
        Some(kind) => {
            Err(Error::new(license::LICENSE_WRONG_DOCUMENT, format!("this is a {kind}, and no license")))
        }
        None => Ok(()),
    }
}

impl Keeper {
    /// Takes over a keyset or a revocation list, if it is the vendor's and leads on from what is known.
    ///
    /// # Errors
    ///
    /// What is wrong with it; those of the storage. Then everything is as it was.
    pub(crate) async fn take(&mut self, document: Secret<Vec<u8>>) -> Result<DocumentType> {
        let bytes = document.expose();
        let is_update = |kind: &DocumentType| UPDATES.contains(kind);
        let kind = carrier::kind_of(bytes).filter(is_update).ok_or_else(|| {
            let message = "this is neither a keyset nor a revocation list";
            Error::new(license::LICENSE_WRONG_DOCUMENT, message)
        })?;
        let cx = self.app.cx(CHECK_LIMIT);
        let stored = store::read(&self.app, &cx).await?;
        let mut facts = self.facts(&stored)?;
        match kind {
            DocumentType::Keyset => facts.keysets = vec![bytes.clone()],
            _ => facts.revocations = Some(bytes.clone()),
        }
        let checked = self.mode.check(&cx, b"", &facts).await?;
        let refused = checked.verdict.warnings.iter().find_map(|warning| match warning {
            Warning::Refused { what, code, message } if *what == kind.to_string() => {
                Some((Code::find(code).unwrap_or(license::LICENSE_MALFORMED), message.clone()))
            }
            _ => None,
        });
        if let Some((code, message)) = refused {
            return Err(Error::new(code, message).with_state("the keys and revocations in use are unchanged"));
        }
        let before = Some(stored.memory_at);
        store::remember(&self.app, &cx, &stored.key, &checked.sealed, self.is_server, before).await?;
        self.check().await.map(|_| kind)
    }
}
